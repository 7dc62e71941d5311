// A whole instance: real guard, real host, a plugin that does what it is told. What the plugin does wrong harms only its own
// instance, is reported as what it is, and leaves nothing.
#include <panther/test.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FAULTY PANTHER_TEST_PLUGINS "/faulty.so"

#define assert_has(text, part)                                                                                                             \
    do {                                                                                                                                   \
        if (strstr((text), (part)) == NULL) {                                                                                              \
            fail_msg("\"%s\" does not contain \"%s\"", (text), (part));                                                                    \
        }                                                                                                                                  \
    } while (0)

static struct panther_test *faulty(const char *option, const char *value)
{
    struct panther_test *test = panther_test_new(FAULTY);
    panther_test_option(test, option, value);
    return test;
}

static void command(struct panther_test *test, const char *shell)
{
    panther_test_option(test, "argv", "sh");
    panther_test_option(test, "argv", "-c");
    panther_test_option(test, "argv", shell);
}

static void up(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0) {
        fail_msg("%s", panther_test_problem(test));
    }
}

static const char *const phases[] = {"initialize", "start", "execute", "stop", "cleanup"};
#define PHASES (sizeof(phases) / sizeof(phases[0]))

// Runs an instance up to the end whatever its answers are. Returns the phase that failed first; PHASES: none.
static size_t live(struct panther_test *test)
{
    struct panther_test_outcome outcome;
    const int results[PHASES] = {panther_test_initialize(test), panther_test_start(test), panther_test_execute(test, 500, &outcome),
                                 panther_test_stop(test), panther_test_cleanup(test)};
    for (size_t i = 0; i < PHASES; i++) {
        if (results[i] != 0) {
            return i;
        }
    }
    return PHASES;
}

static void a_sound_life_fails_nowhere(void **state)
{
    (void)state;
    struct panther_test *test = panther_test_new(FAULTY);
    command(test, "exec sleep 60");
    assert_int_equal(live(test), PHASES);
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_crash_in_any_phase_is_reported_and_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHASES; i++) {
        int signal_number = 0;
        struct panther_test *test = faulty("crash_in", phases[i]);
        command(test, "exec sleep 60");
        live(test);
        if (!panther_test_host_died(test, &signal_number)) {
            fail_msg("a crash in %s was not reported", phases[i]);
        }
#if !defined(PANTHER_ADDRESS_SANITIZER)
        assert_int_equal(signal_number, SIGSEGV);
#endif
        assert_int_equal(panther_test_end(&test), 0);
    }
}

static void a_hang_in_any_phase_is_ended_and_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHASES; i++) {
        int signal_number = 0;
        struct panther_test *test = faulty("hang_in", phases[i]);
        panther_test_phase_ms(test, 500);
        command(test, "exec sleep 60");
        live(test);
        if (!panther_test_host_died(test, &signal_number) || signal_number != SIGKILL) {
            fail_msg("a hang in %s was not ended", phases[i]);
        }
        assert_int_equal(panther_test_end(&test), 0);
    }
}

static void a_failure_in_a_phase_is_answered_in_that_phase(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHASES; i++) {
        char expected[64];
        struct panther_test *test = faulty("fail_in", phases[i]);
        assert_int_equal(live(test), i);
        snprintf(expected, sizeof(expected), "told to fail in %s", phases[i]);
        char *log = panther_test_stream(test, "plugin.log");
        assert_non_null(log);
        assert_has(log, expected);
        free(log);
        assert_int_equal(panther_test_end(&test), 0);
    }
}

static void cleanup_after_a_failed_start_ends_what_was_spawned(void **state)
{
    (void)state;
    struct panther_test *test = faulty("fail_in", "start");
    command(test, "trap '' TERM; while :; do sleep 1; done");
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_string_equal(panther_test_problem(test), "told to fail in start");
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_int_equal(panther_test_end(&test), 0);
}

static void stop_twice_is_harmless(void **state)
{
    (void)state;
    struct panther_test *test = panther_test_new(FAULTY);
    command(test, "exec sleep 60");
    up(test);
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_end(&test), 0);
}

static void stop_ends_a_running_execute(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = faulty("execute_for", "60s");
    up(test);
    assert_int_not_equal(panther_test_execute(test, 300, &outcome), 0);
    assert_has(panther_test_problem(test), "execute was not done within 300 ms");
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_end(&test), 0);
}

// ---- processes

static void a_killed_server_is_an_unexpected_end_with_its_signal(void **state)
{
    (void)state;
    struct panther_test_exit end;
    struct panther_test *test = panther_test_new(FAULTY);
    command(test, "exec sleep 60");
    up(test);
    assert_int_equal(kill(panther_test_pid(test, "command"), SIGKILL), 0);
    assert_true(panther_test_exited(test, "command", 5000, &end));
    assert_int_equal(end.signal, SIGKILL);
    assert_true(end.unexpected);
    assert_false(end.clean);
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_server_that_stop_ends_is_expected_and_clean(void **state)
{
    (void)state;
    struct panther_test_exit end;
    struct panther_test *test = panther_test_new(FAULTY);
    command(test, "exec sleep 60");
    up(test);
    assert_int_equal(panther_test_stop(test), 0);
    assert_true(panther_test_exited(test, "command", 5000, &end));
    assert_int_equal(end.signal, SIGTERM);
    assert_false(end.unexpected);
    assert_true(end.clean);
    assert_int_equal(panther_test_end(&test), 0);
}

static void the_plugin_decides_which_exit_statuses_are_clean(void **state)
{
    (void)state;
    static const struct {
        const char *shell;
        int status;
        bool clean;
    } ends[] = {{"exit 0", 0, true}, {"exit 9", 9, true}, {"exit 8", 8, false}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct panther_test_exit end;
        struct panther_test *test = faulty("finishes", "true");
        panther_test_option(test, "clean_status", "9");
        command(test, ends[i].shell);
        up(test);
        assert_true(panther_test_exited(test, "command", 5000, &end));
        assert_int_equal(end.status, ends[i].status);
        assert_int_equal(end.clean, ends[i].clean);
        assert_false(end.unexpected);
        assert_int_equal(panther_test_end(&test), 0);
    }
}

static void children_of_a_server_end_with_it(void **state)
{
    (void)state;
    struct panther_test *test = faulty("processes", "3");
    command(test, "sleep 61 & setsid sleep 62 & sleep 63");
    up(test);
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_end(&test), 0);
}

