#include "agent/host/presence.h"

#include <stdio.h>
#include <string.h>

#include "agent/host/loader.h"
#include "common/wire/wire.h"
#include "panther/v1/plugin.pb-c.h"
#include "services/sdk/description.h"
#include "services/sdk/option_table.h"

static int write_message(const void *message, struct arena *arena)
{
    size_t bytes = 0;
    const uint8_t *data = wire_pack(message, arena, &bytes);
    const bool is_written = fwrite(data, 1, bytes, stdout) == bytes && fflush(stdout) == 0;
    return is_written ? 0 : 1;
}

int presence_describe(const char *path)
{
    struct arena *arena = arena_new(0);
    const char *problem = NULL;
    int status = 1;
    const struct panther_plugin *plugin = loader_load(path, arena, &problem);
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", problem);
    } else {
        status = write_message(description_make(plugin, arena), arena);
    }
    arena_free(&arena);
    return status;
}

static void probe(const struct panther_plugin *plugin, struct arena *arena, Pb__PluginPresence *presence)
{
    const char *missing = loader_missing_program(plugin, arena);
    char hash[HASH_TEXT_BYTES];
    hash_message(description_make(plugin, arena), hash);
    presence->name = arena_string(arena, plugin->name);
    presence->description_hash = arena_string(arena, hash);
    if (missing != NULL) {
        presence->unusable_reason = arena_printf(arena, "program %s is not installed", missing);
        return;
    }
    presence->usable = true;
    presence->implementation_version = arena_string(arena, loader_version(plugin, arena));
    presence->n_capabilities = loader_capabilities(plugin, arena, &presence->capabilities);
}

// "/x/nginx.so" -> "nginx": how a plugin that does not load is named
static char *name_of_file(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    return arena_string_bytes(arena, file, strcspn(file, "."));
}

int presence_probe(const char *path)
{
    struct arena *arena = arena_new(0);
    const char *problem = NULL;
    Pb__PluginPresence presence;
    pb__plugin_presence__init(&presence);
    presence.path = arena_string(arena, path);
    const struct panther_plugin *plugin = loader_load(path, arena, &problem);
    if (plugin != NULL) {
        probe(plugin, arena, &presence);
    } else {
        presence.name = name_of_file(path, arena);
        presence.unusable_reason = arena_string(arena, problem);
    }
    const int status = write_message(&presence, arena);
    arena_free(&arena);
    return status;
}

// "name=value" -> settings; a name given again adds an item to a list.
static Pb__Setting **settings_of(int count, char **texts, struct arena *arena, size_t *found)
{
    Pb__Setting **settings = ARENA_ARRAY(arena, Pb__Setting *, (size_t)count + 1);
    *found = 0;
    for (int i = 0; i < count; i++) {
        const size_t name_bytes = strcspn(texts[i], "=");
        const char *value = texts[i][name_bytes] == '=' ? texts[i] + name_bytes + 1 : "";
        Pb__Setting *setting = *found > 0 ? settings[*found - 1] : NULL;
        if (setting == NULL || strlen(setting->name) != name_bytes || strncmp(setting->name, texts[i], name_bytes) != 0) {
            setting = settings[(*found)++] = ARENA_NEW(arena, Pb__Setting);
            pb__setting__init(setting);
            setting->name = arena_string_bytes(arena, texts[i], name_bytes);
            setting->values = ARENA_ARRAY(arena, char *, (size_t)count);
        }
        setting->values[setting->n_values++] = arena_string(arena, value);
    }
    return settings;
}

static int plan(const struct panther_plugin *plugin, int setting_count, char **texts, struct arena *arena, struct panther_error *error)
{
    struct panther_plan commands = {{0}};
    Pb__Setting **checked = NULL;
    size_t given_count = 0, checked_count = 0;
    void *settings = NULL;
    Pb__Setting **given = settings_of(setting_count, texts, arena, &given_count);
    int result =
        option_table_settings(plugin, (const Pb__Setting *const *)given, given_count, arena, &settings, &checked, &checked_count, error);
    if (result == 0 && plugin->plan == NULL) {
        puts("known at run time");
    } else if (result == 0) {
        result = plugin->plan(settings, &commands);
        fputs(text_string(&commands.text), stdout);
        if (result != 0) {
            error_set(error, PANTHER_EINVALID, "plan of %s failed", plugin->name);
        }
    }
    text_free(&commands.text);
    return result;
}

int presence_plan(const char *path, int setting_count, char **settings)
{
    struct arena *arena = arena_new(0);
    struct panther_error error = {0};
    const char *problem = error.message;
    const struct panther_plugin *plugin = loader_load(path, arena, &problem);
    const bool is_planned = plugin != NULL && plan(plugin, setting_count, settings, arena, &error) == 0;
    if (!is_planned) {
        fprintf(stderr, "%s\n", problem);
    }
    arena_free(&arena);
    return is_planned ? 0 : 1;
}
