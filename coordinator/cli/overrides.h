// `--set PATH=VALUE`, as often as wanted, `--only` and `--repeat`: what submit and check replace in an experiment first.
#ifndef PANTHER_COORDINATOR_CLI_OVERRIDES_H
#define PANTHER_COORDINATOR_CLI_OVERRIDES_H

#include <argp.h>

#include "panther/v1/client.pb-c.h"

#define OVERRIDES_MAX 256 // what still fits on a command line that somebody reads

struct overrides {
    Pb__Override items[OVERRIDES_MAX];
    Pb__Override *list[OVERRIDES_MAX]; // to them, as messages want it
    char *owned[OVERRIDES_MAX];        // paths that were made here
    size_t count;
};
// Cuts the argument in two, and keeps pointing into it. Ends the program when it has no `=`.
void overrides_add(struct overrides *overrides, char *argument, const struct argp_state *state);
// `--only server=ngtcp2,case=retry` and `--repeat 5` are overrides too.
void overrides_add_only(struct overrides *overrides, char *argument, const struct argp_state *state);
void overrides_add_repeat(struct overrides *overrides, char *argument, const struct argp_state *state);
void overrides_free(struct overrides *overrides);

#endif
