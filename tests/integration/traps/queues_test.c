// Traps of queues, at the real bus: the high-water mark, what is unsent at a close, a ROUTER whose peer is not there.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/bus/fixture.h"
#include "tests/unit/bus/raw_peer.h"

#ifdef PANTHER_THREAD_SANITIZER // whose shadow is several times what it watches
#define COUNTS_MEMORY false
#else
#define COUNTS_MEMORY true
#endif
#define MIB (1024 * 1024)

static struct lab lab;

static int begin(void **state)
{
    (void)state;
    lab_begin(&lab, 8 * MIB);
    return 0;
}

static int end(void **state)
{
    (void)state;
    lab_end(&lab);
    return 0;
}

static size_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

// At its high-water mark libzmq would drop (ROUTER) or wait (DEALER). Here: the server keeps a bounded queue per peer, then closes that
// peer and no other; memory stays bounded however much is said.
static void hwm_reached_at_the_server_costs_one_peer_and_no_memory(void **state)
{
    (void)state;
    static char block[64 * 1024];
    struct keys keys = keys_new(true);
    struct host host;
    void *deaf = raw_open(&lab, &(struct raw_options){.keys = &keys, .receive_limit = 1});
    raw_send(deaf, "hello", 5, false);
    WAIT_FOR(&lab, lab.messages == 1);
    bus_route deaf_route = lab.last_route;
    host_connect(&host, &lab);
    host_say(&host, "hello");
    WAIT_FOR(&lab, lab.messages == 2);
    bus_route good_route = lab.last_route;
    const size_t before = resident_bytes();
    size_t said = 0;
    for (int result = 0; said < 20000; said++) { // 1.2 GiB
        result = bus_server_send(lab.server, deaf_route, block, sizeof block, NULL, 0);
        if (said % 64 == 0)
            loop_run_once(lab.loop, 0);
        if (result == PANTHER_ELIMIT)
            break;
        assert_int_equal(result, 0);
    }
    assert_true(said < 20000);
    // 1,000 messages in libzmq's pipe, 8 MiB in ours, as much in the kernel's buffers
    assert_true(!COUNTS_MEMORY || resident_bytes() < before + 160 * MIB);
    WAIT_FOR(&lab, lab.gone == 1 && lab.gone_route == deaf_route);
    assert_int_equal(bus_server_send(lab.server, good_route, "fine", 4, NULL, 0), 0);
    WAIT_FOR(&lab, host.messages == 1);
    raw_close(&deaf);
    host_close(&host);
}

// A link never waits and never drops: it says "not now", and the caller keeps what it wanted to send.
static void hwm_reached_at_a_link_is_said_and_loses_nothing(void **state)
{
    (void)state;
    struct host host;
    host_connect(&host, &lab);
    static char block[4 * 1024];
    size_t accepted = 0;
    uint64_t begin_ns = clock_boottime_ns();
    // The server's loop does not run meanwhile: its pipe, the kernel's buffers and ours fill up.
    while (accepted < 100000 && bus_link_send(host.link, block, sizeof block, NULL, 0) == 0)
        accepted++;
    assert_true(accepted >= 1000 && accepted < 100000);
    assert_true(clock_boottime_ns() - begin_ns < UINT64_C(20000000000)); // it did not wait
    WAIT_FOR(&lab, lab.messages == accepted);
    assert_false(host.lost);
    WAIT_FOR(&lab, bus_link_send(host.link, "again", 5, NULL, 0) == 0);
    WAIT_FOR(&lab, lab.messages == accepted + 1);
    host_close(&host);
}

// Goodbye is said and the link is closed at once: what was accepted still leaves, within the linger.
static void an_unsent_queue_at_close_still_leaves(void **state)
{
    (void)state;
    struct host host;
    host_connect(&host, &lab);
    static char block[16 * 1024];
    size_t sent = 0;
    while (sent < 200 && bus_link_send(host.link, block, sizeof block, NULL, 0) == 0)
        sent++;
    assert_int_equal(sent, 200);
    host_say(&host, "goodbye");
    uint64_t begin_ns = clock_boottime_ns();
    host_close(&host);
    assert_true(clock_boottime_ns() - begin_ns < UINT64_C(2000000000)); // closing does not wait
    WAIT_FOR(&lab, lab.messages == 201);
    WAIT_FOR(&lab, lab.gone == 1);
}

