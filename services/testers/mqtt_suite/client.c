// MQTT clients of a case, see client.h.
#include "client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char *mqtt_topic(struct mqtt *mqtt, const char *name)
{
    return panther_format(mqtt->service, "%s/%08x/%u/%s", mqtt->settings->prefix, (unsigned)panther_seed(mqtt->service), mqtt->runs, name);
}

const char *mqtt_id(struct mqtt *mqtt, const char *name)
{
    return panther_format(mqtt->service, "p%08x%u%.8s", (unsigned)panther_seed(mqtt->service), mqtt->runs % 10000, name);
}

// ---- verdicts

__attribute__((format(printf, 4, 0))) static bool tell(struct mqtt *mqtt, enum panther_verdict verdict, enum panther_reason reason,
                                                       const char *format, va_list arguments)
{
    char text[512];
    vsnprintf(text, sizeof text, format, arguments);
    panther_result(mqtt->service, verdict, reason, "%s: %s", mqtt->section, text);
    mqtt->is_judged = true;
    return false;
}

bool mqtt_violates(struct mqtt *mqtt, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(mqtt, PANTHER_FAIL, PANTHER_REASON_VIOLATION, format, arguments);
    va_end(arguments);
    return false;
}

bool mqtt_differs(struct mqtt *mqtt, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(mqtt, PANTHER_FAIL, PANTHER_REASON_ASSERTION, format, arguments);
    va_end(arguments);
    return false;
}

static bool judged(struct mqtt *mqtt, enum panther_verdict verdict, enum panther_reason reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static bool judged(struct mqtt *mqtt, enum panther_verdict verdict, enum panther_reason reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(mqtt, verdict, reason, format, arguments);
    va_end(arguments);
    return false;
}

static bool stopped(struct mqtt *mqtt)
{
    return judged(mqtt, PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "the case had to end before the server answered");
}

// ---- the connection

// Until the socket is ready (1), the time is over (0), or the case has to end (-1).
static int wait_for(struct mqtt *mqtt, int connection, short events, uint64_t until_ns)
{
    for (;;) {
        uint64_t now_ns = panther_now_ns(mqtt->service), left_ms = panther_remaining_ms(mqtt->service);
        struct pollfd fds[2] = {{connection, events, 0}, {panther_cancel_fd(mqtt->service), POLLIN, 0}};
        if (left_ms == 0 || panther_is_cancelled(mqtt->service))
            return -1;
        if (now_ns >= until_ns)
            return 0;
        uint64_t wait_ms = (until_ns - now_ns) / 1000000 + 1;
        if (poll(fds, 2, (int)(wait_ms < left_ms ? wait_ms : left_ms)) > 0 && fds[0].revents != 0)
            return 1;
    }
}

static uint64_t in_ms(struct mqtt *mqtt, uint64_t ms)
{
    return panther_now_ns(mqtt->service) + ms * 1000000;
}

void mqtt_hang_up(struct mqtt_client *client)
{
    if (client->connection >= 0)
        close(client->connection);
    client->connection = -1;
}

static int connect_to(const struct panther_endpoint *endpoint)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;
    char port[16];
    snprintf(port, sizeof port, "%u", endpoint->port);
    if (getaddrinfo(endpoint->address, port, &hints, &found) != 0)
        return -1;
    int connection = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection >= 0) // small packets, one behind the other: none waits for the one before
        (void)setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connection >= 0 && connect(connection, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS) {
        close(connection);
        connection = -1;
    }
    freeaddrinfo(found);
    return connection;
}

