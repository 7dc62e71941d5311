// TCP and TLS, non-blocking, waiting in poll() with the deadline and the cancel flag.
#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 16384

struct connection {
    struct run *run;
    int fd;
    gnutls_session_t tls;
    gnutls_certificate_credentials_t credentials;
    enum arrival end; // ARRIVAL_DATA while it is open
    uint8_t *data;
    size_t begin, filled, room;
};

// ---- waiting

// False: the deadline has passed, or cancel; *arrival says which.
static bool wait_for(struct connection *connection, short events, uint64_t deadline_ns, enum arrival *arrival)
{
    struct pollfd waits[2] = {{.fd = connection->fd, .events = events},
                              {.fd = panther_cancel_fd(connection->run->service), .events = POLLIN}};
    for (;;) {
        uint64_t now_ns = panther_now_ns(connection->run->service);
        int timeout_ms = deadline_ns > now_ns ? (int)((deadline_ns - now_ns) / 1000000) + 1 : 0;
        int ready = poll(waits, 2, timeout_ms);
        if (ready < 0 && errno == EINTR)
            continue;
        *arrival = waits[1].revents ? ARRIVAL_CANCELLED : ARRIVAL_SILENT;
        return ready > 0 && !waits[1].revents;
    }
}

// ---- opening

static int connect_to(const struct panther_endpoint *endpoint)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    socklen_t bytes;
    if (inet_pton(AF_INET, endpoint->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(endpoint->port);
        bytes = sizeof(*v4);
    } else if (inet_pton(AF_INET6, endpoint->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(endpoint->port);
        bytes = sizeof(*v6);
    } else {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&address, bytes) < 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static bool has_connected(struct connection *connection, uint64_t deadline_ns)
{
    enum arrival arrival;
    int error = 0;
    socklen_t bytes = sizeof(error);
    if (!wait_for(connection, POLLOUT, deadline_ns, &arrival))
        return run_silent(connection->run, "no connection to the server in time");
    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0 || error != 0)
        return run_failed(connection->run, "the server did not accept a connection: %s", strerror(error));
    return true;
}

static bool prepare_tls(struct connection *connection, enum speech speech)
{
    static const char *const names[] = {[SPEECH_HTTP1] = "http/1.1", [SPEECH_HTTP2] = "h2"};
    gnutls_datum_t protocol = {.size = (unsigned)strlen(names[speech])};
    memcpy(&protocol.data, &names[speech], sizeof(protocol.data)); // it is not written to
    if (gnutls_certificate_allocate_credentials(&connection->credentials) < 0 ||
        gnutls_init(&connection->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0)
        return false;
    gnutls_transport_set_int(connection->tls, connection->fd);
    gnutls_handshake_set_timeout(connection->tls, GNUTLS_INDEFINITE_TIMEOUT); // ours counts
    return gnutls_set_default_priority(connection->tls) >= 0 &&
           gnutls_credentials_set(connection->tls, GNUTLS_CRD_CERTIFICATE, connection->credentials) >= 0 &&
           gnutls_alpn_set_protocols(connection->tls, &protocol, 1, 0) >= 0;
}

static bool has_agreed(struct connection *connection, enum speech speech)
{
    gnutls_datum_t selected;
    bool is_selected = gnutls_alpn_get_selected_protocol(connection->tls, &selected) >= 0;
    if (speech == SPEECH_HTTP2 && !is_selected)
        return run_failed(connection->run, "the server did not take h2 by ALPN (RFC 9113, 3.2)");
    return true; // a server that knows no ALPN speaks HTTP/1.1
}

static bool shake_hands(struct connection *connection, enum speech speech, uint64_t deadline_ns)
{
    enum arrival arrival;
    if (!prepare_tls(connection, speech))
        return run_say(connection->run, PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "GnuTLS could not be set up");
    for (;;) {
        int result = gnutls_handshake(connection->tls);
        if (result == GNUTLS_E_SUCCESS)
            return has_agreed(connection, speech);
        if (result == GNUTLS_E_NO_APPLICATION_PROTOCOL ||
            (result == GNUTLS_E_FATAL_ALERT_RECEIVED && gnutls_alert_get(connection->tls) == GNUTLS_A_NO_APPLICATION_PROTOCOL))
            return run_failed(connection->run, "the server refused %s by ALPN", speech == SPEECH_HTTP2 ? "h2" : "http/1.1");
        if (gnutls_error_is_fatal(result))
            return run_failed(connection->run, "no TLS handshake: %s", gnutls_strerror(result));
        if (!wait_for(connection, gnutls_record_get_direction(connection->tls) ? POLLOUT : POLLIN, deadline_ns, &arrival))
            return run_silent(connection->run, "no TLS handshake in time");
    }
}

struct connection *connection_open(struct run *run, enum speech speech)
{
    uint64_t deadline_ns = run_deadline_ns(run);
    if (run->connection_count == RUN_CONNECTIONS_MAX) {
        run_say(run, PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "too many connections in one case");
        return NULL;
    }
    int fd = connect_to(run->endpoint);
    if (fd < 0) {
        run_failed(run, "the server did not accept a connection: %s", strerror(errno));
        return NULL;
    }
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        abort();
    connection->run = run;
    connection->fd = fd;
    run->connections[run->connection_count++] = connection;
    if (!has_connected(connection, deadline_ns) || (run->tls && !shake_hands(connection, speech, deadline_ns)))
        return NULL;
    return connection;
}

struct run *connection_run(const struct connection *connection)
{
    return connection->run;
}

void connection_free(struct connection *connection)
{
    if (connection->tls) {
        if (connection->end == ARRIVAL_DATA)
            gnutls_bye(connection->tls, GNUTLS_SHUT_WR);
        gnutls_deinit(connection->tls);
    }
    if (connection->credentials)
        gnutls_certificate_free_credentials(connection->credentials);
    close(connection->fd);
    free(connection->data);
    free(connection);
}

// ---- reading

static bool has_room(struct connection *connection)
{
    if (connection->begin == connection->filled)
        connection->begin = connection->filled = 0;
    if (connection->room - connection->filled >= READ_BYTES)
        return true;
    if (connection->begin > 0 && connection->begin >= connection->room / 2) {
        memmove(connection->data, connection->data + connection->begin, connection->filled - connection->begin);
        connection->filled -= connection->begin;
        connection->begin = 0;
        return has_room(connection);
    }
    if (connection->room >= CONNECTION_BUFFER_MAX_BYTES)
        return false;
    connection->room = connection->room > 0 ? connection->room * 2 : 4 * READ_BYTES;
    connection->data = realloc(connection->data, connection->room);
    if (!connection->data)
        abort();
    return true;
}

// Bytes, 0 at the end, or below 0 with errno as of read().
static ssize_t read_some(struct connection *connection, void *data, size_t bytes)
{
    if (!connection->tls)
        return recv(connection->fd, data, bytes, 0);
    ssize_t got = gnutls_record_recv(connection->tls, data, bytes);
    if (got >= 0)
        return got;
    // many servers end a connection without TLS's own goodbye: that is not for HTTP to judge
    if (got == GNUTLS_E_PREMATURE_TERMINATION)
        return 0;
    errno = gnutls_error_is_fatal((int)got) ? ECONNRESET : EAGAIN;
    return -1;
}

// ARRIVAL_SILENT: there is nothing now.
static enum arrival read_now(struct connection *connection)
{
    if (connection->end != ARRIVAL_DATA)
        return connection->end;
    if (!has_room(connection))
        return connection->end = ARRIVAL_TOO_MUCH;
    ssize_t got = read_some(connection, connection->data + connection->filled, READ_BYTES);
    if (got > 0) {
        connection->filled += (size_t)got;
        return ARRIVAL_DATA;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return ARRIVAL_SILENT;
    return connection->end = got == 0 ? ARRIVAL_CLOSED : ARRIVAL_RESET;
}

enum arrival connection_wait(struct connection *connection, uint64_t deadline_ns)
{
    for (;;) {
        enum arrival arrival = read_now(connection);
        if (arrival != ARRIVAL_SILENT)
            return arrival;
        if (!wait_for(connection, POLLIN, deadline_ns, &arrival))
            return arrival;
    }
}

enum arrival connection_end(const struct connection *connection)
{
    return connection->end;
}

const uint8_t *connection_data(const struct connection *connection, size_t *bytes)
{
    *bytes = connection->filled - connection->begin;
    return connection->filled > 0 ? connection->data + connection->begin : NULL;
}

void connection_take(struct connection *connection, size_t bytes)
{
    connection->begin += bytes;
}

bool connection_closes(struct connection *connection, uint64_t deadline_ns)
{
    for (;;) {
        size_t bytes;
        connection_data(connection, &bytes);
        connection_take(connection, bytes);
        enum arrival arrival = connection_wait(connection, deadline_ns);
        if (arrival != ARRIVAL_DATA)
            return arrival == ARRIVAL_CLOSED || arrival == ARRIVAL_RESET;
    }
}

const char *arrival_text(enum arrival arrival)
{
    static const char *const texts[] = {
        [ARRIVAL_DATA] = "more came than was expected",      [ARRIVAL_CLOSED] = "the server closed the connection",
        [ARRIVAL_RESET] = "the server reset the connection", [ARRIVAL_SILENT] = "the server was silent",
        [ARRIVAL_CANCELLED] = "the case was to end",         [ARRIVAL_TOO_MUCH] = "more came than can be kept",
    };
    return texts[arrival];
}

// ---- writing

// Bytes; 0: not now; below 0: never again.
static ssize_t write_some(struct connection *connection, const void *data, size_t bytes)
{
    ssize_t sent = connection->tls ? gnutls_record_send(connection->tls, data, bytes) : send(connection->fd, data, bytes, MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    if (connection->tls)
        return gnutls_error_is_fatal((int)sent) ? -1 : 0;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

bool connection_send(struct connection *connection, const void *data, size_t bytes)
{
    const uint8_t *rest = data;
    uint64_t deadline_ns = run_deadline_ns(connection->run);
    enum arrival arrival;
    while (bytes > 0) {
        ssize_t sent = write_some(connection, rest, bytes);
        if (sent < 0)
            return false;
        rest += sent;
        bytes -= (size_t)sent;
        if (sent > 0)
            continue;
        // a server that is blocked writing to us reads nothing
        if (read_now(connection) != ARRIVAL_DATA && connection->end != ARRIVAL_DATA)
            return false;
        if (!wait_for(connection, POLLOUT | POLLIN, deadline_ns, &arrival))
            return false;
    }
    return true;
}

bool connection_send_text(struct connection *connection, const char *text)
{
    return connection_send(connection, text, strlen(text));
}
