#include "agent/shell/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/shell/host.h"
#include "common/base/limits.h"
#include "common/base/units.h"
#include "common/system/file.h"
#include "common/system/process.h"

#define SLOTS_MAX 512 // half of what the instance table takes
#define LABELS_MAX 64 // what a person writes by hand
#define STREAM_LIMIT_LEAST (64 * 1024)

// Beside the ephemeral range (32768 and up), so that no outgoing connection takes a port of a block.
const struct configuration_option settings_options[SETTINGS_OPTIONS] = {
    {"key", PB__OPTION_TYPE__OPTION_TYPE_STRING, SETTINGS_KEY_DEFAULT, "this agent's key file, made by `panther-agent enroll`"},
    {"state", PB__OPTION_TYPE__OPTION_TYPE_STRING, SETTINGS_STATE_DEFAULT, "folder for instances, outbox and host id"},
    {"plugins", PB__OPTION_TYPE__OPTION_TYPE_LIST, NULL, "folders with plugins; default: beside the programs"},
    {"pushed-plugins", PB__OPTION_TYPE__OPTION_TYPE_BOOLEAN, "true", "take plugins that an operator pushes; false: none, nor earlier ones"},
    {"address", PB__OPTION_TYPE__OPTION_TYPE_STRING, NULL, "address for tests; default: the one towards the coordinator"},
    {"slots", PB__OPTION_TYPE__OPTION_TYPE_INTEGER, "16", "instances at once"},
    {"port-range", PB__OPTION_TYPE__OPTION_TYPE_STRING, "20000-29999", "ports for instances, first-last"},
    {"labels", PB__OPTION_TYPE__OPTION_TYPE_LIST, NULL, "name=value, for placement"},
    {"stream-limit", PB__OPTION_TYPE__OPTION_TYPE_SIZE, "64MiB", "kept of one output stream; beyond it a gap is recorded"},
    {"reserve", PB__OPTION_TYPE__OPTION_TYPE_SIZE, "0", "kept free for verdicts; default 128MiB, of a small disk a 40th part"},
    {"shells", PB__OPTION_TYPE__OPTION_TYPE_BOOLEAN, "true", "let operators open shells in what runs here; false: none"},
    {"log-level", PB__OPTION_TYPE__OPTION_TYPE_STRING, "info", "debug, info, warning or error"},
    {"programs", PB__OPTION_TYPE__OPTION_TYPE_STRING, NULL, "folder of panther-guard and panther-service; default: this program's"},
};

static int read_ports(struct settings *settings, const char *text, struct panther_error *error)
{
    unsigned first, last;
    int end = 0;
    if (sscanf(text, "%u-%u%n", &first, &last, &end) != 2 || text[end] != '\0' || first < 1 || last > UINT16_MAX || first > last)
        return error_set(error, PANTHER_EINVALID, "port-range \"%s\" is not first-last, such as 20000-29999", text);
    settings->port_first = first;
    settings->port_count = last - first + 1;
    if (settings->port_count / PORTS_PER_INSTANCE < settings->slots)
        return error_set(error, PANTHER_EINVALID, "port-range %s has room for %u instances (%d ports each), but slots is %u", text,
                         settings->port_count / PORTS_PER_INSTANCE, PORTS_PER_INSTANCE, settings->slots);
    return 0;
}

static int read_slots(struct settings *settings, struct panther_error *error)
{
    uint64_t slots = configuration_number(settings->configuration, "slots");
    if (slots < 1 || slots > SLOTS_MAX)
        return error_set(error, PANTHER_EINVALID, "slots is %llu, but must be from 1 to %d", (unsigned long long)slots, SLOTS_MAX);
    settings->slots = (uint32_t)slots;
    return 0;
}

static int read_labels(struct settings *settings, struct panther_error *error)
{
    const char *const *values;
    size_t count = configuration_list(settings->configuration, "labels", &values);
    if (count > LABELS_MAX)
        return error_set(error, PANTHER_ELIMIT, "more than %d labels", LABELS_MAX);
    settings->labels = ARENA_ARRAY(settings->arena, Pb__Label *, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(values[i], '=');
        Pb__Label *label = settings->labels[i] = ARENA_NEW(settings->arena, Pb__Label);
        pb__label__init(label);
        label->name = equals ? arena_string_bytes(settings->arena, values[i], (size_t)(equals - values[i])) : NULL;
        if (!equals || !name_is_valid(label->name))
            return error_set(error, PANTHER_EINVALID, "label \"%s\" is not name=value", values[i]);
        label->value = arena_string(settings->arena, equals + 1);
    }
    settings->label_count = count;
    return 0;
}

