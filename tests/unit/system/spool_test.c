// The spool: what was synced is read, whatever a crash left behind it; a full disk delays and does not lose.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/spool.h"

static char path[64];

static int make_place(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/panther-spool-test-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_place(void **state)
{
    (void)state;
    return unlink(path);
}

static struct spool *open_spool(void)
{
    struct spool *spool;
    struct panther_error error;
    if (spool_open(&spool, path, &error) < 0)
        fail_msg("%s", error.message);
    return spool;
}

static void add_number(struct spool *spool, unsigned number)
{
    char text[32];
    int length = snprintf(text, sizeof text, "record %u", number);
    spool_add(spool, text, (size_t)length);
}

// Reads from offset 0 and expects record 0, 1, ...; returns how many.
static unsigned count_records(uint64_t limit)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), result;
    struct spool_reader *reader = spool_reader_new(fd, 0);
    const void *data;
    size_t bytes;
    unsigned count = 0;
    while ((result = spool_next(reader, limit, &data, &bytes, NULL)) == 1) {
        char expected[32];
        int length = snprintf(expected, sizeof expected, "record %u", count++);
        assert_int_equal(bytes, length);
        assert_memory_equal(data, expected, bytes);
    }
    assert_int_equal(result, 0);
    spool_reader_free(&reader);
    close(fd);
    return count;
}

static uint64_t write_numbers(unsigned count)
{
    struct spool *spool = open_spool();
    for (unsigned i = 0; i < count; i++)
        add_number(spool, i);
    assert_int_equal(spool_sync(spool, NULL), 0);
    uint64_t bytes = spool_bytes(spool);
    spool_close(&spool);
    return bytes;
}

static void records_are_read_in_order(void **state)
{
    (void)state;
    uint64_t bytes = write_numbers(10000);
    assert_int_equal(count_records(bytes), 10000);
    assert_int_equal(count_records(UINT64_MAX), 10000);
}

static void what_was_not_synced_is_not_there(void **state)
{
    (void)state;
    struct spool *spool = open_spool();
    add_number(spool, 0);
    assert_true(spool_pending_bytes(spool) > 0);
    assert_int_equal(count_records(UINT64_MAX), 0);
    assert_int_equal(spool_bytes(spool), 0);
    assert_int_equal(spool_sync(spool, NULL), 0);
    assert_int_equal(spool_pending_bytes(spool), 0);
    assert_int_equal(count_records(spool_bytes(spool)), 1);
    spool_close(&spool);
}

static void what_was_written_is_read_before_it_is_synced(void **state)
{
    (void)state;
    struct spool *spool = open_spool();
    unsigned count = 0;
    for (unsigned i = 0; i < 3; i++) { // what follows a write is written behind it, not over it
        add_number(spool, count++);
        add_number(spool, count++);
        assert_int_equal(spool_write(spool, NULL), 0);
        assert_int_equal(count_records(spool_bytes(spool)), count);
    }
    assert_true(spool_pending_bytes(spool) > 0);
    add_number(spool, count++);
    assert_int_equal(spool_sync(spool, NULL), 0);
    assert_int_equal(spool_pending_bytes(spool), 0);
    assert_int_equal(count_records(spool_bytes(spool)), count);
    spool_close(&spool);
}

// A crash at any byte of the last write: the records before are there, the torn one is cut, and writing goes on behind them.
static void any_torn_tail_is_cut(void **state)
{
    (void)state;
    uint64_t two = write_numbers(2);
    CLEANUP_FREE char *whole = NULL;
    size_t bytes;
    assert_int_equal(file_read(path, 1000, &whole, &bytes, NULL), 0);
    uint64_t one = two / 2;
    for (uint64_t cut = one; cut < two; cut++) {
        assert_int_equal(file_write_atomic(path, whole, cut, 0600, NULL), 0);
        assert_int_equal(count_records(UINT64_MAX), 1);
        struct spool *spool = open_spool();
        assert_int_equal(spool_bytes(spool), one);
        add_number(spool, 1);
        assert_int_equal(spool_sync(spool, NULL), 0);
        spool_close(&spool);
        assert_int_equal(count_records(UINT64_MAX), 2);
    }
}

static void zeros_behind_the_end_are_no_records(void **state)
{
    (void)state;
    uint64_t bytes = write_numbers(3);
    assert_int_equal(truncate(path, (off_t)bytes + 4096), 0); // a power loss grew the file and lost its data
    assert_int_equal(count_records(UINT64_MAX), 3);
    struct spool *spool = open_spool();
    assert_int_equal(spool_bytes(spool), bytes);
    spool_close(&spool);
}

static void damage_before_the_synced_end_is_an_error(void **state)
{
    (void)state;
    uint64_t bytes = write_numbers(3);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    const void *data;
    size_t record_bytes;
    struct panther_error error;
    assert_int_equal(pwrite(fd, "X", 1, 10), 1);
    struct spool_reader *reader = spool_reader_new(fd, 0);
    assert_int_equal(spool_next(reader, bytes, &data, &record_bytes, &error), PANTHER_EINVALID);
    assert_non_null(strstr(error.message, "byte 0"));
    spool_reader_free(&reader);
    close(fd);
}