// ---- readiness

static void a_line_makes_ready_even_when_it_comes_at_once(void **state)
{
    (void)state;
    struct panther_test *test = faulty("ready", "line");
    panther_test_option(test, "pattern", "^it is (up|ready)$");
    command(test, "echo it is ready; exec sleep 60");
    up(test);
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_server_that_ends_before_it_is_ready_fails_start(void **state)
{
    (void)state;
    struct panther_test *test = faulty("ready", "tcp");
    command(test, "echo cannot bind >&2; exit 3");
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_string_equal(panther_test_problem(test), "command ended with status 3 before it was ready");
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_server_that_never_listens_is_told_at_the_deadline(void **state)
{
    (void)state;
    struct panther_test *test = faulty("ready", "tcp");
    panther_test_phase_ms(test, 400);
    command(test, "exec sleep 60");
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_has(panther_test_problem(test), "nothing listens on 127.0.0.1 TCP port");
    assert_int_equal(panther_test_end(&test), 0);
}

// ---- output and files

static void output_is_captured_matched_and_counted(void **state)
{
    (void)state;
    struct panther_test_exit end;
    struct panther_test *test = faulty("finishes", "true");
    panther_test_output_rule(test, "stdout", PANTHER_SUBSTRING, "needle");
    panther_test_output_rule(test, NULL, PANTHER_REGEX, "^never$");
    command(test, "for i in 1 2 3; do echo a needle $i; done; echo only here >&2");
    up(test);
    assert_true(panther_test_exited(test, "command", 5000, &end));
    assert_int_equal(panther_test_matches(test, "needle"), 3);
    assert_int_equal(panther_test_matches(test, "^never$"), 0);
    char *out = panther_test_stream(test, "command.stdout");
    assert_string_equal(out, "a needle 1\na needle 2\na needle 3\n");
    free(out);
    assert_int_equal(panther_test_end(&test), 0);
}

static void an_artifact_is_collected(void **state)
{
    (void)state;
    struct panther_test_exit end;
    struct panther_test *test = faulty("artifact", "*.qlog");
    panther_test_option(test, "finishes", "true");
    command(test, "echo x > a.qlog; echo y > b.log");
    up(test);
    assert_true(panther_test_exited(test, "command", 5000, &end));
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "a.qlog"));
    assert_false(panther_test_artifact(test, "b.log"));
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_flood_of_log_lines_arrives_whole(void **state)
{
    (void)state;
    struct panther_test *test = faulty("log_lines", "20000");
    up(test);
    char *log = panther_test_stream(test, "plugin.log");
    assert_has(log, "line 0");
    assert_has(log, "line 19999");
    free(log);
    assert_int_equal(panther_test_end(&test), 0);
}

static void programs_that_are_not_installed_are_named(void **state)
{
    (void)state;
    struct panther_test *test = faulty("program", "no-such-program-here");
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_string_equal(panther_test_problem(test), "program no-such-program-here is not installed");
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_plugin_of_an_older_minor_runs(void **state)
{
    (void)state;
    struct panther_test *test = panther_test_new(PANTHER_TEST_PLUGINS "/older_minor.so");
    assert_int_equal(panther_test_initialize(test), 0);
    assert_string_equal(panther_test_version(test), "0.9");
    assert_int_equal(panther_test_start(test), 0);
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_life_fails_nowhere),
        cmocka_unit_test(a_crash_in_any_phase_is_reported_and_leaves_nothing),
        cmocka_unit_test(a_hang_in_any_phase_is_ended_and_leaves_nothing),
        cmocka_unit_test(a_failure_in_a_phase_is_answered_in_that_phase),
        cmocka_unit_test(cleanup_after_a_failed_start_ends_what_was_spawned),
        cmocka_unit_test(stop_twice_is_harmless),
        cmocka_unit_test(stop_ends_a_running_execute),
        cmocka_unit_test(a_killed_server_is_an_unexpected_end_with_its_signal),
        cmocka_unit_test(a_server_that_stop_ends_is_expected_and_clean),
        cmocka_unit_test(the_plugin_decides_which_exit_statuses_are_clean),
        cmocka_unit_test(children_of_a_server_end_with_it),
        cmocka_unit_test(a_line_makes_ready_even_when_it_comes_at_once),
        cmocka_unit_test(a_server_that_ends_before_it_is_ready_fails_start),
        cmocka_unit_test(a_server_that_never_listens_is_told_at_the_deadline),
        cmocka_unit_test(output_is_captured_matched_and_counted),
        cmocka_unit_test(an_artifact_is_collected),
        cmocka_unit_test(a_flood_of_log_lines_arrives_whole),
        cmocka_unit_test(programs_that_are_not_installed_are_named),
        cmocka_unit_test(a_plugin_of_an_older_minor_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
