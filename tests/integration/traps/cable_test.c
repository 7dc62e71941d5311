// Heartbeat and TCP_MAXRT together: a cable that is pulled (no FIN, no RST, nothing) is seen by both ends in seconds: by the link through
// ZMTP's pings, by the server, which does not ping, through the kernel's timers. Two seconds without it are no loss.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/system/process.h"
#include "tests/unit/bus/fixture.h"

// From the last word to the loss: silence or unacknowledged data for five seconds, and what a busy machine adds.
#define LOSS_LEAST_MS 2500
#define LOSS_MOST_MS 15000

static struct lab lab;
static pid_t child;
static int to_child = -1, from_child = -1;
static struct keys child_keys;
static char here[16], there[16];

static bool run_ip(const char *const *words)
{
    const char *argv[16] = {"ip"};
    for (size_t i = 0; words[i] && i + 2 < 16; i++)
        argv[i + 1] = words[i];
    const struct process_start start = {.program = "ip", .argv = argv};
    struct process_end end = {.status = -1};
    pid_t pid;
    int pidfd = -1;
    if (process_spawn(&start, &pid, &pidfd, NULL) < 0)
        return false;
    process_reap(pidfd, true, &end);
    close(pidfd);
    return end.status == 0;
}
#define IP(...) run_ip((const char *const[]){__VA_ARGS__, NULL})

// ---- the far end: a link in a network namespace of its own; says 'u' when it is up, 'l' when it is lost

static void say(int fd, char what)
{
    if (write(fd, &what, 1) != 1)
        _exit(1);
}

_Noreturn static void far_end(int in, int out)
{
    char endpoint[BUS_KEY_TEXT_BYTES + 64], server_key[BUS_KEY_TEXT_BYTES];
    struct host host = {0};
    struct lab own = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) != 0)
        _exit(77);
    say(out, 'n'); // the namespace is there
    if (read(in, endpoint, 64) != 64 || read(in, server_key, sizeof server_key) != (ssize_t)sizeof server_key)
        _exit(1);
    if (!IP("addr", "add", "10.77.77.2/24", "dev", there) || !IP("link", "set", there, "up"))
        _exit(1);
    bus_begin();
    own.loop = loop_new();
    host_open(&host, &own, endpoint, &child_keys, server_key);
    for (bool told = false; !host.lost; loop_run_once(own.loop, 50)) {
        if (host.up && !told) {
            told = true;
            host_say(&host, "hello");
            say(out, 'u');
        }
    }
    say(out, host.ups == 1 ? 'l' : 'f');
    _exit(0);
}

static bool heard(char what)
{
    char byte = 0;
    uint64_t deadline_ns = clock_boottime_ns() + PATIENCE_MS * UINT64_C(1000000);
    while (read(from_child, &byte, 1) != 1 && clock_boottime_ns() < deadline_ns)
        loop_run_once(lab.loop, 20);
    return byte == what;
}

static void a_pulled_cable_is_seen_by_both_ends_in_seconds(void **state)
{
    (void)state;
    char endpoint[64] = "", pid[16];
    if (geteuid() != 0 || !heard('n')) {
        print_message("SKIPPED: no network namespaces here (needs root)\n");
        skip();
    }
    snprintf(pid, sizeof pid, "%d", (int)child);
    if (!IP("link", "add", here, "type", "veth", "peer", "name", there, "netns", pid)) {
        print_message("SKIPPED: no veth here\n");
        skip();
    }
    assert_true(IP("addr", "add", "10.77.77.1/24", "dev", here));
    assert_true(IP("link", "set", here, "up"));
    lab.keys = keys_new(false);
    lab_server(&lab, "tcp://10.77.77.1:*", 0);
    bus_zap_allow(child_keys.public_key);
    snprintf(endpoint, sizeof endpoint, "%s", bus_server_endpoint(lab.server));
    assert_int_equal(write(to_child, endpoint, sizeof endpoint), sizeof endpoint);
    assert_int_equal(write(to_child, lab.keys.public_key, sizeof lab.keys.public_key), sizeof lab.keys.public_key);
    assert_true(heard('u'));
    WAIT_FOR(&lab, lab.messages == 1);
    // two seconds without it are no loss
    assert_true(IP("link", "set", here, "down"));
    lab_run_for(&lab, 2000);
    assert_true(IP("link", "set", here, "up"));
    lab_run_for(&lab, 2000);
    assert_int_equal(lab.gone, 0);
    assert_int_equal(bus_server_send(lab.server, lab.last_route, "still there?", 12, NULL, 0), 0);
    lab_run_for(&lab, 500);
    assert_int_equal(lab.gone, 0);
    // pulled
    assert_true(IP("link", "set", here, "down"));
    uint64_t pulled_ns = clock_boottime_ns();
    assert_true(heard('l'));
    assert_in_range((clock_boottime_ns() - pulled_ns) / 1000000, LOSS_LEAST_MS, LOSS_MOST_MS);
    WAIT_FOR(&lab, lab.gone == 1);
    assert_in_range((clock_boottime_ns() - pulled_ns) / 1000000, LOSS_LEAST_MS, LOSS_MOST_MS);
    struct bus_server_counters counters;
    bus_server_counters(lab.server, &counters);
    assert_int_equal(counters.peers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_pulled_cable_is_seen_by_both_ends_in_seconds)};
    int down[2], up[2];
    snprintf(here, sizeof here, "pt%dh", (int)getpid());
    snprintf(there, sizeof there, "pt%dt", (int)getpid());
    bus_key_new(child_keys.public_key, child_keys.secret_key);
    if (pipe(down) != 0 || pipe(up) != 0)
        return 1;
    child = fork(); // before there are threads
    if (child == 0)
        far_end(down[0], up[1]);
    close(down[0]);
    close(up[1]);
    to_child = down[1];
    from_child = up[0];
    fcntl(from_child, F_SETFL, O_NONBLOCK);
    bus_begin();
    lab.loop = loop_new();
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0); // its namespace goes with it, and the cable with that
    lab_end(&lab);
    IP("link", "del", here);
    bus_end();
    return failures;
}
