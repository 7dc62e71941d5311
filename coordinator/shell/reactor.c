// The coordinator's one loop. Hands messages, ticks and completions to the core; gives its records to the writer; speaks when they are
// committed. Everything that blocks (queries, bulk, backup, the disk) is in threads of their own.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/base/identity.h"
#include "common/base/limits.h"
#include "common/system/descriptors.h"
#include "common/system/log.h"
#include "coordinator/shell/authority.h"
#include "coordinator/shell/open_files.h"
#include "coordinator/shell/reactor_state.h"
#include "coordinator/shell/recovery.h"

#define NS_PER_MS UINT64_C(1000000)
// The core's clock ticks this often: deadlines are kept to a quarter of a second.
#define TICK_MS 100
// What one peer may have waiting for it: a viewer that stopped reading is closed, an agent gets its commands again in a new session.
#define PEER_QUEUE_MAX_BYTES (16 * 1024 * 1024)
// How often the disk is looked at: at a GB/s a second's worth is a GB, which is why bulk looks by itself at every chunk.
#define LOOK_MS 500
// Exit status when the disk failed (sysexits EX_IOERR).
#define EXIT_DISK 74

// ---- the core and what it says

void reactor_step(struct reactor *reactor, struct core_event *event)
{
    event->now_ns = clock_boottime_ns();
    event->wall_ns = clock_wall_ns();
    event->random = random_u64();
    core_step(reactor->core, event, &reactor->effects);
}

static void send_packed(struct reactor *reactor, uint64_t route, const uint8_t *data, size_t bytes)
{
    // A peer that is gone or too slow is told to us by on_gone; what it missed goes out again in its next session.
    (void)bus_server_send(reactor->server, route, data, bytes, NULL, 0);
}

void reactor_say(struct reactor *reactor, uint64_t route, Pb__Envelope *envelope)
{
    if (envelope->body_case == PB__ENVELOPE__BODY_HEARTBEAT_REPLY) {
        envelope->heartbeat_reply->coordinator_sent_ns = clock_boottime_ns();
    }
    size_t bytes;
    uint8_t *data = wire_pack(envelope, NULL, &bytes);
    send_packed(reactor, route, data, bytes);
    free(data);
}

static void apply_key(struct reactor *reactor, const struct outbound_key *key)
{
    if (key->is_added) {
        bus_zap_allow(key->public_key);
        bulk_key_set(reactor->bulk, key->public_key, key->name, key->role);
    } else {
        bus_zap_deny(key->public_key);
        bulk_key_remove(reactor->bulk, key->public_key);
    }
}

static void release_batches(struct reactor *reactor)
{
    struct outbound_batch *batch;
    while ((batch = outbound_next(reactor->outbound, reactor->committed))) {
        for (size_t i = 0; i < batch->key_count; i++) {
            apply_key(reactor, &batch->keys[i]);
        }
        for (size_t i = 0; i < batch->message_count; i++) {
            send_packed(reactor, batch->messages[i].route, batch->messages[i].data, batch->messages[i].bytes);
        }
        for (size_t i = 0; i < batch->closed_count; i++) {
            bus_server_close_route(reactor->server, batch->closed[i]);
        }
        for (size_t i = 0; i < batch->ticket_count; i++) {
            bulk_content_committed(reactor->bulk, batch->tickets[i]);
        }
        outbound_batch_free(&batch);
    }
    gates_release(reactor->gates, reactor->committed);
}

// What replay would refuse must not be written: better to end here, with the journal whole, than never to start again.
static void check_records(const struct core_effects *effects)
{
    for (size_t i = 0; i < effects->record_count; i++) {
        const char *why = record_invalid(effects->records[i]);
        if (why) {
            PANIC("record of kind %d would not replay: %s", (int)effects->records[i]->body_case, why);
        }
    }
}

// A command that needs no commit goes now, unless what it may not overtake waits for one.
static bool goes_now(struct reactor *reactor, const struct core_send *send)
{
    if (send->urgent || (send->prompt && !outbound_holds_back(reactor->outbound, send->route))) {
        return true;
    }
    if (outbound_leads(send)) {
        outbound_note(reactor->outbound, send->route);
    }
    return false;
}

