// Feeds the core and performs what it decides, in order: records to the writer's thread in batches, one being committed while the
// next is gathered; effects at once, or after the commit of their batch.
#ifndef PANTHER_AGENT_SHELL_REACTOR_H
#define PANTHER_AGENT_SHELL_REACTOR_H

#include "agent/shell/storage.h"
#include "common/system/loop.h"

// How long records that nobody waits for are gathered, before they cost a sync of their own.
#define REACTOR_GATHER_MS 200

struct reactor;
struct reactor_callbacks {
    void (*perform)(void *context, const struct agent_effect *effect);
    void (*on_broken)(void *context, const struct panther_error *error);
};
// Opens the state and feeds the start: `start` has everything but what is loaded.
// reserve_bytes: see common/system/space.h.
int reactor_new(struct reactor **out, struct loop *loop, const char *state, uint64_t reserve_bytes,
                const struct reactor_callbacks *callbacks, void *context, struct panther_error *error);
void reactor_start(struct reactor *reactor, struct agent_input *start);
void reactor_free(struct reactor **reactor);

// Time and randomness are added here. Not from within perform: that is what _later is for.
void reactor_feed(struct reactor *reactor, struct agent_input *input);
// Fed soon; what it points to must be static, or in reactor_arena().
void reactor_later(struct reactor *reactor, const struct agent_input *input);
// Lives until the batch that is gathered now was performed.
struct arena *reactor_arena(struct reactor *reactor);
const struct agent_core *reactor_core(const struct reactor *reactor);
struct storage *reactor_storage(struct reactor *reactor);
// Committed events of the outbox, from memory or disk; false: they are not there (a programmer's error, or a broken disk).
bool reactor_events(struct reactor *reactor, uint64_t first, size_t count, struct arena *arena, struct wire_bytes *events);
// The specifications of the loaded instances (before start).
const struct storage_loaded *reactor_loaded(const struct reactor *reactor);

#endif
