// Records of a small life: runs, trials, events; each is valid as wire checks it.
#ifndef PANTHER_TESTS_UNIT_STORE_STORY_H
#define PANTHER_TESTS_UNIT_STORE_STORY_H

#include "common/base/memory.h"
#include "coordinator/store/store.h"

#define STORY_WALL_NS 1700000000000000000LL

struct story {
    struct arena *arena;
    const Pb__Record **records;
    size_t count, capacity;
    int64_t wall_ns;
    uint64_t events;
};

void story_begin(struct story *story);
void story_end(struct story *story);
// A record of this kind to be filled by the caller.
Pb__Record *story_record(struct story *story, Pb__Record__BodyCase kind);
Pb__Outcome *story_outcome(struct story *story, int verdict, int reason, const char *text);

void story_run(struct story *story, uint64_t run, const char *name, uint64_t cells);
// "r1/load/nginx/2#1": server on lab-a (instance 10 * trial + 1), load on lab-b (instance 10 * trial + 2)
void story_trial(struct story *story, uint64_t trial, uint64_t run, uint32_t repetition, uint32_t attempt);
void story_command(struct story *story, uint64_t trial, uint64_t instance, Pb__Command__BodyCase kind);
void story_release(struct story *story, uint64_t trial, uint64_t instance, size_t cases);
// An event of an instance, to be filled by the caller.
Pb__Event *story_event(struct story *story, uint64_t trial, uint64_t instance, const char *service, Pb__Event__BodyCase kind);
void story_case(struct story *story, uint64_t trial, uint64_t instance, uint32_t number, int verdict);
void story_stream_end(struct story *story, uint64_t trial, uint64_t instance, const char *stream, uint64_t bytes);
void story_content(struct story *story, uint64_t instance, const char *name, bool is_stream, const char *hash, uint64_t bytes);
void story_trial_end(struct story *story, uint64_t trial, const char *name, int verdict);
void story_cell_end(struct story *story, uint64_t run, uint32_t repetition, int verdict);
void story_run_end(struct story *story, uint64_t run, uint64_t passed, uint64_t failed);
// All of it: a run of 3 cells, one passes, one fails on its second attempt, one never starts.
void story_tell(struct story *story, uint64_t run);

#endif
