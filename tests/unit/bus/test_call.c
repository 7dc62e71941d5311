// The blocking client against a coordinator of our own in another thread: replies, refusals, silence, restarts, files by chunks.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/bus/call.h"
#include "fixture.h"

#define STORE_BYTES (3 * BULK_CHUNK_MAX_BYTES)
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum mood { ANSWERS, REFUSES, SILENT, CLOSES, CONFUSES };

struct coordinator {
    struct loop *loop;
    struct bus_server *control, *bulk;
    struct keys keys;
    _Atomic enum mood mood;
    atomic_bool stop, refuses_bulk, loses_a_chunk;
    atomic_size_t requests, chunks;
    atomic_size_t stored_bytes;
    uint8_t stored[STORE_BYTES];
    pthread_t thread;
};

static struct coordinator coordinator;
static struct bus_peer_file peer = {.name = "ann", .role = "operator"};

// ---- the coordinator's side

static void send_envelope(bus_route route, const Pb__Envelope *envelope)
{
    size_t bytes;
    uint8_t *data = wire_pack(envelope, NULL, &bytes);
    bus_server_send(coordinator.control, route, data, bytes, NULL, 0);
    free(data);
}

static void send_reply(bus_route route, uint64_t number, char *version)
{
    Pb__Status status;
    pb__status__init(&status);
    status.version = version;
    Pb__Reply reply;
    pb__reply__init(&reply);
    reply.number = number;
    reply.body_case = PB__REPLY__BODY_STATUS;
    reply.status = &status;
    Pb__Envelope envelope;
    pb__envelope__init(&envelope);
    envelope.version = PROTOCOL_VERSION;
    envelope.body_case = PB__ENVELOPE__BODY_REPLY;
    envelope.reply = &reply;
    send_envelope(route, &envelope);
}

static void send_refused(bus_route route)
{
    Pb__Refused refused;
    pb__refused__init(&refused);
    char text[] = "a viewer changes nothing";
    refused.code = PB__REFUSAL_CODE__REFUSAL_CODE_ROLE;
    refused.text = text;
    Pb__Envelope envelope;
    pb__envelope__init(&envelope);
    envelope.version = PROTOCOL_VERSION;
    envelope.body_case = PB__ENVELOPE__BODY_REFUSED;
    envelope.refused = &refused;
    send_envelope(route, &envelope);
}

static void on_control(void *context, const struct bus_message *message)
{
    (void)context;
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    Pb__Envelope *envelope = wire_envelope(message->data, message->bytes, arena, NULL);
    atomic_fetch_add(&coordinator.requests, 1);
    char late[] = "of an earlier request", right[] = "0.1.0";
    switch (envelope ? coordinator.mood : SILENT) {
    case CONFUSES:
        send_reply(message->route, envelope->request->number - 1, late);
        send_reply(message->route, envelope->request->number, right);
        break;
    case ANSWERS:
        send_reply(message->route, envelope->request->number, right);
        break;
    case REFUSES:
        send_refused(message->route);
        break;
    case CLOSES:
        bus_server_close_route(coordinator.control, message->route);
        break;
    case SILENT:
        break;
    }
    arena_free(&arena);
}

static void put(const Pb__PutChunk *chunk, const struct bus_message *message, Pb__PutAnswer *answer)
{
    atomic_fetch_add(&coordinator.chunks, 1);
    bool loses = atomic_exchange(&coordinator.loses_a_chunk, false);
    if (!loses && chunk->offset == coordinator.stored_bytes && chunk->offset + message->payload_bytes <= STORE_BYTES) {
        memcpy(coordinator.stored + chunk->offset, message->payload, message->payload_bytes);
        coordinator.stored_bytes += message->payload_bytes;
    }
    answer->have = coordinator.stored_bytes;
    answer->complete = chunk->last && coordinator.stored_bytes == chunk->total_bytes;
}

