// The truth: links, formats, replay, rebuilding, backup, the lock.
#include "tests/unit/store/fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/base/message.h"
#include "common/base/verdict.h"
#include "common/system/file.h"

struct seen {
    uint64_t last;
    const Pb__Record *const *expected;
};

static int compare(void *context, uint64_t sequence, const Pb__Record *record, struct panther_error *error)
{
    (void)error;
    struct seen *seen = context;
    assert_int_equal(sequence, seen->last + 1);
    seen->last = sequence;
    if (seen->expected)
        assert_true(message_equal(record, seen->expected[sequence - 1]));
    return 0;
}

static void replay_gives_back_every_record_in_order(void **state)
{
    struct fixture *fixture = *state;
    story_tell(&fixture->story, 1);
    size_t count = fixture->story.count;
    for (size_t i = 0; i < count; i += 7) { // batches of several sizes are one chain
        size_t part = count - i < 7 ? count - i : 7;
        assert_int_not_equal(store_append(fixture->store, fixture->story.records + i, part, NULL), 0);
    }
    fixture_reopen(fixture);
    assert_int_equal(store_last_sequence(fixture->store), count);
    struct seen seen = {.expected = fixture->story.records};
    assert_int_equal(store_replay(fixture->store, compare, &seen, &fixture->error), 0);
    assert_int_equal(seen.last, count);
}

static void assert_replay_fails(struct fixture *fixture, int code, const char *text)
{
    struct seen seen = {0};
    assert_int_equal(store_replay(fixture->store, compare, &seen, &fixture->error), code);
    if (!strstr(fixture->error.message, text))
        fail_msg("\"%s\" does not say \"%s\"", fixture->error.message, text);
}

static void a_changed_record_is_found_by_its_sequence(void **state)
{
    struct fixture *fixture = *state;
    story_tell(&fixture->story, 1);
    fixture_append(fixture);
    fixture_tamper(fixture, "UPDATE journal SET payload = (SELECT payload FROM journal WHERE sequence = 10) WHERE sequence = 11");
    assert_replay_fails(fixture, PANTHER_EIO, "hash link of record 11");
}

static void a_removed_record_is_found_by_its_sequence(void **state)
{
    struct fixture *fixture = *state;
    story_tell(&fixture->story, 1);
    fixture_append(fixture);
    fixture_tamper(fixture, "DELETE FROM journal WHERE sequence = 5");
    assert_replay_fails(fixture, PANTHER_EIO, "no record 5");
}

static void another_format_names_both(void **state)
{
    struct fixture *fixture = *state;
    story_run(&fixture->story, 1, "lab", 1);
    ((Pb__Record *)(uintptr_t)fixture->story.records[0])->format = 9;
    fixture_append(fixture);
    assert_replay_fails(fixture, PANTHER_EVERSION, "record 1 of the journal has format 9, this program reads format 1");
}

static void another_schema_names_both(void **state)
{
    struct fixture *fixture = *state;
    fixture_close(fixture);
    fixture_execute(fixture, "PRAGMA user_version = 7");
    struct store *store = NULL;
    assert_int_equal(store_open(&store, fixture->folder, false, NULL, NULL, NULL, &fixture->error), PANTHER_EVERSION);
    assert_non_null(strstr(fixture->error.message, "schema version 7, this program reads and writes version 1"));
    assert_null(store);
}

static void rebuilding_gives_what_was_written_live(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t run = 1; run <= 5; run++)
        story_tell(&fixture->story, run);
    for (size_t i = 0; i < fixture->story.count; i++)
        assert_int_not_equal(store_append(fixture->store, fixture->story.records + i, 1, NULL), 0);
    char *live = fixture_dump(fixture);
    assert_int_equal(store_rebuild(fixture->store, &fixture->error), 0);
    char *rebuilt = fixture_dump(fixture);
    assert_string_equal(live, rebuilt);
    free(rebuilt);
    // and by itself, when the projections are of another version
    fixture_tamper(fixture, "UPDATE projection SET version = 0; DELETE FROM cases; UPDATE runs SET state = 'nonsense'");
    rebuilt = fixture_dump(fixture);
    assert_string_equal(live, rebuilt);
    free(rebuilt);
    free(live);
}

