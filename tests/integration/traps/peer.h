// An agent as far as a coordinator can tell from its session: Hello, Welcome, heartbeats, events. The test says when.
#ifndef PANTHER_TESTS_INTEGRATION_TRAPS_PEER_H
#define PANTHER_TESTS_INTEGRATION_TRAPS_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/identity.h"
#include "common/bus/bus.h"
#include "common/wire/wire.h"

#define PATIENCE_MS 30000 // a probe that is not true by then never will be

struct peer {
    struct loop *loop;
    struct bus_link *link;
    struct arena *arena; // of the last message
    char name[32], host_id[ID128_TEXT_BYTES], boot_id[ID128_TEXT_BYTES], epoch[ID128_TEXT_BYTES];
    char address[32];
    uint64_t last; // events that its outbox gave out
    bool up, lost;
    unsigned welcomes, refusals, beats, acknowledgements; // heard
    uint64_t session, last_seen, acknowledged;
    int refusal;
    char why[512];
};

void peer_begin(struct peer *peer, struct loop *loop, const char *name, char digit); // identities made of this hex digit
void peer_end(struct peer *peer);
void peer_connect(struct peer *peer, const struct bus_peer_file *key, const char *endpoint); // and waits until the transport is up
void peer_hello(struct peer *peer);
void peer_welcomed(struct peer *peer); // Hello, and waits for Welcome
void peer_beat(struct peer *peer);
void peer_event(struct peer *peer, uint64_t session, uint64_t sequence); // a note of an instance that nobody knows: it is kept as evidence

#define WAIT_FOR(loop, condition)                                                                                                          \
    do {                                                                                                                                   \
        uint64_t until_ns_ = clock_boottime_ns() + PATIENCE_MS * UINT64_C(1000000);                                                        \
        while (!(condition)) {                                                                                                             \
            if (clock_boottime_ns() > until_ns_)                                                                                           \
                fail_msg("never happened: %s", #condition);                                                                                \
            loop_run_once((loop), 20);                                                                                                     \
        }                                                                                                                                  \
    } while (0)

#endif
