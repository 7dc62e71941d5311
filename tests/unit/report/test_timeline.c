// One axis for hosts whose clocks differ: corrected, in the order of cause and effect, with the error said.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include "coordinator/report/timeline.h"

static const char *const columns[] = {"sequence",       "wall_ns",  "agent",       "trial",       "service",
                                      "kind",           "text",     "boottime_ns", "received_ns", "clock_offset_ns",
                                      "clock_error_ns", "instance", "generation",  "number"};
#define COLUMNS (sizeof columns / sizeof *columns)

// The coordinator's wall clock is 1000 ahead of its boottime.
static void decide(struct table *rows, const char *sequence, const char *wall, const char *instance, const char *number)
{
    table_add(rows, (const char *const[COLUMNS]){sequence, wall, "", "r1/t/1#1", "s", "command_issued", "command", "", "", "", "", instance,
                                                 "1", number});
}

struct heard {
    const char *sequence, *wall, *agent, *boottime, *received, *offset, *error, *instance, *number, *text;
};
static void hear(struct table *rows, const struct heard *event)
{
    table_add(rows, (const char *const[COLUMNS]){event->sequence, event->wall, event->agent, "r1/t/1#1", "s", "command_done", event->text,
                                                 event->boottime, event->received, event->offset, event->error, event->instance, "1",
                                                 event->number});
}

static const struct timeline_entry *entry_of(const struct timeline *timeline, const char *text)
{
    for (size_t i = 0; i < timeline->count; i++) {
        if (strcmp(timeline->entries[i].text, text) == 0) {
            return &timeline->entries[i];
        }
    }
    fail_msg("there is no %s", text);
    return NULL;
}

// Host a is 5000 ahead and host b 300 behind; a's event came first in truth and arrived last.
static void hosts_stand_on_one_axis(void **state)
{
    (void)state;
    struct table *rows = table_new(columns, COLUMNS);
    hear(rows, &(struct heard){"1", "1210", "b", "-150", "210", "-300", "7", "2", "0", "b"}); // -150 + 300 = 150
    hear(rows, &(struct heard){"2", "1220", "a", "5120", "220", "5000", "9", "1", "0", "a"}); // 5120 - 5000 = 120
    struct timeline timeline;
    timeline_make(rows, &timeline);
    assert_int_equal(timeline.count, 2);
    assert_string_equal(timeline.entries[0].text, "a");
    assert_int_equal(timeline.entries[0].time_ns, 120);
    assert_int_equal(timeline.entries[1].time_ns, 150);
    assert_int_equal(timeline.error_ns, 9);
    assert_int_equal(timeline.moved, 0);
    timeline_free(&timeline);
    table_free(&rows);
}

// The clock says that the answer came 40 before its command: it is put behind it, what follows too, and both say so.
static void no_effect_before_its_cause(void **state)
{
    (void)state;
    struct table *rows = table_new(columns, COLUMNS);
    decide(rows, "1", "1100", "1", "1"); // 100
    hear(rows, &(struct heard){"2", "1130", "a", "60", "130", "0", "50", "1", "1", "answer"});
    hear(rows, &(struct heard){"3", "1131", "a", "70", "131", "0", "50", "1", "0", "after"});
    hear(rows, &(struct heard){"4", "1140", "a", "180", "140", "0", "50", "1", "0", "from the future"});
    struct timeline timeline;
    timeline_make(rows, &timeline);
    assert_string_equal(timeline.entries[0].text, "command");
    assert_int_equal(entry_of(&timeline, "answer")->time_ns, 100);
    assert_int_equal(entry_of(&timeline, "answer")->moved_ns, 40);
    assert_int_equal(entry_of(&timeline, "after")->time_ns, 100);
    assert_int_equal(entry_of(&timeline, "from the future")->time_ns, 140); // it had been received then
    assert_int_equal(timeline.moved, 3);
    assert_int_equal(timeline.moved_most_ns, 40);
    timeline_free(&timeline);
    table_free(&rows);
}

// Cases are released under the number of the first: the third one's result is an effect of that too.
static void a_case_does_not_end_before_it_was_released(void **state)
{
    (void)state;
    struct table *rows = table_new(columns, COLUMNS);
    decide(rows, "1", "1100", "1", "4");
    hear(rows, &(struct heard){"2", "1130", "a", "90", "130", "0", "20", "1", "6", "third"});
    struct timeline timeline;
    timeline_make(rows, &timeline);
    assert_int_equal(entry_of(&timeline, "third")->time_ns, 100);
    timeline_free(&timeline);
    table_free(&rows);
}

// A short trial is over before the first heartbeats were: what is learned later about the same host holds for what came before.
static void a_clock_that_is_learned_later(void **state)
{
    (void)state;
    struct table *rows = table_new(columns, COLUMNS);
    hear(rows, &(struct heard){"1", "1130", "a", "5110", "130", "", "", "1", "0", "early"});
    hear(rows, &(struct heard){"2", "1140", "a", "5135", "140", "5000", "3", "1", "0", "late"});
    hear(rows, &(struct heard){"3", "1150", "b", "7", "150", "", "", "2", "0", "of b"});
    struct timeline timeline;
    timeline_make(rows, &timeline);
    assert_int_equal(entry_of(&timeline, "early")->time_ns, 110);
    assert_int_equal(entry_of(&timeline, "of b")->time_ns, 150);
    assert_true(entry_of(&timeline, "of b")->is_arrival);
    assert_int_equal(timeline.arrivals, 1);
    timeline_free(&timeline);
    table_free(&rows);
}

static void what_a_program_printed_does_not_end_the_page(void **state)
{
    (void)state;
    struct table *rows = table_new(columns, COLUMNS);
    hear(rows, &(struct heard){"1", "1130", "a", "10", "130", "0", "3", "1", "0", "</script><script>alert(1)</script>"});
    struct timeline timeline;
    struct text page = {0};
    timeline_make(rows, &timeline);
    timeline_html(&timeline, "<b>", &page);
    assert_null(strstr(text_string(&page), "<script>alert"));
    assert_null(strstr(text_string(&page), "<b>"));
    text_free(&page);
    timeline_free(&timeline);
    table_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_stand_on_one_axis),
        cmocka_unit_test(no_effect_before_its_cause),
        cmocka_unit_test(a_case_does_not_end_before_it_was_released),
        cmocka_unit_test(a_clock_that_is_learned_later),
        cmocka_unit_test(what_a_program_printed_does_not_end_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
