// The experiments of a simulated lab: what a story wishes, or a seed draws.
#ifndef PANTHER_TESTS_SIMULATION_EXPERIMENTS_H
#define PANTHER_TESTS_SIMULATION_EXPERIMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "panther/v1/experiment.pb-c.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/timelines.h"

enum wished_network { WISHED_WIRE, WISHED_EMULATED, WISHED_LAB };

struct experiment_wish {
    uint32_t cells, cases, retries, lease_ms, queue_ms, trial_ms, case_ms;
    bool apart, exclusive, with_runner, with_client, with_file, asserts_exit, asserts_metric, asserts_output, retries_all, is_fresh;
    bool case_retry, case_fresh, case_slow, case_call; // after the plain ones
    bool is_wild;                                      // its timeline may come to nothing by itself
    Pb__Verdict hold_on;                               // PB__VERDICT__VERDICT_NONE: nothing of it is held
    uint32_t hold_ms;
    enum wished_network network;
    struct wished_timeline timeline;
};

// The name of a test whose trials need not pass where all goes well.
#define WILD_TEST "wild"

// is_sound: nothing in it can go wrong by itself, so that it passes where no fault strikes.
struct experiment_wish experiment_wish_drawn(struct dice *dice, bool is_sound);
void experiment_wish_hold(struct experiment_wish *wish, struct dice *dice); // some of its trials may be held
Pb__Experiment *experiment_wished(const struct experiment_wish *wish, struct arena *arena);

#endif
