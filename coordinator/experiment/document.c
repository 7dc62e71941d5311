// Values by key, with the mistakes that people make in them.
#include "coordinator/experiment/document.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/identity.h"
#include "common/base/map.h"
#include "common/base/units.h"

#define MESSAGE_BYTES 768 // what a line of a terminal or two can show; diagnostics cut at 1024

void document_error(const struct document *document, const struct value *at, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    diagnostics_error(document->diagnostics, at ? at->line : 0, at ? at->column : 0, "%s", message);
}

void document_warning(const struct document *document, const struct value *at, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    diagnostics_warning(document->diagnostics, at ? at->line : 0, at ? at->column : 0, "%s", message);
}

void document_not_yet(const struct document *document, const struct value *at, const char *what)
{
    document_error(document, at, "\"%.80s\" is not supported by this version yet", what);
}

// A text such as [::1] without quotes arrives as a list, {x} as a map.
static void wrong_kind(const struct document *document, const struct value *value, const char *what, const char *wanted)
{
    bool may_need_quotes = strcmp(wanted, "text") == 0 && value->kind != VALUE_SCALAR;
    document_error(document, value, "%.120s must be %s, this is %s%s", what, wanted, value_kind_name(value),
                   may_need_quotes ? "; if it is meant as text, put it in quotes" : "");
}

bool document_is_map(const struct document *document, const struct value *value, const char *noun)
{
    if (value && value->kind == VALUE_MAP)
        return true;
    if (value)
        wrong_kind(document, value, noun, "a map");
    return false;
}

bool document_is_list(const struct document *document, const struct value *value, const char *noun)
{
    if (value && value->kind == VALUE_LIST)
        return true;
    if (value)
        wrong_kind(document, value, noun, "a list");
    return false;
}

const char *document_hint(const struct document *document, const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = suggest(word, candidates, count);
    return nearest ? arena_printf(document->arena, "; did you mean \"%s\"?", nearest) : "";
}

#define KEYS_MAX 64 // of one table

static void unknown_key(const struct document *document, const struct value *place, const char *key, const struct document_key *keys,
                        const char *noun)
{
    const char *names[KEYS_MAX];
    size_t count = 0;
    for (; keys->name && count < KEYS_MAX; keys++)
        names[count++] = keys->name;
    document_error(document, place, "unknown key \"%.80s\" in %.120s%s", key, noun, document_hint(document, key, names, count));
}

void document_check_keys(const struct document *document, const struct value *map, const struct document_key *keys, const char *noun)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct document_key *known = keys;
        while (known->name && strcmp(known->name, map->keys[i]) != 0)
            known++;
        if (!known->name)
            unknown_key(document, map->key_places[i], map->keys[i], keys, noun);
        else if (known->later)
            document_not_yet(document, map->key_places[i], map->keys[i]);
    }
}

const struct value *document_get(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, key);
    return value_is_null(value) ? NULL : value;
}

static void put(struct arena *arena, struct value *map, const char *key, const struct value *place, const struct value *item)
{
    value_map_put(arena, map, key, (struct value *)(uintptr_t)item);
    map->key_places[map->count - 1] = (struct value *)(uintptr_t)place;
}

// The order is that of `below`, then what is new; of axes the last is the fastest.
struct value *document_merge(struct arena *arena, const struct value *below, const struct value *above)
{
    struct value *merged = value_map(arena, above->line, above->column);
    for (size_t i = 0; i < below->count; i++) {
        const struct value *item = value_get(above, below->keys[i]), *place = below->key_places[i];
        for (size_t j = 0; item && j < above->count; j++)
            if (above->items[j] == item)
                place = above->key_places[j];
        bool are_maps = item && item->kind == VALUE_MAP && below->items[i]->kind == VALUE_MAP;
        if (are_maps)
            item = document_merge(arena, below->items[i], item);
        put(arena, merged, below->keys[i], place, item ? item : below->items[i]);
    }
    for (size_t i = 0; i < above->count; i++)
        if (!value_get(merged, above->keys[i]))
            put(arena, merged, above->keys[i], above->key_places[i], above->items[i]);
    return merged;
}

