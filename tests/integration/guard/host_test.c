// The plugin host in all ways it can go wrong: crash, kill, exit, hang, flood, garbage; and the answers that come all the same.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/system/loop.h"
#include "common/wire/wire.h"
#include "tests/integration/guard/fixture.h"

static void expect_done(struct fixture *fixture, uint32_t number, Pb__CommandStatus status)
{
    const Pb__Event *event = fixture_await_result(fixture, number);
    assert_int_equal(event->body_case, PB__EVENT__BODY_COMMAND_DONE);
    assert_int_equal(event->command_done->status, status);
}

static void expect_case(struct fixture *fixture, uint32_t number, Pb__Verdict verdict, Pb__Reason reason)
{
    const Pb__Event *event = fixture_await_result(fixture, number);
    assert_int_equal(event->body_case, PB__EVENT__BODY_CASE_RESULT);
    assert_int_equal(event->case_result->outcome->verdict, verdict);
    assert_int_equal(event->case_result->outcome->reason, reason);
}

static void whole_life(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    const Pb__HostState *host = fixture_find(&fixture, PB__EVENT__BODY_COMMAND_DONE)->command_done->host;
    assert_non_null(host);
    assert_true(strncmp(host->kernel, "Linux ", 6) == 0 && host->cpus > 0);
    assert_non_null(strstr(host->interface, "lo (")); // where the instance listens
    expect_done(&fixture, fixture_start(&fixture), PB__COMMAND_STATUS__COMMAND_STATUS_OK);
    fixture_do(&fixture, "pass");
    uint32_t stop = fixture_stop(&fixture, false), cleanup = fixture_cleanup(&fixture);
    expect_done(&fixture, stop, PB__COMMAND_STATUS__COMMAND_STATUS_OK);
    expect_done(&fixture, cleanup, PB__COMMAND_STATUS__COMMAND_STATUS_OK);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    assert_null(fixture_find(&fixture, PB__EVENT__BODY_HOST_DIED));
    fixture_remove(&fixture);
}

static void many_cases_in_flight_are_answered_in_order(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    for (int i = 0; i < 64; i++)
        fixture_case(&fixture, "pass", 1000);
    fixture_await_result(&fixture, fixture.last_command);
    uint32_t expected = 2;
    for (size_t i = 0; i < fixture.event_count; i++)
        if (fixture.events[i]->body_case == PB__EVENT__BODY_CASE_RESULT)
            assert_int_equal(fixture.events[i]->case_result->number, expected++);
    assert_int_equal(expected, 66);
    fixture_end(&fixture);
}

static void only_a_long_case_is_shown(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    fixture_do(&fixture, "sleep 5");
    fixture_do(&fixture, "sleep 400");
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_CASE_STARTED), 1);
    const Pb__CaseStarted *started = fixture_find(&fixture, PB__EVENT__BODY_CASE_STARTED)->case_started;
    assert_string_equal(started->name, "sleep 400");
    assert_true(started->running_ns >= 200000000); // it is told when it began, not only that it runs
    fixture_end(&fixture);
}

// Whatever ends the host in the middle of a case: it and those that wait get a result, Stop and Cleanup still work.
static void die(const char *how, Pb__Verdict verdict, Pb__Reason first_reason, Pb__Reason queued_reason, int signal_number, int status)
{
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_set(&fixture, "server", "sleep 1000");
    fixture_begin(&fixture);
    fixture_do(&fixture, "spawn server");
    uint32_t first = fixture_case(&fixture, how, 300), queued = fixture_case(&fixture, "pass", 300);
    const Pb__HostDied *died = fixture_await(&fixture, PB__EVENT__BODY_HOST_DIED)->host_died;
    assert_int_equal(died->signal, signal_number);
    assert_int_equal(died->status, status);
    assert_string_equal(died->phase, "run_case");
    expect_case(&fixture, first, verdict, first_reason);
    expect_case(&fixture, queued, verdict, queued_reason);
    const Pb__ProcessExited *exited = fixture_await_exit(&fixture, 1);
    assert_int_equal(exited->expectation, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED);
    uint32_t late = fixture_start(&fixture);
    expect_done(&fixture, late, PB__COMMAND_STATUS__COMMAND_STATUS_HOST_DIED);
    fixture_end(&fixture);
}

