// A blocking client: one request, one reply, over a loop of its own; and files by chunks over a second link.
#include "common/bus/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/bus/call_line.h"

// A file may be asked for again from an earlier offset some times (a coordinator that was restarted in between).
#define PUT_ROUNDS_MIN 16
#define NS_PER_MS UINT64_C(1000000)

struct bus_call {
    struct bus_peer_file peer;
    struct loop *loop;
    uint32_t timeout_ms;
    uint64_t number;
    struct call_line control, bulk;
    char bulk_endpoint[sizeof((struct bus_peer_file *)0)->bulk + 16];
};

// tcp://host:7400 -> tcp://host:7401
static int next_port(const char *endpoint, char *out, size_t bytes, struct panther_error *error)
{
    const char *colon = strrchr(endpoint, ':');
    char *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
    if (port == 0 || port >= 65535 || *end)
        return error_set(error, PANTHER_EINVALID, "no port in the coordinator's endpoint \"%s\"", endpoint);
    snprintf(out, bytes, "%.*s:%lu", (int)(colon - endpoint), endpoint, port + 1);
    return 0;
}

static struct call_target call_control(const struct bus_call *call)
{
    return (struct call_target){
        .endpoint = call->peer.coordinator, .peer = &call->peer, .loop = call->loop, .timeout_ms = call->timeout_ms};
}

static struct call_target call_bulk(const struct bus_call *call)
{
    return (struct call_target){.endpoint = call->bulk_endpoint, .peer = &call->peer, .loop = call->loop, .timeout_ms = call->timeout_ms};
}

int bus_call_open(struct bus_call **out, const struct bus_peer_file *peer, uint32_t timeout_ms, struct panther_error *error)
{
    if (!peer->coordinator[0])
        return error_set(error, PANTHER_EINVALID, "the key file of %s does not say where the coordinator is", peer->name);
    struct bus_call *call = NEW(struct bus_call);
    call->peer = *peer;
    call->timeout_ms = timeout_ms;
    call->loop = loop_new();
    int result = 0;
    if (peer->bulk[0])
        snprintf(call->bulk_endpoint, sizeof call->bulk_endpoint, "%s", peer->bulk);
    else
        result = next_port(peer->coordinator, call->bulk_endpoint, sizeof call->bulk_endpoint, error);
    if (result == 0) {
        struct call_target target = call_control(call);
        result = call_line_open(&call->control, &target, error);
    }
    if (result)
        bus_call_close(&call);
    else
        *out = call;
    return result;
}

void bus_call_close(struct bus_call **call)
{
    struct bus_call *dead = *call;
    *call = NULL;
    if (!dead)
        return;
    call_line_close(&dead->control);
    call_line_close(&dead->bulk);
    loop_free(&dead->loop);
    explicit_bzero(&dead->peer, sizeof dead->peer);
    free(dead);
}

// What an answer has to be: a Reply with our number (0: any), or a Refused of the whole peer. NULL without an error: not for us.
static Pb__Reply *take_reply(const struct call_frame *frame, uint64_t number, struct arena *arena, struct panther_error *error)
{
    Pb__Envelope *envelope = wire_envelope(frame->data, frame->bytes, arena, error);
    if (!envelope)
        return NULL;
    if (envelope->body_case == PB__ENVELOPE__BODY_REPLY && (number == 0 || envelope->reply->number == number))
        return envelope->reply;
    if (envelope->body_case != PB__ENVELOPE__BODY_REFUSED)
        return NULL;
    Pb__Reply *reply = ARENA_NEW(arena, Pb__Reply);
    pb__reply__init(reply);
    reply->number = number;
    reply->body_case = PB__REPLY__BODY_REFUSED;
    reply->refused = envelope->refused;
    return reply;
}

static int wait_reply(struct bus_call *call, const struct call_target *target, uint64_t number, struct arena *arena, Pb__Reply **reply,
                      struct panther_error *error)
{
    uint64_t deadline_ns = call_deadline_ns(target);
    for (;;) {
        struct call_frame *frame = NULL;
        int result = call_line_wait(&call->control, target, deadline_ns, &frame, error);
        if (result)
            return result;
        struct panther_error bad = {0};
        Pb__Reply *answer = take_reply(frame, number, arena, &bad);
        call_frame_free(&frame);
        if (bad.code)
            return error_set(error, bad.code, "the coordinator's answer: %s", bad.message);
        if (answer) {
            *reply = answer;
            return 0;
        }
    }
}

int bus_call_send(struct bus_call *call, Pb__Request *request, struct panther_error *error)
{
    struct call_target target = call_control(call);
    int result = call_line_open(&call->control, &target, error);
    if (result)
        return result;
    request->number = ++call->number;
    Pb__Envelope envelope;
    pb__envelope__init(&envelope);
    envelope.version = PROTOCOL_VERSION;
    envelope.body_case = PB__ENVELOPE__BODY_REQUEST;
    envelope.request = request;
    size_t bytes = 0;
    CLEANUP_FREE uint8_t *frame = wire_pack(&envelope, NULL, &bytes);
    return call_line_send(&call->control, frame, bytes, NULL, 0, error);
}