const char *document_text(const struct document *document, const struct value *value, const char *what)
{
    if (!value)
        return NULL;
    if (value->kind == VALUE_SCALAR)
        return value->text;
    wrong_kind(document, value, what, "text");
    return NULL;
}

// A reference where only a constant can stand would otherwise be told to be a strange number.
const char *document_constant(const struct document *document, const struct value *value, const char *what)
{
    const char *text = document_text(document, value, what);
    if (!text || !strstr(text, "$("))
        return text;
    document_error(document, value, "%.120s must be a constant: \"%.120s\" cannot stand here", what, text);
    return NULL;
}

bool document_boolean(const struct document *document, const struct value *value, const char *what, bool *result)
{
    const char *text = document_constant(document, value, what);
    if (!text)
        return false;
    if (boolean_parse(text, result))
        return true;
    document_error(document, value, "%.120s must be true or false, not \"%.80s\"", what, text);
    return false;
}

bool document_number(const struct document *document, const struct value *value, const char *what, uint64_t minimum, uint64_t maximum,
                     uint64_t *result)
{
    const char *text = document_constant(document, value, what);
    uint64_t number;
    if (!text)
        return false;
    if (!unsigned_parse(text, &number) || number < minimum || number > maximum) {
        document_error(document, value, "%.120s must be a whole number from %llu to %llu, not \"%.80s\"", what, (unsigned long long)minimum,
                       (unsigned long long)maximum, text);
        return false;
    }
    *result = number;
    return true;
}

bool document_duration(const struct document *document, const struct value *value, const char *what, uint64_t minimum_ms,
                       uint64_t maximum_ms, uint32_t *result_ms)
{
    const char *text = document_constant(document, value, what);
    uint64_t ms;
    if (!text)
        return false;
    if (!duration_parse_ms(text, &ms)) {
        uint64_t number;
        bool lacks_unit = unsigned_parse(text, &number);
        document_error(document, value, "%.120s: \"%.80s\" is not a duration such as 150ms, 60s or 2h%s", what, text,
                       lacks_unit ? "; the unit is missing" : "");
        return false;
    }
    if (ms < minimum_ms || ms > maximum_ms) {
        char from[32], to[32];
        duration_format_ms(minimum_ms, from, sizeof from);
        duration_format_ms(maximum_ms, to, sizeof to);
        document_error(document, value, "%.120s must be from %s to %s, not %.80s", what, from, to, text);
        return false;
    }
    *result_ms = (uint32_t)ms;
    return true;
}

bool document_word(const struct document *document, const struct value *place, const char *word, const char *what)
{
    if (name_is_valid(word) && !strchr(word, '.'))
        return true;
    document_error(document, place, "%.120s \"%.80s\" is not a name: at most %d of a-z 0-9 _ -, the first a letter or digit", what, word,
                   NAME_MAX_BYTES - 1);
    return false;
}

size_t document_texts(const struct document *document, const struct value *value, const char *what, const struct value ***texts)
{
    *texts = NULL;
    if (!value)
        return 0;
    if (value->kind == VALUE_MAP) {
        wrong_kind(document, value, what, "text or a list of texts");
        return 0;
    }
    size_t given = value->kind == VALUE_LIST ? value->count : 1, count = 0;
    *texts = ARENA_ARRAY(document->arena, const struct value *, given);
    struct map *seen = map_new();
    for (size_t i = 0; i < given; i++) {
        const struct value *item = value->kind == VALUE_LIST ? value->items[i] : value;
        if (!document_text(document, item, what))
            continue;
        if (map_put_text(seen, item->text, *texts))
            document_error(document, item, "%.120s: \"%.80s\" is given twice", what, item->text);
        else
            (*texts)[count++] = item;
    }
    map_free(&seen);
    return count;
}
