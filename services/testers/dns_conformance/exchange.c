// Exchanges with the server, and the checks that hold for every answer: see exchange.h.
#include "exchange.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

unsigned dns_next_id(struct dns *dns)
{
    dns->last_id = (dns->last_id * 25173 + 13849) & 0xffff; // a full period: no id comes twice soon
    return dns->last_id;
}

struct dns_name dns_zone_name(const struct dns *dns, const char *label)
{
    struct dns_name name;
    (void)dns_name_of(label ? panther_format(dns->service, "%s.%s", label, dns->settings->zone) : dns->settings->zone, &name);
    return name;
}

// ---- sockets

static int connect_to(const struct panther_endpoint *endpoint, int type)
{
    struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;
    char port[16];
    snprintf(port, sizeof port, "%u", endpoint->port);
    if (getaddrinfo(endpoint->address, port, &hints, &found) != 0)
        return -1;
    int connection = socket(found->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection >= 0 && connect(connection, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS) {
        close(connection);
        connection = -1;
    }
    freeaddrinfo(found);
    return connection;
}

// Until the socket is ready (1), the time is over (0), or the case has to end (-1).
static int wait_for(struct dns *dns, int connection, short events, uint64_t until_ns)
{
    for (;;) {
        uint64_t now_ns = panther_now_ns(dns->service), left_ms = panther_remaining_ms(dns->service);
        struct pollfd fds[2] = {{connection, events, 0}, {panther_cancel_fd(dns->service), POLLIN, 0}};
        if (left_ms == 0 || panther_is_cancelled(dns->service))
            return -1;
        if (now_ns >= until_ns)
            return 0;
        uint64_t wait_ms = (until_ns - now_ns) / 1000000 + 1;
        if (poll(fds, 2, (int)(wait_ms < left_ms ? wait_ms : left_ms)) > 0 && fds[0].revents != 0)
            return 1;
    }
}

static uint64_t in_ms(struct dns *dns, uint64_t ms)
{
    return panther_now_ns(dns->service) + ms * 1000000;
}

enum dns_arrival dns_receive_udp(struct dns *dns, int connection, uint64_t timeout_ms)
{
    uint64_t until_ns = in_ms(dns, timeout_ms);
    for (;;) {
        int ready = wait_for(dns, connection, POLLIN, until_ns);
        if (ready <= 0)
            return ready == 0 ? DNS_SILENT : DNS_STOPPED;
        ssize_t got = recv(connection, dns->reply.bytes, sizeof dns->reply.bytes, 0);
        if (got >= 0) {
            dns->reply.size = (size_t)got;
            return DNS_ARRIVED;
        }
        if (errno == ECONNREFUSED)
            return DNS_NOT_THERE;
    }
}

enum dns_arrival dns_exchange_udp(struct dns *dns, const void *query, size_t size, uint64_t timeout_ms, unsigned tries)
{
    enum dns_arrival arrival = DNS_SILENT;
    int connection = connect_to(dns->udp, SOCK_DGRAM);
    if (connection < 0)
        return DNS_NOT_THERE;
    for (unsigned i = 0; i < tries && arrival == DNS_SILENT; i++)
        arrival = send(connection, query, size, 0) < 0 ? DNS_NOT_THERE : dns_receive_udp(dns, connection, timeout_ms);
    close(connection);
    return arrival;
}

int dns_send_udp(struct dns *dns, const struct dns_query *query)
{
    int connection = connect_to(dns->udp, SOCK_DGRAM);
    if (connection >= 0 && send(connection, query->bytes, query->size, 0) < 0) {
        close(connection);
        return -1;
    }
    return connection;
}

int dns_connect_tcp(struct dns *dns)
{
    int error = 0;
    socklen_t size = sizeof error;
    int connection = connect_to(dns->tcp, SOCK_STREAM);
    if (connection < 0)
        return -1;
    if (wait_for(dns, connection, POLLOUT, in_ms(dns, dns->settings->timeout)) == 1 &&
        getsockopt(connection, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
        return connection;
    close(connection);
    return -1;
}

bool dns_send_tcp(struct dns *dns, int connection, const void *bytes, size_t size)
{
    const char *next = bytes;
    uint64_t until_ns = in_ms(dns, dns->settings->timeout);
    while (size > 0) {
        ssize_t sent = send(connection, next, size, MSG_NOSIGNAL);
        if (sent < 0 && (errno != EAGAIN || wait_for(dns, connection, POLLOUT, until_ns) != 1))
            return false;
        if (sent > 0) {
            next += sent;
            size -= (size_t)sent;
        }
    }
    return true;
}

static enum dns_arrival receive_exactly(struct dns *dns, int connection, uint8_t *bytes, size_t size, uint64_t until_ns)
{
    while (size > 0) {
        int ready = wait_for(dns, connection, POLLIN, until_ns);
        if (ready <= 0)
            return ready == 0 ? DNS_SILENT : DNS_STOPPED;
        ssize_t got = recv(connection, bytes, size, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return DNS_CLOSED;
        if (got > 0) {
            bytes += got;
            size -= (size_t)got;
        }
    }
    return DNS_ARRIVED;
}

enum dns_arrival dns_receive_tcp(struct dns *dns, int connection, uint64_t timeout_ms)
{
    uint8_t length[2];
    uint64_t until_ns = in_ms(dns, timeout_ms);
    enum dns_arrival arrival = receive_exactly(dns, connection, length, 2, until_ns);
    if (arrival != DNS_ARRIVED)
        return arrival;
    dns->reply.size = (size_t)length[0] << 8 | length[1];
    return receive_exactly(dns, connection, dns->reply.bytes, dns->reply.size, until_ns);
}

// ---- verdicts

__attribute__((format(printf, 3, 0))) static void tell(struct dns *dns, enum panther_reason reason, const char *format, va_list arguments)
{
    char text[512];
    vsnprintf(text, sizeof text, format, arguments);
    panther_result(dns->service, PANTHER_FAIL, reason, "%s: %s", dns->section, text);
    dns->is_judged = true;
}

bool dns_violates(struct dns *dns, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(dns, PANTHER_REASON_VIOLATION, format, arguments);
    va_end(arguments);
    return false;
}

bool dns_differs(struct dns *dns, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(dns, PANTHER_REASON_ASSERTION, format, arguments);
    va_end(arguments);
    return false;
}

bool dns_has_arrived(struct dns *dns, enum dns_arrival arrival)
{
    const char *server = panther_endpoint_text(dns->service, dns->udp);
    if (arrival == DNS_ARRIVED)
        return true;
    dns->is_judged = true;
    if (arrival == DNS_STOPPED)
        panther_result(dns->service, PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "the case had to end before %s answered", server);
    else if (arrival == DNS_SILENT)
        panther_result(dns->service, PANTHER_FAIL, PANTHER_REASON_TIMEOUT, "%s: %s did not answer", dns->section, server);
    else
        panther_result(dns->service, PANTHER_FAIL, PANTHER_REASON_ASSERTION, "%s: %s", dns->section,
                       panther_format(dns->service, arrival == DNS_CLOSED ? "%s closed the connection" : "nothing listens at %s", server));
    return false;
}

static bool has_question_of(struct dns *dns, const struct dns_message *asked)
{
    const struct dns_message *got = &dns->reply.message;
    char name[300], wanted[300];
    if (got->counts[0] != 1)
        return dns_violates(dns, "the answer has %u questions instead of the one that was asked (RFC 1035 4.1.2)", got->counts[0]);
    dns_name_text(&got->name, name, sizeof name);
    dns_name_text(&asked->name, wanted, sizeof wanted);
    if (!dns_same_name(&got->name, &asked->name) || got->type != asked->type || got->class != asked->class)
        return dns_violates(dns, "the question came back as %s type %u class %u instead of %s type %u class %u (RFC 1035 4.1.2)", name,
                            got->type, got->class, wanted, asked->type, asked->class);
    return true;
}

bool dns_is_answer_to(struct dns *dns, const struct dns_query *query)
{
    static struct dns_message asked; // large
    struct dns_message *got = &dns->reply.message;
    const char *problem = dns_read(dns->reply.bytes, dns->reply.size, got);
    if (problem)
        return dns_violates(dns, "the answer of %zu bytes is malformed: %s", dns->reply.size, problem);
    if (dns_read(query->bytes, query->size, &asked) != NULL)
        return true; // a malformed query: what is demanded of its answer is the case's to say
    if (got->id != asked.id)
        return dns_violates(dns, "id 0x%04x came back as 0x%04x (RFC 1035 4.1.1)", asked.id, got->id);
    if (!(got->flags & DNS_QR))
        return dns_violates(dns, "the answer has QR = 0: it is a query (RFC 1035 4.1.1)");
    if (DNS_OPCODE(got->flags) != DNS_OPCODE(asked.flags))
        return dns_violates(dns, "opcode %d came back as %d (RFC 1035 4.1.1)", DNS_OPCODE(asked.flags), DNS_OPCODE(got->flags));
    if (got->flags & DNS_Z)
        return dns_violates(dns, "the reserved bit Z is set in the answer (RFC 1035 4.1.1)");
    if (DNS_OPCODE(asked.flags) != 0 || dns_rcode(got) == DNS_FORMERR || dns_rcode(got) == DNS_NOTIMP)
        return true; // of such an answer neither the question nor RD is demanded
    if ((got->flags & DNS_RD) != (asked.flags & DNS_RD))
        return dns_violates(dns, "RD was %d and came back as %d (RFC 1035 4.1.1)", !!(asked.flags & DNS_RD), !!(got->flags & DNS_RD));
    return has_question_of(dns, &asked);
}

bool dns_has_rcode(struct dns *dns, unsigned rcode)
{
    unsigned got = dns_rcode(&dns->reply.message);
    return got == rcode || dns_differs(dns, "the answer has RCODE %u instead of %u", got, rcode);
}

bool dns_ask(struct dns *dns, const struct dns_query *query)
{
    const struct dns_conformance *settings = dns->settings;
    return dns_has_arrived(dns, dns_exchange_udp(dns, query->bytes, query->size, settings->timeout, (unsigned)settings->tries)) &&
           dns_is_answer_to(dns, query);
}

bool dns_ask_name(struct dns *dns, const char *label, unsigned type)
{
    struct dns_query query;
    struct dns_name name = dns_zone_name(dns, label);
    dns_put_header(&query, dns_next_id(dns), DNS_RD, 1, 0);
    dns_put_question(&query, &name, type, DNS_IN);
    return dns_ask(dns, &query);
}

bool dns_is_alive(struct dns *dns, const char *after)
{
    const struct dns_conformance *settings = dns->settings;
    struct dns_query query;
    struct dns_name name = dns_zone_name(dns, settings->name);
    dns_put_header(&query, dns_next_id(dns), DNS_RD, 1, 0);
    dns_put_question(&query, &name, DNS_A, DNS_IN);
    enum dns_arrival arrival = dns_exchange_udp(dns, query.bytes, query.size, settings->timeout, (unsigned)settings->tries);
    if (arrival == DNS_SILENT || arrival == DNS_NOT_THERE)
        return dns_violates(dns, "the server no longer answers after %s", after);
    return dns_has_arrived(dns, arrival) && dns_is_answer_to(dns, &query) && dns_has_rcode(dns, DNS_NOERROR);
}
