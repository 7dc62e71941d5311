// Any bytes are a tree with places, or at least one mistake with a place; never both, never neither.
#include "common/system/yaml.h"
#include "common/base/error.h"
#include "tests/fuzz/fuzz.h"

#define DEPTH_MAX 32

static void check(const struct value *value, size_t depth)
{
    INVARIANT(depth <= DEPTH_MAX && value->line > 0 && value->column > 0);
    INVARIANT((value->kind == VALUE_SCALAR) == (value->text != NULL));
    for (size_t i = 0; i < value->count; i++) {
        if (value->kind == VALUE_MAP)
            INVARIANT(value_get(value, value->keys[i]) == value->items[i] && value->key_places[i]->line > 0);
        check(value->items[i], depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, "fuzz.yaml");
    const struct value *value = yaml_read((const char *)data, size, arena, &diagnostics);
    INVARIANT((value == NULL) == (diagnostics.errors > 0));
    for (size_t i = 0; i < diagnostics.count; i++)
        INVARIANT(diagnostics.items[i]->line > 0 && diagnostics.items[i]->column > 0);
    if (value)
        check(value, 1);
    arena_free(&arena);
    return 0;
}
