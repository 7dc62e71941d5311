// Captured output: complete and hashed, cut at the limit with a Gap, matched against rules and watches, copied to the host.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/wire/wire.h"
#include "tests/integration/guard/fixture.h"

static void begin(struct fixture *fixture, const char *command)
{
    fixture_prepare(fixture);
    fixture_set(fixture, "tool", command);
    fixture_set(fixture, "tool", "finishes");
}

static void run(struct fixture *fixture)
{
    fixture_begin(fixture);
    fixture_do(fixture, "spawn tool");
    fixture_await_exit(fixture, 1);
}

static void stream_is_whole_and_its_hash_says_so(void **state)
{
    (void)state;
    struct fixture fixture;
    char hash[HASH_TEXT_BYTES];
    size_t bytes;
    begin(&fixture, "seq 1 100000; printf 'no newline at the end'");
    run(&fixture);
    const Pb__StreamEnd *end = fixture_await_stream(&fixture, "tool.stdout");
    CLEANUP_FREE char *text = fixture_read(&fixture, "streams/tool.stdout", &bytes);
    hash_bytes(text, bytes, hash);
    assert_int_equal(end->length_bytes, bytes);
    assert_string_equal(end->hash, hash);
    assert_int_equal(end->dropped_bytes, 0);
    assert_non_null(strstr(text, "100000\nno newline at the end"));
    while (fixture.stream_reports == 0) // ctest's timeout says when it never comes
        fixture_pump(&fixture, 100);
    fixture_end(&fixture);
}

static void streams_end_before_the_exit_is_told(void **state)
{
    (void)state;
    struct fixture fixture;
    size_t ends = 0;
    begin(&fixture, "echo out; echo err >&2");
    run(&fixture);
    for (size_t i = 0; i < fixture.event_count; i++) {
        const Pb__Event *event = fixture.events[i];
        if (event->body_case == PB__EVENT__BODY_STREAM_END && strncmp(event->stream_end->stream, "tool.", 5) == 0)
            ends++;
        if (event->body_case == PB__EVENT__BODY_PROCESS_EXITED)
            assert_int_equal(ends, 2);
    }
    fixture_end(&fixture);
}

static void flood_is_cut_at_the_limit_with_one_gap(void **state)
{
    (void)state;
    struct fixture fixture;
    size_t bytes;
    begin(&fixture, "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the last line");
    fixture_rule(&fixture, 7, false, "the last line", "stdout");
    fixture.spec.stream_limit_bytes = 1000000;
    run(&fixture);
    const Pb__StreamEnd *end = fixture_await_stream(&fixture, "tool.stdout");
    assert_int_equal(end->length_bytes, 3000015);
    assert_int_equal(end->dropped_bytes, 2000015);
    free(fixture_read(&fixture, "streams/tool.stdout", &bytes));
    assert_int_equal(bytes, 1000000);
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_GAP), 1);
    const Pb__Gap *gap = fixture_find(&fixture, PB__EVENT__BODY_GAP)->gap;
    assert_string_equal(gap->stream, "tool.stdout");
    assert_int_equal(gap->offset, 1000000);
    // Rules look at what is not kept as well.
    assert_string_equal(fixture_find(&fixture, PB__EVENT__BODY_OUTPUT_MATCH)->output_match->line, "the last line");
    assert_non_null(strstr(fixture_await_exit(&fixture, 1)->tail, "the last line"));
    fixture_end(&fixture);
}

// The host's disk is below its reserve: output is read, hashed and matched, but what is left of the disk is for events.
static void output_is_cut_on_a_short_disk_and_still_matched(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "echo one; echo the last line");
    fixture_rule(&fixture, 7, false, "the last line", "stdout");
    fixture.spec.reserve_bytes = UINT64_C(1) << 50;
    run(&fixture);
    const Pb__StreamEnd *end = fixture_await_stream(&fixture, "tool.stdout");
    assert_int_equal(end->dropped_bytes, end->length_bytes);
    const Pb__Gap *gap = fixture_find(&fixture, PB__EVENT__BODY_GAP)->gap;
    assert_string_equal(gap->stream, "tool.stdout");
    assert_int_equal(gap->offset, 0);
    assert_non_null(strstr(gap->reason, "it is kept for"));
    assert_non_null(fixture_find(&fixture, PB__EVENT__BODY_OUTPUT_MATCH));
    fixture_end(&fixture);
}

