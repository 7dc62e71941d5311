#include "tests/integration/agent/lab.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/system/file.h"
#include "common/system/process.h"

#define NS_PER_MS UINT64_C(1000000)

static void check(int result, const struct panther_error *error)
{
    if (result < 0)
        fail_msg("%s", error->message);
}

// ---- the coordinator's side

void lab_send(struct lab *lab, const Pb__Envelope *envelope)
{
    Pb__Envelope copy = *envelope;
    size_t bytes;
    copy.version = PROTOCOL_VERSION;
    if (copy.session == 0)
        copy.session = lab->session;
    uint8_t *data = wire_pack(&copy, NULL, &bytes);
    bus_server_send(lab->server, lab->route, data, bytes, NULL, 0);
    free(data);
}

static void on_hello(struct lab *lab, const Pb__Hello *hello)
{
    message_free(lab->hello);
    lab->hello = message_copy(hello, NULL);
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    if (lab->refuses) {
        Pb__Refused refused = PB__REFUSED__INIT;
        char text[] = "busy";
        refused.code = PB__REFUSAL_CODE__REFUSAL_CODE_BUSY;
        refused.retry_after_ms = 100;
        refused.text = text;
        envelope.body_case = PB__ENVELOPE__BODY_REFUSED;
        envelope.refused = &refused;
        lab->hellos++;
        lab_send(lab, &envelope);
        return;
    }
    if (strcmp(lab->epoch, hello->outbox_epoch) != 0) {
        snprintf(lab->epoch, sizeof lab->epoch, "%s", hello->outbox_epoch);
        lab->last_seen = 0;
    }
    char *wanted[64];
    Pb__Welcome welcome = PB__WELCOME__INIT;
    welcome.session = ++lab->session;
    welcome.store_id = lab->store_id;
    welcome.incarnation = lab->incarnation;
    welcome.last_seen = lab->last_seen;
    welcome.heartbeat_ms = 200;
    welcome.bulk_port = bus_server_port(lab->bulk);
    welcome.wanted_descriptions = wanted;
    for (size_t i = 0; i < hello->n_plugins && i < 64; i++)
        if (hello->plugins[i]->description_hash[0])
            wanted[welcome.n_wanted_descriptions++] = hello->plugins[i]->description_hash;
    envelope.body_case = PB__ENVELOPE__BODY_WELCOME;
    envelope.welcome = &welcome;
    lab_send(lab, &envelope);
    lab->hellos++;
}

static void on_heartbeat(struct lab *lab, const Pb__Heartbeat *heartbeat)
{
    Pb__LeaseGrant grants[64], *list[64];
    Pb__HeartbeatReply reply = PB__HEARTBEAT_REPLY__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    lab->heartbeats++;
    if (lab->is_deaf)
        return;
    reply.agent_sent_ns = heartbeat->agent_sent_ns;
    reply.coordinator_received_ns = reply.coordinator_sent_ns = clock_boottime_ns();
    reply.grants = list;
    for (uint64_t instance = 1; lab->lease_ms && instance <= 64; instance++) {
        Pb__LeaseGrant *grant = list[reply.n_grants] = &grants[reply.n_grants];
        reply.n_grants++;
        pb__lease_grant__init(grant);
        grant->instance = instance;
        grant->generation = 1;
        grant->length_ms = lab->lease_ms;
    }
    envelope.body_case = PB__ENVELOPE__BODY_HEARTBEAT_REPLY;
    envelope.heartbeat_reply = &reply;
    lab_send(lab, &envelope);
}

void lab_acknowledge(struct lab *lab)
{
    Pb__EventsAcknowledged acknowledged = PB__EVENTS_ACKNOWLEDGED__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    acknowledged.epoch = lab->epoch;
    acknowledged.last = lab->last_seen;
    envelope.body_case = PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED;
    envelope.events_acknowledged = &acknowledged;
    lab_send(lab, &envelope);
}

