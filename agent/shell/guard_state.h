// One guard as the shell knows it; for guards.c, guard_spawn.c and guard_spool.c.
#ifndef PANTHER_AGENT_SHELL_GUARD_STATE_H
#define PANTHER_AGENT_SHELL_GUARD_STATE_H

#include "agent/shell/folder.h"
#include "agent/shell/guard_link.h"
#include "agent/shell/guards.h"
#include "agent/shell/removals.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/system/spool.h"

#define NS_PER_MS UINT64_C(1000000)

struct guards {
    struct loop *loop;
    struct reactor *reactor;
    struct children *children;
    struct guards_settings settings;
    struct guards_callbacks callbacks;
    void *context;
    struct map *all; // (instance, generation) -> struct guard
    struct removals *removals;
    struct arena *arena; // of the event that is read
    char boot_id[64];
};

struct guard {
    struct guards *guards;
    uint64_t instance;
    uint32_t generation;
    char *folder;
    pid_t pid; // 0: not known
    bool is_child;
    int pidfd;                      // -1: none
    struct loop_source *end_source; // of one that is no child
    struct guard_link *link;
    struct loop_source *timer;
    enum { GUARD_LOOKING, GUARD_STARTING, GUARD_RUNNING, GUARD_READING_REST, GUARD_GONE } stage;
    uint64_t give_up_ns; // of looking and starting
    // spool
    int spool_fd; // -1: not open yet
    struct spool_reader *reader;
    uint64_t spool_offset; // where reading begins
    uint64_t spool_limit;  // synced by the guard
    // end
    bool rebooted, damaged;
    char why[256];
};

// ---- guards.c
struct guard *guard_add(struct guards *guards, uint64_t instance, uint32_t generation, uint64_t spool_offset);
void guard_connect(struct guard *guard);
void guard_ended(struct guard *guard, const char *why);
void guard_tell(const struct guard *guard, struct agent_input *input); // later, with who it is
void guard_kill(struct guard *guard);
// ---- guard_spawn.c
int guard_spawn(struct guard *guard, const Pb__GuardSpec *spec, struct panther_error *error);
// ---- guard_adopt.c
void guard_look(struct guard *guard);
// ---- guard_spool.c
// Feeds what is there, up to the limit; false: there is more, call again soon.
bool guard_spool_read(struct guard *guard, uint64_t limit);
void guard_spool_close(struct guard *guard);
// Every event of the spool that the agent has taken already: the uploads forget over a restart what they have to send.
void guard_spool_replay(struct guard *guard);

#endif
