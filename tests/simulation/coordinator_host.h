// The coordinator's host: the real core behind a model of coordinator/shell/reactor.c (rounds, batches, messages held until their batch is
// committed) and of its store (journal.h), with crashes between any two effects.
#ifndef PANTHER_TESTS_SIMULATION_COORDINATOR_HOST_H
#define PANTHER_TESTS_SIMULATION_COORDINATOR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "panther/v1/client.pb-c.h"
#include "panther/v1/experiment.pb-c.h"
#include "panther/v1/journal.pb-c.h"

struct world;
struct link;
struct core;
struct journal;
struct host_clock;

// Routes of clients begin here; those of agents are below.
#define CLIENT_ROUTES (UINT64_C(1) << 32)

struct coordinator_host *coordinator_host_new(struct world *world);
void coordinator_host_free(struct coordinator_host **host);
void coordinator_start(struct world *world);

// ---- what happens to it
void coordinator_crash(struct world *world, const char *why); // the process is killed; it starts again by itself
void coordinator_crash_in(struct world *world, unsigned effects);
void coordinator_pause(struct world *world, uint64_t until_ns);
void coordinator_disk_full(struct world *world, bool full);
void coordinator_disk_fails(struct world *world, bool fails);           // the next commit: EIO
void coordinator_disk_slow(struct world *world, uint32_t most_us);      // 0: as usual
void coordinator_restore(struct world *world, uint64_t backup_records); // the store is put back to what it was
void coordinator_downtime(struct world *world, uint64_t ms);            // until the next start

// ---- what it hears
void coordinator_frame(struct world *world, struct link *link, const void *data, size_t bytes);
void coordinator_gone(struct world *world, uint64_t route);
void coordinator_submit(struct world *world, uint64_t route, uint64_t request, const Pb__Submit *submit, const Pb__Experiment *experiment,
                        const char *content_hash);
void coordinator_request(struct world *world, uint64_t route, const Pb__Request *request);
// Answered by agent_content_stored with the same ticket, once it is committed.
void coordinator_content(struct world *world, const Pb__ContentStored *content, uint64_t ticket);

bool coordinator_is_up(const struct world *world);
bool coordinator_is_paused(const struct world *world);
uint64_t coordinator_life(const struct world *world); // counts its starts
struct core *coordinator_core(const struct world *world);
struct journal *coordinator_journal(const struct world *world);
struct host_clock *coordinator_clock(struct world *world);

#endif
