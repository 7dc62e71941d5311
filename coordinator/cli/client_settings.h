// What every client command may be told once and for all: client.yaml < PANTHER_* in the environment. Flags come above (client.c).
#ifndef PANTHER_COORDINATOR_CLI_CLIENT_SETTINGS_H
#define PANTHER_COORDINATOR_CLI_CLIENT_SETTINGS_H

#include <stdint.h>

#include "common/base/error.h"

// Texts live as long as the program; NULL: not set.
struct client_settings {
    const char *key;         // path of the key file
    const char *coordinator; // endpoint
    const char *output;      // format
    uint32_t timeout_ms;
};
// The file is $PANTHER_CONFIG, else ~/.config/panther/client.yaml, else /etc/panther/client.yaml; only the first must exist when named.
int client_settings_load(struct client_settings *settings, struct panther_error *error);

#endif
