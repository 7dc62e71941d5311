// One end of a SOCK_SEQPACKET socket that carries protobuf messages: a bounded read per round, a queue for what does not fit now.
#ifndef PANTHER_AGENT_GUARD_PACKETS_H
#define PANTHER_AGENT_GUARD_PACKETS_H

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct packets;
// May free the packets it was called for.
typedef void packet_fn(void *context, const void *data, size_t bytes);
// The peer is gone or broke the framing; called once. `why` is for people.
typedef void packets_closed_fn(void *context, const char *why);

// Takes the descriptor over.
struct packets *packets_new(struct loop *loop, int fd, packet_fn *received, packets_closed_fn *closed, void *context);
void packets_redirect(struct packets *packets, packet_fn *received, packets_closed_fn *closed); // from the next packet on
void packets_free(struct packets **packets);
void packets_send(struct packets *packets, const void *message); // any protobuf message; never blocks
size_t packets_queued_bytes(const struct packets *packets);      // not yet taken by the kernel
void packets_pause(struct packets *packets, bool paused);        // stop reading: the peer feels it
void packets_drain(struct packets *packets);                     // read all that is there now, even when paused

#endif
