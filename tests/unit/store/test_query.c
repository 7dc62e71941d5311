// What clients see: tables by name, pages, changes.
#include "tests/unit/store/fixture.h"

#include <stdio.h>
#include <string.h>

#include "common/base/verdict.h"

static struct fixture *told(void **state)
{
    struct fixture *fixture = *state;
    story_tell(&fixture->story, 1);
    story_tell(&fixture->story, 2);
    fixture_append(fixture);
    return fixture;
}

static void runs_show_counts_and_verdicts(void **state)
{
    struct fixture *fixture = told(state);
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_RUNS, "@last", 0, 0, false);
    assert_int_equal(rows->n_rows, 1);
    assert_string_equal(rows->scope, "r2");
    static const char *const expected[][2] = {
        {"name", "r2"},      {"experiment", "h2-matrix"}, {"state", "ended"},   {"verdict", "fail"},   {"cells_count", "3"},
        {"done_count", "3"}, {"started_count", "2"},      {"pass_count", "1"},  {"fail_count", "1"},   {"error_count", "1"},
        {"by", "ann"},       {"labels", "branch=main"},   {"file", "lab.yaml"}, {"inconc_count", "0"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_string_equal(value(rows, 0, expected[i][0]), expected[i][1]);
    // not what the wall clock says
    int64_t wall_ms = (atoll(value(rows, 0, "ended_wall_ns")) - atoll(value(rows, 0, "started_wall_ns"))) / 1000000;
    assert_true(wall_ms > 0);
    assert_int_equal(atoll(value(rows, 0, "duration_ms")), wall_ms / 2);
}

static void cells_that_never_started_have_no_row_until_they_end(void **state)
{
    struct fixture *fixture = *state;
    story_run(&fixture->story, 1, "million", 1000000);
    fixture_append(fixture);
    assert_int_equal(fixture_query(fixture, PB__TABLE__TABLE_CELLS, "r1", 0, 0, false)->n_rows, 0);
    assert_string_equal(value(fixture_query(fixture, PB__TABLE__TABLE_RUNS, "r1", 0, 0, false), 0, "cells_count"), "1000000");
    story_cell_end(&fixture->story, 1, 3, VERDICT_ERROR);
    fixture_append(fixture);
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_CELLS, "r1", 0, 0, false);
    assert_int_equal(rows->n_rows, 1);
    assert_string_equal(value(rows, 0, "name"), "r1/load/nginx/3");
    assert_string_equal(value(rows, 0, "started_wall_ns"), "");
}

static void a_cell_keeps_all_its_attempts(void **state)
{
    struct fixture *fixture = told(state);
    Pb__Rows *trials = fixture_query(fixture, PB__TABLE__TABLE_TRIALS, "r1/load/nginx/2", 0, 0, false);
    assert_int_equal(trials->n_rows, 2);
    assert_string_equal(value(trials, 0, "name"), "r1/load/nginx/2#1");
    assert_string_equal(value(trials, 0, "verdict"), "error");
    assert_string_equal(value(trials, 1, "verdict"), "fail");
    assert_string_equal(value(trials, 1, "hosts"), "server=lab-a load=lab-b");
    assert_string_equal(value(trials, 1, "cases_count"), "2");
    assert_string_equal(value(trials, 1, "done_count"), "2");
    assert_int_equal(fixture_query(fixture, PB__TABLE__TABLE_TRIALS, "r1/load/nginx/2#2", 0, 0, false)->n_rows, 1);
}

static void cases_of_a_scope(void **state)
{
    struct fixture *fixture = told(state);
    static const struct {
        const char *scope;
        size_t rows;
    } expected[] = {{"", 12},
                    {"r1", 6},
                    {"r1/load", 6},
                    {"r1/probe", 0},
                    {"r1/load/nginx", 6},
                    {"r1/load/nginx/1", 2},
                    {"r1/load/nginx/2", 4},
                    {"r1/load/nginx/2#2", 2},
                    {"r1/load/nginx/2#2/load", 2},
                    {"r1/load/nginx/2/server", 0}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_CASES, expected[i].scope, 0, 0, false);
        if (!rows)
            fail_msg("%s: %s", expected[i].scope, fixture->error.message);
        assert_int_equal(rows->n_rows, expected[i].rows);
        assert_false(rows->more);
    }
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_CASES, "r1/load/nginx/2#2", 0, 0, false);
    assert_string_equal(value(rows, 1, "trial"), "r1/load/nginx/2#2");
    assert_string_equal(value(rows, 1, "case"), "case-4");
    assert_string_equal(value(rows, 1, "verdict"), "fail");
    assert_string_equal(value(rows, 1, "reason"), "violation");
    assert_string_equal(value(rows, 1, "duration_ns"), "2500000");
    assert_string_equal(value(rows, 1, "metrics"), "req_per_s=1234.5 1/s");
}

