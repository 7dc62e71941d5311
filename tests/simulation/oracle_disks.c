// An agent's live state against what its disk would give back, at its death and now and then (P7). See oracle.h.
#include <string.h>

#include "tests/simulation/agent_inside.h"
#include "tests/simulation/oracle_inside.h"

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

// Tables have no order, so lines are compared sorted.
static const char *sorted_lines(struct arena *arena, const char *text)
{
    char *copy = arena_string(arena, text), **lines = NULL, *rest = copy;
    size_t count = 0, capacity = 0;
    for (char *line; (line = strsep(&rest, "\n"));)
        APPEND(lines, count, capacity) = line;
    qsort(lines, count, sizeof *lines, by_text);
    char *sorted = arena_string(arena, "");
    for (size_t i = 0; i < count; i++)
        sorted = arena_printf(arena, "%s%s\n", sorted, lines[i]);
    free(lines);
    return sorted;
}

static const char *printed(struct arena *arena, const struct agent_core *core)
{
    struct text text = {0};
    agent_core_print(core, &text);
    const char *sorted = sorted_lines(arena, text_string(&text));
    text_free(&text);
    return sorted;
}

static void copy_disk(const struct agent_disk *from, struct agent_disk *to, struct arena *arena)
{
    *to = (struct agent_disk){.arena = arena, .facts = from->facts};
    for (size_t i = 0; i < from->row_count; i++)
        APPEND(to->rows, to->row_count, to->row_capacity) = from->rows[i];
    for (size_t i = 0; i < from->tombstone_count; i++)
        APPEND(to->tombstones, to->tombstone_count, to->tombstone_capacity) = from->tombstones[i];
    for (size_t i = 0; i < from->event_count; i++)
        APPEND(to->events, to->event_count, to->event_capacity) = from->events[i];
}

static const char *printed_from_disk(struct agent_host *host, const struct agent_disk *disk, struct arena *arena)
{
    struct agent_output output = {.arena = arena};
    struct agent_core *core = agent_core_new();
    struct agent_input input = {.now_ns = 1, .wall_ns = 1};
    agent_disk_load(disk, &input, arena);
    input.start.self = catalogue_self(host, arena);
    agent_core_step(core, &input, &output);
    const char *text = printed(arena, core);
    agent_core_free(&core);
    agent_output_clear(&output);
    return text;
}

void oracle_agent_dies(struct agent_host *host)
{
    struct arena *arena = arena_new(0);
    struct agent_disk disk;
    copy_disk(&host->disk, &disk, arena);
    const char *problem = host->committing ? agent_disk_apply(&disk, &host->committing->output) : NULL;
    if (!problem)
        problem = agent_disk_apply(&disk, &host->gathering->output);
    if (problem) {
        world_fail(host->world, P7, "%s's batches do not fit its disk: %s", host->name, problem);
    } else if (disk.facts.epoch[0] && agent_core_epoch(host->core)[0]) { // else it had not begun
        const char *live = printed(arena, host->core), *loaded = printed_from_disk(host, &disk, arena);
        if (strcmp(live, loaded) != 0)
            world_fail(host->world, P7, "%s's are\n%sand\n%s", host->name, live, loaded);
    }
    agent_disk_end(&disk);
    arena_free(&arena);
}