static void host_crashes(void **state)
{
    (void)state;
    die("crash", PB__VERDICT__VERDICT_ERROR, PB__REASON__REASON_CRASH, PB__REASON__REASON_CRASH, SIGSEGV, -1);
}

static void host_is_killed(void **state)
{
    (void)state;
    die("killed", PB__VERDICT__VERDICT_INCONC, PB__REASON__REASON_KILLED, PB__REASON__REASON_KILLED, SIGKILL, -1);
}

static void host_exits(void **state)
{
    (void)state;
    die("exit", PB__VERDICT__VERDICT_ERROR, PB__REASON__REASON_CRASH, PB__REASON__REASON_CRASH, 0, 7);
}

static void host_hangs_in_a_case(void **state)
{
    (void)state;
    die("hang", PB__VERDICT__VERDICT_INCONC, PB__REASON__REASON_TIMEOUT, PB__REASON__REASON_KILLED, SIGKILL, -1);
}

static void host_sends_garbage(void **state)
{
    (void)state;
    die("garbage", PB__VERDICT__VERDICT_INCONC, PB__REASON__REASON_KILLED, PB__REASON__REASON_KILLED, SIGKILL, -1);
}

static void crash_tells_the_last_words_of_the_host(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    fixture_case(&fixture, "crash", 1000);
    const Pb__HostDied *died = fixture_await(&fixture, PB__EVENT__BODY_HOST_DIED)->host_died;
    assert_non_null(strstr(died->tail, "about to crash"));
    assert_false(died->hung);
    fixture_end(&fixture);
}

static void host_hangs_in_start(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_set(&fixture, "start", "hang");
    fixture.initialize.start_ms = 200;
    fixture_begin(&fixture);
    uint64_t begin_ns = clock_boottime_ns();
    uint32_t start = fixture_start(&fixture);
    expect_done(&fixture, start, PB__COMMAND_STATUS__COMMAND_STATUS_HOST_DIED);
    uint64_t took_ms = (clock_boottime_ns() - begin_ns) / 1000000;
    assert_in_range(took_ms, 2200, 8000);
    const Pb__HostDied *died = fixture_find(&fixture, PB__EVENT__BODY_HOST_DIED)->host_died;
    assert_true(died->hung);
    assert_string_equal(died->phase, "start");
    fixture_end(&fixture);
}

static void host_crashes_in_initialize(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_set(&fixture, "initialize", "crash");
    fixture_spawn(&fixture);
    fixture_attach(&fixture);
    fixture.last_command = 1;
    expect_done(&fixture, 1, PB__COMMAND_STATUS__COMMAND_STATUS_HOST_DIED);
    fixture_end(&fixture);
}

static void host_program_is_not_there(void **state)
{
    (void)state;
    static char nowhere[] = "/nowhere/panther-service";
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture.spec.host_program = nowhere;
    fixture_spawn(&fixture);
    fixture_attach(&fixture);
    fixture.last_command = 1;
    expect_done(&fixture, 1, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED);
    assert_non_null(strstr(fixture_await_result(&fixture, 1)->command_done->text, nowhere));
    fixture_end(&fixture);
}

static void child_that_the_plugin_forked_dies_with_the_instance(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    fixture_do(&fixture, "fork");
    assert_int_equal(fixture_living(&fixture), 2);
    fixture_case(&fixture, "crash", 1000);
    fixture_await(&fixture, PB__EVENT__BODY_HOST_DIED);
    fixture_end(&fixture);
}

static void cancel_ends_a_hanging_case_within_the_time_of_a_stop(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    uint64_t begin_ns = clock_boottime_ns();
    uint32_t hanging = fixture_case(&fixture, "hang", 3600000), stop = fixture_stop(&fixture, true);
    expect_case(&fixture, hanging, PB__VERDICT__VERDICT_INCONC, PB__REASON__REASON_TIMEOUT);
    expect_done(&fixture, stop, PB__COMMAND_STATUS__COMMAND_STATUS_OK);
    assert_true(clock_boottime_ns() - begin_ns < 8000000000);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    fixture_remove(&fixture);
}

