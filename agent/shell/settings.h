// The agent's configuration: file < PANTHER_AGENT_* < flags, checked and made complete.
#ifndef PANTHER_AGENT_SHELL_SETTINGS_H
#define PANTHER_AGENT_SHELL_SETTINGS_H

#include "common/bus/bus.h"
#include "common/system/configuration.h"
#include "common/system/log.h"
#include "panther/v1/agent.pb-c.h"

#define SETTINGS_ENVIRONMENT "PANTHER_AGENT"
#define SETTINGS_OPTIONS 13

// The table behind --help, the environment and the file.
extern const struct configuration_option settings_options[SETTINGS_OPTIONS];

struct settings {
    struct configuration *configuration;
    struct arena *arena;
    const char *key_path;
    const char *state; // absolute
    struct bus_peer_file peer;
    const char *address;
    uint32_t slots;
    uint32_t port_first, port_count;
    Pb__Label **labels;
    size_t label_count;
    const char *const *plugin_folders;
    size_t plugin_folder_count;
    uint64_t stream_limit_bytes;
    uint64_t reserve_bytes; // 0: by the disk's size
    const char *guard_program, *host_program;
    enum log_level log_level;
    bool takes_pushed_plugins, takes_shells;
};
// config: NULL: none. Reads the key file and makes the state folder.
int settings_load(struct settings *settings, const char *config, const struct configuration_flag *flags, size_t flag_count,
                  struct panther_error *error);
void settings_free(struct settings *settings);
// For `enroll`, which has no key yet and needs nothing else.
#define SETTINGS_KEY_DEFAULT "/etc/panther/agent.key"
#define SETTINGS_STATE_DEFAULT "/var/lib/panther/agent"

#endif
