// What `keys` of one name and of many share.
#ifndef PANTHER_COORDINATOR_CLI_KEYS_H
#define PANTHER_COORDINATOR_CLI_KEYS_H

#include "coordinator/cli/client.h"

struct key_arguments {
    struct client client;
    const char *data, *out, *public_key, *endpoint, *from;
    const char **words; // what to do, and to whom
    size_t word_count, word_capacity;
};
// Of the running coordinator, or on the data folder of one that is not running. 0 or an exit status.
int keys_ask(struct key_arguments *arguments, Pb__Request *request, Pb__Reply **reply);
// What peers shall connect to, as the reply or the client's own key file says it.
const char *keys_endpoint(const struct key_arguments *arguments, const Pb__Reply *reply);
int keys_usage(const char *text); // prints; the exit status
// `keys add ROLE NAME NAME... --from FILE`
int keys_add_many(struct key_arguments *arguments, Pb__Role role);

#endif
