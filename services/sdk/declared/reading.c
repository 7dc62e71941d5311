// Maps by tables of keys, and the scalars that several keys share.
#include "services/sdk/declared/reading.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/identity.h"
#include "common/base/units.h"
#include "common/schema/patterns.h"
#include "services/sdk/declared/document.h"

#define KEYS_OF_MAP_MAX 64 // of one table

static const char *did_you_mean(struct reading *reading, const char *word, const char *const *candidates, size_t count)
{
    const char *near = suggest(word, candidates, count);
    return near != NULL ? arena_printf(reading->arena, "; did you mean \"%s\"?", near) : "";
}

void unknown(struct reading *reading, const struct value *place, const char *noun, const char *word, const char *const *candidates,
             size_t count)
{
    MISTAKE(reading, place, "there is no %s \"%.80s\"%s", noun, word, did_you_mean(reading, word, candidates, count));
}

bool is_map(struct reading *reading, const struct value *value, const char *noun)
{
    if (value->kind != VALUE_MAP) {
        MISTAKE(reading, value, "%s is a map, this is %s", noun, value_kind_name(value));
        return false;
    }
    if (value->count > DECLARED_ITEMS_MAX) {
        MISTAKE(reading, value, "%s: more than %d entries", noun, DECLARED_ITEMS_MAX);
        return false;
    }
    return true;
}

bool is_list(struct reading *reading, const struct value *value, const char *noun)
{
    if (value->kind != VALUE_LIST) {
        MISTAKE(reading, value, "%s is a list, this is %s", noun, value_kind_name(value));
        return false;
    }
    if (value->count > DECLARED_ITEMS_MAX) {
        MISTAKE(reading, value, "%s: more than %d items", noun, DECLARED_ITEMS_MAX);
        return false;
    }
    return true;
}

static const struct key *find_key(const struct key *keys, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i].name, name) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}

static void unknown_key(struct reading *reading, const struct value *place, const char *noun, const char *name, const struct key *keys,
                        size_t count)
{
    const char *names[KEYS_OF_MAP_MAX];
    for (size_t i = 0; i < count; i++) {
        names[i] = keys[i].name;
    }
    MISTAKE(reading, place, "%s has no key \"%.80s\"%s", noun, name, did_you_mean(reading, name, names, count));
}

