// panther-service as its guard sees it: answers, deadlines, cancellation, readiness, refusals.
#include <panther/plugin.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/verdict.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "tests/integration/host/fake_guard.h"

#define NULL_PLUGIN PANTHER_PLUGINS "/null.so"
#define FAULTY_PLUGIN PANTHER_TEST_PLUGINS "/faulty.so"
#define OK PB__COMMAND_STATUS__COMMAND_STATUS_OK
#define FAILED PB__COMMAND_STATUS__COMMAND_STATUS_FAILED
#define REFUSED PB__COMMAND_STATUS__COMMAND_STATUS_REFUSED
#define TIMED_OUT PB__COMMAND_STATUS__COMMAND_STATUS_TIMEOUT
// Far below this machine's rate, which the test prints: a floor under mistakes such as a sleep in the loop.
#define CASES_PER_SECOND_MIN 2000

#define assert_has(text, part)                                                                                                             \
    do {                                                                                                                                   \
        if (strstr((text), (part)) == NULL) {                                                                                              \
            fail_msg("\"%s\" does not contain \"%s\"", (text), (part));                                                                    \
        }                                                                                                                                  \
    } while (0)

// ---- initialize

static void wrong_options_are_all_named_in_one_answer(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_setting(&guard, "delya", "1s");
    fake_guard_setting(&guard, "metrics", "65");
    const Pb__CommandDone *done = fake_guard_done(&guard, fake_guard_initialize(&guard));
    assert_int_equal(done->status, FAILED);
    assert_string_equal(done->phase, "initialize");
    assert_has(done->text, "delya");
    assert_has(done->text, "did you mean \"delay\"?");
    assert_has(done->text, "65");
    assert_int_equal(fake_guard_done(&guard, fake_guard_start(&guard))->status, REFUSED);
    assert_int_equal(fake_guard_done(&guard, fake_guard_stop(&guard, false))->status, OK);
    assert_int_equal(fake_guard_done(&guard, fake_guard_cleanup(&guard))->status, OK);
    fake_guard_end(&guard);
}

#define TEXT_OF(number) TEXT_OF_ITS_VALUE(number)
#define TEXT_OF_ITS_VALUE(value) #value
#define NEXT_MAJOR 2
static_assert(NEXT_MAJOR == PANTHER_ABI_MAJOR + 1, "the reason names it");

static void a_plugin_that_does_not_load_is_answered_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *path, *reason;
    } cases[] = {{"/nowhere/x.so", "cannot open"},
                 {PANTHER_TEST_PLUGINS "/wrong_abi.so",
                  "ABI " TEXT_OF(NEXT_MAJOR) ".0, this host has " TEXT_OF(PANTHER_ABI_MAJOR) "." TEXT_OF(PANTHER_ABI_MINOR)},
                 {PANTHER_TEST_PLUGINS "/newer_minor.so",
                  "this host has " TEXT_OF(PANTHER_ABI_MAJOR) "." TEXT_OF(PANTHER_ABI_MINOR) ": build it again"},
                 {PANTHER_TEST_PLUGINS "/shorter.so", "its descriptor has 8 bytes"},
                 {PANTHER_TEST_PLUGINS "/longer.so", "it was built with headers of another version"},
                 {PANTHER_TEST_PLUGINS "/no_descriptor.so", "panther_plugin_descriptor"},
                 {PANTHER_TEST_PLUGINS "/bad_default.so", "workers"},
                 {PANTHER_TEST_PLUGINS "/missing_symbol.so", "panther_function_of_the_future"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fake_guard guard;
        fake_guard_begin(&guard, cases[i].path);
        const Pb__CommandDone *done = fake_guard_done(&guard, fake_guard_initialize(&guard));
        assert_int_equal(done->status, FAILED);
        assert_has(done->text, cases[i].reason);
        fake_guard_end(&guard);
    }
}

static void ports_become_endpoints_and_the_version_is_told(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, FAULTY_PLUGIN);
    const Pb__CommandDone *done = fake_guard_done(&guard, fake_guard_initialize(&guard));
    assert_int_equal(done->status, OK);
    assert_int_equal(done->n_endpoints, 1);
    assert_string_equal(done->endpoints[0]->name, "main");
    assert_string_equal(done->endpoints[0]->address, "127.0.0.1");
    assert_int_equal(done->endpoints[0]->port, guard.first_port);
    assert_int_equal(done->endpoints[0]->transport, PB__TRANSPORT__TRANSPORT_TCP_UDP);
    assert_string_equal(done->implementation_version, "0.0");
    fake_guard_end(&guard);
}

