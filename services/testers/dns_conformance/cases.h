// The cases of dns_conformance: name, section, what is demanded. plugin.c makes its table of them; each is a function in one of the
// *_cases.c.
#ifndef DNS_CASES_H
#define DNS_CASES_H

#include "exchange.h"

#define DNS_CASES(CASE)                                                                                                                    \
    CASE(address, "RFC 1035 4.1.1", "an A query is answered: id, flags and question come back, the address is right")                      \
    CASE(ipv6_address, "RFC 3596 2.2", "an AAAA query is answered with NOERROR and records of 16 bytes")                                   \
    CASE(no_recursion, "RFC 1035 4.1.1", "RD = 0 comes back as 0")                                                                         \
    CASE(missing_name, "RFC 1035 4.1.1", "a name that does not exist is NXDOMAIN without answers")                                         \
    CASE(missing_type, "RFC 2308 2.2", "a name without records of the type is NOERROR without answers")                                    \
    CASE(alias, "RFC 1034 3.6.2", "an A query for an alias brings its CNAME and the address")                                              \
    CASE(letter_case, "RFC 4343 3", "letters of either case are the same name, and the question comes back as it was asked")               \
    CASE(unknown_type, "RFC 3597 2", "a query of an unknown type is answered and the name stays known")                                    \
    CASE(any, "RFC 8482 4", "an ANY query is answered, in full or minimally")                                                              \
    CASE(other_class, "RFC 1035 3.2.4", "a query of class CH is not answered with records of class IN")                                    \
    CASE(unknown_opcode, "RFC 1035 4.1.1", "a query of an unknown opcode is NOTIMP")                                                       \
    CASE(answer_ignored, "RFC 1035 4.1.1", "a message with QR = 1 is not answered")                                                        \
    CASE(many, "RFC 1035 4.1.1", "each of 32 queries at once is answered with its own id and question")                                    \
    CASE(truncation, "RFC 1035 4.2.1", "an answer over UDP without EDNS has at most 512 bytes, and TC when there is more")                 \
    CASE(tcp_whole, "RFC 7766 5", "the truncated answer is whole over TCP")                                                                \
    CASE(tcp_pieces, "RFC 1035 4.2.2", "a query over TCP is answered that comes byte by byte")                                             \
    CASE(tcp_several, "RFC 1035 4.2.2", "several queries on one connection are all answered")                                              \
    CASE(tcp_half, "RFC 1035 4.2.2", "broken lengths and half messages over TCP harm nobody else")                                         \
    CASE(edns, "RFC 6891 6.1.1", "a query with OPT is answered with OPT of version 0")                                                     \
    CASE(edns_absent, "RFC 6891 7", "a query without OPT is answered without OPT")                                                         \
    CASE(edns_version, "RFC 6891 6.1.3", "a query of EDNS version 1 is BADVERS")                                                           \
    CASE(edns_size, "RFC 6891 6.2.3", "an answer is no larger than the payload size of the query")                                         \
    CASE(edns_small, "RFC 6891 6.2.3", "a payload size below 512 is treated as 512")                                                       \
    CASE(edns_option, "RFC 6891 6.1.2", "an unknown EDNS option is ignored")                                                               \
    CASE(edns_twice, "RFC 6891 6.1.1", "two OPT records are FORMERR")                                                                      \
    CASE(short_header, "RFC 1035 4.1.1", "messages shorter than a header do no harm")                                                      \
    CASE(pointer_loop, "RFC 1035 4.1.4", "a name that points to itself is refused and does no harm")                                       \
    CASE(bad_label, "RFC 1035 4.1.4", "a label of a reserved kind is refused and does no harm")                                            \
    CASE(long_name, "RFC 1035 2.3.4", "a name of more than 255 bytes is refused and does no harm")                                         \
    CASE(cut_question, "RFC 1035 4.1.2", "a question that is cut off is refused and does no harm")                                         \
    CASE(no_question, "RFC 1035 4.1.2", "a query without a question does no harm")                                                         \
    CASE(two_questions, "RFC 9619 4", "a query with two questions is FORMERR")                                                             \
    CASE(wrong_counts, "RFC 1035 4.1.1", "counts that are larger than the message do no harm")                                             \
    CASE(trailing_bytes, "RFC 1035 4.1", "bytes behind the message do no harm")

#define DNS_CASE_FUNCTION(NAME, SECTION, SUMMARY) void dns_case_##NAME(struct dns *dns);
DNS_CASES(DNS_CASE_FUNCTION)
#undef DNS_CASE_FUNCTION

#endif