static void on_bulk(void *context, const struct bus_message *message)
{
    (void)context;
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    Pb__BulkEnvelope *question = wire_bulk(message->data, message->bytes, arena, NULL);
    Pb__BulkEnvelope answer;
    pb__bulk_envelope__init(&answer);
    Pb__PutAnswer put_answer;
    pb__put_answer__init(&put_answer);
    Pb__Chunk chunk;
    pb__chunk__init(&chunk);
    Pb__MissingBlobs missing;
    pb__missing_blobs__init(&missing);
    Pb__BulkRefused refused;
    pb__bulk_refused__init(&refused);
    char text[] = "no such stream";
    const uint8_t *payload = (const uint8_t *)"";
    size_t payload_bytes = 0;
    if (!question)
        exit(3);
    answer.version = PROTOCOL_VERSION;
    answer.number = question->number;
    if (coordinator.refuses_bulk) {
        answer.body_case = PB__BULK_ENVELOPE__BODY_REFUSED;
        answer.refused = &refused;
        refused.code = PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND;
        refused.text = text;
    } else if (question->body_case == PB__BULK_ENVELOPE__BODY_PUT_CHUNK) {
        answer.body_case = PB__BULK_ENVELOPE__BODY_PUT_ANSWER;
        answer.put_answer = &put_answer;
        put(question->put_chunk, message, &put_answer);
    } else if (question->body_case == PB__BULK_ENVELOPE__BODY_HAVE_BLOBS) {
        answer.body_case = PB__BULK_ENVELOPE__BODY_MISSING_BLOBS;
        answer.missing_blobs = &missing;
        missing.n_hashes = coordinator.stored_bytes == 0 ? question->have_blobs->n_hashes : 0;
        missing.hashes = question->have_blobs->hashes;
    } else {
        size_t left = coordinator.stored_bytes - question->get_chunk->offset;
        answer.body_case = PB__BULK_ENVELOPE__BODY_CHUNK;
        answer.chunk = &chunk;
        chunk.offset = question->get_chunk->offset;
        chunk.total_bytes = coordinator.stored_bytes;
        payload = coordinator.stored + chunk.offset;
        payload_bytes = left < question->get_chunk->limit_bytes ? left : question->get_chunk->limit_bytes;
        chunk.end = payload_bytes == left;
    }
    size_t bytes;
    uint8_t *data = wire_pack(&answer, NULL, &bytes);
    bus_server_send(coordinator.bulk, message->route, data, bytes, payload, payload_bytes);
    free(data);
    arena_free(&arena);
}

static void on_gone(void *context, bus_route route)
{
    (void)context, (void)route;
}

static void *coordinator_run(void *context)
{
    (void)context;
    while (!coordinator.stop)
        loop_run_once(coordinator.loop, -1);
    return NULL;
}

static void coordinator_start(unsigned port)
{
    static const struct bus_server_callbacks control = {.on_message = on_control, .on_gone = on_gone};
    static const struct bus_server_callbacks bulk = {.on_message = on_bulk, .on_gone = on_gone};
    char endpoint[ENDPOINT_BYTES];
    own_endpoint(endpoint, port);
    struct bus_server_options options = {.endpoint = endpoint, .secret_key = coordinator.keys.secret_key};
    struct panther_error error = {0};
    coordinator.loop = loop_new();
    coordinator.stop = false;
    if (bus_server_new(&coordinator.control, coordinator.loop, &options, &control, NULL, &error) != 0)
        fail_msg("%s", error.message);
    own_endpoint(endpoint, 0);
    assert_int_equal(bus_server_new(&coordinator.bulk, coordinator.loop, &options, &bulk, NULL, &error), 0);
    snprintf(peer.coordinator, sizeof peer.coordinator, "%s", bus_server_endpoint(coordinator.control));
    snprintf(peer.bulk, sizeof peer.bulk, "%s", bus_server_endpoint(coordinator.bulk));
    pthread_create(&coordinator.thread, NULL, coordinator_run, NULL);
}

static void coordinator_stop(void)
{
    coordinator.stop = true;
    loop_wake(coordinator.loop);
    pthread_join(coordinator.thread, NULL);
    bus_server_free(&coordinator.control);
    bus_server_free(&coordinator.bulk);
    loop_free(&coordinator.loop);
}

// ---- the client's side

static struct bus_call *call;
static struct arena *arena;

