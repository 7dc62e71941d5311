#include "coordinator/cli/log_order.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

// Services that print faster than anybody reads: then lines are not held back, rather than the memory filled.
#define HELD_MAX_BYTES ((size_t)64 * 1024 * 1024)

void log_order_add(struct log_order *order, const struct log_line *line)
{
    struct log_line *added = &APPEND(order->lines, order->count, order->capacity);
    *added = *line;
    added->place_ns = line->time_ns ? line->time_ns : order->latest_ns;
    added->number = ++order->last_number;
    order->latest_ns = added->place_ns > order->latest_ns ? added->place_ns : order->latest_ns;
    order->held_bytes += line->bytes + sizeof *line;
}

static int compare(const void *left, const void *right)
{
    const struct log_line *a = left, *b = right;
    if (a->place_ns != b->place_ns) {
        return a->place_ns < b->place_ns ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

void log_order_take(struct log_order *order, uint64_t now_ms, uint64_t hold_ms, log_order_fn *print, void *context)
{
    size_t due = 0;
    if (order->count == 0) {
        return;
    }
    qsort(order->lines, order->count, sizeof *order->lines, compare);
    bool is_all = hold_ms == 0 || order->held_bytes > HELD_MAX_BYTES;
    for (size_t i = 0; i < order->count; i++) {
        if (is_all || order->lines[i].arrived_ms + hold_ms <= now_ms) {
            due = i + 1;
        }
    }
    for (size_t i = 0; i < due; i++) {
        print(context, &order->lines[i]);
        order->held_bytes -= order->lines[i].bytes + sizeof *order->lines;
        free(order->lines[i].text);
    }
    order->count -= due;
    memmove(order->lines, order->lines + due, order->count * sizeof *order->lines);
}

void log_order_free(struct log_order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        free(order->lines[i].text);
    }
    free(order->lines);
    *order = (struct log_order){0};
}
