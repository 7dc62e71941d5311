// The agent's end of the socket to one guard: connects, attaches, hands over what the guard says. It retries by itself, since a
// guard that was just spawned has not bound its socket yet; it ends only with guard_link_free.
#ifndef PANTHER_AGENT_SHELL_GUARD_LINK_H
#define PANTHER_AGENT_SHELL_GUARD_LINK_H

#include "common/system/loop.h"
#include "common/wire/wire.h"

struct guard_link;
struct guard_link_callbacks {
    void (*on_attached)(void *context, const Pb__GuardState *state);
    void (*on_notice)(void *context, const Pb__GuardNotice *notice); // all but state
    void (*on_detached)(void *context);                              // after attached; connecting starts again
    void (*on_refused)(void *context, const char *why);              // whoever answers there is not this guard, or of another version
};
struct guard_link *guard_link_new(struct loop *loop, const char *folder, pid_t pid, uint64_t instance, uint32_t generation,
                                  const char *agent, const struct guard_link_callbacks *callbacks, void *context);
void guard_link_free(struct guard_link **link);
// Dropped when it is not attached: what a guard missed is found out when it is attached again.
void guard_link_send(struct guard_link *link, const Pb__GuardRequest *request);
// Reads what is there now: before its end is told, so that nothing it said is lost.
void guard_link_drain(struct guard_link *link);

#endif