static int read_peer(struct settings *settings, struct panther_error *error)
{
    settings->key_path = configuration_text(settings->configuration, "key");
    int result = bus_peer_file_read(settings->key_path, &settings->peer, error);
    if (result < 0)
        return result;
    if (strcmp(settings->peer.role, "agent") != 0)
        return error_set(error, PANTHER_EDENIED, "%s is a key of role %s, not of an agent", settings->key_path, settings->peer.role);
    if (!settings->peer.coordinator[0] || !settings->peer.server_key[0])
        return error_set(error, PANTHER_EINVALID, "%s does not name its coordinator and the coordinator's key", settings->key_path);
    return 0;
}

// What is written into specifications must not depend on where a process runs.
static const char *absolute(struct settings *settings, const char *path)
{
    char *resolved = realpath(path, NULL);
    const char *result = resolved ? arena_string(settings->arena, resolved) : path;
    free(resolved);
    return result;
}

static int read_state(struct settings *settings, struct panther_error *error)
{
    const char *given = configuration_text(settings->configuration, "state");
    int result = folder_make(given, 0700, error);
    if (result < 0)
        return result;
    settings->state = absolute(settings, given);
    CLEANUP_FREE char *instances = path_join(settings->state, "instances");
    return folder_make(instances, 0700, error);
}

// Installed: prefix/bin and prefix/lib/panther/plugins; in the build tree: build/bin and build/plugins.
static void find_plugins(struct settings *settings, const char *programs)
{
    const char *const *given;
    size_t count = configuration_list(settings->configuration, "plugins", &given);
    const char **folders = ARENA_ARRAY(settings->arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        folders[i] = absolute(settings, given[i]);
    if (count == 0) {
        const char *installed = arena_printf(settings->arena, "%s/../lib/panther/plugins", programs);
        const char *built = arena_printf(settings->arena, "%s/../plugins", programs);
        folders[count++] = absolute(settings, file_exists(installed) ? installed : built);
    }
    settings->plugin_folders = folders;
    settings->plugin_folder_count = count;
}

static int find_programs(struct settings *settings, struct panther_error *error)
{
    CLEANUP_FREE char *own = program_folder();
    const char *given = configuration_text(settings->configuration, "programs");
    const char *folder = given ? absolute(settings, given) : own;
    settings->guard_program = arena_printf(settings->arena, "%s/panther-guard", folder);
    settings->host_program = arena_printf(settings->arena, "%s/panther-service", folder);
    find_plugins(settings, own);
    const char *const programs[] = {settings->guard_program, settings->host_program};
    for (size_t i = 0; i < 2; i++)
        if (!file_exists(programs[i]))
            return error_set(error, PANTHER_ENOTFOUND, "%s is not there; option \"programs\" names its folder", programs[i]);
    return 0;
}

static int find_address(struct settings *settings, struct panther_error *error)
{
    settings->address = configuration_text(settings->configuration, "address");
    if (!settings->address)
        settings->address = host_address_towards(settings->peer.coordinator, settings->arena);
    if (!settings->address)
        return error_set(error, PANTHER_EINVALID, "no address towards %s; option \"address\" gives one", settings->peer.coordinator);
    return 0;
}

static int read_all(struct settings *settings, struct panther_error *error)
{
    const char *level = configuration_text(settings->configuration, "log-level");
    if (log_level_parse(level, &settings->log_level) < 0)
        return error_set(error, PANTHER_EINVALID, "log-level \"%s\" is not debug, info, warning or error", level);
    settings->stream_limit_bytes = configuration_number(settings->configuration, "stream-limit");
    settings->takes_pushed_plugins = configuration_flag_is_set(settings->configuration, "pushed-plugins");
    settings->takes_shells = configuration_flag_is_set(settings->configuration, "shells");
    settings->reserve_bytes = configuration_number(settings->configuration, "reserve");
    if (settings->stream_limit_bytes < STREAM_LIMIT_LEAST)
        return error_set(error, PANTHER_EINVALID, "stream-limit is below 64KiB");
    int (*const steps[])(struct settings *, struct panther_error *) = {read_slots, read_labels,   read_peer,
                                                                       read_state, find_programs, find_address};
    int result = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && result == 0; i++)
        result = steps[i](settings, error);
    return result == 0 ? read_ports(settings, configuration_text(settings->configuration, "port-range"), error) : result;
}

int settings_load(struct settings *settings, const char *config, const struct configuration_flag *flags, size_t flag_count,
                  struct panther_error *error)
{
    *settings = (struct settings){.arena = arena_new(0)};
    int result = configuration_load(&settings->configuration, config, SETTINGS_ENVIRONMENT, settings_options, SETTINGS_OPTIONS, flags,
                                    flag_count, error);
    if (result == 0)
        result = read_all(settings, error);
    if (result < 0)
        settings_free(settings);
    return result;
}

void settings_free(struct settings *settings)
{
    configuration_free(&settings->configuration);
    arena_free(&settings->arena);
    *settings = (struct settings){0};
}
