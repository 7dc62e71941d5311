#include "verdicts.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/verdict.h"
#include "common/database/database.h"
#include "common/wire/wire.h"
#include "coordinator/store/schema.h"

static const char EVENTS[] = "SELECT payload FROM journal WHERE kind = ? ORDER BY sequence";

struct stamps {
    int64_t *items;
    size_t count, capacity;
};

struct reading {
    unsigned window;
    uint64_t trial;
    struct stamps trial_ns; // of the trial at hand: with one slot they follow each other
    struct stamps gaps_ns;
    uint64_t counted; // verdicts between the windows of their trials
    int64_t counted_ns, first_ns, last_ns;
    struct verdicts *out;
};

static void end_trial(struct reading *reading)
{
    struct stamps *stamps = &reading->trial_ns;
    for (size_t i = 1; i < stamps->count; i++)
        APPEND(reading->gaps_ns.items, reading->gaps_ns.count, reading->gaps_ns.capacity) = stamps->items[i] - stamps->items[i - 1];
    // Results of one frame share a stamp: those of the first stamp are not counted, those of the last are.
    if (stamps->count > 3 * reading->window) {
        size_t first = reading->window, last = stamps->count - 1 - reading->window;
        while (stamps->items[first + 1] == stamps->items[first])
            first++;
        while (stamps->items[last - 1] == stamps->items[last])
            last--;
        reading->counted += last - 1 - first;
        reading->counted_ns += stamps->items[last - 1] - stamps->items[first];
    }
    stamps->count = 0;
}

static int take(struct reading *reading, const Pb__Record *record, struct panther_error *error)
{
    const Pb__Event *event = record->instance_event->event;
    if (event->body_case != PB__EVENT__BODY_CASE_RESULT)
        return 0;
    if (event->case_result->outcome->verdict != PB__VERDICT__VERDICT_PASS)
        return error_set(error, PANTHER_ESTATE, "case %s did not pass: %s", event->case_result->name, event->case_result->outcome->text);
    if (record->instance_event->trial != reading->trial)
        end_trial(reading);
    reading->trial = record->instance_event->trial;
    if (reading->first_ns == 0)
        reading->first_ns = record->wall_ns;
    reading->last_ns = record->wall_ns;
    reading->out->cases++;
    APPEND(reading->trial_ns.items, reading->trial_ns.count, reading->trial_ns.capacity) = record->wall_ns;
    return 0;
}

static int read_all(struct reading *reading, struct database *database, struct panther_error *error)
{
    struct arena *arena = arena_new(0);
    struct statement *statement = database_statement(database, EVENTS);
    statement_bind_integer(statement, 1, PB__RECORD__BODY_INSTANCE_EVENT);
    int result;
    while ((result = statement_step(statement, error)) == 1) {
        size_t bytes;
        const void *payload = statement_blob(statement, 0, &bytes);
        arena_reset(arena);
        const Pb__Record *record = wire_unpack(&pb__record__descriptor, payload, bytes, arena);
        result = record ? take(reading, record, error) : error_set(error, PANTHER_EIO, "a record cannot be unpacked");
        if (result < 0)
            break;
    }
    end_trial(reading);
    arena_free(&arena);
    return result;
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void summarise(struct reading *reading)
{
    struct verdicts *out = reading->out;
    const struct stamps *gaps = &reading->gaps_ns;
    if (reading->counted_ns > 0)
        out->rate_per_s = (double)reading->counted * 1e9 / (double)reading->counted_ns;
    if (reading->last_ns > reading->first_ns)
        out->overall_per_s = (double)(out->cases - 1) * 1e9 / (double)(reading->last_ns - reading->first_ns);
    if (gaps->count == 0)
        return;
    qsort(gaps->items, gaps->count, sizeof *gaps->items, by_size);
    out->median_us = (double)gaps->items[gaps->count / 2] / 1000;
    out->p90_us = (double)gaps->items[gaps->count * 9 / 10] / 1000;
    out->p99_us = (double)gaps->items[gaps->count * 99 / 100] / 1000;
}

int verdicts_read(const char *path, unsigned window, struct verdicts *verdicts, struct panther_error *error)
{
    struct database *database = NULL;
    struct reading reading = {.window = window, .out = verdicts};
    *verdicts = (struct verdicts){0};
    int result = database_open(&database, path, DATABASE_READ_ONLY, NULL, STORE_SCHEMA_VERSION, error);
    if (result < 0)
        return result;
    result = read_all(&reading, database, error);
    if (result >= 0)
        summarise(&reading);
    free(reading.trial_ns.items);
    free(reading.gaps_ns.items);
    database_close(&database);
    return result < 0 ? result : 0;
}
