#include "agent/shell/enrolment.h"

#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/shell/host.h"
#include "common/base/limits.h"
#include "common/bus/token.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/wire/wire.h"

#define ANSWER_MS 15000
#define NS_PER_MS UINT64_C(1000000)

struct enrolment {
    struct loop *loop;
    struct bus_link *link;
    struct bus_token token;
    struct bus_peer_file file;
    char host_id[ID128_TEXT_BYTES];
    struct loop_source *timer;
    struct panther_error error;
};

static void fail(struct enrolment *enrolment, int code, const char *why)
{
    error_set(&enrolment->error, code, "%s", why);
    loop_stop(enrolment->loop, code);
}

static void on_up(void *context)
{
    struct enrolment *enrolment = context;
    struct arena *arena = arena_new(0);
    Pb__Enroll enroll;
    Pb__Envelope envelope;
    pb__enroll__init(&enroll);
    pb__envelope__init(&envelope);
    enroll.public_key = enrolment->file.public_key;
    enroll.host_id = enrolment->host_id;
    envelope.version = PROTOCOL_VERSION;
    envelope.body_case = PB__ENVELOPE__BODY_ENROLL;
    envelope.enroll = &enroll;
    size_t bytes;
    const uint8_t *data = wire_pack(&envelope, arena, &bytes);
    if (bus_link_send(enrolment->link, data, bytes, NULL, 0) < 0)
        fail(enrolment, PANTHER_EUNAVAILABLE, "the coordinator takes no message");
    arena_free(&arena);
}

static void take_answer(struct enrolment *enrolment, const Pb__Envelope *envelope)
{
    if (envelope->body_case == PB__ENVELOPE__BODY_REFUSED) {
        fail(enrolment, PANTHER_EDENIED, envelope->refused->text);
    } else if (envelope->body_case != PB__ENVELOPE__BODY_ENROLLED) {
        fail(enrolment, PANTHER_EPROTOCOL, "the coordinator gave another answer than to an enrolment");
    } else {
        snprintf(enrolment->file.name, sizeof enrolment->file.name, "%s", envelope->enrolled->name);
        snprintf(enrolment->file.server_key, sizeof enrolment->file.server_key, "%s", envelope->enrolled->server_key);
        loop_stop(enrolment->loop, 0);
    }
}

static void on_message(void *context, const uint8_t *data, size_t bytes, const uint8_t *payload, size_t payload_bytes)
{
    struct enrolment *enrolment = context;
    struct panther_error error = {0};
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    (void)payload;
    (void)payload_bytes;
    const Pb__Envelope *envelope = wire_envelope(data, bytes, arena, &error);
    if (envelope)
        take_answer(enrolment, envelope);
    else
        fail(enrolment, error.code, error.message);
    arena_free(&arena);
}

static void on_lost(void *context, const char *why)
{
    fail(context, PANTHER_EUNAVAILABLE, why);
}

static void on_timeout(void *context)
{
    fail(context, PANTHER_ETIMEOUT, "the coordinator did not answer; a token works once: ask for a new one if this one was used");
}

static int ask(struct enrolment *enrolment, struct panther_error *error)
{
    const struct bus_link_options options = {
        .endpoint = enrolment->token.coordinator,
        .server_key = enrolment->token.server_key,
        .secret_key = enrolment->token.secret_key,
    };
    static const struct bus_link_callbacks callbacks = {on_up, on_message, on_lost};
    enrolment->loop = loop_new();
    enrolment->timer = loop_timer(enrolment->loop, on_timeout, enrolment);
    loop_timer_set(enrolment->timer, clock_boottime_ns() + ANSWER_MS * NS_PER_MS);
    int result = bus_link_new(&enrolment->link, enrolment->loop, &options, &callbacks, enrolment, error);
    if (result == 0 && (result = loop_run(enrolment->loop)) < 0 && error)
        *error = enrolment->error;
    bus_link_free(&enrolment->link);
    loop_remove(&enrolment->timer);
    loop_free(&enrolment->loop);
    return result;
}

// The token works once and the name is taken then: what could keep the key from being written must show before it is used.
static int try_key_file(const char *key_path, struct bus_peer_file *file, const char *part, struct panther_error *error)
{
    CLEANUP_FREE char *path = memory_string(key_path);
    int result = folder_make(dirname(path), 0755, error);
    if (result == 0) {
        snprintf(file->name, sizeof file->name, "enrolling");
        result = bus_peer_file_write(part, file, error);
    }
    return result;
}

static int ask_and_keep(struct enrolment *enrolment, const char *key_path, struct panther_error *error)
{
    CLEANUP_FREE char *part = memory_printf("%s.part", key_path);
    snprintf(enrolment->file.coordinator, sizeof enrolment->file.coordinator, "%s", enrolment->token.coordinator);
    snprintf(enrolment->file.server_key, sizeof enrolment->file.server_key, "%s", enrolment->token.server_key);
    bus_key_new(enrolment->file.public_key, enrolment->file.secret_key);
    int result = try_key_file(key_path, &enrolment->file, part, error);
    if (result == 0)
        result = ask(enrolment, error);
    if (result == 0)
        result = bus_peer_file_write(key_path, &enrolment->file, error);
    unlink(part);
    return result;
}

int enrolment_run(const char *token, const char *key_path, const char *state, struct panther_error *error)
{
    struct enrolment enrolment = {.file.role = "agent"};
    if (file_exists(key_path))
        return error_set(error, PANTHER_EEXISTS, "%s exists: this host has a key already; remove the file to enrol it anew", key_path);
    bus_begin();
    int result = bus_token_parse(token, &enrolment.token, error);
    if (result == 0)
        result = folder_make(state, 0700, error);
    if (result == 0)
        result = host_id_read(state, enrolment.host_id, error);
    if (result == 0)
        result = ask_and_keep(&enrolment, key_path, error);
    if (result == 0)
        printf("enrolled as %s; the key is in %s\n", enrolment.file.name, key_path);
    bus_end();
    return result;
}