bool mqtt_dial(struct mqtt *mqtt, struct mqtt_client *client)
{
    int error = 0, ready = 0;
    socklen_t size = sizeof error;
    mqtt_hang_up(client);
    client->version = MQTT_V311;
    client->connection = connect_to(mqtt->endpoint);
    if (client->connection >= 0)
        ready = wait_for(mqtt, client->connection, POLLOUT, in_ms(mqtt, mqtt->settings->timeout));
    if (ready == 1 && getsockopt(client->connection, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
        return true;
    if (ready < 0)
        return stopped(mqtt);
    return mqtt_differs(mqtt, "no connection to %s: %s", panther_endpoint_text(mqtt->service, mqtt->endpoint),
                        strerror(error ? error : ETIMEDOUT));
}

bool mqtt_send(struct mqtt *mqtt, struct mqtt_client *client, const void *bytes, size_t size)
{
    const char *next = bytes;
    uint64_t until_ns = in_ms(mqtt, mqtt->settings->timeout);
    while (size > 0) {
        ssize_t sent = send(client->connection, next, size, MSG_NOSIGNAL);
        if (sent < 0 && (errno != EAGAIN || wait_for(mqtt, client->connection, POLLOUT, until_ns) != 1))
            return mqtt_differs(mqtt, "the server closed the connection, or does not read from it");
        if (sent > 0) {
            next += sent;
            size -= (size_t)sent;
        }
    }
    return true;
}

void mqtt_leave(struct mqtt *mqtt, struct mqtt_client *client)
{
    static const uint8_t disconnect[] = {MQTT_DISCONNECT << 4, 0};
    (void)mqtt;
    if (client->connection >= 0)
        (void)send(client->connection, disconnect, sizeof disconnect, MSG_NOSIGNAL);
    mqtt_hang_up(client);
}

static enum mqtt_arrival receive_exactly(struct mqtt *mqtt, struct mqtt_client *client, uint8_t *bytes, size_t size, uint64_t until_ns)
{
    while (size > 0) {
        int ready = wait_for(mqtt, client->connection, POLLIN, until_ns);
        if (ready <= 0)
            return ready == 0 ? MQTT_SILENT : MQTT_STOPPED;
        ssize_t got = recv(client->connection, bytes, size, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return MQTT_CLOSED;
        if (got > 0) {
            bytes += got;
            size -= (size_t)got;
        }
    }
    return MQTT_ARRIVED;
}

enum mqtt_arrival mqtt_receive(struct mqtt *mqtt, struct mqtt_client *client, uint64_t timeout_ms)
{
    uint8_t first, length[MQTT_LENGTH_MAX_BYTES];
    uint32_t size = 0;
    size_t used = 0;
    int read = 0;
    uint64_t until_ns = in_ms(mqtt, timeout_ms);
    enum mqtt_arrival arrival = receive_exactly(mqtt, client, &first, 1, until_ns);
    for (size_t i = 0; arrival == MQTT_ARRIVED && read == 0; i++) {
        arrival = receive_exactly(mqtt, client, length + i, 1, until_ns);
        read = arrival == MQTT_ARRIVED ? mqtt_read_length(length, i + 1, &size, &used) : 0;
    }
    if (arrival != MQTT_ARRIVED)
        return arrival;
    if (read < 0 || size > sizeof client->body) {
        mqtt_violates(mqtt, "a packet came with a length that is malformed or has no reason (2.2.3)");
        return MQTT_MALFORMED;
    }
    arrival = receive_exactly(mqtt, client, client->body, size, until_ns);
    const char *problem = arrival == MQTT_ARRIVED ? mqtt_read(client->version, first, client->body, size, &client->packet) : NULL;
    if (problem) {
        mqtt_violates(mqtt, "a malformed packet came: %s", problem);
        return MQTT_MALFORMED;
    }
    return arrival;
}

bool mqtt_expect(struct mqtt *mqtt, struct mqtt_client *client, unsigned type)
{
    enum mqtt_arrival arrival = mqtt_receive(mqtt, client, mqtt->settings->timeout);
    if (arrival == MQTT_STOPPED)
        return stopped(mqtt);
    if (arrival == MQTT_SILENT)
        return judged(mqtt, PANTHER_FAIL, PANTHER_REASON_TIMEOUT, "no %s came", mqtt_type_name(type));
    if (arrival == MQTT_CLOSED)
        return mqtt_differs(mqtt, "the connection was closed instead of %s", mqtt_type_name(type));
    if (arrival == MQTT_MALFORMED)
        return false;
    return client->packet.type == type ||
           mqtt_violates(mqtt, "%s came instead of %s", mqtt_type_name(client->packet.type), mqtt_type_name(type));
}

// ---- what a client does

bool mqtt_connect_as(struct mqtt *mqtt, struct mqtt_client *client, const struct mqtt_connect *connect)
{
    static struct mqtt_out out; // large
    if (!mqtt_dial(mqtt, client))
        return false;
    if (connect->level)
        client->version = connect->level;
    mqtt_write_connect(&out, connect);
    if (!mqtt_send(mqtt, client, out.bytes, out.size) || !mqtt_expect(mqtt, client, MQTT_CONNACK))
        return false;
    return client->packet.code == 0 || mqtt_differs(mqtt, "a good CONNECT was refused with code %u", client->packet.code);
}

bool mqtt_connect(struct mqtt *mqtt, struct mqtt_client *client, const char *name)
{
    return mqtt_connect_as(mqtt, client, &(struct mqtt_connect){.client_id = mqtt_id(mqtt, name)});
}

bool mqtt_subscribe(struct mqtt *mqtt, struct mqtt_client *client, const char *filter, unsigned qos)
{
    static struct mqtt_out out;
    unsigned id = ++client->last_id;
    mqtt_begin(&out, MQTT_SUBSCRIBE, 2);
    mqtt_put_u16(&out, id);
    if (client->version == MQTT_V5)
        mqtt_put_byte(&out, 0);
    mqtt_put_text(&out, filter);
    mqtt_put_byte(&out, qos);
    mqtt_finish(&out);
    if (!mqtt_send(mqtt, client, out.bytes, out.size) || !mqtt_expect(mqtt, client, MQTT_SUBACK))
        return false;
    const struct mqtt_packet *packet = &client->packet;
    if (packet->id != id)
        return mqtt_violates(mqtt, "SUBACK has the packet identifier %u instead of %u (3.8.4)", packet->id, id);
    if (packet->codes.size != 1)
        return mqtt_violates(mqtt, "SUBACK has %zu return codes for one filter (3.9.3)", packet->codes.size);
    return packet->codes.bytes[0] == qos || mqtt_differs(mqtt, "SUBACK grants 0x%02x instead of QoS %u", packet->codes.bytes[0], qos);
}

static bool acknowledged(struct mqtt *mqtt, struct mqtt_client *client, unsigned type, unsigned id)
{
    if (!mqtt_expect(mqtt, client, type))
        return false;
    if (client->packet.id != id)
        return mqtt_violates(mqtt, "%s has the packet identifier %u instead of %u (2.3.1)", mqtt_type_name(type), client->packet.id, id);
    // 0x10: version 5 says that nobody has subscribed
    return client->packet.code == 0 || client->packet.code == 0x10 ||
           mqtt_differs(mqtt, "%s has the reason code 0x%02x", mqtt_type_name(type), client->packet.code);
}

static bool acknowledge(struct mqtt *mqtt, struct mqtt_client *client, unsigned type, unsigned id)
{
    uint8_t bytes[] = {(uint8_t)(type << 4 | (type == MQTT_PUBREL ? 2 : 0)), 2, (uint8_t)(id >> 8), (uint8_t)id};
    return mqtt_send(mqtt, client, bytes, sizeof bytes);
}

bool mqtt_publish(struct mqtt *mqtt, struct mqtt_client *client, const char *topic, const char *payload, unsigned qos, bool retain)
{
    static struct mqtt_out out;
    unsigned id = 0;
    mqtt_begin(&out, MQTT_PUBLISH, qos << 1 | retain);
    mqtt_put_text(&out, topic);
    if (qos > 0) {
        id = ++client->last_id;
        mqtt_put_u16(&out, id);
    }
    if (client->version == MQTT_V5)
        mqtt_put_byte(&out, 0);
    mqtt_put(&out, payload, strlen(payload));
    mqtt_finish(&out);
    if (!mqtt_send(mqtt, client, out.bytes, out.size))
        return false;
    if (qos == 1)
        return acknowledged(mqtt, client, MQTT_PUBACK, id);
    if (qos == 2)
        return acknowledged(mqtt, client, MQTT_PUBREC, id) && acknowledge(mqtt, client, MQTT_PUBREL, id) &&
               acknowledged(mqtt, client, MQTT_PUBCOMP, id);
    return true;
}

static bool is_text(const struct mqtt_text *got, const char *text)
{
    return got->size == strlen(text) && memcmp(got->bytes, text, got->size) == 0;
}

bool mqtt_gets(struct mqtt *mqtt, struct mqtt_client *client, const char *topic, const char *payload, unsigned qos)
{
    if (!mqtt_expect(mqtt, client, MQTT_PUBLISH))
        return false;
    const struct mqtt_packet packet = client->packet;
    if (!is_text(&packet.topic, topic))
        return mqtt_differs(mqtt, "a message of topic \"%.*s\" came instead of \"%s\"",
                            (int)(packet.topic.size < 100 ? packet.topic.size : 100), (const char *)packet.topic.bytes, topic);
    if (!is_text(&packet.payload, payload))
        return mqtt_differs(mqtt, "\"%.*s\" came (%zu bytes) instead of \"%.60s\" (%zu bytes)",
                            (int)(packet.payload.size < 60 ? packet.payload.size : 60), (const char *)packet.payload.bytes,
                            packet.payload.size, payload, strlen(payload));
    if (packet.qos != qos)
        return mqtt_differs(mqtt, "the message came at QoS %u instead of %u", packet.qos, qos);
    if (qos == 1)
        return acknowledge(mqtt, client, MQTT_PUBACK, packet.id);
    if (qos == 2)
        return acknowledge(mqtt, client, MQTT_PUBREC, packet.id) && acknowledged(mqtt, client, MQTT_PUBREL, packet.id) &&
               acknowledge(mqtt, client, MQTT_PUBCOMP, packet.id);
    return true;
}

bool mqtt_is_closed(struct mqtt *mqtt, struct mqtt_client *client, const char *after)
{
    uint64_t until_ns = in_ms(mqtt, mqtt->settings->timeout);
    bool accepted = false;
    for (;;) {
        uint64_t now_ns = panther_now_ns(mqtt->service);
        enum mqtt_arrival arrival = now_ns < until_ns ? mqtt_receive(mqtt, client, (until_ns - now_ns) / 1000000 + 1) : MQTT_SILENT;
        if (arrival == MQTT_CLOSED)
            return !accepted || mqtt_violates(mqtt, "%s was accepted", after);
        if (arrival == MQTT_STOPPED)
            return stopped(mqtt);
        if (arrival == MQTT_MALFORMED)
            return false;
        if (arrival == MQTT_SILENT)
            return mqtt_violates(mqtt, "the server does not close the connection after %s (4.8)", after);
        accepted = accepted || client->packet.type != MQTT_CONNACK || client->packet.code == 0;
        if (client->version == MQTT_V5 && client->packet.type == MQTT_DISCONNECT)
            accepted = false;
    }
}

bool mqtt_is_alive(struct mqtt *mqtt, const char *after)
{
    struct mqtt_client *client = &mqtt->clients[MQTT_CLIENTS_MAX - 1];
    bool is_alive = mqtt_connect(mqtt, client, "alive");
    mqtt_leave(mqtt, client);
    return is_alive || mqtt_differs(mqtt, "no new client is served after %s", after);
}
