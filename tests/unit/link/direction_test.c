// One direction and its way back, packet by packet with the time in hand: NAT, ECN, rate and queue, delay, order, what is counted.
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

#include "agent/environment/link/direction.h"
#include "tests/unit/link/frames.h"

#define MS 1000000ULL
#define S 1000000000ULL

// A client and a server and what is between them.
struct pair {
    struct direction there, back;
    struct conditions conditions; // there
    uint64_t now_ns;
    uint8_t other4[4], other6[16];
    struct frame frame; // the last one, as its receiver gets it
};

static struct pair *begin(struct pair *pair, const struct conditions *conditions)
{
    static const struct conditions none = {0};
    *pair = (struct pair){.there = {.from = "client", .to = "server"}, .back = {.from = "server", .to = "client"}, .now_ns = S};
    inet_pton(AF_INET, "10.77.1.1", pair->other4);
    inet_pton(AF_INET6, "fd00:77::1:1", pair->other6);
    pair->conditions = *conditions;
    direction_begin(&pair->there, 1, conditions, pair->now_ns);
    direction_begin(&pair->back, 1, &none, pair->now_ns);
    return pair;
}

static void change(struct pair *pair, const struct conditions *conditions)
{
    direction_begin(&pair->there, 1, conditions, pair->now_ns);
}

static void end(struct pair *pair)
{
    direction_free(&pair->there);
    direction_free(&pair->back);
}

static struct passage pass(struct pair *pair, const struct frame_wish *wish, bool is_back)
{
    struct packet_parts parts;
    frame_make(&pair->frame, wish);
    assert_true(packet_read(pair->frame.bytes, pair->frame.size, &parts));
    return direction_pass(is_back ? &pair->back : &pair->there, is_back ? &pair->there : &pair->back, pair->frame.bytes, pair->frame.size,
                          &parts, pair->other4, pair->other6, pair->now_ns);
}

static struct frame_wish from_client(unsigned version, uint16_t port)
{
    return (struct frame_wish){.version = version,
                               .transport = PACKET_UDP,
                               .source = version == 4 ? "10.77.0.1" : "fd00:77::1",
                               .destination = version == 4 ? "10.77.0.2" : "fd00:77::2",
                               .source_port = port,
                               .destination_port = 443,
                               .ecn = 2,
                               .payload = 72};
}

// Client to server; the text is where it seems to come from.
static struct passage there(struct pair *pair, unsigned version, uint16_t port, char *source)
{
    struct frame_wish wish = from_client(version, port);
    struct passage passage = pass(pair, &wish, false);
    assert_true(frame_checksums_are_right(&pair->frame));
    if (source)
        frame_source(&pair->frame, source, 64);
    return passage;
}

// The server's answer to ADDRESS:PORT; the text is where it goes.
static struct passage answer(struct pair *pair, unsigned version, const char *to, char *destination)
{
    char address[64];
    const char *colon = strrchr(to, ':');
    snprintf(address, sizeof address, "%.*s", (int)(colon - to), to);
    unsigned port = 0;
    assert_int_equal(sscanf(colon, ":%u", &port), 1);
    struct frame_wish wish = {.version = version,
                              .transport = PACKET_UDP,
                              .source = version == 4 ? "10.77.0.2" : "fd00:77::2",
                              .destination = address,
                              .source_port = 443,
                              .destination_port = (uint16_t)port,
                              .payload = 10};
    struct passage passage = pass(pair, &wish, true);
    assert_true(frame_checksums_are_right(&pair->frame));
    frame_destination(&pair->frame, destination, 64);
    return passage;
}

// ---- NAT

