// Ethernet frames with UDP or TCP over IP, made and checked without the code under test; for the tests of panther-link's parts.
#ifndef PANTHER_TESTS_UNIT_LINK_FRAMES_H
#define PANTHER_TESTS_UNIT_LINK_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX_BYTES 2048

struct frame {
    uint8_t bytes[FRAME_MAX_BYTES];
    size_t size;
};

struct frame_wish {
    unsigned version, transport;      // 4 or 6; 6: TCP, 17: UDP, else a body without ports
    const char *source, *destination; // addresses as text
    uint16_t source_port, destination_port;
    unsigned ecn; // the two bits
    size_t payload;
    bool no_checksum; // UDP over IPv4 may do without
};

void frame_make(struct frame *frame, const struct frame_wish *wish);
// Computed anew: IPv4's own and the transport's.
bool frame_checksums_are_right(const struct frame *frame);
void frame_source(const struct frame *frame, char *text, size_t bytes); // "10.77.0.1:4000"
void frame_destination(const struct frame *frame, char *text, size_t bytes);
unsigned frame_ecn(const struct frame *frame);

#endif