// Once per round of the loop: what all steps of the round decided goes to the disk as one batch.
static int flush(void *context)
{
    struct reactor *reactor = context;
    struct core_effects *effects = &reactor->effects;
    for (size_t i = 0; i < effects->send_count; i++) {
        effects->sends[i].urgent = goes_now(reactor, &effects->sends[i]);
        if (effects->sends[i].urgent) {
            reactor_say(reactor, effects->sends[i].route, effects->sends[i].envelope);
        }
    }
    if (effects->record_count || effects->send_count || effects->closed_count || effects->ticket_count || effects->gated_count) {
        uint64_t number = 0;
        if (effects->record_count) {
            check_records(effects);
            number = store_append(reactor->store, (const Pb__Record *const *)effects->records, effects->record_count, NULL);
            reactor->appended = number;
        }
        for (size_t i = 0; i < effects->gated_count; i++) {
            gates_hold(reactor->gates, &effects->gated[i], reactor->appended);
        }
        outbound_hold(reactor->outbound, effects, number);
        effects_clear(effects);
    }
    release_batches(reactor);
    return 0;
}

static void on_committed(void *context, uint64_t number)
{
    struct reactor *reactor = context;
    reactor->committed = number;
    release_batches(reactor);
}

// ---- room on the disk

void reactor_tell_space(struct reactor *reactor)
{
    char why[PANTHER_ERROR_MESSAGE_BYTES];
    const struct space *space = &reactor->space;
    space_why(space, why, sizeof why);
    Pb__DiskSpace disk = PB__DISK_SPACE__INIT;
    disk.free_bytes = space->free_bytes;
    disk.total_bytes = space->total_bytes;
    disk.captures_floor_bytes = space->floors_bytes[SPACE_NO_CAPTURES];
    disk.logs_floor_bytes = space->floors_bytes[SPACE_NO_LOGS];
    disk.reserve_bytes = space->floors_bytes[SPACE_RESERVE];
    disk.why = reactor->is_full ? reactor->full_why : why;
    reactor_step(
        reactor,
        &(struct core_event){
            .kind = CORE_SPACE, .is_full = reactor->is_full, .is_low = space->level == SPACE_RESERVE, .why = disk.why, .disk = &disk});
}

// Said once. Who is connected is served; libzmq accepts nobody until there are some again, and then by itself.
static void look_at_descriptors(struct reactor *reactor)
{
    bool has_some = descriptors_have(DESCRIPTORS_TO_LOOK);
    if (!has_some && !reactor->is_out_of_descriptors) {
        log_error("too many open files: nobody new can connect until some are closed; raise the limit (LimitNOFILE)");
        core_count(reactor->core, "out_of_descriptors");
    } else if (has_some && reactor->is_out_of_descriptors) {
        log_info("there are descriptors again: new connections are accepted");
    }
    reactor->is_out_of_descriptors = !has_some;
}

void reactor_look_at_space(struct reactor *reactor)
{
    look_at_descriptors(reactor);
    bool was_low = reactor->space.level == SPACE_RESERVE;
    reactor->looked_ns = clock_boottime_ns();
    if (!space_look(&reactor->space, reactor->options->folder)) {
        return;
    }
    char why[PANTHER_ERROR_MESSAGE_BYTES];
    space_why(&reactor->space, why, sizeof why);
    if (reactor->space.level == SPACE_RESERVE) {
        log_warning("%s: nothing new is admitted, what runs goes on", why);
    } else if (was_low) {
        log_info("the disk has room again: admission is open");
    }
    reactor_tell_space(reactor);
}

static void on_full(void *context, bool full, const char *why)
{
    struct reactor *reactor = context;
    if (full) {
        log_warning("the disk is full (%s): admission has stopped, what was accepted is kept and tried again", why);
    } else {
        log_info("the disk has room again: admission is open");
    }
    reactor->is_full = full;
    snprintf(reactor->full_why, sizeof reactor->full_why, "%s", why);
    reactor_tell_space(reactor);
}

static void on_broken(void *context, const struct panther_error *error)
{
    struct reactor *reactor = context;
    log_error("the store failed and is not written to again: %s; start again to replay what is on the disk", error->message);
    reactor->broken = true;
    loop_stop(reactor->loop, EXIT_DISK);
}

static void on_tick(void *context)
{
    struct reactor *reactor = context;
    reactor_step(reactor, &(struct core_event){.kind = CORE_TICK});
    if (clock_boottime_ns() - reactor->looked_ns >= LOOK_MS * NS_PER_MS) {
        reactor_look_at_space(reactor);
    }
    bool is_read = audits_are_busy(reactor->audits) || backup_is_busy(reactor->backup);
    retention_tick(reactor->retention, !is_read && reactor->committed >= reactor->retention_waits);
    snapshots_tick(reactor->snapshots, store_last_sequence(reactor->store));
    loop_timer_set(reactor->tick, clock_boottime_ns() + TICK_MS * NS_PER_MS);
}

// ---- the network

