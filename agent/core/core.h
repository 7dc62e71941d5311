// The agent's core: a deterministic state machine without I/O. The shell feeds it inputs that carry the time in them; it
// answers with records to keep and effects to perform. It never asks for anything: files, guards and the link answer by inputs.
//
// Two kinds of effects: those with after_commit set are held until the batch of records they came with is on disk (spawn a guard,
// acknowledge a spool, remove a folder); the others are performed at once, in order. Events leave only when they are committed.
//
// The durable part is what the records say: facts, the instance table with its tombstones, the outbox. Everything else (session,
// heartbeats, window, attached guards) is made anew after a restart, from the loaded rows and from what the guards say.
#ifndef PANTHER_AGENT_CORE_CORE_H
#define PANTHER_AGENT_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/identity.h"
#include "common/base/memory.h"
#include "panther/v1/envelope.pb-c.h"
#include "panther/v1/guard.pb-c.h"

// ---- limits
// Instances that are not forgotten yet: slots, and ended ones whose events or files wait for the coordinator.
#define AGENT_INSTANCES_MAX 1024
// Highest generations of forgotten instances: a late command may name one of the last 16,384, an older id is stale by its number.
#define AGENT_TOMBSTONES_MAX 16384
// Events in the outbox: hours of a disconnected, talkative host. Above it spools are not read: they wait on the guards' disk.
#define AGENT_OUTBOX_MAX (1024 * 1024)
// And in bytes: of events at their usual size as many, of the fattest still 8,192.
#define AGENT_OUTBOX_MAX_BYTES (UINT64_C(512) * 1024 * 1024)
// Sent and not acknowledged: enough for 10,000 events/s over 200 ms of commit and way; frames as libzmq's queue holds 1,000.
#define AGENT_WINDOW_EVENTS 4096
#define AGENT_WINDOW_FRAMES 64
// Events of a guard's spool between two acknowledgements: a guard keeps its spool whole, so it need not be woken for each.
#define AGENT_ACKNOWLEDGE_EVENTS 256
// A frame of events by size: a quarter of a control frame, so that one fat event always fits on top.
#define AGENT_EVENTS_FRAME_BYTES (1024 * 1024)
// Commands that wait for a guard to be attached: all that can be in flight to one instance, and the lifecycle's five.
#define AGENT_COMMANDS_WAITING_MAX 72
#define AGENT_FILES_PER_INSTANCE_MAX 256
#define AGENT_PLUGINS_MAX 512
#define AGENT_DESCRIPTIONS_PER_FRAME_MAX 32
// Back-off between sessions: doubles from the first to the second, times a random factor of 1/2 to 1.
#define AGENT_BACKOFF_FIRST_MS 100
#define AGENT_BACKOFF_MOST_MS 5000
// From Hello to Welcome; a coordinator that replays its journal answers Refused (busy) long before.
#define AGENT_GREETING_MS 10000
// How long a refused agent stays away when the coordinator names no time, and when it found an older store.
#define AGENT_REFUSED_MS 5000
#define AGENT_STORE_OLDER_MS 30000
// How long the first Hello waits for the guards of the last life to answer.
#define AGENT_ADOPTION_MS 5000
// A guard ends itself when its lease has passed, within its kill ladder. One that is stopped or hangs cannot: the agent kills it.
#define AGENT_OVERDUE_MS 15000
// Sent heartbeats that a grant may echo: 32 at the fastest pace of 100 ms is longer than any useful delay.
#define AGENT_HEARTBEATS_REMEMBERED 32
// What an event made here may take when it is packed, beside its text.
#define AGENT_EVENT_BYTES 512

// ---- durable state as the store gives and takes it
struct agent_facts {
    char epoch[ID128_TEXT_BYTES]; // empty: a new store
    char store_id[64];            // of the coordinator; empty: none known yet
    uint64_t incarnation;
    uint64_t acknowledged;    // outbox events up to here are freed
    uint64_t tombstone_floor; // instances up to this id that are in no table are stale
};

// One row of the instance table. Written with its specification before the guard is spawned, then updated without it.
struct agent_row {
    uint64_t instance;
    uint32_t generation;
    uint32_t last_command;     // highest number taken in; the guard may know of a higher one
    uint64_t spool_offset;     // bytes of the spool that are in the outbox
    uint64_t spool_sequence;   // of the last event read
    uint64_t outbox_last;      // the last outbox sequence that is this instance's
    bool ended;                // its InstanceEnded is in the outbox, or was acknowledged
    bool discarded;            // nobody wants it
    const Pb__GuardSpec *spec; // NULL in an update
};

struct agent_tombstone {
    uint64_t instance;
    uint32_t generation;
};

