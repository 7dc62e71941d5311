// What retention takes away, and when: the record first, then the file; never what is pinned, open, needed elsewhere or just claimed.
#include "coordinator/store/retention.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/message.h"
#include "common/base/verdict.h"
#include "common/system/file.h"
#include "tests/unit/store/fixture.h"

#define DAY_NS INT64_C(86400000000000)
#define RECORDS_MAX 16

struct removals {
    struct fixture *fixture;
    const Pb__EvidenceRemoved *records[RECORDS_MAX];
    size_t count, contents;
};

static bool take(void *context, const Pb__EvidenceRemoved *removed)
{
    struct removals *removals = context;
    assert_in_range(removals->count, 0, RECORDS_MAX - 1);
    removals->records[removals->count++] = MESSAGE_COPY(removed, removals->fixture->story.arena);
    removals->contents += removed->n_contents;
    return true;
}

static void plan(struct fixture *fixture, const struct retention_rules *rules, struct removals *removals)
{
    struct store_reader *reader = NULL;
    *removals = (struct removals){.fixture = fixture};
    assert_int_equal(store_reader_open(&reader, fixture->folder, &fixture->error), 0);
    int result = retention_plan(reader, rules, STORY_WALL_NS + 10 * DAY_NS, take, removals, &fixture->error);
    store_reader_close(&reader);
    if (result)
        fail_msg("%s", fixture->error.message);
}

static uint64_t sweep(struct fixture *fixture, uint64_t *cursor)
{
    struct store_reader *reader = NULL;
    uint64_t files = 0;
    assert_int_equal(store_reader_open(&reader, fixture->folder, &fixture->error), 0);
    assert_int_equal(retention_sweep(reader, cursor, &files, &fixture->error), 0);
    store_reader_close(&reader);
    return files;
}

static char *blob(const struct fixture *fixture, const char *content, char hash[HASH_TEXT_BYTES])
{
    hash_bytes(content, strlen(content), hash);
    char *path = blob_path(fixture->folder, hash);
    CLEANUP_FREE char *folder = memory_string(path);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(folder_make(folder, 0700, NULL), 0);
    assert_int_equal(file_write_atomic(path, content, strlen(content), 0600, NULL), 0);
    return path;
}

static void make_old(const char *path)
{
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){{1000, 0}, {1000, 0}}, 0), 0);
}

// A run of one cell that passed and left a stream and an artifact, 100 bytes each as it says.
static void tell_run(struct fixture *fixture, uint64_t run, const char *hash, bool unwanted)
{
    struct story *story = &fixture->story;
    story_run(story, run, "lab", 1);
    story_trial(story, run, run, 1, 1);
    story_content(story, 10 * run + 1, "server.pcapng", false, hash, 100);
    story_content(story, 10 * run + 1, "nginx.stderr", true, hash, 100);
    char name[64];
    snprintf(name, sizeof name, "r%llu/load/nginx/1#1", (unsigned long long)run);
    story_trial_end(story, run, name, VERDICT_PASS);
    story_cell_end(story, run, 1, VERDICT_PASS);
    // the story's records are const for the store; this one was made a moment ago
    ((Pb__Record *)(uintptr_t)story->records[story->count - 1])->cell_ended->evidence_unwanted = unwanted;
    story_run_end(story, run, 1, 0);
    fixture_append(fixture);
}

static void annotate(struct fixture *fixture, uint64_t run, Pb__Pin pin)
{
    story_record(&fixture->story, PB__RECORD__BODY_RUN_ANNOTATED)->run_annotated->run = run;
    ((Pb__Record *)(uintptr_t)fixture->story.records[fixture->story.count - 1])->run_annotated->pin = pin;
    fixture_append(fixture);
}

static void record(struct fixture *fixture, const struct removals *removals)
{
    for (size_t i = 0; i < removals->count; i++)
        story_record(&fixture->story, PB__RECORD__BODY_EVIDENCE_REMOVED)->evidence_removed =
            (Pb__EvidenceRemoved *)(uintptr_t)removals->records[i];
    fixture_append(fixture);
}