static void on_events(struct lab *lab, const Pb__Events *events)
{
    assert_string_equal(events->epoch, lab->epoch);
    for (size_t i = 0; i < events->n_events; i++) {
        uint64_t sequence = events->first + i;
        lab->holes += sequence > lab->last_seen + 1;
        if (sequence <= lab->last_seen) {
            lab->repeats++;
            continue;
        }
        APPEND(lab->events, lab->event_count, lab->event_capacity) = message_copy(events->events[i], NULL);
        lab->last_seen = sequence;
    }
    if (!lab->holds_acknowledgements)
        lab_acknowledge(lab);
}

static void on_message(void *context, const struct bus_message *message)
{
    struct lab *lab = context;
    struct panther_error error = {0};
    assert_string_equal(message->public_key, lab->agent_key.public_key);
    arena_reset(lab->arena);
    const Pb__Envelope *envelope = wire_envelope(message->data, message->bytes, lab->arena, &error);
    if (!envelope)
        fail_msg("the agent sent what wire refuses: %s", error.message);
    lab->route = message->route;
    if (envelope->body_case != PB__ENVELOPE__BODY_HELLO && envelope->session != lab->session)
        return; // of a session that the test ended
    switch (envelope->body_case) {
    case PB__ENVELOPE__BODY_HELLO:
        on_hello(lab, envelope->hello);
        break;
    case PB__ENVELOPE__BODY_HEARTBEAT:
        on_heartbeat(lab, envelope->heartbeat);
        break;
    case PB__ENVELOPE__BODY_EVENTS:
        on_events(lab, envelope->events);
        break;
    case PB__ENVELOPE__BODY_PLUGIN_PLACED:
        message_free(lab->placed);
        lab->placed = message_copy(envelope->plugin_placed, NULL);
        break;
    case PB__ENVELOPE__BODY_PLUGINS_CHANGED:
        message_free(lab->plugins_changed);
        lab->plugins_changed = message_copy(envelope->plugins_changed, NULL);
        for (size_t i = 0; i < lab->plugins_changed->n_gone && lab->gone_count < LAB_GONE_MAX; i++)
            lab->gone[lab->gone_count++] = memory_string(lab->plugins_changed->gone[i]);
        lab->changed++;
        break;
    case PB__ENVELOPE__BODY_DESCRIPTIONS:
        message_free(lab->descriptions);
        lab->descriptions = message_copy(envelope->descriptions, NULL);
        break;
    case PB__ENVELOPE__BODY_GOODBYE:
        lab->goodbyes++;
        snprintf(lab->goodbye, sizeof lab->goodbye, "%s", envelope->goodbye->why);
        break;
    default:
        fail_msg("the agent sent body %d", (int)envelope->body_case);
    }
}

static void on_gone(void *context, bus_route route)
{
    struct lab *lab = context;
    if (lab->route == route)
        lab->route = 0;
}

// ---- bulk

static struct lab_file *file_of(struct lab *lab, const Pb__PutChunk *put)
{
    CLEANUP_FREE char *name = memory_printf("%llu.%u/%s", (unsigned long long)put->instance, put->generation, put->name);
    struct lab_file *file = map_get_text(lab->files, name);
    if (!file) {
        file = NEW(struct lab_file);
        map_put_text(lab->files, name, file);
    }
    return file;
}

static void put(struct lab *lab, const Pb__PutChunk *chunk, const uint8_t *payload, size_t bytes, Pb__BulkEnvelope *answer,
                Pb__PutAnswer *have)
{
    struct lab_file *file = file_of(lab, chunk);
    if (!file->complete && chunk->offset == file->bytes && bytes > 0) {
        file->data = memory_grow(file->data, file->bytes + bytes, 1);
        memcpy(file->data + file->bytes, payload, bytes);
        file->bytes += bytes;
    }
    if (!file->complete && chunk->last && chunk->total_bytes == file->bytes) {
        char hash[HASH_TEXT_BYTES];
        hash_bytes(file->data, file->bytes, hash);
        assert_string_equal(hash, chunk->hash);
        file->complete = true;
    }
    have->have = file->bytes;
    have->complete = file->complete;
    answer->body_case = PB__BULK_ENVELOPE__BODY_PUT_ANSWER;
    answer->put_answer = have;
}

