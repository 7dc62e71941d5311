// The coordinator's one loop from the inside: reactor.c runs it, requests.c answers what is the shell's own to answer.
#ifndef PANTHER_COORDINATOR_SHELL_REACTOR_STATE_H
#define PANTHER_COORDINATOR_SHELL_REACTOR_STATE_H

#include "common/bus/bus.h"
#include "common/system/loop.h"
#include "common/system/space.h"
#include "common/wire/wire.h"
#include "coordinator/core/core.h"
#include "coordinator/shell/audits.h"
#include "coordinator/shell/backup.h"
#include "coordinator/shell/bulk.h"
#include "coordinator/shell/gates.h"
#include "coordinator/shell/outbound.h"
#include "coordinator/shell/reader.h"
#include "coordinator/shell/retention.h"
#include "coordinator/shell/serve.h"
#include "coordinator/shell/snapshots.h"
#include "coordinator/store/store.h"

struct reactor {
    const struct serve_options *options;
    struct loop *loop;
    struct store *store;
    struct core *core;
    struct core_effects effects;
    struct bus_server *server;
    struct bulk *bulk;
    struct reader *reader;
    struct backup *backup;
    struct audits *audits;
    struct snapshots *snapshots;
    struct retention *retention;
    uint64_t retention_waits; // for this batch: until it is on the disk, the store does not say what was removed
    struct gates *gates;
    struct outbound *outbound;
    struct loop_source *tick;
    struct arena *unpacked;       // of the message at hand: capped, its content is a stranger's
    struct arena *scratch;        // of what we make of it
    uint64_t committed, appended; // batches
    struct space space;           // of the data folder's disk
    uint64_t looked_ns;
    bool is_out_of_descriptors;
    bool is_full; // the writer waits for room
    char full_why[PANTHER_ERROR_MESSAGE_BYTES];
    uint64_t agent_keys; // at the start
    bool broken;
};

// reactor.c: gives an event to the core and does what it wants.
void reactor_step(struct reactor *reactor, struct core_event *event);
void reactor_say(struct reactor *reactor, uint64_t route, Pb__Envelope *envelope);
void reactor_look_at_space(struct reactor *reactor);
void reactor_tell_space(struct reactor *reactor); // to the core

// requests.c: what a client asks for, to the core or to a thread of ours; what threads have found, in the loop's thread.
void requests_take(struct reactor *reactor, struct core_event *event, const Pb__Request *request);
void requests_on_rows(void *context, uint64_t route, uint64_t request, Pb__Rows *rows, const struct panther_error *error);
void requests_on_backed_up(void *context, uint64_t route, uint64_t request, const char *path, uint64_t bytes, uint64_t records,
                           const struct panther_error *error);
void requests_on_audited(void *context, uint64_t route, uint64_t request, Pb__Audited *result, const struct panther_error *error);
void requests_on_retention(void *context, uint64_t route, uint64_t request, Pb__Retention *told, const struct panther_error *error);
// number 0: an answer to no request
void reactor_refuse(struct reactor *reactor, uint64_t route, uint64_t number, int code, const char *text);
int reactor_refusal_of(int code); // enum panther_code of an error -> RefusalCode

#endif
