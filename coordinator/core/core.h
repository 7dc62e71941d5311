// The coordinator as a deterministic state machine: in go events with the time in them; out come records to keep and then messages to send,
// in that order. Calls no socket, clock, disk, random source or log. Used by coordinator/shell/reactor.c and by tests/simulation.
//
// Two parts (decision 2): `durable` is changed by durable_apply(record) alone, so replay gives it back; `sessions` is rebuilt from Hello.
#ifndef PANTHER_COORDINATOR_CORE_CORE_H
#define PANTHER_COORDINATOR_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "panther/v1/envelope.pb-c.h"
#include "panther/v1/journal.pb-c.h"
#include "panther/v1/snapshot.pb-c.h"

struct core;

struct core_options {
    const char *version; // of the program, shown by status
    uint32_t bulk_port;
    uint32_t heartbeat_ms; // 0: HEARTBEAT_MS; suspect, lost and lease follow from limits.h
    uint32_t case_window;  // cases on their way to one tester; 0: CASES_IN_FLIGHT_MAX (benchmarks measure smaller ones)
    const char *endpoint;  // as told to new peers
    const char *server_key;
    bool samples_passed; // captures and artifacts of cells that pass stay for one in so many, where a test does not say it; else for all
    uint32_t passed_one_in;
};

enum core_event_kind {
    CORE_TICK,         // time passes: at least every 250 ms
    CORE_MESSAGE,      // an envelope that common/wire found valid, from a peer whose key is known
    CORE_GONE,         // the route is gone
    CORE_SUBMIT,       // a Submit request, its experiment resolved (or not) by the shell
    CORE_CONTENT,      // bulk has a complete stream or artifact
    CORE_GATES,        // a run was held against its gates, as effects->gated asked for
    CORE_RETENTION,    // evidence that the rules of retention take away
    CORE_SPACE,        // the disk is full, or short, or not any more; or status is asked for
    CORE_STORE_OPENED, // first event after replay
};

struct core_event {
    enum core_event_kind kind;
    uint64_t now_ns; // CLOCK_BOOTTIME of the coordinator's host
    int64_t wall_ns; // to show only
    uint64_t random; // for ids of sessions; any value that was not used before
    // CORE_MESSAGE, CORE_GONE, CORE_SUBMIT
    uint64_t route;
    const char *peer_name; // what the key says
    int role;              // Pb__Role
    const char *public_key;
    const Pb__Envelope *envelope;
    // CORE_SUBMIT
    uint64_t request;
    const Pb__Submit *submit;
    const Pb__Experiment *experiment; // NULL: diagnostics say why not
    Pb__Diagnostic *const *diagnostics;
    size_t diagnostic_count;
    const char *content_hash; // of text, files and overrides
    // CORE_CONTENT
    const Pb__ContentStored *content;
    uint64_t ticket; // given back in effects->tickets
    // CORE_GATES
    uint64_t run;
    const Pb__RunGates *gates;
    // CORE_RETENTION
    const Pb__EvidenceRemoved *const *removed;
    size_t removed_count;
    // CORE_SPACE
    bool is_full; // nothing can be written
    bool is_low;  // the reserve has been reached: what runs may end, nothing new begins
    const char *why;
    const Pb__DiskSpace *disk; // to show
    // CORE_STORE_OPENED
    const char *store_id; // used when the store is new
    const char *home;     // tells the file of the journal from every copy of it; NULL: not known
};

struct core_send {
    uint64_t route;
    Pb__Envelope *envelope;
    bool urgent; // may go before the batch is committed: it tells nothing that a crash could take back
    bool prompt; // needs no commit (a command that follows from records that are committed already, a question that changes nothing), but
                 // keeps its place behind Welcome and commands
};

// A run whose cells have all ended and whose gates are to be judged, from what is committed then.
struct core_gated {
    uint64_t run;
    const Pb__Experiment *experiment; // borrowed until the next step
};

// What a step decided. Lives in `arena` until effects_clear. Several steps may add to one batch.
struct core_effects {
    struct arena *arena;
    Pb__Record **records;
    size_t record_count, record_capacity;
    struct core_send *sends;
    size_t send_count, send_capacity;
    uint64_t *closed; // routes to forget after their sends
    size_t closed_count, closed_capacity;
    uint64_t *tickets; // contents whose records are in this batch
    size_t ticket_count, ticket_capacity;
    struct core_gated *gated;
    size_t gated_count, gated_capacity;
};
void effects_begin(struct core_effects *effects);
void effects_clear(struct core_effects *effects);
void effects_end(struct core_effects *effects);

struct core *core_new(const struct core_options *options);
void core_free(struct core **core);
// Recovery: every record of the journal, in order, before the first step. NULL, or why a record cannot follow those before it (lives as
// long as the core, which is to be thrown away then).
const char *core_replay(struct core *core, const Pb__Record *record);
// Or from a snapshot: the durable state as messages (borrowed, during the call only), at any time between two steps; and back into a new
// core, in the same order, before the records that came after it are replayed. core_load: NULL, or a static reason why a part does not
// fit; that core is to be thrown away, and the whole journal to be replayed into another.
typedef void core_part_fn(void *context, const Pb__SnapshotPart *part);
void core_save(const struct core *core, core_part_fn *callback, void *context);
const char *core_load(struct core *core, const Pb__SnapshotPart *part);
void core_step(struct core *core, const struct core_event *event, struct core_effects *effects);

// Roles are looked up at every message. False: unknown or revoked. `name` lives until the next step.
bool core_key(const struct core *core, const char *public_key, const char **name, int *role);
typedef void core_key_fn(void *context, const char *public_key, const char *name, int role);
void core_keys(const struct core *core, core_key_fn *callback, void *context);
// The descriptions an experiment is checked against: one per name, in order of name. Borrowed until the next step.
size_t core_plugins(const struct core *core, const Pb__PluginDescription ***items, struct arena *arena);
uint64_t core_last_run(const struct core *core);
bool core_is_idle(const struct core *core); // no run is open
// The durable state as text, in a canonical order: replay must give the same (P7).
void core_print(const struct core *core, struct text *out);
void core_counter_set(struct core *core, const char *counter, uint64_t value); // of something that counts by itself
void core_count(struct core *core, const char *counter);                       // shells count what they drop: "malformed", "oversized", ...

#endif
