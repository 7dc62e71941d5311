// When the bytes of a stream that grows were seen: what puts lines of many streams in order while they live. The agent marks what its
// guards report, the coordinator keeps what it was told, `panther-coord logs -f` asks. Bounded: of too many marks every second one goes,
// and its bytes then are those of the next.
#ifndef PANTHER_COMMON_BASE_READ_MARKS_H
#define PANTHER_COMMON_BASE_READ_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/limits.h"

struct read_mark {
    uint64_t offset, boottime_us; // bytes before the offset were there by then, on their host
};
struct read_marks {
    struct read_mark marks[READ_MARKS_MAX];
    size_t count;
};
// An offset that is not beyond the last one says nothing new; time does not go back.
void read_marks_add(struct read_marks *marks, uint64_t offset, uint64_t boottime_us);
// PutChunk.read_times, Chunk.read_times: two numbers for each mark of the bytes from begin to end; how many numbers there are.
size_t read_marks_between(const struct read_marks *marks, uint64_t begin, uint64_t end, uint64_t numbers[2 * READ_MARKS_MAX]);
// The other way round.
void read_marks_take(struct read_marks *marks, const uint64_t *numbers, size_t count);
// 0: not known.
uint64_t read_marks_time_us(const struct read_marks *marks, uint64_t offset);

#endif
