// What the switch in user space costs: throughput of TCP, small datagrams per second, latency; beside a bare veth pair, in turns, in the
// same run. And how late a delay is. usage: bench_link [ROUNDS [MILLISECONDS]]
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "tests/bench/link/wire.h"

#define ROUNDS 5
#define ROUNDS_MAX 64
#define SPAN_MS 500 // of each figure of throughput
#define TURNS 2000  // of each figure of latency
#define TURNS_MAX 2000
#define DELAYED 40 // packets
#define DELAY "10ms"
#define DELAY_US 10000.0
#define SMALL_BYTES 64
#define FIRST_MS 20000 // until something arrives at all
#define PORT_A 4000
#define PORT_B 4001
#define EVERY 16 // how often a sender looks at the clock

static const char *program = PANTHER_PLUGINS "/emulated/panther-link";
static unsigned span_ms = SPAN_MS;

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static _Noreturn void give_up(const struct panther_error *error)
{
    fprintf(stderr, "bench_link: %s\n", error->message);
    exit(1);
}

static int must(int result, const struct panther_error *error)
{
    if (result < 0)
        give_up(error);
    return result;
}

static int compare(const void *left, const void *right)
{
    double one = *(const double *)left, other = *(const double *)right;
    return (one > other) - (one < other);
}

static double quantile(double *values, size_t count, double share)
{
    qsort(values, count, sizeof *values, compare);
    return values[(size_t)(share * (double)(count - 1))];
}

// ---- figures of one wire

static int datagrams(const struct wire *wire, int end)
{
    struct panther_error error;
    uint16_t own = end == 0 ? PORT_A : PORT_B, other = end == 0 ? PORT_B : PORT_A;
    int fd = must(wire_socket(wire, end, SOCK_DGRAM, own, &error), &error);
    must(wire_connect(fd, 1 - end, other, &error), &error);
    return fd;
}

static void ferry(int from, int to)
{
    char data[SMALL_BYTES] = {0};
    struct panther_error error;
    if (send(from, data, sizeof data, 0) != sizeof data || recv(to, data, sizeof data, 0) != sizeof data) {
        error_system(&error, errno, "a datagram did not arrive");
        give_up(&error);
    }
}

// Half of a turn, in us; the median.
static double latency(const struct wire *wire)
{
    static double turns[TURNS_MAX];
    int a = datagrams(wire, 0), b = datagrams(wire, 1);
    size_t count = span_ms < SPAN_MS ? TURNS / 10 : TURNS;
    for (size_t i = 0; i < count; i++) {
        double begun_us = now_us();
        ferry(a, b);
        ferry(b, a);
        turns[i] = (now_us() - begun_us) / 2;
    }
    close(a);
    close(b);
    return quantile(turns, count, 0.5);
}

// How late packets with a delay come, in us.
static void lateness(const struct wire *wire, double *median_us, double *most_us)
{
    double late[DELAYED];
    int a = datagrams(wire, 0), b = datagrams(wire, 1);
    for (size_t i = 0; i < DELAYED; i++) {
        double begun_us = now_us();
        ferry(a, b);
        late[i] = now_us() - begun_us - DELAY_US;
    }
    close(a);
    close(b);
    *median_us = quantile(late, DELAYED, 0.5);
    *most_us = quantile(late, DELAYED, 0.95);
}

_Noreturn static void send_for_a_while(int fd, size_t bytes)
{
    static char data[64 * 1024];
    double end_us = now_us() + span_ms * 1e3;
    while (now_us() < end_us)
        for (unsigned i = 0; i < EVERY; i++)
            if (send(fd, data, bytes, MSG_NOSIGNAL) < 0 && errno != ENOBUFS && errno != ECONNREFUSED)
                _exit(1);
    _exit(0);
}

// Something came before that moment.
static bool comes_before(int fd, double end_us)
{
    double left_ms = (end_us - now_us()) / 1e3;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return left_ms > 0 && poll(&wait, 1, (int)left_ms + 1) == 1;
}

// What arrives while the sender, a process of its own, sends; both clocks begin with the first.
static double received(int fd, bool is_stream)
{
    static char data[256 * 1024];
    double begun_us = 0, end_us = now_us() + FIRST_MS * 1e3, total = 0, last_us = 0;
    while (comes_before(fd, end_us)) {
        ssize_t got = recv(fd, data, sizeof data, 0);
        if (got <= 0)
            break;
        last_us = now_us();
        if (begun_us == 0) {
            begun_us = last_us;
            end_us = begun_us + span_ms * 1e3;
        }
        total += is_stream ? (double)got : 1;
    }
    return last_us > begun_us ? total / (last_us - begun_us) : 0;
}

