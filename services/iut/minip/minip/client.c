// minip_client: opens a session, sends pings one after the other and closes it. Exit status 0: every answer was right; 1: one was wrong
// or did not come; 2: it could not work. Its variants: flaky spoils a seeded share of its PINGs' sequences, failing all of them,
// vulnerable believes the length that a PONG's header says.
#include "endpoint.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TRIES 3 // of one message: UDP loses some

struct client {
    struct minip_endpoint endpoint;
    uint32_t session, sequence;
    unsigned long count;
    uint16_t payload_bytes;
    int timeout_ms;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// The next message of this session; false: none came until then.
static bool receive(struct client *client, int64_t until_ms, struct minip_message *message)
{
    bool is_gullible = client->endpoint.variant == MINIP_VULNERABLE;
    for (int64_t left; (left = until_ms - now_ms()) > 0;) {
        struct pollfd ready = {.fd = client->endpoint.socket, .events = POLLIN};
        if (poll(&ready, 1, (int)left) <= 0)
            continue;
        ssize_t bytes = recv(client->endpoint.socket, client->endpoint.buffer, MINIP_MESSAGE_MAX + 1, MSG_DONTWAIT);
        if (bytes >= 0 && (is_gullible ? minip_read_gullible : minip_read)(client->endpoint.buffer, (size_t)bytes, message) == 0 &&
            message->session == client->session)
            return true;
    }
    return false;
}

// Sends it, again if need be, and waits for the answer. False: none came.
static bool ask(struct client *client, uint8_t type, const uint8_t *payload, uint16_t bytes, struct minip_message *answer)
{
    uint8_t datagram[MINIP_MESSAGE_MAX];
    const struct minip_message message = {MINIP_VERSION, type, client->session, client->sequence, bytes, payload};
    size_t datagram_bytes = minip_write(&message, datagram);
    for (int try = 0; try < TRIES; try++) {
        // a refused connection is a server that is not there, yet or any more: the next try, or the last, tells
        if (send(client->endpoint.socket, datagram, datagram_bytes, 0) < 0)
            poll(NULL, 0, client->timeout_ms / TRIES);
        if (receive(client, now_ms() + client->timeout_ms, answer))
            return true;
    }
    fprintf(stderr, "minip_client: no answer to type %u, sequence %u\n", type, client->sequence);
    return false;
}

static bool is_answer(const struct client *client, const struct minip_message *answer, uint8_t type)
{
    if (answer->type == type && answer->sequence == client->sequence)
        return true;
    fprintf(stderr, "minip_client: type %u with sequence %u instead of type %u with %u\n", answer->type, answer->sequence, type,
            client->sequence);
    return false;
}

// As the server's: over as many bytes as the header promised.
static uint8_t check_payload(const struct minip_message *message)
{
    volatile uint8_t check = 0;
    for (unsigned i = 0; i < message->payload_bytes; i++)
        check ^= message->payload[i];
    return check;
}

static bool ping(struct client *client)
{
    uint8_t payload[MINIP_PAYLOAD_MAX];
    struct minip_message answer;
    unsigned way;
    client->sequence += client->endpoint.variant == MINIP_FAILING || minip_goes_wrong(&client->endpoint, 1, &way) ? 2 : 1;
    for (unsigned i = 0; i < client->payload_bytes; i++)
        payload[i] = (uint8_t)(client->sequence + i);
    if (!ask(client, MINIP_PING, payload, client->payload_bytes, &answer))
        return false;
    check_payload(&answer);
    if (!is_answer(client, &answer, MINIP_PONG))
        return false;
    if (answer.payload_bytes == client->payload_bytes && memcmp(answer.payload, payload, client->payload_bytes) == 0)
        return true;
    fprintf(stderr, "minip_client: the payload of sequence %u came back changed\n", client->sequence);
    return false;
}

static bool talk(struct client *client)
{
    struct minip_message answer;
    unsigned long done = 0;
    if (!ask(client, MINIP_HELLO, NULL, 0, &answer) || !is_answer(client, &answer, MINIP_WELCOME))
        return false;
    while (done < client->count && ping(client))
        done++;
    bool is_closed = ask(client, MINIP_BYE, NULL, 0, &answer) && is_answer(client, &answer, MINIP_GOODBYE);
    printf("minip_client: %lu of %lu pings answered\n", done, client->count);
    return done == client->count && is_closed;
}

int main(int argc, char **argv)
{
    struct minip_arguments arguments = {.count = "10", .size = "32", .timeout = "1000"};
    struct client client = {0};
    signal(SIGSEGV, SIG_DFL); // a sanitizer would make an exit of the crash
    minip_arguments_read(argc, argv, &arguments, &client.endpoint);
    client.session = (uint32_t)client.endpoint.random | 1; // any but 0
    client.count = strtoul(arguments.count, NULL, 10);
    client.payload_bytes = (uint16_t)strtoul(arguments.size, NULL, 10);
    client.timeout_ms = (int)strtol(arguments.timeout, NULL, 10);
    if (client.payload_bytes > MINIP_PAYLOAD_MAX || client.timeout_ms <= 0) {
        fprintf(stderr, "--size is %d at most, --timeout above 0\n", MINIP_PAYLOAD_MAX);
        return 2;
    }
    minip_open(&client.endpoint, &arguments, false);
    return talk(&client) ? 0 : 1;
}