static void cells_that_passed_lose_what_was_not_drawn(void **state)
{
    struct fixture *fixture = *state;
    char hash[HASH_TEXT_BYTES];
    free(blob(fixture, "captured", hash));
    struct removals removals;
    tell_run(fixture, 1, hash, true);
    tell_run(fixture, 2, hash, false);
    plan(fixture, &(struct retention_rules){0}, &removals);
    assert_int_equal(removals.count, 1);
    assert_int_equal(removals.contents, 1);
    assert_int_equal(removals.records[0]->run, 1);
    assert_string_equal(removals.records[0]->contents[0]->name, "server.pcapng");
    assert_false(removals.records[0]->contents[0]->is_stream);
    record(fixture, &removals);
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_ARTIFACTS, "r1", 0, 0, false);
    assert_string_equal(value(rows, 0, "state"), "removed by retention: its cell passed, and was not drawn among those that are kept");
    // what comes again is not wanted either
    story_content(&fixture->story, 11, "server.pcapng", false, hash, 100);
    fixture_append(fixture);
    rows = fixture_query(fixture, PB__TABLE__TABLE_ARTIFACTS, "r1", 0, 0, false);
    assert_int_equal(strncmp(value(rows, 0, "state"), "removed by retention", 20), 0);
    plan(fixture, &(struct retention_rules){0}, &removals);
    assert_int_equal(removals.count, 0);
}

static void old_runs_go_and_pinned_ones_stay(void **state)
{
    struct fixture *fixture = *state;
    const struct retention_rules day = {.age_ms = (uint64_t)DAY_NS / 1000000}, month = {.age_ms = 30 * (uint64_t)DAY_NS / 1000000};
    struct removals removals;
    char hash[HASH_TEXT_BYTES];
    free(blob(fixture, "captured", hash));
    tell_run(fixture, 1, hash, false);
    tell_run(fixture, 2, hash, false);
    annotate(fixture, 2, PB__PIN__PIN_ON);
    story_run(&fixture->story, 3, "lab", 1); // open
    story_trial(&fixture->story, 3, 3, 1, 1);
    story_content(&fixture->story, 31, "nginx.stderr", true, hash, 100);
    fixture_append(fixture);
    plan(fixture, &month, &removals);
    assert_int_equal(removals.count, 0);
    plan(fixture, &day, &removals);
    assert_int_equal(removals.count, 1);
    assert_int_equal(removals.records[0]->run, 1);
    assert_int_equal(removals.contents, 2);
    annotate(fixture, 2, PB__PIN__PIN_OFF);
    plan(fixture, &day, &removals);
    assert_int_equal(removals.contents, 4);
}

static void the_oldest_go_until_the_rest_fits(void **state)
{
    struct fixture *fixture = *state;
    struct removals removals;
    char hash[HASH_TEXT_BYTES];
    free(blob(fixture, "captured", hash));
    for (uint64_t run = 1; run <= 4; run++)
        tell_run(fixture, run, hash, false);
    annotate(fixture, 1, PB__PIN__PIN_ON);
    plan(fixture, &(struct retention_rules){.at_most_bytes = 800}, &removals);
    assert_int_equal(removals.count, 0);
    plan(fixture, &(struct retention_rules){.at_most_bytes = 500}, &removals);
    assert_int_equal(removals.count, 2);
    assert_int_equal(removals.records[0]->run, 2);
    assert_int_equal(removals.records[1]->run, 3);
}

