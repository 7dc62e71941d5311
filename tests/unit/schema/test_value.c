// Trees of values: order, replacement, and maps too large to be walked.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/schema/value.h"

static void a_map_keeps_its_order_and_replaces(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct value *map = value_map(arena, 1, 1);
    char key[16];
    for (unsigned i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "key%u", i % 20);
        value_map_put(arena, map, key, value_scalar(arena, i < 20 ? "old" : "new", i + 1, 2));
    }
    assert_int_equal(map->count, 20);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "key%u", i);
        assert_string_equal(map->keys[i], key);
        assert_ptr_equal(value_get(map, key), map->items[i]);
        assert_string_equal(map->items[i]->text, "new");
        assert_int_equal(map->key_places[i]->line, i + 1); // where the key was first written
    }
    assert_null(value_get(map, "key20"));
    assert_null(value_get(map, ""));
    assert_null(value_get(NULL, "key1"));
    assert_null(value_get(map->items[0], "key1"));
    arena_free(&arena);
}

// A regression would be seen as a timeout: walked for each key, this is 10^10 comparisons.
static void a_map_of_100000_keys_is_made_and_read_quickly(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct value *map = value_map(arena, 1, 1), *item = value_scalar(arena, "x", 1, 1);
    char key[32];
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "a-rather-long-key-%u", i);
        value_map_put(arena, map, key, item);
        value_map_put(arena, map, key, item);
    }
    assert_int_equal(map->count, 100000);
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "a-rather-long-key-%u", i);
        assert_non_null(value_get(map, key));
    }
    assert_null(value_get(map, "a-rather-long-key-100000"));
    arena_free(&arena);
}

static void a_list_keeps_everything(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct value *list = value_list(arena, 3, 4);
    for (unsigned i = 0; i < 1000; i++)
        value_list_add(arena, list, value_scalar(arena, "x", i, 1));
    assert_int_equal(list->count, 1000);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(list->items[i]->line, i);
    arena_free(&arena);
}

static void nothing_is_told_from_empty_text(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct value *empty = value_scalar(arena, "", 1, 1), *null = value_scalar(arena, "null", 1, 1), *tilde = value_scalar(arena, "~", 1, 1);
    assert_true(value_is_null(NULL) && value_is_null(empty) && value_is_null(null) && value_is_null(tilde));
    empty->quoted = null->quoted = true;
    assert_false(value_is_null(empty) || value_is_null(null));
    assert_false(value_is_null(value_list(arena, 1, 1)));
    assert_string_equal(value_kind_name(tilde), "nothing");
    assert_string_equal(value_kind_name(empty), "text");
    assert_string_equal(value_kind_name(value_list(arena, 1, 1)), "a list");
    assert_string_equal(value_kind_name(value_map(arena, 1, 1)), "a map");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_keeps_its_order_and_replaces),
        cmocka_unit_test(a_map_of_100000_keys_is_made_and_read_quickly),
        cmocka_unit_test(a_list_keeps_everything),
        cmocka_unit_test(nothing_is_told_from_empty_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
