// Memory that cannot fail, the arena with its cap, texts that grow, and the end of a process that goes wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/memory.h"

static void an_arena_hands_out_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    for (size_t bytes = 0; bytes < 3000; bytes += 7) {
        unsigned char *memory = arena_allocate(arena, bytes);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, bytes); // what comes next must not show it
    }
    arena_free(&arena);
    assert_null(arena);
    arena_free(&arena);
}

static void after_a_reset_memory_is_zeroed_again_and_counted_anew(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1000);
    for (unsigned round = 0; round < 5; round++) {
        char *memory = arena_allocate(arena, 900);
        assert_non_null(memory);
        for (size_t i = 0; i < 900; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 'x', 900);
        assert_null(arena_allocate(arena, 200));
        arena_reset(arena);
        assert_int_equal(arena_used_bytes(arena), 0);
    }
    arena_free(&arena);
}

static void a_cap_refuses_before_it_allocates_and_stays_usable(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    assert_null(arena_allocate(arena, 4097));
    assert_null(arena_allocate(arena, SIZE_MAX / 2));
    assert_null(arena_string_bytes(arena, "", 5000));
    assert_int_equal(arena_used_bytes(arena), 0);
    assert_non_null(arena_allocate(arena, 4096));
    assert_null(arena_allocate(arena, 0));
    assert_int_equal(arena_used_bytes(arena), 4096);
    arena_free(&arena);
}

static void blocks_larger_than_usual_are_fine(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    char *small = arena_string(arena, "small");
    char *large = arena_allocate(arena, 3 << 20);
    large[(3 << 20) - 1] = 'x';
    char *after = arena_printf(arena, "%s-%d", small, 7);
    assert_string_equal(after, "small-7");
    arena_reset(arena);
    assert_non_null(arena_allocate(arena, 10));
    assert_null(arena_string(arena, NULL));
    arena_free(&arena);
}

static void a_text_grows_and_stays_terminated(void **state)
{
    (void)state;
    struct text text = {0};
    assert_string_equal(text_string(&text), "");
    size_t length = 0;
    for (unsigned i = 0; i < 2000; i++) {
        text_printf(&text, "%u,", i);
        length += i < 10 ? 2 : i < 100 ? 3 : i < 1000 ? 4 : 5;
        assert_int_equal(text.length, length);
        assert_int_equal(strlen(text_string(&text)), length);
    }
    text_clear(&text);
    assert_string_equal(text_string(&text), "");
    text_append_bytes(&text, "a\0b", 3);
    assert_memory_equal(text.data, "a\0b", 4);
    text_free(&text);
    assert_null(text.data);
}

static void append_keeps_what_was_there(void **state)
{
    (void)state;
    unsigned *items = NULL;
    size_t count = 0, capacity = 0;
    for (unsigned i = 0; i < 1000; i++)
        APPEND(items, count, capacity) = i;
    assert_int_equal(count, 1000);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    free(items);
    CLEANUP_FREE char *copy = memory_string("copy");
    CLEANUP_FREE char *printed = memory_printf("%s of %d", copy, 2);
    assert_string_equal(printed, "copy of 2");
    assert_null(memory_string(NULL));
}

// The child dies by SIGABRT and says why; the parent reads it.
static void expect_panic(void (*act)(void), const char *message)
{
    int ends[2];
    char text[512] = "";
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t got; used < sizeof text - 1 && (got = read(ends[0], text + used, sizeof text - 1 - used)) > 0;)
        used += (size_t)got;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, message));
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void ask_for_too_much(void)
{
    memory_grow(NULL, SIZE_MAX / 2, 4);
}

static void break_an_invariant(void)
{
    INVARIANT(1 + 1 == 3);
}

static void a_panic_says_where_and_what(void **state)
{
    (void)state;
    expect_panic(ask_for_too_much, "out of memory");
    expect_panic(break_an_invariant, "invariant does not hold: 1 + 1 == 3");
}

static void an_error_may_wrap_its_own_message(void **state)
{
    (void)state;
    struct panther_error error = {0};
    assert_int_equal(error_set_at(&error, PANTHER_EINVALID, "lab.yaml", 3, 9, "no %s", "port"), PANTHER_EINVALID);
    assert_string_equal(error.file, "lab.yaml");
    assert_int_equal(error.line * 100 + error.column, 309);
    assert_int_equal(error_set(&error, PANTHER_ELIMIT, "while reading: %s", error.message), PANTHER_ELIMIT);
    assert_string_equal(error.message, "while reading: no port");
    assert_int_equal(error.line, 0);
    assert_int_equal(error_set(NULL, PANTHER_EIO, "nobody listens"), PANTHER_EIO);
    assert_string_equal(error_name(PANTHER_ENOTFOUND), "not found");
    assert_string_equal(error_name(PANTHER_ESHORT - 1), "unknown error");
    assert_string_equal(error_name(1), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_hands_out_zeroed_aligned_memory),
        cmocka_unit_test(after_a_reset_memory_is_zeroed_again_and_counted_anew),
        cmocka_unit_test(a_cap_refuses_before_it_allocates_and_stays_usable),
        cmocka_unit_test(blocks_larger_than_usual_are_fine),
        cmocka_unit_test(a_text_grows_and_stays_terminated),
        cmocka_unit_test(append_keeps_what_was_there),
        cmocka_unit_test(a_panic_says_where_and_what),
        cmocka_unit_test(an_error_may_wrap_its_own_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
