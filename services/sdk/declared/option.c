// Options: from the map `options` to the table that everything above the driver knows (panther/options.h), with a slot of the settings
// struct for each; and the two options that other keys make, profile and build.
#include "services/sdk/declared/option.h"

#include <string.h>

#include "common/base/identity.h"
#include "common/base/units.h"
#include "common/schema/schema.h"
#include "services/sdk/option_table.h"

// The wire takes no longer value of an option.
#define DEFAULT_MAX_BYTES 4000

static const char *const type_names[] = {"string", "integer", "float", "boolean", "choice", "duration",
                                         "size",   "ratio",   "list",  "file",    "port",   NULL};
static const enum panther_option_type types[] = {
    PANTHER_OPTION_TYPE_STRING, PANTHER_OPTION_TYPE_INTEGER,  PANTHER_OPTION_TYPE_FLOAT, PANTHER_OPTION_TYPE_BOOLEAN,
    PANTHER_OPTION_TYPE_CHOICE, PANTHER_OPTION_TYPE_DURATION, PANTHER_OPTION_TYPE_SIZE,  PANTHER_OPTION_TYPE_RATIO,
    PANTHER_OPTION_TYPE_LIST,   PANTHER_OPTION_TYPE_FILE,     PANTHER_OPTION_TYPE_PORT,
};

static void read_type(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct panther_option *option = member;
    int index = -1;
    read_word(reading, value, key, &index);
    if (index >= 0) {
        option->type = types[index];
    }
    if (option->type == PANTHER_OPTION_TYPE_PORT) { // as PANTHER_OPTION_PORT has it: refused before anything runs
        option->has_range = true;
        option->maximum = UINT16_MAX;
    }
}

// A list's default is written as a list; the table has it with commas.
static void read_default(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct panther_option *option = member;
    struct text joined = {0};
    option->required = false;
    if (value->kind != VALUE_LIST) {
        read_any_text(reading, value, key, &option->default_value);
        return;
    }
    if (option->type != PANTHER_OPTION_TYPE_LIST) {
        MISTAKE(reading, value, "default is a text, this is a list");
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        const char *item = text_of(reading, value->items[i], key->name);
        if (item != NULL && strchr(item, ',') != NULL) {
            MISTAKE(reading, value->items[i], "an item of a default has no comma");
        }
        text_printf(&joined, "%s%s", i > 0 ? "," : "", item != NULL ? item : "");
    }
    option->default_value = arena_string(reading->arena, text_string(&joined));
    text_free(&joined);
}

static bool parse_bound(enum panther_option_type type, const char *text, double *bound)
{
    uint64_t number = 0;
    switch (type) {
    case PANTHER_OPTION_TYPE_DURATION:
        if (!duration_parse_ms(text, &number)) {
            return false;
        }
        *bound = (double)number;
        return true;
    case PANTHER_OPTION_TYPE_SIZE:
        if (!size_parse_bytes(text, &number)) {
            return false;
        }
        *bound = (double)number;
        return true;
    case PANTHER_OPTION_TYPE_RATIO:
        return ratio_parse(text, bound);
    case PANTHER_OPTION_TYPE_INTEGER:
    case PANTHER_OPTION_TYPE_FLOAT:
    case PANTHER_OPTION_TYPE_PORT:
        return float_parse(text, bound);
    default:
        return false;
    }
}

static void read_range(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct panther_option *option = member;
    double bounds[2] = {0, 0};
    if (!is_list(reading, value, key->name)) {
        return;
    }
    if (value->count != 2) {
        MISTAKE(reading, value, "range has two items, [least, most]");
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        const char *text = text_of(reading, value->items[i], key->name);
        if (text != NULL && !parse_bound(option->type, text, &bounds[i])) {
            MISTAKE(reading, value->items[i], "\"%.80s\" is no bound for an option of this type", text);
            return;
        }
    }
    if (bounds[0] > bounds[1]) {
        MISTAKE(reading, value, "the range is upside down");
    }
    option->has_range = true;
    option->minimum = bounds[0];
    option->maximum = bounds[1];
}

