// The bulk server with real sockets, a real store and a real disk.
#define _GNU_SOURCE
#include "tests/integration/bulk/lab.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/bus/call.h"
#include "common/system/file.h"

static const char LOG[] = "first line\nsecond line\nthird line\n";
#define LOG_BYTES (sizeof LOG - 1)

static const char *hash_of(const char *data, size_t bytes)
{
    static char hash[HASH_TEXT_BYTES];
    hash_bytes(data, bytes, hash);
    return hash;
}

static struct bulk_counters counters_of(struct lab *lab)
{
    struct bulk_counters counters;
    bulk_counters(lab->bulk, &counters);
    return counters;
}

static struct put last_of_log(const char *name)
{
    return (struct put){
        .name = name, .data = LOG, .bytes = LOG_BYTES, .last = true, .total_bytes = LOG_BYTES, .hash = hash_of(LOG, LOG_BYTES)};
}

static void assert_chunk(const struct peer *peer, const char *data, bool end)
{
    if (peer->answer->body_case == PB__BULK_ENVELOPE__BODY_REFUSED)
        fail_msg("refused: %s", peer->answer->refused->text);
    assert_int_equal(peer->answer->body_case, PB__BULK_ENVELOPE__BODY_CHUNK);
    assert_string_equal(text_string(&peer->payload), data);
    assert_int_equal(peer->answer->chunk->end, end);
}

static void a_stream_is_followed_while_it_grows_and_kept_when_complete(void **state)
{
    struct lab *lab = *state;
    struct peer agent, viewer;
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    peer_open(&viewer, lab, "wall", PB__ROLE__ROLE_VIEWER);
    peer_put_answered(&agent, (struct put){.name = "nginx.stderr", .data = LOG, .bytes = 11}, 11, false);
    peer_get(&viewer, SERVER_NAME "nginx.stderr", NULL, 0);
    assert_chunk(&viewer, "first line\n", false);
    peer_get(&viewer, SERVER_NAME "nginx.stderr", NULL, 11);
    assert_chunk(&viewer, "", false);
    const char *hash = hash_of(LOG, LOG_BYTES);
    struct put last = {.name = "nginx.stderr",
                       .offset = 11,
                       .data = LOG + 11,
                       .bytes = LOG_BYTES - 11,
                       .last = true,
                       .total_bytes = LOG_BYTES,
                       .hash = hash};
    peer_put_answered(&agent, last, LOG_BYTES, true);
    assert_true(blob_exists(lab->folder, hash));
    CLEANUP_FREE char *folder = content_folder(lab->folder, SERVER_INSTANCE, 1);
    assert_false(file_exists(folder));
    peer_get(&viewer, "@last/load/nginx/1/server/nginx.stderr", NULL, 11);
    assert_chunk(&viewer, LOG + 11, true);
    peer_put_answered(&agent, last, LOG_BYTES, true); // a repeat is answered again, and recorded once
    assert_int_equal(lab->announced, 1);
    peer_close(&agent);
    peer_close(&viewer);
}

static void complete_is_said_only_after_the_commit(void **state)
{
    struct lab *lab = *state;
    struct peer agent, viewer;
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    peer_open(&viewer, lab, "wall", PB__ROLE__ROLE_VIEWER);
    lab->holds_commits = true;
    peer_put(&agent, last_of_log("plugin.log"));
    WAIT_FOR(lab, lab->announced == 1);
    peer_put(&agent, last_of_log("plugin.log")); // the sender has waited long enough
    peer_get(&viewer, SERVER_NAME "plugin.log", NULL, 0);
    assert_chunk(&viewer, LOG, false); // readable meanwhile
    assert_false(agent.answered);
    assert_int_equal(lab->announced, 1);
    Pb__ContentStored content;
    pb__content_stored__init(&content);
    content.instance = SERVER_INSTANCE;
    content.generation = 1;
    content.name = (char *)(uintptr_t) "plugin.log";
    content.is_stream = true;
    content.hash = (char *)(uintptr_t)hash_of(LOG, LOG_BYTES);
    content.size_bytes = LOG_BYTES;
    lab_release(lab, &content, lab->ticket);
    peer_wait(&agent);
    assert_true(agent.answer->put_answer->complete);
    peer_get(&viewer, SERVER_NAME "plugin.log", NULL, 0);
    assert_chunk(&viewer, LOG, true);
    peer_close(&agent);
    peer_close(&viewer);
}