// ---- inputs
enum agent_input_kind {
    AGENT_INPUT_START, // first, once
    AGENT_INPUT_TICK,  // agent_core_deadline has come
    AGENT_INPUT_LINK_UP,
    AGENT_INPUT_LINK_LOST,
    AGENT_INPUT_MESSAGE,
    AGENT_INPUT_COMMITTED, // a batch is on disk
    AGENT_INPUT_STORAGE_FULL,
    AGENT_INPUT_CATALOGUE, // plugins as found now; the first one lets the agent connect
    AGENT_INPUT_GUARD_ATTACHED,
    AGENT_INPUT_GUARD_DETACHED, // its socket is gone, it may live
    AGENT_INPUT_GUARD_GONE,     // it has ended and its spool was read to the end
    AGENT_INPUT_NOT_SPAWNED,    // a spawn failed
    AGENT_INPUT_NEVER_SPAWNED,  // answer to adopt: nothing was ever started for this row
    AGENT_INPUT_SPOOL,
    AGENT_INPUT_SWEPT,
    AGENT_INPUT_FILE,      // a fetched file is there, or cannot be had
    AGENT_INPUT_SURVEYED,  // answer to survey
    AGENT_INPUT_CAPTURE,   // answer to read capture
    AGENT_INPUT_PLANNED,   // answer to plan
    AGENT_INPUT_SHELL,     // what a guard said of a shell
    AGENT_INPUT_PLACED,    // answer to place plugin
    AGENT_INPUT_BULK_DONE, // streams and artifacts are complete at the coordinator, or it does not want them
    AGENT_INPUT_STOP,
};

struct agent_plugin {
    const Pb__PluginPresence *presence;
    const Pb__PluginDescription *description; // NULL: did not load
};

// An event read from a spool, with its bytes as they stand there, so that nobody packs it again.
struct agent_spooled {
    const Pb__Event *event;
    const void *packed;
    size_t bytes;
};

struct agent_input {
    enum agent_input_kind kind;
    uint64_t now_ns;   // boottime
    int64_t wall_ns;   // to show only
    uint64_t random;   // fresh with every input: jitter, epochs
    uint64_t instance; // guard inputs, swept, bulk done
    uint32_t generation;
    union {
        struct {
            const Pb__Hello *self; // name, host id, boot id, version, slots, labels, addresses, facts: copied
            uint32_t port_first, port_count;
            bool takes_no_shells;
            struct agent_facts facts;
            const struct agent_row *rows;
            size_t row_count;
            const struct agent_tombstone *tombstones;
            size_t tombstone_count;
            const uint32_t *outbox_bytes; // packed size of every event after facts.acknowledged, without a hole
            size_t outbox_count;
        } start;
        struct {
            uint64_t disk_free_bytes;
            bool disk_is_short;
        } tick;
        struct {
            const char *why;
        } link_lost;
        struct {
            const Pb__Envelope *envelope; // checked by common/wire
        } message;
        struct {
            uint64_t outbox_last; // of the batch's output: every outbox event up to here is on disk; 0: it had none
            uint32_t outbox_life;
        } committed;
        struct {
            bool full;
        } storage;
        struct {
            const struct agent_plugin *plugins;
            size_t count;
            bool probed; // versions and programs were looked at
        } catalogue;
        struct {
            const Pb__GuardState *state;
        } attached;
        struct {
            bool rebooted;   // the host was restarted since
            const char *why; // of not spawned, gone
        } gone;
        struct {
            const struct agent_spooled *events; // at most EVENTS_PER_FRAME_MAX
            size_t count;
            uint64_t offset; // of the spool after the last of them
        } spool;
        struct {
            uint32_t killed;
        } swept;
        struct {
            uint64_t session, number; // of the effect
            Pb__HostProcess *const *processes;
            size_t count; // at most HOST_PROCESSES_MAX
            uint64_t left_out;
        } survey;
        struct {
            uint64_t session; // of the effect
            const Pb__CaptureRead *read;
        } capture;
        struct {
            uint64_t session; // of the effect
            const Pb__PluginPlanned *answer;
        } planned;
        struct {
            const Pb__ShellAnswer *answer;
        } shell;
        struct {
            uint64_t session, push; // of the effect
            Pb__PlacedState state;
            const char *text;
        } placed;
        struct {
            const char *hash;
            bool folder;
            const char *path; // NULL: cannot be had
            const char *why;
        } file;
        struct {
            const char *why;
        } stop;
    };
};

// ---- outputs
enum agent_record_kind {
    AGENT_RECORD_FACTS,
    AGENT_RECORD_INTENT, // a new row, with its specification
    AGENT_RECORD_UPDATE,
    AGENT_RECORD_FORGET, // the row becomes a tombstone
    AGENT_RECORD_TOMBSTONE_DROP,
    AGENT_RECORD_APPEND,
    AGENT_RECORD_FREE,  // outbox events up to a sequence
    AGENT_RECORD_RESET, // everything goes: another store; new facts follow
};

struct agent_record {
    enum agent_record_kind kind;
    const void *packed_spec; // of an intent: the shell's place for the packed row.spec
    size_t packed_spec_bytes;
    union {
        struct agent_facts facts;
        struct agent_row row;
        struct agent_tombstone tombstone;
        struct {
            uint64_t sequence;
            const Pb__Event *event;
            const void *packed; // NULL: the core made the event
            size_t bytes;
        } append;
        uint64_t freed;
    };
};

