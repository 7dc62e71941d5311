#include "tests/integration/bulk/lab.h"

#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/system/file.h"

static void check(struct lab *lab, int result)
{
    if (result < 0)
        fail_msg("%s", lab->error.message);
}

static void on_committed(void *context, uint64_t number)
{
    struct lab *lab = context;
    for (uint64_t i = lab->committed + 1; i <= number; i++)
        if (lab->bulk && lab->tickets[i % 64])
            bulk_content_committed(lab->bulk, lab->tickets[i % 64]);
    lab->committed = number;
}

static void on_broken(void *context, const struct panther_error *error)
{
    (void)context;
    fail_msg("%s", error->message);
}

void lab_release(struct lab *lab, const Pb__ContentStored *content, uint64_t ticket)
{
    Pb__Record record;
    pb__record__init(&record);
    Pb__ContentStored copy = *content;
    record.format = JOURNAL_FORMAT;
    record.body_case = PB__RECORD__BODY_CONTENT_STORED;
    record.content_stored = &copy;
    const Pb__Record *records[] = {&record};
    lab->batch = store_append(lab->store, records, 1, &lab->error);
    lab->tickets[lab->batch % 64] = ticket;
}

static void on_content(void *context, const Pb__ContentStored *content, uint64_t ticket)
{
    struct lab *lab = context;
    lab->announced++;
    lab->ticket = ticket;
    if (!lab->holds_commits)
        lab_release(lab, content, ticket);
}

void lab_start_bulk(struct lab *lab)
{
    check(lab, bulk_new(&lab->bulk, lab->folder, 0, "tcp://127.0.0.1:0", lab->keys.secret_key, on_content, lab, lab->loop, &lab->error));
}

int lab_begin(void **state)
{
    static const struct store_callbacks callbacks = {on_committed, NULL, on_broken};
    struct lab *lab = NEW(struct lab);
    *state = lab;
    snprintf(lab->root, sizeof lab->root, "/tmp/panther-bulk-XXXXXX");
    assert_non_null(mkdtemp(lab->root));
    lab->folder = path_join(lab->root, "data");
    lab->loop = loop_new();
    bus_key_new(lab->keys.public_key, lab->keys.secret_key);
    check(lab, store_open(&lab->store, lab->folder, true, lab->loop, &callbacks, lab, &lab->error));
    lab_start_bulk(lab);
    story_begin(&lab->story);
    story_run(&lab->story, 1, "lab", 1);
    story_trial(&lab->story, 7, 1, 1, 1);
    lab->batch = store_append(lab->store, lab->story.records, lab->story.count, &lab->error);
    WAIT_FOR(lab, lab->committed == lab->batch);
    return 0;
}

int lab_end(void **state)
{
    struct lab *lab = *state;
    bulk_free(&lab->bulk);
    store_close(&lab->store);
    loop_free(&lab->loop);
    assert_int_equal(folder_remove(lab->root, NULL), 0);
    story_end(&lab->story);
    free(lab->folder);
    free(lab);
    return 0;
}

// ---- peers

static void on_up(void *context)
{
    ((struct peer *)context)->up = true;
}

static void on_message(void *context, const uint8_t *data, size_t bytes, const uint8_t *payload, size_t payload_bytes)
{
    struct peer *peer = context;
    arena_reset(peer->arena);
    peer->answer = wire_bulk(data, bytes, peer->arena, &peer->lab->error);
    if (!peer->answer)
        fail_msg("%s", peer->lab->error.message);
    text_clear(&peer->payload);
    text_append_bytes(&peer->payload, payload, payload_bytes);
    peer->answered = true;
}

static void on_lost(void *context, const char *why)
{
    (void)why;
    ((struct peer *)context)->lost = true;
}