static void files_go_after_the_record_and_only_when_nobody_needs_them(void **state)
{
    struct fixture *fixture = *state;
    const struct retention_rules day = {.age_ms = (uint64_t)DAY_NS / 1000000};
    struct removals removals;
    uint64_t cursor = 0, again = 0;
    char shared[HASH_TEXT_BYTES], own[HASH_TEXT_BYTES];
    assert_int_equal(blob_restore(fixture->folder, NULL), 0);
    CLEANUP_FREE char *shared_path = blob(fixture, "of two runs", shared), *own_path = blob(fixture, "of one run", own);
    make_old(shared_path);
    tell_run(fixture, 1, shared, false);
    tell_run(fixture, 2, shared, false);
    tell_run(fixture, 3, own, false);
    annotate(fixture, 2, PB__PIN__PIN_ON);
    plan(fixture, &day, &removals);
    assert_int_equal(sweep(fixture, &cursor), 0); // nothing was recorded
    record(fixture, &removals);
    assert_int_equal(sweep(fixture, &cursor), 0); // one is needed by the pinned run, the other was claimed a moment ago
    make_old(own_path);
    assert_true(blob_claim(fixture->folder, own));
    assert_int_equal(sweep(fixture, &cursor), 0);
    make_old(own_path);
    assert_int_equal(sweep(fixture, &cursor), 1);
    assert_false(file_exists(own_path));
    assert_true(file_exists(shared_path));
    annotate(fixture, 2, PB__PIN__PIN_OFF);
    plan(fixture, &day, &removals);
    record(fixture, &removals);
    fixture_reopen(fixture); // as if it had been killed before the file went
    assert_int_equal(sweep(fixture, &again), 1);
    assert_false(file_exists(shared_path));
    assert_int_equal(sweep(fixture, &again), 0);
}

static void what_was_half_removed_is_back_after_a_start(void **state)
{
    struct fixture *fixture = *state;
    char hash[HASH_TEXT_BYTES];
    CLEANUP_FREE char *path = blob(fixture, "half", hash);
    assert_int_equal(blob_restore(fixture->folder, NULL), 0);
    CLEANUP_FREE char *removing = memory_printf("%s/removing/%s", fixture->folder, hash);
    assert_int_equal(rename(path, removing), 0);
    assert_false(blob_claim(fixture->folder, hash));
    assert_int_equal(blob_restore(fixture->folder, NULL), 0);
    assert_true(blob_claim(fixture->folder, hash));
    assert_false(file_exists(removing));
}

static void notes_and_tags_are_rows(void **state)
{
    struct fixture *fixture = *state;
    story_tell(&fixture->story, 1);
    Pb__RunAnnotated *said = story_record(&fixture->story, PB__RECORD__BODY_RUN_ANNOTATED)->run_annotated;
    said->run = 1;
    char note[] = "looks like the wall", by[] = "ada", nightly[] = "nightly", good[] = "good", never[] = "never-was";
    said->note = note;
    said->by = by;
    said->tags = (char *[]){nightly, good};
    said->n_tags = 2;
    fixture_append(fixture);
    said = story_record(&fixture->story, PB__RECORD__BODY_RUN_ANNOTATED)->run_annotated;
    said->run = 1;
    said->not_tags = (char *[]){nightly, never};
    said->n_not_tags = 2;
    said->pin = PB__PIN__PIN_ON;
    fixture_append(fixture);
    Pb__Rows *rows = fixture_query(fixture, PB__TABLE__TABLE_RUNS, "r1", 0, 0, false);
    assert_string_equal(value(rows, 0, "tags"), "good");
    assert_string_equal(value(rows, 0, "pinned"), "1");
    assert_string_equal(value(rows, 0, "notes_count"), "1");
    rows = fixture_query(fixture, PB__TABLE__TABLE_NOTES, "r1", 0, 0, false);
    assert_int_equal(rows->n_rows, 1);
    assert_string_equal(value(rows, 0, "text"), "looks like the wall");
    assert_string_equal(value(rows, 0, "by"), "ada");
    rows = fixture_query(fixture, PB__TABLE__TABLE_SUBMISSIONS, "r1", 0, 0, false);
    assert_int_equal(rows->n_rows, 1);
    assert_string_equal(value(rows, 0, "run"), "r1");
    assert_string_equal(value(rows, 0, "times"), "1");
    assert_string_equal(value(rows, 0, "cells"), "[]");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cells_that_passed_lose_what_was_not_drawn, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(old_runs_go_and_pinned_ones_stay, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(the_oldest_go_until_the_rest_fits, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(files_go_after_the_record_and_only_when_nobody_needs_them, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(what_was_half_removed_is_back_after_a_start, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(notes_and_tags_are_rows, fixture_begin, fixture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