// In the table's order, not the file's: what refers to something is read after it.
bool keys_read(struct reading *reading, const struct value *map, const char *noun, const struct key *keys, size_t count, void *into)
{
    INVARIANT(count <= KEYS_OF_MAP_MAX);
    if (!is_map(reading, map, noun)) {
        return false;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (find_key(keys, count, map->keys[i]) == NULL) {
            unknown_key(reading, map->key_places[i], noun, map->keys[i], keys, count);
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct value *value = value_get(map, keys[i].name);
        if (value != NULL) {
            keys[i].read(reading, value, &keys[i], (char *)into + keys[i].offset);
        } else if (keys[i].required) {
            MISTAKE(reading, map, "%s needs the key \"%s\"", noun, keys[i].name);
        }
    }
    return true;
}

// ---- scalars

static const char *scalar_of(struct reading *reading, const struct value *value, const char *noun)
{
    if (value->kind != VALUE_SCALAR) {
        MISTAKE(reading, value, "%s is a text, this is %s", noun, value_kind_name(value));
        return NULL;
    }
    if (value_is_null(value)) {
        MISTAKE(reading, value, "%s has no value; an empty text is \"\"", noun);
        return NULL;
    }
    return value->text;
}

const char *text_of(struct reading *reading, const struct value *value, const char *noun)
{
    const char *text = scalar_of(reading, value, noun);
    if (text != NULL && text[0] == '\0') {
        MISTAKE(reading, value, "%s is empty", noun);
        return NULL;
    }
    return text;
}

void read_text(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = text_of(reading, value, key->name);
    if (text != NULL && key->maximum > 0 && strlen(text) > (size_t)key->maximum) {
        MISTAKE(reading, value, "%s has more than %lld bytes", key->name, (long long)key->maximum);
    } else if (text != NULL) {
        *(const char **)member = text;
    }
}

void read_name(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *name = text_of(reading, value, key->name);
    if (name == NULL) {
        return;
    }
    if (!name_is_valid(name)) {
        MISTAKE(reading, value, "\"%.80s\" is no name: lower case letters, digits, . _ -", name);
        return;
    }
    *(const char **)member = name;
}

void read_any_text(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = scalar_of(reading, value, key->name);
    if (text != NULL) {
        *(const char **)member = text;
    }
}

void read_boolean(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = scalar_of(reading, value, key->name);
    if (text != NULL && !boolean_parse(text, member)) {
        MISTAKE(reading, value, "%s is true or false, not \"%.80s\"", key->name, text);
    }
}

void read_integer(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = scalar_of(reading, value, key->name);
    int64_t number = 0;
    if (text == NULL) {
        return;
    }
    if (!integer_parse(text, &number) || (key->minimum != key->maximum && (number < key->minimum || number > key->maximum))) {
        MISTAKE(reading, value, "%s is an integer%s, not \"%.80s\"", key->name,
                key->minimum != key->maximum
                    ? arena_printf(reading->arena, " from %lld to %lld", (long long)key->minimum, (long long)key->maximum)
                    : "",
                text);
        return;
    }
    *(int64_t *)member = number;
}

void read_number(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = scalar_of(reading, value, key->name);
    if (text != NULL && !float_parse(text, member)) {
        MISTAKE(reading, value, "%s is a number, not \"%.80s\"", key->name, text);
    }
}

static bool is_in_bounds(const struct key *key, uint64_t number)
{
    return key->minimum == key->maximum || (number >= (uint64_t)key->minimum && number <= (uint64_t)key->maximum);
}

void read_duration(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = scalar_of(reading, value, key->name);
    uint64_t ms = 0;
    if (text == NULL) {
        return;
    }
    if (!duration_parse_ms(text, &ms)) {
        MISTAKE(reading, value, "%s is a duration such as 150ms or 2s, not \"%.80s\"", key->name, text);
    } else if (!is_in_bounds(key, ms)) {
        MISTAKE(reading, value, "%s: %.80s is not within %lldms and %lldms", key->name, text, (long long)key->minimum,
                (long long)key->maximum);
    } else {
        *(uint64_t *)member = ms;
    }
}

void read_size(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = scalar_of(reading, value, key->name);
    uint64_t bytes = 0;
    if (text == NULL) {
        return;
    }
    if (!size_parse_bytes(text, &bytes)) {
        MISTAKE(reading, value, "%s is a size such as 64KiB or 2GiB, not \"%.80s\"", key->name, text);
    } else if (!is_in_bounds(key, bytes)) {
        MISTAKE(reading, value, "%s: %.80s is not within %lld and %lld bytes", key->name, text, (long long)key->minimum,
                (long long)key->maximum);
    } else {
        *(uint64_t *)member = bytes;
    }
}

void read_word(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = scalar_of(reading, value, key->name);
    size_t count = 0;
    for (; text != NULL && key->words[count] != NULL; count++) {
        if (strcmp(key->words[count], text) == 0) {
            *(int *)member = (int)count;
            return;
        }
    }
    if (text != NULL) {
        struct text all = {0};
        for (size_t i = 0; i < count; i++) {
            text_printf(&all, "%s%s", i > 0 ? ", " : "", key->words[i]);
        }
        MISTAKE(reading, value, "%s is one of %s, not \"%.80s\"%s", key->name, text_string(&all), text,
                did_you_mean(reading, text, key->words, count));
        text_free(&all);
    }
}

void read_texts(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    if (!is_list(reading, value, key->name)) {
        return;
    }
    const char **texts = ARENA_ARRAY(reading->arena, const char *, value->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < value->count; i++) {
        const char *text = text_of(reading, value->items[i], key->name);
        if (text != NULL) {
            texts[count++] = text;
        }
    }
    *(const char *const **)member = texts;
}

static bool is_word(const char *text)
{
    const size_t bytes = strlen(text);
    bool is_printable = bytes > 0 && bytes <= DECLARED_WORD_MAX_BYTES && text[0] != ' ' && text[bytes - 1] != ' ';
    for (size_t i = 0; i < bytes; i++) {
        is_printable = is_printable && text[i] >= ' ' && text[i] < 0x7f;
    }
    return is_printable;
}

void read_words(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    read_texts(reading, value, key, member);
    for (size_t i = 0; value->kind == VALUE_LIST && i < value->count; i++) {
        const struct value *item = value->items[i];
        if (item->kind == VALUE_SCALAR && item->text[0] != '\0' && !is_word(item->text)) {
            MISTAKE(reading, item, "%s: an item is at most %d printable characters", key->name, DECLARED_WORD_MAX_BYTES);
        }
    }
    if (value->count > DECLARED_WORDS_MAX) {
        MISTAKE(reading, value, "%s: more than %d items", key->name, DECLARED_WORDS_MAX);
    }
}

// ---- exit statuses and signals

#define EXIT_STATUS_MAX 255

void read_statuses(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    if (!is_list(reading, value, key->name)) {
        return;
    }
    struct statuses *statuses = member;
    int *items = ARENA_ARRAY(reading->arena, int, value->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < value->count; i++) {
        int64_t number = -1;
        const char *text = text_of(reading, value->items[i], key->name);
        if (text != NULL && (!integer_parse(text, &number) || number < 0 || number > EXIT_STATUS_MAX)) {
            MISTAKE(reading, value->items[i], "%s: \"%.80s\" is no exit status (0 to %d)", key->name, text, EXIT_STATUS_MAX);
        } else if (number > 0) {
            items[count++] = (int)number;
        }
    }
    *statuses = (struct statuses){count, items};
}

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"TERM", SIGTERM},   {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"HUP", SIGHUP},   {"KILL", SIGKILL}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
    {"WINCH", SIGWINCH}, {"ABRT", SIGABRT}, {"SEGV", SIGSEGV}, {"ALRM", SIGALRM}, {"PIPE", SIGPIPE}, {"BUS", SIGBUS},   {"FPE", SIGFPE},
};

