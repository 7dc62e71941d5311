// An agent's host: the real core behind a model of agent/shell/reactor.c (immediate effects, batches, effects after the commit), its
// database (agent_disk.h), its guards (guard.h), and what becomes of all that when the process, the disk or the host fails.
#ifndef PANTHER_TESTS_SIMULATION_AGENT_HOST_H
#define PANTHER_TESTS_SIMULATION_AGENT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;
struct link;
struct path;
struct guard;
struct agent_host;
struct agent_disk;
struct agent_core;
struct host_clock;

struct agent_host *agent_host_new(struct world *world, const char *name, uint32_t slots);
void agent_host_free(struct agent_host **host);
void agent_start(struct agent_host *host);

// ---- what befalls it
void agent_crash(struct agent_host *host, const char *why); // the process is killed; it starts again by itself
void agent_crash_in(struct agent_host *host, unsigned effects);
void agent_downtime(struct agent_host *host, uint64_t ms);   // until the next start
void agent_reboot(struct agent_host *host);                  // power is gone: guards die, sockets are left half-open, a new boot id
void agent_power_off(struct agent_host *host);               // for good
void agent_wipe(struct agent_host *host, bool folders);      // its database, or its whole state folder; the agent must be down
void agent_leave(struct agent_host *host, uint64_t back_ns); // SIGTERM, and it comes back
void agent_pause(struct agent_host *host, uint64_t until_ns);
void agent_set_disk_full(struct agent_host *host, bool full);
void agent_disk_fails(struct agent_host *host, bool fails); // the next commit: EIO
void agent_set_disk_slow(struct agent_host *host, uint32_t most_us);
void agent_detach_guard(struct agent_host *host, struct guard *guard); // its socket is cut

// ---- the network
void agent_link_up(struct agent_host *host, struct link *link);
void agent_link_lost(struct agent_host *host, struct link *link, const char *why);
void agent_frame(struct agent_host *host, struct link *link, const void *data, size_t bytes);

// ---- its guards
void agent_guard_started(struct agent_host *host, struct guard *guard);
void agent_spool_grown(struct agent_host *host, struct guard *guard, uint64_t attachment, uint64_t bytes);
void agent_guard_ended(struct agent_host *host, struct guard *guard, const char *why);
// The coordinator has committed a stream or an artifact that an agent put there (files.c).
void content_committed(struct world *world, uint64_t ticket);

// ---- questions
struct world *agent_world(const struct agent_host *host);
const char *agent_name(const struct agent_host *host);
size_t agent_index(const struct agent_host *host);
struct path *agent_path(struct agent_host *host);
struct host_clock *agent_clock(struct agent_host *host);
const struct agent_core *agent_host_core(const struct agent_host *host); // NULL: it is down
const struct agent_disk *agent_host_disk(const struct agent_host *host);
uint64_t agent_life(const struct agent_host *host);
uint64_t agent_boot(const struct agent_host *host);
bool agent_is_up(const struct agent_host *host);
uint32_t agent_slots(const struct agent_host *host);
uint64_t agent_has_been_up_ns(const struct agent_host *host); // without a pause; 0: it is down or stopped
bool agent_is_refused(const struct agent_host *host);         // it stays away for a while
bool agent_is_gone(const struct agent_host *host);            // for good
bool agent_disk_is_full(const struct agent_host *host);
uint32_t agent_disk_slow_us(const struct agent_host *host);                                            // 0: as usual
size_t agent_guards(const struct agent_host *host, struct guard *const **guards);                      // all that ever were on it
struct guard *agent_find_guard(const struct agent_host *host, uint64_t instance, uint32_t generation); // that has its folder; NULL: none

#endif
