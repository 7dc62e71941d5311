// Covering arrays: few combinations in which every pair of values of two axes stands together at least once.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_PAIRWISE_H
#define PANTHER_COORDINATOR_EXPERIMENT_PAIRWISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "coordinator/experiment/limits.h"

#define PAIRS_MAX 262144      // some seconds of work at the most
#define PAIRWISE_WORK_MAX 256 // values looked at for each pair, over all: beyond it the exclusions are a riddle

struct pairwise {
    size_t axes;
    size_t sizes[AXES_PER_TEST_MAX]; // values of each axis
    // True: no combination holds these values; `set` bits say which axes have one by now.
    bool (*is_excluded)(const size_t *values, uint32_t set, const void *context);
    const void *context;
};

enum pairwise_result { PAIRWISE_OK, PAIRWISE_TOO_MANY, PAIRWISE_TANGLED };

size_t pairwise_pairs(const struct pairwise *pairwise); // SIZE_MAX: beyond all bounds
// rows: combinations as mixed-radix numbers, the last axis fastest; `rows` holds `*count` that stand already and has room for `capacity`.
// The same input gives the same rows. Pairs that exclusions forbid are left out.
enum pairwise_result pairwise_cover(const struct pairwise *pairwise, uint64_t *rows, size_t *count, size_t capacity);

#endif