static void log_flood_of_the_plugin_is_cut_too(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture.spec.stream_limit_bytes = 100000;
    fixture_begin(&fixture);
    fixture_do(&fixture, "logs 50000");
    fixture_stop(&fixture, false);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    const Pb__StreamEnd *end = fixture_await_stream(&fixture, "plugin.log");
    assert_true(end->length_bytes > 5000000);
    assert_int_equal(end->length_bytes - end->dropped_bytes, 100000);
    fixture_remove(&fixture);
}

static void rules_match_by_line_first_and_last_are_told(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "echo ERROR one; echo fine; echo ERROR two; echo ERROR three; echo ERROR elsewhere >&2");
    fixture_rule(&fixture, 1, false, "ERROR", "stdout");
    fixture_rule(&fixture, 2, true, "^ERROR t(wo|hree)$", "");
    fixture_rule(&fixture, 3, false, "never printed", "");
    run(&fixture);
    const Pb__OutputMatch *matches[8];
    size_t count = 0;
    for (size_t i = 0; i < fixture.event_count; i++)
        if (fixture.events[i]->body_case == PB__EVENT__BODY_OUTPUT_MATCH)
            matches[count++] = fixture.events[i]->output_match;
    assert_int_equal(count, 4);
    assert_int_equal(matches[0]->rule, 1);
    assert_string_equal(matches[0]->line, "ERROR one");
    assert_int_equal(matches[0]->count, 1);
    assert_int_equal(matches[1]->rule, 2);
    assert_string_equal(matches[1]->line, "ERROR two");
    assert_int_equal(matches[1]->offset, 15);
    assert_int_equal(matches[2]->rule, 1);
    assert_int_equal(matches[2]->count, 3);
    assert_string_equal(matches[2]->line, "ERROR three");
    assert_int_equal(matches[3]->rule, 2);
    assert_int_equal(matches[3]->count, 2);
    fixture_end(&fixture);
}

// A window asks when: each match is told, with its own time, until there are too many.
static void every_match_is_told_to_a_window(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "echo ERROR; sleep 0.1; echo ERROR; i=0; while [ $i -lt 298 ]; do echo ERROR; i=$((i+1)); done");
    fixture_rule(&fixture, 1, false, "ERROR", "stdout");
    fixture.rules[0]->every = true;
    run(&fixture);
    uint64_t count = 0, first_ns = 0, second_ns = 0, last = 0;
    for (size_t i = 0; i < fixture.event_count; i++) {
        const Pb__Event *event = fixture.events[i];
        if (event->body_case != PB__EVENT__BODY_OUTPUT_MATCH) {
            continue;
        }
        count++;
        first_ns = event->output_match->count == 1 ? event->boottime_ns : first_ns;
        second_ns = event->output_match->count == 2 ? event->boottime_ns : second_ns;
        last = event->output_match->count;
    }
    assert_int_equal(count, MATCHES_TOLD_MAX + 1);
    assert_int_equal(last, 300);
    assert_true(first_ns > 0 && second_ns >= first_ns + 50000000);
    fixture_end(&fixture);
}

// An assertion that cannot be checked must not look as if it held.
static void rule_that_is_no_expression_fails_the_start(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_rule(&fixture, 1, true, "([a-z", "");
    fixture_spawn(&fixture);
    fixture_attach(&fixture);
    fixture.last_command = 1;
    const Pb__CommandDone *done = fixture_await_result(&fixture, 1)->command_done;
    assert_int_equal(done->status, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED);
    assert_non_null(strstr(done->text, "([a-z"));
    fixture_end(&fixture);
}

static void watch_sees_a_line_of_before(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "echo noise; echo early bird; sleep 1000");
    fixture_begin(&fixture);
    fixture_do(&fixture, "spawn tool");
    assert_string_equal(fixture_do(&fixture, "line 1 early"), "early bird");
    assert_string_equal(fixture_do(&fixture, "line 1 early"), "early bird"); // surely captured before it was watched for
    fixture_end(&fixture);
}

static void watch_sees_a_line_that_comes_later(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "sleep 0.3; echo late 42; sleep 1000");
    fixture_begin(&fixture);
    fixture_do(&fixture, "spawn tool");
    assert_string_equal(fixture_do(&fixture, "line 0 ^late.[0-9]+$ regex"), "late 42");
    fixture_end(&fixture);
}

