// A person at panther-coord: submits, cancels, drains; asks again with the same key when nothing is answered.
#ifndef PANTHER_TESTS_SIMULATION_CLIENT_H
#define PANTHER_TESTS_SIMULATION_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "panther/v1/envelope.pb-c.h"
#include "tests/simulation/experiments.h"

struct world;

struct client *client_new(struct world *world);
void client_submit(struct world *world, const struct experiment_wish *wish);
void client_submit_again(struct world *world); // the last one, with its key: the same run must be answered
void client_cancel(struct world *world, uint64_t run);
void client_release(struct world *world, uint64_t run);
void client_drain(struct world *world, const char *agent, bool off);
void client_hears(struct world *world, uint64_t route, const Pb__Envelope *envelope);
const char *client_waits_for(const struct world *world); // NULL: nothing
uint64_t client_runs(const struct world *world);         // highest run it knows of

#endif
