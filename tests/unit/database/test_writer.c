// The writer: groups, order, a full disk, a broken disk, a power loss.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/database/handle.h"
#include "common/system/file.h"
#include "tests/unit/database/faulty_disk.h"
#include "tests/unit/database/fixture.h"

// ---- a job that holds the writer until the test lets it go

struct gate {
    sem_t entered, open;
};

static int wait_at_gate(struct database *database, void *argument, struct panther_error *error)
{
    (void)database;
    (void)error;
    struct gate *gate = argument;
    sem_post(&gate->entered);
    sem_wait(&gate->open);
    return 0;
}

static void hold_writer(struct fixture *fixture, struct gate *gate)
{
    sem_init(&gate->entered, 0, 0);
    sem_init(&gate->open, 0, 0);
    database_writer_submit(fixture->writer, (struct database_job){wait_at_gate, NULL, gate});
    sem_wait(&gate->entered);
}

static void what_waits_is_one_transaction(void **state)
{
    struct fixture *fixture = *state;
    fixture_start_writer(fixture);
    struct gate gate;
    hold_writer(fixture, &gate);
    unsigned syncs = faulty_disk_log_syncs();
    for (int64_t i = 1; i <= 100; i++)
        assert_int_equal(fixture_submit(fixture, i), i + 1);
    assert_int_equal(database_writer_pending(fixture->writer), 101);
    sem_post(&gate.open);
    WAIT_FOR(fixture, fixture->committed == 101);
    assert_true(fixture->commits <= 2);
    // one commit each; a log that begins has a sync of its header more
    assert_in_range(faulty_disk_log_syncs() - syncs, 1, 3);
    assert_int_equal(count_items(fixture->path), 100);
    assert_int_equal(fixture->performed, 100);
    database_writer_free(&fixture->writer);
    assert_int_equal(fixture->released, 100);
}

static void a_commit_is_told_only_when_it_is_synced(void **state)
{
    struct fixture *fixture = *state;
    fixture_start_writer(fixture);
    for (int64_t i = 1; i <= 50; i++) {
        unsigned syncs = faulty_disk_log_syncs();
        uint64_t number = fixture_submit(fixture, i);
        WAIT_FOR(fixture, fixture->committed == number);
        assert_true(faulty_disk_log_syncs() > syncs);
        assert_int_equal(count_items(fixture->path), i);
    }
    assert_int_equal(database_writer_pending(fixture->writer), 0);
}

