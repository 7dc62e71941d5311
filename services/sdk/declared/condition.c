// `when:` maps: what may be asked is a table; values of options are checked and normalised when the file is read.
#include "services/sdk/declared/condition.h"

#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "common/schema/schema.h"
#include "services/sdk/declared/document.h"
#include "services/sdk/declared/installed.h"
#include "services/sdk/declared/scope.h"
#include "services/sdk/option_table.h"

struct subject;
struct entry {
    const struct subject *subject;
    const struct panther_option *option;
    const char *name; // capability; word of drives
    const char *port; // drive
    size_t value_count;
    const char **values;
};

struct condition {
    size_t count;
    struct entry *entries;
};

struct subject {
    const char *name; // ends with a dot when something follows
    bool is_flag;     // true or false
    bool (*parse)(struct reading *reading, struct entry *entry, const char *rest, const struct value *place);
    // Does it have the value? Of needs_instance a dry run, which is pure and asks no program, does not get here.
    bool (*is)(const struct entry *entry, const char *value, struct scope *scope);
    bool needs_instance;
};

// ---- options

static bool parse_option(struct reading *reading, struct entry *entry, const char *rest, const struct value *place)
{
    const struct document *document = reading->document;
    const char **names = ARENA_ARRAY(reading->arena, const char *, document->option_count + 1);
    for (size_t i = 0; i < document->option_count; i++) {
        names[i] = document->options[i].name;
        if (strcmp(names[i], rest) == 0) {
            entry->option = &document->options[i];
            return true;
        }
    }
    unknown(reading, place, "option", rest, names, document->option_count);
    return false;
}

static bool option_is(const struct entry *entry, const char *value, struct scope *scope)
{
    const struct panther_list *list = scope_slot(scope, entry->option);
    if (entry->option->type != PANTHER_OPTION_TYPE_LIST) {
        return strcmp(scope_option_text(scope, entry->option), value) == 0;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], value) == 0) {
            return true;
        }
    }
    return list->count == 0 && value[0] == '\0';
}

static bool can_be_empty(const struct panther_option *option)
{
    return option->type == PANTHER_OPTION_TYPE_STRING || option->type == PANTHER_OPTION_TYPE_LIST ||
           option->type == PANTHER_OPTION_TYPE_FILE || (option->default_value != NULL && option->default_value[0] == '\0');
}

// "2s" of a duration is "2000": conditions are compared with normalised values.
static const char *option_value(struct reading *reading, const struct entry *entry, const struct value *value)
{
    Pb__OptionDescription **descriptions = NULL;
    const char *reason = NULL;
    const struct panther_option one[] = {*entry->option, {.name = NULL}};
    if (entry->option->type == PANTHER_OPTION_TYPE_LIST || (value->text[0] == '\0' && can_be_empty(entry->option))) {
        return value->text;
    }
    option_table_describe(one, reading->arena, &descriptions);
    const char *text = schema_normalise(descriptions[0], value->text, reading->arena, &reason);
    if (text == NULL) {
        MISTAKE(reading, value, "option %s can never be \"%.80s\": it %s", entry->option->name, value->text, reason);
    }
    return text;
}

// ---- who and what

static bool role_is(const struct entry *entry, const char *value, struct scope *scope)
{
    (void)entry;
    return strcmp(panther_role(scope->service), value) == 0;
}

static bool protocol_is(const struct entry *entry, const char *value, struct scope *scope)
{
    (void)entry;
    return strcmp(panther_protocol_name(scope->service), value) == 0;
}

static bool version_is(const struct entry *entry, const char *value, struct scope *scope)
{
    (void)entry;
    return strcmp(panther_protocol_version(scope->service), value) == 0;
}

static bool parse_case(struct reading *reading, struct entry *entry, const char *rest, const struct value *place)
{
    (void)entry;
    (void)rest;
    if (reading->document->case_count == 0) {
        MISTAKE(reading, place, "a condition asks for the case, but this plugin has no cases");
    }
    return reading->document->case_count > 0;
}

static bool case_is(const struct entry *entry, const char *value, struct scope *scope)
{
    (void)entry;
    return scope->case_name != NULL && strcmp(scope->case_name, value) == 0;
}

static bool parse_capability(struct reading *reading, struct entry *entry, const char *rest, const struct value *place)
{
    const struct document *document = reading->document;
    const char **names = ARENA_ARRAY(reading->arena, const char *, document->capability_count + 1);
    for (size_t i = 0; i < document->capability_count; i++) {
        names[i] = document->capabilities[i].name;
        if (strcmp(names[i], rest) == 0) {
            entry->name = names[i];
            return true;
        }
    }
    unknown(reading, place, "capability", rest, names, document->capability_count);
    return false;
}

static bool capability_is(const struct entry *entry, const char *value, struct scope *scope)
{
    return installed_has(scope->document, entry->name) == (strcmp(value, "true") == 0);
}

