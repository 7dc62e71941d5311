// What stands in an agent's database: the rows that agent/shell/storage_records.c would write, as arrays. A batch is put in whole, when it
// is committed, so a crash loses batches and nothing less.
#ifndef PANTHER_TESTS_SIMULATION_AGENT_DISK_H
#define PANTHER_TESTS_SIMULATION_AGENT_DISK_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/core/core.h"

struct disk_event {
    uint64_t sequence;
    const uint8_t *data;
    size_t bytes;
};

struct agent_disk {
    struct arena *arena; // of what is kept
    struct agent_facts facts;
    struct agent_row *rows; // in order of (instance, generation), each with its specification
    size_t row_count, row_capacity;
    struct agent_tombstone *tombstones; // in order of the instance
    size_t tombstone_count, tombstone_capacity;
    struct disk_event *events;
    size_t event_count, event_capacity;
};

void agent_disk_wipe(struct agent_disk *disk);
void agent_disk_end(struct agent_disk *disk);
// NULL, or what is wrong: a database would refuse it.
const char *agent_disk_apply(struct agent_disk *disk, const struct agent_output *output);
const struct agent_row *agent_disk_row(const struct agent_disk *disk, uint64_t instance, uint32_t generation);
// The events from `first` on; NULL: they are not all there.
const struct disk_event *agent_disk_events(const struct agent_disk *disk, uint64_t first, size_t count);
// Fills the start of an agent's core from what is here.
void agent_disk_load(const struct agent_disk *disk, struct agent_input *start, struct arena *arena);

#endif
