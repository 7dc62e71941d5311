// What the forms of `panther-coord plugins` share.
#ifndef PANTHER_COORDINATOR_CLI_PLUGINS_H
#define PANTHER_COORDINATOR_CLI_PLUGINS_H

#include "coordinator/cli/client.h"

struct plugins_arguments {
    struct client client;
    const char *words[2]; // NAME, or push DIR, or remove NAME
    size_t word_count;
    const char *hosts;
    bool skew;
};
int plugins_push(struct plugins_arguments *arguments); // plugins push DIR --hosts ..., plugins remove NAME --hosts ...
int plugins_skew(const struct client *client, const Pb__Plugins *plugins);

#endif
