// The capture's file, read back block by block: whole after every flush, at its limit, and on a disk that has no room left.
#include <errno.h>
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
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#include "agent/environment/link/pcapng.h"

static char path[] = "/tmp/panther-pcapng-XXXXXX";
static const char *const names[] = {"client", "server"};

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

// What stands in the file; `whole` only if it ends with a whole block.
struct seen {
    bool whole;
    size_t sections, interfaces, packets, statistics, comments;
    uint64_t received[2], dropped[2], first_ns;
    uint32_t first_kept, first_length;
    uint8_t last_byte; // of the last packet's frame
};

static uint32_t word(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static void look_at_options(const uint8_t *at, const uint8_t *end, bool is_statistics, struct seen *seen, size_t interface)
{
    while (at + 4 <= end && word(at) != 0) {
        uint32_t code = word(at) & 0xffff, length = word(at) >> 16;
        seen->comments += code == 1;
        if (is_statistics && code == 4)
            memcpy(&seen->received[interface], at + 4, 8);
        if (is_statistics && code == 5)
            memcpy(&seen->dropped[interface], at + 4, 8);
        at += 4 + (length + 3) / 4 * 4;
    }
    assert_true(at + 4 == end);
}

static void look_at_packet(const uint8_t *block, const uint8_t *end, struct seen *seen)
{
    uint32_t kept = word(block + 20);
    if (seen->packets++ == 0) {
        seen->first_kept = kept;
        seen->first_length = word(block + 24);
        seen->first_ns = (uint64_t)word(block + 12) << 32 | word(block + 16);
    }
    seen->last_byte = block[28 + kept - 1];
    look_at_options(block + 28 + (kept + 3) / 4 * 4, end, false, seen, 0);
}

static struct seen look(void)
{
    static uint8_t file[4 << 20];
    struct seen seen = {0};
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t size = fread(file, 1, sizeof file, in), at = 0;
    fclose(in);
    while (at + 12 <= size) {
        uint32_t type = word(file + at), length = word(file + at + 4);
        if (length < 12 || length % 4 != 0 || at + length > size)
            break;
        const uint8_t *block = file + at, *end = block + length - 4;
        assert_int_equal(word(end), length);
        seen.sections += type == 0x0a0d0d0a;
        seen.interfaces += type == 1;
        if (type == 6)
            look_at_packet(block, end, &seen);
        if (type == 5) {
            seen.statistics++;
            look_at_options(block + 20, end, true, &seen, word(block + 8));
        }
        at += length;
    }
    seen.whole = at == size;
    return seen;
}

static struct pcapng *open_capture(uint32_t snaplen, uint64_t limit_bytes)
{
    const struct pcapng_settings settings = {
        .path = path, .interfaces = names, .interface_count = 2, .comment = "one clock", .snaplen = snaplen, .limit_bytes = limit_bytes};
    struct pcapng *pcapng = NULL;
    struct panther_error error = {0};
    if (pcapng_open(&pcapng, &settings, &error) != 0)
        fail_msg("%s", error.message);
    return pcapng;
}

static int put(struct pcapng *pcapng, size_t interface, size_t bytes, uint8_t last, const char *comment, struct panther_error *error)
{
    uint8_t frame[2048] = {0};
    frame[bytes - 1] = last;
    return pcapng_packet(pcapng, interface, interface == 0 ? PCAPNG_OUTBOUND : PCAPNG_INBOUND, 1700000000123456789ULL, frame, bytes,
                         comment, error);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct panther_error error = {0};
    struct pcapng *pcapng = open_capture(0, 0);
    for (uint8_t i = 0; i < 7; i++)
        assert_int_equal(put(pcapng, i % 2, 60U + i, i, i == 3 ? "dropped: loss" : NULL, &error), 0);
    assert_int_equal(look().packets, 0); // it is in the buffer
    assert_int_equal(pcapng_flush(pcapng, &error), 0);
    struct seen seen = look();
    assert_true(seen.whole);
    assert_int_equal(seen.packets, 7);
    assert_int_equal(seen.last_byte, 6);
    assert_int_equal(seen.first_length, 60);
    assert_true(seen.first_ns == 1700000000123456789ULL);
    assert_int_equal(seen.comments, 1);
    assert_int_equal(pcapng_close(&pcapng, 1700000001000000000ULL, &error), 0);
    assert_null(pcapng);
    seen = look();
    assert_true(seen.whole && seen.sections == 1 && seen.interfaces == 2 && seen.statistics == 2 && seen.packets == 7);
    assert_true(seen.received[0] == 4 && seen.received[1] == 3 && seen.dropped[0] + seen.dropped[1] == 0);
}

static void snaplen_cuts_frames_and_keeps_their_length(void **state)
{
    (void)state;
    struct panther_error error = {0};
    struct pcapng *pcapng = open_capture(65, 0);
    assert_int_equal(put(pcapng, 0, 1000, 9, NULL, &error), 0);
    assert_int_equal(put(pcapng, 0, 60, 9, NULL, &error), 0);
    assert_int_equal(pcapng_close(&pcapng, 1, &error), 0);
    struct seen seen = look();
    assert_true(seen.whole && seen.packets == 2 && seen.first_kept == 65 && seen.first_length == 1000 && seen.last_byte == 9);
}

// More than the buffer: it goes out by itself, in whole blocks.
static void a_long_capture_is_whole_at_any_time(void **state)
{
    (void)state;
    struct panther_error error = {0};
    struct pcapng *pcapng = open_capture(0, 0);
    for (size_t i = 0; i < 1500; i++) {
        assert_int_equal(put(pcapng, i % 2, 1000 + i % 7, 1, NULL, &error), 0);
        if (i % 100 == 0)
            assert_true(look().whole);
    }
    assert_int_equal(pcapng_close(&pcapng, 1, &error), 0);
    assert_int_equal(look().packets, 1500);
}

// From the first packet that has no room nothing is kept, and the file itself says how many are missing at which end.
static void the_limit_is_a_gap_that_is_recorded(void **state)
{
    (void)state;
    struct panther_error error = {0};
    struct pcapng *pcapng = open_capture(0, 10000);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(put(pcapng, i % 2, 1000, (uint8_t)i, NULL, &error), 0);
    assert_int_equal(put(pcapng, 1, 20, 99, NULL, &error), 0); // a small one would have room again
    uint64_t missing = pcapng_not_kept(pcapng);
    assert_true(missing >= 10 && missing < 20);
    assert_int_equal(pcapng_close(&pcapng, 1, &error), 0);
    struct seen seen = look();
    assert_true(seen.whole);
    assert_int_equal(seen.packets, 21 - missing);
    assert_int_equal(seen.last_byte, 20 - missing); // the first ones, without a hole
    assert_int_equal(seen.received[0], 10);
    assert_int_equal(seen.received[1], 11);
    assert_int_equal(seen.dropped[0] + seen.dropped[1], missing);
    assert_int_equal(seen.comments, 2); // at both interfaces
}

// A file that may not grow stands for a full disk: an error, what is there is whole, and what had no room follows when there is some again.
static void a_full_disk_is_an_error_and_leaves_whole_blocks(void **state)
{
    (void)state;
    struct panther_error error = {0};
    struct rlimit before, tight = {.rlim_cur = 3333};
    struct pcapng *pcapng = open_capture(0, 0);
    assert_int_equal(put(pcapng, 0, 1000, 1, NULL, &error), 0);
    assert_int_equal(pcapng_flush(pcapng, &error), 0);
    for (uint8_t i = 2; i < 10; i++)
        assert_int_equal(put(pcapng, 0, 1000, i, NULL, &error), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    int flushed = pcapng_flush(pcapng, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(flushed < 0);
    assert_string_equal(error.message, "cannot write the capture, because: File too large");
    struct seen seen = look();
    assert_true(seen.whole);
    assert_int_equal(seen.packets, 1);
    assert_int_equal(pcapng_close(&pcapng, 1, &error), 0);
    seen = look();
    assert_true(seen.whole);
    assert_int_equal(seen.packets, 9);
}

// The reason is the disk's, also where nothing can be taken back.
static void a_device_that_takes_nothing_says_why(void **state)
{
    (void)state;
    const struct pcapng_settings settings = {.path = "/dev/full", .interfaces = names, .interface_count = 2, .comment = ""};
    struct pcapng *pcapng = NULL;
    struct panther_error error = {0};
    assert_int_equal(pcapng_open(&pcapng, &settings, &error), PANTHER_ENOSPACE);
    assert_null(pcapng);
    assert_non_null(strstr(error.message, "No space left on device"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(snaplen_cuts_frames_and_keeps_their_length),
        cmocka_unit_test(a_long_capture_is_whole_at_any_time),
        cmocka_unit_test(the_limit_is_a_gap_that_is_recorded),
        cmocka_unit_test(a_full_disk_is_an_error_and_leaves_whole_blocks),
        cmocka_unit_test(a_device_that_takes_nothing_says_why),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