// 150,000 metrics: some are kept, a Gap says that not all were, and the result of the case is there.
static void flood_of_metrics_is_cut_and_said(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    fixture_await_result(&fixture, fixture_case(&fixture, "metrics 150000", 60000));
    assert_in_range(fixture_count(&fixture, PB__EVENT__BODY_METRIC), 99990, 100000); // and the start of the case
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_GAP), 1);
    assert_string_equal(fixture_find(&fixture, PB__EVENT__BODY_GAP)->gap->stream, "events");
    fixture_end(&fixture);
}

static void repeated_command_is_not_done_again(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    fixture_do(&fixture, "pass");
    fixture.last_command--;
    fixture_case(&fixture, "pass", 1000); // number 2 again
    fixture_do(&fixture, "sleep 1");      // number 3
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_CASE_RESULT), 2);
    fixture_end(&fixture);
}

// Only a Stop may leave numbers out, so nothing but its own number tells that it came before.
static void repeated_stop_is_answered_once(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    uint32_t number = fixture_stop(&fixture, false);
    fixture.last_command--;
    assert_int_equal(fixture_stop(&fixture, false), number);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    size_t answers = 0;
    for (size_t i = 0; i < fixture.event_count; i++)
        answers += fixture.events[i]->body_case == PB__EVENT__BODY_COMMAND_DONE && fixture.events[i]->command_done->number == number;
    assert_int_equal(answers, 1);
    fixture_remove(&fixture);
}

static void stop_may_leave_out_cases_that_were_never_sent(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    fixture_do(&fixture, "pass");
    fixture.last_command += 500;
    expect_done(&fixture, fixture_stop(&fixture, true), PB__COMMAND_STATUS__COMMAND_STATUS_OK);
    fixture_end(&fixture);
}

static void command_with_a_number_left_out_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    fixture.last_command++;
    fixture_case(&fixture, "pass", 1000); // 3, and 2 never was
    fixture_await(&fixture, PB__EVENT__BODY_NOTE);
    fixture.last_command = 1;
    fixture_do(&fixture, "pass");
    fixture_end(&fixture);
}

static void rate(struct fixture *fixture, unsigned in_flight, unsigned count)
{
    uint64_t begin_ns = clock_boottime_ns();
    uint32_t first = fixture->last_command + 1, last = fixture->last_command + count;
    for (uint32_t answered = first; answered <= last; answered++) {
        while (fixture->last_command < last && fixture->last_command - answered + 1 < in_flight)
            fixture_case(fixture, "pass", 1000);
        while (fixture->event_count < answered) // every event is an answer here
            fixture_pump(fixture, 1000);
    }
    double seconds = (double)(clock_boottime_ns() - begin_ns) / 1e9;
    print_message("           %u in flight: %.0f cases/s\n", in_flight, count / seconds);
    if (in_flight == 64 && strstr(PANTHER_BIN, "asan") == NULL)
        assert_true(count / seconds > 1000); // a tenth of what an idle machine does
}

static void cases_are_fast(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    rate(&fixture, 1, 500);
    rate(&fixture, 16, 5000);
    rate(&fixture, 64, 20000);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_life),
        cmocka_unit_test(many_cases_in_flight_are_answered_in_order),
        cmocka_unit_test(only_a_long_case_is_shown),
        cmocka_unit_test(host_crashes),
        cmocka_unit_test(host_is_killed),
        cmocka_unit_test(host_exits),
        cmocka_unit_test(host_hangs_in_a_case),
        cmocka_unit_test(host_sends_garbage),
        cmocka_unit_test(crash_tells_the_last_words_of_the_host),
        cmocka_unit_test(host_hangs_in_start),
        cmocka_unit_test(host_crashes_in_initialize),
        cmocka_unit_test(host_program_is_not_there),
        cmocka_unit_test(child_that_the_plugin_forked_dies_with_the_instance),
        cmocka_unit_test(cancel_ends_a_hanging_case_within_the_time_of_a_stop),
        cmocka_unit_test(flood_of_metrics_is_cut_and_said),
        cmocka_unit_test(repeated_command_is_not_done_again),
        cmocka_unit_test(repeated_stop_is_answered_once),
        cmocka_unit_test(stop_may_leave_out_cases_that_were_never_sent),
        cmocka_unit_test(command_with_a_number_left_out_is_refused),
        cmocka_unit_test(cases_are_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
