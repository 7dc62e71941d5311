// Every case of the tester in one table: name, protocol version, section of the RFC, what it demands. plugin.c makes the plugin's case
// table of it; each case is a function case_NAME in the h1_*.c or h2_*.c file of its group.
#ifndef HTTP_CONFORMANCE_CASES_H
#define HTTP_CONFORMANCE_CASES_H

#include "run.h"

#define CASES_H1(X)                                                                                                                        \
    X(h1_get, "RFC 9110, 9.3.1", "GET brings the file with all its bytes")                                                                 \
    X(h1_head, "RFC 9110, 9.3.2", "HEAD brings no content, and the Content-Length of GET if any")                                          \
    X(h1_options, "RFC 9110, 9.3.7", "OPTIONS for a file and for * is answered")                                                           \
    X(h1_unknown_method, "RFC 9110, 15.5.6", "an unknown method is refused; 405 has Allow")                                                \
    X(h1_large_body, "RFC 9112, 6.3", "a large body arrives with all its bytes")                                                           \
    X(h1_http10, "RFC 9112, 6.1", "a request of HTTP/1.0 is answered without a transfer coding, and the connection closed")                \
    X(h1_absolute_form, "RFC 9112, 3.2.2", "a request target in absolute-form is accepted")                                                \
    X(h1_redirect, "RFC 9110, 10.2.2", "a folder without its slash: Location leads to it")                                                 \
    X(h1_range, "RFC 9110, 15.3.7", "206 for one range has the bytes that its Content-Range says")                                         \
    X(h1_range_suffix, "RFC 9110, 14.1.2", "206 for a suffix range has the last bytes")                                                    \
    X(h1_range_multi, "RFC 9110, 15.3.7.2", "206 for two ranges is multipart, each part with its Content-Range and bytes")                 \
    X(h1_range_unsatisfiable, "RFC 9110, 14.4", "a range past the end is not 206; Content-Range of 416 says the length")                   \
    X(h1_range_unit, "RFC 9110, 14.2", "Range with an unknown unit is ignored")                                                            \
    X(h1_range_head, "RFC 9110, 14.2", "Range with HEAD is ignored")                                                                       \
    X(h1_if_range, "RFC 9110, 13.1.5", "Range is ignored when If-Range does not hold")                                                     \
    X(h1_if_none_match, "RFC 9110, 13.1.2", "If-None-Match with the ETag: 304 without content")                                            \
    X(h1_if_modified_since, "RFC 9110, 13.1.3", "If-Modified-Since is ignored beside If-None-Match and when it is no date")                \
    X(h1_if_match, "RFC 9110, 13.1.1", "If-Match with another ETag: the method is not performed")                                          \
    X(h1_if_unmodified_since, "RFC 9110, 13.1.4", "If-Unmodified-Since before the last change: the method is not performed")               \
    X(h1_persistent, "RFC 9112, 9.3", "a connection takes a second request, or says that it closes")                                       \
    X(h1_connection_close, "RFC 9112, 9.6", "Connection: close is followed by the end, and no later request is processed")                 \
    X(h1_pipelining, "RFC 9112, 9.3.2", "pipelined requests are answered in their order")                                                  \
    X(h1_chunked_request, "RFC 9112, 7.1", "a chunked request body is parsed to its end")                                                  \
    X(h1_expect_continue, "RFC 9110, 10.1.1", "Expect: 100-continue is answered before the content is sent")                               \
    X(h1_missing_host, "RFC 9112, 3.2", "a request without Host is answered with 400")                                                     \
    X(h1_two_hosts, "RFC 9112, 3.2", "a request with two Host is answered with 400")                                                       \
    X(h1_invalid_host, "RFC 9112, 3.2", "a request with an invalid Host is answered with 400")                                             \
    X(h1_space_before_colon, "RFC 9112, 5.1", "a blank between a field's name and its colon is answered with 400")                         \
    X(h1_obs_fold, "RFC 9112, 5.2", "a folded field is answered with 400 or unfolded")                                                     \
    X(h1_blank_first_line, "RFC 9112, 2.2", "a header line that begins with a blank after the request line is not processed")              \
    X(h1_length_and_chunked, "RFC 9112, 6.1", "Content-Length beside Transfer-Encoding: the connection is closed afterwards")              \
    X(h1_chunked_not_last, "RFC 9112, 6.3", "a last transfer coding other than chunked is answered with 400 and the end")                  \
    X(h1_chunked_http10, "RFC 9112, 6.1", "Transfer-Encoding in HTTP/1.0: the connection is closed afterwards")                            \
    X(h1_bad_length, "RFC 9112, 6.3", "a Content-Length that is no number is answered with 400 and the end")                               \
    X(h1_two_lengths, "RFC 9112, 6.3", "two different Content-Length are answered with 400 and the end")                                   \
    X(h1_huge_chunk, "RFC 9112, 7.1", "a chunk size that overflows 64 bits does not become a small one")                                   \
    X(h1_bad_chunk, "RFC 9112, 7.1", "what follows a chunk size that is no number is no request")                                          \
    X(h1_long_target, "RFC 9112, 3", "a request target that is too long is answered with 414")                                             \
    X(h1_large_field, "RFC 9110, 5.4", "a header field that is too large is answered with 4xx")

#define CASES_H2(X)

#define CASES_UPGRADE(X)

#define CASES(X) CASES_H1(X) CASES_H2(X) CASES_UPGRADE(X)

#define CASE_DECLARE(NAME, SECTION, SUMMARY) void case_##NAME(struct run *run);
CASES(CASE_DECLARE)
#undef CASE_DECLARE

#endif
