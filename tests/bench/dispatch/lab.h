// A small lab for the benchmark: one coordinator and one agent, real programs on loopback, in a folder of their own.
#ifndef PANTHER_TESTS_BENCH_DISPATCH_LAB_H
#define PANTHER_TESTS_BENCH_DISPATCH_LAB_H

#include "common/base/error.h"

struct lab_options {
    const char *programs; // folder of panther-coord and panther-agent
    const char *folder;   // made by lab_up, on the disk that is to be measured
    unsigned window;      // cases on their way to one tester (serve --case-window)
    unsigned slots;       // instances at once on the agent
};

struct lab;
// Returns when the agent is connected and offers the null tester. NULL: error says why, and nothing is left running.
struct lab *lab_up(const struct lab_options *options, struct panther_error *error);
// Submits the experiment and waits for its end; every cell must pass.
int lab_run(struct lab *lab, const char *experiment, struct panther_error *error);
// Ends both programs. The journal is then in FOLDER/data/journal.db.
void lab_down(struct lab **lab);

#endif
