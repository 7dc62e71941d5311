// What the core remembers, and the functions its files have for each other. Only files of this folder include it.
#ifndef PANTHER_AGENT_CORE_STATE_H
#define PANTHER_AGENT_CORE_STATE_H

#include "agent/core/core.h"
#include "common/base/lifecycle.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/base/message.h"

#define NS_PER_MS UINT64_C(1000000)

enum session_state {
    SESSION_DISCONNECTED,
    SESSION_CONNECTING, // the link is being made
    SESSION_GREETING,   // Hello is sent
    SESSION_LIVE,
    SESSION_REFUSED,     // the coordinator, or this agent, said no: stays away for a while
    SESSION_BACKING_OFF, // lost: tries again soon
    SESSION_CLEARING,    // another store: everything of the old one has to end first
    SESSION_LEAVING,
};

struct session {
    unsigned state;
    uint64_t id;         // from Welcome; 0: none
    uint64_t until_ns;   // of greeting, refused, backing off
    uint32_t backoff_ms; // the next one, before jitter
    uint64_t hello_ns;
    uint64_t heartbeat_ns; // period
    uint64_t next_heartbeat_ns;
    uint64_t heard_ns;                             // last sign of life
    uint64_t sent_ns[AGENT_HEARTBEATS_REMEMBERED]; // stamps of sent heartbeats, newest at `sent` - 1
    uint64_t sent;
    uint64_t answered_ns;   // the newest stamp that was echoed; 0: none
    Pb__Heartbeat previous; // the four stamps of the last complete exchange
    uint64_t disk_free_bytes;
    bool disk_is_short;
};

enum instance_state {
    INSTANCE_WAITING,  // an older generation has to end first
    INSTANCE_FETCHING, // files
    INSTANCE_SPAWNING,
    INSTANCE_ATTACHED,
    INSTANCE_DETACHED, // its guard lives, or may live
    INSTANCE_SWEEPING, // its guard has ended
    INSTANCE_ENDED,    // nothing of it lives; events or files wait for the coordinator
    INSTANCE_FORGOTTEN,
};

struct instance {
    struct agent_row row; // row.spec is `spec`
    Pb__GuardSpec *spec;  // own
    unsigned state;
    bool adopting;       // loaded, and its guard has not been found or missed yet
    bool lease_is_known; // the guard said, in this life, until when it runs
    bool overdue_told;
    bool recorded; // its row is in the records
    bool bulk_done;
    bool rebooted;
    bool dirty; // its row changed in this step
    char *gone_why;
    uint64_t lease_ns;       // boottime
    uint32_t passed_command; // highest that the guard was given
    uint64_t acknowledged;   // of its events, as the guard was told
    Pb__Command *waiting[AGENT_COMMANDS_WAITING_MAX];
    size_t waiting_count;
    bool *file_is_there; // per file of the specification
};

struct outbox {
    uint64_t acknowledged; // freed up to here
    uint64_t last;         // highest sequence given out
    uint64_t committed;    // on disk up to here
    uint64_t sent;         // in this session
    uint32_t life;         // counts renewals
    uint64_t held_bytes;   // sum of those
    uint32_t *bytes;       // ring of packed sizes, from acknowledged + 1 on
    size_t first, capacity;
    uint64_t frames[AGENT_WINDOW_FRAMES]; // last sequence of each frame on its way, oldest at `frame_first`
    size_t frame_first, frame_count;
};

struct plugin {
    Pb__PluginPresence *presence;
    Pb__PluginDescription *description;
};

struct agent_core {
    Pb__Hello *self;
    uint32_t port_first, port_count;
    uint32_t next_block; // ports are given out in turn, so that a block rests before it is used again
    struct agent_facts facts;
    struct map *instances;  // (instance, generation) -> struct instance
    struct map *tombstones; // instance -> struct agent_tombstone
    struct instance **dirty;
    size_t dirty_count, dirty_capacity;
    size_t adopting, fetching, ended; // instances in these states
    uint64_t adoption_until_ns;
    struct outbox outbox;
    struct session session;
    struct plugin *plugins;
    size_t plugin_count;
    bool catalogue_known, probed, storage_full, started, takes_no_shells;
    struct agent_counters counters;
    // of the step that runs
    const struct agent_input *input;
    struct agent_output *out;
    Pb__GuardRequest *last_request; // which the next case may join
    const struct instance *last_instance;
};

