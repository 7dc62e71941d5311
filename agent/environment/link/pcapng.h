// A capture of several ends in one file (pcapng, draft-ietf-opsawg-pcapng): one interface per end, nanoseconds, a comment where there is
// something to say. Buffered; what is on disk always ends with a whole block. switch.c writes; gone_bad is final.
#ifndef PANTHER_AGENT_ENVIRONMENT_LINK_PCAPNG_H
#define PANTHER_AGENT_ENVIRONMENT_LINK_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

struct pcapng;
struct pcapng_settings {
    const char *path;
    const char *const *interfaces; // their names
    size_t interface_count;
    const char *comment;  // of the file: whose clock it is
    uint32_t snaplen;     // 0: whole packets
    uint64_t limit_bytes; // beyond it packets are only counted
};
enum pcapng_direction { PCAPNG_INBOUND = 1, PCAPNG_OUTBOUND = 2 };

int pcapng_open(struct pcapng **out, const struct pcapng_settings *settings, struct panther_error *error);
// comment: NULL for none. PANTHER_ENOSPACE and others when the disk has failed.
int pcapng_packet(struct pcapng *pcapng, size_t interface, enum pcapng_direction direction, uint64_t wall_ns, const uint8_t *frame,
                  size_t bytes, const char *comment, struct panther_error *error);
int pcapng_flush(struct pcapng *pcapng, struct panther_error *error);
uint64_t pcapng_not_kept(const struct pcapng *pcapng); // packets beyond the limit
// The counts of its interfaces at the end, with words on what is missing; then closed.
int pcapng_close(struct pcapng **pcapng, uint64_t wall_ns, struct panther_error *error);

#endif
