// Frames: what is found in them, and that what conditions change leaves the checksums as they ought to be.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#include <arpa/inet.h>

#include "agent/environment/link/packet.h"
#include "tests/unit/link/frames.h"

static struct frame_wish wish(unsigned version, unsigned transport)
{
    return (struct frame_wish){.version = version,
                               .transport = transport,
                               .source = version == 4 ? "10.77.0.1" : "fd00:77::1",
                               .destination = version == 4 ? "10.77.0.2" : "fd00:77::2",
                               .source_port = 4000,
                               .destination_port = 443,
                               .ecn = 2,
                               .payload = 101};
}

static struct packet_parts parts_of(const struct frame *frame)
{
    struct packet_parts parts;
    assert_true(packet_read(frame->bytes, frame->size, &parts));
    return parts;
}

static struct packet_end end_of(const char *address, uint16_t port)
{
    struct packet_end end = {.port = port};
    assert_int_equal(inet_pton(strchr(address, ':') ? AF_INET6 : AF_INET, address, end.address), 1);
    return end;
}

static void both_families_and_transports_are_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct frame_wish asked = wish(i % 2 ? 6 : 4, i / 2 ? PACKET_TCP : PACKET_UDP);
        struct packet_end source, destination, wanted = end_of(asked.source, 4000);
        struct frame frame;
        frame_make(&frame, &asked);
        struct packet_parts parts = parts_of(&frame);
        assert_int_equal(parts.version, asked.version);
        assert_int_equal(parts.transport, asked.transport);
        assert_true(parts.has_ports && !parts.is_neighbourhood);
        assert_int_equal(parts.end, frame.size);
        packet_ends(frame.bytes, &parts, &source, &destination);
        assert_memory_equal(source.address, wanted.address, sizeof wanted.address);
        assert_int_equal(source.port, 4000);
        assert_int_equal(destination.port, 443);
    }
}

// A frame that is cut off is no packet at any length, and none is read beyond its end (the sanitizer looks).
static void what_is_not_whole_is_refused(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        struct frame_wish asked = wish(version, PACKET_UDP);
        struct packet_parts parts;
        struct frame frame;
        frame_make(&frame, &asked);
        for (size_t bytes = 0; bytes < frame.size; bytes++)
            assert_false(packet_read(frame.bytes, bytes, &parts));
        frame.bytes[13] = 0x06; // ARP
        assert_false(packet_read(frame.bytes, frame.size, &parts));
    }
}

static void a_padded_frame_ends_with_its_packet(void **state)
{
    (void)state;
    struct frame_wish asked = wish(4, PACKET_UDP);
    struct frame frame;
    frame_make(&frame, &asked);
    struct packet_parts parts;
    assert_true(packet_read(frame.bytes, frame.size + 20, &parts));
    assert_int_equal(parts.end, frame.size);
}

static void a_later_fragment_has_no_ports(void **state)
{
    (void)state;
    struct frame_wish asked = wish(4, PACKET_UDP);
    struct frame frame;
    frame_make(&frame, &asked);
    frame.bytes[14 + 6] = 0x20; // more fragments: the first still has its ports
    assert_true(parts_of(&frame).has_ports);
    frame.bytes[14 + 7] = 10;
    assert_false(parts_of(&frame).has_ports);
    asked.payload = 0;
    asked.transport = 47; // GRE
    frame_make(&frame, &asked);
    assert_false(parts_of(&frame).has_ports);
}

// Hop-by-hop, fragment, then UDP: what stands behind extension headers is found.
static void extension_headers_are_looked_through(void **state)
{
    (void)state;
    struct frame_wish asked = wish(6, 0);
    struct frame frame;
    asked.payload = 8 + 8 + 8 + 5;
    frame_make(&frame, &asked);
    uint8_t *hop = frame.bytes + 54, *fragment = hop + 8, *udp = fragment + 8;
    memset(hop, 0, 8 + 8 + 8 + 5);
    hop[0] = 44;
    fragment[0] = PACKET_UDP;
    udp[1] = 99;
    struct packet_parts parts = parts_of(&frame);
    assert_true(parts.has_ports);
    assert_int_equal(parts.body, 54 + 16);
    fragment[3] = 8; // offset 1
    assert_false(parts_of(&frame).has_ports);
    hop[1] = 200; // longer than the packet
    assert_false(packet_read(frame.bytes, frame.size, &parts));
}

static void neighbourhood_is_known(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        bool is;
    } types[] = {{128, false}, {129, false}, {130, true}, {133, true}, {135, true}, {136, true}, {143, true}, {1, false}};
    struct frame_wish asked = wish(6, 58);
    struct frame frame;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        frame_make(&frame, &asked);
        frame.bytes[54] = types[i].type;
        assert_int_equal(parts_of(&frame).is_neighbourhood, types[i].is);
    }
    asked = wish(4, 2); // IGMP
    frame_make(&frame, &asked);
    assert_true(parts_of(&frame).is_neighbourhood);
}

