// The one-time token of `keys enroll`: everything a new host needs to ask for its own key, as one word that a person pastes.
// base64url (no padding) of "1 ENDPOINT SERVER_KEY SECRET_KEY"; the secret is that of a key with ROLE_ENROLL.
#ifndef PANTHER_COMMON_BUS_TOKEN_H
#define PANTHER_COMMON_BUS_TOKEN_H

#include "common/bus/bus.h"

#define BUS_TOKEN_BYTES 1024

struct bus_token {
    char coordinator[256]; // endpoint
    char server_key[BUS_KEY_TEXT_BYTES];
    char secret_key[BUS_KEY_TEXT_BYTES];
};
void bus_token_format(const struct bus_token *token, char text[BUS_TOKEN_BYTES]);
int bus_token_parse(const char *text, struct bus_token *token, struct panther_error *error);

#endif