static void on_message(void *context, const struct bus_message *message)
{
    struct reactor *reactor = context;
    arena_reset(reactor->scratch);
    arena_reset(reactor->unpacked);
    struct core_event event = {.kind = CORE_MESSAGE, .route = message->route, .public_key = message->public_key};
    if (!core_key(reactor->core, message->public_key, &event.peer_name, &event.role)) {
        core_count(reactor->core, "unknown_keys");
        reactor_refuse(reactor, message->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, "this key was revoked");
        bus_server_close_route(reactor->server, message->route);
        return;
    }
    struct panther_error error = {0};
    Pb__Envelope *envelope = wire_envelope(message->data, message->bytes, reactor->unpacked, &error);
    if (!envelope || message->payload) {
        core_count(reactor->core, !envelope && error.code == PANTHER_ELIMIT ? "oversized" : "malformed");
        reactor_refuse(reactor, message->route, 0, reactor_refusal_of(envelope ? PANTHER_EPROTOCOL : error.code),
                       envelope ? "a control message is one frame" : error.message);
        return;
    }
    event.envelope = envelope;
    bool is_client = event.role == PB__ROLE__ROLE_OPERATOR || event.role == PB__ROLE__ROLE_VIEWER;
    if (is_client && envelope->body_case == PB__ENVELOPE__BODY_REQUEST) {
        requests_take(reactor, &event, envelope->request);
    } else {
        reactor_step(reactor, &event);
    }
}

static void on_gone(void *context, bus_route route)
{
    reactor_step(context, &(struct core_event){.kind = CORE_GONE, .route = route});
}

static void on_unframed(void *context, bus_route route, const char *why)
{
    (void)route;
    (void)why;
    struct reactor *reactor = context;
    core_count(reactor->core, "malformed");
}

static void on_content(void *context, const Pb__ContentStored *content, uint64_t ticket)
{
    reactor_step(context, &(struct core_event){.kind = CORE_CONTENT, .content = content, .ticket = ticket});
}

static void on_removed(void *context, const Pb__EvidenceRemoved *const *removed, size_t count)
{
    struct reactor *reactor = context;
    reactor_step(reactor, &(struct core_event){.kind = CORE_RETENTION, .removed = removed, .removed_count = count});
    reactor->retention_waits = reactor->appended + 1;
}

static void on_gates(void *context, uint64_t run, const Pb__RunGates *result)
{
    reactor_step(context, &(struct core_event){.kind = CORE_GATES, .run = run, .gates = result});
}

// ---- life

static void on_signal(void *context, int signal_number)
{
    struct reactor *reactor = context;
    log_info("signal %d: stopping; runs go on when the coordinator is started again", signal_number);
    loop_stop(reactor->loop, 0);
}

static void allow_key(void *context, const char *public_key, const char *name, int role)
{
    struct reactor *reactor = context;
    bus_zap_allow(public_key);
    bulk_key_set(reactor->bulk, public_key, name, role);
    reactor->agent_keys += role == PB__ROLE__ROLE_AGENT;
}

// A start after a long journal keeps what it has found, so that the next one is short.
static int recover(struct reactor *reactor, const struct bus_peer_file *server, struct panther_error *error)
{
    const struct core_options core_options = {.version = reactor->options->version,
                                              .bulk_port = bulk_port(reactor->bulk),
                                              .case_window = reactor->options->case_window,
                                              .samples_passed = reactor->options->samples_passed,
                                              .passed_one_in = reactor->options->passed_one_in,
                                              .endpoint = server->coordinator,
                                              .server_key = server->public_key};
    const char *folder = reactor->options->folder;
    struct recovery recovery;
    int result = recovery_run(folder, &core_options, &reactor->core, &recovery, error);
    if (result) {
        return result;
    }
    if (recovery.problem.code) {
        log_warning("there is no snapshot of use, all of the journal was replayed: %s", recovery.problem.message);
    }
    uint64_t replayed = recovery.position.sequence - recovery.snapshot;
    log_info("replayed %llu records of %llu", (unsigned long long)replayed, (unsigned long long)recovery.position.sequence);
    struct panther_error problem;
    if (replayed >= SNAPSHOT_RECORDS && recovery_keep(folder, &core_options, reactor->core, &recovery, &problem) < 0) {
        log_warning("no snapshot was made, the next start takes as long: %s", problem.message);
    }
    uint64_t covered = replayed >= SNAPSHOT_RECORDS ? recovery.position.sequence : recovery.snapshot;
    return snapshots_new(&reactor->snapshots, folder, reactor->options->version, covered, reactor->loop, error);
}

static int open_network(struct reactor *reactor, const struct bus_peer_file *server, struct panther_error *error)
{
    static const struct bus_server_callbacks callbacks = {on_message, on_gone, on_unframed};
    const struct bus_server_options options = {
        .endpoint = reactor->options->listen, .secret_key = server->secret_key, .queue_bytes_max = PEER_QUEUE_MAX_BYTES};
    return bus_server_new(&reactor->server, reactor->loop, &options, &callbacks, reactor, error);
}

