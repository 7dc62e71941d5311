// The second link of an agent, for what is large: opened when somebody wants to send or fetch, closed when idle, made anew when lost.
// Every request is repeatable (it carries its offset), so what was on its way at a loss is simply built and sent again.
#ifndef PANTHER_AGENT_SHELL_BULK_H
#define PANTHER_AGENT_SHELL_BULK_H

#include "common/bus/bus.h"
#include "common/wire/wire.h"

enum bulk_class { BULK_STREAMS, BULK_ARTIFACTS, BULK_CLASSES }; // logs come before captures

// One conversation about one file: at most one request of it is on its way. Embedded by its owner.
struct bulk_job {
    // Fills the body of the request; the payload stays valid until the return to the loop. false: nothing to ask after all.
    bool (*build)(void *context, Pb__BulkEnvelope *request, struct arena *arena, const void **payload, size_t *bytes);
    void (*answered)(void *context, const Pb__BulkEnvelope *answer, const uint8_t *payload, size_t bytes);
    void *context;
    enum bulk_class class;
    // bulk.c's
    uint64_t not_before_ns;
    uint64_t number;  // of the request on its way; 0: none
    uint64_t sent_ns; // when it left
    bool wanted;
};

struct bulk;
struct bulk *bulk_new(struct loop *loop, const struct bus_peer_file *peer);
void bulk_free(struct bulk **bulk);
// From Welcome: the link is made anew, and what was not answered over the old one is sent again. Nothing is sent before the first.
void bulk_set_port(struct bulk *bulk, uint32_t port);
// Build and send soon, but not before that time (boottime, 0: at once). Wanting again moves the time forward only.
void bulk_want(struct bulk *bulk, struct bulk_job *job, uint64_t not_before_ns);
void bulk_forget(struct bulk *bulk, struct bulk_job *job);

#endif
