// Cases about EDNS(0), RFC 6891.
#include "cases.h"

static void query_with_opt(struct dns *dns, struct dns_query *query, const char *label, unsigned type, unsigned copies)
{
    struct dns_name name = dns_zone_name(dns, label);
    dns_put_header(query, dns_next_id(dns), DNS_RD, 1, copies);
    dns_put_question(query, &name, type, DNS_IN);
}

static bool has_opt(struct dns *dns)
{
    const struct dns_record *opt = dns_opt(&dns->reply.message);
    if (!opt)
        return dns_violates(dns, "a query with OPT was answered without one (RFC 6891 6.1.1)");
    if (opt->name.size != 1)
        return dns_violates(dns, "the OPT record has a name that is not the root (RFC 6891 6.1.2)");
    if ((opt->ttl >> 16 & 255) != 0)
        return dns_violates(dns, "the OPT record is of version %u (RFC 6891 6.1.3)", (unsigned)(opt->ttl >> 16 & 255));
    return true;
}

void dns_case_edns(struct dns *dns)
{
    struct dns_query query;
    query_with_opt(dns, &query, dns->settings->name, DNS_A, 1);
    dns_put_opt(&query, 1232, 0, 0);
    if (dns_ask(dns, &query) && has_opt(dns))
        dns_has_rcode(dns, DNS_NOERROR);
}

void dns_case_edns_absent(struct dns *dns)
{
    if (dns_ask_name(dns, dns->settings->name, DNS_A) && dns_opt(&dns->reply.message))
        dns_violates(dns, "a query without OPT was answered with one");
}

void dns_case_edns_version(struct dns *dns)
{
    struct dns_query query;
    query_with_opt(dns, &query, dns->settings->name, DNS_A, 1);
    dns_put_opt(&query, 1232, 1, 0);
    if (!dns_ask(dns, &query) || !has_opt(dns))
        return;
    unsigned rcode = dns_rcode(&dns->reply.message);
    if (rcode != DNS_BADVERS)
        dns_violates(dns, "a query of EDNS version 1 was answered with RCODE %u instead of BADVERS", rcode);
}

static bool ask_big(struct dns *dns, unsigned payload_bytes, unsigned limit_bytes)
{
    struct dns_query query;
    query_with_opt(dns, &query, dns->settings->big, DNS_TXT, 1);
    dns_put_opt(&query, payload_bytes, 0, 0);
    if (!dns_ask(dns, &query) || !has_opt(dns) || !dns_has_rcode(dns, DNS_NOERROR))
        return false;
    if (dns->reply.size > limit_bytes)
        return dns_violates(dns, "an answer of %zu bytes to a payload size of %u", dns->reply.size, payload_bytes);
    return true;
}

void dns_case_edns_size(struct dns *dns)
{
    static const unsigned sizes[] = {512, 1000, 1232, 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (!ask_big(dns, sizes[i], sizes[i]))
            return;
}

void dns_case_edns_small(struct dns *dns)
{
    if (ask_big(dns, 0, DNS_UDP_MAX_BYTES))
        ask_big(dns, 100, DNS_UDP_MAX_BYTES);
}

// Codes from 65001 are for experiments (RFC 6891 9).
void dns_case_edns_option(struct dns *dns)
{
    struct dns_query query;
    query_with_opt(dns, &query, dns->settings->name, DNS_A, 1);
    dns_put_opt(&query, 1232, 0, 65001);
    if (!dns_ask(dns, &query) || !has_opt(dns))
        return;
    if (dns_rcode(&dns->reply.message) != DNS_NOERROR)
        dns_violates(dns, "a query with an unknown option was answered with RCODE %u", dns_rcode(&dns->reply.message));
}

void dns_case_edns_twice(struct dns *dns)
{
    struct dns_query query;
    query_with_opt(dns, &query, dns->settings->name, DNS_A, 2);
    dns_put_opt(&query, 1232, 0, 0);
    dns_put_opt(&query, 1232, 0, 0);
    if (dns_ask(dns, &query) && dns_rcode(&dns->reply.message) != DNS_FORMERR)
        dns_violates(dns, "a query with two OPT records was answered with RCODE %u instead of FORMERR", dns_rcode(&dns->reply.message));
}
