// One declared plugin in its process: the document, and what the instance has so far. The host asks for a struct panther_plugin and knows
// no difference from a shared object.
#ifndef PANTHER_SERVICES_SDK_DECLARED_DRIVER_H
#define PANTHER_SERVICES_SDK_DECLARED_DRIVER_H

#include "services/sdk/declared/declared.h"
#include "services/sdk/declared/evidence.h"

struct driver {
    const struct document *document;
    const void *settings; // with the profile
    int *ports;           // [port_count]
    const struct panther_certificate *certificate;
    const char *build;
    int *processes;    // [run commands]: of start; 0: none
    int *watches;      // [log_count]: lines that mean something; 0: none
    size_t told_count; // outputs that were declared
    const char **told; // [OUTPUTS_TOLD_MAX], in the handle's arena
};
extern struct driver driver;

// The descriptor of a document, which becomes the process's one.
const struct panther_plugin *driver_plugin(const struct document *document, struct arena *arena);
// What references are resolved against now; case_name NULL: outside of cases.
struct scope driver_scope(struct panther_service *service, const char *case_name);

// prepare.c: initialize
int driver_initialize(struct panther_service *service, const void *settings);
void driver_tell_outputs(struct scope *scope);
// serve.c: an IUT
int driver_start(struct panther_service *service);
int driver_stop(struct panther_service *service);
// test_case.c: execute of an IUT that finishes; cases of a tester
int driver_execute(struct panther_service *service);
int driver_run_test(struct panther_service *service, const struct panther_case *test_case);
// plan.c
int driver_plan(const void *settings, struct panther_plan *plan);
// log_watch.c: lines that mean something
int log_watch_begin(struct panther_service *service); // before anything is spawned
// What the lines of a server say, at its stop: a crash or a fault of this host becomes the instance's result.
void log_watch_judge(struct panther_service *service);
// The same of what a process that has ended printed. True: the result is said.
bool log_judge_output(struct evidence *evidence);

#endif