// ---- output.c
struct agent_record *agent_record_add(struct agent_core *core, enum agent_record_kind kind);
struct agent_effect *agent_effect_add(struct agent_core *core, enum agent_effect_kind kind);
struct agent_effect *agent_effect_later(struct agent_core *core, enum agent_effect_kind kind); // after the commit
void agent_log(struct agent_core *core, enum agent_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
Pb__Envelope *agent_envelope(struct agent_core *core, Pb__Envelope__BodyCase body); // sent with this step
void agent_facts_changed(struct agent_core *core);

// ---- session.c
extern const struct lifecycle agent_session_table;
void agent_session_try(struct agent_core *core); // connects when everything is ready for it
void agent_session_up(struct agent_core *core);
void agent_session_lost(struct agent_core *core, const char *why);
void agent_session_fail(struct agent_core *core, const char *why);   // the coordinator broke the protocol: end it, come back
void agent_session_resume(struct agent_core *core, const char *why); // ends it and comes back, to agree on what each side has
void agent_session_message(struct agent_core *core, const Pb__Envelope *envelope);
void agent_session_tick(struct agent_core *core);
void agent_session_stop(struct agent_core *core, const char *why);
void agent_session_refuse_store(struct agent_core *core, const char *why);
uint64_t agent_session_deadline(const struct agent_core *core);
void agent_session_end(struct agent_core *core); // forgets what belonged to it

// ---- greeting.c
void agent_greet(struct agent_core *core);
void agent_welcomed(struct agent_core *core, const Pb__Welcome *welcome);
void agent_clearing_go_on(struct agent_core *core);

// ---- heartbeat.c
void agent_heartbeat_begin(struct agent_core *core, uint32_t period_ms);
void agent_heartbeat_tick(struct agent_core *core);
void agent_heartbeat_reply(struct agent_core *core, const Pb__HeartbeatReply *reply);

// ---- intake.c
bool agent_command_may_skip(const Pb__Command *command);
void agent_take_commands(struct agent_core *core, const Pb__Commands *commands);
void agent_take_discard(struct agent_core *core, const Pb__Discard *discard);

// ---- instance.c
extern const struct lifecycle agent_instance_table;
struct instance *agent_instance_find(const struct agent_core *core, uint64_t instance, uint32_t generation);
struct instance *agent_instance_add(struct agent_core *core, const struct agent_row *row, unsigned state);
void agent_instance_move(struct agent_core *core, struct instance *instance, unsigned state);
void agent_instance_touch(struct agent_core *core, struct instance *instance);
void agent_instance_flush(struct agent_core *core); // one record per touched row
void agent_instance_forget_if_done(struct agent_core *core, struct instance *instance);
void agent_instance_forget_done(struct agent_core *core);
bool agent_instance_lives(const struct instance *instance); // holds a slot and ports
size_t agent_instance_living(const struct agent_core *core);
bool agent_instance_predecessor_lives(const struct agent_core *core, const struct instance *instance);
void agent_instance_free_all(struct agent_core *core);
void agent_tombstone_add(struct agent_core *core, uint64_t instance, uint32_t generation);

// ---- placing.c: from intent to spawn
struct instance *agent_begin(struct agent_core *core, const Pb__Command *command);
void agent_place(struct agent_core *core, struct instance *instance);
void agent_place_waiting(struct agent_core *core); // what waited for the catalogue
void agent_refuse(struct agent_core *core, struct instance *instance, Pb__EndCause cause, const char *why);
void agent_end(struct agent_core *core, struct instance *instance); // nothing of it lives any more
void agent_file_arrived(struct agent_core *core);                   // the input's
void agent_placing_tick(struct agent_core *core);
uint64_t agent_placing_deadline(const struct agent_core *core);

// ---- guard.c: what guards say, what they are told
void agent_guard_attached(struct agent_core *core, struct instance *instance, const Pb__GuardState *state);
void agent_guard_detached(struct agent_core *core, struct instance *instance);
void agent_guard_gone(struct agent_core *core, struct instance *instance, bool rebooted, const char *why);
void agent_guard_never_spawned(struct agent_core *core, struct instance *instance);
void agent_guard_swept(struct agent_core *core, struct instance *instance, uint32_t killed);
void agent_guard_command(struct agent_core *core, struct instance *instance, const Pb__Command *command);
void agent_guard_lease(struct agent_core *core, struct instance *instance, uint64_t expires_ns);
void agent_guard_discard(struct agent_core *core, struct instance *instance, const char *why);
void agent_guard_spooled(struct agent_core *core, struct instance *instance, const struct agent_spooled *events, size_t count,
                         uint64_t offset);
void agent_guard_shell(struct agent_core *core, struct instance *instance, const Pb__ShellCall *call);
void agent_guard_tick(struct agent_core *core);
uint64_t agent_guard_deadline(const struct agent_core *core);
void agent_adopted(struct agent_core *core, struct instance *instance);

// ---- capture.c
void agent_read_capture(struct agent_core *core, const Pb__ReadCapture *read);
void agent_capture_read(struct agent_core *core, const struct agent_input *input);

// ---- plan.c
void agent_take_plan(struct agent_core *core, const Pb__PlanPlugin *plan);
void agent_planned(struct agent_core *core, const struct agent_input *input);

// ---- shell.c
void agent_take_shell(struct agent_core *core, const Pb__ShellCall *call);
void agent_shell_answered(struct agent_core *core, const struct agent_input *input);

// ---- survey.c
void agent_take_survey(struct agent_core *core, const Pb__Survey *survey);
void agent_surveyed(struct agent_core *core, const struct agent_input *input);

// ---- outbox.c
void agent_outbox_load(struct outbox *outbox, uint64_t acknowledged, const uint32_t *bytes, size_t count);
void agent_outbox_append(struct agent_core *core, struct instance *instance, const Pb__Event *event, const void *packed, size_t bytes);
Pb__Event *agent_outbox_event(struct agent_core *core, struct instance *instance, Pb__Event__BodyCase body); // made here; append it
void agent_outbox_append_own(struct agent_core *core, struct instance *instance, const Pb__Event *event, const char *text);
void agent_outbox_free(struct agent_core *core, uint64_t last);
void agent_outbox_rewind(struct agent_core *core, uint64_t sent); // a new session
void agent_outbox_send(struct agent_core *core);
void agent_outbox_acknowledged(struct agent_core *core, const Pb__EventsAcknowledged *acknowledged);
void agent_outbox_renew(struct agent_core *core); // a new epoch: empty, counts from 1
void agent_outbox_committed(struct agent_core *core, uint64_t last, uint32_t life);
void agent_outbox_clear(struct outbox *outbox);

// ---- ports.c
bool agent_ports_take(struct agent_core *core, uint32_t wished, uint32_t *first, uint32_t *count); // wished: a port of the block; 0: any

// ---- plugins.c
void agent_plugins_set(struct agent_core *core, const struct agent_plugin *plugins, size_t count);
const struct plugin *agent_plugin_find(const struct agent_core *core, const char *name, const char *description_hash);
const char *agent_plugin_problem(const struct agent_core *core, const char *name, const char *description_hash, struct arena *arena);
void agent_plugins_describe(struct agent_core *core, char *const *hashes, size_t count);
// Names that are known and not among these; the list is the output's.
size_t agent_plugins_gone(struct agent_core *core, const struct agent_plugin *plugins, size_t count, char ***gone);
void agent_plugins_tell(struct agent_core *core, char **gone, size_t gone_count);
void agent_place_plugin(struct agent_core *core, const Pb__PlacePlugin *plugin);
void agent_plugin_placed(struct agent_core *core, const struct agent_input *input);
void agent_plugins_free(struct agent_core *core);

#endif
