// All mistakes at once, each once, in the order of their places; and the word that was meant.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/schema/diagnostics.h"

static void the_same_mistake_is_kept_once(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, "lab.yaml");
    for (unsigned i = 0; i < 10; i++)
        diagnostics_error(&diagnostics, 3, 4, "no %s", "port");
    diagnostics_error(&diagnostics, 3, 5, "no port");
    diagnostics_warning(&diagnostics, 3, 4, "odd");
    assert_int_equal(diagnostics.count, 3);
    assert_int_equal(diagnostics.errors, 2);
    assert_string_equal(diagnostics.items[0]->file, "lab.yaml");
    assert_string_equal(diagnostics.items[0]->message, "no port");
    assert_true(diagnostics.items[2]->warning);
    arena_free(&arena);
}

static void what_is_too_much_is_counted(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, NULL);
    for (unsigned i = 0; i < DIAGNOSTICS_MAX + 50; i++)
        diagnostics_error(&diagnostics, i, 1, "wrong");
    assert_int_equal(diagnostics.count, DIAGNOSTICS_MAX);
    assert_int_equal(diagnostics.errors, DIAGNOSTICS_MAX + 50);
    assert_int_equal(diagnostics.dropped, 50);
    arena_free(&arena);
}

static void they_are_sorted_by_place_and_stay_in_order_there(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, "x");
    diagnostics_error(&diagnostics, 9, 1, "last");
    diagnostics_error(&diagnostics, 2, 7, "b first");
    diagnostics_error(&diagnostics, 2, 3, "a");
    diagnostics_error(&diagnostics, 2, 7, "a second");
    diagnostics_sort(&diagnostics);
    static const char *const order[] = {"a", "b first", "a second", "last"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(diagnostics.items[i]->message, order[i]);
    arena_free(&arena);
}

static void the_word_that_was_meant_is_found(void **state)
{
    (void)state;
    static const char *const words[] = {"port", "requests", "clients", "max-streams", "tls", "a"};
    static const struct {
        const char *typed, *meant;
    } cases[] = {
        {"prot", "port"},
        {"prt", "port"},
        {"ports", "port"},
        {"requets", "requests"},
        {"reqeusts", "requests"},
        {"max_streams", "max-streams"},
        {"client", "clients"},
        {"tsl", "tls"},
        {"banana", NULL},
        {"", NULL},
        {"b", NULL},
        {"xyz", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = suggest(cases[i].typed, words, sizeof words / sizeof *words);
        if (cases[i].meant == NULL)
            assert_null(found);
        else
            assert_string_equal(found, cases[i].meant);
    }
    assert_null(suggest("port", NULL, 0));
    char large[500];
    memset(large, 'p', sizeof large);
    large[sizeof large - 1] = '\0';
    const char *const long_words[] = {large};
    assert_null(suggest(large, words, 6));
    assert_null(suggest("port", long_words, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_mistake_is_kept_once),
        cmocka_unit_test(what_is_too_much_is_counted),
        cmocka_unit_test(they_are_sorted_by_place_and_stay_in_order_there),
        cmocka_unit_test(the_word_that_was_meant_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
