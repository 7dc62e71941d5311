// tftpd-hpa under the real guard and host: the content arrives, its end is clean, being killed is not.
#include <panther/content.h>
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#define SEED 5
#define BYTES 5000

static struct panther_test *start_server(void)
{
    struct panther_test *server = panther_test_new(PANTHER_PLUGINS "/tftpd_hpa/service.yaml");
    panther_test_protocol(server, "tftp", "1", "server");
    panther_test_seed(server, SEED);
    panther_test_option(server, "sizes", "5000");
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return server;
}

static void serves_and_ends_cleanly(void **state)
{
    (void)state;
    char command[256], folder[] = "/tmp/tftpd-test-XXXXXX", path[64];
    uint8_t got[BYTES], expected[BYTES];
    struct panther_test_exit ended;
    struct panther_test *server = start_server();
    assert_string_equal(panther_test_version(server), "5.2");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/got", folder);
    snprintf(command, sizeof command, "timeout 20 tftp 127.0.0.1 %d -m binary -c get 5000.bin %s", panther_test_port(server, "tftp"), path);
    assert_int_equal(system(command), 0);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, BYTES, file), BYTES);
    fclose(file);
    unlink(path);
    rmdir(folder);
    panther_content(SEED, 0, expected, BYTES);
    assert_memory_equal(got, expected, BYTES);
    assert_int_equal(panther_test_stop(server), 0);
    assert_true(panther_test_exited(server, "in.tftpd", 5000, &ended));
    assert_true(ended.clean && !ended.unexpected && ended.status == 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void being_killed_is_not_clean(void **state)
{
    (void)state;
    struct panther_test_exit ended;
    struct panther_test *server = start_server();
    assert_int_equal(kill(panther_test_pid(server, "in.tftpd"), SIGKILL), 0);
    assert_true(panther_test_exited(server, "in.tftpd", 5000, &ended));
    assert_true(!ended.clean && ended.unexpected && ended.signal == SIGKILL);
    assert_int_equal(panther_test_end(&server), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_and_ends_cleanly),
        cmocka_unit_test(being_killed_is_not_clean),
    };
    if (geteuid() != 0) {
        fprintf(stderr, "SKIPPED: in.tftpd changes its root, which needs root\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
