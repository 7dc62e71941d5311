// The map against a model that is too simple to be wrong, and its order.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/map.h"

#define KEYS 300

// The same numbers on every machine.
static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

struct model {
    uint64_t keys[KEYS]; // in the order of insertion
    void *values[KEYS];
    size_t count;
};

static size_t model_find(const struct model *model, uint64_t key)
{
    size_t at = 0;
    while (at < model->count && model->keys[at] != key)
        at++;
    return at;
}

static void *model_put(struct model *model, uint64_t key, void *value)
{
    size_t at = model_find(model, key);
    void *before = at < model->count ? model->values[at] : NULL;
    if (at == model->count)
        model->keys[model->count++] = key;
    model->values[at] = value;
    return before;
}

static void *model_remove(struct model *model, uint64_t key)
{
    size_t at = model_find(model, key);
    if (at == model->count)
        return NULL;
    void *value = model->values[at];
    memmove(&model->keys[at], &model->keys[at + 1], (model->count - at - 1) * sizeof *model->keys);
    memmove(&model->values[at], &model->values[at + 1], (model->count - at - 1) * sizeof *model->values);
    model->count--;
    return value;
}

static void compare(const struct map *map, const struct model *model)
{
    assert_int_equal(map_count(map), model->count);
    size_t at = 0;
    for (struct map_entry *entry = map_first(map); entry; entry = map_next(map, entry), at++) {
        assert_int_equal(map_entry_number(entry), model->keys[at]);
        assert_ptr_equal(entry->value, model->values[at]);
    }
    assert_int_equal(at, model->count);
}

static void random_work_gives_what_the_model_gives(void **state)
{
    (void)state;
    static char values[1000];
    struct map *map = map_new();
    struct model model = {0};
    uint64_t seed = 42;
    for (unsigned step = 0; step < 20000; step++) {
        uint64_t key = next_random(&seed) % KEYS * 0x10001;
        void *value = &values[next_random(&seed) % sizeof values];
        switch (next_random(&seed) % 3) {
        case 0:
            assert_ptr_equal(map_put_number(map, key, value), model_put(&model, key, value));
            break;
        case 1:
            assert_ptr_equal(map_remove_number(map, key), model_remove(&model, key));
            break;
        default: {
            size_t at = model_find(&model, key);
            assert_ptr_equal(map_get_number(map, key), at < model.count ? model.values[at] : NULL);
        }
        }
        if (step % 100 == 0)
            compare(map, &model);
    }
    compare(map, &model);
    map_free(&map);
    assert_null(map);
}

static void the_entry_just_returned_may_be_removed(void **state)
{
    (void)state;
    int value;
    struct map *map = map_new();
    for (uint64_t key = 0; key < 100; key++)
        map_put_number(map, key, &value);
    uint64_t expected = 0;
    for (struct map_entry *entry = map_first(map); entry; entry = map_next(map, entry)) {
        uint64_t key = map_entry_number(entry);
        assert_int_equal(key, expected++);
        if (key % 3 != 0)
            map_remove_number(map, key);
    }
    assert_int_equal(expected, 100);
    assert_int_equal(map_count(map), 34);
    map_free(&map);
}

// A step that ends one thing may end its neighbours too: the walk goes on with what is left.
static void the_entry_just_returned_and_others_may_be_removed(void **state)
{
    (void)state;
    int value;
    for (unsigned order = 0; order < 2; order++) {
        struct map *map = map_new();
        for (uint64_t key = 0; key < 200; key++)
            map_put_number(map, key, &value);
        unsigned seen = 0;
        for (struct map_entry *entry = map_first(map); entry; entry = map_next(map, entry), seen++) {
            uint64_t key = map_entry_number(entry);
            assert_int_equal(key % 50, 0);
            for (uint64_t other = 0; other < 50; other++)
                map_remove_number(map, key + (order == 0 ? other : 49 - other));
        }
        assert_int_equal(seen, 4);
        assert_int_equal(map_count(map), 0);
        map_free(&map);
    }
}

static void what_is_put_while_walking_is_walked(void **state)
{
    (void)state;
    int value;
    struct map *map = map_new();
    map_put_number(map, 0, &value);
    uint64_t seen = 0;
    for (struct map_entry *entry = map_first(map); entry; entry = map_next(map, entry), seen++) {
        if (seen < 500)
            map_put_number(map, seen + 1, &value); // grows several times under the walk
    }
    assert_int_equal(seen, 501);
    map_free(&map);
}

static void texts_and_bytes_are_different_keys(void **state)
{
    (void)state;
    int one, two;
    struct map *map = map_new();
    map_put_text(map, "lab", &one);
    map_put(map, "lab", 3, &two);
    assert_ptr_equal(map_get_text(map, "lab"), &one);
    assert_ptr_equal(map_get(map, "lab", 3), &two);
    assert_null(map_get_text(map, "la"));
    assert_string_equal(map_first(map)->key, "lab");
    assert_ptr_equal(map_remove_text(map, "lab"), &one);
    assert_null(map_remove_text(map, "lab"));
    assert_ptr_equal(map_put(map, "", 0, &one), NULL);
    assert_ptr_equal(map_get(map, "", 0), &one);
    map_free(&map);
}

static void an_empty_map_has_nothing(void **state)
{
    (void)state;
    struct map *map = map_new();
    assert_null(map_first(map));
    assert_null(map_get_text(map, "x"));
    assert_null(map_remove_text(map, "x"));
    map_free(&map);
    map_free(&map);
    map_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_work_gives_what_the_model_gives),
        cmocka_unit_test(the_entry_just_returned_may_be_removed),
        cmocka_unit_test(the_entry_just_returned_and_others_may_be_removed),
        cmocka_unit_test(what_is_put_while_walking_is_walked),
        cmocka_unit_test(texts_and_bytes_are_different_keys),
        cmocka_unit_test(an_empty_map_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