void read_signal(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = text_of(reading, value, key->name);
    const char *names[sizeof signals / sizeof *signals];
    if (text == NULL) {
        return;
    }
    const char *word = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        names[i] = signals[i].name;
        if (strcmp(word, names[i]) == 0) {
            *(int *)member = signals[i].number;
            return;
        }
    }
    unknown(reading, value, "signal", text, names, sizeof signals / sizeof *signals);
}

// ---- texts with references

void read_template(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = scalar_of(reading, value, key->name);
    if (text != NULL) {
        *(const struct template **)member = template_parse(reading, text, value, key->allowed);
    }
}

void read_templates(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct templates *templates = member;
    if (!is_list(reading, value, key->name)) {
        return;
    }
    templates->items = ARENA_ARRAY(reading->arena, const struct template *, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        const char *text = scalar_of(reading, value->items[i], key->name);
        if (text != NULL) {
            templates->items[templates->count++] = template_parse(reading, text, value->items[i], key->allowed);
        }
    }
}

void read_pattern(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = text_of(reading, value, key->name);
    if (text == NULL) {
        return;
    }
    const struct template *template = template_parse(reading, text, value, key->allowed);
    *(const struct template **)member = template;
    if (!template_is_literal(template)) {
        return;
    }
    const char *refusal = patterns_refusal(template_text(template, NULL), true, reading->arena);
    if (refusal != NULL) {
        MISTAKE(reading, value, "%s: \"%.200s\" %s", key->name, text, refusal);
    }
}

void read_when(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    (void)key;
    *(const struct condition **)member = condition_parse(reading, value);
}
