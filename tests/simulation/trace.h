// The trace of a run: one line per happening, nothing that depends on the machine. Ids of 64 and 128 bits are shown as numbers in the order
// of their first appearance ("session s1", "epoch e2"), so that a trace can be read.
#ifndef PANTHER_TESTS_SIMULATION_TRACE_H
#define PANTHER_TESTS_SIMULATION_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct world;
struct map;

struct trace {
    FILE *out; // NULL: nothing is written
    bool with_heartbeats;
    uint64_t begin_ns; // shown as 0
    struct map *names; // kind and id -> number
    uint64_t counts[128];
};

void trace_begin(struct trace *trace, FILE *out, uint64_t begin_ns);
void trace_end(struct trace *trace);
bool trace_is_on(const struct world *world);
void trace_write(struct world *world, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));
// "s1": borrowed until the next few calls.
const char *trace_number(struct world *world, char kind, uint64_t id);
const char *trace_text(struct world *world, char kind, const char *id);

// The arguments are not looked at when there is no trace.
#define TRACE(world, who, ...)                                                                                                             \
    do {                                                                                                                                   \
        if (trace_is_on(world))                                                                                                            \
            trace_write((world), (who), __VA_ARGS__);                                                                                      \
    } while (0)

#endif
