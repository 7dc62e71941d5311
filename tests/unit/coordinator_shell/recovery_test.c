// A start from a snapshot knows what a replay of the whole journal knows; a snapshot that is damaged, of another journal or of another
// program is not used, and nothing is lost with it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "common/system/file.h"
#include "common/system/loop.h"
#include "coordinator/shell/recovery.h"
#include "coordinator/shell/snapshots.h"
#include "tests/history/history.h"

#define CASES 50

static const struct core_options options = {.version = "1.2.3"};

struct lab {
    char root[64];
    char *folder;
    struct store *store;
    struct history history;
    struct panther_error error;
};

static void append(struct lab *lab)
{
    struct history *history = &lab->history;
    if (!store_append(lab->store, (const Pb__Record *const *)history->records, history->count, &lab->error)) {
        fail_msg("%s", lab->error.message);
    }
    history_clear(history);
}

static int begin(void **state)
{
    struct lab *lab = NEW(struct lab);
    snprintf(lab->root, sizeof lab->root, "/tmp/panther-recovery-XXXXXX");
    assert_non_null(mkdtemp(lab->root));
    lab->folder = path_join(lab->root, "data");
    if (store_open(&lab->store, lab->folder, true, NULL, NULL, NULL, &lab->error) < 0) {
        fail_msg("%s", lab->error.message);
    }
    history_begin(&lab->history, CASES, "hello\n");
    history_store(&lab->history);
    history_members(&lab->history);
    history_run(&lab->history, 3);
    history_trial(&lab->history);
    append(lab);
    history_trial_begin(&lab->history); // a second trial is at work
    for (uint32_t i = 0; i < CASES / 2; i++) {
        history_case(&lab->history, i);
    }
    append(lab);
    *state = lab;
    return 0;
}

static int end(void **state)
{
    struct lab *lab = *state;
    history_end(&lab->history);
    store_close(&lab->store);
    folder_remove(lab->root, NULL);
    free(lab->folder);
    free(lab);
    return 0;
}

// ---- what a core knows, as text

static char *recovered(struct lab *lab, struct recovery *recovery)
{
    struct core *core = NULL;
    if (recovery_run(lab->folder, &options, &core, recovery, &lab->error) < 0) {
        fail_msg("%s", lab->error.message);
    }
    assert_int_equal(recovery->position.sequence, store_last_sequence(lab->store));
    struct text text = {0};
    core_print(core, &text);
    core_free(&core);
    return text.data;
}

static void keep(struct lab *lab)
{
    struct core *core = NULL;
    struct recovery recovery;
    if (recovery_run(lab->folder, &options, &core, &recovery, &lab->error) < 0 ||
        recovery_keep(lab->folder, &options, core, &recovery, &lab->error) < 0) {
        fail_msg("%s", lab->error.message);
    }
    core_free(&core);
}

static void remove_snapshot(struct lab *lab)
{
    CLEANUP_FREE char *path = path_join(lab->folder, "snapshot");
    assert_int_equal(remove(path), 0);
}

static void a_snapshot_and_what_came_after_is_the_whole_journal(void **state)
{
    struct lab *lab = *state;
    keep(lab);
    uint64_t covered = store_last_sequence(lab->store);
    for (uint32_t i = CASES / 2; i < CASES; i++) {
        history_case(&lab->history, i);
    }
    history_trial_end(&lab->history);
    history_trial(&lab->history);
    append(lab);
    struct recovery recovery;
    CLEANUP_FREE char *quick = recovered(lab, &recovery);
    assert_int_equal(recovery.snapshot, covered);
    assert_int_equal(recovery.problem.code, 0);
    remove_snapshot(lab);
    CLEANUP_FREE char *whole = recovered(lab, &recovery);
    assert_int_equal(recovery.snapshot, 0);
    assert_int_equal(recovery.problem.code, 0);
    assert_string_equal(quick, whole);
    assert_non_null(strstr(whole, "cells=3/3"));
}