// What is not about patience has much of it: a loaded machine, a sanitizer.
#define IMPATIENT_MS 2000

static void open_call(uint32_t timeout_ms)
{
    struct panther_error error = {0};
    bus_call_close(&call);
    if (bus_call_open(&call, &peer, timeout_ms, &error) != 0)
        fail_msg("%s", error.message);
}

static int begin(void **state)
{
    (void)state;
    coordinator.mood = ANSWERS;
    coordinator.requests = coordinator.chunks = coordinator.stored_bytes = 0;
    coordinator.refuses_bulk = coordinator.loses_a_chunk = false;
    coordinator_start(0);
    open_call(PATIENCE_MS);
    arena = arena_new(UNPACK_MAX_BYTES);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bus_call_close(&call);
    arena_free(&arena);
    coordinator_stop();
    return 0;
}

static int ask(Pb__Reply **reply, struct panther_error *error)
{
    Pb__GetStatus get;
    pb__get_status__init(&get);
    Pb__Request request;
    pb__request__init(&request);
    request.body_case = PB__REQUEST__BODY_GET_STATUS;
    request.get_status = &get;
    return bus_call(call, &request, arena, reply, error);
}

static void expect_answer(void)
{
    Pb__Reply *reply = NULL;
    struct panther_error error = {0};
    if (ask(&reply, &error) != 0)
        fail_msg("%s", error.message);
    assert_int_equal(reply->body_case, PB__REPLY__BODY_STATUS);
    assert_string_equal(reply->status->version, "0.1.0");
}

static void each_request_gets_its_reply(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++)
        expect_answer();
    coordinator.mood = CONFUSES;
    for (int i = 0; i < 50; i++)
        expect_answer();
}

static void a_refusal_is_a_reply(void **state)
{
    (void)state;
    coordinator.mood = REFUSES;
    Pb__Reply *reply = NULL;
    assert_int_equal(ask(&reply, NULL), 0);
    assert_int_equal(reply->body_case, PB__REPLY__BODY_REFUSED);
    assert_string_equal(reply->refused->text, "a viewer changes nothing");
}

static void silence_is_a_timeout_and_the_next_request_is_heard(void **state)
{
    (void)state;
    open_call(IMPATIENT_MS);
    coordinator.mood = SILENT;
    Pb__Reply *reply = NULL;
    struct panther_error error = {0};
    assert_int_equal(ask(&reply, &error), PANTHER_ETIMEOUT);
    assert_non_null(strstr(error.message, peer.coordinator));
    assert_null(reply);
    coordinator.mood = ANSWERS;
    expect_answer();
}

static void a_closed_connection_is_unavailable_and_opened_again(void **state)
{
    (void)state;
    coordinator.mood = CLOSES;
    Pb__Reply *reply = NULL;
    struct panther_error error = {0};
    assert_int_equal(ask(&reply, &error), PANTHER_EUNAVAILABLE);
    assert_non_null(strstr(error.message, "closed by the server"));
    coordinator.mood = ANSWERS;
    expect_answer();
}

static void a_restarted_coordinator_is_found_again(void **state)
{
    (void)state;
    expect_answer();
    unsigned port = bus_server_port(coordinator.control);
    coordinator_stop();
    Pb__Reply *reply = NULL;
    struct panther_error error = {0};
    assert_int_equal(ask(&reply, &error), PANTHER_EUNAVAILABLE);
    assert_int_equal(ask(&reply, &error), PANTHER_EUNAVAILABLE);
    assert_non_null(strstr(error.message, "nobody listens there"));
    coordinator_start(port);
    expect_answer();
}

static void nobody_there_is_said_with_the_endpoint(void **state)
{
    (void)state;
    struct bus_peer_file lost = peer;
    struct bus_call *other = NULL;
    struct panther_error error = {0};
    snprintf(lost.coordinator, sizeof lost.coordinator, "tcp://127.0.0.1:1");
    assert_int_equal(bus_call_open(&other, &lost, PATIENCE_MS, &error), PANTHER_EUNAVAILABLE);
    assert_non_null(strstr(error.message, "tcp://127.0.0.1:1"));
    lost.coordinator[0] = '\0';
    assert_int_equal(bus_call_open(&other, &lost, PATIENCE_MS, &error), PANTHER_EINVALID);
    struct keys stranger = keys_new(false);
    lost = peer;
    memcpy(lost.secret_key, stranger.secret_key, sizeof lost.secret_key);
    assert_int_equal(bus_call_open(&other, &lost, PATIENCE_MS, &error), PANTHER_EUNAVAILABLE);
    assert_non_null(strstr(error.message, "refused our key"));
    assert_null(other);
}

