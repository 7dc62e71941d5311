// A data folder's keys, without a running coordinator: the same core, the same records, no socket.
#include "coordinator/shell/authority.h"

#include <stdio.h>
#include <string.h>

#include "common/base/identity.h"
#include "common/base/message.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "coordinator/core/core.h"
#include "coordinator/shell/recovery.h"

#define LOCAL_OPERATOR "local"

int authority_server_key(const char *folder, struct bus_peer_file *file, struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(folder, "server.key");
    return bus_peer_file_read(path, file, error);
}

static int open_core(const char *folder, bool create, struct store **store, struct core **core, struct panther_error *error)
{
    struct bus_peer_file server;
    int result = authority_server_key(folder, &server, error);
    if (result) {
        return result;
    }
    result = store_open(store, folder, create, NULL, NULL, NULL, error);
    if (result) {
        return result;
    }
    const struct core_options options = {.version = PANTHER_VERSION, .endpoint = server.coordinator, .server_key = server.public_key};
    struct recovery recovery;
    result = recovery_run(folder, &options, core, &recovery, error);
    if (result) {
        store_close(store);
    }
    return result;
}

static void step(const char *folder, struct core *core, struct core_effects *effects, const Pb__Envelope *envelope)
{
    char home[STORE_HOME_BYTES];
    store_home(folder, home);
    char store_id[ID128_TEXT_BYTES];
    uint8_t id[16];
    random_bytes(id, sizeof id);
    id128_text(id, store_id);
    struct core_event event = {.kind = envelope ? CORE_MESSAGE : CORE_STORE_OPENED,
                               .now_ns = clock_boottime_ns(),
                               .wall_ns = clock_wall_ns(),
                               .random = random_u64(),
                               .route = 1,
                               .peer_name = LOCAL_OPERATOR,
                               .role = PB__ROLE__ROLE_OPERATOR,
                               .public_key = "",
                               .envelope = envelope,
                               .store_id = store_id,
                               .home = home};
    core_step(core, &event, effects);
}

static int commit(struct store *store, const struct core_effects *effects, struct panther_error *error)
{
    if (!effects->record_count) {
        return 0;
    }
    struct panther_error failure = {0};
    if (!store_append(store, (const Pb__Record *const *)effects->records, effects->record_count, &failure)) {
        return error_set(error, failure.code ? failure.code : PANTHER_EIO, "%s", failure.message);
    }
    return 0;
}

int authority_request(const char *folder, Pb__Request *request, struct arena *arena, Pb__Reply **reply, struct panther_error *error)
{
    struct store *store = NULL;
    struct core *core = NULL;
    int result = open_core(folder, false, &store, &core, error);
    if (result) {
        return result;
    }
    struct core_effects effects;
    effects_begin(&effects);
    step(folder, core, &effects, NULL);
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_REQUEST;
    envelope.request = request;
    request->number = 1;
    step(folder, core, &effects, &envelope);
    result = commit(store, &effects, error);
    if (!result) {
        INVARIANT(effects.send_count > 0);
        *reply = MESSAGE_COPY(effects.sends[effects.send_count - 1].envelope->reply, arena);
    }
    effects_end(&effects);
    core_free(&core);
    store_close(&store);
    return result;
}

static int write_key(const char *folder, const char *file_name, const struct bus_peer_file *file, struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(folder, file_name);
    return bus_peer_file_write(path, file, error);
}

static void peer_file_fill(struct bus_peer_file *file, const char *name, const char *role, const char *endpoint)
{
    *file = (struct bus_peer_file){0};
    snprintf(file->name, sizeof file->name, "%s", name);
    snprintf(file->role, sizeof file->role, "%s", role);
    snprintf(file->coordinator, sizeof file->coordinator, "%s", endpoint);
    bus_key_new(file->public_key, file->secret_key);
}

int authority_init(const char *folder, const char *endpoint, struct panther_error *error)
{
    CLEANUP_FREE char *server_path = path_join(folder, "server.key");
    if (file_exists(server_path)) {
        return error_set(error, PANTHER_EEXISTS, "%s exists: this data folder was made before", server_path);
    }
    int result = folder_make(folder, 0700, error);
    if (result) {
        return result;
    }
    struct bus_peer_file server, admin;
    peer_file_fill(&server, "coordinator", "server", endpoint);
    peer_file_fill(&admin, "admin", "operator", endpoint);
    snprintf(admin.server_key, sizeof admin.server_key, "%s", server.public_key);
    // server.key last but one: an init that was cut off before it can simply be done again.
    if ((result = write_key(folder, "admin.key", &admin, error)) || (result = write_key(folder, "server.key", &server, error))) {
        return result;
    }
    struct store *store = NULL;
    if ((result = store_open(&store, folder, true, NULL, NULL, NULL, error))) {
        return result;
    }
    store_close(&store);
    struct arena *arena = arena_new(0);
    Pb__AddKey add = PB__ADD_KEY__INIT;
    add.name = admin.name;
    add.role = PB__ROLE__ROLE_OPERATOR;
    add.public_key = admin.public_key;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_ADD_KEY;
    request.add_key = &add;
    Pb__Reply *reply = NULL;
    result = authority_request(folder, &request, arena, &reply, error);
    arena_free(&arena);
    return result;
}
