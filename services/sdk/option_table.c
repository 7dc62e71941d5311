#include "services/sdk/option_table.h"

#include <string.h>

#include "common/base/identity.h"
#include "common/base/units.h"
#include "common/schema/schema.h"

static_assert((int)PANTHER_OPTION_TYPE_STRING == (int)PB__OPTION_TYPE__OPTION_TYPE_STRING &&
                  (int)PANTHER_OPTION_TYPE_FILE == (int)PB__OPTION_TYPE__OPTION_TYPE_FILE,
              "the public numbers are the wire's");

// Bytes of the member that an option of this type fills.
static size_t member_bytes(enum panther_option_type type)
{
    switch (type) {
    case PANTHER_OPTION_TYPE_STRING:
    case PANTHER_OPTION_TYPE_CHOICE:
    case PANTHER_OPTION_TYPE_FILE:
        return sizeof(const char *);
    case PANTHER_OPTION_TYPE_INTEGER:
        return sizeof(int64_t);
    case PANTHER_OPTION_TYPE_FLOAT:
    case PANTHER_OPTION_TYPE_RATIO:
        return sizeof(double);
    case PANTHER_OPTION_TYPE_BOOLEAN:
        return sizeof(bool);
    case PANTHER_OPTION_TYPE_DURATION:
    case PANTHER_OPTION_TYPE_SIZE:
        return sizeof(uint64_t);
    case PANTHER_OPTION_TYPE_LIST:
        return sizeof(struct panther_list);
    case PANTHER_OPTION_TYPE_PORT:
        return sizeof(uint16_t);
    }
    return 0;
}

size_t option_table_count(const struct panther_option *options)
{
    size_t count = 0;
    while (options != NULL && count < OPTIONS_MAX && options[count].name != NULL) {
        count++;
    }
    return count;
}

static const struct panther_option *find(const struct panther_option *options, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

bool option_table_has(const struct panther_option *options, const char *name)
{
    return find(options, option_table_count(options), name) != NULL;
}

static Pb__OptionDescription *describe(const struct panther_option *option, struct arena *arena)
{
    Pb__OptionDescription *description = ARENA_NEW(arena, Pb__OptionDescription);
    pb__option_description__init(description);
    description->name = arena_string(arena, option->name);
    description->type = option->type == PANTHER_OPTION_TYPE_PORT ? PB__OPTION_TYPE__OPTION_TYPE_INTEGER : (Pb__OptionType)option->type;
    description->required = option->required;
    description->default_value = arena_string(arena, option->default_value != NULL ? option->default_value : "");
    description->has_range = option->has_range;
    description->minimum = option->minimum;
    description->maximum = option->maximum;
    description->unit = arena_string(arena, option->unit != NULL ? option->unit : "");
    description->help = arena_string(arena, option->help != NULL ? option->help : "");
    while (option->choices != NULL && option->choices[description->n_choices] != NULL) {
        description->n_choices++;
    }
    if (description->n_choices > 0) {
        description->choices = ARENA_ARRAY(arena, char *, description->n_choices);
        for (size_t i = 0; i < description->n_choices; i++) {
            description->choices[i] = arena_string(arena, option->choices[i]);
        }
    }
    return description;
}

size_t option_table_describe(const struct panther_option *options, struct arena *arena, Pb__OptionDescription ***descriptions)
{
    const size_t count = option_table_count(options);
    *descriptions = ARENA_ARRAY(arena, Pb__OptionDescription *, count + 1);
    for (size_t i = 0; i < count; i++) {
        (*descriptions)[i] = describe(&options[i], arena);
    }
    return count;
}

static const char *option_problem(const struct panther_plugin *plugin, size_t index, struct arena *arena)
{
    const struct panther_option *option = &plugin->options[index];
    const size_t bytes = member_bytes(option->type);
    if (!name_is_valid(option->name)) {
        return arena_printf(arena, "option \"%.64s\" has a name that no experiment can use", option->name);
    }
    if (bytes == 0) {
        return arena_printf(arena, "option %s has the unknown type %d", option->name, (int)option->type);
    }
    if (option->offset > plugin->settings_bytes || plugin->settings_bytes - option->offset < bytes) {
        return arena_printf(arena, "option %s lies outside of the settings struct (settings_bytes is %zu)", option->name,
                            plugin->settings_bytes);
    }
    if (find(plugin->options, index, option->name) != NULL) {
        return arena_printf(arena, "option %s is declared twice", option->name);
    }
    if (option->help == NULL || option->help[0] == '\0') {
        return arena_printf(arena, "option %s has no line of help", option->name);
    }
    const char *reason = NULL;
    if (option->default_value != NULL && option->default_value[0] != '\0' &&
        schema_normalise(describe(option, arena), option->default_value, arena, &reason) == NULL) {
        return arena_printf(arena, "option %s: its default \"%s\" %s", option->name, option->default_value, reason);
    }
    return NULL;
}

const char *option_table_problem(const struct panther_plugin *plugin, struct arena *arena)
{
    const size_t count = option_table_count(plugin->options);
    if (count == OPTIONS_MAX) {
        return arena_printf(arena, "more than %d options, or no PANTHER_OPTIONS_END", OPTIONS_MAX - 1);
    }
    for (size_t i = 0; i < count; i++) {
        const char *problem = option_problem(plugin, i, arena);
        if (problem != NULL) {
            return problem;
        }
    }
    return NULL;
}

// ---- values

static const Pb__Setting *setting_named(Pb__Setting *const *settings, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(settings[i]->name, name) == 0) {
            return settings[i];
        }
    }
    return NULL;
}

