// The plugins of a simulated lab. experiments.h has the experiments that use them.
#ifndef PANTHER_TESTS_SIMULATION_PLUGINS_H
#define PANTHER_TESTS_SIMULATION_PLUGINS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "panther/v1/plugin.pb-c.h"

#define SIMULATED_PLUGINS 6 // server, tester, runner, client, emulated, lab
#define SIMULATED_CASES_MAX 60
// Cases of the tester that want something of what they drive: a profile of the server, a fresh one, conditions of the network, the
// client's execute().
#define CASE_RETRY "retry"
#define CASE_FRESH "fresh"
#define CASE_SLOW "slow"
#define CASE_CALL "call"

Pb__PluginDescription *plugin_description(size_t index, struct arena *arena);

#endif