int bus_call(struct bus_call *call, Pb__Request *request, struct arena *arena, Pb__Reply **reply, struct panther_error *error)
{
    struct call_target target = call_control(call);
    int result = bus_call_send(call, request, error);
    return result ? result : wait_reply(call, &target, request->number, arena, reply, error);
}

int bus_call_next(struct bus_call *call, int fd, uint32_t timeout_ms, struct arena *arena, Pb__Reply **reply, struct panther_error *error)
{
    uint64_t deadline_ns = clock_boottime_ns() + timeout_ms * NS_PER_MS;
    *reply = NULL;
    for (;;) {
        struct call_frame *frame = NULL;
        int result = call_line_wait_beside(&call->control, call->loop, fd, deadline_ns, &frame, error);
        if (result || !frame)
            return result;
        struct panther_error bad = {0};
        *reply = take_reply(frame, 0, arena, &bad);
        call_frame_free(&frame);
        if (bad.code)
            return error_set(error, bad.code, "the coordinator's answer: %s", bad.message);
        if (*reply)
            return 0;
    }
}

// ---- bulk

static int bulk_refused(const Pb__BulkRefused *refused, struct panther_error *error)
{
    int code = refused->code == PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND  ? PANTHER_ENOTFOUND
               : refused->code == PB__REFUSAL_CODE__REFUSAL_CODE_NO_SPACE ? PANTHER_ENOSPACE
                                                                          : PANTHER_EDENIED;
    return error_set(error, code, "%s", refused->text);
}

static int bulk_wait(struct bus_call *call, const struct call_target *target, uint64_t number, struct arena *arena,
                     Pb__BulkEnvelope **answer, struct call_frame **frame, struct panther_error *error)
{
    uint64_t deadline_ns = call_deadline_ns(target);
    for (;;) {
        struct call_frame *arrived = NULL;
        int result = call_line_wait(&call->bulk, target, deadline_ns, &arrived, error);
        if (result)
            return result;
        struct panther_error bad = {0};
        Pb__BulkEnvelope *envelope = wire_bulk(arrived->data, arrived->bytes, arena, &bad);
        if (!envelope)
            result = error_set(error, bad.code, "the coordinator's answer: %s", bad.message);
        else if (envelope->number == number && envelope->body_case == PB__BULK_ENVELOPE__BODY_REFUSED)
            result = bulk_refused(envelope->refused, error);
        if (!result && envelope->number == number) {
            *answer = envelope;
            *frame = arrived;
            return 0;
        }
        call_frame_free(&arrived);
        if (result)
            return result;
    }
}

// The answer lives in the arena, the frame (its payload) is the caller's to free.
static int bulk_ask(struct bus_call *call, Pb__BulkEnvelope *question, const void *payload, size_t payload_bytes, struct arena *arena,
                    Pb__BulkEnvelope **answer, struct call_frame **frame, struct panther_error *error)
{
    struct call_target target = call_bulk(call);
    int result = call_line_open(&call->bulk, &target, error);
    if (result)
        return result;
    question->version = PROTOCOL_VERSION;
    question->number = ++call->number;
    size_t bytes = 0;
    CLEANUP_FREE uint8_t *packed = wire_pack(question, NULL, &bytes);
    // A bulk message always has two frames.
    result = call_line_send(&call->bulk, packed, bytes, payload ? payload : "", payload_bytes, error);
    return result ? result : bulk_wait(call, &target, question->number, arena, answer, frame, error);
}

static int blob_is_missing(struct bus_call *call, const char *hash, bool *missing, struct arena *arena, struct panther_error *error)
{
    char *hashes[] = {arena_string(arena, hash)};
    Pb__HaveBlobs have;
    pb__have_blobs__init(&have);
    have.n_hashes = 1;
    have.hashes = hashes;
    Pb__BulkEnvelope question, *answer = NULL;
    pb__bulk_envelope__init(&question);
    question.body_case = PB__BULK_ENVELOPE__BODY_HAVE_BLOBS;
    question.have_blobs = &have;
    struct call_frame *frame = NULL;
    int result = bulk_ask(call, &question, NULL, 0, arena, &answer, &frame, error);
    call_frame_free(&frame);
    if (result)
        return result;
    if (answer->body_case != PB__BULK_ENVELOPE__BODY_MISSING_BLOBS)
        return error_set(error, PANTHER_EPROTOCOL, "the coordinator answers something else than which files it misses");
    *missing = answer->missing_blobs->n_hashes > 0;
    return 0;
}

