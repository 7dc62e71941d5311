// What a case needs of the services it drives: profiles, fresh generations, executions. The tester's verdicts say which profile and which
// generation each case met; they pass only when the files that the driven service left agree.
#include <unistd.h>

#include "tests/e2e/fixture.h"

static const char *const one_agent[] = {"lab-a", NULL};

static const char experiment[] = "panther: 1\n"
                                 "experiment: setups\n"
                                 "tests:\n"
                                 "  - name: tones\n"
                                 "    protocol: {name: tone, version: \"1\"}\n"
                                 "    timeouts: {ready: 30s, case: 30s, trial: 3m}\n"
                                 "    services:\n"
                                 "      server: {implementation: tones, role: server}\n"
                                 "      client: {implementation: tones, role: client, needs: [server]}\n"
                                 "      judge:\n"
                                 "        tester: setups\n"
                                 "        drives: {server: server, client: client}\n"
                                 "        cases: [plain, high, again, fresh, low, called]\n";

static void bring_driven_services_where_cases_want_them(void **state)
{
    struct lab *lab = *state;
    assert_int_equal(symlink(PANTHER_TEST_PLUGINS "/setups", lab_path(lab, "plugins/setups")), 0);
    assert_int_equal(symlink(PANTHER_TEST_PLUGINS "/tones", lab_path(lab, "plugins/tones")), 0);
    lab_up(lab, one_agent);
    struct output output = lab_run(lab, "submit", lab_write(lab, "setups.yaml", experiment), "--wait", NULL);
    if (output.status != 0)
        print_message("%s\n", lab_run(lab, "events", "r1", NULL).out);
    assert_int_equal(output.status, 0);
    static const char *const met[] = {"tone none, generation 1", "tone high, generation 2", "tone high, generation 3",
                                      "tone low, generation 4", "heard low, generation 4"};
    for (size_t i = 0; i < sizeof met / sizeof *met; i++)
        assert_non_null(lab_event_text(lab, "r1", "case_result", met[i]));
    LAB_UNTIL(lab, lab_run(lab, "audit", "r1", NULL).status == 0); // every generation has told everything, and its streams have come
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(bring_driven_services_where_cases_want_them)};
    return cmocka_run_group_tests_name("e2e_setups", tests, NULL, NULL);
}