static void a_port_is_rebound_for_flows_that_were_there(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        const struct conditions none = {0}, nat = {.nat = CONDITION_NAT_PORT};
        const char *own = version == 4 ? "10.77.0.1:4000" : "fd00:77::1:4000";
        char source[64], destination[64], moved[64];
        struct pair pair;
        begin(&pair, &none);
        assert_false(there(&pair, version, 4000, source).rebound);
        assert_string_equal(source, own);
        assert_int_equal(answer(&pair, version, own, destination).drop, DROP_NONE);
        pair.now_ns += MS;
        change(&pair, &nat);
        assert_true(there(&pair, version, 4000, moved).rebound); // the first from its new port
        assert_string_not_equal(moved, own);
        assert_int_equal(strncmp(moved, own, strlen(own) - 4), 0); // the address stays
        assert_false(there(&pair, version, 4000, source).rebound);
        assert_string_equal(source, moved);
        assert_int_equal(answer(&pair, version, moved, destination).drop, DROP_NONE); // answers find it
        assert_string_equal(destination, own);
        assert_int_equal(answer(&pair, version, own, destination).drop, DROP_NAT); // the old source is nobody's
        pair.now_ns += MS;
        there(&pair, version, 5000, source); // began under the condition: it is not struck
        assert_string_equal(strrchr(source, ':'), ":5000");
        assert_int_equal(pair.there.counts.rebound, 1);
        assert_int_equal(pair.back.counts.dropped[DROP_NAT], 1);
        change(&pair, &none); // the binding outlives the condition
        there(&pair, version, 4000, source);
        assert_string_equal(source, moved);
        end(&pair);
    }
}

static void an_address_is_rebound_and_comes_back_when_struck_again(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        const struct conditions none = {0}, nat = {.nat = CONDITION_NAT_ADDRESS};
        const char *own = version == 4 ? "10.77.0.1:4000" : "fd00:77::1:4000",
                   *other = version == 4 ? "10.77.1.1:4000" : "fd00:77::1:1:4000";
        char source[64], destination[64];
        struct pair pair;
        begin(&pair, &none);
        there(&pair, version, 4000, source);
        pair.now_ns += MS;
        change(&pair, &nat);
        assert_true(there(&pair, version, 4000, source).rebound);
        assert_string_equal(source, other);
        assert_int_equal(answer(&pair, version, other, destination).drop, DROP_NONE);
        assert_string_equal(destination, own);
        pair.now_ns += MS;
        change(&pair, &nat);
        assert_true(there(&pair, version, 4000, source).rebound);
        assert_string_equal(source, own);
        assert_int_equal(answer(&pair, version, own, destination).drop, DROP_NONE);
        assert_int_equal(answer(&pair, version, other, destination).drop,
                         DROP_NONE); // to a stranger: the receiver's kernel knows no such address
        end(&pair);
    }
}

static void a_flow_is_struck_once_when_it_is_old_enough(void **state)
{
    (void)state;
    const struct conditions nat = {.nat = CONDITION_NAT_PORT, .nat_after_ms = 50};
    char source[64], moved[64];
    struct pair pair;
    begin(&pair, &nat);
    there(&pair, 4, 4000, source);
    pair.now_ns += 49 * MS;
    assert_false(there(&pair, 4, 4000, source).rebound);
    assert_string_equal(source, "10.77.0.1:4000");
    pair.now_ns += MS;
    assert_true(there(&pair, 4, 4000, moved).rebound);
    for (size_t i = 0; i < 10; i++) {
        pair.now_ns += 100 * MS;
        assert_false(there(&pair, 4, 4000, source).rebound);
        assert_string_equal(source, moved);
    }
    end(&pair);
}

// Counted from the first packet, however long that was after the condition began; and it passes.
static void a_wire_is_dark_for_a_while(void **state)
{
    (void)state;
    const struct conditions dark = {.down_after_ms = 20, .down_for_ms = 100};
    static const struct {
        unsigned at_ms;
        enum drop drop;
    } looks[] = {{0, DROP_NONE}, {19, DROP_NONE}, {20, DROP_DOWN}, {70, DROP_DOWN}, {119, DROP_DOWN}, {120, DROP_NONE}, {500, DROP_NONE}};
    char source[64];
    struct pair pair;
    begin(&pair, &dark);
    pair.now_ns += 5000 * MS;
    const uint64_t first_ns = pair.now_ns;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        pair.now_ns = first_ns + looks[i].at_ms * MS;
        assert_int_equal(there(&pair, 4, 4000, source).drop, looks[i].drop);
    }
    end(&pair);
}