static uint8_t *sample(size_t bytes)
{
    uint8_t *data = malloc(bytes + 1);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(i * 31 + i / 251);
    return data;
}

static void put_and_get(size_t bytes)
{
    struct panther_error error = {0};
    uint8_t *data = sample(bytes), *got = malloc(bytes + 1);
    if (bus_call_put_blob(call, HASH, data, bytes, &error) != 0)
        fail_msg("%s", error.message);
    assert_int_equal(coordinator.stored_bytes, bytes);
    uint64_t offset = 0;
    for (bool at_end = false; !at_end;) {
        uint8_t *chunk = NULL;
        size_t length = 0;
        if (bus_call_get(call, NULL, HASH, offset, &chunk, &length, &at_end, &error) != 0)
            fail_msg("%s", error.message);
        assert_in_range(offset + length, 0, bytes);
        memcpy(got + offset, chunk, length);
        offset += length;
        free(chunk);
    }
    assert_int_equal(offset, bytes);
    assert_memory_equal(got, data, bytes);
    free(data);
    free(got);
}

static void a_file_goes_up_and_comes_down_by_chunks(void **state)
{
    (void)state;
    put_and_get(2 * BULK_CHUNK_MAX_BYTES + 12345);
    assert_int_equal(coordinator.chunks, 3);
    // It is there already, so nothing is sent.
    assert_int_equal(bus_call_put_blob(call, HASH, "x", 1, NULL), 0);
    assert_int_equal(coordinator.chunks, 3);
}

static void files_of_odd_sizes_go_up_too(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, BULK_CHUNK_MAX_BYTES, 2 * BULK_CHUNK_MAX_BYTES};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        coordinator.stored_bytes = 0;
        put_and_get(sizes[i]);
    }
}

static void a_chunk_that_was_lost_is_sent_again(void **state)
{
    (void)state;
    coordinator.loses_a_chunk = true;
    put_and_get(2 * BULK_CHUNK_MAX_BYTES + 1);
    assert_int_equal(coordinator.chunks, 4);
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    coordinator.refuses_bulk = true;
    uint8_t *data = NULL;
    size_t bytes = 0;
    bool at_end = false;
    struct panther_error error = {0};
    assert_int_equal(bus_call_get(call, "r1/t/1/s/x.stdout", NULL, 0, &data, &bytes, &at_end, &error), PANTHER_ENOTFOUND);
    assert_string_equal(error.message, "no such stream");
    assert_null(data);
    assert_int_equal(bus_call_put_blob(call, HASH, "x", 1, &error), PANTHER_ENOTFOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    bus_begin();
    coordinator.keys = keys_new(false);
    struct keys client = keys_new(true);
    memcpy(peer.public_key, client.public_key, sizeof peer.public_key);
    memcpy(peer.secret_key, client.secret_key, sizeof peer.secret_key);
    memcpy(peer.server_key, coordinator.keys.public_key, sizeof peer.server_key);
    const struct CMUnitTest tests[] = {
        TEST(each_request_gets_its_reply),
        TEST(a_refusal_is_a_reply),
        TEST(silence_is_a_timeout_and_the_next_request_is_heard),
        TEST(a_closed_connection_is_unavailable_and_opened_again),
        TEST(a_restarted_coordinator_is_found_again),
        TEST(nobody_there_is_said_with_the_endpoint),
        TEST(a_file_goes_up_and_comes_down_by_chunks),
        TEST(files_of_odd_sizes_go_up_too),
        TEST(a_chunk_that_was_lost_is_sent_again),
        TEST(what_is_not_there_is_said),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bus_end();
    return failed;
}
