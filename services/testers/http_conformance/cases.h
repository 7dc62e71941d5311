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
    X(h1_if_match, "RFC 9110, 13.1.1 and 13.2.1", "If-Match with another ETag: the method is not performed")                               \
    X(h1_if_unmodified_since, "RFC 9110, 13.1.4 and 13.2.1", "If-Unmodified-Since before the last change: the method is not performed")    \
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

#define CASES_H2(X)                                                                                                                        \
    X(h2_preface, "RFC 9113, 3.4", "the server's preface begins with SETTINGS")                                                            \
    X(h2_invalid_preface, "RFC 9113, 3.4", "an invalid client preface ends the connection")                                                \
    X(h2_settings_ack, "RFC 9113, 6.5.3", "SETTINGS are acknowledged")                                                                     \
    X(h2_settings_length, "RFC 9113, 6.5", "SETTINGS whose length is no multiple of 6 end the connection")                                 \
    X(h2_settings_ack_length, "RFC 9113, 6.5", "SETTINGS with ACK and a payload end the connection")                                       \
    X(h2_settings_stream, "RFC 9113, 6.5", "SETTINGS on a stream end the connection")                                                      \
    X(h2_enable_push, "RFC 9113, 6.5.2", "ENABLE_PUSH of 2 ends the connection")                                                           \
    X(h2_initial_window_size, "RFC 9113, 6.5.2", "INITIAL_WINDOW_SIZE above 2^31-1 ends the connection")                                   \
    X(h2_max_frame_size, "RFC 9113, 6.5.2", "MAX_FRAME_SIZE below 16384 ends the connection")                                              \
    X(h2_unknown_setting, "RFC 9113, 6.5.2", "an unknown setting is ignored")                                                              \
    X(h2_ping, "RFC 9113, 6.7", "PING is answered with the same payload")                                                                  \
    X(h2_ping_length, "RFC 9113, 6.7", "PING of 7 bytes ends the connection")                                                              \
    X(h2_ping_stream, "RFC 9113, 6.7", "PING on a stream ends the connection")                                                             \
    X(h2_goaway_stream, "RFC 9113, 6.8", "GOAWAY on a stream ends the connection")                                                         \
    X(h2_push_promise, "RFC 9113, 8.4", "PUSH_PROMISE of a client ends the connection")                                                    \
    X(h2_unknown_frame, "RFC 9113, 5.5", "frames of unknown type are ignored")                                                             \
    X(h2_oversize_frame, "RFC 9113, 4.2", "a frame above SETTINGS_MAX_FRAME_SIZE ends the connection")                                     \
    X(h2_get, "RFC 9113, 8.1", "GET brings the file with all its bytes")                                                                   \
    X(h2_head, "RFC 9113, 8.1", "HEAD brings no content")                                                                                  \
    X(h2_multiplexing, "RFC 9113, 5", "streams at once are all answered")                                                                  \
    X(h2_too_many_streams, "RFC 9113, 5.1.2", "a stream above MAX_CONCURRENT_STREAMS is a stream error")                                   \
    X(h2_even_stream, "RFC 9113, 5.1.1", "a stream of a client with an even number ends the connection")                                   \
    X(h2_lower_stream, "RFC 9113, 5.1.1", "a new stream with a lower number ends the connection")                                          \
    X(h2_headers_on_0, "RFC 9113, 6.2", "HEADERS on stream 0 end the connection")                                                          \
    X(h2_data_on_0, "RFC 9113, 6.1", "DATA on stream 0 ends the connection")                                                               \
    X(h2_rst_on_0, "RFC 9113, 6.4", "RST_STREAM on stream 0 ends the connection")                                                          \
    X(h2_priority_on_0, "RFC 9113, 6.3", "PRIORITY on stream 0 ends the connection")                                                       \
    X(h2_data_on_idle, "RFC 9113, 5.1", "DATA on an idle stream ends the connection")                                                      \
    X(h2_rst_on_idle, "RFC 9113, 6.4", "RST_STREAM on an idle stream ends the connection")                                                 \
    X(h2_window_update_on_idle, "RFC 9113, 5.1", "WINDOW_UPDATE on an idle stream ends the connection")                                    \
    X(h2_data_after_end, "RFC 9113, 5.1", "DATA behind END_STREAM is a stream error")                                                      \
    X(h2_headers_after_end, "RFC 9113, 5.1", "HEADERS behind END_STREAM are a stream error")                                               \
    X(h2_rst_length, "RFC 9113, 6.4", "RST_STREAM of 3 bytes ends the connection")                                                         \
    X(h2_priority_length, "RFC 9113, 6.3", "PRIORITY of 4 bytes is a stream error")                                                        \
    X(h2_data_padding, "RFC 9113, 6.1", "DATA with more padding than bytes ends the connection")                                           \
    X(h2_headers_padding, "RFC 9113, 6.2", "HEADERS with more padding than bytes are a PROTOCOL_ERROR")                                    \
    X(h2_padded_request, "RFC 9113, 6.2", "HEADERS with padding and priority are a request")                                               \
    X(h2_large_body, "RFC 9113, 6.9", "a large body arrives with all its bytes")                                                           \
    X(h2_stream_window, "RFC 9113, 6.9.1", "the server keeps to a stream's window")                                                        \
    X(h2_connection_window, "RFC 9113, 6.9.1", "the server keeps to the connection's window")                                              \
    X(h2_negative_window, "RFC 9113, 6.9.2", "the server counts a window below 0")                                                         \
    X(h2_window_update_0, "RFC 9113, 6.9", "WINDOW_UPDATE of 0 ends the connection")                                                       \
    X(h2_window_update_0_stream, "RFC 9113, 6.9", "WINDOW_UPDATE of 0 on a stream is a stream error")                                      \
    X(h2_window_overflow, "RFC 9113, 6.9.1", "a connection's window above 2^31-1 ends the connection")                                     \
    X(h2_window_overflow_stream, "RFC 9113, 6.9.1", "a stream's window above 2^31-1 ends the stream")                                      \
    X(h2_window_update_length, "RFC 9113, 6.9", "WINDOW_UPDATE of 3 bytes ends the connection")                                            \
    X(h2_continuation, "RFC 9113, 6.10", "a field block in several frames is a request")                                                   \
    X(h2_interrupted_block, "RFC 9113, 4.3", "a frame inside of a field block ends the connection")                                        \
    X(h2_unknown_in_block, "RFC 9113, 5.5", "a frame of unknown type inside of a field block ends the connection")                         \
    X(h2_continuation_alone, "RFC 9113, 6.10", "CONTINUATION without a field block ends the connection")                                   \
    X(h2_hpack_table, "RFC 9113, 4.3", "fields come by index of the dynamic table")                                                        \
    X(h2_hpack_index, "RFC 9113, 4.3", "an index that is in no table ends the connection")                                                 \
    X(h2_hpack_index_0, "RFC 9113, 4.3", "the index 0 ends the connection")                                                                \
    X(h2_hpack_huffman, "RFC 9113, 4.3", "EOS in a Huffman code ends the connection")                                                      \
    X(h2_hpack_string, "RFC 9113, 4.3", "a string that is longer than its block ends the connection")                                      \
    X(h2_hpack_table_size, "RFC 9113, 4.3", "a table size above the setting ends the connection")                                          \
    X(h2_uppercase_name, "RFC 9113, 8.2.1", "a field name in capitals is malformed")                                                       \
    X(h2_field_value, "RFC 9113, 8.2.1", "CR and LF in a field value are malformed")                                                       \
    X(h2_connection_field, "RFC 9113, 8.2.2", "Connection is malformed")                                                                   \
    X(h2_transfer_encoding, "RFC 9113, 8.2.2", "Transfer-Encoding is malformed")                                                           \
    X(h2_te, "RFC 9113, 8.2.2", "TE other than trailers is malformed")                                                                     \
    X(h2_no_method, "RFC 9113, 8.3.1", "a request without :method is malformed")                                                           \
    X(h2_no_scheme, "RFC 9113, 8.3.1", "a request without :scheme is malformed")                                                           \
    X(h2_no_path, "RFC 9113, 8.3.1", "a request without :path is malformed")                                                               \
    X(h2_empty_path, "RFC 9113, 8.3.1", "a request with an empty :path is malformed")                                                      \
    X(h2_two_paths, "RFC 9113, 8.3", "a request with two :path is malformed")                                                              \
    X(h2_unknown_pseudo, "RFC 9113, 8.3", "an unknown pseudo-header field is malformed")                                                   \
    X(h2_response_pseudo, "RFC 9113, 8.3", ":status in a request is malformed")                                                            \
    X(h2_pseudo_behind, "RFC 9113, 8.3", "a pseudo-header field behind a regular one is malformed")                                        \
    X(h2_content_length, "RFC 9113, 8.1.1", "content-length that is not the sum of DATA, if detected, is a stream error")                  \
    X(h2_trailers, "RFC 9113, 8.3", "a pseudo-header field in trailers is a stream error")

#define CASES_UPGRADE(X) X(h2_upgrade, "RFC 7540, 3.2", "h2c by Upgrade, where it is offered: 101, SETTINGS, and the response on stream 1")

#define CASES(X) CASES_H1(X) CASES_H2(X) CASES_UPGRADE(X)

#define CASE_DECLARE(NAME, SECTION, SUMMARY) void case_##NAME(struct run *run);
CASES(CASE_DECLARE)
#undef CASE_DECLARE

#endif
