// The plugin under the real guard and host.
#include <panther/test.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// What GET / answers, read with bash's own /dev/tcp, so that the example needs no client library.
static void get(int port, char *answer, size_t bytes)
{
    char command[256];
    snprintf(command, sizeof(command), "bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d; printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3; cat <&3'", port);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    answer[fread(answer, 1, bytes - 1, pipe)] = '\0';
    pclose(pipe);
}

static void serves_its_greeting_and_leaves_nothing(void **state)
{
    (void)state;
    char answer[4096];
    struct panther_test_exit end;
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/python_http.so");
    panther_test_option(test, "greeting", "good morning");
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_equal(panther_test_start(test), 0);
    assert_int_equal(strncmp(panther_test_version(test), "3.", 2), 0);
    assert_null(strchr(panther_test_version(test), '\n'));
    get(panther_test_port(test, "http"), answer, sizeof(answer));
    assert_non_null(strstr(answer, "good morning"));
    assert_int_equal(panther_test_stop(test), 0);
    assert_true(panther_test_exited(test, "python", 5000, &end));
    assert_true(end.clean);
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(serves_its_greeting_and_leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