static void what_is_seen_again_is_the_same_finding(void **state)
{
    struct fixture *fixture = *state;
    story_run(&fixture->story, 1, "lab", 40);
    for (uint32_t i = 0; i < 40; i++) {
        story_trial(&fixture->story, 100 + i, 1, i + 1, 1);
        story_case(&fixture->story, 100 + i, 1000 + i * 10 + 2, 3, i % 40 < 3 ? VERDICT_PASS : VERDICT_FAIL);
    }
    story_run(&fixture->story, 2, "lab", 1);
    story_trial(&fixture->story, 200, 2, 1, 1);
    story_case(&fixture->story, 200, 2002, 3, VERDICT_FAIL);
    fixture_append(fixture);
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_FINDINGS, "r1", 0, 0, false);
    assert_int_equal(rows->n_rows, 1);
    assert_string_equal(value(rows, 0, "signature"), "bad frame");
    assert_string_equal(value(rows, 0, "title"), "a frame of an unknown type");
    assert_string_equal(value(rows, 0, "sightings_count"), "37");
    assert_string_equal(value(rows, 0, "first_trial"), "r1/load/nginx/4#1");
    assert_string_equal(value(rows, 0, "last_trial"), "r1/load/nginx/40#1");
    assert_int_equal(fixture_query(fixture, PB__TABLE__TABLE_FINDINGS, "r1/load/nginx/3", 0, 0, false)->n_rows, 0);
    assert_int_equal(fixture_query(fixture, PB__TABLE__TABLE_FINDINGS, "r1/load/nginx/20", 0, 0, false)->n_rows, 1);
    rows = fixture_query(fixture, PB__TABLE__TABLE_FINDINGS, "r2", 0, 0, false);
    assert_string_equal(value(rows, 0, "sightings_count"), "1");
}

static void pages_follow_each_other_without_gap_or_repeat(void **state)
{
    struct fixture *fixture = told(state);
    for (int table = PB__TABLE__TABLE_RUNS; table <= PB__TABLE__TABLE_FINDINGS; table++) {
        for (int changed = 0; changed < 2; changed++) {
            size_t all = fixture_query(fixture, (Pb__Table)table, "", 0, 0, changed)->n_rows, seen = 0;
            uint64_t after = 0;
            Pb__Rows *rows;
            do {
                rows = fixture_query(fixture, (Pb__Table)table, "", after, 1, changed);
                assert_true(rows->n_rows == 1 && rows->next > after);
                after = rows->next;
                seen += rows->n_rows;
            } while (rows->more);
            assert_int_equal(seen, all);
            assert_true(all > 0);
        }
    }
}

static void a_watcher_sees_each_change_once(void **state)
{
    struct fixture *fixture = *state;
    story_run(&fixture->story, 1, "lab", 3);
    story_trial(&fixture->story, 7, 1, 1, 1);
    fixture_append(fixture);
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_CELLS, "r1", 0, 0, true);
    assert_string_equal(value(rows, 0, "state"), "running");
    uint64_t seen = rows->next;
    assert_int_equal(fixture_query(fixture, PB__TABLE__TABLE_CELLS, "r1", seen, 0, true)->n_rows, 0);
    story_cell_end(&fixture->story, 1, 1, VERDICT_PASS);
    fixture_append(fixture);
    rows = fixture_query(fixture, PB__TABLE__TABLE_CELLS, "r1", seen, 0, true);
    assert_int_equal(rows->n_rows, 1);
    assert_string_equal(value(rows, 0, "verdict"), "pass");
    // and by creation the same row is where it was
    assert_int_equal(fixture_query(fixture, PB__TABLE__TABLE_CELLS, "r1", seen, 0, false)->n_rows, 0);
}

