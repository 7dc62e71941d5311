#include "coordinator/report/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/base/units.h"
#include "coordinator/report/timeline_clocks.h"

// What is known of an instance's past: nothing of it that comes later stands before.
struct past {
    int64_t latest_ns;
    struct map *commands; // number of a command -> its time
};

struct making {
    const struct table *rows;
    struct timeline *timeline;
    struct map *pasts;  // by instance and generation
    struct map *clocks; // by agent: the first row that may know its clock, plus 1
    struct map *brackets;
    int64_t wall_minus_boot_ns;
    bool wall_is_known;
};

const char *timeline_source_name(enum timeline_source source)
{
    static const char *const names[TIMELINE_SOURCES] = {"journal", "metrics", "logs", "packets", "qlog"};
    return names[source];
}

static int64_t number(const struct table *rows, size_t row, const char *column, bool *is_there)
{
    const char *text = table_value(rows, row, column);
    int64_t value = 0;
    bool read = text && integer_parse(text, &value);
    if (is_there) {
        *is_there = read;
    }
    return read ? value : 0;
}

static struct past *past_of(struct making *making, size_t row)
{
    CLEANUP_FREE char *key =
        memory_printf("%s.%s", table_value(making->rows, row, "instance"), table_value(making->rows, row, "generation"));
    struct past *past = map_get_text(making->pasts, key);
    if (!past) {
        past = NEW(struct past);
        past->latest_ns = INT64_MIN;
        past->commands = map_new();
        map_put_text(making->pasts, key, past);
    }
    return past;
}

static void pasts_free(struct map **pasts)
{
    for (struct map_entry *entry = map_first(*pasts); entry; entry = map_next(*pasts, entry)) {
        struct past *past = entry->value;
        for (struct map_entry *command = map_first(past->commands); command; command = map_next(past->commands, command)) {
            free(command->value);
        }
        map_free(&past->commands);
        free(past);
    }
    map_free(pasts);
}

// The coordinator's wall clock stands beside its boottime in every event that it received: that of the next one for what comes before.
static void learn_wall(struct making *making, size_t row)
{
    for (size_t at = row; at < table_count(making->rows); at++) {
        bool is_there;
        int64_t received = number(making->rows, at, "received_ns", &is_there);
        if (is_there) {
            making->wall_minus_boot_ns = number(making->rows, at, "wall_ns", NULL) - received;
            making->wall_is_known = true;
            return;
        }
    }
}

static void remember_command(struct past *past, int64_t command, int64_t time_ns)
{
    int64_t *time = NEW(int64_t);
    *time = time_ns;
    free(map_put_number(past->commands, (uint64_t)command, time));
}

// Cases are released together, under the number of the first: the nearest number below is the cause.
static int64_t cause_of(const struct past *past, int64_t command)
{
    int64_t best = INT64_MIN;
    uint64_t nearest = 0;
    for (struct map_entry *entry = map_first(past->commands); entry; entry = map_next(past->commands, entry)) {
        uint64_t candidate = map_entry_number(entry);
        if (candidate <= (uint64_t)command && candidate >= nearest) {
            nearest = candidate;
            best = *(int64_t *)entry->value;
        }
    }
    return best;
}

// The row itself, or the next one of the same host that knows its clock: a host's clocks do not jump, and a trial can be shorter than
// the first exchange of heartbeats. False: none knows.
static bool clock_row(struct making *making, size_t row, size_t *found)
{
    const char *agent = table_value(making->rows, row, "agent");
    size_t next = (size_t)(uintptr_t)map_get_text(making->clocks, agent), at = next ? next - 1 : 0, count = table_count(making->rows);
    bool is_known = false;
    for (at = at > row ? at : row; at < count && !is_known; at++) {
        number(making->rows, at, "clock_offset_ns", &is_known);
        is_known = is_known && strcmp(table_value(making->rows, at, "agent"), agent) == 0;
        *found = at;
    }
    map_put_text(making->clocks, agent, (void *)(uintptr_t)((is_known ? *found : count) + 1)); // no row is looked at twice
    return is_known;
}

