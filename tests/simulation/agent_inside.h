// Shared by agent_host.c, agent_life.c, agent_wards.c and files.c only.
#ifndef PANTHER_TESTS_SIMULATION_AGENT_INSIDE_H
#define PANTHER_TESTS_SIMULATION_AGENT_INSIDE_H

#include "agent/core/core.h"
#include "tests/simulation/agent_disk.h"
#include "tests/simulation/agent_host.h"
#include "tests/simulation/describe.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/guard.h"
#include "tests/simulation/host_clock.h"
#include "tests/simulation/network.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/world.h"

struct agent_batch {
    struct arena *arena;
    struct agent_output output;
};

// One guard as this life of the agent sees it (struct guard of agent/shell).
struct ward {
    struct agent_host *host;
    struct guard *guard;
    uint64_t life; // of the agent
    enum { WARD_LOOKING, WARD_CONNECTING, WARD_ATTACHED, WARD_READING_REST, WARD_GONE } stage;
    bool rebooted, was_looked_for;
    const char *why;
    uint64_t attachment;
    size_t read;  // events
    size_t limit; // that may be read
    uint64_t give_up_ns;
    // files: streams and artifacts among the events that were read
    size_t events_looked_at, files_seen, files_complete;
    bool files_told;
};

struct agent_host {
    struct world *world;
    size_t index;
    const char *name;
    char host_id[33], boot_id[37];
    uint32_t slots;
    struct host_clock clock;
    struct path path;
    struct agent_disk disk;
    struct agent_core *core;
    struct agent_batch *gathering, *committing;
    struct link *link;
    struct timer tick, settle, commit, restart;
    struct agent_input *later;
    size_t later_count, later_capacity;
    struct arena *unpacked;
    struct {
        struct link *link;
        const void *data;
        size_t bytes;
    } * waiting; // frames, while it is stopped
    size_t waiting_count, waiting_capacity;
    struct guard **guards;
    size_t guard_count, guard_capacity;
    struct ward **wards;
    size_t ward_count, ward_capacity;
    uint64_t life, boot, started_ns, gathered_ns, settle_ns, paused_until_ns, downtime_ns;
    unsigned dies_in;
    uint32_t slow_us;
    bool up, is_gone, disk_full, told_full, disk_fails, feeding;
};

// ---- agent_host.c
void agent_feed(struct agent_host *host, struct agent_input *input);
void agent_feed_later(struct agent_host *host, const struct agent_input *input);
void agent_set_up(struct agent_host *host); // its timers
void agent_start_gathering(struct agent_host *host);
void agent_batch_free(struct agent_batch **batch);
void agent_read_waiting(struct agent_host *host);

// ---- agent_wards.c
void wards_perform(struct agent_host *host, const struct agent_effect *effect);
void wards_leftovers(struct agent_host *host); // folders without a row are swept
struct ward *ward_find(struct agent_host *host, uint64_t instance, uint32_t generation);

// ---- files.c
void files_of_events(struct ward *ward); // more was read
void files_of_gone(struct ward *ward);   // and nothing follows
void files_fetch(struct agent_host *host, const char *hash);

// ---- agent_catalogue.c
void catalogue_found(struct agent_host *host, bool probed); // feeds what is installed
Pb__Hello *catalogue_self(struct agent_host *host, struct arena *arena);

#endif
