// A store, a bulk server and a reader as the coordinator has them, and peers that speak with the server over loopback.
#ifndef PANTHER_TESTS_INTEGRATION_BULK_LAB_H
#define PANTHER_TESTS_INTEGRATION_BULK_LAB_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "common/bus/bus.h"
#include "coordinator/shell/bulk.h"
#include "coordinator/shell/reader.h"
#include "tests/unit/store/story.h"

#define PATIENCE_MS 20000
// Instances of the story: a server on lab-a and a tester on lab-b.
#define SERVER_INSTANCE 71
#define LOAD_INSTANCE 72
#define SERVER_NAME "r1/load/nginx/1/server/"

struct keys {
    char public_key[BUS_KEY_TEXT_BYTES], secret_key[BUS_KEY_TEXT_BYTES];
};

struct lab {
    char root[64];
    char *folder;
    struct loop *loop;
    struct store *store;
    struct bulk *bulk;
    struct keys keys;
    struct story story;
    struct panther_error error;
    bool holds_commits; // contents are announced but not recorded
    size_t announced;
    uint64_t batch, ticket; // the last
    uint64_t committed;
    uint64_t tickets[64]; // by batch
};

struct peer {
    struct lab *lab;
    struct keys keys;
    struct bus_link *link;
    bool up, lost, answered;
    uint64_t number;
    struct arena *arena;
    Pb__BulkEnvelope *answer;
    struct text payload;
};

int lab_begin(void **state);
int lab_end(void **state);
void lab_start_bulk(struct lab *lab);
void lab_release(struct lab *lab, const Pb__ContentStored *content, uint64_t ticket);

void peer_open(struct peer *peer, struct lab *lab, const char *name, int role); // role 0: an unknown key
void peer_close(struct peer *peer);
void peer_send(struct peer *peer, Pb__BulkEnvelope *question, const void *payload, size_t bytes);
void peer_wait(struct peer *peer);

// What an agent puts; defaults: instance SERVER_INSTANCE, generation 1, a stream.
struct put {
    Pb__BulkKind kind;
    uint64_t instance;
    const char *name, *hash;
    uint64_t offset, total_bytes;
    bool last;
    const void *data;
    size_t bytes;
};
void peer_put(struct peer *peer, struct put put); // without waiting
void peer_put_answered(struct peer *peer, struct put put, uint64_t have, bool complete);
void peer_put_refused(struct peer *peer, struct put put, Pb__RefusalCode code);
void peer_get(struct peer *peer, const char *stream, const char *hash, uint64_t offset); // and waits

#define WAIT_FOR(lab, condition)                                                                                                           \
    do {                                                                                                                                   \
        uint64_t deadline_ns = clock_boottime_ns() + PATIENCE_MS * UINT64_C(1000000);                                                      \
        while (!(condition)) {                                                                                                             \
            if (clock_boottime_ns() > deadline_ns)                                                                                         \
                fail_msg("never happened: %s", #condition);                                                                                \
            loop_run_once((lab)->loop, 50);                                                                                                \
        }                                                                                                                                  \
    } while (0)

#endif
