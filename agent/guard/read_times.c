#include "agent/guard/read_times.h"

#define NS_PER_US 1000
// Lines that a program prints in one go arrive within this.
#define SPAN_FIRST_US 200

// Neighbours that fit into one span become one part.
static void join(struct read_times *times)
{
    size_t kept = 0;
    for (size_t i = 1; i < times->count; i++) {
        struct read_part *last = &times->parts[kept], *part = &times->parts[i];
        if (part->last_us - last->first_us <= times->span_us) {
            last->bytes += part->bytes;
            last->last_us = part->last_us;
        } else {
            times->parts[++kept] = *part;
        }
    }
    times->count = kept + 1;
}

// To half of it, so that this is done once in a while.
static void make_room(struct read_times *times)
{
    while (times->count > READ_TIMES_MAX / 2) {
        times->span_us *= 2;
        join(times);
    }
}

void read_times_add(struct read_times *times, uint64_t now_ns, uint64_t bytes)
{
    uint64_t now_us = now_ns / NS_PER_US;
    struct read_part *last = times->count ? &times->parts[times->count - 1] : NULL;
    times->span_us = times->span_us ? times->span_us : SPAN_FIRST_US;
    if (last && now_us < last->last_us)
        now_us = last->last_us;
    if (last && now_us - last->first_us <= times->span_us) {
        last->bytes += bytes;
        last->last_us = now_us;
        return;
    }
    if (times->count == READ_TIMES_MAX)
        make_room(times);
    times->parts[times->count++] = (struct read_part){bytes, now_us, now_us};
}

size_t read_times_numbers(const struct read_times *times, uint64_t numbers[3 * READ_TIMES_MAX])
{
    uint64_t before_us = 0;
    for (size_t i = 0; i < times->count; i++) {
        const struct read_part *part = &times->parts[i];
        numbers[3 * i] = part->bytes;
        numbers[3 * i + 1] = part->first_us - before_us;
        numbers[3 * i + 2] = part->last_us - part->first_us;
        before_us = part->last_us;
    }
    return 3 * times->count;
}