#define LAB_BLOB "<html>a page</html>\n"

static void on_bulk(void *context, const struct bus_message *message)
{
    struct lab *lab = context;
    if (lab->is_bulk_deaf) {
        lab->bulk_unanswered++;
        return;
    }
    struct arena *arena = arena_new(0);
    struct panther_error error = {0};
    const Pb__BulkEnvelope *request = wire_bulk(message->data, message->bytes, arena, &error);
    if (!request)
        fail_msg("the agent sent a bulk request that wire refuses: %s", error.message);
    Pb__BulkEnvelope answer = PB__BULK_ENVELOPE__INIT;
    Pb__PutAnswer have = PB__PUT_ANSWER__INIT;
    Pb__Chunk chunk = PB__CHUNK__INIT;
    Pb__BulkRefused refused = PB__BULK_REFUSED__INIT;
    const void *payload = NULL;
    size_t payload_bytes = 0, bytes;
    char missing[] = "no such blob";
    if (request->body_case == PB__BULK_ENVELOPE__BODY_PUT_CHUNK) {
        put(lab, request->put_chunk, message->payload, message->payload_bytes, &answer, &have);
    } else if (strcmp(request->get_chunk->hash, lab->blob_hash) == 0) {
        size_t left = lab->blob_bytes - request->get_chunk->offset;
        payload = (const char *)lab->blob + request->get_chunk->offset;
        payload_bytes = left < BULK_CHUNK_MAX_BYTES ? left : BULK_CHUNK_MAX_BYTES;
        chunk.offset = request->get_chunk->offset;
        chunk.end = payload_bytes == left;
        answer.body_case = PB__BULK_ENVELOPE__BODY_CHUNK;
        answer.chunk = &chunk;
    } else {
        refused.code = PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND;
        refused.text = missing;
        answer.body_case = PB__BULK_ENVELOPE__BODY_REFUSED;
        answer.refused = &refused;
    }
    answer.version = PROTOCOL_VERSION;
    answer.number = request->number;
    const uint8_t *data = wire_pack(&answer, arena, &bytes);
    bus_server_send(lab->bulk, message->route, data, bytes, payload, payload_bytes);
    arena_free(&arena);
}

static void on_bulk_gone(void *context, bus_route route)
{
    (void)context;
    (void)route;
}

// ---- life

static struct bus_server *serve(struct lab *lab, void (*message)(void *, const struct bus_message *), void (*gone)(void *, bus_route))
{
    const struct bus_server_options options = {.endpoint = "tcp://127.0.0.1:*", .secret_key = lab->keys.secret_key};
    const struct bus_server_callbacks callbacks = {message, gone, NULL};
    struct bus_server *server;
    struct panther_error error = {0};
    check(bus_server_new(&server, lab->loop, &options, &callbacks, lab, &error), &error);
    return server;
}

static void write_key(struct lab *lab)
{
    struct panther_error error = {0};
    CLEANUP_FREE char *path = path_join(lab->root, "agent.key");
    bus_key_new(lab->agent_key.public_key, lab->agent_key.secret_key);
    snprintf(lab->agent_key.name, sizeof lab->agent_key.name, "lab-a");
    snprintf(lab->agent_key.role, sizeof lab->agent_key.role, "agent");
    snprintf(lab->agent_key.coordinator, sizeof lab->agent_key.coordinator, "tcp://127.0.0.1:%u", bus_server_port(lab->server));
    snprintf(lab->agent_key.server_key, sizeof lab->agent_key.server_key, "%s", lab->keys.public_key);
    check(bus_peer_file_write(path, &lab->agent_key, &error), &error);
    bus_zap_allow(lab->agent_key.public_key);
}

