// See frames.h.
#include "tests/unit/link/frames.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"

#define ETHERNET 14U
#define IPV4 20U
#define IPV6 40U
#define TCP 20U
#define UDP 8U

static unsigned get_16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void put_16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

// RFC 1071
static uint32_t sum(uint32_t start, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        start += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (start > 0xffff)
        start = (start & 0xffff) + (start >> 16);
    return start;
}

static bool is_4(const struct frame *frame)
{
    return frame->bytes[ETHERNET] >> 4 == 4;
}

static unsigned transport_of(const struct frame *frame)
{
    return frame->bytes[ETHERNET + (is_4(frame) ? 9 : 6)];
}

static size_t body_of(const struct frame *frame)
{
    return ETHERNET + (is_4(frame) ? IPV4 : IPV6);
}

static const uint8_t *addresses_of(const struct frame *frame)
{
    return frame->bytes + ETHERNET + (is_4(frame) ? 12 : 8);
}

// Of the transport with its pseudo header; 0xffff if the checksum in it is right.
static uint32_t transport_sum(const struct frame *frame)
{
    size_t body = body_of(frame), length = frame->size - body;
    uint32_t pseudo = sum((uint32_t)length + transport_of(frame), addresses_of(frame), is_4(frame) ? 8 : 32);
    return sum(pseudo, frame->bytes + body, length);
}

static void put_transport(struct frame *frame, const struct frame_wish *wish)
{
    uint8_t *at = frame->bytes + body_of(frame);
    if (wish->transport != 6 && wish->transport != 17)
        return;
    put_16(at, wish->source_port);
    put_16(at + 2, wish->destination_port);
    if (wish->transport == 6)
        at[12] = TCP / 4 << 4;
    else
        put_16(at + 4, frame->size - body_of(frame));
    if (!wish->no_checksum)
        put_16(at + (wish->transport == 6 ? 16 : 6), ~transport_sum(frame) & 0xffff);
}

void frame_make(struct frame *frame, const struct frame_wish *wish)
{
    size_t header = wish->transport == 6 ? TCP : wish->transport == 17 ? UDP : 0U, body = header + wish->payload;
    uint8_t *ip = frame->bytes + ETHERNET;
    *frame = (struct frame){.size = ETHERNET + (wish->version == 4 ? IPV4 : IPV6) + body};
    INVARIANT(frame->size <= sizeof frame->bytes);
    put_16(frame->bytes + 12, wish->version == 4 ? 0x0800 : 0x86dd);
    for (size_t i = 0; i < wish->payload; i++)
        frame->bytes[frame->size - 1 - i] = (uint8_t)(i * 7 + 1);
    if (wish->version == 4) {
        ip[0] = 0x45;
        ip[1] = (uint8_t)(0xb8 | wish->ecn); // with a DSCP, which has to stay
        put_16(ip + 2, IPV4 + body);
        ip[8] = 64;
        ip[9] = (uint8_t)wish->transport;
        inet_pton(AF_INET, wish->source, ip + 12);
        inet_pton(AF_INET, wish->destination, ip + 16);
        put_16(ip + 10, ~sum(0, ip, IPV4) & 0xffff);
    } else {
        ip[0] = 0x6b;
        ip[1] = (uint8_t)(0x80 | wish->ecn << 4 | 5);
        put_16(ip + 4, body);
        ip[6] = (uint8_t)wish->transport;
        ip[7] = 64;
        inet_pton(AF_INET6, wish->source, ip + 8);
        inet_pton(AF_INET6, wish->destination, ip + 24);
    }
    put_transport(frame, wish);
}

bool frame_checksums_are_right(const struct frame *frame)
{
    if (is_4(frame) && sum(0, frame->bytes + ETHERNET, IPV4) != 0xffff)
        return false;
    return (transport_of(frame) != 6 && transport_of(frame) != 17) || transport_sum(frame) == 0xffff;
}

static void print_end(const struct frame *frame, size_t which, char *text, size_t bytes)
{
    char address[64];
    inet_ntop(is_4(frame) ? AF_INET : AF_INET6, addresses_of(frame) + which * (is_4(frame) ? 4 : 16), address, sizeof address);
    snprintf(text, bytes, "%s:%u", address, get_16(frame->bytes + body_of(frame) + 2 * which));
}

void frame_source(const struct frame *frame, char *text, size_t bytes)
{
    print_end(frame, 0, text, bytes);
}

void frame_destination(const struct frame *frame, char *text, size_t bytes)
{
    print_end(frame, 1, text, bytes);
}

unsigned frame_ecn(const struct frame *frame)
{
    return is_4(frame) ? frame->bytes[ETHERNET + 1] & 3U : (frame->bytes[ETHERNET + 1] >> 4) & 3U;
}
