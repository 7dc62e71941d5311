// Caddy as an HTTP/3 server under the real guard and host: ngtcp2's client fetches a file over QUIC, curl over TCP at the same number.
#include <panther/content.h>
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PLUGIN PANTHER_PLUGINS "/caddy/service.yaml"
#define BODY_BYTES 100000

static struct panther_test *ready_server(void)
{
    struct panther_test *test = panther_test_new(PLUGIN);
    panther_test_protocol(test, "quic", "1", "server");
    panther_test_option(test, "sizes", "100000");
    panther_test_seed(test, 11);
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
    return test;
}

// What the client downloaded; its exit status says nothing.
static size_t fetch(const char *folder, int port, unsigned char *body)
{
    char command[512];
    snprintf(command, sizeof(command),
             "timeout 10 gtlsclient -q --no-quic-dump --no-http-dump --exit-on-all-streams-close --handshake-timeout=2s --download=%s "
             "127.0.0.1 %d https://localhost/100000.bin >/dev/null 2>&1",
             folder, port);
    assert_int_not_equal(system(command), -1);
    snprintf(command, sizeof(command), "%s/100000.bin", folder);
    FILE *file = fopen(command, "rb");
    size_t bytes = file ? fread(body, 1, BODY_BYTES + 1, file) : 0;
    if (file)
        fclose(file);
    unlink(command);
    return bytes;
}

static void serves_http3_and_http2_at_one_number(void **state)
{
    (void)state;
    char folder[] = "/tmp/caddy-test-XXXXXX", command[256], answer[64] = "";
    unsigned char *body = malloc(BODY_BYTES + 1), *expected = malloc(BODY_BYTES);
    struct panther_test_exit ended;
    assert_non_null(mkdtemp(folder));
    struct panther_test *test = ready_server();
    int port = panther_test_port(test, "quic");
    panther_content(11, 0, expected, BODY_BYTES);
    assert_int_equal(fetch(folder, port, body), BODY_BYTES);
    assert_memory_equal(body, expected, BODY_BYTES);
    snprintf(command, sizeof(command), "curl -sk -m 10 -o /dev/null -w '%%{http_version} %%{http_code}' https://127.0.0.1:%d/100000.bin",
             port);
    FILE *curl = popen(command, "r");
    assert_non_null(curl);
    assert_non_null(fgets(answer, sizeof(answer), curl));
    pclose(curl);
    assert_string_equal(answer, "2 200");
    assert_int_equal(panther_test_stop(test), 0);
    assert_true(panther_test_exited(test, "caddy", 5000, &ended));
    assert_true(ended.clean);
    // nobody answers any more: the test above can fail
    assert_int_equal(fetch(folder, port, body), 0);
    assert_int_equal(panther_test_end(&test), 0);
    rmdir(folder);
    free(body);
    free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_http3_and_http2_at_one_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
