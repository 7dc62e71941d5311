// Several pcapng files as one: interfaces are numbered anew, blocks wait until they are whole, and what is damaged is refused.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
// clang-format on

#include <string.h>

#include "coordinator/cli/capture_blocks.h"

#define SECTION 0x0a0d0d0aU
#define MAGIC 0x1a2b3c4dU

// A block with these numbers in it.
static void put(struct text *out, uint32_t type, const uint32_t *numbers, size_t count)
{
    uint32_t length = (uint32_t)(12 + 4 * count);
    text_append_bytes(out, &type, 4);
    text_append_bytes(out, &length, 4);
    text_append_bytes(out, numbers, 4 * count);
    text_append_bytes(out, &length, 4);
}
#define PUT(out, type, ...) put(out, type, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void put_begin(struct text *out, unsigned interfaces)
{
    PUT(out, SECTION, MAGIC, 1, 24, 0);
    for (unsigned i = 0; i < interfaces; i++) {
        PUT(out, 1, 1, 96 + i);
    }
}

static void put_packet(struct text *out, uint32_t interface, uint32_t what)
{
    PUT(out, 6, interface, 0, 0, 4, 4, what);
}

static void add(struct capture_source *source, const struct text *in, struct text *out)
{
    assert_int_equal(capture_blocks_add(source, text_string(in), in->length, out, NULL), 0);
}

// Types, and of packets the interface and the content: "I I P0=7".
static void check_blocks(const struct text *out, const char *wanted)
{
    struct text seen = {0};
    const char *at = text_string(out);
    for (size_t left = out->length; left;) {
        uint32_t head[8] = {0};
        memcpy(head, at, left < sizeof head ? left : sizeof head);
        assert_true(head[1] <= left && head[1] >= 12);
        text_printf(&seen, "%s%s", seen.length ? " " : "", head[0] == SECTION ? "S" : head[0] == 1 ? "I" : head[0] == 6 ? "P" : "?");
        if (head[0] == 6) {
            text_printf(&seen, "%u=%u", head[2], head[7]);
        }
        uint32_t again;
        memcpy(&again, at + head[1] - 4, 4);
        assert_int_equal(again, head[1]);
        at += head[1];
        left -= head[1];
    }
    assert_string_equal(text_string(&seen), wanted);
    text_free(&seen);
}

static void two_sources_are_one_section(void **state)
{
    (void)state;
    struct capture_blocks *blocks = capture_blocks_new();
    struct capture_source *a = capture_blocks_source(blocks, "network.a on lab-a"), *b = capture_blocks_source(blocks, "b");
    struct text in = {0}, out = {0};
    put_begin(&in, 1);
    put_packet(&in, 0, 7);
    add(a, &in, &out);
    text_clear(&in);
    put_begin(&in, 2);
    put_packet(&in, 1, 8);
    PUT(&in, 10, 5); // secrets: of no interface
    add(b, &in, &out);
    text_clear(&in);
    put_packet(&in, 0, 9);
    add(a, &in, &out);
    add(b, &in, &out);
    check_blocks(&out, "S I P0=7 I I P2=8 ? P0=9 P1=9");
    assert_non_null(memmem(text_string(&out), out.length, "network.a on lab-a", 18)); // the first interface's comment
    text_clear(&out);
    text_clear(&in); // the next file of a ring: its interface is described anew
    put_begin(&in, 1);
    put_packet(&in, 0, 10);
    assert_int_equal(capture_blocks_end(a), 0);
    add(a, &in, &out);
    check_blocks(&out, "I P3=10");
    text_free(&in);
    text_free(&out);
    capture_blocks_free(&blocks);
}

static void blocks_wait_until_they_are_whole(void **state)
{
    (void)state;
    struct text in = {0}, whole = {0}, out = {0};
    put_begin(&in, 1);
    put_packet(&in, 0, 7);
    struct capture_blocks *blocks = capture_blocks_new();
    add(capture_blocks_source(blocks, "x"), &in, &whole);
    capture_blocks_free(&blocks);
    blocks = capture_blocks_new();
    struct capture_source *source = capture_blocks_source(blocks, "x");
    for (size_t i = 0; i < in.length; i++) {
        assert_int_equal(capture_blocks_add(source, text_string(&in) + i, 1, &out, NULL), 0);
    }
    assert_int_equal(out.length, whole.length);
    assert_memory_equal(text_string(&out), text_string(&whole), out.length);
    assert_int_equal(capture_blocks_add(source, text_string(&in), 5, &out, NULL), 0);
    assert_int_equal(capture_blocks_end(source), 5); // cut
    text_free(&in);
    text_free(&whole);
    text_free(&out);
    capture_blocks_free(&blocks);
}

static void refuse(const struct text *begin, struct text *bad, const char *why)
{
    struct panther_error error = {0};
    struct text out = {0};
    struct capture_blocks *blocks = capture_blocks_new();
    struct capture_source *source = capture_blocks_source(blocks, "x");
    add(source, begin, &out);
    assert_int_equal(capture_blocks_add(source, text_string(bad), bad->length, &out, &error), PANTHER_EINVALID);
    assert_string_equal(error.message, why);
    capture_blocks_free(&blocks);
    text_free(&out);
    text_clear(bad);
}

static void what_is_damaged_is_refused(void **state)
{
    (void)state;
    struct text begin = {0}, bad = {0}, nothing = {0};
    put_begin(&begin, 1);
    put_packet(&bad, 1, 7);
    refuse(&begin, &bad, "a packet of interface 1, which was not described");
    PUT(&bad, 3, 4, 5);
    refuse(&begin, &bad, "a packet block of a kind that is not written any more");
    PUT(&bad, SECTION, 0x4d3c2b1a, 1, 24, 0);
    refuse(&begin, &bad, "a section of another byte order, or cut");
    text_append_bytes(&bad, "\6\0\0\0\15\0\0\0", 8);
    refuse(&begin, &bad, "a block of 13 bytes");
    text_append_bytes(&bad, "\6\0\0\0\14\0\0\0\20\0\0\0", 12);
    refuse(&begin, &bad, "a block of two lengths");
    PUT(&bad, 1, 1);
    refuse(&begin, &bad, "an interface too short, or one too many");
    put_packet(&bad, 0, 7);
    refuse(&nothing, &bad, "it does not begin as a pcapng file does");
    text_free(&begin);
    text_free(&bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_sources_are_one_section), cmocka_unit_test(blocks_wait_until_they_are_whole),
                                       cmocka_unit_test(what_is_damaged_is_refused)};
    return cmocka_run_group_tests_name("cli_capture_blocks", tests, NULL, NULL);
}
