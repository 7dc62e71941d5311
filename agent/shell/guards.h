// The guards of this host: spawned, adopted, attached, read, missed. Each is known by its instance and generation.
#ifndef PANTHER_AGENT_SHELL_GUARDS_H
#define PANTHER_AGENT_SHELL_GUARDS_H

#include "agent/shell/children.h"
#include "agent/shell/reactor.h"

struct guards;
struct guards_settings {
    const char *state;
    const char *agent;
    const char *host_id;
    const char *guard_program, *host_program;
    const char *coordinator; // its endpoint
    const char *cgroup;      // folder in which instances get one each; NULL: none
    uint64_t stream_limit_bytes, reserve_bytes;
};
struct guards_callbacks {
    // What the files of an instance are about to hold, or hold: for the uploads. The event is valid during the call.
    void (*on_instance)(void *context, uint64_t instance, uint32_t generation, const char *folder);
    void (*on_event)(void *context, uint64_t instance, uint32_t generation, const Pb__Event *event);
    void (*on_streams)(void *context, uint64_t instance, uint32_t generation, const Pb__StreamsGrown *streams);
    void (*on_gone)(void *context, uint64_t instance, uint32_t generation); // nothing grows any more
};
struct guards *guards_new(struct loop *loop, struct reactor *reactor, struct children *children, const struct guards_settings *settings,
                          const struct guards_callbacks *callbacks, void *context);
void guards_free(struct guards **guards); // lets go of them; they go on under their leases

void guards_spawn(struct guards *guards, const Pb__GuardSpec *spec);
void guards_adopt(struct guards *guards, const struct agent_row *row);
void guards_send(struct guards *guards, uint64_t instance, uint32_t generation, const Pb__GuardRequest *request);
// Guards that were found or started, also such as have just ended.
typedef void guard_each_fn(void *context, pid_t pid, uint64_t instance, uint32_t generation);
void guards_each(const struct guards *guards, guard_each_fn *callback, void *context);
void guards_kill(struct guards *guards, uint64_t instance, uint32_t generation);
void guards_forget(struct guards *guards, uint64_t instance, uint32_t generation); // and removes the folder

#endif