// Mbit/s of one TCP connection.
static double throughput(const struct wire *wire)
{
    struct panther_error error;
    int server = must(wire_socket(wire, 1, SOCK_STREAM, PORT_B, &error), &error);
    int client = must(wire_socket(wire, 0, SOCK_STREAM, 0, &error), &error);
    if (listen(server, 1) < 0)
        must(error_system(&error, errno, "listen"), &error);
    must(wire_connect(client, 1, PORT_B, &error), &error);
    int accepted = accept(server, NULL, NULL);
    pid_t child = fork();
    if (child == 0) {
        close(accepted); // else the other end is never closed, and a sender that waits for room waits for ever
        close(server);
        send_for_a_while(client, 64 * 1024);
    }
    close(client);
    double bytes_per_us = received(accepted, true);
    close(accepted);
    close(server);
    waitpid(child, NULL, 0);
    return bytes_per_us * 8;
}

// Small datagrams that arrive, in a second.
static double packets(const struct wire *wire)
{
    int a = datagrams(wire, 0), b = datagrams(wire, 1);
    pid_t child = fork();
    if (child == 0)
        send_for_a_while(a, SMALL_BYTES);
    double per_us = received(b, false);
    close(a);
    close(b);
    waitpid(child, NULL, 0);
    return per_us * 1e6;
}

// ---- rounds

struct figures {
    double throughput[ROUNDS_MAX], packets[ROUNDS_MAX], latency[ROUNDS_MAX];
};

static void measure(struct wire *wire, struct figures *figures, size_t round)
{
    figures->latency[round] = latency(wire);
    figures->throughput[round] = throughput(wire);
    figures->packets[round] = packets(wire);
    wire_end(wire);
}

static void tell(const char *name, struct figures *figures, size_t rounds)
{
    printf("%-10s %8.0f Mbit/s %9.0f packets/s %8.1f us\n", name, quantile(figures->throughput, rounds, 0.5),
           quantile(figures->packets, rounds, 0.5), quantile(figures->latency, rounds, 0.5));
}

static void tell_json(struct figures *veth, struct figures *link, struct figures *captured, double late_us, double most_us, size_t rounds)
{
    double mbit = quantile(link->throughput, rounds, 0.5), veth_mbit = quantile(veth->throughput, rounds, 0.5);
    double us = quantile(link->latency, rounds, 0.5), veth_us = quantile(veth->latency, rounds, 0.5);
    printf("{\"bench\":\"link\",\"rounds\":%zu,\"throughput_mbit\":%.0f,\"captured_mbit\":%.0f,\"veth_mbit\":%.0f,"
           "\"throughput_ratio\":%.3f,\"packets_per_s\":%.0f,\"captured_packets_per_s\":%.0f,\"veth_packets_per_s\":%.0f,"
           "\"latency_us\":%.1f,\"captured_latency_us\":%.1f,\"veth_latency_us\":%.1f,\"added_latency_us\":%.1f,"
           "\"delay_late_us\":%.1f,\"delay_late_p95_us\":%.1f}\n",
           rounds, mbit, quantile(captured->throughput, rounds, 0.5), veth_mbit, veth_mbit > 0 ? mbit / veth_mbit : 0,
           quantile(link->packets, rounds, 0.5), quantile(captured->packets, rounds, 0.5), quantile(veth->packets, rounds, 0.5), us,
           quantile(captured->latency, rounds, 0.5), veth_us, us - veth_us, late_us, most_us);
}

int main(int argc, char **argv)
{
    static struct figures veth, link, captured;
    struct panther_error error;
    struct wire wire;
    double late_us, most_us;
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS;
    span_ms = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : SPAN_MS;
    if (rounds == 0 || rounds > ROUNDS_MAX || span_ms == 0) {
        fprintf(stderr, "usage: bench_link [ROUNDS [MILLISECONDS]]\n");
        return 2;
    }
    must(wires_begin(&error), &error);
    for (size_t round = 0; round < rounds; round++) {
        must(wire_veth(&wire, &error), &error);
        measure(&wire, &veth, round);
        must(wire_link(&wire, program, NULL, false, &error), &error);
        measure(&wire, &link, round);
        must(wire_link(&wire, program, NULL, true, &error), &error);
        measure(&wire, &captured, round);
    }
    must(wire_link(&wire, program, DELAY, false, &error), &error);
    lateness(&wire, &late_us, &most_us);
    wire_end(&wire);
    tell("veth", &veth, rounds);
    tell("link", &link, rounds);
    tell("captured", &captured, rounds);
    tell_json(&veth, &link, &captured, late_us, most_us, rounds);
    return 0;
}
