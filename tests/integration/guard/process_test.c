// Processes of the instance: exits and what they mean, the kill ladder, orphans, output held open by others, ports.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/system/loop.h"
#include "tests/integration/guard/fixture.h"

static void begin(struct fixture *fixture, const char *command, const char *flag)
{
    fixture_prepare(fixture);
    fixture_set(fixture, "server", command);
    if (flag)
        fixture_set(fixture, "server", flag);
    fixture_begin(fixture);
    const char *answer = fixture_do(fixture, "spawn server");
    assert_int_equal(atoi(answer), 1);
}

static const Pb__ProcessExited *exit_of(struct fixture *fixture, Pb__ExitExpectation expectation, bool clean)
{
    const Pb__ProcessExited *exited = fixture_await_exit(fixture, 1);
    assert_int_equal(exited->expectation, expectation);
    assert_int_equal(exited->clean, clean);
    return exited;
}

static void start_is_told_with_name_and_arguments(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "sleep 1000", NULL);
    const Pb__ProcessStarted *started = fixture_find(&fixture, PB__EVENT__BODY_PROCESS_STARTED)->process_started;
    assert_string_equal(started->name, "server");
    assert_int_equal(started->n_argv, 3);
    assert_string_equal(started->argv[2], "sleep 1000");
    assert_true(started->pid > 1);
    fixture_end(&fixture);
}

static void death_before_stop_is_unexpected(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "echo last words >&2; kill -SEGV $$", NULL);
    const Pb__ProcessExited *exited = exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED, false);
    assert_int_equal(exited->signal, SIGSEGV);
    assert_int_equal(exited->status, -1);
    assert_non_null(strstr(exited->tail, "last words"));
    fixture_end(&fixture);
}

static void exit_zero_before_stop_is_unexpected_too(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "exit 0", NULL);
    exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED, false);
    fixture_end(&fixture);
}

static void client_that_is_meant_to_end_finishes(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "exit 3", "finishes");
    const Pb__ProcessExited *exited = exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED, false);
    assert_int_equal(exited->status, 3);
    fixture_end(&fixture);
}

static void client_that_a_signal_ends_did_not_finish(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "kill -KILL $$", "finishes");
    exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED, false);
    fixture_end(&fixture);
}

static void end_by_term_after_stop_is_clean_if_the_plugin_says_so(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "exec sleep 1000", "term");
    uint32_t stop = fixture_stop(&fixture, false);
    const Pb__Event *stopped = fixture_await_result(&fixture, stop);
    const Pb__ProcessExited *exited = exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED, true);
    assert_int_equal(exited->signal, SIGTERM);
    // Stopped means that nothing runs: the exit was told before.
    for (size_t i = 0; i < fixture.event_count; i++) {
        if (fixture.events[i] == stopped)
            fail_msg("stop was answered before its process had ended");
        if (fixture.events[i]->body_case == PB__EVENT__BODY_PROCESS_EXITED)
            break;
    }
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    fixture_remove(&fixture);
}

static void process_that_ignores_term_is_killed(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "trap '' TERM; echo deaf; while :; do sleep 0.1; done", "term");
    fixture_do(&fixture, "line 1 deaf"); // the trap is set
    uint64_t begin_ns = clock_boottime_ns();
    fixture_stop(&fixture, false);
    const Pb__ProcessExited *exited = exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED, false);
    assert_int_equal(exited->signal, SIGKILL);
    assert_in_range((clock_boottime_ns() - begin_ns) / 1000000, 500, 5000);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    assert_int_equal(fixture.events[fixture.event_count - 1]->instance_ended->killed_processes, 1);
    fixture_remove(&fixture);
}

static void stopped_process_gets_its_term(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "kill -STOP $$; sleep 1000", "term");
    fixture_stop(&fixture, false);
    const Pb__ProcessExited *exited = exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED, true);
    assert_int_equal(exited->signal, SIGTERM);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    fixture_remove(&fixture);
}

static void ladder_for_one_process_at_the_plugins_word(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "exec sleep 1000", "term");
    fixture_do(&fixture, "end 1");
    assert_string_equal(fixture_do(&fixture, "wait-exit"), "-1 15 0");
    exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED, true);
    fixture_end(&fixture);
}