static void ended_runs_leave_nothing_to_keep(void **state)
{
    struct lab *lab = *state;
    for (uint32_t i = CASES / 2; i < CASES; i++) {
        history_case(&lab->history, i);
    }
    history_trial_end(&lab->history);
    history_trial(&lab->history);
    history_run_end(&lab->history);
    append(lab);
    keep(lab);
    CLEANUP_FREE char *path = path_join(lab->folder, "snapshot");
    char *data;
    size_t little, more;
    assert_int_equal(file_read(path, 1 << 20, &data, &little, NULL), 0);
    free(data);
    for (int run = 0; run < 20; run++) {
        history_run(&lab->history, 1);
        history_trial(&lab->history);
        history_run_end(&lab->history);
        append(lab);
    }
    keep(lab);
    assert_int_equal(file_read(path, 1 << 20, &data, &more, NULL), 0);
    free(data);
    assert_in_range(more, little, little + 64); // numbers that have grown by a digit
}

// ---- snapshots of no use

static void assert_not_used(struct lab *lab, const char *whole, const char *why)
{
    struct recovery recovery;
    CLEANUP_FREE char *text = recovered(lab, &recovery);
    assert_string_equal(text, whole);
    assert_int_equal(recovery.snapshot, 0);
    if (!strstr(recovery.problem.message, why)) {
        fail_msg("\"%s\" does not say \"%s\"", recovery.problem.message, why);
    }
}

static void a_damaged_snapshot_is_not_used(void **state)
{
    struct lab *lab = *state;
    struct recovery recovery;
    CLEANUP_FREE char *whole = recovered(lab, &recovery);
    keep(lab);
    CLEANUP_FREE char *path = path_join(lab->folder, "snapshot");
    char *data;
    size_t bytes;
    assert_int_equal(file_read(path, 1 << 20, &data, &bytes, NULL), 0);
    for (size_t at = 0; at < bytes; at += bytes / 50 + 1) { // flipped anywhere
        data[at] ^= 0x10;
        assert_int_equal(file_write_atomic(path, data, bytes, 0600, NULL), 0);
        assert_not_used(lab, whole, "its hash is not right");
        data[at] ^= 0x10;
    }
    for (size_t left = 0; left < bytes; left += bytes / 20 + 1) { // cut anywhere
        assert_int_equal(file_write_atomic(path, data, left, 0600, NULL), 0);
        assert_not_used(lab, whole, left < 64 ? "too short" : "its hash is not right");
    }
    free(data);
}

static void a_snapshot_of_another_version_is_not_used(void **state)
{
    struct lab *lab = *state;
    struct recovery recovery;
    struct core *core = NULL;
    const struct core_options other = {.version = "1.2.4"};
    assert_int_equal(recovery_run(lab->folder, &other, &core, &recovery, &lab->error), 0);
    assert_int_equal(recovery_keep(lab->folder, &other, core, &recovery, &lab->error), 0);
    core_free(&core);
    remove_snapshot(lab);
    CLEANUP_FREE char *whole = recovered(lab, &recovery);
    assert_int_equal(recovery_run(lab->folder, &other, &core, &recovery, &lab->error), 0);
    assert_int_equal(recovery_keep(lab->folder, &other, core, &recovery, &lab->error), 0);
    core_free(&core);
    assert_not_used(lab, whole, "is of version 1.2.4");
}

// A backup was put in its place, and went on in another way.
static void a_snapshot_of_another_journal_is_not_used(void **state)
{
    struct lab *lab = *state;
    CLEANUP_FREE char *backup = path_join(lab->root, "backup");
    CLEANUP_FREE char *from = path_join(lab->folder, "snapshot"), *to = path_join(backup, "snapshot");
    uint64_t bytes;
    assert_int_equal(store_backup(lab->folder, backup, &bytes, NULL, &lab->error), 0);
    history_case(&lab->history, CASES / 2);
    append(lab);
    keep(lab);
    assert_int_equal(rename(from, to), 0);
    store_close(&lab->store);
    free(lab->folder);
    lab->folder = memory_string(backup);
    assert_int_equal(store_open(&lab->store, lab->folder, false, NULL, NULL, NULL, &lab->error), 0);
    struct recovery recovery;
    char *text = recovered(lab, &recovery);
    assert_int_equal(recovery.snapshot, 0);
    assert_non_null(strstr(recovery.problem.message, "is another one or is not there"));
    free(text);
    history_case(&lab->history, CASES / 2 + 1); // as long as the other, but not the same
    append(lab);
    text = recovered(lab, &recovery);
    assert_int_equal(recovery.snapshot, 0);
    assert_non_null(strstr(recovery.problem.message, "is another one or is not there"));
    free(text);
}