static bool parse_drive(struct reading *reading, struct entry *entry, const char *rest, const struct value *place)
{
    const struct document *document = reading->document;
    const char **names = ARENA_ARRAY(reading->arena, const char *, document->drive_count + 1);
    for (size_t i = 0; i < document->drive_count; i++) {
        const char *name = names[i] = document->drives[i].name;
        const size_t bytes = strlen(name);
        if (strncmp(name, rest, bytes) == 0 && rest[bytes] == '.' && rest[bytes + 1] != '\0') {
            entry->name = name;
            entry->port = rest + bytes + 1;
            return true;
        }
    }
    if (strchr(rest, '.') == NULL) {
        MISTAKE(reading, place, "drive.%.80s: name an endpoint, too (drive.WORD.ENDPOINT)", rest);
    } else {
        unknown(reading, place, "word of drives", arena_string_bytes(reading->arena, rest, strcspn(rest, ".")), names,
                document->drive_count);
    }
    return false;
}

static bool drive_is(const struct entry *entry, const char *value, struct scope *scope)
{
    const struct panther_peer *peer = panther_driven(scope->service, entry->name, 0);
    const bool is_there = peer != NULL && panther_endpoint(peer, entry->port, 0) != NULL;
    return is_there == (strcmp(value, "true") == 0);
}

static const struct subject subjects[] = {
    {"option.", false, parse_option, option_is, false}, {"role", false, NULL, role_is, true},
    {"protocol", false, NULL, protocol_is, true},       {"protocol.version", false, NULL, version_is, true},
    {"case", false, parse_case, case_is, true},         {"capability.", true, parse_capability, capability_is, true},
    {"drive.", true, parse_drive, drive_is, true},
};

static const struct subject *find_subject(const char *name)
{
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        const size_t bytes = strlen(subjects[i].name);
        const bool is_prefix = subjects[i].name[bytes - 1] == '.';
        if (is_prefix ? strncmp(subjects[i].name, name, bytes) == 0 : strcmp(subjects[i].name, name) == 0) {
            return &subjects[i];
        }
    }
    return NULL;
}

// ---- reading

static bool is_case(const struct document *document, const char *name)
{
    for (size_t i = 0; i < document->case_count; i++) {
        if (strcmp(document->cases[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *read_value(struct reading *reading, const struct entry *entry, const struct value *value)
{
    bool flag = false;
    if (value->kind != VALUE_SCALAR || value_is_null(value)) {
        MISTAKE(reading, value, "a condition has a text or a list of texts; an empty text is \"\"");
        return NULL;
    }
    if (entry->option != NULL) {
        return option_value(reading, entry, value);
    }
    if (entry->subject->is_flag && !boolean_parse(value->text, &flag)) {
        MISTAKE(reading, value, "this is true or false, not \"%.80s\"", value->text);
        return NULL;
    }
    if (entry->subject->is == case_is && !is_case(reading->document, value->text)) {
        MISTAKE(reading, value, "there is no case \"%.80s\"", value->text);
        return NULL;
    }
    return entry->subject->is_flag ? (flag ? "true" : "false") : value->text;
}

static void read_values(struct reading *reading, struct entry *entry, const struct value *value)
{
    const bool is_several = value->kind == VALUE_LIST;
    const size_t count = is_several ? value->count : 1;
    entry->values = ARENA_ARRAY(reading->arena, const char *, count + 1);
    if (count == 0) {
        MISTAKE(reading, value, "an empty list: this condition would never hold");
    }
    for (size_t i = 0; i < count; i++) {
        const char *text = read_value(reading, entry, is_several ? value->items[i] : value);
        if (text != NULL) {
            entry->values[entry->value_count++] = text;
        }
    }
}

static void unknown_subject(struct reading *reading, const struct value *place, const char *name)
{
    const char *names[sizeof subjects / sizeof *subjects];
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        names[i] = subjects[i].name;
    }
    unknown(reading, place, "condition", name, names, sizeof subjects / sizeof *subjects);
}

const struct condition *condition_parse(struct reading *reading, const struct value *value)
{
    struct condition *condition = ARENA_NEW(reading->arena, struct condition);
    if (!is_map(reading, value, "when")) {
        return condition;
    }
    condition->entries = ARENA_ARRAY(reading->arena, struct entry, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct entry *entry = &condition->entries[condition->count];
        entry->subject = find_subject(value->keys[i]);
        if (entry->subject == NULL) {
            unknown_subject(reading, value->key_places[i], value->keys[i]);
            continue;
        }
        const char *rest = value->keys[i] + strlen(entry->subject->name);
        if (entry->subject->parse == NULL || entry->subject->parse(reading, entry, rest, value->key_places[i])) {
            read_values(reading, entry, value->items[i]);
            condition->count++;
        }
    }
    if (value->count == 0) {
        MISTAKE(reading, value, "an empty condition: leave \"when\" out");
    }
    return condition;
}

static bool entry_holds(const struct entry *entry, struct scope *scope)
{
    if (scope->service == NULL && entry->subject->needs_instance) {
        scope->is_undecided = true;
        return false;
    }
    for (size_t i = 0; i < entry->value_count; i++) {
        if (entry->subject->is(entry, entry->values[i], scope)) {
            return true;
        }
    }
    return false;
}

bool condition_holds(const struct condition *condition, struct scope *scope)
{
    for (size_t i = 0; condition != NULL && i < condition->count; i++) {
        if (!entry_holds(&condition->entries[i], scope)) {
            return false;
        }
    }
    return true;
}