// To a server that reads nothing: closing does not wait for it either, and ending the process does not hang on what cannot leave.
static void an_unsent_queue_at_close_holds_up_nobody(void **state)
{
    (void)state;
    struct host host;
    host_connect(&host, &lab);
    static char block[64 * 1024];
    while (bus_link_send(host.link, block, sizeof block, NULL, 0) == 0)
        ;
    uint64_t begin_ns = clock_boottime_ns();
    host_close(&host);
    bus_server_free(&lab.server);
    assert_true(clock_boottime_ns() - begin_ns < UINT64_C(5000000000));
}

// Without MANDATORY a ROUTER throws away what it cannot route, in silence. Here the sender is told, the others get theirs, and the route
// is nobody else's afterwards.
static void a_router_with_an_unroutable_peer_says_so(void **state)
{
    (void)state;
    struct host gone, stays, later;
    host_connect(&gone, &lab);
    host_say(&gone, "hello");
    WAIT_FOR(&lab, lab.messages == 1);
    bus_route route = lab.last_route;
    host_connect(&stays, &lab);
    host_say(&stays, "hello");
    WAIT_FOR(&lab, lab.messages == 2);
    bus_route other = lab.last_route;
    host_close(&gone);
    // until libzmq has noticed, what is said is on its way to nobody; from then on it is refused
    WAIT_FOR(&lab, bus_server_send(lab.server, route, "x", 1, NULL, 0) == PANTHER_EUNAVAILABLE);
    WAIT_FOR(&lab, lab.gone == 1 && lab.gone_route == route);
    assert_int_equal(bus_server_send(lab.server, other, "yours", 5, NULL, 0), 0);
    WAIT_FOR(&lab, stays.messages == 1);
    host_connect(&later, &lab);
    host_say(&later, "hello");
    WAIT_FOR(&lab, lab.messages == 3);
    assert_true(lab.last_route != route);
    assert_int_equal(bus_server_send(lab.server, route, "old", 3, NULL, 0), PANTHER_EUNAVAILABLE);
    lab_run_for(&lab, 100);
    assert_int_equal(later.messages, 0);
    host_close(&stays);
    host_close(&later);
}

// A server that listens and still reads who may come: nobody is refused, nobody is let in, and then all are answered.
static void agents_that_knock_before_the_keys_are_read_wait(void **state)
{
    (void)state;
    struct host known = {0}, stranger = {0};
    struct keys known_keys = keys_new(false), stranger_keys = keys_new(false);
    uint64_t refused = bus_zap_refused();
    bus_zap_hold();
    host_open(&known, &lab, bus_server_endpoint(lab.server), &known_keys, lab.keys.public_key);
    host_open(&stranger, &lab, bus_server_endpoint(lab.server), &stranger_keys, lab.keys.public_key);
    lab_run_for(&lab, 300);
    assert_false(known.up || known.lost || stranger.up || stranger.lost);
    bus_zap_allow(known_keys.public_key);
    bus_zap_answer();
    WAIT_FOR(&lab, known.up && stranger.lost);
    assert_false(known.lost || stranger.up);
    assert_int_equal(bus_zap_refused(), refused + 1);
    host_close(&known);
    host_close(&stranger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    bus_begin();
    const struct CMUnitTest tests[] = {
        TEST(hwm_reached_at_the_server_costs_one_peer_and_no_memory),
        TEST(hwm_reached_at_a_link_is_said_and_loses_nothing),
        TEST(an_unsent_queue_at_close_still_leaves),
        TEST(an_unsent_queue_at_close_holds_up_nobody),
        TEST(a_router_with_an_unroutable_peer_says_so),
        TEST(agents_that_knock_before_the_keys_are_read_wait),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    raw_end();
    bus_end();
    return failures;
}
