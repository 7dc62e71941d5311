// Settings against descriptions of options: what is unknown, missing, twice, of the wrong type or out of range.
#include "common/schema/schema.h"

#include <string.h>

#include "common/base/error.h"

#define REFERENCE "$("

// ---- from a document to settings

static bool take_values(const struct value *item, Pb__PlacedSetting *setting, struct diagnostics *diagnostics)
{
    if (item->kind == VALUE_MAP || value_is_null(item)) {
        diagnostics_error(diagnostics, item->line, item->column, "option \"%s\" needs a text or a list, not %s", setting->name,
                          value_kind_name(item));
        return false;
    }
    setting->n_values = item->kind == VALUE_LIST ? item->count : 1;
    setting->values = ARENA_ARRAY(diagnostics->arena, char *, setting->n_values);
    if (item->kind == VALUE_SCALAR) {
        setting->values[0] = arena_string(diagnostics->arena, item->text);
        return true;
    }
    for (size_t i = 0; i < item->count; i++) {
        const struct value *entry = item->items[i];
        if (entry->kind != VALUE_SCALAR) {
            diagnostics_error(diagnostics, entry->line, entry->column, "an entry of the list \"%s\" is %s, not text", setting->name,
                              value_kind_name(entry));
            return false;
        }
        setting->values[i] = arena_string(diagnostics->arena, entry->text);
    }
    return true;
}

size_t schema_settings(const struct value *map, struct arena *arena, Pb__PlacedSetting ***settings, struct diagnostics *diagnostics)
{
    *settings = NULL;
    if (value_is_null(map))
        return 0;
    if (map->kind != VALUE_MAP) {
        diagnostics_error(diagnostics, map->line, map->column, "options are a map of names and values, not %s", value_kind_name(map));
        return 0;
    }
    size_t count = 0;
    *settings = ARENA_ARRAY(arena, Pb__PlacedSetting *, map->count);
    for (size_t i = 0; i < map->count; i++) {
        Pb__PlacedSetting *setting = ARENA_NEW(arena, Pb__PlacedSetting);
        pb__placed_setting__init(setting);
        setting->name = arena_string(arena, map->keys[i]);
        setting->line = map->key_places[i]->line;
        setting->column = map->key_places[i]->column;
        if (take_values(map->items[i], setting, diagnostics))
            (*settings)[count++] = setting;
    }
    return count;
}

// ---- check

struct check {
    const Pb__OptionDescription *const *options;
    size_t option_count;
    const Pb__PlacedSetting *const *settings;
    size_t setting_count;
    const char *noun;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

static const Pb__OptionDescription *find_option(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->option_count; i++) {
        if (strcmp(check->options[i]->name, name) == 0)
            return check->options[i];
    }
    return NULL;
}

static const Pb__PlacedSetting *find_setting(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->setting_count; i++) {
        if (strcmp(check->settings[i]->name, name) == 0)
            return check->settings[i];
    }
    return NULL;
}

static void report_unknown(const struct check *check, const Pb__PlacedSetting *setting)
{
    const char **names = ARENA_ARRAY(check->arena, const char *, check->option_count);
    for (size_t i = 0; i < check->option_count; i++)
        names[i] = check->options[i]->name;
    const char *nearest = suggest(setting->name, names, check->option_count);
    if (nearest != NULL)
        diagnostics_error(check->diagnostics, setting->line, setting->column, "unknown option \"%s\" for %s; did you mean \"%s\"?",
                          setting->name, check->noun, nearest);
    else if (check->option_count == 0)
        diagnostics_error(check->diagnostics, setting->line, setting->column, "unknown option \"%s\": %s has no options", setting->name,
                          check->noun);
    else
        diagnostics_error(check->diagnostics, setting->line, setting->column, "unknown option \"%s\" for %s", setting->name, check->noun);
}

// Every name is known, and once.
static void check_names(const struct check *check)
{
    for (size_t i = 0; i < check->setting_count; i++) {
        const Pb__PlacedSetting *setting = check->settings[i];
        if (find_option(check, setting->name) == NULL)
            report_unknown(check, setting);
        else if (find_setting(check, setting->name) != setting)
            diagnostics_error(check->diagnostics, setting->line, setting->column, "option \"%s\" of %s is set twice", setting->name,
                              check->noun);
    }
}