static void a_failing_phase_says_what_the_plugin_said(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, FAULTY_PLUGIN);
    fake_guard_setting(&guard, "fail_in", "start");
    assert_int_equal(fake_guard_done(&guard, fake_guard_initialize(&guard))->status, OK);
    const Pb__CommandDone *done = fake_guard_done(&guard, fake_guard_start(&guard));
    assert_int_equal(done->status, FAILED);
    assert_string_equal(done->text, "told to fail in start");
    assert_int_equal(fake_guard_done(&guard, fake_guard_cleanup(&guard))->status, OK);
    fake_guard_end(&guard);
}

// ---- cases

static void check_case(struct fake_guard *guard, const char *name, int verdict, int reason)
{
    const Pb__CaseResult *result = fake_guard_result(guard, fake_guard_case(guard, name, 5000));
    assert_string_equal(result->name, name);
    assert_int_equal(result->outcome->verdict, verdict);
    assert_int_equal(result->outcome->reason, reason);
}

static void each_verdict_arrives(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_setting(&guard, "metrics", "3");
    fake_guard_up(&guard);
    check_case(&guard, "pass", VERDICT_PASS, REASON_UNSPECIFIED);
    check_case(&guard, "fail", VERDICT_FAIL, REASON_ASSERTION);
    check_case(&guard, "inconc", VERDICT_INCONC, REASON_INCOMPLETE);
    check_case(&guard, "error", VERDICT_ERROR, REASON_INFRASTRUCTURE);
    const Pb__CaseResult *result = fake_guard_result(&guard, fake_guard_case(&guard, "noop", 5000));
    assert_int_equal(result->n_metrics, 3);
    assert_string_equal(result->metrics[2]->name, "m2");
    fake_guard_end(&guard);
}

static void an_unknown_case_is_an_error_not_a_pass(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_up(&guard);
    const Pb__CaseResult *result = fake_guard_result(&guard, fake_guard_case(&guard, "nopo", 5000));
    assert_int_equal(result->outcome->verdict, VERDICT_ERROR);
    assert_has(result->outcome->text, "did you mean \"noop\"?");
    fake_guard_end(&guard);
}

static void a_case_before_start_is_an_error(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    assert_int_equal(fake_guard_done(&guard, fake_guard_initialize(&guard))->status, OK);
    const Pb__CaseResult *result = fake_guard_result(&guard, fake_guard_case(&guard, "pass", 5000));
    assert_int_equal(result->outcome->verdict, VERDICT_ERROR);
    fake_guard_end(&guard);
}

static void a_case_that_is_late_is_inconclusive_by_timeout(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_setting(&guard, "delay", "60s");
    fake_guard_up(&guard);
    const Pb__CaseResult *result = fake_guard_result(&guard, fake_guard_case(&guard, "slow", 100));
    assert_int_equal(result->outcome->verdict, VERDICT_INCONC);
    assert_int_equal(result->outcome->reason, REASON_TIMEOUT);
    assert_in_range(result->duration_ns, 100000000, 1000000000);
    fake_guard_end(&guard);
}

// The second case's deadline is earlier than what the first one made the main thread wait for.
static void a_short_case_behind_a_long_one_keeps_its_own_deadline(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_up(&guard);
    const uint32_t first = fake_guard_case(&guard, "slow", 60000);
    const uint32_t second = fake_guard_case(&guard, "slow", 200);
    assert_int_equal(fake_guard_result(&guard, first)->outcome->verdict, VERDICT_PASS);
    const Pb__CaseResult *result = fake_guard_result(&guard, second);
    assert_int_equal(result->outcome->reason, REASON_TIMEOUT);
    assert_in_range(result->duration_ns, 200000000, 900000000);
    fake_guard_end(&guard);
}

static void stop_with_cancel_ends_the_running_case_and_drops_the_queued(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_setting(&guard, "delay", "60s");
    fake_guard_up(&guard);
    uint32_t numbers[3];
    for (size_t i = 0; i < 3; i++) {
        numbers[i] = fake_guard_case(&guard, "noop", 60000);
    }
    const uint32_t stop = fake_guard_stop(&guard, true);
    const uint64_t begin_ns = clock_boottime_ns();
    for (size_t i = 0; i < 3; i++) {
        const Pb__CaseResult *result = fake_guard_result(&guard, numbers[i]);
        assert_int_equal(result->outcome->verdict, VERDICT_INCONC);
        assert_int_equal(result->outcome->reason, REASON_CANCELLED);
    }
    assert_int_equal(fake_guard_done(&guard, stop)->status, OK);
    assert_true(clock_boottime_ns() - begin_ns < UINT64_C(2000000000));
    fake_guard_end(&guard);
}

