// Traps of sessions, at the real coordinator: an agent's name twice, a session that returns while the old one is half-open, a peer that
// is killed and comes back.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/bus/call.h"
#include "common/system/file.h"
#include "peer.h"
#include "relay.h"
#include "tests/bench/swarm/coordinator.h"

#define CALL_MS 20000

static struct coordinator coordinator;
static char folder[64];
static struct loop *loop;
static struct bus_peer_file keys[8]; // lab-0 ...

static int begin_all(void **state)
{
    (void)state;
    struct panther_error error = {0};
    snprintf(folder, sizeof folder, "/tmp/panther-traps-XXXXXX");
    if (!mkdtemp(folder) || coordinator_start(&coordinator, folder, &error) < 0) {
        print_error("%s\n", error.message);
        return -1;
    }
    char out[128];
    snprintf(out, sizeof out, "%s/keys", folder);
    const char *const words[] = {"keys", "add", "agent", "lab-0", "lab-1", "lab-2", "lab-3", "--out", out, NULL};
    int status = coordinator_command(&coordinator, words, &error);
    for (int i = 0; i < 4 && status == 0; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/lab-%d.key", out, i);
        status = bus_peer_file_read(path, &keys[i], &error);
    }
    loop = loop_new();
    return status;
}

static int end_all(void **state)
{
    (void)state;
    coordinator_stop(&coordinator);
    loop_free(&loop);
    bus_end();
    return folder_remove(folder, NULL);
}

static uint64_t counter(const char *name)
{
    struct bus_peer_file admin;
    struct bus_call *call = NULL;
    struct arena *arena = arena_new(0);
    Pb__GetStatus get = PB__GET_STATUS__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_GET_STATUS;
    request.get_status = &get;
    Pb__Reply *reply = NULL;
    assert_int_equal(bus_peer_file_read(coordinator.key, &admin, NULL), 0);
    assert_int_equal(bus_call_open(&call, &admin, CALL_MS, NULL), 0);
    assert_int_equal(bus_call(call, &request, arena, &reply, NULL), 0);
    uint64_t value = 0;
    for (size_t i = 0; i < reply->status->n_counters; i++)
        if (strcmp(reply->status->counters[i]->name, name) == 0)
            value = reply->status->counters[i]->value;
    bus_call_close(&call);
    arena_free(&arena);
    return value;
}

// A key file that was copied to a second host: the newer is refused by name, with both hosts; the older notices nothing.
static void the_same_name_twice_from_another_host_is_refused_naming_both(void **state)
{
    (void)state;
    struct peer first, second;
    peer_begin(&first, loop, "lab-0", 'a');
    peer_begin(&second, loop, "lab-0", 'b');
    peer_connect(&first, &keys[0], coordinator.endpoint);
    peer_welcomed(&first);
    peer_connect(&second, &keys[0], coordinator.endpoint);
    peer_hello(&second);
    WAIT_FOR(loop, second.refusals && second.lost);
    assert_int_equal(second.refusal, PB__REFUSAL_CODE__REFUSAL_CODE_NAME_TAKEN);
    assert_int_equal(second.welcomes, 0);
    assert_non_null(strstr(second.why, "lab-0"));
    assert_non_null(strstr(second.why, first.host_id));
    assert_non_null(strstr(second.why, first.address));
    assert_non_null(strstr(second.why, second.host_id));
    assert_non_null(strstr(second.why, second.address));
    peer_beat(&first);
    WAIT_FOR(loop, first.beats);
    assert_false(first.lost);
    peer_end(&first);
    peer_end(&second);
}

static void the_same_name_twice_from_one_host_fences_the_older(void **state)
{
    (void)state;
    struct peer older, newer;
    peer_begin(&older, loop, "lab-1", 'c');
    peer_begin(&newer, loop, "lab-1", 'c');
    peer_connect(&older, &keys[1], coordinator.endpoint);
    peer_welcomed(&older);
    peer_connect(&newer, &keys[1], coordinator.endpoint);
    peer_welcomed(&newer);
    assert_true(newer.session != older.session);
    WAIT_FOR(loop, older.refusals && older.lost);
    assert_int_equal(older.refusal, PB__REFUSAL_CODE__REFUSAL_CODE_FENCED);
    peer_beat(&newer);
    WAIT_FOR(loop, newer.beats);
    peer_end(&older);
    peer_end(&newer);
}

