// panther-link with real packets: what arrives is what the seed says, to the packet, and so is what the capture holds; NAT, ECN, queue,
// changes while it runs; a full disk, a capture that is too long, kill -9.
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#include <jansson.h>

#include "agent/environment/link/fate.h"
#include "agent/environment/link/probe.h"
#include "common/base/memory.h"
#include "common/system/process.h"
#include "tests/integration/link/network.h"

#define PORT 4433
#define PACKETS 1500
#define BATCH 50 // what a socket's buffer takes on any machine

static const struct {
    int family;
    const char *name;
} families[] = {{AF_INET, "ipv4"}, {AF_INET6, "ipv6"}};

static struct network network;

static int clean(void **state)
{
    (void)state;
    network_remove(&network);
    return 0;
}

// What link.json says of client to server.
static long long counted(const char *name, bool is_drop)
{
    size_t bytes;
    CLEANUP_FREE char *text = network_file(&network, "link.json", &bytes);
    json_t *root = text ? json_loadb(text, bytes, 0, NULL) : NULL;
    assert_non_null(root);
    const json_t *direction = json_array_get(json_object_get(root, "directions"), 0);
    assert_string_equal(json_string_value(json_object_get(direction, "from")), "client");
    if (is_drop)
        direction = json_object_get(direction, "dropped");
    long long value = json_integer_value(json_object_get(direction, name));
    json_decref(root);
    return value;
}

static char *plan(uint64_t seed, const char *conditions, const char *more)
{
    return memory_printf("{\"services\":[\"client\",\"server\"],\"seed\":\"%llu\",\"links\":[{\"from\":\"client\",\"to\":\"server\","
                         "\"conditions\":{%s}}]%s}",
                         (unsigned long long)seed, conditions, more);
}

static void start(uint64_t seed, const char *conditions, const char *more)
{
    CLEANUP_FREE char *text = plan(seed, conditions, more);
    network_start(&network, text);
}

// ---- what the seed says

struct expected {
    unsigned count[PACKETS + 1];
    size_t arrived, dropped;
};

static struct expected expect(uint64_t seed, const struct conditions *conditions)
{
    struct expected expected = {0};
    struct fates fates;
    fates_begin(&fates, seed, "client", "server");
    for (size_t n = 1; n <= PACKETS; n++) {
        struct fate fate = fates_next(&fates, conditions);
        expected.count[n] = fate.end == FATE_ARRIVES ? 1 + fate.duplicate : 0;
        expected.arrived += expected.count[n];
        expected.dropped += expected.count[n] == 0;
    }
    return expected;
}

// Batch by batch, each until all of it that is to come is there: no buffer overflows, on whatever machine.
static void send_all(int from, int to, int family, const struct expected *expected, struct arrivals *arrivals)
{
    size_t due = 0;
    for (uint32_t n = 1; n <= PACKETS; n++) {
        datagram_send(from, &network, "server", family, PORT, n, 64);
        due += expected->count[n];
        if (n % BATCH == 0 || n == PACKETS)
            datagrams_receive(to, arrivals, due);
    }
}

static void losses_are_those_of_the_seed_in(int family, const char *name, uint64_t seed)
{
    const struct conditions conditions = {.loss = 0.1, .burst = 3, .duplicate = 0.05, .drop_nth = {1, 700}, .drop_count = 2};
    struct expected expected = expect(seed, &conditions);
    struct arrivals arrivals = {0};
    static struct captured captured;
    CLEANUP_FREE char *more = memory_printf(",\"family\":\"%s\"", name);
    start(seed, "\"loss\":\"10%\",\"burst\":\"3\",\"duplicate\":\"5%\",\"drop_nth\":[\"1\",\"700\"]", more);
    int client = datagram_socket(&network, "client", family, 0), server = datagram_socket(&network, "server", family, PORT);
    send_all(client, server, family, &expected, &arrivals);
    network_must(&network, "{\"flush\":true}");
    capture_read(&network, PORT, &captured);
    assert_true(captured.whole);
    for (size_t n = 1; n <= PACKETS; n++)
        if (arrivals.count[n] != expected.count[n] || captured.out[n] != 1 || captured.in[n] != expected.count[n] ||
            captured.dropped[n] != (expected.count[n] == 0))
            fail_msg("seed %llu, %s, packet %zu: expected %u, came %u, captured %u and %u", (unsigned long long)seed, name, n,
                     expected.count[n], arrivals.count[n], captured.out[n], captured.in[n]);
    struct pollfd more_comes = {.fd = server, .events = POLLIN};
    assert_int_equal(poll(&more_comes, 1, 0), 0);
    assert_int_equal(network_stop(&network), 0);
    assert_int_equal(counted("sent", false), PACKETS);
    assert_int_equal(counted("delivered", false), expected.arrived);
    assert_int_equal(counted("loss", true) + counted("drop_nth", true), expected.dropped);
    close(client);
    close(server);
    network_remove(&network);
}