static void holes_and_repeats_heal(void **state)
{
    struct lab *lab = *state;
    struct peer agent;
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    peer_put_answered(&agent, (struct put){.name = "a", .offset = 5, .data = LOG + 5, .bytes = 5}, 0, false);
    peer_put_answered(&agent, (struct put){.name = "a", .data = LOG, .bytes = 5}, 5, false);
    peer_put_answered(&agent, (struct put){.name = "a", .data = LOG, .bytes = 5}, 5, false);
    peer_put_answered(&agent, (struct put){.name = "a", .offset = 3, .data = LOG + 3, .bytes = 9}, 12, false);
    // last without all before it
    struct put last = last_of_log("a");
    last.offset = 20;
    last.data = LOG + 20;
    last.bytes = LOG_BYTES - 20;
    peer_put_answered(&agent, last, 12, false);
    peer_put_answered(&agent, last_of_log("a"), LOG_BYTES, true);
    peer_put_answered(&agent, (struct put){.name = "empty", .last = true, .hash = hash_of("", 0)}, 0, true);
    peer_close(&agent);
}

static void a_wrong_hash_begins_again(void **state)
{
    struct lab *lab = *state;
    struct peer agent;
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    peer_put_answered(&agent, (struct put){.name = "a", .data = "fjrst", .bytes = 5}, 5, false);
    peer_put_answered(&agent, last_of_log("a"), 0, false);
    assert_int_equal(counters_of(lab).wrong_hash, 1);
    assert_int_equal(lab->announced, 0);
    peer_put_answered(&agent, last_of_log("a"), LOG_BYTES, true);
    // more than the whole
    peer_put_answered(&agent, (struct put){.name = "b", .data = LOG, .bytes = 20}, 20, false);
    struct put shorter = {.name = "b", .last = true, .total_bytes = 10, .hash = hash_of(LOG, 10)};
    peer_put_answered(&agent, shorter, 0, false);
    assert_int_equal(counters_of(lab).wrong_hash, 2);
    peer_close(&agent);
}

static void an_agent_speaks_only_for_its_instances(void **state)
{
    struct lab *lab = *state;
    struct peer agent, other;
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    peer_open(&other, lab, "lab-b", PB__ROLE__ROLE_AGENT);
    peer_put_refused(&other, (struct put){.name = "a", .data = LOG, .bytes = 5}, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND);
    peer_put_refused(&agent, (struct put){.name = "a", .instance = LOAD_INSTANCE, .data = LOG, .bytes = 5},
                     PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND);
    peer_put_refused(&agent, (struct put){.name = "a", .instance = 999, .data = LOG, .bytes = 5}, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND);
    peer_put_answered(&other, (struct put){.name = "a", .instance = LOAD_INSTANCE, .data = LOG, .bytes = 5}, 5, false);
    assert_int_equal(counters_of(lab).refused, 3);
    peer_close(&agent);
    peer_close(&other);
}

