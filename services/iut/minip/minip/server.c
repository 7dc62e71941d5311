// minip_server: answers minip's pings until TERM. Its variants are for tests of testers: functional keeps to the README, flaky loses or
// spoils a seeded share of its PONGs, failing numbers every PONG wrong, vulnerable believes the length that a header says.
#define _GNU_SOURCE // ppoll
#include "endpoint.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SESSIONS_MAX 1024 // the README promises 64 clients at least; more are there for load

struct session {
    uint32_t id;        // 0: free
    uint32_t last;      // sequence of the last message that was answered
    uint64_t used;      // when, in messages received: the one that was silent longest makes room
    uint16_t pong_size; // of the last PONG, which a repeated PING gets again
    uint8_t pong[MINIP_MESSAGE_MAX];
};

static struct session sessions[SESSIONS_MAX];
static uint64_t messages;

static struct session *session_find(uint32_t id)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (sessions[i].id == id && id != 0)
            return &sessions[i];
    return NULL;
}

static struct session *session_open(uint32_t id)
{
    struct session *session = session_find(id), *oldest = &sessions[0];
    for (size_t i = 0; !session && i < SESSIONS_MAX; i++) {
        if (sessions[i].id == 0)
            session = &sessions[i];
        if (sessions[i].used < oldest->used)
            oldest = &sessions[i];
    }
    return session ? session : oldest;
}

static size_t answer(const struct minip_message *asked, uint8_t type, const uint8_t *payload, uint16_t bytes, uint8_t *datagram)
{
    const struct minip_message message = {MINIP_VERSION, type, asked->session, asked->sequence, bytes, payload};
    return minip_write(&message, datagram);
}

static size_t answer_error(const struct minip_message *asked, enum minip_error error, uint8_t *datagram)
{
    const uint8_t code = (uint8_t)error;
    return answer(asked, MINIP_ERROR, &code, 1, datagram);
}

static size_t on_hello(const struct minip_message *message, uint8_t *datagram)
{
    if (message->session == 0)
        return answer_error(message, MINIP_ERROR_SESSION, datagram);
    struct session *session = session_open(message->session);
    *session = (struct session){.id = message->session, .last = message->sequence, .used = messages};
    return answer(message, MINIP_WELCOME, NULL, 0, datagram);
}

// What the variants do to a PONG; 0: it is lost.
static size_t spoil(struct minip_endpoint *endpoint, uint8_t *datagram, size_t bytes)
{
    unsigned way;
    if (endpoint->variant == MINIP_FAILING)
        datagram[11] = (uint8_t)(datagram[11] + 1);
    if (!minip_goes_wrong(endpoint, 3, &way))
        return bytes;
    if (way == 0)
        return 0;
    datagram[way == 1 || bytes == MINIP_HEADER_BYTES ? 11 : bytes - 1] ^= 0x40; // its sequence, or its payload
    return bytes;
}

static size_t on_ping(struct minip_endpoint *endpoint, const struct minip_message *message, uint8_t *datagram)
{
    struct session *session = session_find(message->session);
    if (!session)
        return answer_error(message, MINIP_ERROR_SESSION, datagram);
    session->used = messages;
    if (message->sequence == session->last && session->pong_size > 0) {
        memcpy(datagram, session->pong, session->pong_size);
        return session->pong_size;
    }
    if (message->sequence != session->last + 1)
        return answer_error(message, MINIP_ERROR_SEQUENCE, datagram);
    session->last = message->sequence;
    session->pong_size = (uint16_t)answer(message, MINIP_PONG, message->payload, message->payload_bytes, session->pong);
    memcpy(datagram, session->pong, session->pong_size);
    return spoil(endpoint, datagram, session->pong_size);
}

static size_t on_bye(const struct minip_message *message, uint8_t *datagram)
{
    struct session *session = session_find(message->session);
    if (!session)
        return answer_error(message, MINIP_ERROR_SESSION, datagram);
    session->id = 0;
    return answer(message, MINIP_GOODBYE, NULL, 0, datagram);
}

// A check over the payload, over as many bytes as the header promised: in the variant vulnerable nobody has compared that with what came.
static uint8_t check_payload(const struct minip_message *message)
{
    volatile uint8_t check = 0;
    for (unsigned i = 0; i < message->payload_bytes; i++)
        check ^= message->payload[i];
    return check;
}

// Returns the bytes of the answer; 0: none.
static size_t respond(struct minip_endpoint *endpoint, size_t received, uint8_t *datagram)
{
    struct minip_message message;
    bool is_gullible = endpoint->variant == MINIP_VULNERABLE;
    if ((is_gullible ? minip_read_gullible : minip_read)(endpoint->buffer, received, &message) != 0)
        return 0;
    if (message.version != MINIP_VERSION)
        return answer_error(&message, MINIP_ERROR_VERSION, datagram);
    switch (message.type) {
    case MINIP_HELLO:
        return on_hello(&message, datagram);
    case MINIP_PING:
        check_payload(&message);
        return on_ping(endpoint, &message, datagram);
    case MINIP_BYE:
        return on_bye(&message, datagram);
    default:
        return answer_error(&message, MINIP_ERROR_TYPE, datagram);
    }
}

static volatile sig_atomic_t is_ended;

static void on_term(int signal_number)
{
    (void)signal_number;
    is_ended = 1;
}

// TERM is open only while the server waits, so that none is missed between the look at is_ended and the wait.
static void close_term(sigset_t *while_waiting)
{
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, while_waiting);
    sigdelset(while_waiting, SIGTERM);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_term}, NULL);
}

static void serve(struct minip_endpoint *endpoint, const sigset_t *while_waiting)
{
    uint8_t datagram[MINIP_MESSAGE_MAX];
    while (!is_ended) {
        struct pollfd ready = {.fd = endpoint->socket, .events = POLLIN};
        struct sockaddr_storage peer;
        socklen_t peer_bytes = sizeof(peer);
        if (ppoll(&ready, 1, NULL, while_waiting) < 0)
            continue;
        ssize_t received =
            recvfrom(endpoint->socket, endpoint->buffer, MINIP_MESSAGE_MAX + 1, MSG_DONTWAIT, (struct sockaddr *)&peer, &peer_bytes);
        if (received < 0)
            continue;
        messages++;
        size_t bytes = respond(endpoint, (size_t)received, datagram);
        if (bytes > 0)
            sendto(endpoint->socket, datagram, bytes, 0, (const struct sockaddr *)&peer, peer_bytes);
    }
}

int main(int argc, char **argv)
{
    struct minip_arguments arguments = {0};
    struct minip_endpoint endpoint = {0};
    sigset_t while_waiting;
    signal(SIGSEGV, SIG_DFL); // a sanitizer would make an exit of the crash
    minip_arguments_read(argc, argv, &arguments, &endpoint);
    close_term(&while_waiting);
    minip_open(&endpoint, &arguments, true);
    printf("minip_server: listening on %s port %s\n", arguments.address, arguments.port);
    fflush(stdout);
    serve(&endpoint, &while_waiting);
    printf("minip_server: %llu messages\n", (unsigned long long)messages);
    return 0;
}
