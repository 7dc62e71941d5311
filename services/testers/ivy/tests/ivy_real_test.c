// ivy with a real Ivy: compiles a small model and runs it. Skipped, with status 77, where ivyc is not installed.
#include <panther/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SKIPPED 77
#define PHASE_MS 300000 // ivyc takes its time
#define CASE_MS 60000

// A counter that its environment calls; the model checks what it answers.
static const char model[] = "#lang ivy1.7\n"
                            "type number\n"
                            "interpret number -> bv[4]\n"
                            "object counter = {\n"
                            "    action step(x:number) returns (y:number)\n"
                            "    object impl = {\n"
                            "        implement step { y := x + %d; }\n"
                            "    }\n"
                            "    object spec = {\n"
                            "        after step { ensure y = x + 1; }\n"
                            "    }\n"
                            "}\n"
                            "export counter.step\n";

static struct panther_test *new_test(const char *path)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/ivy/ivy.so");
    panther_test_protocol(test, "minip", "1", "client");
    panther_test_phase_ms(test, PHASE_MS);
    panther_test_option(test, "source", path);
    static const char *const left_out[] = {"server_port", "server_addr", "client_port", "client_addr"};
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        panther_test_option(test, left_out[i], "none");
    panther_test_option(test, "min_events", "0"); // nobody but the model itself answers
    panther_test_peer(test, "server", "server", "minip", "127.0.0.1", 9, PANTHER_UDP);
    return test;
}

static struct panther_test_outcome run_model(int step)
{
    char folder[] = "/tmp/ivy-real-XXXXXX", path[64];
    struct panther_test_outcome outcome;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/counter_server_test.ivy", folder);
    FILE *file = fopen(path, "w");
    fprintf(file, model, step);
    fclose(file);
    struct panther_test *test = new_test(path);
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
    assert_int_equal(panther_test_case(test, "test", CASE_MS, &outcome), 0);
    assert_int_equal(panther_test_end(&test), 0);
    unlink(path);
    rmdir(folder);
    return outcome;
}

static void a_model_that_holds_passes(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = run_model(1);
    if (outcome.verdict != PANTHER_PASS)
        fail_msg("%s", outcome.text);
}

static void a_model_that_does_not_hold_does_not_pass(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = run_model(2);
    assert_true(outcome.verdict > PANTHER_INCONC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_holds_passes),
        cmocka_unit_test(a_model_that_does_not_hold_does_not_pass),
    };
    if (system("command -v ivyc > /dev/null") != 0) {
        puts("skipped: ivyc is not installed");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
