// What may be said only after a commit: packed messages, routes to close, tickets and keys, held per batch of records and released in
// order.
#ifndef PANTHER_COORDINATOR_SHELL_OUTBOUND_H
#define PANTHER_COORDINATOR_SHELL_OUTBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coordinator/core/core.h"

struct outbound_message {
    uint64_t route;
    uint8_t *data; // heap
    size_t bytes;
    bool leads; // commands to this route stay behind it
};

struct outbound_key {
    bool is_added;
    char *public_key, *name;
    int role;
};

struct outbound_batch {
    uint64_t number; // of the writer; 0: nothing to wait for but the batches before
    struct outbound_message *messages;
    size_t message_count;
    uint64_t *closed;
    size_t closed_count;
    uint64_t *tickets;
    size_t ticket_count;
    struct outbound_key *keys;
    size_t key_count;
    struct outbound_batch *next;
};

struct outbound;
struct outbound *outbound_new(void);
void outbound_free(struct outbound **outbound);
// Takes what is not urgent out of the effects, packed; number 0: no records were in them.
void outbound_hold(struct outbound *outbound, const struct core_effects *effects, uint64_t number);
// The next batch whose records (and all before) are committed up to number; NULL: none. The caller frees it.
struct outbound_batch *outbound_next(struct outbound *outbound, uint64_t committed);
void outbound_batch_free(struct outbound_batch **batch);
// Welcome, and commands: what a command to the same agent must not overtake. An agent without Welcome takes none.
bool outbound_leads(const struct core_send *send);
// Such a message waits, or is noted to be held next.
void outbound_note(struct outbound *outbound, uint64_t route);
bool outbound_holds_back(const struct outbound *outbound, uint64_t route);
size_t outbound_count(const struct outbound *outbound);

#endif