static void make_plugins(struct lab *lab)
{
    struct panther_error error = {0};
    snprintf(lab->plugins, sizeof lab->plugins, "%s/plugins", lab->root);
    check(folder_make(lab->plugins, 0755, &error), &error);
    CLEANUP_FREE char *link = path_join(lab->plugins, "null.so");
    assert_int_equal(symlink(PANTHER_PLUGINS "/null.so", link), 0);
    CLEANUP_FREE char *broken = path_join(lab->plugins, "broken.so");
    check(file_write_atomic(broken, "not a shared object", 19, 0755, &error), &error);
}

int lab_begin(void **state)
{
    struct lab *lab = NEW(struct lab);
    *state = lab;
    snprintf(lab->root, sizeof lab->root, "/tmp/panther-agent-XXXXXX");
    assert_non_null(mkdtemp(lab->root));
    snprintf(lab->state, sizeof lab->state, "%s/state", lab->root);
    snprintf(lab->store_id, sizeof lab->store_id, "00000000000000000000000000000001");
    lab->incarnation = 1;
    lab->lease_ms = 20000;
    lab->arena = arena_new(0);
    lab->files = map_new();
    lab->blob = LAB_BLOB;
    lab->blob_bytes = strlen(LAB_BLOB);
    hash_bytes(lab->blob, lab->blob_bytes, lab->blob_hash);
    lab->loop = loop_new();
    bus_key_new(lab->keys.public_key, lab->keys.secret_key);
    lab->server = serve(lab, on_message, on_gone);
    lab->bulk = serve(lab, on_bulk, on_bulk_gone);
    make_plugins(lab);
    write_key(lab);
    return 0;
}

void lab_start(struct lab *lab, const char *const *more)
{
    CLEANUP_FREE char *key = path_join(lab->root, "agent.key");
    const char *argv[32] = {PANTHER_BIN "/panther-agent", "--key", key, "--state", lab->state, "--plugins", lab->plugins};
    size_t count = 7;
    while (more && *more)
        argv[count++] = *more++;
    const struct process_start start = {.program = argv[0], .argv = argv, .place = PROCESS_PLACE_SESSION};
    struct panther_error error = {0};
    check(process_spawn(&start, &lab->pid, NULL, &error), &error);
}

void lab_kill(struct lab *lab)
{
    kill(lab->pid, SIGKILL);
    waitpid(lab->pid, NULL, 0);
    lab->pid = 0;
}

static bool has_exited(struct lab *lab, uint64_t status_address)
{
    int *status = (int *)(uintptr_t)status_address;
    return waitpid(lab->pid, status, WNOHANG) == lab->pid;
}