static void signal_that_ends_nothing_changes_no_expectation(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "trap 'echo again; exit 4' HUP; echo ready; while :; do sleep 0.05; done", NULL);
    fixture_do(&fixture, "line 1 ready");
    fixture_do(&fixture, "signal 1 1");
    fixture_do(&fixture, "line 1 again");
    exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED, false);
    fixture_end(&fixture);
}

static void program_that_is_not_there_is_a_problem_not_an_exit(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_set(&fixture, "server", "no-such-program");
    fixture_set(&fixture, "server", "program");
    fixture_begin(&fixture);
    assert_non_null(strstr(fixture_do(&fixture, "spawn server"), "no-such-program: No such file"));
    assert_null(fixture_find(&fixture, PB__EVENT__BODY_PROCESS_STARTED));
    fixture_end(&fixture);
}

static void second_process_of_a_name_has_streams_of_its_own(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "echo hello", "finishes");
    fixture_await_exit(&fixture, 1);
    fixture_do(&fixture, "spawn server");
    assert_string_equal(fixture_await_exit(&fixture, 2)->name, "server.2");
    fixture_await_stream(&fixture, "server.stdout");
    fixture_await_stream(&fixture, "server.2.stdout");
    fixture_end(&fixture);
}

// A daemon: left its parent, its session and its group, closed its output.
static void daemon_dies_with_the_instance(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "setsid -f sh -c 'exec >/dev/null 2>&1 </dev/null; sleep 1000' ; exit 0", "finishes");
    exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED, true);
    assert_true(fixture_living(&fixture) >= 2); // the host and the daemon
    fixture_end(&fixture);
}

// Even one that has thrown its environment away is still our descendant.
static void daemon_without_marker_dies_with_the_instance(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture,
          "setsid -f env -i sh -c 'echo $$ >pid; exec >/dev/null 2>&1 </dev/null; exec /bin/sleep 1000'; "
          "while ! [ -s pid ]; do sleep 0.01; done; cat pid",
          "finishes");
    exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED, true);
    CLEANUP_FREE char *pid = fixture_read(&fixture, "streams/server.stdout", NULL);
    assert_int_equal(kill((pid_t)atoi(pid), 0), 0);
    fixture_stop(&fixture, false);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    assert_int_equal(kill((pid_t)atoi(pid), 0), -1);
    fixture_remove(&fixture);
}

// The parent is dead, a child of it holds the pipe: the stream ends all the same, and the child with it.
static void child_that_holds_the_output_open_is_killed(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "sleep 1000 & echo started; exit 0", "finishes");
    const Pb__StreamEnd *end = fixture_await_stream(&fixture, "server.stdout");
    assert_int_equal(end->length_bytes, 8);
    exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED, true);
    assert_int_equal(fixture_living(&fixture), 1); // the host
    assert_non_null(fixture_find(&fixture, PB__EVENT__BODY_NOTE));
    fixture_end(&fixture);
}

static void environment_is_small_and_clean(void **state)
{
    (void)state;
    struct fixture fixture;
    setenv("PANTHER_TEST_SECRET", "leaks", 1);
    begin(&fixture, "env; pwd; ls -l /proc/self/fd | wc -l; grep SigBlk /proc/self/status", "finishes");
    unsetenv("PANTHER_TEST_SECRET");
    exit_of(&fixture, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED, true);
    CLEANUP_FREE char *text = fixture_read(&fixture, "streams/server.stdout", NULL);
    assert_null(strstr(text, "PANTHER_TEST_SECRET"));
    assert_non_null(strstr(text, fixture.marker));
    assert_non_null(strstr(text, "PANTHER_PROCESS=1"));
    assert_non_null(strstr(text, "HOME="));
    assert_non_null(strstr(text, "/work\n"));
    assert_non_null(strstr(text, "\n5\n"));                     // "total", stdin, stdout, stderr, the folder that ls reads
    assert_non_null(strstr(text, "SigBlk:\t0000000000000000")); // a signalfd loop's mask is inherited
    fixture_end(&fixture);
}