static void a_backup_has_the_snapshot(void **state)
{
    struct lab *lab = *state;
    CLEANUP_FREE char *backup = path_join(lab->root, "backup");
    uint64_t bytes;
    keep(lab);
    assert_int_equal(store_backup(lab->folder, backup, &bytes, NULL, &lab->error), 0);
    struct core *core = NULL;
    struct recovery recovery;
    assert_int_equal(recovery_run(backup, &options, &core, &recovery, &lab->error), 0);
    assert_int_equal(recovery.snapshot, store_last_sequence(lab->store));
    core_free(&core);
}

// Whole and of this program, but not what the journal adds up to: only a replay of all of it finds that out.
static void a_snapshot_that_says_something_else_is_found(void **state)
{
    struct lab *lab = *state;
    assert_int_equal(recovery_prove(lab->folder, STORE_LIVE, &options, &lab->error), PANTHER_ENOTFOUND);
    keep(lab);
    history_case(&lab->history, CASES / 2);
    append(lab); // behind the snapshot: does not count
    assert_int_equal(recovery_prove(lab->folder, STORE_LIVE, &options, &lab->error), 0);
    struct core *core = NULL;
    struct recovery recovery;
    assert_int_equal(recovery_run(lab->folder, &options, &core, &recovery, &lab->error), 0);
    recovery.position.sequence--; // as if the last case had come before
    assert_int_equal(recovery_keep(lab->folder, &options, core, &recovery, &lab->error), 0);
    core_free(&core);
    assert_int_equal(recovery_prove(lab->folder, STORE_LIVE, &options, &lab->error), PANTHER_ESTATE);
}

// ---- the thread

static void a_journal_that_grows_gets_a_snapshot(void **state)
{
    struct lab *lab = *state;
    struct loop *loop = loop_new();
    struct snapshots *snapshots = NULL;
    assert_int_equal(snapshots_new(&snapshots, lab->folder, options.version, 0, loop, &lab->error), 0);
    CLEANUP_FREE char *path = path_join(lab->folder, "snapshot");
    snapshots_tick(snapshots, SNAPSHOT_RECORDS - 1);
    snapshots_free(&snapshots); // waits for one that is being made
    assert_false(file_exists(path));
    assert_int_equal(snapshots_new(&snapshots, lab->folder, options.version, 0, loop, &lab->error), 0);
    snapshots_tick(snapshots, SNAPSHOT_RECORDS);
    snapshots_free(&snapshots);
    assert_true(file_exists(path));
    struct recovery recovery;
    char *text = recovered(lab, &recovery);
    assert_non_null(text);
    free(text);
    assert_int_equal(recovery.snapshot, store_last_sequence(lab->store));
    loop_free(&loop);
}

// ---- a journal that a faulty program wrote: each record is right, their order is not

static void an_impossible_record_is_named(void **state)
{
    struct lab *lab = *state;
    uint64_t first = store_last_sequence(lab->store) + 1;
    history_run_end(&lab->history); // its second trial is at work
    append(lab);
    struct core *core = NULL;
    struct recovery recovery;
    char expected[128];
    snprintf(expected, sizeof expected, "record %llu of the journal cannot follow those before it: run 1 ends before its trials",
             (unsigned long long)first);
    assert_int_equal(recovery_run(lab->folder, &options, &core, &recovery, &lab->error), PANTHER_EIO);
    assert_null(core);
    if (!strstr(lab->error.message, expected) || !strstr(lab->error.message, "restore a backup")) {
        fail_msg("\"%s\" does not say \"%s\"", lab->error.message, expected);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_snapshot_and_what_came_after_is_the_whole_journal, begin, end),
        cmocka_unit_test_setup_teardown(ended_runs_leave_nothing_to_keep, begin, end),
        cmocka_unit_test_setup_teardown(a_damaged_snapshot_is_not_used, begin, end),
        cmocka_unit_test_setup_teardown(a_snapshot_of_another_version_is_not_used, begin, end),
        cmocka_unit_test_setup_teardown(a_snapshot_of_another_journal_is_not_used, begin, end),
        cmocka_unit_test_setup_teardown(a_backup_has_the_snapshot, begin, end),
        cmocka_unit_test_setup_teardown(a_snapshot_that_says_something_else_is_found, begin, end),
        cmocka_unit_test_setup_teardown(a_journal_that_grows_gets_a_snapshot, begin, end),
        cmocka_unit_test_setup_teardown(an_impossible_record_is_named, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