static void a_failed_append_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    story_tell(&fixture->story, 1);
    fixture_append(fixture);
    char *before = fixture_dump(fixture);
    story_case(&fixture->story, 101, 1012, 5, VERDICT_PASS);
    story_run(&fixture->story, 1, "again", 1); // the same run twice: no program should do that
    assert_int_equal(store_append(fixture->store, fixture->story.records, fixture->story.count, &fixture->error), 0);
    char *after = fixture_dump(fixture);
    assert_string_equal(before, after);
    fixture->story.count = 0;
    story_tell(&fixture->story, 2);
    fixture_append(fixture);
    struct seen seen = {0};
    assert_int_equal(store_replay(fixture->store, compare, &seen, &fixture->error), 0);
    free(before);
    free(after);
}

static void only_one_may_have_the_store(void **state)
{
    struct fixture *fixture = *state;
    struct store *second = NULL;
    assert_int_equal(store_open(&second, fixture->folder, false, NULL, NULL, NULL, &fixture->error), PANTHER_EEXISTS);
}

static void where_no_store_is_there_is_none(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = NULL;
    assert_int_equal(store_open(&store, fixture->root, false, NULL, NULL, NULL, &fixture->error), PANTHER_ENOTFOUND);
    assert_non_null(strstr(fixture->error.message, "serve --init"));
    struct store_reader *reader = NULL;
    assert_int_equal(store_reader_open(&reader, fixture->root, &fixture->error), PANTHER_ENOTFOUND);
}

static void make_blob(struct fixture *fixture, const char *content, char hash[HASH_TEXT_BYTES])
{
    CLEANUP_FREE char *path = path_join(fixture->root, "some-file");
    assert_int_equal(file_write_atomic(path, content, strlen(content), 0600, &fixture->error), 0);
    hash_bytes(content, strlen(content), hash);
    assert_int_equal(blob_adopt(fixture->folder, path, hash, &fixture->error), 0);
    assert_false(file_exists(path));
}

static void a_backup_of_a_live_store_can_be_served(void **state)
{
    struct fixture *fixture = *state;
    char hash[HASH_TEXT_BYTES];
    make_blob(fixture, "www", hash);
    story_tell(&fixture->story, 1);
    fixture_append(fixture);
    CLEANUP_FREE char *path = path_join(fixture->root, "backup");
    uint64_t bytes = 0, records = 0;
    assert_int_equal(store_backup(fixture->folder, path, &bytes, &records, &fixture->error), 0);
    assert_int_equal(records, store_last_sequence(fixture->store));
    assert_true(bytes > 4096);
    assert_int_equal(store_backup(fixture->folder, path, &bytes, &records, &fixture->error), PANTHER_EEXISTS);
    char *live = fixture_dump(fixture);
    char home[STORE_HOME_BYTES], later[STORE_HOME_BYTES];
    store_home(fixture->folder, home);
    story_tell(&fixture->story, 2);
    fixture_append(fixture);
    fixture_close(fixture);
    store_home(fixture->folder, later);
    assert_string_equal(home, later); // whatever is written
    store_home(path, later);
    assert_int_not_equal(home[0], '\0');
    assert_string_not_equal(home, later);
    free(fixture->folder);
    fixture->folder = memory_string(path);
    fixture_reopen(fixture);
    assert_true(blob_exists(fixture->folder, hash));
    char *copy = fixture_dump(fixture);
    assert_string_equal(live, copy);
    free(live);
    free(copy);
}

static void blobs_are_named_by_hash_alone(void **state)
{
    struct fixture *fixture = *state;
    char hash[HASH_TEXT_BYTES];
    make_blob(fixture, "x", hash);
    make_blob(fixture, "x", hash);
    assert_true(blob_exists(fixture->folder, hash));
    assert_false(blob_exists(fixture->folder, "../../journal.db"));
    assert_false(blob_hash_is_valid("ABCDEF"));
    CLEANUP_FREE char *path = path_join(fixture->root, "some-file");
    assert_int_equal(blob_adopt(fixture->folder, path, "../x", &fixture->error), PANTHER_EINVALID);
}

