// The agent's core with a clock, a disk and a coordinator that the test plays. The disk is a model of the records, so that a test can
// crash the agent at any point and load what was committed.
#ifndef PANTHER_TESTS_UNIT_AGENT_CORE_STORY_H
#define PANTHER_TESTS_UNIT_AGENT_CORE_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/core/core.h"
#include "common/base/lifecycle.h"
#include "common/base/limits.h"
#include "common/base/message.h"

#define MS UINT64_C(1000000)
#define STORY_ROWS_MAX 64
#define STORY_HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define STORY_FILE "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct disk {
    struct agent_facts facts;
    struct agent_row rows[STORY_ROWS_MAX];
    size_t row_count;
    struct agent_tombstone tombstones[STORY_ROWS_MAX];
    size_t tombstone_count;
    uint32_t *sizes; // of outbox events after facts.acknowledged
    size_t size_count, size_capacity;
};

struct story {
    struct arena *arena; // of the test
    struct agent_core *core;
    uint64_t now_ns, random;
    uint32_t slots, port_count;
    bool takes_no_shells;
    const char *store_id;
    uint64_t incarnation, session;
    struct agent_output batch; // gathered, not committed
    size_t performed;          // effects of the batch that were looked at
    // all effects in order of their performance; what they point to lives in the test's arena
    struct agent_effect *effects;
    size_t count, capacity, seen;
    struct disk disk;
    struct text trace;
};

int story_begin(void **state);
int story_end(void **state);

// Feeding. Everything that is not after_commit is performed at once.
void story_feed(struct story *story, struct agent_input *input);
void story_commit(struct story *story);             // the batch is on disk: its held effects follow, then COMMITTED
void story_crash(struct story *story);              // what was not committed is lost; loads the rest
void story_later(struct story *story, uint64_t ms); // time goes on, ticks come when they are due

// Performed effects since the last look; NULL: none of this kind.
const struct agent_effect *story_next(struct story *story, enum agent_effect_kind kind);
const Pb__Envelope *story_sent(struct story *story, Pb__Envelope__BodyCase body); // the next one of this body
const Pb__GuardRequest *story_asked(struct story *story, Pb__GuardRequest__BodyCase body);
size_t story_count(struct story *story, enum agent_effect_kind kind);
void story_skip(struct story *story); // forgets what was performed so far

// The usual ways.
void story_catalogue(struct story *story);
void story_live(struct story *story); // connects, greets, is welcomed
void story_welcome(struct story *story, uint64_t last_seen);
void story_message(struct story *story, Pb__Envelope *envelope);
void story_acknowledge(struct story *story, uint64_t last);
void story_initialize(struct story *story, uint64_t instance, uint32_t generation);
Pb__Initialize *story_initialize_message(struct story *story);
void story_command(struct story *story, uint64_t instance, uint32_t generation, uint32_t number, Pb__Command__BodyCase body);
void story_attached(struct story *story, uint64_t instance, uint32_t generation, uint32_t last_command);
void story_run(struct story *story, uint64_t instance); // initialize, commit, spawned and attached
struct agent_input story_input(enum agent_input_kind kind, uint64_t instance, uint32_t generation);
// Events number from..to of the spool, each of `bytes`; the last is InstanceEnded if `ends`.
void story_spool(struct story *story, uint64_t instance, uint32_t generation, uint64_t from, uint64_t to, size_t bytes, bool ends);

#endif