static void short_cases_that_came_together_are_answered_together(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    const char *names[COUNT];
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_up(&guard);
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = i % 2 == 0 ? "pass" : "fail";
    }
    const uint32_t first = fake_guard_cases(&guard, names, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(fake_guard_result(&guard, first + i)->outcome->verdict, i % 2 == 0 ? VERDICT_PASS : VERDICT_FAIL);
    }
    assert_in_range(guard.packets_of_results, 1, COUNT / 2);
    fake_guard_end(&guard);
}

static void a_result_does_not_wait_for_the_long_case_behind_it(void **state)
{
    (void)state;
    static const char *const names[] = {"pass", "slow", "pass"};
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_up(&guard);
    const uint64_t begin_ns = clock_boottime_ns();
    const uint32_t first = fake_guard_cases(&guard, names, 3);
    assert_int_equal(fake_guard_result(&guard, first)->outcome->verdict, VERDICT_PASS);
    assert_in_range(clock_boottime_ns() - begin_ns, 0, 900000000); // slow takes a second
    assert_int_equal(fake_guard_result(&guard, first + 1)->outcome->verdict, VERDICT_PASS);
    assert_int_equal(fake_guard_result(&guard, first + 2)->outcome->verdict, VERDICT_PASS);
    fake_guard_end(&guard);
}

static void queued_cases_flow_fast(void **state)
{
    (void)state;
    const unsigned total = 20000;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_up(&guard);
    const uint64_t begin_ns = clock_boottime_ns();
    unsigned sent = 0, received = 0;
    while (received < total) {
        while (sent < total && sent - received < CASES_IN_FLIGHT_MAX) {
            fake_guard_case(&guard, "noop", 10000);
            sent++;
        }
        const Pb__HostNotice *notice = fake_guard_answer(&guard);
        assert_non_null(notice);
        assert_int_equal(notice->case_result->number, 3 + received);
        assert_int_equal(notice->case_result->outcome->verdict, VERDICT_PASS);
        received++;
        if (received % 1000 == 0) {
            arena_reset(guard.arena);
        }
    }
    const double seconds = (double)(clock_boottime_ns() - begin_ns) / 1e9;
    print_message("%.0f cases/s\n", total / seconds);
    assert_true(total / seconds > CASES_PER_SECOND_MIN);
    fake_guard_end(&guard);
}

// ---- execute, status

static void status_is_answered_while_execute_runs(void **state)
{
    (void)state;
    struct fake_guard guard;
    Pb__HostRequest request;
    Pb__HostStatusRequest status;
    fake_guard_begin(&guard, FAULTY_PLUGIN);
    fake_guard_setting(&guard, "execute_for", "60s");
    fake_guard_up(&guard);
    const uint32_t execute = fake_guard_execute(&guard, 60000);
    pb__host_request__init(&request);
    pb__host_status_request__init(&status);
    request.body_case = PB__HOST_REQUEST__BODY_STATUS;
    request.status = &status;
    const uint64_t begin_ns = clock_boottime_ns();
    fake_guard_send(&guard, &request);
    const Pb__HostNotice *notice = fake_guard_answer(&guard);
    assert_true(clock_boottime_ns() - begin_ns < UINT64_C(100000000));
    assert_int_equal(notice->body_case, PB__HOST_NOTICE__BODY_STATUS);
    assert_string_equal(notice->status->state, "obeying");
    char port[32];
    snprintf(port, sizeof(port), "port %u", guard.first_port);
    assert_string_equal(notice->status->text, port);
    const uint32_t stop = fake_guard_stop(&guard, true);
    fake_guard_done(&guard, execute);
    assert_int_equal(fake_guard_done(&guard, stop)->status, OK);
    fake_guard_end(&guard);
}

static void execute_of_a_tester_ends_with_its_verdict(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_setting(&guard, "verdict", "fail");
    fake_guard_setting(&guard, "metrics", "2");
    fake_guard_up(&guard);
    const Pb__CommandDone *done = fake_guard_done(&guard, fake_guard_execute(&guard, 5000));
    assert_int_equal(done->status, OK);
    assert_non_null(done->outcome);
    assert_int_equal(done->outcome->verdict, VERDICT_FAIL);
    assert_int_equal(guard.metric_count, 2);
    fake_guard_end(&guard);
}

