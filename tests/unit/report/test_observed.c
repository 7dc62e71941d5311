// Lines, packets and events of qlogs among the events of their hosts: one axis, no effect before its cause.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include "coordinator/report/timeline_observed.h"

#define COLUMNS 15
static const char *const columns[COLUMNS] = {"sequence",       "wall_ns",  "agent",       "trial",       "service",
                                             "kind",           "text",     "boottime_ns", "received_ns", "clock_offset_ns",
                                             "clock_error_ns", "instance", "generation",  "number",      "host_wall_ns"};

// The host's boottime is 5000000 ahead of the coordinator's, its wall clock 1000000000 ahead of that.
static void happen(struct table *rows, const char *sequence, const char *text, const char *boottime, const char *wall)
{
    table_add(rows, (const char *const[COLUMNS]){sequence, "900000000", "a", "r1/t/1#1", "s", "note", text, boottime, "90000000", "5000000",
                                                 "7000", "1", "1", "0", wall});
}

struct fixture {
    struct table *rows;
    struct timeline timeline;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(sizeof *fixture);
    fixture->rows = table_new(columns, COLUMNS);
    happen(fixture->rows, "1", "started", "15000000", "1015000000");
    happen(fixture->rows, "2", "ended", "45000000", "1045000000");
    timeline_make(fixture->rows, &fixture->timeline);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    timeline_free(&fixture->timeline);
    table_free(&fixture->rows);
    free(fixture);
    return 0;
}

static const struct timeline_entry *entry_of(const struct timeline *timeline, const char *text)
{
    for (size_t i = 0; i < timeline->count; i++) {
        if (strstr(timeline->entries[i].text, text)) {
            return &timeline->entries[i];
        }
    }
    fail_msg("there is no %s", text);
    return NULL;
}

static const struct timeline_origin stream = {.agent = "a", .service = "s", .name = "nginx.stderr"};

// "one\n" was read at 20 ms of its host, the next eight bytes between 30 and 32 ms.
static void lines_stand_where_they_were_read(void **state)
{
    struct timeline *timeline = &((struct fixture *)*state)->timeline;
    size_t room = 3;
    static const char text[] = "one\ntwo\nend\nfour";
    timeline_add_log(timeline, &stream, "4 20000 0 8 10000 2000 3 1 0", text, sizeof text - 1, &room);
    timeline_finish(timeline);
    assert_int_equal(room, 0);
    assert_int_equal(entry_of(timeline, "one")->time_ns, 15000000);
    assert_int_equal(entry_of(timeline, "one")->error_ns, 7000 + 1000);
    assert_in_range(entry_of(timeline, "two")->time_ns, 25000000, 27000000);
    assert_int_equal(entry_of(timeline, "two")->error_ns, 7000 + 2001 * 1000);
    assert_true(entry_of(timeline, "two")->time_ns <= entry_of(timeline, "end")->time_ns);
    assert_int_equal(timeline->left_out[TIMELINE_LOGS], 1);
    assert_int_equal(timeline->error_ns, 7000 + 2001 * 1000);
}

// The last line was cut with the guard that read it; a stream without times is told of as such.
static void lines_nobody_timed(void **state)
{
    struct timeline *timeline = &((struct fixture *)*state)->timeline;
    size_t room = 100;
    timeline_add_log(timeline, &stream, "4 20000 0", "one\ntwo\n", 8, &room);
    timeline_add_log(timeline, &stream, "", "three\n", 6, &room);
    timeline_add_log(timeline, &stream, "x", "four", 4, &room);
    const struct timeline_origin other = {.agent = "nobody", .service = "s", .name = "x.stdout"};
    timeline_add_log(timeline, &other, "5 1 1", "five\n", 5, &room);
    assert_int_equal(timeline->unplaced[TIMELINE_LOGS], 4);
    assert_int_equal(timeline->count, 3);
}

// The end was moved, as it was received before the clock says that it happened: what came before it still stands before it.
static void nothing_leaves_its_neighbours(void **state)
{
    struct timeline *timeline = &((struct fixture *)*state)->timeline;
    struct timeline_observation seen = {
        .source = TIMELINE_LOGS, .agent = "a", .service = "s", .kind = "log", .text = "between", .time_ns = 44999999};
    timeline_add(timeline, &seen);
    timeline_finish(timeline);
    const struct timeline_entry *entry = entry_of(timeline, "between");
    assert_true(entry->time_ns <= entry_of(timeline, "ended")->time_ns);
    assert_true(entry < entry_of(timeline, "ended"));
    assert_true(entry > entry_of(timeline, "started"));
}

