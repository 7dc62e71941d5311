// Shared by faults*.c only.
#ifndef PANTHER_TESTS_SIMULATION_FAULTS_INSIDE_H
#define PANTHER_TESTS_SIMULATION_FAULTS_INSIDE_H

#include "tests/simulation/dice.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/world.h"

typedef void happening_fn(struct world *world);

// Something that happens by itself, at times.
struct happening {
    enum rarity rarity;
    happening_fn *happen;
};

#define HAPPENINGS_MAX 48

struct faults {
    struct world *world;
    struct dice dice[RARITY_COUNT];
    unsigned per_mille[RARITY_COUNT]; // of those that strike where something is done
    const struct happening *on[HAPPENINGS_MAX];
    size_t on_count;
    uint64_t pace_ns; // between two happenings, at the most
    struct timer next;
    uint64_t backup_records; // of the store, when it was backed up; 0: never
    struct agent_host *copy; // with a copied key
};

size_t faults_happenings(const struct happening **list);
struct agent_host *faults_some_agent(struct world *world); // any, but the one with the copied key
void faults_plan_restore(struct world *world);             // a backup, and later the coordinator from it
uint64_t faults_later(struct world *world, uint64_t least_ms, uint64_t most_ms);

// ---- faults_frames.c
void happen_old_frame(struct world *world);
void happen_repeated_command(struct world *world);
void happen_newer_generation(struct world *world);
void happen_stale_grant(struct world *world);

#endif
