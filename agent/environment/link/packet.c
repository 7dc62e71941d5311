// See packet.h. Checksums are corrected by what changed (RFC 1624), not computed anew: one that was wrong stays wrong.
#include "agent/environment/link/packet.h"

#include <string.h>

#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define IPV4_HEADER_BYTES 20
#define IPV6_HEADER_BYTES 40
#define UDP_HEADER_BYTES 8
#define TCP_HEADER_BYTES 20
#define PROTOCOL_IGMP 2
#define PROTOCOL_ICMPV6 58
#define EXTENSIONS_MAX 8 // a chain of headers that is longer is not looked through
#define ECN_BITS 3U

static unsigned read_16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void write_16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

// ---- where what stands

static bool read_ipv4(const uint8_t *frame, size_t bytes, struct packet_parts *parts)
{
    const uint8_t *ip = frame + parts->ip;
    size_t header = (size_t)(ip[0] & 15) * 4, total = read_16(ip + 2);
    if (ip[0] >> 4 != 4 || header < IPV4_HEADER_BYTES || total < header || parts->ip + total > bytes)
        return false;
    parts->version = 4;
    parts->transport = ip[9];
    parts->body = parts->ip + header;
    parts->end = parts->ip + total;
    parts->has_ports = (read_16(ip + 6) & 0x1fff) == 0; // the first fragment, or whole
    parts->is_neighbourhood = parts->transport == PROTOCOL_IGMP;
    return true;
}

// Hop-by-hop, routing, fragment, destination options: what a packet to be tested may carry before its transport.
static bool skip_extensions(const uint8_t *frame, struct packet_parts *parts)
{
    parts->has_ports = true;
    for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
        const uint8_t *at = frame + parts->body;
        bool is_fragment = parts->transport == 44;
        if (parts->transport != 0 && parts->transport != 43 && parts->transport != 60 && !is_fragment)
            return true;
        if (parts->body + 8 > parts->end)
            return false;
        size_t length = is_fragment ? 8 : ((size_t)at[1] + 1) * 8;
        if (parts->body + length > parts->end)
            return false;
        if (is_fragment && (read_16(at + 2) & 0xfff8) != 0)
            parts->has_ports = false;
        parts->transport = at[0];
        parts->body += length;
    }
    return true;
}

static bool read_ipv6(const uint8_t *frame, size_t bytes, struct packet_parts *parts)
{
    const uint8_t *ip = frame + parts->ip;
    if (parts->ip + IPV6_HEADER_BYTES > bytes || ip[0] >> 4 != 6)
        return false;
    parts->version = 6;
    parts->transport = ip[6];
    parts->body = parts->ip + IPV6_HEADER_BYTES;
    parts->end = parts->body + read_16(ip + 4);
    if (parts->end > bytes || !skip_extensions(frame, parts))
        return false;
    unsigned type = parts->transport == PROTOCOL_ICMPV6 && parts->body < parts->end ? frame[parts->body] : 0;
    parts->is_neighbourhood = (type >= 130 && type <= 137) || type == 143;
    return true;
}

bool packet_read(const uint8_t *frame, size_t bytes, struct packet_parts *parts)
{
    *parts = (struct packet_parts){.ip = PACKET_ETHERNET_BYTES};
    if (bytes < PACKET_ETHERNET_BYTES + IPV4_HEADER_BYTES)
        return false;
    unsigned type = read_16(frame + 12);
    if (!(type == TYPE_IPV4 && read_ipv4(frame, bytes, parts)) && !(type == TYPE_IPV6 && read_ipv6(frame, bytes, parts)))
        return false;
    size_t least = parts->transport == PACKET_TCP ? TCP_HEADER_BYTES : UDP_HEADER_BYTES;
    bool knows_ports = parts->transport == PACKET_TCP || parts->transport == PACKET_UDP;
    parts->has_ports = parts->has_ports && knows_ports && parts->body + least <= parts->end;
    return true;
}

static size_t address_bytes(const struct packet_parts *parts)
{
    return parts->version == 4 ? 4 : 16;
}

static size_t source_offset(const struct packet_parts *parts)
{
    return parts->ip + (parts->version == 4 ? 12 : 8);
}

