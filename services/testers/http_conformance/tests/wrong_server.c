// Starts the server, asks the tester, compares.
#include "wrong_server.h"

#include "../cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct wrong_server {
    pid_t pid;
    int input; // it ends when this is closed
    uint16_t port;
};

static struct wrong_server start_server(const char *mode)
{
    struct wrong_server server;
    int in[2], out[2];
    char line[16] = "";
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    server.pid = fork();
    if (server.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd < 100; fd++)
            close(fd);
        execl("/usr/bin/python3", "python3", PANTHER_SOURCE "/services/testers/http_conformance/tests/wrong_server.py", mode, "42", "1024",
              "200000", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server.input = in[1];
    FILE *printed = fdopen(out[0], "r");
    if (!fgets(line, sizeof(line), printed))
        fail_msg("wrong_server.py %s does not start", mode);
    server.port = (uint16_t)atoi(line);
    fclose(printed);
    return server;
}

static void end_server(struct wrong_server *server)
{
    close(server->input);
    waitpid(server->pid, NULL, 0);
}

struct panther_test *new_tester(const char *version, uint16_t port)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/http_conformance.so");
    panther_test_protocol(test, "http", version, "client");
    panther_test_seed(test, 42);
    panther_test_option(test, "large", "200000");
    panther_test_option(test, "folder", "/folder");
    panther_test_option(test, "patience", "200ms"); // here silence is meant
    panther_test_peer(test, "server", "server", "http", "127.0.0.1", port, PANTHER_TCP);
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
    return test;
}

static bool fails_with_its_section(const char *name, const struct panther_test_outcome *outcome)
{
    static const struct {
        const char *name, *section;
    } sections[] = {
#define SECTION(NAME, RFC, SUMMARY) {#NAME, RFC},
        CASES(SECTION)};
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
        if (strcmp(sections[i].name, name) == 0 && outcome->verdict == PANTHER_FAIL)
            return strncmp(outcome->text, "RFC ", 4) == 0;
    return false;
}

// Each case of the list fails.
void must_fail(const char *version, const char *mode, const char *const *cases)
{
    bool is_wrong = false;
    struct wrong_server server = start_server(mode);
    struct panther_test *test = new_tester(version, server.port);
    for (; *cases; cases++) {
        struct panther_test_outcome outcome;
        assert_int_equal(panther_test_case(test, *cases, 20000, &outcome), 0);
        if (!fails_with_its_section(*cases, &outcome)) {
            printf("%s, %s: verdict %d, reason %d: %s\n", mode, *cases, outcome.verdict, outcome.reason, outcome.text);
            is_wrong = true;
        }
    }
    assert_int_equal(panther_test_end(&test), 0);
    end_server(&server);
    assert_false(is_wrong);
}

void must_not_pass(const char *version, uint16_t port, const char *name)
{
    struct panther_test_outcome outcome;
    struct panther_test *test = new_tester(version, port);
    assert_int_equal(panther_test_case(test, name, 20000, &outcome), 0);
    if (outcome.verdict != PANTHER_FAIL)
        fail_msg("%s: verdict %d, reason %d: %s", name, outcome.verdict, outcome.reason, outcome.text);
    assert_int_equal(panther_test_end(&test), 0);
}

void must_not_survive(const char *version, const char *mode, const char *name)
{
    struct wrong_server server = start_server(mode);
    must_not_pass(version, server.port, name);
    end_server(&server);
}
