// IUTs that a service.yaml declares, under the real guard and host: every key of the language, with real programs.
#include "tests/integration/declared/folder.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// clang-format off
#include <cmocka.h>
// clang-format on

static void get(int port, const char *path, char *answer, size_t bytes)
{
    char command[256];
    snprintf(command, sizeof(command),
             "bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d; printf \"GET %s HTTP/1.0\\r\\n\\r\\n\" >&3; timeout 5 cat <&3'", port, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    answer[fread(answer, 1, bytes - 1, pipe)] = '\0';
    pclose(pipe);
}

#define SERVER                                                                                                                             \
    "implementation:\n"                                                                                                                    \
    "  version: {command: [python3, --version], match: \"Python ([0-9.]+)\"}\n"                                                            \
    "options:\n"                                                                                                                           \
    "  greeting: {type: string, default: hello, help: what it serves}\n"                                                                   \
    "  pause: {type: duration, default: 1500ms, range: [0s, 1m], help: shown in a file}\n"                                                 \
    "  sizes: {type: list, default: [1KiB], help: files}\n"                                                                                \
    "ports: {http: {transport: tcp}}\n"                                                                                                    \
    "content: {folder: www, sizes: $(option.sizes)}\n"                                                                                     \
    "files:\n"                                                                                                                             \
    "  - {path: www/greeting.txt, text: \"$(option.greeting) $(option.pause.seconds) $$(address) $(date)\"}\n"                             \
    "phases:\n"                                                                                                                            \
    "  run: {argv: [python3, -u, -m, http.server, $(port.http), --bind, $(address), --directory, $(work)/www], name: web}\n"               \
    "ready: [{http: http, path: /greeting.txt, status: 200}]\n"                                                                            \
    "stop: {signal: INT, clean_on_signal: true}\n"                                                                                         \
    "outputs: [{path: www/greeting.txt, kind: file}]\n"

static void serves_its_files_and_leaves_nothing(void **state)
{
    (void)state;
    char answer[8192];
    struct panther_test_exit end;
    struct panther_test *test = declared_iut(SERVER);
    panther_test_option(test, "greeting", "good morning");
    panther_test_option(test, "sizes", "2KiB");
    up(test);
    assert_int_equal(strncmp(panther_test_version(test), "3.", 2), 0);
    get(panther_test_port(test, "http"), "/greeting.txt", answer, sizeof(answer));
    assert_has(answer, "good morning 1.5 $(address) $(date)");
    get(panther_test_port(test, "http"), "/2048.bin", answer, sizeof(answer));
    assert_has(answer, "Content-Length: 2048");
    assert_int_equal(panther_test_stop(test), 0);
    assert_true(panther_test_exited(test, "web", 5000, &end));
    assert_true(end.clean);
    assert_false(end.unexpected);
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "www/greeting.txt"));
    down(&test);
}

static void one_that_is_killed_was_not_clean(void **state)
{
    (void)state;
    struct panther_test_exit end;
    struct panther_test *test = declared_iut(SERVER);
    up(test);
    assert_int_equal(kill(panther_test_pid(test, "web"), SIGKILL), 0);
    assert_true(panther_test_exited(test, "web", 5000, &end));
    assert_int_equal(end.signal, SIGKILL);
    assert_false(end.clean);
    assert_true(end.unexpected);
    down(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_its_files_and_leaves_nothing),
        cmocka_unit_test(one_that_is_killed_was_not_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