static void packets_by_the_wall_clock(void **state)
{
    struct timeline *timeline = &((struct fixture *)*state)->timeline;
    const struct timeline_origin capture = {.agent = "a", .service = "network", .name = "network.pcapng"};
    size_t room = 2;
    assert_true(timeline_add_packet(timeline, &capture, "1.020000123\tclient\t0x00000002\t1242\tQUIC\tInitial\t\n", &room));
    assert_true(timeline_add_packet(timeline, &capture, "1.025000000\tserver\t0x00000001\t1242\tQUIC\tInitial\tdropped: loss\n", &room));
    assert_true(timeline_add_packet(timeline, &capture, "1.026\tserver\t\t60\tTCP\tSYN\t\n", &room));
    assert_false(timeline_add_packet(timeline, &capture, "Running as user root\n", &room));
    assert_false(timeline_add_packet(timeline, &capture, "x\tserver\t\t60\tTCP\tSYN\t\n", &room));
    timeline_finish(timeline);
    assert_int_equal(timeline->left_out[TIMELINE_PACKETS], 1);
    const struct timeline_entry *sent = entry_of(timeline, "QUIC Initial, 1242 bytes"), *seen = entry_of(timeline, ": dropped: loss");
    assert_int_equal(sent->time_ns, 15000123);
    assert_string_equal(sent->service, "client");
    assert_string_equal(sent->kind, "packet-sent");
    assert_string_equal(seen->service, "server");
    assert_string_equal(seen->kind, "packet-received");
    assert_true(sent < seen);
}

static const char header[] = "\x1e{\"trace\":{\"vantage_point\":{\"type\":\"client\"},\"common_fields\":{\"reference_time\":0}}}";

// It does not say when it began: between when its file was made and when the last event was written.
static void a_qlog_without_a_clock(void **state)
{
    struct timeline *timeline = &((struct fixture *)*state)->timeline;
    CLEANUP_FREE char *text = memory_printf("%s\x1e{\"time\":0,\"name\":\"a:b\",\"data\":{}}\x1e{\"time\":10,\"name\":\"c\"}", header);
    size_t room = 100;
    assert_null(timeline_add_qlog(timeline, &stream, 1020000000, 1031000000, text, strlen(text), &room));
    timeline_finish(timeline);
    const struct timeline_entry *first = entry_of(timeline, "client {}");
    assert_int_equal(first->time_ns, 15000000);
    assert_int_equal(first->error_ns, 7000 + 1000000 + 1000000); // the file says to 1 ms, the program writes whole ms
    assert_string_equal(first->kind, "b");
    assert_int_equal(room, 98);
    assert_null(timeline_add_qlog(timeline, &stream, 0, 0, text, strlen(text), &room)); // nothing of it is known
    assert_int_equal(timeline->unplaced[TIMELINE_QLOG], 2);
    assert_non_null(timeline_add_qlog(timeline, &stream, 0, 0, "no", 2, &room));
}

// All of it is said: where the entries come from, what is left out, how well it is known.
static void a_page_has_a_box_for_each_source(void **state)
{
    struct timeline *timeline = &((struct fixture *)*state)->timeline;
    size_t room = 1;
    timeline_add_log(timeline, &stream, "12 20000 0", "</script>\nb\n", 12, &room);
    timeline_finish(timeline);
    struct text page = {0}, text = {0};
    timeline_html(timeline, "t", &page);
    timeline_text(timeline, &text);
    assert_non_null(strstr(text_string(&text), "clocks of hosts are known to"));
    assert_non_null(strstr(text_string(&text), "of logs are left out"));
    assert_non_null(strstr(text_string(&page), "\"source\":\"journal\""));
    assert_null(strstr(text_string(&page), "</script>\\n"));
    struct table *table = timeline_table(timeline);
    assert_string_equal(table_value(table, 0, "source"), "journal");
    table_free(&table);
    text_free(&page);
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_stand_where_they_were_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_nobody_timed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_leaves_its_neighbours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(packets_by_the_wall_clock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_qlog_without_a_clock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_has_a_box_for_each_source, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