static void losses_are_those_of_the_seed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        losses_are_those_of_the_seed_in(families[i].family, families[i].name, 1000 + i);
}

// ---- NAT, ECN, queue

static uint16_t receive_from(int fd, char *address, size_t bytes)
{
    uint8_t data[2048];
    struct sockaddr_in from = {0};
    socklen_t length = sizeof from;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, NETWORK_LIMIT_MS) != 1)
        fail_msg("no datagram came");
    assert_true(recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &length) > 0);
    assert_non_null(inet_ntop(AF_INET, &from.sin_addr, address, (socklen_t)bytes));
    return ntohs(from.sin_port);
}

static void answer_to(int fd, const char *address, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    uint32_t number = 1;
    assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
    assert_int_equal(sendto(fd, &number, sizeof number, 0, (const struct sockaddr *)&to, sizeof to), sizeof number);
}

// A flow goes on after it was rebound by a fault, in both directions, and its old source is nobody's.
static void a_nat_that_rebinds_is_met_by_real_sockets(void **state)
{
    (void)state;
    char before[64], after[64], again[64];
    start(3, "", "");
    int client = datagram_socket(&network, "client", AF_INET, 0), server = datagram_socket(&network, "server", AF_INET, PORT);
    datagram_send(client, &network, "server", AF_INET, PORT, 1, 64);
    uint16_t old_port = receive_from(server, before, sizeof before);
    answer_to(server, before, old_port);
    receive_from(client, after, sizeof after);
    network_must(&network, "{\"fault\":\"nat\",\"links\":[{\"from\":\"client\",\"conditions\":{\"nat_rebind\":\"port\"}}]}");
    datagram_send(client, &network, "server", AF_INET, PORT, 2, 64);
    uint16_t new_port = receive_from(server, after, sizeof after);
    assert_int_not_equal(new_port, old_port);
    assert_string_equal(after, before);
    answer_to(server, before, old_port); // lost
    answer_to(server, after, new_port);
    receive_from(client, again, sizeof again);
    network_must(&network, "{\"fault\":\"nat\",\"links\":[{\"from\":\"client\",\"conditions\":{\"nat_rebind\":\"address\"}}]}");
    datagram_send(client, &network, "server", AF_INET, PORT, 3, 64);
    assert_int_equal(receive_from(server, after, sizeof after), new_port);
    assert_string_equal(after, "10.77.1.1");
    answer_to(server, after, new_port);
    receive_from(client, again, sizeof again);
    assert_string_equal(again, "10.77.0.2");
    struct pollfd more_comes = {.fd = client, .events = POLLIN};
    assert_int_equal(poll(&more_comes, 1, 0), 0); // what was lost stays so
    assert_int_equal(network_stop(&network), 0);
    assert_int_equal(counted("rebound", false), 2);
    close(client);
    close(server);
}

static unsigned ecn_received(int fd)
{
    uint8_t data[64], control[64];
    struct iovec into = {.iov_base = data, .iov_len = sizeof data};
    struct msghdr message = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, NETWORK_LIMIT_MS) != 1)
        fail_msg("no datagram came");
    assert_true(recvmsg(fd, &message, 0) > 0);
    assert_non_null(CMSG_FIRSTHDR(&message));
    return *CMSG_DATA(CMSG_FIRSTHDR(&message)) & 3U;
}

