// Lines of many streams that still grow, in the order in which they were printed, as far as that is known: each is held back for a moment,
// so that an earlier one of another host can still come. No input or output: logs_follow.c adds, and prints what is due.
#ifndef PANTHER_COORDINATOR_CLI_LOG_ORDER_H
#define PANTHER_COORDINATOR_CLI_LOG_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_line {
    const char *name, *host; // of its stream; they outlive the order
    int64_t time_ns;         // on the coordinator's boottime; 0: not known, it stands where it came
    uint64_t arrived_ms;     // here
    char *text;
    size_t bytes;
    // set by log_order_add:
    int64_t place_ns;
    uint64_t number;
};
struct log_order {
    struct log_line *lines;
    size_t count, capacity, held_bytes;
    int64_t latest_ns;
    uint64_t last_number;
};
typedef void log_order_fn(void *context, const struct log_line *line);

// The text becomes the order's.
void log_order_add(struct log_order *order, const struct log_line *line);
// Everything that came hold_ms ago or earlier, and whatever stands before it. 0: everything.
void log_order_take(struct log_order *order, uint64_t now_ms, uint64_t hold_ms, log_order_fn *print, void *context);
void log_order_free(struct log_order *order);

#endif
