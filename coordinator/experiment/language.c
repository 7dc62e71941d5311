// Writes the schema. A table that stands in several places is a definition; the rest is written where it stands. YAML reads 1.10 and on as
// a number and a truth, so where the language takes a text, these are texts too.
#include "coordinator/experiment/language.h"

#include <string.h>

#include "common/schema/conditions.h"
#include "common/schema/environments.h"
#include "coordinator/experiment/assertions.h"
#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/execution.h"
#include "coordinator/experiment/links.h"
#include "coordinator/experiment/network.h"
#include "coordinator/experiment/services.h"
#include "coordinator/experiment/tests.h"
#include "coordinator/experiment/timeline.h"

#define SCALAR "{\"type\":[\"string\",\"number\",\"boolean\"]}"
#define TEXTS "{\"anyOf\":[" SCALAR ",{\"type\":\"array\",\"items\":" SCALAR "}]}"
#define FILE_MAP                                                                                                                           \
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"file\":{\"type\":\"string\"}},\"required\":[\"file\"]}"
#define REFERENCE "{\"type\":\"string\",\"pattern\":\"\\\\$\\\\(\"}" // a reference may stand for any value

static const struct {
    const char *name;
    const struct document_key *keys;
} definitions[] = {{"test", tests_keys},           {"service", services_keys},      {"network", network_keys},
                   {"link", links_keys},           {"entry", timeline_keys},        {"after", timeline_after_keys},
                   {"assertion", assertions_keys}, {"axis_value", axes_value_keys}, {"execution", execution_keys}};
#define DEFINITIONS (sizeof definitions / sizeof *definitions)

static const char *definition_of(const struct document_key *keys)
{
    for (size_t i = 0; i < DEFINITIONS; i++)
        if (definitions[i].keys == keys)
            return definitions[i].name;
    return NULL;
}

// Texts of the tables hold no control characters.
static void append_string(struct text *out, const char *string)
{
    text_append(out, "\"");
    for (const char *c = string; *c; c++) {
        if (*c == '"' || *c == '\\')
            text_append(out, "\\");
        text_append_bytes(out, c, 1);
    }
    text_append(out, "\"");
}

static void append_words(struct text *out, const char *const *words)
{
    text_append(out, "{\"anyOf\":[{\"enum\":[");
    for (size_t i = 0; words[i]; i++) {
        text_append(out, i > 0 ? "," : "");
        append_string(out, words[i]);
    }
    text_append(out, "]}," REFERENCE "]}");
}

static void append_object(struct text *out, const struct document_key *keys);

static void append_reference(struct text *out, const struct document_key *keys)
{
    const char *name = definition_of(keys);
    if (name)
        text_printf(out, "{\"$ref\":\"#/definitions/%s\"}", name);
    else
        append_object(out, keys);
}

static void append_shape(struct text *out, const struct document_key *key)
{
    switch (key->shape) {
    case DOCUMENT_ANY:
        text_append(out, "{}");
        break;
    case DOCUMENT_TEXT:
        text_append(out, SCALAR);
        break;
    case DOCUMENT_CHOICE:
        append_words(out, key->choices);
        break;
    case DOCUMENT_NUMBER:
        text_append(out, "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\",\"pattern\":\"^(0x)?[0-9a-fA-F]+$\"}]}");
        break;
    case DOCUMENT_REAL:
        text_append(out, "{\"anyOf\":[{\"type\":\"number\"},{\"type\":\"string\",\"pattern\":\"^[-+0-9.eE]+%?$\"}]}");
        break;
    case DOCUMENT_BOOLEAN:
        text_append(out, "{\"anyOf\":[{\"type\":\"boolean\"},{\"enum\":[\"true\",\"false\",\"yes\",\"no\",\"on\",\"off\"]}]}");
        break;
    case DOCUMENT_DURATION:
        text_append(out, "{\"anyOf\":[{\"const\":0},{\"type\":\"string\",\"pattern\":\"^(0|[0-9.]+(ms|s|m|h|d))$\"}]}");
        break;
    case DOCUMENT_SIZE:
        text_append(out, "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\",\"pattern\":\"^[0-9.]+ *[kKMGT]?i?B?$\"}]}");
        break;
    case DOCUMENT_TEXTS:
        text_append(out, TEXTS);
        break;
    case DOCUMENT_MAP:
        append_reference(out, key->keys);
        break;
    case DOCUMENT_NAMED:
        text_append(out, "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[");
        append_reference(out, key->keys);
        text_append(out, ",{\"type\":\"null\"}]}}");
        break;
    case DOCUMENT_LIST:
        text_append(out, "{\"type\":\"array\",\"items\":");
        append_reference(out, key->keys);
        text_append(out, "}");
        break;
    case DOCUMENT_SELECTORS:
        text_append(out, "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":" TEXTS "}}");
        break;
    case DOCUMENT_AXES:
        text_append(out, "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"type\":\"array\",\"minItems\":1,\"items\":" SCALAR
                         "},{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":{\"anyOf\":[" SCALAR
                         ",{\"$ref\":\"#/definitions/axis_value\"}]}}]}}");
        break;
    case DOCUMENT_SETTINGS:
        text_append(out, "{\"type\":\"object\",\"additionalProperties\":" TEXTS "}");
        break;
    }
}