// The type comes first: what follows is read by it.
static const struct key option_keys[] = {
    KEY("type", read_type, 0, .required = true, .words = type_names),
    KEY("default", read_default, 0),
    KEY("range", read_range, 0),
    KEY("choices", read_words, offsetof(struct panther_option, choices)),
    KEY("unit", read_text, offsetof(struct panther_option, unit), .maximum = DECLARED_WORD_MAX_BYTES),
    KEY("help", read_text, offsetof(struct panther_option, help), .required = true, .maximum = DECLARED_LINE_MAX_BYTES),
};

static void check_choices(struct reading *reading, const struct value *value, const struct panther_option *option)
{
    if ((option->type == PANTHER_OPTION_TYPE_CHOICE) != (option->choices != NULL)) {
        MISTAKE(reading, value, "an option of type choice has choices, no other has");
    }
}

static void check_default(struct reading *reading, const struct value *value, const struct panther_option *option)
{
    Pb__OptionDescription **descriptions = NULL;
    const char *reason = NULL;
    const struct panther_option one[] = {*option, {.name = NULL}};
    if (option->default_value == NULL || option->default_value[0] == '\0') {
        return;
    }
    if (strlen(option->default_value) > DEFAULT_MAX_BYTES) {
        MISTAKE(reading, value, "the default has more than %d bytes", DEFAULT_MAX_BYTES);
        return;
    }
    option_table_describe(one, reading->arena, &descriptions);
    if (schema_normalise(descriptions[0], option->default_value, reading->arena, &reason) == NULL) {
        const struct value *place = value_get(value, "default");
        MISTAKE(reading, place != NULL ? place : value, "default: \"%.80s\" %s", option->default_value, reason);
    }
}

static bool is_taken(const struct document *document, const char *name)
{
    for (size_t i = 0; i < document->option_count; i++) {
        if (strcmp(document->options[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static struct panther_option *add(struct reading *reading, const struct value *place, const char *name)
{
    struct document *document = reading->document;
    if (!name_is_valid(name)) {
        MISTAKE(reading, place, "\"%.80s\" is no name: lower case letters, digits, . _ -", name);
        return NULL;
    }
    if (is_taken(document, name)) {
        MISTAKE(reading, place, "there are two options \"%.80s\" (profiles makes one called profile, builds one called build)", name);
        return NULL;
    }
    if (document->option_count == OPTIONS_MAX - 1) {
        MISTAKE(reading, place, "more than %d options", OPTIONS_MAX - 1);
        return NULL;
    }
    struct panther_option *option = &document->options[document->option_count];
    *option = (struct panther_option){.name = name, .offset = document->option_count * DECLARED_SLOT_BYTES, .required = true};
    document->option_count++;
    return option;
}

void read_options(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    (void)member;
    if (!is_map(reading, value, key->name)) {
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        struct panther_option *option = add(reading, value->key_places[i], value->keys[i]);
        if (option == NULL) {
            continue;
        }
        const size_t errors = reading->diagnostics->errors;
        KEYS_READ(reading, value->items[i], "an option", option_keys, option);
        if (reading->diagnostics->errors == errors) {
            check_choices(reading, value->items[i], option);
            check_default(reading, value->items[i], option);
        }
        if (option->type == 0) {
            option->type = PANTHER_OPTION_TYPE_STRING; // what refers to it is judged all the same
        }
    }
}

void option_add_choice(struct reading *reading, const struct value *place, const char *name, const char *const *choices,
                       const char *default_value, const char *help)
{
    struct panther_option *option = add(reading, place, name);
    if (option != NULL) {
        option->type = PANTHER_OPTION_TYPE_CHOICE;
        option->required = false;
        option->choices = choices;
        option->default_value = default_value;
        option->help = help;
    }
}
