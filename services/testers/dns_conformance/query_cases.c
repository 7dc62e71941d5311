// Cases with one good query over UDP: answers, names, types, classes, opcodes.
#include "cases.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool has_address(struct dns *dns)
{
    uint8_t wanted[4];
    const struct dns_record *record = NULL;
    inet_pton(AF_INET, dns->settings->address, wanted);
    while ((record = dns_answer(&dns->reply.message, DNS_A, record)))
        if (memcmp(dns->reply.bytes + record->at, wanted, 4) == 0)
            return true;
    return dns_differs(dns, "no A record with %s among %u answers", dns->settings->address, dns->reply.message.counts[1]);
}

static bool answers_are_of(struct dns *dns, const struct dns_name *name)
{
    const struct dns_message *message = &dns->reply.message;
    for (size_t i = 0; i < message->record_count; i++)
        if (message->records[i].section == DNS_ANSWER && message->records[i].type == DNS_A &&
            !dns_same_name(&message->records[i].name, name))
            return dns_violates(dns, "an answer belongs to another name than the question");
    return true;
}

void dns_case_address(struct dns *dns)
{
    struct dns_name name = dns_zone_name(dns, dns->settings->name);
    if (!dns_ask_name(dns, dns->settings->name, DNS_A) || !dns_has_rcode(dns, DNS_NOERROR) || !has_address(dns) ||
        !answers_are_of(dns, &name))
        return;
    if (dns->settings->authoritative && !(dns->reply.message.flags & DNS_AA))
        dns_differs(dns, "AA is 0 in an answer from the server's own zone");
}

void dns_case_ipv6_address(struct dns *dns)
{
    if (dns_ask_name(dns, dns->settings->name, DNS_AAAA))
        dns_has_rcode(dns, DNS_NOERROR);
}

void dns_case_no_recursion(struct dns *dns)
{
    struct dns_query query;
    struct dns_name name = dns_zone_name(dns, dns->settings->name);
    dns_put_header(&query, dns_next_id(dns), 0, 1, 0);
    dns_put_question(&query, &name, DNS_A, DNS_IN);
    if (dns_ask(dns, &query) && dns_has_rcode(dns, DNS_NOERROR))
        has_address(dns);
}

void dns_case_missing_name(struct dns *dns)
{
    if (dns_ask_name(dns, dns->settings->missing, DNS_A) && dns_has_rcode(dns, DNS_NXDOMAIN) && dns->reply.message.counts[1] != 0)
        dns_differs(dns, "NXDOMAIN with %u answers", dns->reply.message.counts[1]);
}

void dns_case_missing_type(struct dns *dns)
{
    if (dns_ask_name(dns, dns->settings->name, DNS_MX) && dns_has_rcode(dns, DNS_NOERROR) && dns->reply.message.counts[1] != 0)
        dns_differs(dns, "%u answers of a type that the name does not have", dns->reply.message.counts[1]);
}

void dns_case_alias(struct dns *dns)
{
    struct dns_name target = dns_zone_name(dns, dns->settings->name);
    if (!dns_ask_name(dns, dns->settings->alias, DNS_A) || !dns_has_rcode(dns, DNS_NOERROR))
        return;
    const struct dns_record *record = dns_answer(&dns->reply.message, DNS_CNAME, NULL);
    if (!record)
        dns_differs(dns, "no CNAME among the answers");
    else if (!dns_same_name(&record->target, &target))
        dns_differs(dns, "the CNAME leads elsewhere");
    else if (has_address(dns))
        answers_are_of(dns, &target);
}

void dns_case_letter_case(struct dns *dns)
{
    struct dns_query query;
    struct dns_name name = dns_zone_name(dns, dns->settings->name);
    for (size_t i = 1; i < name.size; i += 2)
        if (name.bytes[i] >= 'a' && name.bytes[i] <= 'z')
            name.bytes[i] = (uint8_t)(name.bytes[i] - 32);
    dns_put_header(&query, dns_next_id(dns), DNS_RD, 1, 0);
    dns_put_question(&query, &name, DNS_A, DNS_IN);
    if (!dns_ask(dns, &query))
        return;
    if (dns_rcode(&dns->reply.message) == DNS_NXDOMAIN)
        dns_violates(dns, "the name is not known when its letters are in another case");
    else if (dns_has_rcode(dns, DNS_NOERROR) && has_address(dns) && memcmp(dns->reply.message.name.bytes, name.bytes, name.size) != 0)
        dns_differs(dns, "the letters of the question came back in another case");
}