static void reader_goes_on_from_an_offset(void **state)
{
    (void)state;
    struct spool *spool = open_spool();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct spool_reader *reader = spool_reader_new(fd, 0);
    const void *data;
    size_t bytes;
    for (unsigned i = 0; i < 300; i++) {
        add_number(spool, i);
        assert_int_equal(spool_sync(spool, NULL), 0);
        assert_int_equal(spool_next(reader, spool_bytes(spool), &data, &bytes, NULL), 1);
        assert_int_equal(spool_next(reader, spool_bytes(spool), &data, &bytes, NULL), 0);
        if (i % 100 == 50) { // a restarted agent
            uint64_t offset = spool_reader_offset(reader);
            spool_reader_free(&reader);
            reader = spool_reader_new(fd, offset);
        }
    }
    spool_reader_free(&reader);
    close(fd);
    spool_close(&spool);
}

// A power loss may take what was written and told, not synced: its reader has kept more than there is, and finds nothing more.
static void a_reader_may_be_ahead_of_what_a_power_loss_left(void **state)
{
    (void)state;
    const void *data;
    size_t bytes;
    struct spool *spool = open_spool();
    add_number(spool, 0);
    assert_int_equal(spool_sync(spool, NULL), 0);
    const uint64_t synced = spool_bytes(spool);
    add_number(spool, 1);
    assert_int_equal(spool_write(spool, NULL), 0);
    const uint64_t told = spool_bytes(spool);
    assert_true(told > synced);
    spool_close(&spool);
    assert_int_equal(truncate(path, (off_t)synced), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct spool_reader *reader = spool_reader_new(fd, told);
    assert_int_equal(spool_next(reader, UINT64_MAX, &data, &bytes, NULL), 0);
    assert_int_equal(spool_reader_offset(reader), told);
    spool_reader_free(&reader);
    close(fd);
}

static void largest_record_passes(void **state)
{
    (void)state;
    struct spool *spool = open_spool();
    char *large = memory_new(SPOOL_RECORD_MAX_BYTES);
    memset(large, 'x', SPOOL_RECORD_MAX_BYTES);
    spool_add(spool, large, SPOOL_RECORD_MAX_BYTES);
    spool_add(spool, large, SPOOL_RECORD_MAX_BYTES);
    assert_int_equal(spool_sync(spool, NULL), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct spool_reader *reader = spool_reader_new(fd, 0);
    const void *data;
    size_t bytes;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(spool_next(reader, UINT64_MAX, &data, &bytes, NULL), 1);
        assert_int_equal(bytes, SPOOL_RECORD_MAX_BYTES);
    }
    spool_reader_free(&reader);
    close(fd);
    free(large);
    spool_close(&spool);
}

// RLIMIT_FSIZE fails a write in its middle, as a full disk does. Nothing is lost and nothing doubled.
static void failed_write_is_repeated_whole(void **state)
{
    (void)state;
    struct rlimit old, small = {.rlim_cur = 5000, .rlim_max = RLIM_INFINITY};
    struct panther_error error;
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    struct spool *spool = open_spool();
    add_number(spool, 0);
    assert_int_equal(spool_sync(spool, NULL), 0);
    add_number(spool, 1);
    assert_int_equal(spool_write(spool, NULL), 0);
    uint64_t written = spool_bytes(spool);
    setrlimit(RLIMIT_FSIZE, &small);
    for (unsigned i = 2; i < 1000; i++)
        add_number(spool, i);
    assert_true(spool_write(spool, &error) < 0);
    assert_true(spool_sync(spool, &error) < 0);
    assert_true(spool_sync(spool, &error) < 0);
    assert_int_equal(spool_bytes(spool), written);
    assert_int_equal(count_records(written), 2);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(spool_sync(spool, &error), 0);
    assert_int_equal(count_records(spool_bytes(spool)), 1000);
    spool_close(&spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_read_in_order, make_place, remove_place),
        cmocka_unit_test_setup_teardown(what_was_not_synced_is_not_there, make_place, remove_place),
        cmocka_unit_test_setup_teardown(what_was_written_is_read_before_it_is_synced, make_place, remove_place),
        cmocka_unit_test_setup_teardown(any_torn_tail_is_cut, make_place, remove_place),
        cmocka_unit_test_setup_teardown(zeros_behind_the_end_are_no_records, make_place, remove_place),
        cmocka_unit_test_setup_teardown(damage_before_the_synced_end_is_an_error, make_place, remove_place),
        cmocka_unit_test_setup_teardown(reader_goes_on_from_an_offset, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_reader_may_be_ahead_of_what_a_power_loss_left, make_place, remove_place),
        cmocka_unit_test_setup_teardown(largest_record_passes, make_place, remove_place),
        cmocka_unit_test_setup_teardown(failed_write_is_repeated_whole, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