static void instances_streams_and_artifacts_are_shown(void **state)
{
    struct fixture *fixture = told(state);
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_INSTANCES, "r1/load/nginx/1/server", 0, 0, false);
    assert_int_equal(rows->n_rows, 1);
    assert_string_equal(value(rows, 0, "agent"), "lab-a");
    assert_string_equal(value(rows, 0, "state"), "ended");
    assert_string_equal(value(rows, 0, "version"), "1.22.1");
    assert_string_equal(value(rows, 0, "endpoints"), "http=10.0.0.1:8080/tcp");
    assert_string_equal(value(rows, 0, "kind"), "iut");
    assert_string_equal(value(rows, 0, "kernel"), "Linux 6.1.0");
    assert_string_equal(value(rows, 0, "cpus"), "8");
    assert_string_equal(value(rows, 0, "governor"), "performance");
    assert_string_equal(value(rows, 0, "clock_sync"), "yes");
    assert_string_equal(value(rows, 0, "clock_error_us"), "1500");
    rows = fixture_query(fixture, PB__TABLE__TABLE_INSTANCES, "r1/load/nginx/1/load", 0, 0, false);
    assert_string_equal(value(rows, 0, "running_case"), "");
    rows = fixture_query(fixture, PB__TABLE__TABLE_STREAMS, "r1/load/nginx/1", 0, 0, false);
    static const char *const streams[][2] = {{"plugin.log", "missing"},  {"host.stderr", "missing"},    {"nginx.stdout", "missing"},
                                             {"nginx.stderr", "stored"}, {"nginx.2.stdout", "missing"}, {"nginx.2.stderr", "missing"}};
    assert_int_equal(rows->n_rows, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(value(rows, i, "stream"), streams[i][0]);
        assert_string_equal(value(rows, i, "state"), streams[i][1]);
    }
    assert_string_equal(value(rows, 3, "name"), "r1/load/nginx/1#1/server/nginx.stderr");
    rows = fixture_query(fixture, PB__TABLE__TABLE_ARTIFACTS, "r1/load/nginx/1", 0, 0, false);
    assert_string_equal(value(rows, 0, "artifact"), "qlog/a.sqlog");
    assert_string_equal(value(rows, 0, "state"), "announced");
    rows = fixture_query(fixture, PB__TABLE__TABLE_ASSERTIONS, "r1/load/nginx/1", 0, 0, false);
    assert_string_equal(value(rows, 0, "assertion"), "server exit clean");
}

static void a_running_case_is_shown_until_its_result(void **state)
{
    struct fixture *fixture = *state;
    struct story *story = &fixture->story;
    story_run(story, 1, "lab", 1);
    story_trial(story, 7, 1, 1, 1);
    Pb__Event *event = story_event(story, 7, 72, "load", PB__EVENT__BODY_CASE_STARTED);
    event->case_started->number = 3;
    event->case_started->name = arena_string(story->arena, "case-3");
    fixture_append(fixture);
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_INSTANCES, "r1/load/nginx/1/load", 0, 0, false);
    assert_string_equal(value(rows, 0, "running_case"), "case-3");
    story_case(story, 7, 72, 3, VERDICT_PASS);
    fixture_append(fixture);
    rows = fixture_query(fixture, PB__TABLE__TABLE_INSTANCES, "r1/load/nginx/1/load", 0, 0, false);
    assert_string_equal(value(rows, 0, "running_case"), "");
}

static void what_comes_after_a_verdict_changes_no_result(void **state)
{
    struct fixture *fixture = told(state);
    struct story *story = &fixture->story;
    story_case(story, 101, 1012, 5, VERDICT_FAIL);
    ((Pb__Record *)(uintptr_t)story->records[story->count - 1])->instance_event->stale = true;
    story_stream_end(story, 101, 1012, "h2load.stdout", 5);
    ((Pb__Record *)(uintptr_t)story->records[story->count - 1])->instance_event->stale = true;
    fixture_append(fixture);
    assert_int_equal(fixture_query(fixture, PB__TABLE__TABLE_CASES, "r1/load/nginx/1", 0, 0, false)->n_rows, 2);
    assert_int_equal(fixture_query(fixture, PB__TABLE__TABLE_STREAMS, "r1", 0, 0, false)->n_rows, 19);
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_EVENTS, "r1", 0, 0, false);
    const char *text = value(rows, rows->n_rows - 2, "text");
    assert_non_null(strstr(text, "after the trial's end"));
}

static void events_are_lines_a_person_can_read(void **state)
{
    struct fixture *fixture = told(state);
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_EVENTS, "r1", 0, 0, false);
    static const struct {
        size_t row;
        const char *kind, *service, *text;
    } expected[] = {
        {0, "run_accepted", "", "r1 h2-matrix accepted: 3 cells, by ann"},
        {1, "trial_started", "", "r1/load/nginx/1#1 started on server (nginx on lab-a), load (h2load on lab-b)"},
        {2, "command_issued", "server", "command 2: start"},
        {3, "command_done", "server", "initialize done: http at 10.0.0.1 port 8080"},
        {6, "cases_released", "load", "told to run 2 cases: case-3, case-4"},
        {9, "case_result", "load", "case case-4: pass in 2ms; req_per_s=1234.5 1/s"},
        {14, "trial_ended", "", "r1/load/nginx/1#1 ended: pass"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_string_equal(value(rows, expected[i].row, "kind"), expected[i].kind);
        assert_string_equal(value(rows, expected[i].row, "service"), expected[i].service);
        assert_string_equal(value(rows, expected[i].row, "text"), expected[i].text);
    }
    assert_string_equal(value(rows, 9, "agent"), "lab-b");
    assert_string_equal(value(rows, 9, "trial"), "r1/load/nginx/1#1");
    assert_string_equal(value(rows, 0, "trial"), "r1");
    assert_string_equal(value(rows, rows->n_rows - 1, "kind"), "content_stored");
    assert_int_equal(fixture_query(fixture, PB__TABLE__TABLE_EVENTS, "r1/load/nginx/1/server", 0, 0, false)->n_rows, 8);
}

