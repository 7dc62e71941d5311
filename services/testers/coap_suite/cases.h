// The cases of coap_suite: name, section, what is demanded. plugin.c makes its table of them; each is a function in one of the *_cases.c.
#ifndef COAP_CASES_H
#define COAP_CASES_H

#include "exchange.h"

#define COAP_CASES(CASE)                                                                                                                   \
    CASE(get, "RFC 7252 5.8.1", "a confirmable GET is answered with 2.05")                                                                 \
    CASE(get_non, "RFC 7252 4.3", "a non-confirmable GET is answered, and not acknowledged")                                               \
    CASE(token, "RFC 7252 5.3.1", "tokens of 0, 1 and 8 bytes come back as they were")                                                     \
    CASE(ping, "RFC 7252 4.2", "an Empty confirmable message is rejected with a Reset")                                                    \
    CASE(duplicate, "RFC 7252 4.5", "each copy of a confirmable message is acknowledged alike")                                            \
    CASE(many, "RFC 7252 5.3", "each of 32 requests at once is answered with its own token")                                               \
    CASE(put, "RFC 7252 5.8.3", "what PUT has stored is what GET brings, and a second PUT changes it")                                     \
    CASE(delete, "RFC 7252 5.8.4", "what was deleted is 4.04")                                                                             \
    CASE(missing, "RFC 7252 5.9.2.5", "a resource that is not there is 4.04")                                                              \
    CASE(unknown_method, "RFC 7252 5.8", "an unknown method is 4.05")                                                                      \
    CASE(critical_option, "RFC 7252 5.4.1", "an unknown critical option in a confirmable request is 4.02")                                 \
    CASE(critical_option_non, "RFC 7252 5.4.1", "a non-confirmable request with an unknown critical option is rejected")                   \
    CASE(elective_option, "RFC 7252 5.4.1", "an unknown elective option is ignored")                                                       \
    CASE(proxy, "RFC 7252 5.10.2", "Proxy-Uri at a server that is no proxy is 5.05")                                                       \
    CASE(discovery, "RFC 6690 4", "/.well-known/core is a list of links in the format 40")                                                 \
    CASE(block_get, "RFC 7959 2.4", "a body in blocks of 64, 256 and 1024 bytes is what was stored")                                       \
    CASE(block_put, "RFC 7959 2.5", "a body that is sent in blocks is stored whole")                                                       \
    CASE(block_reserved, "RFC 7959 2.2", "the reserved block size 7 is 4.00")                                                              \
    CASE(observe, "RFC 7641 3.1", "GET with Observe 0 is answered with Observe")                                                           \
    CASE(notify, "RFC 7641 4.2", "a change is told to who observes it, with the token of the request")                                     \
    CASE(notify_order, "RFC 7641 4.4", "the numbers of notifications rise")                                                                \
    CASE(deregister, "RFC 7641 3.6", "after GET with Observe 1 no notification comes")                                                     \
    CASE(observe_reset, "RFC 7641 3.6", "after a notification was rejected with a Reset no other comes")                                   \
    CASE(observe_missing, "RFC 7641 4.1", "a resource that is not there is 4.04, without Observe")                                         \
    CASE(wrong_version, "RFC 7252 3", "a message of another version is ignored")                                                           \
    CASE(long_token, "RFC 7252 3", "a token length above 8 is a format error")                                                             \
    CASE(empty_payload, "RFC 7252 3", "a payload marker without a payload is a format error")                                              \
    CASE(reserved_option, "RFC 7252 3.1", "an option delta or length of 15 is a format error")                                             \
    CASE(cut_option, "RFC 7252 3.1", "an option that is longer than the message is a format error")                                        \
    CASE(empty_with_bytes, "RFC 7252 4.1", "an Empty message with bytes behind it is a format error")                                      \
    CASE(reserved_class, "RFC 7252 4.2", "a message of a reserved code class is rejected")                                                 \
    CASE(stray_acknowledgement, "RFC 7252 4.2", "an Acknowledgement or Reset for nothing is not answered")                                 \
    CASE(short_message, "RFC 7252 3", "messages of less than four bytes do no harm")

#define COAP_CASE_FUNCTION(NAME, SECTION, SUMMARY) void coap_case_##NAME(struct coap *coap);
COAP_CASES(COAP_CASE_FUNCTION)
#undef COAP_CASE_FUNCTION

#endif