static char *checked_value(const struct check *check, const Pb__OptionDescription *option, const Pb__PlacedSetting *setting,
                           const char *text)
{
    if (strstr(text, REFERENCE) != NULL)
        return arena_string(check->arena, text);
    const char *reason;
    const char *normal = schema_normalise(option, text, check->arena, &reason);
    if (normal != NULL)
        return arena_string(check->arena, normal);
    diagnostics_error(check->diagnostics, setting->line, setting->column, "option \"%s\" of %s: \"%.200s\" %s", option->name, check->noun,
                      text, reason);
    return NULL;
}

static Pb__Setting *checked_setting(const struct check *check, const Pb__OptionDescription *option, const Pb__PlacedSetting *setting)
{
    bool is_list = option->type == PB__OPTION_TYPE__OPTION_TYPE_LIST;
    if (!is_list && setting->n_values != 1) {
        diagnostics_error(check->diagnostics, setting->line, setting->column, "option \"%s\" of %s takes one %s, not a list of %zu",
                          option->name, check->noun, option_type_name((int)option->type), setting->n_values);
        return NULL;
    }
    Pb__Setting *checked = ARENA_NEW(check->arena, Pb__Setting);
    pb__setting__init(checked);
    checked->name = arena_string(check->arena, option->name);
    checked->values = ARENA_ARRAY(check->arena, char *, setting->n_values);
    for (size_t i = 0; i < setting->n_values; i++) {
        char *value = checked_value(check, option, setting, setting->values[i]);
        if (value == NULL)
            return NULL;
        checked->values[checked->n_values++] = value;
    }
    return checked;
}

// The default as if a user had written it, at no place; a list's entries are separated by commas.
static Pb__PlacedSetting *default_setting(const Pb__OptionDescription *option, struct arena *arena)
{
    Pb__PlacedSetting *setting = ARENA_NEW(arena, Pb__PlacedSetting);
    pb__placed_setting__init(setting);
    setting->name = option->name;
    setting->values = ARENA_ARRAY(arena, char *, strlen(option->default_value) + 1);
    if (option->type != PB__OPTION_TYPE__OPTION_TYPE_LIST) {
        setting->values[setting->n_values++] = option->default_value;
        return setting;
    }
    for (const char *cursor = option->default_value;; cursor++) {
        size_t length = strcspn(cursor, ",");
        setting->values[setting->n_values++] = arena_string_bytes(arena, cursor, length);
        cursor += length;
        if (*cursor == '\0')
            return setting;
    }
}

static Pb__Setting *option_value(const struct check *check, const Pb__OptionDescription *option)
{
    const Pb__PlacedSetting *given = find_setting(check, option->name);
    if (given != NULL)
        return checked_setting(check, option, given);
    if (option->required) {
        const Pb__PlacedSetting *near = check->setting_count > 0 ? check->settings[0] : NULL;
        diagnostics_error(check->diagnostics, near ? near->line : 0, near ? near->column : 0, "option \"%s\" of %s is required",
                          option->name, check->noun);
        return NULL;
    }
    if (option->default_value[0] == '\0')
        return NULL;
    return checked_setting(check, option, default_setting(option, check->arena));
}

size_t schema_check(const Pb__OptionDescription *const *options, size_t option_count, const Pb__PlacedSetting *const *settings,
                    size_t setting_count, const char *noun, struct arena *arena, Pb__Setting ***checked, struct diagnostics *diagnostics)
{
    struct check check = {options, option_count, settings, setting_count, noun, arena, diagnostics};
    check_names(&check);
    *checked = ARENA_ARRAY(arena, Pb__Setting *, option_count);
    size_t count = 0;
    for (size_t i = 0; i < option_count; i++) {
        Pb__Setting *setting = option_value(&check, options[i]);
        if (setting != NULL)
            (*checked)[count++] = setting;
    }
    return count;
}
