#include "common/base/read_marks.h"

// The newest stays.
static void thin(struct read_marks *marks)
{
    size_t kept = 0;
    for (size_t i = 1; i < marks->count; i += 2) {
        marks->marks[kept++] = marks->marks[i];
    }
    marks->count = kept;
}

void read_marks_add(struct read_marks *marks, uint64_t offset, uint64_t boottime_us)
{
    const struct read_mark *last = marks->count ? &marks->marks[marks->count - 1] : NULL;
    if (last && offset <= last->offset) {
        return;
    }
    if (last && boottime_us < last->boottime_us) {
        boottime_us = last->boottime_us;
    }
    if (marks->count == READ_MARKS_MAX) {
        thin(marks);
    }
    marks->marks[marks->count++] = (struct read_mark){offset, boottime_us};
}

size_t read_marks_between(const struct read_marks *marks, uint64_t begin, uint64_t end, uint64_t numbers[2 * READ_MARKS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < marks->count && begin < end; i++) {
        const struct read_mark *mark = &marks->marks[i];
        if (mark->offset > begin) {
            numbers[count++] = mark->offset;
            numbers[count++] = mark->boottime_us;
            begin = mark->offset;
        }
    }
    return count;
}

void read_marks_take(struct read_marks *marks, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i + 1 < count; i += 2) {
        read_marks_add(marks, numbers[i], numbers[i + 1]);
    }
}

uint64_t read_marks_time_us(const struct read_marks *marks, uint64_t offset)
{
    for (size_t i = 0; i < marks->count; i++) {
        if (marks->marks[i].offset > offset) {
            return marks->marks[i].boottime_us;
        }
    }
    return 0;
}
