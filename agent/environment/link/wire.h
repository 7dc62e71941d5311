// What limits a rate: one packet after the other, and a queue before it. A direction's own, or one that several share. Pure; for
// direction.c.
#ifndef PANTHER_AGENT_ENVIRONMENT_LINK_WIRE_H
#define PANTHER_AGENT_ENVIRONMENT_LINK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Packets that wait for the rate where no other limit is given: Linux's own for a device.
#define WIRE_QUEUE_PACKETS 1000

// All zero: nothing waits.
struct wire {
    uint64_t free_ns;  // when the rate is free again
    uint64_t *leaving; // ring: when those that wait have left
    size_t capacity, first, count;
};

void wire_clear(struct wire *wire); // nothing waits any more
void wire_free(struct wire *wire);
// When the last bit is on the wire; false: the queue is full. rate_bits 0: at once. queue_packets 0: WIRE_QUEUE_PACKETS.
bool wire_transmit(struct wire *wire, size_t bytes, uint64_t rate_bits, uint32_t queue_packets, uint64_t now_ns, uint64_t *done_ns);

#endif
