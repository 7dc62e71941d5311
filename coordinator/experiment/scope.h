// What the texts of one test may refer to: its axes and services, the experiment's files, and the cell itself.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_SCOPE_H
#define PANTHER_COORDINATOR_EXPERIMENT_SCOPE_H

#include "coordinator/experiment/document.h"
#include "coordinator/experiment/experiment.h"
#include "coordinator/experiment/limits.h"
#include "coordinator/experiment/reference.h"

// Kinds of references that a place allows.
enum {
    SCOPE_AXES = 1,
    SCOPE_FILES = 2,
    SCOPE_CELL = 4,     // $(seed), $(repetition)
    SCOPE_SERVICES = 8, // known when they have answered initialize
    SCOPE_ALL = 15,
};

struct scope {
    struct document document;
    const struct experiment_plugins *plugins;
    const Pb__Experiment *experiment; // files are known
    Pb__Test *test;                   // axes are known
    const struct value *services;     // the map; its keys are the services' names
    bool axis_is_used[AXES_PER_TEST_MAX];
    size_t *checks_left;       // of CHECKS_MAX, for all tests together
    size_t *combinations_left; // of KEPT_LOOKED_AT_MAX
    bool protocol_is_unknown;  // no plugin speaks it, which was reported
};

// Reports each reference in the text that is unknown or not allowed at this place. Where a setting stands is all it needs.
void scope_check(struct scope *scope, const char *text, const struct value *place, unsigned allowed);
// The same where every other "$(" would be no value either.
void scope_check_value(struct scope *scope, const char *text, const struct value *place, unsigned allowed);
bool scope_has_service(const struct scope *scope, const char *name);  // or one of its replicas, "server-2"
uint32_t scope_replicas(const struct scope *scope, const char *name); // of the service; 1: it has none, or is one, or is no service
// Reports unless the name is one of the test's services; `what` names the key.
bool scope_check_service(const struct scope *scope, const struct value *place, const char *name, const char *what);
size_t scope_service_index(const struct scope *scope,
                           const char *name); // of test->services, which are read by now; a replica has its service's
// A place in the file for messages about what keeps line and column only.
struct value scope_place(unsigned line, unsigned column);

#endif
