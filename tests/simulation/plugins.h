// The plugins of a simulated lab, and the experiments that use them.
#ifndef PANTHER_TESTS_SIMULATION_PLUGINS_H
#define PANTHER_TESTS_SIMULATION_PLUGINS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "panther/v1/experiment.pb-c.h"
#include "panther/v1/plugin.pb-c.h"
#include "tests/simulation/dice.h"

#define SIMULATED_PLUGINS 4 // server, tester, runner, client
#define SIMULATED_CASES_MAX 60

Pb__PluginDescription *plugin_description(size_t index, struct arena *arena);

// What an experiment of a story says; a random one is drawn.
struct experiment_wish {
    uint32_t cells, cases, retries, lease_ms, queue_ms, trial_ms, case_ms;
    bool apart, exclusive, with_runner, with_client, with_file, asserts_exit, asserts_metric, asserts_output, retries_all, is_fresh;
};
struct experiment_wish experiment_wish_drawn(struct dice *dice);
Pb__Experiment *experiment_wished(const struct experiment_wish *wish, struct arena *arena);

#endif
