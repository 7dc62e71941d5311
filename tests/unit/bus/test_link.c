// The link: every way to lose it is told once, with a reason, and it never comes back by itself.
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static struct lab lab;
static struct keys client_keys;

static int begin(void **state)
{
    (void)state;
    lab_begin(&lab, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    lab_end(&lab);
    return 0;
}

// ---- a server in a process of its own, which can be stopped and killed. Forked before this process has a context.
struct victim {
    pid_t pid;
    int orders, reports;
};
struct order {
    struct keys server, client;
};
static struct victim victims[2];

static void victim_main(int orders, int reports)
{
    struct order order;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(orders, &order, sizeof order) != (ssize_t)sizeof order)
        _exit(0);
    bus_begin();
    bus_zap_allow(order.client.public_key);
    struct lab own = {.loop = loop_new(), .keys = order.server, .echo = true};
    lab_server(&own, "tcp://127.0.0.1:0", 0);
    unsigned port = bus_server_port(own.server);
    if (write(reports, &port, sizeof port) != (ssize_t)sizeof port)
        _exit(1);
    loop_run(own.loop);
    _exit(0);
}

static void victim_fork(struct victim *victim)
{
    int orders[2], reports[2];
    if (pipe(orders) != 0 || pipe(reports) != 0)
        _exit(2);
    victim->pid = fork();
    if (victim->pid == 0) {
        close(orders[1]);
        victim_main(orders[0], reports[1]);
    }
    close(orders[0]);
    victim->orders = orders[1];
    victim->reports = reports[0];
}

static void victim_connect(struct victim *victim, struct host *host)
{
    struct order order = {.server = lab.keys, .client = client_keys};
    assert_int_equal(write(victim->orders, &order, sizeof order), sizeof order);
    unsigned port = 0;
    assert_int_equal(read(victim->reports, &port, sizeof port), sizeof port);
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    memset(host, 0, sizeof *host);
    host_open(host, &lab, endpoint, &client_keys, lab.keys.public_key);
    WAIT_FOR(&lab, host->up);
}

static void victim_end(struct victim *victim)
{
    kill(victim->pid, SIGKILL);
    waitpid(victim->pid, NULL, 0);
}

static void a_killed_server_is_seen(void **state)
{
    (void)state;
    struct host host;
    victim_connect(&victims[0], &host);
    victim_end(&victims[0]);
    WAIT_FOR(&lab, host.lost);
    assert_non_null(strstr(host.why, "connection lost"));
    host_close(&host);
}

static void a_pause_of_two_seconds_is_not_death_but_silence_is(void **state)
{
    (void)state;
    struct host host;
    victim_connect(&victims[1], &host);
    kill(victims[1].pid, SIGSTOP);
    lab_run_for(&lab, 2000);
    kill(victims[1].pid, SIGCONT);
    host_say(&host, "back");
    WAIT_FOR(&lab, host.messages == 1);
    assert_false(host.lost);
    kill(victims[1].pid, SIGSTOP);
    uint64_t begin_ns = clock_boottime_ns();
    WAIT_FOR(&lab, host.lost);
    assert_in_range((clock_boottime_ns() - begin_ns) / 1000000, 2500, 10000);
    victim_end(&victims[1]);
    host_close(&host);
}

// ---- not getting there

static void nobody_listens(void **state)
{
    (void)state;
    char endpoint[128];
    snprintf(endpoint, sizeof endpoint, "%s", bus_server_endpoint(lab.server));
    bus_server_free(&lab.server);
    struct host host = {0};
    host_open(&host, &lab, endpoint, &client_keys, lab.keys.public_key);
    assert_int_equal(bus_link_send(host.link, "early", 5, NULL, 0), PANTHER_EUNAVAILABLE);
    WAIT_FOR(&lab, host.lost);
    if (!strstr(host.why, "nobody listens there"))
        fail_msg("%s", host.why);
    assert_non_null(strstr(host.why, endpoint));
    assert_int_equal(host.ups, 0);
    host_close(&host);
}

static void a_host_that_accepts_and_says_nothing_is_given_up(void **state)
{
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t bytes = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
    struct host host = {0};
    host_open(&host, &lab, endpoint, &client_keys, lab.keys.public_key);
    uint64_t begin_ns = clock_boottime_ns();
    WAIT_FOR(&lab, host.lost);
    assert_in_range((clock_boottime_ns() - begin_ns) / 1000000, 2900, 6000);
    assert_non_null(strstr(host.why, "no answer within 3000 ms"));
    close(fd);
    host_close(&host);
}

static void a_server_with_another_key_is_not_trusted(void **state)
{
    (void)state;
    struct keys other = keys_new(false);
    struct host host = {0};
    host_open(&host, &lab, bus_server_endpoint(lab.server), &client_keys, other.public_key);
    WAIT_FOR(&lab, host.lost);
    assert_non_null(strstr(host.why, "handshake"));
    assert_int_equal(host.ups, 0);
    host_close(&host);
}