// A key with nothing behind it counts as absent.
static void append_property(struct text *out, const struct document_key *key, bool is_first)
{
    text_append(out, is_first ? "" : ",");
    append_string(out, key->name);
    text_append(out, ":{");
    if (key->help) {
        text_append(out, "\"description\":");
        append_string(out, key->help);
        text_append(out, ",");
    }
    text_append(out, "\"anyOf\":[");
    append_shape(out, key);
    text_printf(out, "%s%s,{\"type\":\"null\"}]}", key->or_text ? "," SCALAR : "", key->or_file ? "," FILE_MAP : "");
}

// ---- options of conditions and execution environments, which are described like those of plugins

static void append_option(struct text *out, const Pb__OptionDescription *option)
{
    text_append(out, ",");
    append_string(out, option->name);
    text_append(out, ":{\"description\":");
    append_string(out, option->help ? option->help : "");
    text_append(out, ",\"anyOf\":[");
    struct document_key key = {.name = option->name, .shape = DOCUMENT_TEXT};
    if (option->type == PB__OPTION_TYPE__OPTION_TYPE_LIST)
        key.shape = DOCUMENT_TEXTS;
    else if (option->type == PB__OPTION_TYPE__OPTION_TYPE_BOOLEAN)
        key.shape = DOCUMENT_BOOLEAN;
    else if (option->type == PB__OPTION_TYPE__OPTION_TYPE_DURATION)
        key.shape = DOCUMENT_DURATION;
    append_shape(out, &key);
    text_append(out, "," REFERENCE ",{\"type\":\"null\"}");
    text_append(out, "]}");
}

static void append_conditions(struct text *out)
{
    size_t count;
    const Pb__OptionDescription *const *options = conditions_options(&count);
    for (size_t i = 0; i < count; i++)
        append_option(out, options[i]);
}

static bool has_conditions(const struct document_key *keys)
{
    return keys == network_keys || keys == links_keys || keys == timeline_keys;
}

// ---- maps

static void append_required(struct text *out, const struct document_key *keys)
{
    size_t count = 0;
    for (; keys->name; keys++) {
        if (!keys->required)
            continue;
        text_append(out, count++ == 0 ? ",\"required\":[" : ",");
        append_string(out, keys->name);
    }
    text_append(out, count > 0 ? "]" : "");
}

static void append_properties(struct text *out, const struct document_key *keys)
{
    bool is_first = true;
    text_append(out, "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    for (const struct document_key *key = keys; key->name; key++) {
        if (key->later)
            continue;
        append_property(out, key, is_first);
        is_first = false;
    }
}

static void append_object(struct text *out, const struct document_key *keys)
{
    text_append(out, "{");
    append_properties(out, keys);
    if (has_conditions(keys))
        append_conditions(out);
    text_append(out, "}");
    append_required(out, keys);
    text_append(out, "}");
}

// One alternative for each type, with its options.
static void append_environments(struct text *out)
{
    struct arena *arena = arena_new(0);
    text_append(out, "{\"oneOf\":[");
    for (size_t i = 0; i < ENVIRONMENTS; i++) {
        const struct environment_type *type = &environment_types[i];
        size_t count;
        const Pb__OptionDescription *const *options = environment_options(type, arena, &count);
        text_append(out, i > 0 ? ",{" : "{");
        text_append(out, "\"description\":");
        append_string(out, type->summary);
        text_append(out, ",");
        append_properties(out, execution_keys + 1); // all but the type
        text_append(out, ",\"type\":{\"const\":");
        append_string(out, type->name);
        text_append(out, "}");
        for (size_t j = 0; j < count; j++)
            append_option(out, options[j]);
        text_append(out, "},\"required\":[\"type\"]}");
    }
    text_append(out, "]}");
    arena_free(&arena);
}

static void append_definition(struct text *out, const struct document_key *keys)
{
    if (keys == execution_keys)
        append_environments(out);
    else
        append_object(out, keys);
}

void language_schema(struct text *out)
{
    text_append(out, "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"title\":\"experiment of panther\",");
    append_properties(out, experiment_keys);
    text_append(out, "}");
    append_required(out, experiment_keys);
    text_append(out, ",\n\"definitions\":{");
    for (size_t i = 0; i < DEFINITIONS; i++) {
        text_append(out, i > 0 ? ",\n" : "\n");
        append_string(out, definitions[i].name);
        text_append(out, ":");
        append_definition(out, definitions[i].keys);
    }
    text_append(out, "}}\n");
}
