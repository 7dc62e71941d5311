// Every state of an instance and its trial with every record that can be about them: events.table says what it leads to, or that it is
// impossible; a pair that is not in the table changes no state.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "coordinator/core/durable.h"
#include "tests/messages/text_format.h"

#define INSTANCE "instance: 1 generation: 1 "
#define ISSUED(number, command) "command_issued { trial: 1 command { " INSTANCE "number: " number " " command " } }"
#define EVENT(event) "instance_event { agent: \"lab-a\" epoch: \"e\" sequence: 1 trial: 1 event { " INSTANCE event " } }"
#define DONE(number, status) EVENT("command_done { number: " number " status: " status " phase: \"x\" }")

// A life, record by record. The state after each is a place to begin from.
static const char *const life[] = {
    "run_accepted { run: 1 cells: 1 experiment { tests { name: \"t\" combinations: 1 repeat_times: 1 } } }",
    "trial_started { trial: 1 run: 1 attempt: 1 name: \"r1/t/1#1\" services { service: \"s\" agent: \"lab-a\" instance: 1 }"
    " plan { services { name: \"s\" plugin: \"null\" } } lease_ms: 30000 }",
    ISSUED("1", "initialize { plugin: \"null\" }"),
    DONE("1", "1"),
    ISSUED("2", "start {}"),
    DONE("2", "1"),
    "cases_released { trial: 1 instance: 1 generation: 1 first_number: 3 cases: \"one\" timeout_ms: 1000 }",
    EVENT("case_result { number: 3 name: \"one\" outcome { verdict: 1 } }"),
    "trial_stopping { trial: 1 }",
    ISSUED("4", "stop {}"),
    DONE("4", "1"),
    ISSUED("5", "cleanup {}"),
    EVENT("instance_ended { cause: 1 }"),
};
#define LIFE (sizeof life / sizeof *life)
#define TABLE_MAX_BYTES 65536
#define BEGINS 2 // records before there is an instance

struct happening {
    const char *name, *record; // record NULL: the answer to the command that is open, of this status
    int status;
};
static const struct happening happenings[] = {
    {"initialize issued", ISSUED("9", "initialize { plugin: \"null\" }"), 0},
    {"start issued", ISSUED("9", "start {}"), 0},
    {"stop issued", ISSUED("9", "stop {}"), 0},
    {"cleanup issued", ISSUED("9", "cleanup {}"), 0},
    {"case issued", ISSUED("9", "run_case { name: \"one\" }"), 0},
    {"cases released", "cases_released { trial: 1 instance: 1 generation: 1 first_number: 9 cases: \"x\" timeout_ms: 1000 }", 0},
    {"answered", NULL, 1},
    {"failed", NULL, 2},
    {"case result", EVENT("case_result { number: 3 name: \"one\" outcome { verdict: 1 } }"), 0},
    {"host died", EVENT("host_died { signal: 9 phase: \"start\" }"), 0},
    {"process started", EVENT("process_started { process: 1 name: \"nginx\" }"), 0},
    {"ended", EVENT("instance_ended { cause: 1 }"), 0},
    {"lost", "instance_lost { trial: 1 instance: 1 generation: 1 text: \"lost\" }", 0},
    {"trial stopping", "trial_stopping { trial: 1 }", 0},
    {"run cancelled", "run_cancelled { run: 1 why: \"because\" }", 0},
};

// ---- one pair

static void apply(struct durable *durable, struct arena *arena, const char *record)
{
    assert_null(durable_apply(durable, message_parse(&pb__record__descriptor, record, arena)));
}

static struct durable *lived(size_t records, struct arena *arena)
{
    struct durable *durable = durable_new();
    for (size_t i = 0; i < records; i++) {
        apply(durable, arena, life[i]);
    }
    return durable;
}

static const char *happening_record(const struct durable *durable, const struct happening *happening, struct arena *arena)
{
    if (happening->record) {
        return happening->record;
    }
    const struct instance *instance = map_get_number(durable->instances, 1);
    return arena_printf(arena,
                        "instance_event { agent: \"lab-a\" epoch: \"e\" sequence: 1 trial: 1 event { " INSTANCE
                        "command_done { number: %u status: %d phase: \"x\" } } }",
                        instance->open ? instance->open->number : 1, happening->status);
}

struct states {
    unsigned instance, trial;
};

static struct states states_of(const struct durable *durable)
{
    const struct instance *instance = map_get_number(durable->instances, 1);
    return (struct states){instance->state, instance->trial->state};
}

// false: impossible, and it is said why.
static bool happens(struct durable *durable, const struct happening *happening, struct arena *arena, struct states *states)
{
    const char *record = happening_record(durable, happening, arena);
    const char *impossible = durable_apply(durable, message_parse(&pb__record__descriptor, record, arena));
    if (impossible) {
        assert_int_not_equal(*impossible, '\0');
        return false;
    }
    *states = states_of(durable);
    return true;
}

static void tell_pair(struct states before, const struct happening *happening, const struct states *after, struct text *out)
{
    text_printf(out, "%s, %s: %s", lifecycle_name(&instance_lifecycle, before.instance), lifecycle_name(&trial_lifecycle, before.trial),
                happening->name);
    if (!after) {
        text_append(out, ": impossible\n");
        return;
    }
    text_printf(out, " -> %s, %s\n", lifecycle_name(&instance_lifecycle, after->instance), lifecycle_name(&trial_lifecycle, after->trial));
}

// Whatever happened, the lifecycle allows it in one step.
static void check_step(unsigned from, unsigned to, const struct lifecycle *lifecycle)
{
    assert_true(from == to || lifecycle_allows(lifecycle, from, to));
}

static void walk_pair(size_t records, const struct happening *happening, struct text *out)
{
    struct arena *arena = arena_new(0);
    struct durable *durable = lived(records, arena);
    struct states before = states_of(durable), after;
    if (!happens(durable, happening, arena, &after)) {
        tell_pair(before, happening, NULL, out);
    } else if (before.instance != after.instance || before.trial != after.trial) {
        check_step(before.instance, after.instance, &instance_lifecycle);
        check_step(before.trial, after.trial, &trial_lifecycle);
        tell_pair(before, happening, &after, out);
    }
    durable_free(&durable);
    arena_free(&arena);
}

static char *read_table(void)
{
    char *text = memory_new(TABLE_MAX_BYTES);
    FILE *file = fopen(PANTHER_SOURCE "/tests/unit/coordinator_core/events.table", "r");
    assert_non_null(file);
    assert_in_range(fread(text, 1, TABLE_MAX_BYTES - 1, file), 1, TABLE_MAX_BYTES - 2);
    fclose(file);
    return text;
}

static void every_record_in_every_state(void **state)
{
    (void)state;
    struct text out = {0};
    for (size_t records = BEGINS; records <= LIFE; records++) {
        for (size_t i = 0; i < sizeof happenings / sizeof *happenings; i++) {
            walk_pair(records, &happenings[i], &out);
        }
    }
    CLEANUP_FREE char *table = read_table();
    if (strcmp(text_string(&out), table) != 0) {
        fputs(text_string(&out), stdout);
        fail_msg("%s", "events.table is not what happens, which is above");
    }
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_record_in_every_state)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
