// What every socket of this folder has in common: options that detect a dead peer, CURVE, a monitor, sending without waiting.
// Internal to common/bus. libzmq is used directly below CZMQ's context: a zmsg costs three allocations per message.
#ifndef PANTHER_COMMON_BUS_SOCKET_H
#define PANTHER_COMMON_BUS_SOCKET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "common/base/limits.h"

// A link pings its server by ZMTP. One second, so that a dead server is seen in seconds; five seconds of silence is death, because
// a host that pauses for two (a snapshot, a debugger, a swap storm) is alive.
#define SOCKET_HEARTBEAT_MS 1000
#define SOCKET_SILENCE_MS 5000
// A server does not ping by ZMTP: libzmq keeps the timers of all connections of a thread in one tree and walks it whole to cancel
// one, at each answer; 3,000 peers fill a core with it. It leaves a pulled cable to the kernel's timers: keepalive after five
// seconds of silence, then every two, and what stays unacknowledged for as long ends the connection. Not before LOST_MS: until then
// a peer is suspect, and a cable that is plugged in again has lost nothing. A peer whose process is stuck is the session's to judge,
// which hears its heartbeats.
#define SOCKET_KEEPALIVE_IDLE_S 5
#define SOCKET_KEEPALIVE_INTERVAL_S 2
#define SOCKET_KEEPALIVE_COUNT 3
#define SOCKET_UNACKNOWLEDGED_MS 11000
static_assert((SOCKET_KEEPALIVE_IDLE_S + SOCKET_KEEPALIVE_INTERVAL_S * SOCKET_KEEPALIVE_COUNT) * 1000 > LOST_MS, "lost is lost at LOST_MS");
static_assert(SOCKET_UNACKNOWLEDGED_MS > LOST_MS, "likewise");
// Messages read in one round of the loop, so that a flood does not keep timers from firing.
#define SOCKET_ROUND_MESSAGES_MAX 512

void *socket_open(int type);
void socket_close(void **socket); // accepts NULL
void socket_set_number(void *socket, int option, int value);
void socket_set_text(void *socket, int option, const char *text);
void socket_set_liveness(void *socket);
void socket_set_ping(void *socket);
void socket_set_pipe(void *socket, uint32_t messages); // 0: the default; both directions
int socket_descriptor(void *socket);                   // edge-triggered: readable says "look", not "there is one message"

// A PAIR that hears the events (ZMQ_EVENT_...) of the socket. It never blocks libzmq's threads: it has no limit.
void *socket_monitor(void *socket, int events);
struct socket_event {
    uint16_t name;
    uint32_t value; // a descriptor, an error or a status, by name
};
bool socket_monitor_read(void *monitor, struct socket_event *event); // false: nothing more

// Never wait; return 0 or an errno (EAGAIN, EHOSTUNREACH). A message whose first frame was taken is taken whole.
int socket_send(void *socket, const void *data, size_t bytes, bool more);
int socket_send_message(void *socket, zmq_msg_t *message, bool more); // takes the message only on success
bool socket_receive(void *socket, zmq_msg_t *message);                // false: nothing there; message is initialised by the caller
bool socket_has_input(void *socket);                                  // asked without reading, it also arms the descriptor again
bool socket_wait(void *socket, int timeout_ms);                       // blocks until there is input; false: the time is over
bool socket_more(const zmq_msg_t *message);
// Reads and drops the rest of a message of too many frames.
void socket_skip(void *socket);

#endif
