// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "tests/unit/lifecycle/walk.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"

#define README_MAX_BYTES (64 * 1024)

// ---- moves

_Noreturn static void move_and_leave(const struct lifecycle *lifecycle, unsigned from, unsigned to, int words_fd)
{
    unsigned state = from;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGABRT, SIG_DFL); // cmocka's handler is for the test itself
    dup2(words_fd, STDERR_FILENO);
    lifecycle_move(lifecycle, &state, to);
    _exit(state == to ? 0 : 1);
}

// How the move ended, and its last words.
static int try_move(const struct lifecycle *lifecycle, unsigned from, unsigned to, char *words, size_t bytes)
{
    int pipe_fds[2], status;
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        move_and_leave(lifecycle, from, to, pipe_fds[1]);
    close(pipe_fds[1]);
    size_t have = 0;
    for (ssize_t got; have < bytes - 1 && (got = read(pipe_fds[0], words + have, bytes - 1 - have)) > 0;)
        have += (size_t)got;
    words[have] = '\0';
    close(pipe_fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void walk_pair(const struct lifecycle *lifecycle, unsigned from, unsigned to)
{
    char words[4096], expected[256];
    int status = try_move(lifecycle, from, to, words, sizeof words);
    snprintf(expected, sizeof expected, "a %s cannot move from %s to %s", lifecycle->noun, lifecycle->names[from], lifecycle->names[to]);
    if (lifecycle_allows(lifecycle, from, to)) {
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("%s: %s -> %s is in the table and did not happen: %s", lifecycle->noun, lifecycle->names[from], lifecycle->names[to],
                     words);
    } else if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || !strstr(words, expected)) {
        fail_msg("%s: %s -> %s is impossible and was not refused as such: %s", lifecycle->noun, lifecycle->names[from],
                 lifecycle->names[to], words);
    }
}

// ---- shape

// The states that can follow these, directly or later.
static uint32_t closure(const struct lifecycle *lifecycle, uint32_t states)
{
    for (uint32_t before = 0; before != states;) {
        before = states;
        for (unsigned state = 0; state < lifecycle->count; state++)
            if (states & LIFECYCLE_TO(state))
                states |= lifecycle->next[state];
    }
    return states;
}

static void check_state(const struct lifecycle *lifecycle, unsigned state)
{
    assert_true(lifecycle->names[state] != NULL && lifecycle->names[state][0] != '\0');
    for (unsigned other = 0; other < state; other++)
        assert_string_not_equal(lifecycle->names[state], lifecycle->names[other]);
    assert_int_equal(lifecycle->next[state] & ~(uint32_t)((UINT64_C(1) << lifecycle->count) - 1), 0);
    assert_false(lifecycle_allows(lifecycle, state, state)); // a repeat is its caller's business, not a move
    assert_true(lifecycle_is_final(lifecycle, state) == (lifecycle->next[state] == 0));
    if (!(closure(lifecycle, LIFECYCLE_TO(state)) & lifecycle->final))
        fail_msg("a %s that is %s never ends", lifecycle->noun, lifecycle->names[state]);
}

void lifecycle_walk(const struct lifecycle *lifecycle)
{
    uint32_t all = (uint32_t)((UINT64_C(1) << lifecycle->count) - 1);
    assert_in_range(lifecycle->count, 2, 32);
    assert_int_equal(closure(lifecycle, LIFECYCLE_TO(0)), all);
    for (unsigned from = 0; from < lifecycle->count; from++) {
        check_state(lifecycle, from);
        for (unsigned to = 0; to < lifecycle->count; to++)
            walk_pair(lifecycle, from, to);
    }
}

// ---- READMEs

// A line of its own, or with a remark: two spaces and more.
static bool stands_in(const char *text, const char *line)
{
    size_t length = strlen(line);
    for (const char *found = text; (found = strstr(found, line)) != NULL; found++) {
        bool begins = found == text || found[-1] == '\n';
        const char *rest = found + length;
        if (begins && (*rest == '\n' || *rest == '\0' || strncmp(rest, "  ", 2) == 0))
            return true;
    }
    return false;
}

void lifecycle_is_shown(const struct lifecycle *lifecycle, const char *readme)
{
    struct text printed = {0};
    CLEANUP_FREE char *path = path_join(PANTHER_SOURCE, readme);
    CLEANUP_FREE char *text = NULL;
    assert_int_equal(file_read(path, README_MAX_BYTES, &text, NULL, NULL), 0);
    lifecycle_print(lifecycle, &printed);
    char *rest = printed.data;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line;)
        if (!stands_in(text, line) && !strstr(line, "(end)"))
            fail_msg("%s does not show this line of the %s's table:\n%s", readme, lifecycle->noun, line);
    text_free(&printed);
}
