// One simulated lab: the coordinator's host, the agents' hosts, the network between them, a client, the faults that befall them, and the
// oracle that watches. Everything is driven by one agenda; see README.md for what is real here and what is a model.
#ifndef PANTHER_TESTS_SIMULATION_WORLD_H
#define PANTHER_TESTS_SIMULATION_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "tests/simulation/agenda.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/rarities.h"
#include "tests/simulation/trace.h"

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define AGENTS_MAX 12
// Of a fault, a service's time and a connection: how they are drawn does not shift when another part asks for more.
struct world_dice {
    struct dice shape, faults, network, disk, work, ids, holds;
};

// How long things take. A story's are constant, so that its trace reads well.
struct pace {
    uint32_t network_least_us, network_most_us;
    uint32_t commit_least_us, commit_most_us;
    uint32_t work_least_us, work_most_us; // of a plugin's call
};

struct coordinator_host;
struct agent_host;
struct network;
struct client;
struct oracle;
struct faults;
struct upload;

struct world {
    uint64_t seed, now_ns;
    struct agenda agenda;
    struct arena *arena;   // all that lives as long as the world
    struct arena *scratch; // of the call at hand
    struct trace trace;
    struct world_dice dice;
    struct pace pace;
    uint64_t *rarities; // [RARITY_COUNT], counted on over many worlds
    struct coordinator_host *coordinator;
    struct agent_host *agents[AGENTS_MAX];
    size_t agent_count;
    struct network *network;
    struct client *client;
    struct oracle *oracle;
    struct faults *faults;
    struct upload *uploads; // files.c
    uint64_t tickets;
    bool is_calm;                // nothing goes wrong any more
    uint64_t settled_ns;         // and from here on, what begins goes well
    bool has_injected;           // commands came that no coordinator gave
    bool has_copy;               // a second host has or had the key of one
    bool may_be_restored;        // the coordinator, from a backup
    bool is_gentle;              // nothing happens that may cost a trial
    uint32_t hold_ms;            // the longest hold that was asked for
    bool is_harsh;               // frames are dropped, doubled and overtaken inside a connection, which TCP never does
    const char *broken_property; // NULL: nothing was found
    char *broken_text;
};

struct world *world_new(uint64_t seed, uint64_t *rarities, FILE *trace);
void world_free(struct world **world);
// Runs what is due until the time, or until a property breaks.
void world_run_until(struct world *world, uint64_t until_ns);
// The first one stays: what follows from it says nothing.
void world_fail(struct world *world, const char *property, const char *format, ...) __attribute__((format(printf, 3, 4)));
void world_saw(struct world *world, enum rarity rarity);
uint64_t world_delay_ns(struct dice *dice, uint32_t least_us, uint32_t most_us);

#endif
