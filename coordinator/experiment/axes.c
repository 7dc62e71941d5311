// Reads axes, and finds the values of a combination by its number.
#include "coordinator/experiment/axes.h"

#include <stdio.h>
#include <string.h>

#include "common/base/map.h"
#include "coordinator/experiment/hosts.h"
#include "coordinator/experiment/limits.h"
#include "coordinator/experiment/plugins.h"
#include "coordinator/experiment/reference.h"

const struct document_key axes_value_keys[] = {
    DOCUMENT_KEY("implementation", MAP, .keys = plugins_implementation_keys, .or_text = true, .help = "the plugin of an implementation"),
    DOCUMENT_KEY("tester", MAP, .keys = plugins_implementation_keys, .or_text = true, .help = "the plugin of a tester"),
    DOCUMENT_KEY("options", SETTINGS, .help = "of the plugin; they go before the service's own"),
    DOCUMENT_KEY("role", TEXT, .help = "in the protocol, before the service's own"),
    DOCUMENT_KEY("host", MAP, .keys = hosts_axis_keys, .or_text = true, .help = "where it may run, before what the service says"),
    DOCUMENT_END};

// In the names of cells a value keeps the characters that can be pasted into a shell and do not part names (/ , #).
#define ID_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+=:@-"

static void make_id(const char *text, unsigned number, char id[AXIS_ID_BYTES])
{
    char ending[12] = "";
    if (number > 1)
        snprintf(ending, sizeof ending, "~%u", number);
    snprintf(id, AXIS_ID_BYTES, "%.*s", (int)(AXIS_ID_BYTES - 1 - strlen(ending)), text[0] ? text : "_");
    for (char *c = id; *c; c++)
        if (!strchr(ID_CHARACTERS, *c))
            *c = '_';
    memcpy(id + strlen(id), ending, strlen(ending) + 1);
}

// Two values that differ only in such characters, or in their ends, are told apart by ~2, ~3... The map counts how often an id
// was wanted.
static char *unique_id(const char *text, struct map *ids, struct arena *arena)
{
    char wanted[AXIS_ID_BYTES], id[AXIS_ID_BYTES];
    make_id(text, 1, wanted);
    uintptr_t number = (uintptr_t)map_get_text(ids, wanted);
    do
        make_id(text, (unsigned)++number, id);
    while (map_get_text(ids, id));
    map_put_text(ids, wanted, (void *)number);
    if (strcmp(id, wanted) != 0)
        map_put_text(ids, id, (void *)1);
    return arena_string(arena, id);
}

static bool is_constant(const struct document *document, const struct value *place, const char *text, const char *what)
{
    if (!strstr(text, "$("))
        return true;
    document_error(document, place, "%s cannot hold a reference: \"%.120s\"", what, text);
    return false;
}

static void read_settings(const struct document *document, const struct value *value, Pb__AxisValue *result)
{
    result->is_map = true;
    document_check_keys(document, value, axes_value_keys, "a value of an axis");
    const struct value *tester = document_get(value, "tester"), *implementation = document_get(value, "implementation");
    if (!implementation == !tester)
        document_error(document, value, "a value of an axis that is a map needs an implementation or a tester");
    result->is_tester = tester != NULL;
    implementation = tester ? tester : implementation;
    const char *name = plugins_read_name(document, implementation, tester ? "tester" : "implementation");
    if (name && is_constant(document, implementation, name, "the plugin of an axis's value"))
        result->implementation = result->text = arena_string(document->arena, name);
    result->version = plugins_read_version(document, implementation);
    result->program = plugins_read_program(document, implementation);
    const char *role = document_constant(document, document_get(value, "role"), "role");
    result->role = arena_string(document->arena, role ? role : "");
    result->host = hosts_read_axis(document, document_get(value, "host"));
    if (implementation) {
        result->line = implementation->line;
        result->column = implementation->column;
    }
    result->n_options = schema_settings(document_get(value, "options"), document->arena, &result->options, document->diagnostics);
}

// key: of a value in a map of values; NULL in a list.
static void read_value(const struct document *document, const char *key, const struct value *place, const struct value *value,
                       struct map *ids, Pb__Axis *axis)
{
    Pb__AxisValue *result = ARENA_NEW(document->arena, Pb__AxisValue);
    pb__axis_value__init(result);
    result->line = value->line;
    result->column = value->column;
    if (key && !document_word(document, place, key, "the value"))
        return;
    if (key && value->kind == VALUE_MAP) {
        read_settings(document, value, result);
    } else if (value_is_null(value) || value->kind != VALUE_SCALAR) {
        document_error(document, value, "a value of the axis \"%s\" must be text, this is %s%s", axis->name, value_kind_name(value),
                       value->kind == VALUE_MAP ? "; give it an id: `axes: {server: {nginx: {implementation: nginx}}}`" : "");
        return;
    } else {
        result->text = arena_string(document->arena, value->text);
        if (!is_constant(document, value, value->text, "a value of an axis"))
            return;
    }
    result->id = unique_id(key ? key : value->text, ids, document->arena);
    axis->values[axis->n_values++] = result;
}

