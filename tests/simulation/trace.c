// See trace.h.
#include "tests/simulation/trace.h"

#include <stdarg.h>
#include <string.h>

#include "common/base/map.h"
#include "tests/simulation/world.h"

void trace_begin(struct trace *trace, FILE *out, uint64_t begin_ns)
{
    *trace = (struct trace){.out = out, .begin_ns = begin_ns, .names = map_new()};
}

void trace_end(struct trace *trace)
{
    map_free(&trace->names);
}

bool trace_is_on(const struct world *world)
{
    return world->trace.out != NULL;
}

void trace_write(struct world *world, const char *who, const char *format, ...)
{
    struct trace *trace = &world->trace;
    va_list arguments;
    fprintf(trace->out, "%11.6f  %-12s ", (double)(world->now_ns - trace->begin_ns) / (double)NS_PER_S, who);
    va_start(arguments, format);
    vfprintf(trace->out, format, arguments);
    va_end(arguments);
    fputc('\n', trace->out);
}

static const char *name_of(struct world *world, char kind, const void *id, size_t bytes)
{
    struct trace *trace = &world->trace;
    char key[80];
    key[0] = kind;
    memcpy(key + 1, id, bytes < sizeof key - 1 ? bytes : sizeof key - 1);
    char *name = map_get(trace->names, key, bytes + 1);
    if (!name) {
        name = arena_printf(world->arena, "%c%llu", kind, (unsigned long long)++trace->counts[(unsigned char)kind % 128]);
        map_put(trace->names, key, bytes + 1, name);
    }
    return name;
}

const char *trace_number(struct world *world, char kind, uint64_t id)
{
    return id ? name_of(world, kind, &id, sizeof id) : "none";
}

const char *trace_text(struct world *world, char kind, const char *id)
{
    size_t bytes = strlen(id);
    return bytes ? name_of(world, kind, id, bytes < 64 ? bytes : 64) : "none";
}
