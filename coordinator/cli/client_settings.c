#include "coordinator/cli/client_settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/system/configuration.h"
#include "common/system/file.h"

static const struct configuration_option options[] = {
    {"key", PB__OPTION_TYPE__OPTION_TYPE_STRING, NULL, "key file"},
    {"coordinator", PB__OPTION_TYPE__OPTION_TYPE_STRING, NULL, "endpoint, instead of the key file's"},
    {"output", PB__OPTION_TYPE__OPTION_TYPE_STRING, "table", "table, json or jsonl"},
    {"timeout", PB__OPTION_TYPE__OPTION_TYPE_DURATION, "10s", "patience with the coordinator"},
};

static const char *file_path(void)
{
    static char path[512];
    const char *named = getenv("PANTHER_CONFIG"), *home = getenv("HOME");
    if (named && *named) {
        return named;
    }
    snprintf(path, sizeof path, "%s/.config/panther/client.yaml", home ? home : "");
    return file_exists(path) ? path : file_exists("/etc/panther/client.yaml") ? "/etc/panther/client.yaml" : NULL;
}

int client_settings_load(struct client_settings *settings, struct panther_error *error)
{
    static struct configuration *configuration; // its texts are lent for good
    configuration_free(&configuration);
    int problem = configuration_load(&configuration, file_path(), "PANTHER", options, sizeof options / sizeof *options, NULL, 0, error);
    if (problem) {
        return problem;
    }
    uint64_t timeout_ms = configuration_number(configuration, "timeout");
    if (timeout_ms == 0 || timeout_ms > UINT32_MAX) {
        return error_set(error, PANTHER_EINVALID, "%s: timeout: use a time such as 10s", configuration_source(configuration, "timeout"));
    }
    *settings = (struct client_settings){
        .key = configuration_text(configuration, "key"),
        .coordinator = configuration_text(configuration, "coordinator"),
        .output = configuration_text(configuration, "output"),
        .timeout_ms = (uint32_t)timeout_ms,
    };
    return 0;
}