// Of a host whose clock was never measured: nothing was received before it happened, so its clock is ahead by what that says at least, and
// by no more than what every command said before its answer. The first is taken, what lies between is the error.
struct bracket {
    int64_t least_ns, most_ns;
};

static void learn_bracket(struct making *making, const struct table *rows, size_t row, int64_t received)
{
    const char *agent = table_value(rows, row, "agent");
    struct bracket *bracket = map_get_text(making->brackets, agent);
    int64_t boottime = number(rows, row, "boottime_ns", NULL), command = number(rows, row, "number", NULL);
    if (!bracket) {
        bracket = NEW(struct bracket);
        *bracket = (struct bracket){INT64_MIN, INT64_MAX};
        map_put_text(making->brackets, agent, bracket);
    }
    int64_t cause = command ? cause_of(past_of(making, row), command) : INT64_MIN;
    bracket->least_ns = boottime - received > bracket->least_ns ? boottime - received : bracket->least_ns;
    if (cause != INT64_MIN && boottime - cause < bracket->most_ns) {
        bracket->most_ns = boottime - cause;
    }
}

static void place_event(struct making *making, size_t row, int64_t received, struct timeline_entry *entry)
{
    const struct table *rows = making->rows;
    struct past *past = past_of(making, row);
    size_t clock = row;
    bool is_known = clock_row(making, row, &clock);
    const struct bracket *bracket = map_get_text(making->brackets, table_value(rows, row, "agent"));
    int64_t offset = is_known ? number(rows, clock, "clock_offset_ns", NULL) : bracket->least_ns,
            command = number(rows, row, "number", NULL);
    entry->is_arrival = !is_known;
    entry->error_ns = is_known ? (uint64_t)number(rows, clock, "clock_error_ns", NULL)
                      : bracket->most_ns != INT64_MAX && bracket->most_ns > bracket->least_ns
                          ? (uint64_t)(bracket->most_ns - bracket->least_ns)
                          : 0;
    int64_t measured = number(rows, row, "boottime_ns", NULL) - offset;
    int64_t least = past->latest_ns, cause = command ? cause_of(past, command) : INT64_MIN;
    least = cause > least ? cause : least;
    entry->time_ns = measured < least ? least : measured;
    entry->time_ns = entry->time_ns > received ? received : entry->time_ns;
    entry->moved_ns = entry->time_ns - measured;
    past->latest_ns = entry->time_ns;
}

static int64_t decided_at(const struct making *making, size_t row)
{
    return number(making->rows, row, "wall_ns", NULL) - making->wall_minus_boot_ns;
}

// Before anything is placed: when which command was given, and what is known of clocks that were not measured.
static void learn_row(struct making *making, size_t row)
{
    bool is_event;
    int64_t received = number(making->rows, row, "received_ns", &is_event), command = number(making->rows, row, "number", NULL);
    if (is_event) {
        learn_bracket(making, making->rows, row, received);
        return;
    }
    learn_wall(making, row);
    if (command) {
        remember_command(past_of(making, row), command, decided_at(making, row));
    }
}

// A later observation of the same host is placed by this one.
static void learn_clock(struct making *making, size_t row, const struct timeline_entry *entry)
{
    struct timeline_anchor anchor = {.boottime_ns = number(making->rows, row, "boottime_ns", NULL),
                                     .time_ns = entry->time_ns,
                                     .error_ns = entry->error_ns,
                                     .is_arrival = entry->is_arrival,
                                     .sequence = entry->sequence};
    anchor.wall_ns = number(making->rows, row, "host_wall_ns", &anchor.has_wall);
    timeline_clocks_learn(making->timeline->clocks, entry->host, &anchor);
}

static void append(struct timeline *timeline, struct timeline_entry entry)
{
    entry.order = timeline->count;
    APPEND(timeline->entries, timeline->count, timeline->capacity) = entry;
}