// Normalised texts parse by construction of the schema; one that does not is refused all the same.
static bool store_number(const struct panther_option *option, const char *text, void *member)
{
    int64_t number = 0;
    switch (option->type) {
    case PANTHER_OPTION_TYPE_INTEGER:
        return integer_parse(text, member);
    case PANTHER_OPTION_TYPE_PORT:
        if (!integer_parse(text, &number) || number < 0 || number > UINT16_MAX) {
            return false;
        }
        *(uint16_t *)member = (uint16_t)number;
        return true;
    case PANTHER_OPTION_TYPE_FLOAT:
    case PANTHER_OPTION_TYPE_RATIO:
        return float_parse(text, member);
    case PANTHER_OPTION_TYPE_DURATION:
    case PANTHER_OPTION_TYPE_SIZE:
        return unsigned_parse(text, member);
    case PANTHER_OPTION_TYPE_BOOLEAN:
        return boolean_parse(text, member);
    case PANTHER_OPTION_TYPE_STRING:
    case PANTHER_OPTION_TYPE_CHOICE:
    case PANTHER_OPTION_TYPE_LIST:
    case PANTHER_OPTION_TYPE_FILE:
        break;
    }
    return false;
}

static bool store(const struct panther_option *option, const Pb__Setting *setting, void *member, struct arena *arena)
{
    const char *text = setting != NULL && setting->n_values > 0 ? setting->values[0] : NULL;
    switch (option->type) {
    case PANTHER_OPTION_TYPE_STRING:
    case PANTHER_OPTION_TYPE_CHOICE:
        *(const char **)member = text != NULL ? text : "";
        return true;
    case PANTHER_OPTION_TYPE_FILE:
        *(const char **)member = text != NULL && text[0] != '\0' ? text : NULL;
        return true;
    case PANTHER_OPTION_TYPE_LIST: {
        const size_t count = setting != NULL ? setting->n_values : 0;
        const char **items = ARENA_ARRAY(arena, const char *, count + 1);
        for (size_t i = 0; i < count; i++) {
            items[i] = setting->values[i];
        }
        *(struct panther_list *)member = (struct panther_list){count, items};
        return true;
    }
    default:
        return text == NULL || store_number(option, text, member);
    }
}

// Values that are given -> the form that the schema checks; they have no place any more.
static Pb__PlacedSetting **placed(const Pb__Setting *const *given, size_t count, struct arena *arena)
{
    Pb__PlacedSetting **settings = ARENA_ARRAY(arena, Pb__PlacedSetting *, count + 1);
    for (size_t i = 0; i < count; i++) {
        settings[i] = ARENA_NEW(arena, Pb__PlacedSetting);
        pb__placed_setting__init(settings[i]);
        settings[i]->name = given[i]->name;
        settings[i]->n_values = given[i]->n_values;
        settings[i]->values = given[i]->values;
    }
    return settings;
}

static int refuse(const struct diagnostics *diagnostics, struct panther_error *error)
{
    struct text all = {0};
    for (size_t i = 0; i < diagnostics->count; i++) {
        if (!diagnostics->items[i]->warning) {
            text_printf(&all, "%s%s", all.length > 0 ? "; " : "", diagnostics->items[i]->message);
        }
    }
    error_set(error, PANTHER_EINVALID, "%s", text_string(&all));
    text_free(&all);
    return PANTHER_EINVALID;
}

int option_table_settings(const struct panther_plugin *plugin, const Pb__Setting *const *given, size_t given_count, struct arena *arena,
                          void **settings, Pb__Setting ***checked, size_t *checked_count, struct panther_error *error)
{
    Pb__OptionDescription **descriptions = NULL;
    Pb__Setting **values = NULL;
    struct diagnostics diagnostics;
    const size_t count = option_table_describe(plugin->options, arena, &descriptions);
    diagnostics_begin(&diagnostics, arena, "");
    Pb__PlacedSetting **places = placed(given, given_count, arena);
    const size_t value_count =
        schema_check((const Pb__OptionDescription *const *)descriptions, count, (const Pb__PlacedSetting *const *)places, given_count,
                     plugin->name, arena, &values, &diagnostics);
    if (diagnostics.errors > 0) {
        return refuse(&diagnostics, error);
    }
    unsigned char *filled = arena_allocate(arena, plugin->settings_bytes + 1);
    for (size_t i = 0; i < count; i++) {
        const struct panther_option *option = &plugin->options[i];
        if (!store(option, setting_named(values, value_count, option->name), filled + option->offset, arena)) {
            return error_set(error, PANTHER_EINVALID, "option %s of %s cannot hold its value", option->name, plugin->name);
        }
    }
    *settings = filled;
    *checked = values;
    *checked_count = value_count;
    return 0;
}
