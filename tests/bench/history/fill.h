// A data folder that is written to as the coordinator writes: the real store with its writer thread and its tables.
#ifndef PANTHER_TESTS_BENCH_HISTORY_FILL_H
#define PANTHER_TESTS_BENCH_HISTORY_FILL_H

#include <stdint.h>

#include "common/base/error.h"

struct fill;
// The folder is made when it is not there, with the keys that `serve` asks for. after: runs, trials and instances are numbered from above
// it.
int fill_open(struct fill **out, const char *folder, uint64_t after, struct panther_error *error);
void fill_close(struct fill **fill);
uint64_t fill_records(const struct fill *fill);
// Runs of 10 trials of 1,000 cases, at least so many records more; returns when all are committed.
int fill_grow(struct fill *fill, uint64_t records, struct panther_error *error);

#endif
