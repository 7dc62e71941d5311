// Configuration: four layers, each option's source, all mistakes at once with their place.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/system/configuration.h"
#include "common/system/file.h"

static const struct configuration_option options[] = {
    {"listen", PB__OPTION_TYPE__OPTION_TYPE_STRING, "tcp://127.0.0.1:7000", "where to listen"},
    {"slots", PB__OPTION_TYPE__OPTION_TYPE_INTEGER, "4", "instances at once"},
    {"heartbeat", PB__OPTION_TYPE__OPTION_TYPE_DURATION, "1s", "how often"},
    {"limit", PB__OPTION_TYPE__OPTION_TYPE_SIZE, "64MiB", "kept of a stream"},
    {"verbose", PB__OPTION_TYPE__OPTION_TYPE_BOOLEAN, "false", "say more"},
    {"labels", PB__OPTION_TYPE__OPTION_TYPE_LIST, NULL, "what this host is"},
    {"state-folder", PB__OPTION_TYPE__OPTION_TYPE_STRING, NULL, "where things are kept"},
};
#define OPTION_COUNT (sizeof options / sizeof *options)

static char path[64];

static void write_file(const char *text)
{
    snprintf(path, sizeof path, "/tmp/panther-configuration-test-%d.yaml", (int)getpid());
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static struct configuration *load(const char *file, const struct configuration_flag *flags, size_t flag_count)
{
    struct configuration *configuration;
    struct panther_error error;
    if (configuration_load(&configuration, file, "PANTHER_TEST", options, OPTION_COUNT, flags, flag_count, &error) < 0)
        fail_msg("%s", error.message);
    return configuration;
}

static void defaults_hold_without_anything(void **state)
{
    (void)state;
    const char *const *labels;
    struct configuration *configuration = load(NULL, NULL, 0);
    assert_string_equal(configuration_text(configuration, "listen"), "tcp://127.0.0.1:7000");
    assert_int_equal(configuration_number(configuration, "heartbeat"), 1000);
    assert_int_equal(configuration_number(configuration, "limit"), 64 << 20);
    assert_false(configuration_flag_is_set(configuration, "verbose"));
    assert_null(configuration_text(configuration, "state-folder"));
    assert_null(configuration_source(configuration, "state-folder"));
    assert_int_equal(configuration_list(configuration, "labels", &labels), 0);
    assert_string_equal(configuration_source(configuration, "listen"), "default");
    configuration_free(&configuration);
    assert_null(configuration);
}

static void later_layers_win_and_are_named(void **state)
{
    (void)state;
    const char *const *labels;
    char source[96];
    const struct configuration_flag flags[] = {{"heartbeat", "3s"}, {"verbose", NULL}, {"labels", "site=b"}, {"labels", "fast"}};
    write_file("listen: tcp://10.0.0.1:7000\nslots: 8\nheartbeat: 2s\nlabels: [site=a]\n");
    setenv("PANTHER_TEST_SLOTS", "16", 1);
    setenv("PANTHER_TEST_HEARTBEAT", "5s", 1);
    setenv("PANTHER_TEST_STATE_FOLDER", "/var/lib/x", 1);
    struct configuration *configuration = load(path, flags, 4);
    assert_string_equal(configuration_text(configuration, "listen"), "tcp://10.0.0.1:7000");
    snprintf(source, sizeof source, "%s:1", path);
    assert_string_equal(configuration_source(configuration, "listen"), source);
    assert_int_equal(configuration_number(configuration, "slots"), 16);
    assert_string_equal(configuration_source(configuration, "slots"), "environment");
    assert_string_equal(configuration_text(configuration, "state-folder"), "/var/lib/x");
    assert_int_equal(configuration_number(configuration, "heartbeat"), 3000);
    assert_string_equal(configuration_source(configuration, "heartbeat"), "flag");
    assert_true(configuration_flag_is_set(configuration, "verbose"));
    assert_int_equal(configuration_list(configuration, "labels", &labels), 2);
    assert_string_equal(labels[0], "site=b");
    assert_string_equal(labels[1], "fast");
    assert_int_equal(configuration_number(configuration, "limit"), 64 << 20); // a lower layer's default does not come back
    unsetenv("PANTHER_TEST_SLOTS");
    unsetenv("PANTHER_TEST_HEARTBEAT");
    unsetenv("PANTHER_TEST_STATE_FOLDER");
    configuration_free(&configuration);
    unlink(path);
}

static void all_mistakes_are_told_with_their_place(void **state)
{
    (void)state;
    struct configuration *configuration = NULL;
    struct panther_error error;
    const struct configuration_flag flags[] = {{"limit", "many"}};
    write_file("lisen: x\nslots: some\n");
    setenv("PANTHER_TEST_VERBOSE", "perhaps", 1);
    assert_int_equal(configuration_load(&configuration, path, "PANTHER_TEST", options, OPTION_COUNT, flags, 1, &error), PANTHER_EINVALID);
    unsetenv("PANTHER_TEST_VERBOSE");
    assert_null(configuration);
    CLEANUP_FREE char *first = memory_printf("%s:1:1: unknown option \"lisen\" for this program; did you mean \"listen\"?", path);
    CLEANUP_FREE char *second = memory_printf("%s:2:", path);
    assert_non_null(strstr(error.message, first));
    assert_non_null(strstr(error.message, second));
    assert_non_null(strstr(error.message, "environment: option \"verbose\""));
    assert_non_null(strstr(error.message, "command line: option \"limit\""));
    unlink(path);
}

static void file_that_is_not_there_is_said(void **state)
{
    (void)state;
    struct configuration *configuration;
    struct panther_error error;
    int problem = configuration_load(&configuration, "/nowhere/agent.yaml", NULL, options, OPTION_COUNT, NULL, 0, &error);
    assert_int_equal(problem, PANTHER_ENOTFOUND);
    assert_non_null(strstr(error.message, "/nowhere/agent.yaml"));
}

static void empty_file_sets_nothing(void **state)
{
    (void)state;
    write_file("# nothing yet\n");
    struct configuration *configuration = load(path, NULL, 0);
    assert_int_equal(configuration_number(configuration, "slots"), 4);
    configuration_free(&configuration);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_without_anything),
        cmocka_unit_test(later_layers_win_and_are_named),
        cmocka_unit_test(all_mistakes_are_told_with_their_place),
        cmocka_unit_test(file_that_is_not_there_is_said),
        cmocka_unit_test(empty_file_sets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
