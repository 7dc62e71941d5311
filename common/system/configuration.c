// Four layers, each checked by the schema under its own name: defaults < file < environment < flags. The last that sets an
// option wins and is remembered as its source.
#include "common/system/configuration.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/units.h"
#include "common/system/file.h"
#include "common/system/yaml.h"

// A configuration file is a page or two; this is what a mistaken path to something else is refused by.
#define FILE_MAX_BYTES (1024 * 1024)
#define ENVIRONMENT_NAME_MAX_BYTES 256

struct configured {
    const Pb__Setting *setting; // NULL: not set
    const char *source;
};

struct configuration {
    struct arena *arena;
    const Pb__OptionDescription **options;
    struct configured *values; // beside options
    size_t count;
};

// What one layer says.
struct layer {
    const char *name; // "lab.yaml", "environment", "flag"
    Pb__PlacedSetting **settings;
    size_t count;
};

static Pb__OptionDescription *describe(const struct configuration_option *option, struct arena *arena)
{
    Pb__OptionDescription *description = ARENA_NEW(arena, Pb__OptionDescription);
    pb__option_description__init(description);
    description->name = arena_string(arena, option->name);
    description->type = option->type;
    description->default_value = arena_string(arena, option->default_value ? option->default_value : "");
    description->help = arena_string(arena, option->help ? option->help : "");
    return description;
}

static size_t index_of(const struct configuration *configuration, const char *name)
{
    for (size_t i = 0; i < configuration->count; i++)
        if (strcmp(configuration->options[i]->name, name) == 0)
            return i;
    return configuration->count;
}

static struct configuration *configuration_new(const struct configuration_option *options, size_t count)
{
    struct configuration *configuration = NEW(struct configuration);
    configuration->arena = arena_new(0);
    configuration->count = count;
    configuration->options = ARENA_ARRAY(configuration->arena, const Pb__OptionDescription *, count + 1);
    configuration->values = ARENA_ARRAY(configuration->arena, struct configured, count + 1);
    for (size_t i = 0; i < count; i++)
        configuration->options[i] = describe(&options[i], configuration->arena);
    return configuration;
}

// ---- layers

static Pb__PlacedSetting *layer_setting(struct layer *layer, const char *name, struct arena *arena)
{
    for (size_t i = 0; i < layer->count; i++)
        if (strcmp(layer->settings[i]->name, name) == 0)
            return layer->settings[i];
    Pb__PlacedSetting *setting = ARENA_NEW(arena, Pb__PlacedSetting);
    pb__placed_setting__init(setting);
    setting->name = arena_string(arena, name);
    layer->settings[layer->count++] = setting;
    return setting;
}

static void add_value(Pb__PlacedSetting *setting, const char *text, size_t bytes, struct arena *arena)
{
    char **values = ARENA_ARRAY(arena, char *, setting->n_values + 1);
    if (setting->n_values > 0)
        memcpy(values, setting->values, setting->n_values * sizeof *values);
    values[setting->n_values++] = arena_string_bytes(arena, text, bytes);
    setting->values = values;
}

static void add_list(Pb__PlacedSetting *setting, const char *text, struct arena *arena)
{
    for (;; text++) {
        size_t length = strcspn(text, ",");
        add_value(setting, text, length, arena);
        text += length;
        if (*text == '\0')
            return;
    }
}

static bool is_list(const struct configuration *configuration, const char *name)
{
    size_t index = index_of(configuration, name);
    return index < configuration->count && configuration->options[index]->type == PB__OPTION_TYPE__OPTION_TYPE_LIST;
}