void peer_open(struct peer *peer, struct lab *lab, const char *name, int role)
{
    static const struct bus_link_callbacks callbacks = {on_up, on_message, on_lost};
    *peer = (struct peer){.lab = lab, .arena = arena_new(0)};
    bus_key_new(peer->keys.public_key, peer->keys.secret_key);
    if (role) {
        bus_zap_allow(peer->keys.public_key);
        bulk_key_set(lab->bulk, peer->keys.public_key, name, role);
    }
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", bulk_port(lab->bulk));
    struct bus_link_options options = {
        .endpoint = endpoint, .server_key = lab->keys.public_key, .secret_key = peer->keys.secret_key, .connect_timeout_ms = 2000};
    check(lab, bus_link_new(&peer->link, lab->loop, &options, &callbacks, peer, &lab->error));
    WAIT_FOR(lab, peer->up || peer->lost);
    assert_int_equal(peer->up, role != 0);
}

void peer_close(struct peer *peer)
{
    bus_link_free(&peer->link);
    arena_free(&peer->arena);
    text_free(&peer->payload);
}

void peer_send(struct peer *peer, Pb__BulkEnvelope *question, const void *payload, size_t payload_bytes)
{
    question->version = PROTOCOL_VERSION;
    question->number = ++peer->number;
    size_t bytes;
    CLEANUP_FREE uint8_t *data = wire_pack(question, NULL, &bytes);
    peer->answered = false;
    assert_int_equal(bus_link_send(peer->link, data, bytes, payload ? payload : "", payload_bytes), 0);
}

void peer_wait(struct peer *peer)
{
    WAIT_FOR(peer->lab, peer->answered);
    assert_int_equal(peer->answer->number, peer->number);
}

void peer_put(struct peer *peer, struct put put)
{
    Pb__PutChunk chunk;
    pb__put_chunk__init(&chunk);
    chunk.kind = put.kind ? put.kind : PB__BULK_KIND__BULK_KIND_STREAM;
    chunk.instance = put.instance ? put.instance : SERVER_INSTANCE;
    chunk.generation = 1;
    chunk.name = (char *)(uintptr_t)(put.name ? put.name : "");
    chunk.hash = (char *)(uintptr_t)(put.hash ? put.hash : "");
    chunk.offset = put.offset;
    chunk.last = put.last;
    chunk.total_bytes = put.total_bytes;
    Pb__BulkEnvelope question;
    pb__bulk_envelope__init(&question);
    question.body_case = PB__BULK_ENVELOPE__BODY_PUT_CHUNK;
    question.put_chunk = &chunk;
    peer_send(peer, &question, put.data, put.bytes);
}

void peer_put_answered(struct peer *peer, struct put put, uint64_t have, bool complete)
{
    peer_put(peer, put);
    peer_wait(peer);
    if (peer->answer->body_case == PB__BULK_ENVELOPE__BODY_REFUSED)
        fail_msg("refused: %s", peer->answer->refused->text);
    assert_int_equal(peer->answer->body_case, PB__BULK_ENVELOPE__BODY_PUT_ANSWER);
    assert_int_equal(peer->answer->put_answer->have, have);
    assert_int_equal(peer->answer->put_answer->complete, complete);
}

void peer_put_refused(struct peer *peer, struct put put, Pb__RefusalCode code)
{
    peer_put(peer, put);
    peer_wait(peer);
    assert_int_equal(peer->answer->body_case, PB__BULK_ENVELOPE__BODY_REFUSED);
    assert_int_equal(peer->answer->refused->code, code);
    assert_true(strlen(peer->answer->refused->text) > 8);
}

void peer_get(struct peer *peer, const char *stream, const char *hash, uint64_t offset)
{
    Pb__GetChunk get;
    pb__get_chunk__init(&get);
    get.stream = (char *)(uintptr_t)(stream ? stream : "");
    get.hash = (char *)(uintptr_t)(hash ? hash : "");
    get.offset = offset;
    Pb__BulkEnvelope question;
    pb__bulk_envelope__init(&question);
    question.body_case = PB__BULK_ENVELOPE__BODY_GET_CHUNK;
    question.get_chunk = &get;
    peer_send(peer, &question, NULL, 0);
    peer_wait(peer);
}