// "tcp://10.0.0.1:7400" -> "tcp://10.0.0.1:7401"
static void bulk_endpoint(const struct reactor *reactor, char *text, size_t bytes)
{
    const char *listen = reactor->options->listen, *colon = strrchr(listen, ':');
    unsigned control = bus_server_port(reactor->server);
    if (reactor->options->bulk_listen) {
        snprintf(text, bytes, "%s", reactor->options->bulk_listen);
    } else {
        snprintf(text, bytes, "%.*s:%u", (int)(colon ? colon - listen : 0), listen, control + 1);
    }
}

static int begin_parts(struct reactor *reactor, const struct bus_peer_file *server, struct panther_error *error)
{
    static const struct store_callbacks callbacks = {on_committed, on_full, on_broken};
    const char *folder = reactor->options->folder;
    int result = store_open(&reactor->store, folder, false, reactor->loop, &callbacks, reactor, error);
    bus_zap_hold(); // agents that knock while the journal is read shall not be told that nobody knows them
    if (result || (result = open_network(reactor, server, error))) {
        return result;
    }
    char endpoint[256];
    bulk_endpoint(reactor, endpoint, sizeof endpoint);
    if ((result = bulk_new(&reactor->bulk, folder, reactor->options->reserve_bytes, endpoint, server->secret_key, on_content, reactor,
                           reactor->loop, error)) ||
        (result = reader_new(&reactor->reader, folder, reactor->loop, requests_on_rows, reactor, error)) ||
        (result = backup_new(&reactor->backup, folder, reactor->loop, requests_on_backed_up, reactor, error)) ||
        (result = audits_new(&reactor->audits, folder, reactor->loop, requests_on_audited, reactor, error)) ||
        (result = gates_new(&reactor->gates, folder, reactor->loop, on_gates, reactor, error)) ||
        (result = retention_new(&reactor->retention, folder, &reactor->options->retention, reactor->loop, on_removed, requests_on_retention,
                                reactor, error))) {
        return result;
    }
    return recover(reactor, server, error);
}

static int begin(struct reactor *reactor, struct panther_error *error)
{
    struct bus_peer_file server;
    int result = authority_server_key(reactor->options->folder, &server, error);
    if (result || (result = begin_parts(reactor, &server, error))) {
        return result;
    }
    char store_id[ID128_TEXT_BYTES];
    uint8_t id[16];
    random_bytes(id, sizeof id);
    id128_text(id, store_id);
    char home[STORE_HOME_BYTES];
    store_home(reactor->options->folder, home);
    reactor_step(reactor, &(struct core_event){.kind = CORE_STORE_OPENED, .store_id = store_id, .home = home});
    core_keys(reactor->core, allow_key, reactor);
    bus_zap_answer();
    open_files_check(reactor->agent_keys);
    reactor_look_at_space(reactor);
    reactor->tick = loop_timer(reactor->loop, on_tick, reactor);
    loop_timer_set(reactor->tick, clock_boottime_ns());
    loop_after_round(reactor->loop, flush, reactor);
    loop_signal(reactor->loop, SIGTERM, on_signal, reactor);
    loop_signal(reactor->loop, SIGINT, on_signal, reactor);
    return 0;
}

static void end(struct reactor *reactor)
{
    bus_server_free(&reactor->server);
    bulk_free(&reactor->bulk);
    reader_free(&reactor->reader);
    backup_free(&reactor->backup);
    audits_free(&reactor->audits);
    gates_free(&reactor->gates);
    retention_free(&reactor->retention);
    snapshots_free(&reactor->snapshots);
    store_close(&reactor->store);
    core_free(&reactor->core);
    outbound_free(&reactor->outbound);
    effects_end(&reactor->effects);
    arena_free(&reactor->scratch);
    arena_free(&reactor->unpacked);
    loop_remove(&reactor->tick);
    loop_free(&reactor->loop);
}

int serve(const struct serve_options *options, struct panther_error *error)
{
    struct reactor reactor = {.options = options, .space.reserve_bytes = options->reserve_bytes};
    open_files_raise();
    bus_begin();
    reactor.loop = loop_new();
    reactor.outbound = outbound_new();
    reactor.scratch = arena_new(0);
    reactor.unpacked = arena_new(UNPACK_MAX_BYTES);
    effects_begin(&reactor.effects);
    int result = begin(&reactor, error);
    if (!result) {
        log_info("listening on %s, bulk on port %u, data in %s", bus_server_endpoint(reactor.server), bulk_port(reactor.bulk),
                 options->folder);
        result = loop_run(reactor.loop);
        if (!reactor.broken) {
            flush(&reactor);
        }
    }
    end(&reactor);
    bus_end();
    return result;
}
