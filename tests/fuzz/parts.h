// An input of several parts: a kind, a length of two bytes (little-endian), and so many bytes. The last part may be cut short, so that
// every input means something.
#ifndef PANTHER_TESTS_FUZZ_PARTS_H
#define PANTHER_TESTS_FUZZ_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PART_HEADER_BYTES 3

struct part {
    uint8_t kind;
    const uint8_t *data;
    size_t bytes;
};

static inline bool part_next(const uint8_t **data, size_t *size, struct part *part)
{
    if (*size < PART_HEADER_BYTES)
        return false;
    size_t wanted = (size_t)(*data)[1] | (size_t)(*data)[2] << 8, left = *size - PART_HEADER_BYTES;
    *part = (struct part){(*data)[0], *data + PART_HEADER_BYTES, wanted < left ? wanted : left};
    *data += PART_HEADER_BYTES + part->bytes;
    *size -= PART_HEADER_BYTES + part->bytes;
    return true;
}

#endif
