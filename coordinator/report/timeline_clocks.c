#include "coordinator/report/timeline_clocks.h"

#include <stdlib.h>

#include "common/base/map.h"
#include "common/base/memory.h"

// Anchors of one host in the order of its clock. latest and earliest: no later one stands before, no earlier one behind.
struct host {
    struct timeline_anchor *anchors;
    int64_t *latest_ns, *earliest_ns;
    size_t count, capacity;
    bool is_sorted;
};

struct timeline_clocks {
    struct map *hosts; // by agent
};

struct timeline_clocks *timeline_clocks_new(void)
{
    struct timeline_clocks *clocks = NEW(struct timeline_clocks);
    clocks->hosts = map_new();
    return clocks;
}

void timeline_clocks_free(struct timeline_clocks **pointer)
{
    struct timeline_clocks *clocks = *pointer;
    if (!clocks) {
        return;
    }
    *pointer = NULL;
    for (struct map_entry *entry = map_first(clocks->hosts); entry; entry = map_next(clocks->hosts, entry)) {
        struct host *host = entry->value;
        free(host->anchors);
        free(host->latest_ns);
        free(host->earliest_ns);
        free(host);
    }
    map_free(&clocks->hosts);
    free(clocks);
}

void timeline_clocks_learn(struct timeline_clocks *clocks, const char *agent, const struct timeline_anchor *anchor)
{
    struct host *host = map_get_text(clocks->hosts, agent);
    if (!host) {
        host = NEW(struct host);
        map_put_text(clocks->hosts, agent, host);
    }
    APPEND(host->anchors, host->count, host->capacity) = *anchor;
    host->is_sorted = false;
}

static int compare(const void *left, const void *right)
{
    const struct timeline_anchor *a = left, *b = right;
    if (a->boottime_ns != b->boottime_ns) {
        return a->boottime_ns < b->boottime_ns ? -1 : 1;
    }
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

static void sort(struct host *host)
{
    qsort(host->anchors, host->count, sizeof *host->anchors, compare);
    host->latest_ns = memory_grow(host->latest_ns, host->count, sizeof *host->latest_ns);
    host->earliest_ns = memory_grow(host->earliest_ns, host->count, sizeof *host->earliest_ns);
    for (size_t i = 0; i < host->count; i++) {
        int64_t time = host->anchors[i].time_ns;
        host->latest_ns[i] = i && host->latest_ns[i - 1] > time ? host->latest_ns[i - 1] : time;
    }
    for (size_t i = host->count; i-- > 0;) {
        int64_t time = host->anchors[i].time_ns;
        host->earliest_ns[i] = i + 1 < host->count && host->earliest_ns[i + 1] < time ? host->earliest_ns[i + 1] : time;
    }
    host->is_sorted = true;
}

static int64_t clock_of(const struct timeline_anchor *anchor, bool is_wall)
{
    return is_wall ? anchor->wall_ns : anchor->boottime_ns;
}

// How many anchors stand at or before that time.
static size_t before(const struct host *host, int64_t time_ns, bool is_wall)
{
    size_t low = 0, high = host->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (clock_of(&host->anchors[middle], is_wall) <= time_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static uint64_t apart(int64_t a, int64_t b)
{
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

static const struct timeline_anchor *nearest(const struct host *host, size_t next, int64_t time_ns, bool is_wall)
{
    if (next == 0 || next == host->count) {
        return &host->anchors[next ? next - 1 : 0];
    }
    uint64_t from = apart(clock_of(&host->anchors[next - 1], is_wall), time_ns),
             to = apart(clock_of(&host->anchors[next], is_wall), time_ns);
    return &host->anchors[from <= to ? next - 1 : next];
}

// The wall clock is steered: by how much it differed from the other around that time is the error of going from one to the other.
static int64_t boottime_of(const struct host *host, int64_t wall_ns, uint64_t *error_ns)
{
    size_t next = before(host, wall_ns, true);
    const struct timeline_anchor *anchor = nearest(host, next, wall_ns, true);
    if (next > 0 && next < host->count) {
        const struct timeline_anchor *a = &host->anchors[next - 1], *b = &host->anchors[next];
        *error_ns = apart(a->wall_ns - a->boottime_ns, b->wall_ns - b->boottime_ns);
    }
    return wall_ns - (anchor->wall_ns - anchor->boottime_ns);
}

bool timeline_clocks_place(struct timeline_clocks *clocks, const char *agent, int64_t time_ns, bool is_wall, struct timeline_place *place)
{
    struct host *host = map_get_text(clocks->hosts, agent);
    if (!host || (is_wall && !host->anchors[0].has_wall)) {
        return false;
    }
    if (!host->is_sorted) {
        sort(host);
    }
    uint64_t error = 0;
    int64_t boottime = is_wall ? boottime_of(host, time_ns, &error) : time_ns;
    size_t next = before(host, boottime, false);
    const struct timeline_anchor *anchor = nearest(host, next, boottime, false);
    int64_t measured = boottime - (anchor->boottime_ns - anchor->time_ns), time = measured;
    if (next < host->count && time > host->earliest_ns[next]) {
        time = host->earliest_ns[next];
    }
    if (next > 0 && time < host->latest_ns[next - 1]) {
        time = host->latest_ns[next - 1];
    }
    *place = (struct timeline_place){.time_ns = time,
                                     .moved_ns = time - measured,
                                     .error_ns = anchor->error_ns + error,
                                     .sequence = next ? host->anchors[next - 1].sequence : 0,
                                     .is_arrival = anchor->is_arrival};
    return true;
}
