// Cases about size and TCP: truncation, framing, several queries, half messages.
#include "cases.h"

#include <string.h>
#include <unistd.h>

static void ask_big(struct dns *dns, struct dns_query *query)
{
    struct dns_name name = dns_zone_name(dns, dns->settings->big);
    dns_put_header(query, dns_next_id(dns), DNS_RD, 1, 0);
    dns_put_question(query, &name, DNS_TXT, DNS_IN);
}

void dns_case_truncation(struct dns *dns)
{
    struct dns_query query;
    ask_big(dns, &query);
    if (!dns_ask(dns, &query) || !dns_has_rcode(dns, DNS_NOERROR))
        return;
    if (dns->reply.size > DNS_UDP_MAX_BYTES)
        dns_violates(dns, "an answer of %zu bytes over UDP to a query without EDNS", dns->reply.size);
    else if (!(dns->reply.message.flags & DNS_TC))
        dns_violates(dns, "TC is 0 in an answer that cannot be whole");
}

static bool open_tcp(struct dns *dns, int *connection)
{
    *connection = dns_connect_tcp(dns);
    return *connection >= 0 || dns_violates(dns, "no TCP connection to %s (RFC 7766 5)", panther_endpoint_text(dns->service, dns->tcp));
}

static bool send_framed(struct dns *dns, int connection, const struct dns_query *query)
{
    uint8_t framed[2 + DNS_QUERY_MAX_BYTES] = {(uint8_t)(query->size >> 8), (uint8_t)query->size};
    memcpy(framed + 2, query->bytes, query->size);
    return dns_send_tcp(dns, connection, framed, 2 + query->size) || dns_has_arrived(dns, DNS_CLOSED);
}

static bool receive_answer(struct dns *dns, int connection, const struct dns_query *query)
{
    return dns_has_arrived(dns, dns_receive_tcp(dns, connection, dns->settings->timeout * (uint64_t)dns->settings->tries)) &&
           dns_is_answer_to(dns, query);
}

// The strings of all TXT records together are more than fits into a datagram of 512 bytes.
static void judge_big(struct dns *dns)
{
    size_t bytes = 0;
    for (const struct dns_record *record = NULL; (record = dns_answer(&dns->reply.message, DNS_TXT, record));)
        bytes += record->bytes;
    if (dns->reply.message.flags & DNS_TC)
        dns_differs(dns, "TC is set in an answer over TCP");
    else if (bytes < DNS_UDP_MAX_BYTES)
        dns_differs(dns, "only %zu bytes of TXT came over TCP", bytes);
}

void dns_case_tcp_whole(struct dns *dns)
{
    struct dns_query query;
    int connection;
    ask_big(dns, &query);
    if (!open_tcp(dns, &connection))
        return;
    if (send_framed(dns, connection, &query) && receive_answer(dns, connection, &query) && dns_has_rcode(dns, DNS_NOERROR))
        judge_big(dns);
    close(connection);
}

#define PIECE_PAUSE_MS 2 // so that each byte is a segment

void dns_case_tcp_pieces(struct dns *dns)
{
    struct dns_query query;
    int connection;
    ask_big(dns, &query);
    uint8_t length[2] = {(uint8_t)(query.size >> 8), (uint8_t)query.size};
    if (!open_tcp(dns, &connection))
        return;
    bool is_sent = true;
    for (size_t i = 0; i < 2 + query.size && is_sent; i++) {
        is_sent = dns_send_tcp(dns, connection, i < 2 ? length + i : query.bytes + i - 2, 1);
        panther_pause(dns->service, PIECE_PAUSE_MS);
    }
    if (is_sent ? receive_answer(dns, connection, &query) && dns_has_rcode(dns, DNS_NOERROR) : dns_has_arrived(dns, DNS_CLOSED))
        judge_big(dns);
    close(connection);
}

// Sent one behind the other before an answer is read; the answers may come in any order (RFC 7766 6.2.1.1).
void dns_case_tcp_several(struct dns *dns)
{
    enum { COUNT = 5 };
    struct dns_query queries[COUNT];
    bool is_answered[COUNT] = {false}, going;
    int connection;
    struct dns_name name = dns_zone_name(dns, dns->settings->name);
    if (!open_tcp(dns, &connection))
        return;
    going = true;
    for (unsigned i = 0; i < COUNT && going; i++) {
        dns_put_header(&queries[i], dns_next_id(dns), DNS_RD, 1, 0);
        dns_put_question(&queries[i], &name, DNS_A, DNS_IN);
        going = send_framed(dns, connection, &queries[i]);
    }
    for (unsigned n = 0; n < COUNT && going; n++) {
        unsigned i = 0;
        going = dns_has_arrived(dns, dns_receive_tcp(dns, connection, dns->settings->timeout * (uint64_t)dns->settings->tries));
        while (going && i < COUNT && (is_answered[i] || dns->reply.size < 2 || memcmp(queries[i].bytes, dns->reply.bytes, 2) != 0))
            i++;
        if (going && i == COUNT)
            going = dns_violates(dns, "an answer has none of the ids that were asked with (RFC 1035 4.1.1)");
        else if (going)
            is_answered[i] = going = dns_is_answer_to(dns, &queries[i]) && dns_has_rcode(dns, DNS_NOERROR);
    }
    close(connection);
}

static bool break_off(struct dns *dns, const void *bytes, size_t size)
{
    int connection;
    if (!open_tcp(dns, &connection))
        return false;
    (void)dns_send_tcp(dns, connection, bytes, size); // that it is cut off early is the server's right
    close(connection);
    return true;
}

void dns_case_tcp_half(struct dns *dns)
{
    static const uint8_t empty[] = {0, 0}, half_length[] = {0}, header_only[] = {0, 40, 1, 2, 1, 0, 0, 1},
                         longest[] = {0xff, 0xff, 1, 2, 1, 0};
    int waiting, connection;
    struct dns_query query;
    // one that stays open with half a message while others are served
    if (!open_tcp(dns, &waiting))
        return;
    (void)dns_send_tcp(dns, waiting, header_only, sizeof header_only);
    ask_big(dns, &query);
    if (break_off(dns, empty, sizeof empty) && break_off(dns, half_length, sizeof half_length) && break_off(dns, longest, sizeof longest) &&
        dns_is_alive(dns, "half messages over TCP") && open_tcp(dns, &connection)) {
        if (send_framed(dns, connection, &query) && receive_answer(dns, connection, &query))
            dns_has_rcode(dns, DNS_NOERROR);
        close(connection);
    }
    close(waiting);
}