// 400 flows: no two get the same port, 256 of them at most are moved, and each answer finds its own.
static void many_flows_do_not_meet(void **state)
{
    (void)state;
    const struct conditions none = {0}, nat = {.nat = CONDITION_NAT_PORT};
    static char sources[400][64];
    size_t moved = 0;
    struct pair pair;
    begin(&pair, &none);
    for (unsigned i = 0; i < 400; i++)
        there(&pair, 4, (uint16_t)(10000 + i), NULL);
    pair.now_ns += MS;
    change(&pair, &nat);
    for (unsigned i = 0; i < 400; i++) {
        moved += there(&pair, 4, (uint16_t)(10000 + i), sources[i]).rebound;
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(sources[i], sources[j]);
    }
    assert_int_equal(moved, 256);
    for (unsigned i = 0; i < 400; i++) {
        char destination[64], own[64];
        snprintf(own, sizeof own, "10.77.0.1:%u", 10000 + i);
        assert_int_equal(answer(&pair, 4, sources[i], destination).drop, DROP_NONE);
        assert_string_equal(destination, own);
    }
    end(&pair);
}

// More flows than the table keeps: the oldest are forgotten, and nothing else happens.
static void a_flood_of_flows_is_bounded(void **state)
{
    (void)state;
    const struct conditions nat = {.nat = CONDITION_NAT_PORT, .nat_after_ms = 1};
    struct pair pair;
    begin(&pair, &nat);
    for (unsigned i = 0; i < 20000; i++) {
        assert_int_equal(there(&pair, 4, (uint16_t)(1 + i % 30000), NULL).drop, DROP_NONE);
        pair.now_ns += 10000;
        if (i % 100 == 99) {
            pair.now_ns += 2 * MS;
            there(&pair, 4, (uint16_t)(1 + i % 30000), NULL);
        }
    }
    assert_true(pair.there.counts.rebound >= 200);
    end(&pair);
}

// ---- ECN and corruption

static void ecn_is_kept_cleared_or_marked(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        const struct conditions keep = {0}, clear = {.ecn = CONDITION_ECN_CLEAR}, mark = {.ecn = CONDITION_ECN_MARK, .ecn_mark = 0.25};
        struct frame_wish incapable = from_client(version, 4000);
        struct pair pair;
        begin(&pair, &keep);
        there(&pair, version, 4000, NULL);
        assert_int_equal(frame_ecn(&pair.frame), 2);
        change(&pair, &clear);
        assert_true(there(&pair, version, 4000, NULL).cleared);
        assert_int_equal(frame_ecn(&pair.frame), 0);
        change(&pair, &mark);
        size_t marked = 0;
        for (size_t i = 0; i < 1000; i++) {
            struct passage passage = there(&pair, version, 4000, NULL);
            assert_int_equal(frame_ecn(&pair.frame), passage.marked ? 3 : 2);
            marked += passage.marked;
        }
        assert_in_range(marked, 200, 300);
        assert_int_equal(pair.there.counts.marked, marked);
        incapable.ecn = 0;
        for (size_t i = 0; i < 100; i++)
            assert_false(pass(&pair, &incapable, false).marked);
        end(&pair);
    }
}

static void corruption_is_seen_by_its_checksum(void **state)
{
    (void)state;
    const struct conditions corrupt = {.corrupt = 0.5};
    struct frame_wish wish = from_client(6, 4000);
    size_t corrupted = 0;
    struct pair pair;
    begin(&pair, &corrupt);
    for (size_t i = 0; i < 1000; i++) {
        struct passage passage = pass(&pair, &wish, false);
        assert_int_equal(frame_checksums_are_right(&pair.frame), !passage.corrupted);
        corrupted += passage.corrupted;
    }
    assert_in_range(corrupted, 420, 580);
    assert_int_equal(pair.there.counts.corrupted, corrupted);
    end(&pair);
}