static void marks_of_congestion_are_those_of_the_seed(void **state)
{
    (void)state;
    const struct conditions conditions = {.ecn = CONDITION_ECN_MARK, .ecn_mark = 0.3};
    const int capable = 2, on = 1;
    struct fates fates;
    start(4, "\"ecn\":\"mark 30%\"", "");
    int client = datagram_socket(&network, "client", AF_INET, 0), server = datagram_socket(&network, "server", AF_INET, PORT);
    setsockopt(client, IPPROTO_IP, IP_TOS, &capable, sizeof capable);
    setsockopt(server, IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
    fates_begin(&fates, 4, "client", "server");
    for (uint32_t n = 1; n <= 100; n++) {
        datagram_send(client, &network, "server", AF_INET, PORT, n, 64);
        assert_int_equal(ecn_received(server), fates_next(&fates, &conditions).mark ? 3 : 2);
    }
    network_must(&network, "{\"fault\":\"old router\",\"links\":[{\"conditions\":{\"ecn\":\"clear\"}}]}");
    datagram_send(client, &network, "server", AF_INET, PORT, 101, 64);
    assert_int_equal(ecn_received(server), 0);
    assert_int_equal(network_stop(&network), 0);
    close(client);
    close(server);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// 1042 bytes at 100 kbit/s are 83 ms each: five find room, and each waits for those before it.
static void a_queue_is_short_and_slow(void **state)
{
    (void)state;
    struct arrivals arrivals = {0};
    start(5, "\"rate\":\"100kbit\",\"queue\":\"5\"", "");
    int client = datagram_socket(&network, "client", AF_INET, 0), server = datagram_socket(&network, "server", AF_INET, PORT);
    double begun = seconds();
    for (uint32_t n = 1; n <= 20; n++)
        datagram_send(client, &network, "server", AF_INET, PORT, n, 1000);
    double sent = seconds();
    datagrams_receive(server, &arrivals, 5);
    assert_true(seconds() - begun >= 5 * 1042 * 8 / 100e3);
    size_t later = (size_t)((sent - begun) / (1042 * 8 / 100e3)); // that left while a slow machine was still sending
    assert_int_equal(network_stop(&network), 0);
    assert_in_range(counted("queue", true), 15 - later, 15);
    assert_int_equal(counted("delivered", false) + counted("queue", true), 20);
    close(client);
    close(server);
}

// ---- changes while it runs

static void faults_begin_and_end_by_the_control_line(void **state)
{
    (void)state;
    char answer[1024];
    struct arrivals arrivals = {0};
    start(6, "\"delay\":\"1ms\"", "");
    int client = datagram_socket(&network, "client", AF_INET, 0), server = datagram_socket(&network, "server", AF_INET, PORT);
    network_must(&network, "{\"fault\":\"cut\",\"links\":[{\"from\":\"client\",\"to\":\"server\",\"conditions\":{\"down\":\"true\"}}]}");
    datagram_send(client, &network, "server", AF_INET, PORT, 1, 64);
    network_must(&network, "{\"fault\":\"far\",\"links\":[{\"conditions\":{\"delay\":\"60ms\"}}]}");
    network_must(&network, "{\"fault\":\"cut\",\"end\":true}");
    double begun = seconds();
    datagram_send(client, &network, "server", AF_INET, PORT, 2, 64);
    datagrams_receive(server, &arrivals, 1);
    assert_true(seconds() - begun >= 0.06);
    assert_int_equal(arrivals.count[2], 1);
    network_ask(&network, "{\"fault\":\"cut\",\"end\":true}", answer, sizeof answer);
    assert_string_equal(answer, "{\"error\":\"no fault \\\"cut\\\" holds\"}\n");
    network_ask(&network, "what?", answer, sizeof answer);
    assert_non_null(strstr(answer, "not a JSON object"));
    network_must(&network, "{\"fault\":\"far\",\"end\":true}");
    datagram_send(client, &network, "server", AF_INET, PORT, 3, 64);
    datagrams_receive(server, &arrivals, 2);
    assert_int_equal(network_stop(&network), 0);
    assert_int_equal(counted("down", true), 1);
    close(client);
    close(server);
}

// ---- hostile

static bool holders_are_gone(void)
{
    for (double end = seconds() + NETWORK_LIMIT_MS / 1000.0; seconds() < end;) {
        size_t alive = 0;
        for (size_t i = 0; i < network.place_count; i++)
            alive += process_is_alive(network.places[i].holder, network.places[i].holder_start);
        if (alive == 0)
            return true;
        const struct timespec step = {.tv_nsec = 2000000};
        nanosleep(&step, NULL);
    }
    return false;
}

static void a_full_disk_ends_it_with_the_reason(void **state)
{
    (void)state;
    size_t bytes;
    static struct captured captured;
    const struct rlimit tight = {.rlim_cur = 20000, .rlim_max = 20000};
    start(7, "", "");
    int client = datagram_socket(&network, "client", AF_INET, 0), server = datagram_socket(&network, "server", AF_INET, PORT);
    assert_int_equal(prlimit(network.link, RLIMIT_FSIZE, &tight, NULL), 0);
    for (uint32_t n = 1; n <= 40; n++)
        datagram_send(client, &network, "server", AF_INET, PORT, n, 1000);
    assert_int_equal(network_wait(&network), 1);
    CLEANUP_FREE char *said = network_file(&network, "said", &bytes);
    assert_non_null(strstr(said, "panther-link: cannot write the capture, because: "));
    capture_read(&network, PORT, &captured);
    assert_true(captured.whole); // up to there
    assert_true(holders_are_gone());
    assert_null(network_file(&network, "namespaces", &bytes));
    close(client);
    close(server);
}

static void a_capture_that_is_too_long_ends_and_the_network_goes_on(void **state)
{
    (void)state;
    struct arrivals arrivals = {0};
    static struct captured captured;
    start(8, "", ",\"capture_limit_bytes\":10000");
    int client = datagram_socket(&network, "client", AF_INET, 0), server = datagram_socket(&network, "server", AF_INET, PORT);
    for (uint32_t n = 1; n <= 40; n++)
        datagram_send(client, &network, "server", AF_INET, PORT, n, 1000);
    datagrams_receive(server, &arrivals, 40);
    assert_int_equal(network_stop(&network), 0);
    capture_read(&network, PORT, &captured);
    assert_true(captured.whole && captured.packets >= 4 && captured.packets <= 10);
    assert_int_equal(counted("delivered", false), 40);
    size_t bytes;
    CLEANUP_FREE char *text = network_file(&network, "link.json", &bytes);
    json_t *root = json_loadb(text, bytes, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(root, "not_captured")), 80 - captured.packets);
    json_decref(root);
    close(client);
    close(server);
}

static void kill_9_takes_the_namespaces_with_it(void **state)
{
    (void)state;
    start(9, "", "");
    assert_int_equal(network.place_count, 2);
    assert_int_equal(kill(network.link, SIGKILL), 0);
    assert_int_equal(network_wait(&network), 128 + SIGKILL);
    assert_true(holders_are_gone());
}

// What the agent tells of its host agrees with what the program can.
static void the_probe_says_what_the_program_can(void **state)
{
    (void)state;
    char why[PROBE_WHY_BYTES];
    if (!probe_network(why))
        fail_msg("%s", why);
    assert_string_equal(why, "");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(losses_are_those_of_the_seed, clean),
        cmocka_unit_test_teardown(a_nat_that_rebinds_is_met_by_real_sockets, clean),
        cmocka_unit_test_teardown(marks_of_congestion_are_those_of_the_seed, clean),
        cmocka_unit_test_teardown(a_queue_is_short_and_slow, clean),
        cmocka_unit_test_teardown(faults_begin_and_end_by_the_control_line, clean),
        cmocka_unit_test_teardown(a_full_disk_ends_it_with_the_reason, clean),
        cmocka_unit_test_teardown(a_capture_that_is_too_long_ends_and_the_network_goes_on, clean),
        cmocka_unit_test_teardown(kill_9_takes_the_namespaces_with_it, clean),
        cmocka_unit_test(the_probe_says_what_the_program_can),
    };
    char why[512];
    if (!network_is_possible(why, sizeof why)) {
        printf("SKIPPED: %s", why);
        return 77;
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
