// external with a real web server outside of any instance, driven by h2load; its commands, and what it says of a device that is not there.
#include <panther/test.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PLUGIN PANTHER_PLUGINS "/external.so"

static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, bytes), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &bytes), 0);
    close(listener);
    return ntohs(address.sin_port);
}

static char folder[] = "/tmp/external-test-XXXXXX";
static unsigned port;
static pid_t device;

static void begin_device(void)
{
    char number[8], root[64];
    snprintf(number, sizeof(number), "%u", port);
    snprintf(root, sizeof(root), "%s/www", folder);
    device = fork();
    if (device == 0) {
        execlp("nghttpd", "nghttpd", "-d", root, "--no-tls", "-a", "127.0.0.1", number, (char *)NULL);
        _exit(127);
    }
}

static void end_device(void)
{
    kill(device, SIGKILL);
    assert_int_equal(waitpid(device, NULL, 0), device);
    device = 0;
}

static int set_up(void **state)
{
    (void)state;
    char path[128];
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "mkdir %s/www && echo hello > %s/www/index.html", folder, folder);
    port = free_port();
    return system(path);
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static struct panther_test *new_external(void)
{
    char text[64];
    struct panther_test *test = panther_test_new(PLUGIN);
    panther_test_protocol(test, "http", "2", "server");
    panther_test_option(test, "address", "127.0.0.1");
    snprintf(text, sizeof(text), "http=%u/tcp", port);
    panther_test_option(test, "ports", text);
    panther_test_option(test, "version", "9.1");
    return test;
}

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static void is_driven_by_a_tester(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    begin_device();
    struct panther_test *server = new_external(), *test = panther_test_new(PANTHER_PLUGINS "/h2load.so");
    make_ready(server); // waits for the device
    assert_string_equal(panther_test_version(server), "9.1");
    assert_int_equal(panther_test_port(server, "http"), port);
    panther_test_protocol(test, "http", "2", "client");
    panther_test_option(test, "requests", "100");
    panther_test_option(test, "clients", "2");
    panther_test_drive(test, "server", server);
    make_ready(test);
    assert_int_equal(panther_test_case(test, "throughput", 20000, &outcome), 0);
    if (outcome.verdict != PANTHER_PASS)
        fail_msg("%s", outcome.text);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_stop(server), 0);
    assert_int_equal(panther_test_end(&server), 0);
    end_device();
}

static void a_device_that_is_not_there_is_not_ready(void **state)
{
    (void)state;
    struct panther_test *test = new_external();
    panther_test_phase_ms(test, 700);
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "accepts no connection at port http, 127.0.0.1:"));
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_device_that_died_is_a_crash(void **state)
{
    (void)state;
    begin_device();
    struct panther_test *test = new_external();
    make_ready(test);
    end_device();
    assert_int_equal(panther_test_stop(test), 0);
    struct panther_test_outcome outcome;
    panther_test_stopped(test, &outcome);
    assert_int_equal(outcome.verdict, PANTHER_FAIL);
    assert_int_equal(outcome.reason, PANTHER_REASON_CRASH);
    assert_int_equal(panther_test_end(&test), 0);
}

// Adds a word to a file.
static void give_command(struct panther_test *test, const char *option, const char *word)
{
    char script[160];
    snprintf(script, sizeof(script), "echo %s >> %s/log", word, folder);
    panther_test_option(test, option, "sh");
    panther_test_option(test, option, "-c");
    panther_test_option(test, option, script);
}

static void commands_run_in_their_order(void **state)
{
    (void)state;
    char path[64], words[64] = "";
    struct panther_test *test = new_external();
    panther_test_option(test, "probe", "none");
    give_command(test, "power_off", "off");
    give_command(test, "reset", "reset");
    give_command(test, "power_on", "on");
    make_ready(test);
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_end(&test), 0);
    snprintf(path, sizeof(path), "%s/log", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    words[fread(words, 1, sizeof(words) - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(words, "on\nreset\noff\n");
}

static void a_command_that_fails_is_said(void **state)
{
    (void)state;
    struct panther_test *test = new_external();
    panther_test_option(test, "power_on", "false");
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "power_on ended with status 1"));
    assert_int_equal(panther_test_end(&test), 0);
    test = new_external();
    panther_test_option(test, "power_on", "sleep");
    panther_test_option(test, "power_on", "60");
    panther_test_option(test, "command_timeout", "100ms");
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "not done in time"));
    assert_int_equal(panther_test_end(&test), 0);
}

static void version_comes_from_a_command(void **state)
{
    (void)state;
    struct panther_test *test = new_external();
    panther_test_option(test, "version_command", "printf");
    panther_test_option(test, "version_command", "firmware 2.7\\nbuild 9\\n");
    assert_int_equal(panther_test_initialize(test), 0);
    assert_string_equal(panther_test_version(test), "firmware 2.7");
    assert_int_equal(panther_test_end(&test), 0);
}

static void refuses_what_is_no_port(void **state)
{
    (void)state;
    static const char *const bad[] = {"http", "http=0/tcp", "http=70000/tcp", "http=80/sctp", "http=80/tcp,", "=80/tcp"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct panther_test *test = panther_test_new(PLUGIN);
        panther_test_protocol(test, "http", "2", "server");
        panther_test_option(test, "address", "127.0.0.1");
        panther_test_option(test, "ports", bad[i]);
        assert_int_not_equal(panther_test_initialize(test), 0);
        if (!strstr(panther_test_problem(test), "ports: "))
            fail_msg("%s: %s", bad[i], panther_test_problem(test));
        assert_int_equal(panther_test_end(&test), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_driven_by_a_tester),         cmocka_unit_test(a_device_that_is_not_there_is_not_ready),
        cmocka_unit_test(a_device_that_died_is_a_crash), cmocka_unit_test(commands_run_in_their_order),
        cmocka_unit_test(a_command_that_fails_is_said),  cmocka_unit_test(version_comes_from_a_command),
        cmocka_unit_test(refuses_what_is_no_port),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
