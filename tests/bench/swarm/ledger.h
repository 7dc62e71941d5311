// What the coordinator's journal says of a run, read from its file: each cell and case has one verdict, or is lost or doubled.
#ifndef PANTHER_TESTS_BENCH_SWARM_LEDGER_H
#define PANTHER_TESTS_BENCH_SWARM_LEDGER_H

#include <stdint.h>

#include "common/base/error.h"

struct ledger {
    uint64_t cells, cases; // with a verdict
    uint64_t passed_cells;
    uint64_t doubled; // verdicts of a cell or case that had one
    uint64_t records;
};
int ledger_read(const char *path, struct ledger *ledger, struct panther_error *error);

#endif