static int put_chunk(struct bus_call *call, Pb__PutChunk *chunk, const uint8_t *data, size_t bytes, Pb__PutAnswer *put, struct arena *arena,
                     struct panther_error *error)
{
    Pb__BulkEnvelope question, *answer = NULL;
    pb__bulk_envelope__init(&question);
    question.body_case = PB__BULK_ENVELOPE__BODY_PUT_CHUNK;
    question.put_chunk = chunk;
    struct call_frame *frame = NULL;
    int result = bulk_ask(call, &question, data, bytes, arena, &answer, &frame, error);
    call_frame_free(&frame);
    if (result)
        return result;
    if (answer->body_case != PB__BULK_ENVELOPE__BODY_PUT_ANSWER)
        return error_set(error, PANTHER_EPROTOCOL, "the coordinator answers something else than what it has");
    *put = *answer->put_answer;
    return 0;
}

static int put_chunks(struct bus_call *call, const char *hash, const uint8_t *data, size_t bytes, struct arena *arena,
                      struct panther_error *error)
{
    Pb__PutAnswer put;
    pb__put_answer__init(&put);
    // Each round sends at least what is needed to end; the receiver's `have` moves us, also back, but not for ever.
    for (size_t rounds = bytes / BULK_CHUNK_MAX_BYTES * 2 + PUT_ROUNDS_MIN; rounds > 0; rounds--) {
        arena_reset(arena);
        uint64_t left = bytes - put.have;
        size_t length = left < BULK_CHUNK_MAX_BYTES ? (size_t)left : BULK_CHUNK_MAX_BYTES;
        Pb__PutChunk chunk;
        pb__put_chunk__init(&chunk);
        chunk.kind = PB__BULK_KIND__BULK_KIND_BLOB;
        chunk.name = arena_string(arena, hash);
        chunk.offset = put.have;
        chunk.last = length == left;
        chunk.total_bytes = bytes;
        chunk.hash = arena_string(arena, hash);
        int result = put_chunk(call, &chunk, data + put.have, length, &put, arena, error);
        if (result || put.complete)
            return result;
        if (put.have > bytes)
            return error_set(error, PANTHER_EPROTOCOL, "the coordinator has more of the file than there is");
    }
    return error_set(error, PANTHER_EPROTOCOL, "the coordinator does not get the file complete");
}

int bus_call_put_blob(struct bus_call *call, const char *hash, const void *data, size_t bytes, struct panther_error *error)
{
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    bool missing = false;
    int result = blob_is_missing(call, hash, &missing, arena, error);
    if (result == 0 && missing)
        result = put_chunks(call, hash, data, bytes, arena, error);
    arena_free(&arena);
    return result;
}

static int get(struct bus_call *call, const char *stream, const char *hash, uint64_t offset, struct bus_piece *piece,
               struct panther_error *error)
{
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    Pb__GetChunk get_chunk;
    pb__get_chunk__init(&get_chunk);
    get_chunk.stream = arena_string(arena, stream ? stream : "");
    get_chunk.hash = arena_string(arena, hash ? hash : "");
    get_chunk.offset = offset;
    get_chunk.limit_bytes = BULK_CHUNK_MAX_BYTES;
    Pb__BulkEnvelope question, *answer = NULL;
    pb__bulk_envelope__init(&question);
    question.body_case = PB__BULK_ENVELOPE__BODY_GET_CHUNK;
    question.get_chunk = &get_chunk;
    struct call_frame *frame = NULL;
    int result = bulk_ask(call, &question, NULL, 0, arena, &answer, &frame, error);
    if (result == 0 && (answer->body_case != PB__BULK_ENVELOPE__BODY_CHUNK || answer->chunk->offset != offset))
        result = error_set(error, PANTHER_EPROTOCOL, "the coordinator answers something else than the bytes from %llu on",
                           (unsigned long long)offset);
    if (result == 0) {
        *piece = (struct bus_piece){.data = frame->payload, .bytes = frame->payload_bytes, .end = answer->chunk->end};
        read_marks_take(&piece->marks, answer->chunk->read_times, answer->chunk->n_read_times);
        frame->payload = NULL;
    }
    call_frame_free(&frame);
    arena_free(&arena);
    return result;
}

int bus_call_get(struct bus_call *call, const char *stream, const char *hash, uint64_t offset, uint8_t **data, size_t *bytes, bool *end,
                 struct panther_error *error)
{
    struct bus_piece piece;
    int result = get(call, stream, hash, offset, &piece, error);
    if (result == 0) {
        *data = piece.data;
        *bytes = piece.bytes;
        *end = piece.end;
    }
    return result;
}

int bus_call_follow(struct bus_call *call, const char *stream, uint64_t offset, struct bus_piece *piece, struct panther_error *error)
{
    return get(call, stream, NULL, offset, piece, error);
}