static void a_late_call_does_not_cancel_the_next_one(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, FAULTY_PLUGIN);
    fake_guard_setting(&guard, "execute_for", "60s");
    fake_guard_up(&guard);
    for (int i = 0; i < 2; i++) {
        const Pb__CommandDone *done = fake_guard_done(&guard, fake_guard_execute(&guard, 100));
        assert_int_equal(done->status, TIMED_OUT);
        assert_string_equal(done->text, "execute was not done within 100 ms: execute ran out of time");
        assert_in_range(done->duration_ns, 100000000, 1000000000);
    }
    fake_guard_end(&guard);
}

// stop() has its time, and what it leaves running has the same time again, even when nothing helps.
static void a_late_stop_still_ends_what_runs_in_its_second_time(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, FAULTY_PLUGIN);
    guard.initialize->stop_ms = 300;
    guard.ignores_signals = true;
    fake_guard_setting(&guard, "stop_for", "60s");
    fake_guard_setting(&guard, "argv", "sleep");
    fake_guard_setting(&guard, "argv", "60");
    fake_guard_up(&guard);
    const Pb__CommandDone *done = fake_guard_done(&guard, fake_guard_stop(&guard, false));
    assert_int_equal(done->status, TIMED_OUT);
    assert_in_range(done->duration_ns, 600000000, 1500000000);
    fake_guard_end(&guard);
}

// ---- readiness

static void start_waits_until_the_file_is_there(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, FAULTY_PLUGIN);
    fake_guard_setting(&guard, "ready", "file");
    fake_guard_setting(&guard, "pattern", "now");
    fake_guard_setting(&guard, "argv", "sh");
    fake_guard_setting(&guard, "argv", "-c");
    fake_guard_setting(&guard, "argv", "sleep 0.2; touch now; exec sleep 60");
    fake_guard_up(&guard);
    char *path = path_join(guard.work, "now");
    assert_true(file_exists(path));
    free(path);
    assert_int_equal(fake_guard_done(&guard, fake_guard_stop(&guard, false))->status, OK);
    assert_int_equal(guard.children[1], 0);
    assert_int_equal(fake_guard_done(&guard, fake_guard_stop(&guard, false))->status, OK);
    fake_guard_end(&guard);
}

static void start_waits_until_a_socket_listens(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, FAULTY_PLUGIN);
    fake_guard_setting(&guard, "ready", "http");
    fake_guard_setting(&guard, "argv", "python3");
    fake_guard_setting(&guard, "argv", "-m");
    fake_guard_setting(&guard, "argv", "http.server");
    fake_guard_setting(&guard, "argv", "--bind");
    fake_guard_setting(&guard, "argv", "@address@");
    fake_guard_setting(&guard, "argv", "@port@");
    fake_guard_up(&guard);
    fake_guard_end(&guard);
}

static void start_that_never_gets_ready_says_what_is_missing(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, FAULTY_PLUGIN);
    guard.initialize->start_ms = 200;
    fake_guard_setting(&guard, "ready", "udp");
    assert_int_equal(fake_guard_done(&guard, fake_guard_initialize(&guard))->status, OK);
    const Pb__CommandDone *done = fake_guard_done(&guard, fake_guard_start(&guard));
    assert_int_equal(done->status, TIMED_OUT);
    assert_has(done->text, "no socket is bound to 127.0.0.1 UDP port");
    fake_guard_end(&guard);
}

static void a_server_that_ends_at_once_fails_start_at_once(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, FAULTY_PLUGIN);
    guard.exit_status = 7;
    fake_guard_setting(&guard, "ready", "never");
    fake_guard_setting(&guard, "argv", "true");
    assert_int_equal(fake_guard_done(&guard, fake_guard_initialize(&guard))->status, OK);
    const Pb__CommandDone *done = fake_guard_done(&guard, fake_guard_start(&guard));
    assert_int_equal(done->status, FAILED);
    assert_string_equal(done->text, "command ended with status 7 before it was ready");
    fake_guard_end(&guard);
}