static void flags_layer(const struct configuration *configuration, const struct configuration_flag *flags, size_t count,
                        struct layer *layer)
{
    struct arena *arena = configuration->arena;
    *layer = (struct layer){.name = "flag", .settings = ARENA_ARRAY(arena, Pb__PlacedSetting *, count + 1)};
    for (size_t i = 0; i < count; i++) {
        Pb__PlacedSetting *setting = layer_setting(layer, flags[i].name, arena);
        const char *value = flags[i].value ? flags[i].value : "true";
        if (is_list(configuration, flags[i].name))
            add_list(setting, value, arena);
        else
            add_value(setting, value, strlen(value), arena);
    }
}

static void environment_name(const char *prefix, const char *option, char *name, size_t bytes)
{
    snprintf(name, bytes, "%s_%s", prefix, option);
    for (char *c = name; *c; c++)
        *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
}

static void environment_layer(const struct configuration *configuration, const char *prefix, struct layer *layer)
{
    struct arena *arena = configuration->arena;
    *layer = (struct layer){.name = "environment", .settings = ARENA_ARRAY(arena, Pb__PlacedSetting *, configuration->count + 1)};
    for (size_t i = 0; prefix && i < configuration->count; i++) {
        char name[ENVIRONMENT_NAME_MAX_BYTES];
        environment_name(prefix, configuration->options[i]->name, name, sizeof name);
        const char *value = getenv(name);
        if (!value || !*value)
            continue;
        Pb__PlacedSetting *setting = layer_setting(layer, configuration->options[i]->name, arena);
        if (is_list(configuration, setting->name))
            add_list(setting, value, arena);
        else
            add_value(setting, value, strlen(value), arena);
    }
}

// A file of comments is a file that sets nothing; to YAML it is no document at all.
static bool says_nothing(const char *text)
{
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        text += strspn(text, " \t\r");
        if (*text != '#' && *text != '\n' && *text != '\0')
            return false;
    }
    return true;
}

static int file_layer(const struct configuration *configuration, const char *path, struct layer *layer, struct diagnostics *diagnostics,
                      struct panther_error *error)
{
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    *layer = (struct layer){.name = path};
    if (!path)
        return 0;
    int problem = file_read(path, FILE_MAX_BYTES, &text, &bytes, error);
    if (problem < 0)
        return problem;
    if (says_nothing(text))
        return 0;
    struct value *document = yaml_read(text, bytes, configuration->arena, diagnostics);
    if (document)
        layer->count = schema_settings(document, configuration->arena, &layer->settings, diagnostics);
    return 0;
}

// ---- check and take over

static const Pb__Setting *find_checked(Pb__Setting **checked, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(checked[i]->name, name) == 0)
            return checked[i];
    return NULL;
}

static const char *source_of(const struct layer *layer, const Pb__PlacedSetting *setting, struct arena *arena)
{
    return setting->line > 0 ? arena_printf(arena, "%s:%u", layer->name, setting->line) : arena_string(arena, layer->name);
}

static const Pb__PlacedSetting *const *constant_settings(Pb__PlacedSetting **settings)
{
    union {
        Pb__PlacedSetting **plain;
        const Pb__PlacedSetting *const *constant;
    } both = {.plain = settings};
    return both.constant;
}

// The schema fills in defaults for what a layer leaves out; only the first, empty layer's are taken.
static void take_layer(struct configuration *configuration, const struct layer *layer, struct diagnostics *diagnostics)
{
    Pb__Setting **checked;
    size_t count = schema_check(configuration->options, configuration->count, constant_settings(layer->settings), layer->count,
                                "this program", configuration->arena, &checked, diagnostics);
    for (size_t i = 0; i < layer->count; i++) {
        const Pb__Setting *setting = find_checked(checked, count, layer->settings[i]->name);
        size_t index = index_of(configuration, layer->settings[i]->name);
        if (setting && index < configuration->count)
            configuration->values[index] = (struct configured){setting, source_of(layer, layer->settings[i], configuration->arena)};
    }
}

