// The only place with CZMQ. A server is one ROUTER, a link is one DEALER for one session; both are driven by a struct loop and
// carry whole frames that common/wire checks. Keys are CURVE keys in Z85 text (40 characters).
// Traps that this file exists for (libzmq 4.3.4): a DEALER reconnects silently under a new id, so reconnecting is off and each loss
// makes a new socket; over ZMQ_MAXMSGSIZE a connection is dropped without a word; ZMQ_FD is edge-triggered, so sockets are
// read until EAGAIN before each wait; CZMQ takes SIGTERM unless told not to.
#ifndef PANTHER_COMMON_BUS_BUS_H
#define PANTHER_COMMON_BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/system/loop.h"

#define BUS_KEY_TEXT_BYTES 41

// Once per process, before any other call and before threads; bus_end() after the last socket.
void bus_begin(void);
void bus_end(void);
// For a process with hundreds of links: libzmq's threads that share them. After bus_begin(), before the first socket.
void bus_io_threads(unsigned threads);
void bus_key_new(char public_key[BUS_KEY_TEXT_BYTES], char secret_key[BUS_KEY_TEXT_BYTES]);
bool bus_key_is_valid(const char *key);
// The public key of a secret key.
int bus_key_public(const char *secret_key, char public_key[BUS_KEY_TEXT_BYTES]);

// ---- ZAP: an actor over a set of keys; who is not in it gets nothing. Calls are synchronous (the answer is in force on return).
void bus_zap_allow(const char *public_key); // what is not a key changes nothing
void bus_zap_deny(const char *public_key);
// Between the two handshakes wait for their answer (30 s at most): a server that listens and still learns its keys refuses nobody.
void bus_zap_hold(void);
void bus_zap_answer(void);
uint64_t bus_zap_refused(void); // handshakes refused so far

// ---- server
struct bus_server;
typedef uint64_t bus_route; // one connection of a peer; never used again after it is gone

struct bus_message {
    bus_route route;
    const char *public_key; // from the handshake: this decides who speaks
    const uint8_t *data;    // first frame after the route
    size_t bytes;
    const uint8_t *payload; // second frame (bulk); NULL: none
    size_t payload_bytes;
};
struct bus_server_callbacks {
    void (*on_message)(void *context, const struct bus_message *message);
    // The connection has ended and all that it sent was handed over. Once for every route of on_message, from the loop, never
    // from within a send; not for routes that the owner closed.
    void (*on_gone)(void *context, bus_route route);
    void (*on_unframed)(void *context, bus_route route, const char *why); // frames out of shape: counted, dropped; may be NULL
};
// What libzmq holds per connection and direction, counted in messages whatever their size. Small ones flow three times faster with
// 1000 than with 256 (fewer wake-ups between its threads and ours); chunks of 256 KiB need no more than hides a round trip.
#define BUS_PIPE_MESSAGES_DEFAULT 1000
#define BUS_PIPE_MESSAGES_BULK 32
#define BUS_QUEUE_BYTES_DEFAULT (16u * 1024 * 1024)
struct bus_server_options {
    const char *endpoint; // "tcp://*:7400"; port 0 or "*": any
    const char *secret_key;
    size_t queue_bytes_max; // per peer, beyond libzmq's own; over it the peer is closed; 0: the default
    uint32_t pipe_messages; // 0: the default
};
struct bus_server_counters {
    uint64_t messages;
    uint64_t unframed;   // dropped: frames out of shape, a peer that names itself
    uint64_t unwanted;   // dropped: from a closed route
    uint64_t unheard;    // connections that ended before a message was accepted: garbage, no CURVE, a refused key, silence
    uint64_t slow_peers; // closed because of their queue
    uint64_t peers;      // now
};
int bus_server_new(struct bus_server **out, struct loop *loop, const struct bus_server_options *options,
                   const struct bus_server_callbacks *callbacks, void *context, struct panther_error *error);
void bus_server_free(struct bus_server **server); // the port is free when it returns; what was sent may still leave for 100 ms
const char *bus_server_endpoint(const struct bus_server *server); // as bound, with the real port
unsigned bus_server_port(const struct bus_server *server);
void bus_server_counters(const struct bus_server *server, struct bus_server_counters *counters);
// Queues in order; MANDATORY and DONTWAIT underneath: EAGAIN -> the peer's own bounded queue. payload may be NULL.
// PANTHER_EUNAVAILABLE: the route has ended (on_gone follows if it was not heard yet). PANTHER_ELIMIT: the peer's queue is over
// its limit and the peer was closed (on_gone follows). PANTHER_EINVALID: over ZMQ_FRAME_MAX_BYTES, or an empty first frame.
int bus_server_send(struct bus_server *server, bus_route route, const void *data, size_t bytes, const void *payload, size_t payload_bytes);
// Forgets the route: what it sends later is dropped. What was sent to it before still leaves; then it is told, and a second
// later its connection is cut.
void bus_server_close_route(struct bus_server *server, bus_route route);

// ---- link: connects, tells when the transport is up, hands over frames, tells once when it is lost; then it is dead: make a new one.
struct bus_link;
struct bus_link_callbacks {
    void (*on_up)(void *context); // handshake done (monitor): say Hello
    void (*on_message)(void *context, const uint8_t *data, size_t bytes, const uint8_t *payload, size_t payload_bytes);
    void (*on_lost)(void *context, const char *why); // also when the handshake failed or was refused
};
struct bus_link_options {
    const char *endpoint; // "tcp://10.0.0.1:7400"
    const char *server_key;
    const char *secret_key;
    const char *source_address;  // NULL: any
    uint32_t connect_timeout_ms; // 0: the default
    uint32_t linger_ms;          // how long what was sent may still leave after bus_link_free (Goodbye); 0: not at all
    uint32_t pipe_messages;      // 0: the default
};
#define BUS_CONNECT_TIMEOUT_MS_DEFAULT 5000
// PANTHER_ELIMIT: too many open files; try again later.
int bus_link_new(struct bus_link **out, struct loop *loop, const struct bus_link_options *options,
                 const struct bus_link_callbacks *callbacks, void *context, struct panther_error *error);
void bus_link_free(struct bus_link **link); // allowed in its own callbacks
bool bus_link_is_up(const struct bus_link *link);
// PANTHER_EUNAVAILABLE: not up yet, lost, or the queue is full (EAGAIN): the caller keeps what it wanted to send.
// PANTHER_EINVALID: over ZMQ_FRAME_MAX_BYTES, or an empty first frame.
int bus_link_send(struct bus_link *link, const void *data, size_t bytes, const void *payload, size_t payload_bytes);

// ---- peer files: everything one peer needs, mode 0600 (YAML: panther_key, name, role, public, secret, coordinator, server).
struct bus_peer_file {
    char name[64];
    char role[16]; // "agent" "operator" "viewer" "enroll" "server"
    char public_key[BUS_KEY_TEXT_BYTES];
    char secret_key[BUS_KEY_TEXT_BYTES];
    char coordinator[256];               // endpoint; may be empty
    char bulk[256];                      // endpoint for bulk; empty: the coordinator's with the port above
    char server_key[BUS_KEY_TEXT_BYTES]; // may be empty in a server's own file
};
int bus_peer_file_read(const char *path, struct bus_peer_file *file, struct panther_error *error); // refuses group/world readable
int bus_peer_file_write(const char *path, const struct bus_peer_file *file, struct panther_error *error);

#endif