static void a_line_makes_ready(void **state)
{
    (void)state;
    struct fake_guard guard;
    Pb__HostRequest request;
    Pb__LineSeen seen;
    fake_guard_begin(&guard, FAULTY_PLUGIN);
    fake_guard_setting(&guard, "ready", "line");
    assert_int_equal(fake_guard_done(&guard, fake_guard_initialize(&guard))->status, OK);
    const uint32_t start = fake_guard_start(&guard);
    pb__host_request__init(&request);
    pb__line_seen__init(&seen);
    seen.watch = 1;
    seen.line = (char *)(uintptr_t) "it is ready";
    request.body_case = PB__HOST_REQUEST__BODY_LINE_SEEN;
    request.line_seen = &seen;
    fake_guard_await_watch(&guard);
    fake_guard_send(&guard, &request);
    assert_int_equal(fake_guard_done(&guard, start)->status, OK);
    assert_int_equal(guard.watch, 1);
    fake_guard_end(&guard);
}

static void a_program_that_is_not_installed_fails_start(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, FAULTY_PLUGIN);
    fake_guard_setting(&guard, "argv", "no-such-program-here");
    assert_int_equal(fake_guard_done(&guard, fake_guard_initialize(&guard))->status, OK);
    const Pb__CommandDone *done = fake_guard_done(&guard, fake_guard_start(&guard));
    assert_int_equal(done->status, FAILED);
    assert_has(done->text, "program no-such-program-here is not installed");
    fake_guard_end(&guard);
}

// ---- ends

static void a_crash_ends_the_host_by_its_signal(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_up(&guard);
    fake_guard_case(&guard, "crash", 5000);
    assert_null(fake_guard_answer(&guard));
    const int end = fake_guard_host_end(&guard);
#if defined(PANTHER_ADDRESS_SANITIZER)
    assert_int_not_equal(end, 0);
#else
    assert_int_equal(end, -SIGSEGV);
#endif
    fake_guard_end(&guard);
}

static void the_host_ends_when_its_guard_is_gone(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    fake_guard_up(&guard);
    fake_guard_case(&guard, "hang", 60000);
    close(guard.fd);
    guard.fd = -1;
    assert_int_equal(fake_guard_host_end(&guard), 3);
    fake_guard_end(&guard);
}

static void garbage_from_the_guard_ends_the_host(void **state)
{
    (void)state;
    struct fake_guard guard;
    fake_guard_begin(&guard, NULL_PLUGIN);
    assert_int_equal(write(guard.fd, "\xff\xff\xff\xff", 4), 4);
    assert_int_equal(fake_guard_host_end(&guard), 3);
    fake_guard_end(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_options_are_all_named_in_one_answer),
        cmocka_unit_test(a_plugin_that_does_not_load_is_answered_with_the_reason),
        cmocka_unit_test(ports_become_endpoints_and_the_version_is_told),
        cmocka_unit_test(a_failing_phase_says_what_the_plugin_said),
        cmocka_unit_test(each_verdict_arrives),
        cmocka_unit_test(an_unknown_case_is_an_error_not_a_pass),
        cmocka_unit_test(a_case_before_start_is_an_error),
        cmocka_unit_test(a_case_that_is_late_is_inconclusive_by_timeout),
        cmocka_unit_test(a_short_case_behind_a_long_one_keeps_its_own_deadline),
        cmocka_unit_test(stop_with_cancel_ends_the_running_case_and_drops_the_queued),
        cmocka_unit_test(short_cases_that_came_together_are_answered_together),
        cmocka_unit_test(a_result_does_not_wait_for_the_long_case_behind_it),
        cmocka_unit_test(queued_cases_flow_fast),
        cmocka_unit_test(status_is_answered_while_execute_runs),
        cmocka_unit_test(execute_of_a_tester_ends_with_its_verdict),
        cmocka_unit_test(a_late_call_does_not_cancel_the_next_one),
        cmocka_unit_test(a_late_stop_still_ends_what_runs_in_its_second_time),
        cmocka_unit_test(start_waits_until_the_file_is_there),
        cmocka_unit_test(start_waits_until_a_socket_listens),
        cmocka_unit_test(start_that_never_gets_ready_says_what_is_missing),
        cmocka_unit_test(a_server_that_ends_at_once_fails_start_at_once),
        cmocka_unit_test(a_line_makes_ready),
        cmocka_unit_test(a_program_that_is_not_installed_fails_start),
        cmocka_unit_test(a_crash_ends_the_host_by_its_signal),
        cmocka_unit_test(the_host_ends_when_its_guard_is_gone),
        cmocka_unit_test(garbage_from_the_guard_ends_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