void packet_ends(const uint8_t *frame, const struct packet_parts *parts, struct packet_end *source, struct packet_end *destination)
{
    size_t length = address_bytes(parts), at = source_offset(parts);
    *source = *destination = (struct packet_end){0};
    memcpy(source->address, frame + at, length);
    memcpy(destination->address, frame + at + length, length);
    if (parts->has_ports) {
        source->port = (uint16_t)read_16(frame + parts->body);
        destination->port = (uint16_t)read_16(frame + parts->body + 2);
    }
}

// ---- changes

// RFC 1624: HC' = ~(~HC + ~m + m')
static void correct(uint8_t *checksum, unsigned before, unsigned after)
{
    uint32_t sum = (~read_16(checksum) & 0xffff) + (~before & 0xffff) + after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    write_16(checksum, ~sum & 0xffff);
}

// NULL: the transport has none that covers addresses, or did without (UDP over IPv4).
static uint8_t *transport_checksum(uint8_t *frame, const struct packet_parts *parts)
{
    if (!parts->has_ports)
        return NULL;
    uint8_t *checksum = frame + parts->body + (parts->transport == PACKET_TCP ? 16 : 6);
    return parts->transport == PACKET_UDP && read_16(checksum) == 0 ? NULL : checksum;
}

static void put(uint8_t *frame, const struct packet_parts *parts, size_t address_at, size_t port_at, const struct packet_end *end)
{
    uint8_t *transport = transport_checksum(frame, parts), *ip = parts->version == 4 ? frame + parts->ip + 10 : NULL;
    for (size_t i = 0; i < address_bytes(parts); i += 2) {
        unsigned before = read_16(frame + address_at + i), after = read_16(end->address + i);
        if (ip)
            correct(ip, before, after);
        if (transport)
            correct(transport, before, after);
    }
    memcpy(frame + address_at, end->address, address_bytes(parts));
    if (!parts->has_ports)
        return;
    if (transport)
        correct(transport, read_16(frame + port_at), end->port);
    write_16(frame + port_at, end->port);
    if (transport && parts->transport == PACKET_UDP && read_16(transport) == 0)
        write_16(transport, 0xffff); // zero would mean: none
}

void packet_put_source(uint8_t *frame, const struct packet_parts *parts, const struct packet_end *source)
{
    put(frame, parts, source_offset(parts), parts->body, source);
}

void packet_put_destination(uint8_t *frame, const struct packet_parts *parts, const struct packet_end *destination)
{
    put(frame, parts, source_offset(parts) + address_bytes(parts), parts->body + 2, destination);
}

static size_t payload_offset(const uint8_t *frame, const struct packet_parts *parts)
{
    size_t at = parts->body;
    if (parts->has_ports)
        at += parts->transport == PACKET_TCP ? (size_t)(frame[at + 12] >> 4) * 4 : UDP_HEADER_BYTES;
    return at < parts->end ? at : parts->body;
}

bool packet_corrupt(uint8_t *frame, const struct packet_parts *parts, uint64_t chance)
{
    size_t first = payload_offset(frame, parts);
    if (first >= parts->end)
        return false;
    frame[first + (chance >> 3) % (parts->end - first)] ^= (uint8_t)(1U << (chance & 7));
    return true;
}

// IPv4: the second byte, which a checksum covers. IPv6: the traffic class lies across the first two.
static unsigned ecn_of(const uint8_t *ip, const struct packet_parts *parts)
{
    return parts->version == 4 ? ip[1] & ECN_BITS : (ip[1] >> 4) & ECN_BITS;
}

static void put_ecn(uint8_t *ip, const struct packet_parts *parts, unsigned ecn)
{
    unsigned before = read_16(ip);
    if (parts->version == 6) {
        ip[1] = (uint8_t)((ip[1] & ~(ECN_BITS << 4)) | ecn << 4);
        return;
    }
    ip[1] = (uint8_t)((ip[1] & ~ECN_BITS) | ecn);
    correct(ip + 10, before, read_16(ip));
}

bool packet_clear_ecn(uint8_t *frame, const struct packet_parts *parts)
{
    uint8_t *ip = frame + parts->ip;
    if (ecn_of(ip, parts) == 0)
        return false;
    put_ecn(ip, parts, 0);
    return true;
}

bool packet_mark_congestion(uint8_t *frame, const struct packet_parts *parts)
{
    uint8_t *ip = frame + parts->ip;
    unsigned ecn = ecn_of(ip, parts);
    if (ecn == 0 || ecn == ECN_BITS)
        return false;
    put_ecn(ip, parts, ECN_BITS);
    return true;
}