// ---- time

static void a_rate_spaces_packets_and_a_queue_is_bounded(void **state)
{
    (void)state;
    const struct conditions slow = {.rate_bits = 1000000, .queue_packets = 5};
    struct pair pair;
    begin(&pair, &slow);
    struct frame_wish wish = from_client(4, 4000);
    frame_make(&pair.frame, &wish);
    uint64_t each_ns = pair.frame.size * 8 * 1000, begun_ns = pair.now_ns; // at 1 Mbit/s a bit is a microsecond
    for (uint64_t i = 1; i <= 5; i++) {
        struct passage passage = there(&pair, 4, 4000, NULL);
        assert_int_equal(passage.drop, DROP_NONE);
        assert_int_equal(passage.due_ns, begun_ns + i * each_ns);
    }
    assert_int_equal(there(&pair, 4, 4000, NULL).drop, DROP_QUEUE);
    pair.now_ns = begun_ns + each_ns; // one has left
    assert_int_equal(there(&pair, 4, 4000, NULL).due_ns, begun_ns + 6 * each_ns);
    assert_int_equal(there(&pair, 4, 4000, NULL).drop, DROP_QUEUE);
    pair.now_ns = begun_ns + 100 * each_ns; // idle: what was not used is not saved
    assert_int_equal(there(&pair, 4, 4000, NULL).due_ns, begun_ns + 101 * each_ns);
    assert_int_equal(pair.there.counts.dropped[DROP_QUEUE], 2);
    end(&pair);
}

// Another flow of the network finds the wire taken; who does not share has a wire of its own. A direction that begins takes nobody's place.
static void directions_that_share_take_turns(void **state)
{
    (void)state;
    const struct conditions slow = {.rate_bits = 1000000, .queue_packets = 3, .shared = true}, alone = {.rate_bits = 1000000};
    struct wire wire = {0};
    struct pair one, other;
    begin(&one, &slow);
    begin(&other, &slow);
    one.there.shared = other.there.shared = &wire;
    struct passage first = there(&one, 4, 4000, NULL);
    const uint64_t each_ns = first.due_ns - one.now_ns;
    assert_int_equal(there(&other, 4, 4000, NULL).due_ns, one.now_ns + 2 * each_ns);
    assert_int_equal(there(&one, 4, 4000, NULL).due_ns, one.now_ns + 3 * each_ns);
    assert_int_equal(there(&other, 4, 4000, NULL).drop, DROP_QUEUE); // one queue, too
    other.now_ns += each_ns;
    change(&other, &slow);
    assert_int_equal(there(&other, 4, 4000, NULL).due_ns, one.now_ns + 4 * each_ns);
    change(&other, &alone);
    assert_int_equal(there(&other, 4, 4000, NULL).due_ns, other.now_ns + each_ns);
    wire_free(&wire);
    end(&one);
    end(&other);
}

static void a_long_queue_keeps_its_order_and_its_limit(void **state)
{
    (void)state;
    const struct conditions slow = {.rate_bits = 10000000, .loss = 0.1};
    size_t passed = 0, queue = 0;
    uint64_t last_ns = 0;
    struct pair pair;
    begin(&pair, &slow);
    for (size_t i = 0; i < 3000; i++) {
        struct passage passage = there(&pair, 4, 4000, NULL);
        queue += passage.drop == DROP_QUEUE;
        passed += passage.drop == DROP_NONE;
        if (passage.drop == DROP_NONE)
            assert_true(passage.due_ns > last_ns);
        last_ns = passage.drop == DROP_NONE ? passage.due_ns : last_ns;
    }
    assert_int_equal(passed, WIRE_QUEUE_PACKETS); // what is lost takes no place in it
    assert_int_equal(queue + passed + pair.there.counts.dropped[DROP_LOSS], 3000);
    end(&pair);
}

