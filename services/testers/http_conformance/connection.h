// A connection to the server under test: TCP, or TLS over it, with a deadline on everything. What arrives is kept in one buffer, from
// which the readers of HTTP/1.1 and HTTP/2 take. It says how it ended: closed is not the same as reset or silent.
#ifndef HTTP_CONFORMANCE_CONNECTION_H
#define HTTP_CONFORMANCE_CONNECTION_H

#include "run.h"

// The largest body that can be asked for (64 MiB), its header section and framing.
#define CONNECTION_BUFFER_MAX_BYTES (80U * 1024 * 1024)

enum arrival {
    ARRIVAL_DATA,
    ARRIVAL_CLOSED,    // the server ended the stream in order
    ARRIVAL_RESET,     // or broke it off: what it had sent last may be lost
    ARRIVAL_SILENT,    // nothing until the deadline
    ARRIVAL_CANCELLED, // the case is to end
    ARRIVAL_TOO_MUCH,  // more than the buffer may hold
};

enum speech { SPEECH_HTTP1, SPEECH_HTTP2 }; // what is offered by ALPN

struct connection;

// NULL: the run has its verdict. The run closes it at its end.
struct connection *connection_open(struct run *run, enum speech speech);
struct run *connection_run(const struct connection *connection);
void connection_free(struct connection *connection);

// All of it, reading meanwhile what arrives, until the run's patience ends. false: the server took no more (it has closed, or does not
// read); that is no verdict: an answer may be there all the same.
bool connection_send(struct connection *connection, const void *data, size_t bytes);
bool connection_send_text(struct connection *connection, const char *text);

// What has arrived and was not taken.
const uint8_t *connection_data(const struct connection *connection, size_t *bytes);
void connection_take(struct connection *connection, size_t bytes);
// Waits for more. Once it is not ARRIVAL_DATA, ARRIVAL_SILENT or ARRIVAL_CANCELLED it stays.
enum arrival connection_wait(struct connection *connection, uint64_t deadline_ns);
// How the server has ended it; ARRIVAL_DATA: it has not, so far as is known.
enum arrival connection_end(const struct connection *connection);
const char *arrival_text(enum arrival arrival);

// Reads on, dropping what comes, until the server closes or resets (true), or the deadline.
bool connection_closes(struct connection *connection, uint64_t deadline_ns);

#endif