// A log that grows costs each commit a wait for the file system's journal.
static void the_log_does_not_grow_with_commits(void **state)
{
    struct fixture *fixture = *state;
    fixture_start_writer(fixture);
    CLEANUP_FREE char *log = memory_printf("%s-wal", fixture->path);
    struct stat before, after;
    assert_int_equal(stat(log, &before), 0);
    assert_true(before.st_size > CHECKPOINT_PAGES * 4096);
    for (int64_t i = 1; i <= 50; i++) {
        uint64_t number = fixture_submit(fixture, i);
        WAIT_FOR(fixture, fixture->committed == number);
    }
    assert_int_equal(stat(log, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
}

static void freeing_commits_what_waits(void **state)
{
    struct fixture *fixture = *state;
    fixture_start_writer(fixture);
    struct gate gate;
    hold_writer(fixture, &gate);
    for (int64_t i = 1; i <= 3000; i++) // more than one group
        fixture_submit(fixture, i);
    sem_post(&gate.open);
    database_writer_free(&fixture->writer);
    assert_int_equal(count_items(fixture->path), 3000);
    assert_int_equal(fixture->released, 3000);
}

static void a_full_disk_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    fixture_start_writer(fixture);
    uint64_t number = fixture_submit(fixture, 1);
    WAIT_FOR(fixture, fixture->committed == number);
    faulty_disk_set_full(true);
    number = fixture_submit(fixture, 2);
    WAIT_FOR(fixture, fixture->full_begins == 1);
    assert_non_null(strstr(fixture->full_why, "full"));
    number = fixture_submit(fixture, 3);
    WAIT_FOR(fixture, fixture->performed >= 4); // it tries again by itself
    assert_int_equal(fixture->committed, 1);
    assert_int_equal(fixture->full_begins, 1);
    assert_int_equal(database_writer_pending(fixture->writer), 2);
    faulty_disk_set_full(false);
    WAIT_FOR(fixture, fixture->committed == number);
    assert_int_equal(fixture->full_ends, 1);
    assert_int_equal(fixture->broken, 0);
    assert_int_equal(count_items(fixture->path), 3);
}

static void freeing_while_full_does_not_hang(void **state)
{
    struct fixture *fixture = *state;
    fixture_start_writer(fixture);
    faulty_disk_set_full(true);
    for (int64_t i = 1; i <= 5; i++)
        fixture_submit(fixture, i);
    WAIT_FOR(fixture, fixture->full_begins == 1);
    database_writer_free(&fixture->writer);
    faulty_disk_set_full(false);
    assert_int_equal(fixture->released, 5);
    assert_int_equal(count_items(fixture->path), 0);
}

static void a_failed_sync_is_never_tried_again(void **state)
{
    struct fixture *fixture = *state;
    fixture_start_writer(fixture);
    uint64_t number = fixture_submit(fixture, 1);
    WAIT_FOR(fixture, fixture->committed == number);
    faulty_disk_set_sync_fails(true);
    fixture_submit(fixture, 2);
    WAIT_FOR(fixture, fixture->broken == 1);
    faulty_disk_set_sync_fails(false);
    assert_int_equal(fixture->broken_error.code, PANTHER_EIO);
    unsigned performed = fixture->performed;
    fixture_submit(fixture, 3);
    uint64_t until = clock_boottime_ns() + UINT64_C(600) * 1000000; // longer than two retries of a full disk
    while (clock_boottime_ns() < until)
        loop_run_once(fixture->loop, 50);
    assert_int_equal(fixture->performed, performed);
    assert_int_equal(fixture->committed, number);
    assert_int_equal(fixture->broken, 1);
    unsigned syncs = faulty_disk_syncs();
    database_writer_free(&fixture->writer);
    assert_int_equal(faulty_disk_syncs(), syncs); // not by closing it either
    assert_int_equal(fixture->released, 3);
}

static void a_job_that_fails_takes_its_group_back(void **state)
{
    struct fixture *fixture = *state;
    fixture_start_writer(fixture);
    struct gate gate;
    hold_writer(fixture, &gate);
    fixture_submit(fixture, 1);
    fixture_submit(fixture, 1); // the same number twice
    sem_post(&gate.open);
    WAIT_FOR(fixture, fixture->broken == 1);
    assert_int_equal(fixture->broken_error.code, PANTHER_ESTATE);
    database_writer_free(&fixture->writer);
    assert_int_equal(count_items(fixture->path), 0);
}

// Power goes at some moment; every number that was told before is there afterwards.
static void what_was_told_survives_a_power_loss(void **state)
{
    struct fixture *fixture = *state;
    fixture_start_writer(fixture);
    for (int64_t i = 1; i <= 2000; i++) {
        fixture_submit(fixture, i);
        if (i % 100 == 0)
            loop_run_once(fixture->loop, 0);
    }
    WAIT_FOR(fixture, fixture->committed >= 200);
    faulty_disk_set_power(false);
    int64_t told = (int64_t)fixture->committed;
    database_writer_free(&fixture->writer);
    faulty_disk_set_power(true);
    CLEANUP_FREE char *copy = path_join(fixture->folder, "after.db");
    faulty_disk_recover(fixture->path, copy);
    assert_in_range(count_items(copy), told, 2000);
}

static void a_long_log_is_folded_back_while_a_reader_reads(void **state)
{
    struct fixture *fixture = *state;
    fixture_start_writer(fixture);
    uint64_t number = 0;
    CLEANUP_FREE char *log = memory_printf("%s-wal", fixture->path);
    for (int64_t i = 1; i <= 6000; i++) {
        number = fixture_submit(fixture, i * 7919 % 1000003); // all over the table: many pages a commit
        if (i % 20 == 0)
            WAIT_FOR(fixture, fixture->committed == number);
    }
    WAIT_FOR(fixture, fixture->committed == number);
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    close(fd);
    assert_in_range(size, 1, 24 * 1024 * 1024); // 16 MiB and the group that went over it
    assert_int_equal(count_items(fixture->path), 6000);
}

// ---- a real full disk: a small tmpfs in a mount namespace of our own

static void fill(const char *path)
{
    char block[4096] = {1};
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void a_really_full_disk(void **state)
{
    struct fixture *fixture = *state;
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", fixture->folder, "tmpfs", 0, "size=2m") < 0) {
        print_message("SKIPPED: a small tmpfs cannot be mounted here: %s\n", strerror(errno));
        skip();
    }
    database_close(&fixture->database);
    loop_free(&fixture->loop);
    free(fixture->path);
    fixture_begin_in(fixture);
    fixture_start_writer(fixture);
    uint64_t number = fixture_submit(fixture, 1);
    WAIT_FOR(fixture, fixture->committed == number);
    CLEANUP_FREE char *filler = path_join(fixture->folder, "filler");
    fill(filler);
    for (int64_t i = 2; i <= 500; i++)
        number = fixture_submit(fixture, i);
    WAIT_FOR(fixture, fixture->full_begins == 1);
    assert_int_equal(fixture->broken, 0);
    unlink(filler);
    WAIT_FOR(fixture, fixture->committed == number);
    assert_int_equal(fixture->full_ends, 1);
    assert_int_equal(count_items(fixture->path), 500);
    database_writer_free(&fixture->writer);
    umount2(fixture->folder, MNT_DETACH);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_waits_is_one_transaction, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_commit_is_told_only_when_it_is_synced, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(the_log_does_not_grow_with_commits, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(freeing_commits_what_waits, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_full_disk_is_waited_for, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(freeing_while_full_does_not_hang, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_failed_sync_is_never_tried_again, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_job_that_fails_takes_its_group_back, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(what_was_told_survives_a_power_loss, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_long_log_is_folded_back_while_a_reader_reads, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_really_full_disk, fixture_begin, fixture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