void dns_case_unknown_type(struct dns *dns)
{
    if (dns_ask_name(dns, dns->settings->name, 65280) && dns_has_rcode(dns, DNS_NOERROR) && dns->reply.message.counts[1] != 0)
        dns_differs(dns, "%u answers of a type that nobody has", dns->reply.message.counts[1]);
}

void dns_case_any(struct dns *dns)
{
    if (!dns_ask_name(dns, dns->settings->name, DNS_ANY))
        return;
    unsigned rcode = dns_rcode(&dns->reply.message);
    if (rcode != DNS_NOERROR && rcode != DNS_REFUSED && rcode != DNS_NOTIMP)
        dns_differs(dns, "ANY of a name that exists was answered with RCODE %u", rcode);
}

void dns_case_other_class(struct dns *dns)
{
    struct dns_query query;
    struct dns_name name = dns_zone_name(dns, dns->settings->name);
    dns_put_header(&query, dns_next_id(dns), DNS_RD, 1, 0);
    dns_put_question(&query, &name, DNS_A, DNS_CH);
    if (!dns_ask(dns, &query))
        return;
    for (size_t i = 0; i < dns->reply.message.record_count; i++)
        if (dns->reply.message.records[i].section == DNS_ANSWER && dns->reply.message.records[i].class == DNS_IN) {
            dns_violates(dns, "a question of class CH was answered with a record of class IN");
            return;
        }
}

// Opcode 14 is not assigned.
void dns_case_unknown_opcode(struct dns *dns)
{
    struct dns_query query;
    struct dns_name name = dns_zone_name(dns, dns->settings->name);
    dns_put_header(&query, dns_next_id(dns), DNS_OPCODE_FLAGS(14), 1, 0);
    dns_put_question(&query, &name, DNS_A, DNS_IN);
    if (dns_ask(dns, &query))
        dns_has_rcode(dns, DNS_NOTIMP);
}

// Two servers that answer answers would talk to each other for ever.
void dns_case_answer_ignored(struct dns *dns)
{
    struct dns_query query;
    struct dns_name name = dns_zone_name(dns, dns->settings->name);
    dns_put_header(&query, dns_next_id(dns), DNS_QR | DNS_RD, 1, 0);
    dns_put_question(&query, &name, DNS_A, DNS_IN);
    enum dns_arrival arrival = dns_exchange_udp(dns, query.bytes, query.size, dns->settings->silence, 1);
    if (arrival == DNS_ARRIVED)
        dns_differs(dns, "a message with QR = 1 was answered with %zu bytes", dns->reply.size);
    else if (arrival == DNS_STOPPED || arrival == DNS_NOT_THERE)
        dns_has_arrived(dns, arrival);
    else
        dns_is_alive(dns, "a message with QR = 1");
}

// All leave before one answer is read: ids and questions must not be mixed up. One that gets lost is asked again alone.
void dns_case_many(struct dns *dns)
{
    enum { COUNT = 32 };
    struct dns_query queries[COUNT];
    struct dns_name name = dns_zone_name(dns, dns->settings->name), missing = dns_zone_name(dns, dns->settings->missing);
    int connections[COUNT];
    bool going = true;
    for (unsigned i = 0; i < COUNT; i++) {
        dns_put_header(&queries[i], dns_next_id(dns), DNS_RD, 1, 0);
        dns_put_question(&queries[i], i % 2 ? &name : &missing, DNS_A, DNS_IN);
        connections[i] = dns_send_udp(dns, &queries[i]);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        if (going) {
            enum dns_arrival arrival = connections[i] < 0 ? DNS_NOT_THERE : dns_receive_udp(dns, connections[i], dns->settings->timeout);
            going = arrival == DNS_SILENT ? dns_ask(dns, &queries[i]) : dns_has_arrived(dns, arrival) && dns_is_answer_to(dns, &queries[i]);
            going = going && dns_has_rcode(dns, i % 2 ? DNS_NOERROR : DNS_NXDOMAIN);
        }
        if (connections[i] >= 0)
            close(connections[i]);
    }
}