int lab_wait_exit(struct lab *lab)
{
    int status = 0;
    LAB_UNTIL(lab, has_exited, (uint64_t)(uintptr_t)&status);
    lab->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void kill_guards(const struct lab *lab)
{
    for (uint64_t instance = 1; instance <= 64; instance++) {
        pid_t pid = lab_guard(lab, instance);
        if (pid > 0)
            kill(pid, SIGTERM);
    }
}

static bool no_guard(struct lab *lab, uint64_t instances)
{
    for (uint64_t instance = 1; instance <= instances; instance++)
        if (lab_marked(lab, instance) > 0)
            return false;
    return true;
}

// What flood_guard, which is no guard, has left; a guard removes it by itself.
static void remove_cgroups(const struct lab *lab)
{
    CLEANUP_FREE char *path = path_join(lab->state, "host_id"), *command = NULL;
    if (access(path, R_OK) == 0)
        command =
            memory_printf("find /sys/fs/cgroup -depth -type d -path \"*/panther-$(head -c 12 '%s')*\" -exec rmdir {} + 2>/dev/null", path);
    if (command && system(command) != 0) // NOLINT
        fprintf(stderr, "cgroups are left\n");
}

int lab_end(void **state)
{
    struct lab *lab = *state;
    if (lab->pid)
        lab_kill(lab);
    kill_guards(lab);
    bool clean = lab_run_until(lab, no_guard, 20);
    remove_cgroups(lab);
    bus_server_free(&lab->server);
    bus_server_free(&lab->bulk);
    loop_free(&lab->loop);
    bus_zap_deny(lab->agent_key.public_key);
    umount2(lab->state, MNT_DETACH); // only one test has something there
    folder_remove(lab->root, NULL);
    for (size_t i = 0; i < lab->event_count; i++)
        message_free(lab->events[i]);
    free(lab->events);
    for (struct map_entry *e = map_first(lab->files); e; e = map_next(lab->files, e)) {
        free(((struct lab_file *)e->value)->data);
        free(e->value);
    }
    map_free(&lab->files);
    message_free(lab->hello);
    message_free(lab->plugins_changed);
    while (lab->gone_count > 0)
        free(lab->gone[--lab->gone_count]);
    message_free(lab->placed);
    message_free(lab->descriptions);
    arena_free(&lab->arena);
    free(lab);
    return clean ? 0 : -1;
}

// ---- waiting

bool lab_run_until(struct lab *lab, bool (*done)(struct lab *lab, uint64_t argument), uint64_t argument)
{
    uint64_t until_ns = clock_boottime_ns() + LAB_WAIT_MS * NS_PER_MS;
    while (!done(lab, argument)) {
        if (clock_boottime_ns() > until_ns)
            return false;
        loop_run_once(lab->loop, 10);
    }
    return true;
}

bool lab_is_live(struct lab *lab, uint64_t hellos)
{
    return lab->hellos >= hellos;
}

bool lab_has_ended(struct lab *lab, uint64_t instance)
{
    return lab_ended(lab, instance) != NULL;
}

static char *folder_of(const struct lab *lab, uint64_t instance)
{
    return memory_printf("%s/instances/%llu.1", lab->state, (unsigned long long)instance);
}

bool lab_has_forgotten(struct lab *lab, uint64_t instance)
{
    CLEANUP_FREE char *folder = folder_of(lab, instance);
    return !file_exists(folder);
}

bool lab_has_done(struct lab *lab, uint64_t which)
{
    return lab_done(lab, which / 1000, (uint32_t)(which % 1000)) != NULL;
}

bool lab_has_result(struct lab *lab, uint64_t which)
{
    return lab_result(lab, which / 1000, (uint32_t)(which % 1000)) != NULL;
}

// ---- commands

static void send_command(struct lab *lab, Pb__Command *command)
{
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    Pb__Commands commands = PB__COMMANDS__INIT;
    commands.commands = &command;
    commands.n_commands = 1;
    envelope.body_case = PB__ENVELOPE__BODY_COMMANDS;
    envelope.commands = &commands;
    lab_send(lab, &envelope);
}

void lab_command(struct lab *lab, uint64_t instance, uint32_t number, Pb__Command__BodyCase body, const char *argument)
{
    Pb__Command command = PB__COMMAND__INIT;
    Pb__Start start = PB__START__INIT;
    Pb__Stop stop = PB__STOP__INIT;
    Pb__Cleanup cleanup = PB__CLEANUP__INIT;
    Pb__RunCase run_case = PB__RUN_CASE__INIT;
    char name[64];
    command.instance = instance;
    command.generation = 1;
    command.number = number;
    command.body_case = body;
    snprintf(name, sizeof name, "%s", argument ? argument : "");
    run_case.name = name;
    run_case.timeout_ms = 30000;
    switch (body) {
    case PB__COMMAND__BODY_START:
        command.start = &start;
        break;
    case PB__COMMAND__BODY_STOP:
        command.stop = &stop;
        break;
    case PB__COMMAND__BODY_CLEANUP:
        command.cleanup = &cleanup;
        break;
    case PB__COMMAND__BODY_RUN_CASE:
        command.run_case = &run_case;
        break;
    default:
        fail_msg("no such command in these tests");
    }
    send_command(lab, &command);
}

void lab_initialize(struct lab *lab, uint64_t instance, const struct lab_wish *wish)
{
    struct arena *arena = arena_new(0);
    Pb__Initialize initialize = PB__INITIALIZE__INIT;
    Pb__Command command = PB__COMMAND__INIT;
    Pb__FileReference file = PB__FILE_REFERENCE__INIT, *files[1] = {&file};
    Pb__Setting *settings[4];
    initialize.plugin = arena_string(arena, wish->plugin);
    initialize.trial_name = arena_string(arena, "r1/test/1#1");
    initialize.service = arena_string(arena, "load");
    initialize.is_tester = true;
    initialize.settings = settings;
    for (size_t i = 0; wish->options[i] && i < 8; i += 2) {
        Pb__Setting *setting = settings[initialize.n_settings++] = ARENA_NEW(arena, Pb__Setting);
        pb__setting__init(setting);
        setting->name = arena_string(arena, wish->options[i]);
        setting->n_values = 1;
        setting->values = ARENA_NEW(arena, char *);
        setting->values[0] = arena_string(arena, wish->options[i + 1]);
    }
    if (wish->file_hash) {
        file.name = arena_string(arena, "site");
        file.hash = arena_string(arena, wish->file_hash);
        file.path = arena_string(arena, "index.html");
        initialize.files = files;
        initialize.n_files = 1;
    }
    initialize.seed = 1;
    initialize.lease_ms = wish->lease_ms ? wish->lease_ms : 20000;
    initialize.initialize_ms = initialize.start_ms = 10000;
    initialize.stop_ms = 2000;
    command.instance = instance;
    command.generation = 1;
    command.number = 1;
    command.body_case = PB__COMMAND__BODY_INITIALIZE;
    command.initialize = &initialize;
    send_command(lab, &command);
    arena_free(&arena);
}

// ---- what came

static bool is_of(const Pb__Event *event, uint64_t instance, Pb__Event__BodyCase body)
{
    return event->instance == instance && event->body_case == body;
}

const Pb__Event *lab_done(struct lab *lab, uint64_t instance, uint32_t number)
{
    for (size_t i = 0; i < lab->event_count; i++)
        if (is_of(lab->events[i], instance, PB__EVENT__BODY_COMMAND_DONE) && lab->events[i]->command_done->number == number)
            return lab->events[i];
    return NULL;
}

const Pb__Event *lab_result(struct lab *lab, uint64_t instance, uint32_t number)
{
    for (size_t i = 0; i < lab->event_count; i++)
        if (is_of(lab->events[i], instance, PB__EVENT__BODY_CASE_RESULT) && lab->events[i]->case_result->number == number)
            return lab->events[i];
    return NULL;
}

const Pb__Event *lab_ended(struct lab *lab, uint64_t instance)
{
    for (size_t i = 0; i < lab->event_count; i++)
        if (is_of(lab->events[i], instance, PB__EVENT__BODY_INSTANCE_ENDED))
            return lab->events[i];
    return NULL;
}

const Pb__PluginPresence *lab_plugin(Pb__PluginPresence *const *plugins, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(plugins[i]->name, name) == 0)
            return plugins[i];
    return NULL;
}

size_t lab_marked(const struct lab *lab, uint64_t instance)
{
    struct process_list list = {0};
    if (!lab->hello)
        return 0;
    CLEANUP_FREE char *marker = memory_printf("PANTHER_INSTANCE=%llu.1@%s", (unsigned long long)instance, lab->hello->host_id);
    processes_with_environment(marker, &list);
    size_t count = list.count;
    process_list_free(&list);
    return count;
}

pid_t lab_guard(const struct lab *lab, uint64_t instance)
{
    CLEANUP_FREE char *folder = folder_of(lab, instance);
    CLEANUP_FREE char *path = path_join(folder, "guard.pid");
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    if (!file_exists(path) || file_read(path, 256, &text, &bytes, NULL) < 0)
        return 0;
    return (pid_t)strtol(text, NULL, 10);
}

void lab_check_sequences(struct lab *lab)
{
    assert_int_equal(lab->holes, 0);
    for (uint64_t instance = 1; instance <= 64; instance++) {
        uint64_t expected = 1;
        for (size_t i = 0; i < lab->event_count; i++)
            if (lab->events[i]->instance == instance)
                assert_int_equal(lab->events[i]->sequence, expected++);
    }
}