static void jitter_alone_changes_no_order(void **state)
{
    (void)state;
    const struct conditions jitter = {.delay_ms = 10, .jitter_ms = 9};
    uint64_t last_ns = 0;
    struct pair pair;
    begin(&pair, &jitter);
    for (size_t i = 0; i < 1000; i++) {
        struct passage passage = there(&pair, 4, 4000, NULL);
        assert_true(passage.due_ns >= last_ns && passage.due_ns >= pair.now_ns + MS && passage.due_ns < pair.now_ns + 19 * MS);
        last_ns = passage.due_ns;
        pair.now_ns += 100000;
    }
    end(&pair);
}

static void one_packet_at_a_time_is_held_to_be_overtaken(void **state)
{
    (void)state;
    const struct conditions reorder = {.delay_ms = 1, .reorder = 1};
    struct pair pair;
    begin(&pair, &reorder);
    assert_true(there(&pair, 4, 4000, NULL).hold);
    pair.there.held = &pair; // as the switch does
    assert_false(there(&pair, 4, 4000, NULL).hold);
    pair.there.held = NULL;
    assert_true(there(&pair, 4, 4000, NULL).hold);
    end(&pair);
}

// ---- numbers

// The n of drop_nth begins anew with the conditions, and a layer over another direction leaves it alone.
static void numbers_begin_with_the_conditions(void **state)
{
    (void)state;
    const struct conditions third = {.drop_nth = {3}, .drop_count = 1};
    struct pair pair;
    begin(&pair, &third);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned n = 1; n <= 5; n++) {
            struct passage passage = there(&pair, 4, 4000, NULL);
            assert_int_equal(passage.number, n);
            assert_int_equal(passage.drop, n == 3 ? DROP_NTH : DROP_NONE);
        }
        change(&pair, &third);
    }
    assert_int_equal(pair.there.counts.dropped[DROP_NTH], 3);
    assert_int_equal(pair.there.counts.sent, 15);
    end(&pair);
}

static void each_packet_says_what_became_of_it(void **state)
{
    (void)state;
    char text[256];
    const struct direction direction = {.from = "client", .to = "server"};
    const struct passage plain = {.number = 3}, lost = {.number = 17, .drop = DROP_LOSS},
                         changed = {.number = 4, .duplicate = true, .corrupted = true, .rebound = true};
    assert_false(passage_text(&plain, &direction, text, sizeof text));
    assert_true(passage_text(&lost, &direction, text, sizeof text));
    assert_string_equal(text, "dropped: loss, packet 17 of client to server");
    assert_true(passage_text(&changed, &direction, text, sizeof text));
    assert_string_equal(text, "corrupted, duplicated, another source, packet 4 of client to server");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_is_rebound_for_flows_that_were_there),
        cmocka_unit_test(an_address_is_rebound_and_comes_back_when_struck_again),
        cmocka_unit_test(a_flow_is_struck_once_when_it_is_old_enough),
        cmocka_unit_test(a_wire_is_dark_for_a_while),
        cmocka_unit_test(many_flows_do_not_meet),
        cmocka_unit_test(a_flood_of_flows_is_bounded),
        cmocka_unit_test(ecn_is_kept_cleared_or_marked),
        cmocka_unit_test(corruption_is_seen_by_its_checksum),
        cmocka_unit_test(a_rate_spaces_packets_and_a_queue_is_bounded),
        cmocka_unit_test(directions_that_share_take_turns),
        cmocka_unit_test(a_long_queue_keeps_its_order_and_its_limit),
        cmocka_unit_test(jitter_alone_changes_no_order),
        cmocka_unit_test(one_packet_at_a_time_is_held_to_be_overtaken),
        cmocka_unit_test(numbers_begin_with_the_conditions),
        cmocka_unit_test(each_packet_says_what_became_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