// Backpressure, not loss: more than any queue holds, while the host is busy with its case.
static void copies_for_the_host_are_complete(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "head -c 20000000 /dev/zero");
    fixture_set(&fixture, "tool", "output");
    fixture_begin(&fixture);
    fixture_do(&fixture, "spawn tool");
    fixture_do(&fixture, "sleep 300");
    assert_string_equal(fixture_do(&fixture, "wait-exit"), "0 0 20000000");
    fixture_end(&fixture);
}

static void binary_output_becomes_a_printable_tail(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "printf 'a\\000b\\377\\033[31m gr\\303\\274n\\n' >&2; exit 1");
    run(&fixture);
    assert_string_equal(fixture_await_exit(&fixture, 1)->tail, "a?b??[31m gr\xc3\xbcn\n");
    fixture_end(&fixture);
}

static void artifacts_are_kept_and_told(void **state)
{
    (void)state;
    struct fixture fixture;
    char hash[HASH_TEXT_BYTES];
    size_t bytes;
    begin(&fixture, "mkdir -p qlog/deep; echo one >qlog/deep/a.qlog; echo two >b.qlog; echo cfg >conf; echo no >other; echo x >core.17;"
                    " ln -s /etc/passwd c.qlog");
    fixture_begin(&fixture);
    fixture_do(&fixture, "artifact *.qlog qlog pattern");
    fixture_do(&fixture, "artifact conf config");
    fixture_do(&fixture, "artifact missing file");
    fixture_do(&fixture, "spawn tool");
    fixture_await_exit(&fixture, 1);
    fixture_stop(&fixture, false);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    static const char *const paths[] = {"b.qlog", "conf", "core.17", "qlog/deep/a.qlog"};
    static const char *const kinds[] = {"qlog", "config", "core", "qlog"};
    size_t count = 0;
    for (size_t i = 0; i < fixture.event_count; i++) {
        if (fixture.events[i]->body_case != PB__EVENT__BODY_ARTIFACT_READY)
            continue;
        const Pb__ArtifactReady *ready = fixture.events[i]->artifact_ready;
        assert_true(count < 4);
        assert_string_equal(ready->path, paths[count]);
        assert_string_equal(ready->kind, kinds[count]);
        CLEANUP_FREE char *name = memory_printf("artifacts/%s", ready->path);
        CLEANUP_FREE char *data = fixture_read(&fixture, name, &bytes);
        hash_bytes(data, bytes, hash);
        assert_string_equal(ready->hash, hash);
        assert_int_equal(ready->size_bytes, bytes);
        count++;
    }
    assert_int_equal(count, 4);
    const Pb__Event *note = fixture_find(&fixture, PB__EVENT__BODY_NOTE);
    assert_non_null(strstr(note->note->text, "missing"));
    fixture_remove(&fixture);
}

// A folder stands where the file is to be kept: what cannot be kept is a gap, with its name and why.
static void a_file_that_cannot_be_kept_is_a_gap(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "mkdir -p ../artifacts/conf/full; echo cfg >conf");
    fixture_begin(&fixture);
    fixture_do(&fixture, "artifact conf config");
    fixture_do(&fixture, "spawn tool");
    fixture_await_exit(&fixture, 1);
    fixture_stop(&fixture, false);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    assert_null(fixture_find(&fixture, PB__EVENT__BODY_ARTIFACT_READY));
    const Pb__Event *gap = fixture_find(&fixture, PB__EVENT__BODY_GAP);
    assert_non_null(gap);
    assert_true(gap->gap->artifact);
    assert_string_equal(gap->gap->stream, "conf");
    assert_non_null(strstr(gap->gap->reason, "could not be kept"));
    fixture_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_is_whole_and_its_hash_says_so),
        cmocka_unit_test(streams_end_before_the_exit_is_told),
        cmocka_unit_test(flood_is_cut_at_the_limit_with_one_gap),
        cmocka_unit_test(output_is_cut_on_a_short_disk_and_still_matched),
        cmocka_unit_test(log_flood_of_the_plugin_is_cut_too),
        cmocka_unit_test(rules_match_by_line_first_and_last_are_told),
        cmocka_unit_test(every_match_is_told_to_a_window),
        cmocka_unit_test(rule_that_is_no_expression_fails_the_start),
        cmocka_unit_test(watch_sees_a_line_of_before),
        cmocka_unit_test(watch_sees_a_line_that_comes_later),
        cmocka_unit_test(copies_for_the_host_are_complete),
        cmocka_unit_test(binary_output_becomes_a_printable_tail),
        cmocka_unit_test(artifacts_are_kept_and_told),
        cmocka_unit_test(a_file_that_cannot_be_kept_is_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