static void add_row(struct making *making, size_t row)
{
    const struct table *rows = making->rows;
    const char *kind = table_value(rows, row, "kind");
    bool is_metric = strcmp(kind, "metric") == 0;
    struct timeline_entry entry = {.source = is_metric ? TIMELINE_METRICS : TIMELINE_JOURNAL,
                                   .service = table_value(rows, row, "service"),
                                   .kind = kind,
                                   .text = table_value(rows, row, "text"),
                                   .sequence = (uint64_t)number(rows, row, "sequence", NULL)};
    bool is_event;
    int64_t received = number(rows, row, "received_ns", &is_event);
    entry.host = is_event ? table_value(rows, row, "agent") : "coordinator";
    if (is_event) {
        place_event(making, row, received, &entry);
        learn_clock(making, row, &entry);
    } else {
        learn_wall(making, row);
        entry.time_ns = decided_at(making, row);
    }
    append(making->timeline, entry);
}

static int compare_entries(const void *left, const void *right)
{
    const struct timeline_entry *a = left, *b = right;
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns ? -1 : 1;
    }
    if (a->sequence != b->sequence) {
        return a->sequence < b->sequence ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static void sum_up(struct timeline *timeline)
{
    timeline->error_ns = 0;
    timeline->moved_most_ns = 0;
    timeline->moved = timeline->arrivals = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_entry *entry = &timeline->entries[i];
        int64_t moved = entry->moved_ns < 0 ? -entry->moved_ns : entry->moved_ns;
        timeline->error_ns = entry->error_ns > timeline->error_ns ? entry->error_ns : timeline->error_ns;
        timeline->moved_most_ns = moved > timeline->moved_most_ns ? moved : timeline->moved_most_ns;
        timeline->moved += moved > 0;
        timeline->arrivals += entry->is_arrival;
    }
    timeline->zero_ns = timeline->count ? timeline->entries[0].time_ns : 0;
}

void timeline_finish(struct timeline *timeline)
{
    if (timeline->count) {
        qsort(timeline->entries, timeline->count, sizeof *timeline->entries, compare_entries);
    }
    sum_up(timeline);
}

void timeline_make(const struct table *rows, struct timeline *timeline)
{
    *timeline = (struct timeline){.clocks = timeline_clocks_new(), .arena = arena_new(0)};
    struct making making = {.rows = rows, .timeline = timeline, .pasts = map_new(), .clocks = map_new(), .brackets = map_new()};
    for (size_t row = 0; row < table_count(rows); row++) {
        learn_row(&making, row);
    }
    for (size_t row = 0; row < table_count(rows); row++) {
        add_row(&making, row);
    }
    pasts_free(&making.pasts);
    map_free(&making.clocks);
    for (struct map_entry *entry = map_first(making.brackets); entry; entry = map_next(making.brackets, entry)) {
        free(entry->value);
    }
    map_free(&making.brackets);
    timeline_finish(timeline);
}

void timeline_limit(struct timeline *timeline, enum timeline_source source, size_t most)
{
    size_t kept = 0, of_source = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        if (timeline->entries[i].source != source || of_source++ < most) {
            timeline->entries[kept++] = timeline->entries[i];
        }
    }
    timeline->left_out[source] += timeline->count - kept;
    timeline->count = kept;
    sum_up(timeline);
}

void timeline_add(struct timeline *timeline, const struct timeline_observation *seen)
{
    struct timeline_place place;
    if (!timeline_clocks_place(timeline->clocks, seen->agent, seen->time_ns, seen->is_wall, &place)) {
        timeline->unplaced[seen->source]++;
        return;
    }
    append(timeline, (struct timeline_entry){.time_ns = place.time_ns,
                                             .moved_ns = place.moved_ns,
                                             .error_ns = place.error_ns + seen->error_ns,
                                             .is_arrival = place.is_arrival,
                                             .source = seen->source,
                                             .host = arena_string(timeline->arena, seen->agent),
                                             .service = arena_string(timeline->arena, seen->service),
                                             .kind = arena_string(timeline->arena, seen->kind),
                                             .text = arena_string(timeline->arena, seen->text),
                                             .sequence = place.sequence});
}

void timeline_free(struct timeline *timeline)
{
    free(timeline->entries);
    timeline_clocks_free(&timeline->clocks);
    arena_free(&timeline->arena);
    *timeline = (struct timeline){0};
}
