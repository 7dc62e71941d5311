// Cases with malformed queries: silence and an error are both right, an answer as to a good query is not, and the server has to live on.
#include "cases.h"

#include <string.h>

enum accepted { ONLY_ERRORS, ANYTHING };

// False: the case is decided.
static bool harms_nothing(struct dns *dns, const struct dns_query *query, enum accepted accepted, const char *what)
{
    enum dns_arrival arrival = dns_exchange_udp(dns, query->bytes, query->size, dns->settings->silence, 1);
    if (arrival == DNS_STOPPED || arrival == DNS_NOT_THERE)
        return dns_has_arrived(dns, arrival);
    if (arrival == DNS_ARRIVED) {
        struct dns_message *message = &dns->reply.message;
        const char *problem = dns_read(dns->reply.bytes, dns->reply.size, message);
        if (dns->reply.size < DNS_HEADER_BYTES)
            return dns_violates(dns, "%s was answered with %zu bytes", what, dns->reply.size);
        // some servers send the broken question back: only the header is certain
        if (query->size >= 2 && memcmp(dns->reply.bytes, query->bytes, 2) != 0)
            return dns_violates(dns, "the answer to %s has another id (RFC 1035 4.1.1)", what);
        if (!(message->flags & DNS_QR))
            return dns_violates(dns, "the answer to %s has QR = 0 (RFC 1035 4.1.1)", what);
        if (accepted == ONLY_ERRORS && !problem && dns_rcode(message) == DNS_NOERROR)
            return dns_differs(dns, "%s was answered with NOERROR", what);
    }
    return dns_is_alive(dns, what);
}

void dns_case_short_header(struct dns *dns)
{
    struct dns_query query;
    static const size_t sizes[] = {0, 1, 2, 11};
    dns_put_header(&query, dns_next_id(dns), DNS_RD, 1, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        query.size = sizes[i];
        if (!harms_nothing(dns, &query, ANYTHING, panther_format(dns->service, "a message of %zu bytes", sizes[i])))
            return;
    }
}

static void put_type_and_class(struct dns_query *query)
{
    dns_put_u16(query, DNS_A);
    dns_put_u16(query, DNS_IN);
}

void dns_case_pointer_loop(struct dns *dns)
{
    static const struct {
        const char *what, *name;
        size_t bytes;
    } loops[] = {{"a name that points to itself", "\xc0\x0c", 2},
                 {"two pointers that point to each other", "\xc0\x0e\xc0\x0c", 4},
                 {"a label that is followed by a pointer to itself", "\1a\xc0\x0c", 4},
                 {"a pointer behind the message", "\xff\xff", 2}};
    struct dns_query query;
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
        dns_put_header(&query, dns_next_id(dns), DNS_RD, 1, 0);
        dns_put(&query, loops[i].name, loops[i].bytes);
        put_type_and_class(&query);
        if (!harms_nothing(dns, &query, ONLY_ERRORS, loops[i].what))
            return;
    }
}

void dns_case_bad_label(struct dns *dns)
{
    static const uint8_t kinds[] = {0x40, 0x80, 0xbf};
    struct dns_query query;
    uint8_t label[64] = {0};
    memset(label + 1, 'a', sizeof label - 1);
    for (size_t i = 0; i < sizeof kinds; i++) {
        label[0] = kinds[i];
        dns_put_header(&query, dns_next_id(dns), DNS_RD, 1, 0);
        dns_put(&query, label, sizeof label);
        dns_put(&query, "", 1);
        put_type_and_class(&query);
        if (!harms_nothing(dns, &query, ONLY_ERRORS, panther_format(dns->service, "a label that begins with 0x%02x", kinds[i])))
            return;
    }
}

void dns_case_long_name(struct dns *dns)
{
    struct dns_query query;
    uint8_t label[64];
    memset(label, 'a', sizeof label);
    label[0] = DNS_LABEL_MAX_BYTES;
    dns_put_header(&query, dns_next_id(dns), DNS_RD, 1, 0);
    for (unsigned i = 0; i < 8; i++)
        dns_put(&query, label, sizeof label);
    dns_put(&query, "", 1);
    put_type_and_class(&query);
    harms_nothing(dns, &query, ONLY_ERRORS, "a name of 513 bytes");
}

void dns_case_cut_question(struct dns *dns)
{
    struct dns_query query;
    struct dns_name name = dns_zone_name(dns, dns->settings->name);
    dns_put_header(&query, dns_next_id(dns), DNS_RD, 1, 0);
    dns_put_question(&query, &name, DNS_A, DNS_IN);
    for (size_t cut = 1; cut <= 6; cut++) {
        query.size--;
        if (!harms_nothing(dns, &query, ONLY_ERRORS, panther_format(dns->service, "a question without its last %zu bytes", cut)))
            return;
    }
}

void dns_case_no_question(struct dns *dns)
{
    struct dns_query query;
    dns_put_header(&query, dns_next_id(dns), DNS_RD, 0, 0);
    harms_nothing(dns, &query, ANYTHING, "a query without a question");
}

// RFC 9619 wants FORMERR; a server that is silent has at least not answered one of the two.
void dns_case_two_questions(struct dns *dns)
{
    struct dns_query query;
    struct dns_name one = dns_zone_name(dns, dns->settings->name), other = dns_zone_name(dns, dns->settings->alias);
    dns_put_header(&query, dns_next_id(dns), DNS_RD, 2, 0);
    dns_put_question(&query, &one, DNS_A, DNS_IN);
    dns_put_question(&query, &other, DNS_A, DNS_IN);
    enum dns_arrival arrival = dns_exchange_udp(dns, query.bytes, query.size, dns->settings->silence, 1);
    if (arrival == DNS_STOPPED || arrival == DNS_NOT_THERE) {
        dns_has_arrived(dns, arrival);
        return;
    }
    if (arrival == DNS_ARRIVED && dns->reply.size >= DNS_HEADER_BYTES && (dns->reply.bytes[3] & 15) != DNS_FORMERR) {
        dns_violates(dns, "a query with two questions was answered with RCODE %d instead of FORMERR", dns->reply.bytes[3] & 15);
        return;
    }
    dns_is_alive(dns, "a query with two questions");
}

void dns_case_wrong_counts(struct dns *dns)
{
    struct dns_query query;
    struct dns_name name = dns_zone_name(dns, dns->settings->name);
    for (size_t at = 4; at <= 10; at += 2) {
        dns_put_header(&query, dns_next_id(dns), DNS_RD, 1, 0);
        dns_put_question(&query, &name, DNS_A, DNS_IN);
        query.bytes[at] = query.bytes[at + 1] = 0xff;
        if (!harms_nothing(dns, &query, ANYTHING, panther_format(dns->service, "a count of 65535 at byte %zu", at)))
            return;
    }
}

void dns_case_trailing_bytes(struct dns *dns)
{
    struct dns_query query;
    struct dns_name name = dns_zone_name(dns, dns->settings->name);
    uint8_t garbage[200];
    memset(garbage, 0xa5, sizeof garbage);
    dns_put_header(&query, dns_next_id(dns), DNS_RD, 1, 0);
    dns_put_question(&query, &name, DNS_A, DNS_IN);
    dns_put(&query, garbage, sizeof garbage);
    harms_nothing(dns, &query, ANYTHING, "bytes behind the question");
}
