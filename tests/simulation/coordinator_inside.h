// Shared by coordinator_host.c and coordinator_life.c only.
#ifndef PANTHER_TESTS_SIMULATION_COORDINATOR_INSIDE_H
#define PANTHER_TESTS_SIMULATION_COORDINATOR_INSIDE_H

#include "coordinator/core/core.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/describe.h"
#include "tests/simulation/host_clock.h"
#include "tests/simulation/journal.h"
#include "tests/simulation/world.h"

#define COORDINATOR_TICK_NS (100 * NS_PER_MS) // as the reactor ticks

enum item_kind { ITEM_FRAME, ITEM_GONE, ITEM_SUBMIT, ITEM_REQUEST, ITEM_CONTENT, ITEM_TICK, ITEM_SPACE };

struct item {
    enum item_kind kind;
    struct link *link;
    uint64_t route, request, ticket;
    const void *data;
    size_t bytes;
    const Pb__Submit *submit;
    const Pb__Experiment *experiment;
    const char *content_hash;
    const Pb__Request *client_request;
    const Pb__ContentStored *content;
    bool is_full;
};

struct held_message {
    uint64_t route;
    uint8_t *data;
    size_t bytes;
    bool leads;
};

struct held_batch {
    uint64_t number;
    struct held_message *messages;
    size_t message_count;
    uint64_t *closed, *tickets;
    size_t closed_count, ticket_count;
    struct held_batch *next;
};

struct coordinator_host {
    struct world *world;
    struct core *core;
    struct core_effects effects;
    struct journal journal;
    struct host_clock clock;
    struct arena *unpacked;
    struct item *inbox;
    size_t inbox_count, inbox_capacity;
    struct held_batch *first_held, *last_held;
    struct timer round, commit, tick, restart;
    uint64_t life, paused_until_ns, downtime_ns;
    unsigned restores; // each is a copy, at another home
    unsigned dies_in;
    uint32_t slow_us;
    bool up, disk_full, told_full, disk_fails;
};

void coordinator_set_up(struct coordinator_host *host); // its timers
void coordinator_first_step(struct coordinator_host *host, const char *store_id);
void coordinator_check_replay(struct coordinator_host *host);

#endif