static void another_end_keeps_checksums_right(void **state)
{
    (void)state;
    char text[128];
    for (unsigned i = 0; i < 4; i++) {
        struct frame_wish asked = wish(i % 2 ? 6 : 4, i / 2 ? PACKET_TCP : PACKET_UDP);
        struct frame frame;
        for (unsigned port = 1; port < 65536; port += 257) {
            frame_make(&frame, &asked);
            assert_true(frame_checksums_are_right(&frame));
            struct packet_parts parts = parts_of(&frame);
            struct packet_end end = end_of(asked.version == 4 ? "10.77.1.1" : "fd00:77::1:1", (uint16_t)port);
            packet_put_source(frame.bytes, &parts, &end);
            assert_true(frame_checksums_are_right(&frame));
            packet_put_destination(frame.bytes, &parts, &end);
            assert_true(frame_checksums_are_right(&frame));
        }
        frame_source(&frame, text, sizeof text);
        assert_string_equal(text, asked.version == 4 ? "10.77.1.1:65279" : "fd00:77::1:1:65279");
        frame_destination(&frame, text, sizeof text);
        assert_string_equal(text, asked.version == 4 ? "10.77.1.1:65279" : "fd00:77::1:1:65279");
    }
}

static void no_checksum_stays_none(void **state)
{
    (void)state;
    struct frame_wish asked = wish(4, PACKET_UDP);
    struct frame frame;
    asked.no_checksum = true;
    frame_make(&frame, &asked);
    struct packet_parts parts = parts_of(&frame);
    struct packet_end end = end_of("10.77.1.1", 9);
    packet_put_source(frame.bytes, &parts, &end);
    assert_int_equal(frame.bytes[parts.body + 6] | frame.bytes[parts.body + 7], 0);
}

// A wrong checksum is not made right by a NAT: who sent it wrong is still seen.
static void what_was_wrong_stays_wrong(void **state)
{
    (void)state;
    struct frame_wish asked = wish(6, PACKET_TCP);
    struct frame frame;
    frame_make(&frame, &asked);
    frame.bytes[frame.size - 1] ^= 4;
    struct packet_parts parts = parts_of(&frame);
    struct packet_end end = end_of("fd00:77::9", 9);
    packet_put_source(frame.bytes, &parts, &end);
    assert_false(frame_checksums_are_right(&frame));
}

static size_t bits_apart(const struct frame *left, const struct frame *right, size_t *first_byte)
{
    size_t count = 0;
    for (size_t i = left->size; i-- > 0;) {
        count += (size_t)__builtin_popcount(left->bytes[i] ^ right->bytes[i]);
        if (left->bytes[i] != right->bytes[i])
            *first_byte = i;
    }
    return count;
}

static void corruption_turns_one_bit_of_the_payload(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct frame_wish asked = wish(i % 2 ? 6 : 4, i / 2 ? PACKET_TCP : PACKET_UDP);
        struct frame frame, before;
        size_t at = 0, header = (asked.version == 4 ? 20U : 40U) + (asked.transport == PACKET_TCP ? 20U : 8U);
        frame_make(&before, &asked);
        struct packet_parts parts = parts_of(&before);
        for (uint64_t chance = 0; chance < 5000; chance++) {
            frame = before;
            assert_true(packet_corrupt(frame.bytes, &parts, chance * 0x9e3779b97f4a7c15ULL));
            assert_int_equal(bits_apart(&before, &frame, &at), 1);
            assert_true(at >= 14 + header);
            assert_false(frame_checksums_are_right(&frame));
        }
    }
}

static void a_packet_without_payload_is_corrupted_behind_its_ip_header(void **state)
{
    (void)state;
    struct frame_wish asked = wish(4, PACKET_TCP);
    struct frame frame, before;
    size_t at = 0;
    asked.payload = 0;
    frame_make(&before, &asked);
    frame = before;
    struct packet_parts parts = parts_of(&frame);
    assert_true(packet_corrupt(frame.bytes, &parts, 12345));
    assert_int_equal(bits_apart(&before, &frame, &at), 1);
    assert_true(at >= 34);
    asked.transport = 47; // nothing at all behind the header
    frame_make(&frame, &asked);
    parts = parts_of(&frame);
    assert_false(packet_corrupt(frame.bytes, &parts, 12345));
}

static void ecn_is_cleared_and_marked(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct frame_wish asked = wish(i % 2 ? 6 : 4, PACKET_UDP);
        struct frame frame, before;
        asked.ecn = i / 2;
        frame_make(&before, &asked);
        struct packet_parts parts = parts_of(&before);
        frame = before;
        assert_int_equal(packet_clear_ecn(frame.bytes, &parts), asked.ecn != 0);
        assert_int_equal(frame_ecn(&frame), 0);
        assert_true(frame_checksums_are_right(&frame));
        frame = before;
        assert_int_equal(packet_mark_congestion(frame.bytes, &parts), asked.ecn == 1 || asked.ecn == 2); // RFC 3168, 5
        assert_int_equal(frame_ecn(&frame), asked.ecn == 0 ? 0 : 3);
        assert_true(frame_checksums_are_right(&frame));
        assert_int_equal(frame.bytes[14] ^ before.bytes[14], 0);
        assert_int_equal((frame.bytes[15] ^ before.bytes[15]) & (asked.version == 4 ? ~3 : ~0x30), 0); // DSCP and flow label stay
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_families_and_transports_are_read),
        cmocka_unit_test(what_is_not_whole_is_refused),
        cmocka_unit_test(a_padded_frame_ends_with_its_packet),
        cmocka_unit_test(a_later_fragment_has_no_ports),
        cmocka_unit_test(extension_headers_are_looked_through),
        cmocka_unit_test(neighbourhood_is_known),
        cmocka_unit_test(another_end_keeps_checksums_right),
        cmocka_unit_test(no_checksum_stays_none),
        cmocka_unit_test(what_was_wrong_stays_wrong),
        cmocka_unit_test(corruption_turns_one_bit_of_the_payload),
        cmocka_unit_test(a_packet_without_payload_is_corrupted_behind_its_ip_header),
        cmocka_unit_test(ecn_is_cleared_and_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