static void growing_files_stay_in_their_folder(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"../../../etc/passwd", "..", ".", "a/b", "a%2fb", "/etc", "\n", "@x", "nginx.stderr"};
    CLEANUP_FREE char *folder = content_folder(fixture->folder, 12, 3);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (int is_stream = 0; is_stream < 2; is_stream++) {
            CLEANUP_FREE char *path = content_path(fixture->folder, 12, 3, names[i], is_stream);
            assert_memory_equal(path, folder, strlen(folder));
            const char *file = path + strlen(folder) + 1;
            assert_null(strchr(file, '/'));
            assert_true(file[0] != '.' && file[0] != '\0');
            for (size_t j = 0; j < i; j++) {
                CLEANUP_FREE char *other = content_path(fixture->folder, 12, 3, names[j], is_stream);
                assert_string_not_equal(path, other);
            }
        }
    }
    char name[2000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    CLEANUP_FREE char *path = content_path(fixture->folder, 12, 3, name, true);
    assert_true(strlen(strrchr(path, '/') + 1) < 255);
}

static void content_is_found_by_its_readable_name(void **state)
{
    struct fixture *fixture = *state;
    story_tell(&fixture->story, 1);
    fixture_append(fixture);
    struct store_reader *reader = NULL;
    assert_int_equal(store_reader_open(&reader, fixture->folder, &fixture->error), 0);
    struct store_content content = {0};
    assert_int_equal(store_find_content(reader, "r1/load/nginx/1/server/nginx.stderr", &content, &fixture->error), 0);
    assert_true(content.ended && content.is_stream && content.bytes == 1000 && content.hash[0]);
    assert_int_equal(content.instance, 1011);
    // attempt 2 is the newest; its stream has ended but its bytes have not come yet
    assert_int_equal(store_find_content(reader, "@last/load/nginx/2/server/nginx.stderr", &content, &fixture->error), 0);
    assert_int_equal(content.instance, 1031);
    assert_true(!content.ended && !content.hash[0]);
    assert_int_equal(store_find_content(reader, "r1/load/nginx/1/server/qlog/a.sqlog", &content, &fixture->error), 0);
    assert_false(content.is_stream);
    assert_int_equal(store_find_content(reader, "r1/load/nginx/1/server/nginx.stdout", &content, &fixture->error), 0);
    assert_true(content.ended); // it is missing: nobody will send it
    assert_int_equal(store_find_content(reader, "r1/load/nginx/1/server/none", &content, &fixture->error), PANTHER_ENOTFOUND);
    assert_non_null(strstr(fixture->error.message, "there is: host.stderr, nginx.2.stderr"));
    assert_int_equal(store_find_content(reader, "r1/load", &content, &fixture->error), PANTHER_EINVALID);
    assert_int_equal(store_find_stored(reader, 1011, 1, "nginx.stderr", true, &content), 0);
    assert_int_equal(store_find_stored(reader, 1011, 1, "nginx.stderr", false, &content), PANTHER_ENOTFOUND);
    assert_true(store_instance_is_on(reader, 1011, 1, "lab-a"));
    assert_false(store_instance_is_on(reader, 1011, 1, "lab-b"));
    assert_false(store_instance_is_on(reader, 1011, 2, "lab-a"));
    store_reader_close(&reader);
}

// The fast path: 20,000 results a second, in batches as they come. Measured is time, so the bound is loose.
static void case_results_are_cheap(void **state)
{
    struct fixture *fixture = *state;
    struct story *story = &fixture->story;
    story_run(story, 1, "lab", 1);
    story_trial(story, 7, 1, 1, 1);
    fixture_append(fixture);
    enum { COUNT = 20000, BATCH = 256 };
    for (uint32_t i = 0; i < COUNT; i++)
        story_case(story, 7, 72, i + 3, VERDICT_PASS);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (size_t i = 0; i < COUNT; i += BATCH)
        assert_int_not_equal(store_append(fixture->store, story->records + i, COUNT - i < BATCH ? COUNT - i : BATCH, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    print_message("%d case results in %.3f s: %.0f per second\n", COUNT, seconds, COUNT / seconds);
    assert_true(seconds < 20);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(replay_gives_back_every_record_in_order, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_changed_record_is_found_by_its_sequence, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_removed_record_is_found_by_its_sequence, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(another_format_names_both, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(another_schema_names_both, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(rebuilding_gives_what_was_written_live, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_failed_append_leaves_nothing, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(only_one_may_have_the_store, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(where_no_store_is_there_is_none, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_backup_of_a_live_store_can_be_served, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(blobs_are_named_by_hash_alone, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(growing_files_stay_in_their_folder, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(content_is_found_by_its_readable_name, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(case_results_are_cheap, fixture_begin, fixture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