static void a_role_does_what_it_may(void **state)
{
    struct lab *lab = *state;
    struct peer agent, operator_, viewer;
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    peer_open(&operator_, lab, "ann", PB__ROLE__ROLE_OPERATOR);
    peer_open(&viewer, lab, "wall", PB__ROLE__ROLE_VIEWER);
    struct put blob = last_of_log("");
    blob.kind = PB__BULK_KIND__BULK_KIND_BLOB;
    peer_put_refused(&viewer, blob, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    peer_put_refused(&agent, blob, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    peer_put_refused(&operator_, last_of_log("a"), PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    peer_put_answered(&operator_, blob, LOG_BYTES, true);
    peer_put_answered(&operator_, blob, LOG_BYTES, true);
    struct peer *const readers[] = {&agent, &operator_, &viewer};
    for (size_t i = 0; i < 3; i++) {
        peer_get(readers[i], NULL, blob.hash, 0);
        assert_chunk(readers[i], LOG, true);
    }
    peer_put_answered(&agent, (struct put){.name = "a", .data = LOG, .bytes = 5}, 5, false);
    peer_get(&agent, SERVER_NAME "a", NULL, 0);
    assert_int_equal(agent.answer->refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    peer_get(&viewer, SERVER_NAME "nothing", NULL, 0);
    assert_int_equal(viewer.answer->refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND);
    peer_get(&viewer, NULL, hash_of("never seen", 10), 0);
    assert_int_equal(viewer.answer->refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND);
    // an enrolment key may do nothing here
    struct peer enroll;
    peer_open(&enroll, lab, "lab-d", PB__ROLE__ROLE_ENROLL);
    peer_get(&enroll, NULL, blob.hash, 0);
    assert_int_equal(enroll.answer->refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    peer_close(&enroll);
    peer_close(&agent);
    peer_close(&operator_);
    peer_close(&viewer);
}

static void a_revoked_key_is_refused_at_its_next_message(void **state)
{
    struct lab *lab = *state;
    struct peer agent, stranger;
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    peer_put_answered(&agent, (struct put){.name = "a", .data = LOG, .bytes = 5}, 5, false);
    bus_zap_deny(agent.keys.public_key);
    bulk_key_remove(lab->bulk, agent.keys.public_key);
    peer_put_refused(&agent, (struct put){.name = "a", .data = LOG, .bytes = 9}, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    peer_open(&stranger, lab, "lab-a", 0); // gets no connection
    peer_close(&agent);
    peer_close(&stranger);
}

static void garbage_and_oversize_change_nothing(void **state)
{
    struct lab *lab = *state;
    struct peer agent;
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    assert_int_equal(bus_link_send(agent.link, "garbage", 7, "x", 1), 0);
    peer_put(&agent, (struct put){.name = "../../escape", .data = LOG, .bytes = 5}); // refused by the wire's check
    WAIT_FOR(lab, counters_of(lab).malformed == 2);
    struct put huge = {.name = "a", .data = LOG, .bytes = 5, .offset = BULK_STREAM_MAX_BYTES};
    peer_put_refused(&agent, huge, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID);
    huge = last_of_log("a");
    huge.total_bytes = BULK_STREAM_MAX_BYTES + 1;
    peer_put_refused(&agent, huge, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID);
    CLEANUP_FREE char *chunk = memory_new(BULK_CHUNK_MAX_BYTES + 1);
    peer_put_refused(&agent, (struct put){.name = "a", .data = chunk, .bytes = BULK_CHUNK_MAX_BYTES + 1},
                     PB__REFUSAL_CODE__REFUSAL_CODE_INVALID);
    Pb__BulkEnvelope answer;
    pb__bulk_envelope__init(&answer);
    Pb__PutAnswer put;
    pb__put_answer__init(&put);
    answer.body_case = PB__BULK_ENVELOPE__BODY_PUT_ANSWER;
    answer.put_answer = &put;
    peer_send(&agent, &answer, NULL, 0); // not a question
    peer_wait(&agent);
    assert_int_equal(agent.answer->refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID);
    peer_put_answered(&agent, (struct put){.name = "a", .data = LOG, .bytes = 5}, 5, false); // the connection lives
    peer_close(&agent);
}

static void a_restart_goes_on_where_the_file_ends(void **state)
{
    struct lab *lab = *state;
    struct peer agent;
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    peer_put_answered(&agent, (struct put){.name = "a", .data = LOG, .bytes = 12}, 12, false);
    // complete, announced, and then the coordinator is gone before the commit
    lab->holds_commits = true;
    peer_put(&agent, last_of_log("b"));
    WAIT_FOR(lab, lab->announced == 1);
    peer_close(&agent);
    bulk_free(&lab->bulk);
    lab->holds_commits = false;
    lab_start_bulk(lab);
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    peer_put_answered(&agent, (struct put){.name = "a"}, 12, false);
    peer_put_answered(&agent, last_of_log("b"), LOG_BYTES, true);
    assert_int_equal(lab->announced, 2);
    peer_put_answered(&agent, last_of_log("a"), LOG_BYTES, true);
    CLEANUP_FREE char *folder = content_folder(lab->folder, SERVER_INSTANCE, 1);
    assert_false(file_exists(folder));
    peer_close(&agent);
}

static void streams_and_artifacts_of_one_name_are_two(void **state)
{
    struct lab *lab = *state;
    struct peer agent, viewer;
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    peer_open(&viewer, lab, "wall", PB__ROLE__ROLE_VIEWER);
    peer_put_answered(&agent, (struct put){.name = "x", .data = "stream", .bytes = 6}, 6, false);
    peer_put_answered(&agent, (struct put){.kind = PB__BULK_KIND__BULK_KIND_ARTIFACT, .name = "x", .data = "artifact", .bytes = 8}, 8,
                      false);
    struct put nested = last_of_log("qlog/deep/a.sqlog");
    nested.kind = PB__BULK_KIND__BULK_KIND_ARTIFACT;
    peer_put_answered(&agent, nested, LOG_BYTES, true);
    peer_get(&viewer, SERVER_NAME "qlog/deep/a.sqlog", NULL, 0);
    assert_chunk(&viewer, LOG, true);
    peer_get(&viewer, SERVER_NAME "x", NULL, 0);
    assert_chunk(&viewer, "stream", false);
    peer_close(&agent);
    peer_close(&viewer);
}

// A small disk under streams/, in a mount namespace of our own.
static void a_full_disk_is_told_and_gone_on_from(void **state)
{
    struct lab *lab = *state;
    CLEANUP_FREE char *streams = path_join(lab->folder, "streams"), *filler = path_join(streams, "filler");
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", streams, "tmpfs", 0, "size=64k") < 0) {
        print_message("SKIPPED: a small tmpfs cannot be mounted here: %s\n", strerror(errno));
        skip();
    }
    // The server's thread was there before: it has a namespace of its own to this test, so it is started again in ours.
    bulk_free(&lab->bulk);
    lab_start_bulk(lab);
    CLEANUP_FREE char *block = memory_new(40000);
    assert_int_equal(file_write_atomic(filler, block, 40000, 0600, NULL), 0);
    struct peer agent;
    peer_open(&agent, lab, "lab-a", PB__ROLE__ROLE_AGENT);
    peer_put_refused(&agent, (struct put){.name = "a", .data = block, .bytes = 40000}, PB__REFUSAL_CODE__REFUSAL_CODE_NO_SPACE);
    unlink(filler);
    peer_put_answered(&agent, (struct put){.name = "a", .data = block, .bytes = 40000}, 40000, false);
    peer_close(&agent);
    bulk_free(&lab->bulk);
    umount2(streams, MNT_DETACH);
}

// With the client of the command line: a file of several chunks.
static void files_of_a_submission(void **state)
{
    struct lab *lab = *state;
    struct bus_peer_file file = {.name = "ann", .role = "operator"};
    bus_key_new(file.public_key, file.secret_key);
    bus_zap_allow(file.public_key);
    bulk_key_set(lab->bulk, file.public_key, "ann", PB__ROLE__ROLE_OPERATOR);
    snprintf(file.bulk, sizeof file.bulk, "tcp://127.0.0.1:%u", bulk_port(lab->bulk));
    snprintf(file.coordinator, sizeof file.coordinator, "%s", file.bulk);
    snprintf(file.server_key, sizeof file.server_key, "%s", lab->keys.public_key);
    struct bus_call *call = NULL;
    assert_int_equal(bus_call_open(&call, &file, PATIENCE_MS, &lab->error), 0);
    size_t bytes = 3 * BULK_CHUNK_MAX_BYTES + 17;
    CLEANUP_FREE char *data = memory_new(bytes);
    random_bytes(data, bytes);
    const char *hash = hash_of(data, bytes);
    for (int i = 0; i < 2; i++)
        if (bus_call_put_blob(call, hash, data, bytes, &lab->error) < 0)
            fail_msg("%s", lab->error.message);
    assert_true(blob_exists(lab->folder, hash));
    assert_int_equal(counters_of(lab).stored, 1);
    uint64_t offset = 0;
    bool end = false;
    while (!end) {
        CLEANUP_FREE uint8_t *part = NULL;
        size_t got = 0;
        assert_int_equal(bus_call_get(call, NULL, hash, offset, &part, &got, &end, &lab->error), 0);
        assert_true(got > 0);
        assert_memory_equal(part, data + offset, got);
        offset += got;
    }
    assert_int_equal(offset, bytes);
    bus_call_close(&call);
}

// ---- the reader

struct answers {
    size_t count, rows, errors;
};

static void on_rows(void *context, uint64_t route, uint64_t request, Pb__Rows *rows, const struct panther_error *error)
{
    struct answers *answers = context;
    assert_int_equal(route, 7);
    answers->count++;
    assert_int_equal(request, answers->count);
    if (rows)
        answers->rows += rows->n_rows;
    else
        answers->errors += error->code == PANTHER_ENOTFOUND;
}

static void queries_are_answered_in_the_loops_thread_and_bounded(void **state)
{
    struct lab *lab = *state;
    struct answers answers = {0};
    struct reader *reader = NULL;
    assert_int_equal(reader_new(&reader, lab->folder, lab->loop, on_rows, &answers, &lab->error), 0);
    Pb__Query query;
    pb__query__init(&query);
    query.table = PB__TABLE__TABLE_INSTANCES;
    query.scope = (char *)(uintptr_t) "r1";
    assert_int_equal(reader_ask(reader, 7, 1, &query), 0);
    WAIT_FOR(lab, answers.count == 1);
    assert_int_equal(answers.rows, 2);
    query.scope = (char *)(uintptr_t) "r9";
    assert_int_equal(reader_ask(reader, 7, 2, &query), 0);
    WAIT_FOR(lab, answers.count == 2);
    assert_int_equal(answers.errors, 1);
    size_t asked = 2;
    int result = 0;
    while (result == 0 && asked < 1000000)
        if ((result = reader_ask(reader, 7, asked + 1, &query)) == 0)
            asked++;
    assert_int_equal(result, PANTHER_ELIMIT);
    WAIT_FOR(lab, answers.count == asked);
    assert_int_equal(reader_ask(reader, 7, asked + 1, &query), 0);
    reader_free(&reader);
}

static int begin_bus(void **state)
{
    (void)state;
    bus_begin();
    return 0;
}

static int end_bus(void **state)
{
    (void)state;
    bus_end();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stream_is_followed_while_it_grows_and_kept_when_complete, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(complete_is_said_only_after_the_commit, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(holes_and_repeats_heal, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(a_wrong_hash_begins_again, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(an_agent_speaks_only_for_its_instances, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(a_role_does_what_it_may, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(a_revoked_key_is_refused_at_its_next_message, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(garbage_and_oversize_change_nothing, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(a_restart_goes_on_where_the_file_ends, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(streams_and_artifacts_of_one_name_are_two, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(a_full_disk_is_told_and_gone_on_from, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(files_of_a_submission, lab_begin, lab_end),
        cmocka_unit_test_setup_teardown(queries_are_answered_in_the_loops_thread_and_bounded, lab_begin, lab_end),
    };
    return cmocka_run_group_tests(tests, begin_bus, end_bus);
}
