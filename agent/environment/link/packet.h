// An Ethernet frame with IP in it: where its parts stand, and the changes that conditions make to it with the checksums kept right.
// Pure; called by switch.c and flows.c.
#ifndef PANTHER_AGENT_ENVIRONMENT_LINK_PACKET_H
#define PANTHER_AGENT_ENVIRONMENT_LINK_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_ETHERNET_BYTES 14
#define PACKET_TCP 6
#define PACKET_UDP 17

struct packet_parts {
    unsigned version;      // 4 or 6
    unsigned transport;    // IP protocol number
    size_t ip, body, end;  // offsets: IP header, what follows it (and v6 extension headers), end of the IP packet
    bool has_ports;        // TCP or UDP, not a later fragment
    bool is_neighbourhood; // IGMP, MLD, neighbour and router discovery: the link itself knows who is where
};

// One end of a flow; v4 addresses stand in the first four bytes.
struct packet_end {
    uint8_t address[16];
    uint16_t port;
};

// false: not IP, or not whole.
bool packet_read(const uint8_t *frame, size_t bytes, struct packet_parts *parts);
void packet_ends(const uint8_t *frame, const struct packet_parts *parts, struct packet_end *source, struct packet_end *destination);
// Another source or destination, with IP and transport checksums kept as right or wrong as they were.
void packet_put_source(uint8_t *frame, const struct packet_parts *parts, const struct packet_end *source);
void packet_put_destination(uint8_t *frame, const struct packet_parts *parts, const struct packet_end *destination);
// Turns one bit over behind the IP header, in the payload where there is one: the transport's checksum is wrong then, on purpose.
bool packet_corrupt(uint8_t *frame, const struct packet_parts *parts, uint64_t chance);
// The two ECN bits. false: there was nothing to change.
bool packet_clear_ecn(uint8_t *frame, const struct packet_parts *parts);
bool packet_mark_congestion(uint8_t *frame, const struct packet_parts *parts); // only ECN-capable ones

#endif