static void take_defaults(struct configuration *configuration, struct diagnostics *diagnostics)
{
    Pb__Setting **checked;
    size_t count =
        schema_check(configuration->options, configuration->count, NULL, 0, "this program", configuration->arena, &checked, diagnostics);
    for (size_t i = 0; i < configuration->count; i++) {
        const Pb__Setting *setting = find_checked(checked, count, configuration->options[i]->name);
        configuration->values[i] = (struct configured){setting, setting ? "default" : NULL};
    }
}

static int refuse(struct diagnostics *diagnostics, struct panther_error *error)
{
    struct text text = {0};
    for (size_t i = 0; i < diagnostics->count; i++) {
        const Pb__Diagnostic *item = diagnostics->items[i];
        text_printf(&text, "%s%s", i > 0 ? "\n" : "", item->file);
        if (item->line > 0)
            text_printf(&text, ":%u:%u", item->line, item->column);
        text_printf(&text, ": %s", item->message);
    }
    int code = error_set(error, PANTHER_EINVALID, "%s", text_string(&text));
    text_free(&text);
    return code;
}

static int load_layers(struct configuration *configuration, const char *path, const char *environment_prefix,
                       const struct configuration_flag *flags, size_t flag_count, struct panther_error *error)
{
    struct diagnostics diagnostics;
    struct layer file, environment, flag;
    diagnostics_begin(&diagnostics, configuration->arena, "defaults");
    take_defaults(configuration, &diagnostics);
    diagnostics.file = path;
    int problem = file_layer(configuration, path, &file, &diagnostics, error);
    if (problem < 0)
        return problem;
    take_layer(configuration, &file, &diagnostics);
    diagnostics.file = "environment";
    environment_layer(configuration, environment_prefix, &environment);
    take_layer(configuration, &environment, &diagnostics);
    diagnostics.file = "command line";
    flags_layer(configuration, flags, flag_count, &flag);
    take_layer(configuration, &flag, &diagnostics);
    return diagnostics.errors > 0 ? refuse(&diagnostics, error) : 0;
}

int configuration_load(struct configuration **out, const char *path, const char *environment_prefix,
                       const struct configuration_option *options, size_t option_count, const struct configuration_flag *flags,
                       size_t flag_count, struct panther_error *error)
{
    struct configuration *configuration = configuration_new(options, option_count);
    int problem = load_layers(configuration, path, environment_prefix, flags, flag_count, error);
    if (problem < 0) {
        configuration_free(&configuration);
        return problem;
    }
    *out = configuration;
    return 0;
}

void configuration_free(struct configuration **configuration)
{
    if (!*configuration)
        return;
    arena_free(&(*configuration)->arena);
    free(*configuration);
    *configuration = NULL;
}

// ---- what was configured

// Asking for an option that was never declared is the programmer's mistake.
static const struct configured *configured(const struct configuration *configuration, const char *name)
{
    size_t index = index_of(configuration, name);
    INVARIANT(index < configuration->count);
    return &configuration->values[index];
}

const char *configuration_text(const struct configuration *configuration, const char *name)
{
    const struct configured *value = configured(configuration, name);
    return value->setting && value->setting->n_values > 0 ? value->setting->values[0] : NULL;
}

uint64_t configuration_number(const struct configuration *configuration, const char *name)
{
    const char *text = configuration_text(configuration, name);
    uint64_t number = 0;
    return text && unsigned_parse(text, &number) ? number : 0;
}

bool configuration_flag_is_set(const struct configuration *configuration, const char *name)
{
    const char *text = configuration_text(configuration, name);
    return text && strcmp(text, "true") == 0;
}

size_t configuration_list(const struct configuration *configuration, const char *name, const char *const **values)
{
    const struct configured *value = configured(configuration, name);
    union {
        char **plain;
        const char *const *constant;
    } both = {.plain = value->setting ? value->setting->values : NULL};
    *values = both.constant;
    return value->setting ? value->setting->n_values : 0;
}

const char *configuration_source(const struct configuration *configuration, const char *name)
{
    return configured(configuration, name)->source;
}