static void dies_when_the_guard_is_killed(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "exec sleep 1000", NULL);
    while (fixture_living(&fixture) < 2) // in the middle of its exec a process shows no environment
        usleep(1000);
    kill(fixture.guard, SIGKILL);
    fixture_await_guard_exit(&fixture);
    for (int i = 0; i < 500 && fixture_living(&fixture) > 0; i++)
        usleep(10000);
    fixture_expect_nothing_left(&fixture);
    fixture_remove(&fixture);
}

// ---- ports

static int hold_port(int type, uint32_t port, int option)
{
    int on = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (option)
        setsockopt(fd, SOL_SOCKET, option, &on, sizeof on);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 1), 0);
    return fd;
}

// Asks for a port; returns which of the block came.
static uint32_t ask(struct fixture *fixture, const char *transport)
{
    char line[32];
    snprintf(line, sizeof line, "port %s", transport);
    return (uint32_t)atoi(fixture_do(fixture, line)) - fixture->spec.port_first;
}

static const char *ask_for(struct fixture *fixture, uint32_t index)
{
    char line[32];
    snprintf(line, sizeof line, "port udp %u", fixture->spec.port_first + index);
    return fixture_do(fixture, line);
}

// gtlsserver binds with address reuse: a second one on the same port would live and steal.
static void port_of_a_server_that_shares_is_taken(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    uint32_t first = fixture.spec.port_first;
    int holders[] = {hold_port(SOCK_DGRAM, first, SO_REUSEADDR), hold_port(SOCK_DGRAM, first + 1, SO_REUSEPORT),
                     hold_port(SOCK_STREAM, first + 2, SO_REUSEADDR), hold_port(SOCK_DGRAM, first + 3, 0)};
    fixture_begin(&fixture);
    assert_int_equal(ask(&fixture, "udp"), 2);  // tcp there is no clash
    assert_int_equal(ask(&fixture, "both"), 4); // udp 3 is taken
    assert_int_equal(ask(&fixture, "tcp"), 0);  // udp there is no clash
    assert_non_null(strstr(ask_for(&fixture, 1), "in use"));
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++)
        close(holders[i]);
    assert_int_equal((uint32_t)atoi(ask_for(&fixture, 1)), first + 1);
    assert_non_null(strstr(ask_for(&fixture, 1), "in use")); // given once
    fixture_end(&fixture);
}

static void block_that_is_used_up_says_so(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture.spec.port_count = 2;
    fixture_begin(&fixture);
    assert_int_equal(ask(&fixture, "both"), 0);
    assert_int_equal(ask(&fixture, "both"), 1);
    assert_non_null(strstr(fixture_do(&fixture, "port both"), "none of the ports"));
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_is_told_with_name_and_arguments),
        cmocka_unit_test(death_before_stop_is_unexpected),
        cmocka_unit_test(exit_zero_before_stop_is_unexpected_too),
        cmocka_unit_test(client_that_is_meant_to_end_finishes),
        cmocka_unit_test(client_that_a_signal_ends_did_not_finish),
        cmocka_unit_test(end_by_term_after_stop_is_clean_if_the_plugin_says_so),
        cmocka_unit_test(process_that_ignores_term_is_killed),
        cmocka_unit_test(stopped_process_gets_its_term),
        cmocka_unit_test(ladder_for_one_process_at_the_plugins_word),
        cmocka_unit_test(signal_that_ends_nothing_changes_no_expectation),
        cmocka_unit_test(program_that_is_not_there_is_a_problem_not_an_exit),
        cmocka_unit_test(second_process_of_a_name_has_streams_of_its_own),
        cmocka_unit_test(daemon_dies_with_the_instance),
        cmocka_unit_test(daemon_without_marker_dies_with_the_instance),
        cmocka_unit_test(child_that_holds_the_output_open_is_killed),
        cmocka_unit_test(environment_is_small_and_clean),
        cmocka_unit_test(dies_when_the_guard_is_killed),
        cmocka_unit_test(port_of_a_server_that_shares_is_taken),
        cmocka_unit_test(block_that_is_used_up_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
