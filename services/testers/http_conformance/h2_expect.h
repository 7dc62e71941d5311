// How the cases of HTTP/2 end: a response that must come, an error that a server must make of what it was sent. Each gives the verdict.
#ifndef HTTP_CONFORMANCE_H2_EXPECT_H
#define HTTP_CONFORMANCE_H2_EXPECT_H

#include "h2_client.h"

// The small file on this stream. False: the run has a verdict.
bool h2_expect_file(struct h2 *h2, const struct h2_stream *stream);
// Something was sent that is a connection error of this code. GOAWAY is only a SHOULD (RFC 9113, 5.4.1): the end alone is right as well,
// and another code is a note. A server that goes on (it answers a PING) has ignored it.
void h2_expect_connection_error(struct h2 *h2, enum h2_error code);
// A stream error, which a server may treat as a connection error. A response that says that something is wrong is taken as well.
void h2_expect_stream_error(struct h2 *h2, struct h2_stream *stream, enum h2_error code);
// A malformed request (8.1.1): a stream or connection error; before it a response may come, which must say that something is wrong.
void h2_expect_malformed(struct h2 *h2, const struct h2_stream *stream);
// Malformed in a way that need not be detected ("malformed requests that are detected", 8.1.1): a success is a note.
void h2_expect_error_or_response(struct h2 *h2, struct h2_stream *stream);
// What was sent has to be ignored: the connection goes on, and a GET on it is answered.
void h2_expect_ignored(struct h2 *h2);
// A new connection with a plain GET. False: the run has a verdict.
bool h2_still_answers(struct run *run);

#endif