static void read_axis(const struct document *document, const char *name, const struct value *place, const struct value *values,
                      Pb__Test *test)
{
    Pb__Axis *axis = ARENA_NEW(document->arena, Pb__Axis);
    pb__axis__init(axis);
    axis->name = arena_string(document->arena, name);
    test->axes[test->n_axes++] = axis;
    document_word(document, place, name, "the axis");
    if (values->kind == VALUE_SCALAR || values->count == 0) {
        document_error(document, value_is_null(values) ? place : values, "the axis \"%.80s\" needs a list or a map of values", name);
        return;
    }
    if (values->count > AXIS_VALUES_MAX) {
        document_error(document, place, "the axis \"%.80s\" has %zu values, more than %d", name, values->count, AXIS_VALUES_MAX);
        return;
    }
    axis->values = ARENA_ARRAY(document->arena, Pb__AxisValue *, values->count);
    struct map *ids = map_new(), *texts = map_new();
    for (size_t i = 0; i < values->count; i++) {
        const struct value *value = values->items[i];
        bool is_map = values->kind == VALUE_MAP;
        if (value->kind == VALUE_SCALAR && map_put_text(texts, value->text, texts))
            document_error(document, value, "the axis \"%.80s\" has the value \"%.80s\" twice", name, value->text);
        else
            read_value(document, is_map ? values->keys[i] : NULL, is_map ? values->key_places[i] : value, value, ids, axis);
    }
    map_free(&ids);
    map_free(&texts);
}

// Covered axes may have any product that can be counted: few of its combinations run.
static uint64_t count_combinations(const struct document *document, const struct value *axes, const Pb__Test *test, bool is_covered)
{
    uint64_t combinations = 1;
    for (size_t i = 0; i < test->n_axes; i++) {
        if (__builtin_mul_overflow(combinations, (uint64_t)test->axes[i]->n_values, &combinations) ||
            (combinations > CELLS_PER_TEST_MAX && !is_covered)) {
            document_error(document, axes, "the axes have more than %d combinations", CELLS_PER_TEST_MAX);
            return 0;
        }
    }
    return combinations;
}

void axes_read(const struct document *document, const struct value *axes, bool is_covered, Pb__Test *test)
{
    test->combinations = 1;
    if (!document_is_map(document, axes, "axes"))
        return;
    if (axes->count > AXES_PER_TEST_MAX) {
        document_error(document, axes, "a test has at most %d axes, this one has %zu", AXES_PER_TEST_MAX, axes->count);
        test->combinations = 0;
        return;
    }
    test->axes = ARENA_ARRAY(document->arena, Pb__Axis *, axes->count);
    for (size_t i = 0; i < axes->count; i++)
        read_axis(document, axes->keys[i], axes->key_places[i], axes->items[i], test);
    test->combinations = count_combinations(document, axes, test, is_covered);
}

const Pb__Axis *axes_find(const Pb__Test *test, const char *name, size_t *index)
{
    for (size_t i = 0; i < test->n_axes; i++) {
        if (strcmp(test->axes[i]->name, name) != 0)
            continue;
        if (index)
            *index = i;
        return test->axes[i];
    }
    return NULL;
}

size_t axes_find_value(const Pb__Axis *axis, const char *text)
{
    for (size_t i = 0; i < axis->n_values; i++)
        if (strcmp(axis->values[i]->id, text) == 0 || (!axis->values[i]->is_map && strcmp(axis->values[i]->text, text) == 0))
            return i;
    return axis->n_values;
}

bool axes_has_maps(const Pb__Axis *axis)
{
    for (size_t i = 0; i < axis->n_values; i++)
        if (axis->values[i]->is_map)
            return true;
    return false;
}

static const Pb__Axis *axis_that_is(const Pb__Test *test, const char *text)
{
    struct reference reference;
    bool is_axis = reference_is_whole(text, &reference) && reference_is(&reference, "axes", 2);
    return is_axis ? axes_find(test, reference.part[1], NULL) : NULL;
}

size_t axes_texts(const Pb__Test *test, const char *text)
{
    const Pb__Axis *axis = axis_that_is(test, text);
    return axis ? axis->n_values : 1;
}

const char *axes_text(const Pb__Test *test, const char *text, size_t index)
{
    const Pb__Axis *axis = axis_that_is(test, text);
    return axis ? axis->values[index]->text : text;
}

uint64_t axes_combination(const Pb__Test *test, uint64_t number)
{
    return test->n_kept > 0 ? test->kept[number] : number;
}

void axes_values(const Pb__Test *test, uint64_t combination, const Pb__AxisValue **values)
{
    for (size_t i = test->n_axes; i-- > 0;) {
        const Pb__Axis *axis = test->axes[i];
        values[i] = axis->values[combination % axis->n_values];
        combination /= axis->n_values;
    }
}

char *axes_combination_name(const Pb__Test *test, uint64_t combination, struct arena *arena)
{
    const Pb__AxisValue *values[AXES_PER_TEST_MAX];
    char name[AXES_PER_TEST_MAX * AXIS_ID_BYTES + 1] = "";
    size_t length = 0;
    axes_values(test, combination, values);
    for (size_t i = 0; i < test->n_axes; i++)
        length += (size_t)snprintf(name + length, sizeof name - length, "%s%s", i > 0 ? "," : "", values[i]->id);
    return arena_string(arena, name);
}