static void quiet_up(void *context)
{
    (void)context;
}
static void quiet_message(void *context, const uint8_t *data, size_t bytes, const uint8_t *payload, size_t payload_bytes)
{
    (void)context, (void)data, (void)bytes, (void)payload, (void)payload_bytes;
}
static void quiet_lost(void *context, const char *why)
{
    (void)context, (void)why;
}
static const struct bus_link_callbacks quiet = {.on_up = quiet_up, .on_message = quiet_message, .on_lost = quiet_lost};

static void bad_options_are_errors(void **state)
{
    (void)state;
    struct bus_link *link = NULL;
    struct panther_error error = {0};
    struct bus_link_options options = {.endpoint = "http://x:1", .server_key = lab.keys.public_key, .secret_key = client_keys.secret_key};
    assert_int_equal(bus_link_new(&link, lab.loop, &options, &quiet, NULL, &error), PANTHER_EINVALID);
    assert_non_null(strstr(error.message, "tcp://ADDRESS:PORT"));
    options.endpoint = "tcp://no-port";
    assert_int_equal(bus_link_new(&link, lab.loop, &options, &quiet, NULL, &error), PANTHER_EINVALID);
    options.endpoint = "tcp://127.0.0.1:1";
    options.server_key = "short";
    assert_int_equal(bus_link_new(&link, lab.loop, &options, &quiet, NULL, &error), PANTHER_EINVALID);
    assert_null(link);
}

// ---- losing it

static void a_lost_link_never_comes_back(void **state)
{
    (void)state;
    char endpoint[128];
    snprintf(endpoint, sizeof endpoint, "%s", bus_server_endpoint(lab.server));
    struct host host;
    host_connect(&host, &lab);
    host_say(&host, "hello");
    WAIT_FOR(&lab, lab.messages == 1);
    bus_server_free(&lab.server);
    WAIT_FOR(&lab, host.lost);
    assert_int_equal(bus_link_send(host.link, "x", 1, NULL, 0), PANTHER_EUNAVAILABLE);
    lab_server(&lab, endpoint, 0);
    lab_run_for(&lab, 500); // libzmq would be back after 100 ms
    assert_int_equal(lab.messages, 1);
    assert_int_equal(host.ups, 1);
    assert_int_equal(host.losses, 1);
    struct bus_server_counters counters;
    bus_server_counters(lab.server, &counters);
    assert_int_equal(counters.peers, 0);
    host_close(&host);
}

static void a_link_may_be_freed_in_its_callbacks(void **state)
{
    (void)state;
    lab.echo = true;
    struct host host = {.free_on_up = &host.link};
    host_open(&host, &lab, bus_server_endpoint(lab.server), &client_keys, lab.keys.public_key);
    WAIT_FOR(&lab, host.up);
    assert_null(host.link);

    host_connect(&host, &lab);
    host.free_on_message = &host.link;
    host_say(&host, "one");
    host_say(&host, "two");
    WAIT_FOR(&lab, host.messages == 1);
    assert_null(host.link);
    text_free(&host.heard);

    host_connect(&host, &lab);
    host.free_on_lost = &host.link;
    host_say(&host, "hello");
    WAIT_FOR(&lab, host.messages == 1);
    bus_server_free(&lab.server);
    WAIT_FOR(&lab, host.lost);
    assert_null(host.link);
    lab_run_for(&lab, 50);
    assert_int_equal(host.losses, 1);
    host_close(&host);
}

static void keys_are_checked_and_derived(void **state)
{
    (void)state;
    char derived[BUS_KEY_TEXT_BYTES];
    assert_int_equal(bus_key_public(client_keys.secret_key, derived), 0);
    assert_string_equal(derived, client_keys.public_key);
    assert_true(bus_key_is_valid(client_keys.public_key));
    assert_false(bus_key_is_valid(NULL));
    assert_false(bus_key_is_valid(""));
    assert_false(bus_key_is_valid("0123456789012345678901234567890123456789x"));
    assert_false(bus_key_is_valid("012345678901234567890123456789012345678\""));
    assert_int_equal(bus_key_public("short", derived), PANTHER_EINVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    victim_fork(&victims[0]);
    victim_fork(&victims[1]);
    bus_begin();
    client_keys = keys_new(true);
    const struct CMUnitTest tests[] = {
        TEST(keys_are_checked_and_derived),
        TEST(nobody_listens),
        TEST(a_host_that_accepts_and_says_nothing_is_given_up),
        TEST(a_server_with_another_key_is_not_trusted),
        TEST(bad_options_are_errors),
        TEST(a_lost_link_never_comes_back),
        TEST(a_link_may_be_freed_in_its_callbacks),
        TEST(a_killed_server_is_seen),
        TEST(a_pause_of_two_seconds_is_not_death_but_silence_is),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bus_end();
    return failed;
}
