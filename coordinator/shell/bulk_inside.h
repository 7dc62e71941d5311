// The bulk thread's inside: bulk.c is the thread, bulk_put.c receives, bulk_get.c sends.
#ifndef PANTHER_COORDINATOR_SHELL_BULK_INSIDE_H
#define PANTHER_COORDINATOR_SHELL_BULK_INSIDE_H

#include <stdatomic.h>

#include "common/base/identity.h"
#include "common/base/map.h"
#include "common/base/read_marks.h"
#include "common/bus/bus.h"
#include "common/system/space.h"
#include "coordinator/shell/bulk.h"
#include "coordinator/store/store.h"

// Who is asking, and which question is being answered.
struct bulk_asker {
    bus_route route;
    uint64_t number;
    int role;
    char name[NAME_MAX_BYTES];
};

// A content that is complete and waits for its record's commit.
struct bulk_ticket {
    uint64_t ticket;
    struct bulk_asker asker; // the last who asked
    char *path;              // of the growing file
    uint64_t bytes;
};

struct bulk_server {
    const char *folder;
    struct space space; // of the folder's disk
    struct bus_server *server;
    struct store_reader *reader;
    struct map *keys;    // public key -> struct bulk_key
    struct map *tickets; // number -> struct bulk_ticket
    struct map *by_path; // the same by path
    uint64_t last_ticket;
    struct map *marks; // path of the growing file -> struct read_marks, the streams that began last
    struct {
        _Atomic uint64_t malformed, refused, deferred, wrong_hash, stored, bytes_in, bytes_out;
    } counters;
    // Hands a complete content to the reactor.
    void (*announce)(struct bulk_server *server, const Pb__ContentStored *content, uint64_t ticket);
};

void bulk_answer(struct bulk_server *server, const struct bulk_asker *asker, Pb__BulkEnvelope *answer, const void *payload,
                 size_t payload_bytes);
void bulk_refuse(struct bulk_server *server, const struct bulk_asker *asker, Pb__RefusalCode code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void bulk_refuse_error(struct bulk_server *server, const struct bulk_asker *asker, const struct panther_error *error);

void bulk_put(struct bulk_server *server, const struct bulk_asker *asker, const Pb__PutChunk *chunk, const void *payload,
              size_t payload_bytes);
void bulk_put_committed(struct bulk_server *server, uint64_t ticket);
void bulk_put_end(struct bulk_server *server); // frees the tickets
void bulk_have_blobs(struct bulk_server *server, const struct bulk_asker *asker, const Pb__HaveBlobs *have);
void bulk_get(struct bulk_server *server, const struct bulk_asker *asker, const Pb__GetChunk *get);

#endif