// What the old connection still holds arrives after the new session has begun: none of it counts. (A DEALER that reconnects by itself
// would deliver it before any Hello, under a new identity.)
static void a_session_that_returns_while_the_old_one_is_half_open_hears_nothing_of_it(void **state)
{
    (void)state;
    struct relay relay;
    struct peer older, newer;
    relay_begin(&relay, coordinator.endpoint);
    peer_begin(&older, loop, "lab-2", 'd');
    peer_begin(&newer, loop, "lab-2", 'd');
    peer_connect(&older, &keys[2], relay.endpoint);
    peer_welcomed(&older);
    peer_event(&older, older.session, 1);
    WAIT_FOR(loop, older.acknowledged == 1);
    relay_hold(&relay);
    peer_event(&older, older.session, 2); // it is in the cable now
    newer.last = 1;
    uint64_t unwanted = counter("stale_sessions"), begin_ns = clock_boottime_ns();
    peer_connect(&newer, &keys[2], coordinator.endpoint);
    peer_welcomed(&newer);
    assert_true(clock_boottime_ns() - begin_ns < UINT64_C(5000000000)); // it did not wait for the old one's death
    assert_int_equal(newer.last_seen, 1);
    relay_let_go(&relay);
    WAIT_FOR(loop, older.lost);
    // Had event 2 of the old session counted, the new one's would be a repeat, and the next a hole.
    peer_event(&newer, newer.session, 2);
    WAIT_FOR(loop, newer.acknowledged == 2);
    // Said again in the old session's name on the new connection: told to say Hello again, and nothing counts.
    peer_event(&newer, older.session, 3);
    WAIT_FOR(loop, newer.refusals == 1);
    assert_int_equal(newer.refusal, PB__REFUSAL_CODE__REFUSAL_CODE_SESSION);
    assert_true(counter("stale_sessions") > unwanted);
    assert_int_equal(newer.acknowledged, 2);
    peer_event(&newer, newer.session, 3);
    WAIT_FOR(loop, newer.acknowledged == 3);
    peer_end(&older);
    peer_end(&newer);
    relay_end(&relay);
}

// In a process of its own: welcomed, three events said, killed without a word. Writes a byte when the first event is acknowledged.
_Noreturn static void be_killed(int fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bus_begin();
    struct loop *own = loop_new();
    struct peer peer;
    peer_begin(&peer, own, "lab-3", 'e');
    peer_connect(&peer, &keys[3], coordinator.endpoint);
    peer_welcomed(&peer);
    for (uint64_t sequence = 1; sequence <= 3; sequence++)
        peer_event(&peer, peer.session, sequence);
    WAIT_FOR(own, peer.acknowledged >= 1);
    if (write(fd, "x", 1) != 1)
        _exit(1);
    for (;;)
        loop_run_once(own, 1000);
}

static pid_t victim;
static int victim_fd;

static void a_peer_that_is_killed_is_back_at_once_with_the_same_key(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(read(victim_fd, &byte, 1), 1);
    assert_int_equal(kill(victim, SIGKILL), 0);
    assert_int_equal(waitpid(victim, NULL, 0), victim);
    close(victim_fd);
    struct peer again;
    peer_begin(&again, loop, "lab-3", 'e');
    again.last = 3; // its outbox is on its disk
    uint64_t begin_ns = clock_boottime_ns();
    peer_connect(&again, &keys[3], coordinator.endpoint);
    peer_welcomed(&again);
    assert_true(clock_boottime_ns() - begin_ns < UINT64_C(5000000000));
    assert_in_range(again.last_seen, 1, 3);
    // What was sent and not acknowledged is sent again: none is lost, and none counts twice (a hole would end the session).
    for (uint64_t sequence = again.last_seen + 1; sequence <= 4; sequence++)
        peer_event(&again, again.session, sequence);
    WAIT_FOR(loop, again.acknowledged == 4);
    assert_int_equal(again.refusals, 0);
    peer_end(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_name_twice_from_another_host_is_refused_naming_both),
        cmocka_unit_test(the_same_name_twice_from_one_host_fences_the_older),
        cmocka_unit_test(a_session_that_returns_while_the_old_one_is_half_open_hears_nothing_of_it),
        cmocka_unit_test(a_peer_that_is_killed_is_back_at_once_with_the_same_key),
    };
    // Processes are made before there are threads.
    if (begin_all(NULL) != 0)
        return 1;
    int ends[2];
    if (pipe(ends) != 0)
        return 1;
    victim = fork();
    if (victim == 0)
        be_killed(ends[1]);
    close(ends[1]);
    victim_fd = ends[0];
    bus_begin();
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    return end_all(NULL) != 0 ? 1 : failures;
}
