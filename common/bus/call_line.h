// A link that blocks: connects when it has to, sends a frame, waits for a frame. Internal to common/bus (call.c).
#ifndef PANTHER_COMMON_BUS_CALL_LINE_H
#define PANTHER_COMMON_BUS_CALL_LINE_H

#include "common/bus/bus.h"

#define CALL_LINE_WHY_BYTES 640

struct call_target {
    const char *endpoint;
    const struct bus_peer_file *peer;
    struct loop *loop;
    uint32_t timeout_ms;
};

struct call_frame {
    struct call_frame *next;
    uint8_t *data, *payload;
    size_t bytes, payload_bytes;
};

struct call_line { // zeroed: closed
    struct bus_link *link;
    bool up;
    char lost[CALL_LINE_WHY_BYTES];  // why; empty: it is not
    struct call_frame *first, *last; // arrived, not taken yet
};

// Nothing to do when it is open and alive. A line that was lost is opened anew.
int call_line_open(struct call_line *line, const struct call_target *target, struct panther_error *error);
void call_line_close(struct call_line *line);
int call_line_send(struct call_line *line, const void *data, size_t bytes, const void *payload, size_t payload_bytes,
                   struct panther_error *error);
// The next frame, which the caller frees, or PANTHER_ETIMEOUT, PANTHER_EUNAVAILABLE.
int call_line_wait(struct call_line *line, const struct call_target *target, uint64_t deadline_ns, struct call_frame **frame,
                   struct panther_error *error);
// The same, but NULL when `fd` can be read (-1: none is watched) or at the deadline.
int call_line_wait_beside(struct call_line *line, struct loop *loop, int fd, uint64_t deadline_ns, struct call_frame **frame,
                          struct panther_error *error);
void call_frame_free(struct call_frame **frame);
uint64_t call_deadline_ns(const struct call_target *target);

#endif
