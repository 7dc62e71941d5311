// Sends and receives minip's datagrams over one connected UDP socket.
#include "link.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void put(uint8_t *bytes, unsigned count, uint32_t number)
{
    for (unsigned i = count; i-- > 0; number >>= 8)
        bytes[i] = (uint8_t)number;
}

static uint32_t get(const uint8_t *bytes, unsigned count)
{
    uint32_t number = 0;
    for (unsigned i = 0; i < count; i++)
        number = number << 8 | bytes[i];
    return number;
}

size_t message_write(const struct message *message, uint8_t datagram[DATAGRAM_MAX])
{
    memcpy(datagram, "MP", 2);
    datagram[2] = message->version;
    datagram[3] = message->type;
    put(datagram + 4, 4, message->session);
    put(datagram + 8, 4, message->sequence);
    put(datagram + 12, 2, message->payload_bytes);
    memcpy(datagram + HEADER_BYTES, message->payload, message->payload_bytes);
    return (size_t)HEADER_BYTES + message->payload_bytes;
}

static bool message_read(const uint8_t *datagram, size_t bytes, struct message *message)
{
    if (bytes < HEADER_BYTES || bytes > DATAGRAM_MAX || memcmp(datagram, "MP", 2) != 0 || get(datagram + 12, 2) != bytes - HEADER_BYTES)
        return false;
    message->version = datagram[2];
    message->type = datagram[3];
    message->session = get(datagram + 4, 4);
    message->sequence = get(datagram + 8, 4);
    message->payload_bytes = (uint16_t)(bytes - HEADER_BYTES);
    memcpy(message->payload, datagram + HEADER_BYTES, message->payload_bytes);
    return true;
}

const char *type_name(uint8_t type)
{
    static const char *const names[] = {"?", "HELLO", "WELCOME", "PING", "PONG", "BYE", "GOODBYE", "ERROR"};
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : "a message of an unknown type";
}

int link_open(struct panther_service *service, struct link *link, const struct panther_endpoint *endpoint)
{
    struct addrinfo *found, hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    char port[8];
    link_forget(link);
    snprintf(port, sizeof(port), "%u", endpoint->port);
    if (getaddrinfo(endpoint->address, port, &hints, &found) != 0)
        return panther_fail(service, "%s is no address", endpoint->address);
    link->socket = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int connected = link->socket < 0 ? -1 : connect(link->socket, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (connected == 0)
        return PANTHER_OK;
    link_close(link);
    return panther_fail(service, "no UDP socket to %s: %m", panther_endpoint_text(service, endpoint));
}

void link_forget(struct link *link)
{
    link->last_bytes = SIZE_MAX; // as long as no datagram is
}

void link_close(struct link *link)
{
    if (link->socket >= 0)
        close(link->socket);
    link->socket = -1;
}

void link_send_bytes(struct link *link, const void *bytes, size_t count)
{
    // "connection refused" is of an earlier datagram and does not keep this one from being sent: once more
    if (send(link->socket, bytes, count, 0) < 0)
        send(link->socket, bytes, count, 0);
    link->sent++;
}

void link_send(struct link *link, const struct message *message)
{
    uint8_t datagram[DATAGRAM_MAX];
    link_send_bytes(link, datagram, message_write(message, datagram));
}

// The next datagram; below 0: there is none yet.
static ssize_t next_datagram(struct link *link, uint8_t *datagram, size_t size)
{
    ssize_t bytes = recv(link->socket, datagram, size, 0);
    while (bytes >= 0 && (size_t)bytes == link->last_bytes && memcmp(datagram, link->last, link->last_bytes) == 0)
        bytes = recv(link->socket, datagram, size, 0);
    return bytes;
}

enum asked link_receive(struct panther_service *service, struct link *link, uint64_t wait_ms, struct message *answer)
{
    uint8_t datagram[DATAGRAM_MAX + 1];
    uint64_t until_ns = panther_now_ns(service) + wait_ms * 1000000;
    for (;;) {
        ssize_t bytes = next_datagram(link, datagram, sizeof(datagram));
        if (bytes >= 0) {
            memcpy(link->last, datagram, (size_t)bytes);
            link->last_bytes = (size_t)bytes;
            return message_read(datagram, (size_t)bytes, answer) ? ANSWERED : MALFORMED;
        }
        uint64_t now_ns = panther_now_ns(service);
        if (panther_is_cancelled(service) || panther_remaining_ms(service) == 0)
            return CUT_SHORT;
        if (now_ns >= until_ns)
            return SILENT;
        struct pollfd ready[] = {{link->socket, POLLIN, 0}, {panther_cancel_fd(service), POLLIN, 0}};
        uint64_t left_ms = (until_ns - now_ns) / 1000000 + 1, remaining_ms = panther_remaining_ms(service);
        poll(ready, 2, (int)(left_ms < remaining_ms ? left_ms : remaining_ms));
    }
}

enum asked link_ask(struct panther_service *service, struct link *link, const struct message *message, struct message *answer)
{
    enum asked asked = SILENT;
    for (int64_t try = 0; try < link->tries && asked == SILENT; try++) {
        link->sent_again += try > 0;
        link_send(link, message);
        asked = link_receive(service, link, link->timeout_ms, answer);
    }
    return asked;
}
