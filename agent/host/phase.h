// What each command does with the plugin. All of it runs on the plugin's thread, inside a call (host.call) that the runner began.
#ifndef PANTHER_AGENT_HOST_PHASE_H
#define PANTHER_AGENT_HOST_PHASE_H

#include "agent/host/host.h"
#include "agent/host/open_files.h"
#include "common/base/map.h"
#include "services/sdk/handle.h"

// Where the instance stands: what decides which command is possible.
enum phase_state { PHASE_NEW, PHASE_INITIALIZED, PHASE_STARTED, PHASE_BROKEN, PHASE_STOPPED, PHASE_CLEANED };

struct phase {
    struct host *host;
    enum phase_state state;
    struct arena *arena; // as long as the process lives
    const Pb__GuardSpec *spec;
    struct open_files before;  // what was open when initialize began
    struct map *cases;         // name -> struct panther_case of the plugin
    char version[256];         // of the implementation
    char text[TEXT_MAX_BYTES]; // of the answer
};

// NULL: the command is possible now; else why not.
const char *phase_refusal(const struct phase *phase, Pb__HostRequest__BodyCase kind);
// Each returns 0, or below 0 with phase->text.
int phase_initialize(struct phase *phase, const Pb__GuardSpec *spec);
int phase_start(struct phase *phase);
int phase_execute(struct phase *phase); // the handle's result is the outcome
int phase_stop(struct phase *phase);    // the handle's result and metrics are get_test_results'
int phase_cleanup(struct phase *phase);
// Always ends with a result in the handle.
void phase_case(struct phase *phase, const char *name, bool unlisted);

#endif