static void control_bytes_and_long_texts_become_one_line(void **state)
{
    struct fixture *fixture = *state;
    struct story *story = &fixture->story;
    char *text = arena_allocate(story->arena, 4000);
    memset(text, 'x', 3999);
    memcpy(text, "one\ntwo\x1b[31m\ttab", 16);
    story_run(story, 1, "lab", 1);
    story_trial(story, 7, 1, 1, 1);
    story_event(story, 7, 71, "server", PB__EVENT__BODY_NOTE)->note->text = text;
    fixture_append(fixture);
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_EVENTS, "r1", 0, 0, false);
    const char *line = value(rows, 2, "text");
    assert_memory_equal(line, "one | two?[31m?tab", 18);
    assert_true(strlen(line) <= 400);
    assert_string_equal(line + strlen(line) - 3, "...");
}

static void what_is_not_found_is_answered_with_what_there_is(void **state)
{
    struct fixture *fixture = *state;
    assert_null(fixture_query(fixture, PB__TABLE__TABLE_RUNS, "@last", 0, 0, false));
    assert_string_equal(fixture->error.message, "there is no run yet");
    told(state);
    static const struct {
        const char *scope;
        int code;
        const char *text;
    } expected[] = {
        {"r9", PANTHER_ENOTFOUND, "there is no run r9; the newest is r2"},
        {"@last/laod", PANTHER_ENOTFOUND, "r2/laod: the run has no such test; there is: load, probe"},
        {"r1/load/apache", PANTHER_ENOTFOUND,
         "r1/load/apache: no such cell has started; there is: r1/load/nginx/1, r1/load/nginx/2, r1/load/nginx/3"},
        {"r1/load/nginx/8", PANTHER_ENOTFOUND,
         "r1/load/nginx/8: no such cell has started; there is: r1/load/nginx/1, r1/load/nginx/2, r1/load/nginx/3"},
        {"r1/load/nginx/2#5", PANTHER_ENOTFOUND,
         "r1/load/nginx/2#5: there was no such attempt; there is: r1/load/nginx/2#1, r1/load/nginx/2#2"},
        {"r1/load/nginx/2/judge", PANTHER_ENOTFOUND, "r1/load/nginx/2/judge: the trial has no such service; there is: server, load"},
        {"load", PANTHER_EINVALID, NULL},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_null(fixture_query(fixture, PB__TABLE__TABLE_CASES, expected[i].scope, 0, 0, false));
        assert_int_equal(fixture->error.code, expected[i].code);
        if (expected[i].text)
            assert_string_equal(fixture->error.message, expected[i].text);
    }
    assert_null(fixture_query(fixture, (Pb__Table)99, "", 0, 0, false));
    assert_int_equal(fixture->error.code, PANTHER_EINVALID);
}

static void a_page_fits_a_frame(void **state)
{
    struct fixture *fixture = *state;
    struct story *story = &fixture->story;
    story_run(story, 1, "lab", 1);
    story_trial(story, 7, 1, 1, 1);
    char *text = arena_allocate(story->arena, 4001);
    memset(text, 'y', 4000);
    for (uint32_t i = 0; i < 1200; i++) {
        story_case(story, 7, 72, i + 3, VERDICT_PASS);
        story->records[story->count - 1]->instance_event->event->case_result->outcome->text = text;
    }
    fixture_append(fixture);
    uint64_t after = 0;
    size_t pages = 0, seen = 0;
    Pb__Rows *rows;
    do {
        rows = fixture_query(fixture, PB__TABLE__TABLE_CASES, "r1", after, 0, false);
        assert_true(wire_packed_bytes(rows) < 1200 * 1024);
        seen += rows->n_rows;
        after = rows->next;
        pages++;
    } while (rows->more);
    assert_int_equal(seen, 1200);
    assert_true(pages > 3);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_show_counts_and_verdicts, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(cells_that_never_started_have_no_row_until_they_end, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_cell_keeps_all_its_attempts, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(cases_of_a_scope, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(what_is_seen_again_is_the_same_finding, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(pages_follow_each_other_without_gap_or_repeat, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_watcher_sees_each_change_once, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(instances_streams_and_artifacts_are_shown, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_running_case_is_shown_until_its_result, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(what_comes_after_a_verdict_changes_no_result, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(events_are_lines_a_person_can_read, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(control_bytes_and_long_texts_become_one_line, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(what_is_not_found_is_answered_with_what_there_is, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_page_fits_a_frame, fixture_begin, fixture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
