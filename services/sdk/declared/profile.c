// Profiles: named sets of values that stand in for the defaults of options.
#include <string.h>

#include "common/schema/schema.h"
#include "services/sdk/declared/option.h"
#include "services/sdk/declared/scope.h"
#include "services/sdk/option_table.h"

#define PROFILE_OPTION "profile"

// ---- reading

static const struct panther_option *find_option(struct reading *reading, const struct value *place, const char *name)
{
    const struct document *document = reading->document;
    const char **names = ARENA_ARRAY(reading->arena, const char *, document->option_count + 1);
    for (size_t i = 0; i < document->option_count; i++) {
        names[i] = document->options[i].name;
        if (strcmp(names[i], name) == 0) {
            return &document->options[i];
        }
    }
    unknown(reading, place, "option", name, names, document->option_count);
    return NULL;
}

// Checked here, where it has a place, and kept as it was written: when it is chosen it goes the way of an experiment's own values.
static void read_value(struct reading *reading, const struct value *value, struct profile_value *into)
{
    const struct panther_option one[] = {*into->option, {.name = NULL}};
    const bool is_several = value->kind == VALUE_LIST;
    const size_t count = is_several ? value->count : 1;
    Pb__OptionDescription **descriptions = NULL;
    option_table_describe(one, reading->arena, &descriptions);
    const char **values = ARENA_ARRAY(reading->arena, const char *, count + 1);
    if (is_several && into->option->type != PANTHER_OPTION_TYPE_LIST) {
        MISTAKE(reading, value, "option %s has one value", into->option->name);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct value *item = is_several ? value->items[i] : value;
        const char *reason = NULL;
        const char *text = text_of(reading, item, into->option->name);
        if (text != NULL && schema_normalise(descriptions[0], text, reading->arena, &reason) == NULL) {
            MISTAKE(reading, item, "option %s: \"%.80s\" %s", into->option->name, text, reason);
        }
        values[i] = text != NULL ? text : "";
    }
    into->values = values;
    into->count = count;
}

static void read_profile(struct reading *reading, const struct value *value, struct profile *profile)
{
    if (!is_map(reading, value, "a profile")) {
        return;
    }
    profile->values = ARENA_ARRAY(reading->arena, struct profile_value, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct profile_value *into = &profile->values[profile->value_count];
        into->option = find_option(reading, value->key_places[i], value->keys[i]);
        if (into->option != NULL) {
            read_value(reading, value->items[i], into);
            profile->value_count++;
        }
    }
}

void read_profiles(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    if (!is_map(reading, value, key->name)) {
        return;
    }
    const char **names = ARENA_ARRAY(reading->arena, const char *, value->count + 1);
    document->profiles = ARENA_ARRAY(reading->arena, struct profile, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        document->profiles[i].name = names[i] = value->keys[i];
        read_profile(reading, value->items[i], &document->profiles[i]);
    }
    document->profile_count = value->count;
    option_add_choice(reading, value, PROFILE_OPTION, names, "", "a set of values that stand in for the defaults of other options");
}

// ---- in use

static const struct profile *chosen(const struct document *document, const void *settings)
{
    const struct scope scope = {.document = document, .settings = settings};
    for (size_t i = 0; document->profile_count > 0 && i < document->option_count; i++) {
        if (strcmp(document->options[i].name, PROFILE_OPTION) != 0) {
            continue;
        }
        const char *name = *(const char *const *)scope_slot(&scope, &document->options[i]);
        for (size_t k = 0; k < document->profile_count; k++) {
            if (strcmp(document->profiles[k].name, name) == 0) {
                return &document->profiles[k];
            }
        }
    }
    return NULL;
}

// The defaults alone, and the profile's values, each through the table that fills settings: no second reader of values.
static void *settings_of(const struct panther_plugin *plugin, Pb__Setting **given, size_t count, struct arena *arena)
{
    struct panther_error error = {0};
    Pb__Setting **checked = NULL;
    size_t checked_count = 0;
    void *settings = NULL;
    option_table_settings(plugin, (const Pb__Setting *const *)given, count, arena, &settings, &checked, &checked_count, &error);
    return settings;
}

static bool same(const struct document *document, const struct panther_option *option, const void *left, const void *right,
                 struct arena *arena)
{
    struct scope scopes[2] = {{.document = document, .settings = left, .arena = arena},
                              {.document = document, .settings = right, .arena = arena}};
    return strcmp(scope_option_text(&scopes[0], option), scope_option_text(&scopes[1], option)) == 0;
}

static Pb__Setting *setting_of(const struct profile_value *value, struct arena *arena)
{
    Pb__Setting *setting = ARENA_NEW(arena, Pb__Setting);
    pb__setting__init(setting);
    setting->name = arena_string(arena, value->option->name);
    setting->n_values = value->count;
    setting->values = ARENA_ARRAY(arena, char *, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        setting->values[i] = arena_string(arena, value->values[i]);
    }
    return setting;
}

const void *profile_settings(const struct document *document, const void *settings, struct arena *arena)
{
    const struct profile *profile = chosen(document, settings);
    if (profile == NULL) {
        return settings;
    }
    // only the options of the profile, none of them required: their defaults, then the profile's values
    struct panther_option *options = ARENA_ARRAY(arena, struct panther_option, profile->value_count + 1);
    Pb__Setting **given = ARENA_ARRAY(arena, Pb__Setting *, profile->value_count + 1);
    for (size_t i = 0; i < profile->value_count; i++) {
        options[i] = *profile->values[i].option;
        options[i].required = false;
        given[i] = setting_of(&profile->values[i], arena);
    }
    const size_t bytes = document->option_count * DECLARED_SLOT_BYTES;
    const struct panther_plugin plugin = {.name = document->name, .options = options, .settings_bytes = bytes};
    const void *defaults = settings_of(&plugin, NULL, 0, arena);
    const void *values = settings_of(&plugin, given, profile->value_count, arena);
    char *result = arena_allocate(arena, bytes + 1);
    memcpy(result, settings, bytes);
    for (size_t i = 0; defaults != NULL && values != NULL && i < profile->value_count; i++) {
        const struct panther_option *option = profile->values[i].option;
        if (same(document, option, settings, defaults, arena)) {
            memcpy(result + option->offset, (const char *)values + option->offset, DECLARED_SLOT_BYTES);
        }
    }
    return result;
}
