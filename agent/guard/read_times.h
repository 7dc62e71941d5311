// When which bytes of a stream were read: what puts its lines on a timeline. Bounded: when there are too many parts, those that follow each
// other closest are joined, and what is left says between which times their bytes came. stream.c keeps one for each stream.
#ifndef PANTHER_AGENT_GUARD_READ_TIMES_H
#define PANTHER_AGENT_GUARD_READ_TIMES_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/limits.h"

struct read_part {
    uint64_t bytes, first_us, last_us;
};
struct read_times {
    struct read_part parts[READ_TIMES_MAX];
    size_t count;
    uint64_t span_us; // what is read within so much is one part
};
void read_times_add(struct read_times *times, uint64_t now_ns, uint64_t bytes); // the clock does not go back
// StreamEnd.read_times: three numbers a part; how many numbers there are.
size_t read_times_numbers(const struct read_times *times, uint64_t numbers[3 * READ_TIMES_MAX]);

#endif