enum agent_effect_kind {
    AGENT_EFFECT_OPEN_LINK,
    AGENT_EFFECT_CLOSE_LINK, // after what was sent has left
    AGENT_EFFECT_SEND,
    AGENT_EFFECT_SEND_EVENTS, // from the outbox, as one frame
    AGENT_EFFECT_PROBE,       // look at versions and programs, then give the catalogue again
    AGENT_EFFECT_FETCH_FILE,  // answered by AGENT_INPUT_FILE, also when it is there already
    AGENT_EFFECT_SPAWN,       // answered by ATTACHED, GONE or NOT_SPAWNED
    AGENT_EFFECT_ADOPT,       // look for the guard of a row: ATTACHED, GONE or NEVER_SPAWNED
    AGENT_EFFECT_GUARD,       // a request to an attached guard
    AGENT_EFFECT_KILL_GUARD,  // it outlived its lease
    AGENT_EFFECT_SWEEP,       // kill what a lost guard left: SWEPT
    AGENT_EFFECT_REMOVE_FOLDER,
    AGENT_EFFECT_SURVEY,       // look at all processes of instances: SURVEYED
    AGENT_EFFECT_READ_CAPTURE, // a piece of what an instance captures: CAPTURE
    AGENT_EFFECT_PLAN,         // what a plugin would run: PLANNED
    AGENT_EFFECT_PLACE_PLUGIN, // have a pushed plugin, or no more: PLACED
    AGENT_EFFECT_LOG,
    AGENT_EFFECT_STOPPED, // everything was said: the program may end
};

enum agent_log_level { AGENT_LOG_DEBUG, AGENT_LOG_INFO, AGENT_LOG_WARNING, AGENT_LOG_ERROR };

struct agent_effect {
    enum agent_effect_kind kind;
    bool after_commit;
    bool folder; // fetch file: it is an archive (common/archive), wanted as a folder
    uint64_t instance;
    uint32_t generation;
    union {
        Pb__Envelope *envelope;
        struct {
            uint64_t first;
            uint32_t count;
        } events;
        const char *hash;
        struct {
            uint64_t session, number;
        } survey;
        struct {
            uint64_t session;
            const Pb__ReadCapture *read;
        } capture;
        struct {
            uint64_t session;
            const Pb__PlanPlugin *plugin;
        } plan;
        struct {
            uint64_t session;
            const Pb__PlacePlugin *plugin;
        } place;
        const Pb__GuardSpec *spec;   // spawn; the shell adds its own paths
        const struct agent_row *row; // adopt
        const Pb__GuardRequest *request;
        struct {
            enum agent_log_level level;
            const char *text;
        } log;
    };
};

// Zero-initialised with an arena: several steps may fill one output. What it points to lives in the arena, or is what the inputs
// pointed to (events): both must live until the batch was performed.
struct agent_output {
    struct arena *arena;
    struct agent_record *records;
    size_t record_count, record_capacity;
    struct agent_effect *effects;
    size_t effect_count, effect_capacity;
    // highest appended; 0: none
    uint64_t outbox_last;
    uint32_t outbox_life; // counts the epochs, so that a late commit of an old one is not taken for the new
    bool urgent;          // somebody waits for the commit; else it may be gathered for a while
};
void agent_output_clear(struct agent_output *output); // the arrays, not the arena

struct agent_counters {
    uint64_t commands_stale, commands_repeated, commands_unknown, commands_impossible;
    uint64_t messages_stale, messages_impossible;
    uint64_t grants_stale, events_repeated, events_foreign;
    uint64_t sessions, events_sent, events_acknowledged;
};

struct agent_core;
struct agent_core *agent_core_new(void);
void agent_core_free(struct agent_core **core);
void agent_core_step(struct agent_core *core, const struct agent_input *input, struct agent_output *output);

// When the next tick is due (boottime); 0: never.
uint64_t agent_core_deadline(const struct agent_core *core);
// How many spooled events it takes now; the rest waits in the spools.
size_t agent_core_event_room(const struct agent_core *core);
bool agent_core_is_live(const struct agent_core *core);
uint64_t agent_core_session(const struct agent_core *core); // 0: none
// Is a file below the folder the plugin of an instance that has not ended?
bool agent_core_uses_plugin(const struct agent_core *core, const char *folder);
const char *agent_core_epoch(const struct agent_core *core);
const char *agent_core_session_state(const struct agent_core *core); // "live"
const struct agent_counters *agent_core_counters(const struct agent_core *core);
// The durable state as text, to be compared with what a restart loads.
void agent_core_print(const struct agent_core *core, struct text *out);
// The two lifecycles, for READMEs and tests.
struct lifecycle;
const struct lifecycle *agent_session_lifecycle(void);
const struct lifecycle *agent_instance_lifecycle(void);

#endif
