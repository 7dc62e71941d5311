#include "coordinator/cli/rerun_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/base/verdict.h"

struct tally { // of one cell of the earlier run
    const char *before;
    unsigned counts[VERDICT_ERROR + 1], times, as_before;
};

static unsigned verdict_of(const char *name)
{
    int verdict = VERDICT_NONE;
    while (verdict < VERDICT_ERROR && strcmp(verdict_name(verdict), name) != 0) {
        verdict++;
    }
    return (unsigned)verdict;
}

// A cell that was run several times before counts as the worst that it came to.
static struct map *tallies_of(const struct repeat *repeat, struct arena *arena)
{
    struct map *tallies = map_new();
    for (size_t row = 0; row < table_count(repeat->before); row++) {
        const char *verdict = table_value(repeat->before, row, "verdict");
        char *cell = repeat_origin(table_value(repeat->before, row, "name"), repeat->times_before, arena);
        struct tally *tally = map_get_text(tallies, cell);
        if (!tally) {
            tally = ARENA_NEW(arena, struct tally);
            *tally = (struct tally){.before = verdict};
            map_put_text(tallies, cell, tally);
        }
        if (verdict_of(verdict) > verdict_of(tally->before)) {
            tally->before = verdict;
        }
    }
    return tallies;
}

static void count(struct map *tallies, const struct table *cells, uint32_t times, struct arena *arena)
{
    for (size_t row = 0; row < table_count(cells); row++) {
        const char *verdict = table_value(cells, row, "verdict");
        struct tally *tally = map_get_text(tallies, repeat_origin(table_value(cells, row, "name"), times, arena));
        if (tally && *verdict) {
            tally->times++;
            tally->counts[verdict_of(verdict)]++;
            tally->as_before += strcmp(verdict, tally->before) == 0;
        }
    }
}

static char *describe(const struct tally *tally, struct arena *arena)
{
    struct text text = {0};
    for (int verdict = VERDICT_NONE; verdict <= VERDICT_ERROR; verdict++) {
        if (tally->counts[verdict]) {
            text_printf(&text, "%s%u %s", text.length ? ", " : "", tally->counts[verdict], verdict_name(verdict));
        }
    }
    char *described = arena_string(arena, text_string(&text));
    text_free(&text);
    return described;
}

static void print(struct client *client, const struct repeat *repeat, struct map *tallies, const char *run, struct arena *arena)
{
    static const char *const columns[] = {"cell", "before", "as_before_count", "runs_count", "verdicts", "run"};
    struct table *table = table_new(columns, 6);
    unsigned all = 0, as_before = 0;
    bool is_table = client->format == REPORT_TABLE;
    for (struct map_entry *entry = map_first(tallies); entry; entry = map_next(tallies, entry)) {
        const struct tally *tally = entry->value;
        char same[16], times[16];
        if (!tally->times) {
            continue; // not chosen this time
        }
        snprintf(same, sizeof same, "%u", tally->as_before);
        snprintf(times, sizeof times, "%u", tally->times);
        const char *values[] = {
            arena_string_bytes(arena, entry->key, entry->key_bytes), tally->before, same, times, describe(tally, arena), run};
        if (!is_table || tally->as_before < tally->times) {
            table_add(table, values);
        }
        all += tally->times;
        as_before += tally->as_before;
    }
    if (!is_table || table_count(table)) {
        table_print(table, client->format, stdout, client->colour);
    }
    if (is_table) {
        printf("%s: %u of %u ended as in %s\n", run, as_before, all, repeat->rerun.of);
    }
    table_free(&table);
}

int rerun_count_print(struct client *client, const struct repeat *repeat, const char *run)
{
    struct table *cells = NULL;
    uint64_t cursor = 0;
    int status = client_query(client, PB__TABLE__TABLE_CELLS, run, &cells, &cursor, false);
    if (!status) {
        struct arena *arena = arena_new(0);
        struct map *tallies = tallies_of(repeat, arena);
        count(tallies, cells, repeat->rerun.times, arena);
        print(client, repeat, tallies, run, arena);
        map_free(&tallies);
        arena_free(&arena);
    }
    table_free(&cells);
    return status;
}
