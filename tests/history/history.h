// A history that folds and proves: runs in which every cell passes with complete evidence, record by record. Used by the benchmark of long
// journals and by the tests of recovery and audit. A tester (load, on lab-b) and the server that it drives (server, on lab-a).
#ifndef PANTHER_TESTS_HISTORY_HISTORY_H
#define PANTHER_TESTS_HISTORY_HISTORY_H

#include "common/base/memory.h"
#include "panther/v1/journal.pb-c.h"

struct history {
    struct arena *arena;
    Pb__Record **records; // since the last history_clear
    size_t count, capacity;
    uint32_t cases; // of each trial
    uint64_t run, cells, cells_ended, trial, instance;
    uint64_t sequences[2]; // of the agents' outboxes
    int64_t wall_ns;
    char content_hash[65]; // of what every stream holds
    uint64_t content_bytes;
};
// content: what every stream of every service has printed.
void history_begin(struct history *history, uint32_t cases, const char *content);
void history_end(struct history *history);
void history_store(struct history *history);   // a store begins; one that `init` made has begun
void history_members(struct history *history); // who is known: keys, agents, plugins
void history_run(struct history *history, uint64_t cells);
void history_trial(struct history *history);       // the whole next cell
void history_trial_begin(struct history *history); // up to the release of its cases
void history_case(struct history *history, uint32_t number);
void history_trial_end(struct history *history); // from the last case on, its streams stored
void history_run_end(struct history *history);
void history_clear(struct history *history); // forgets the records, goes on

#endif
