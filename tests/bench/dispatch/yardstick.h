// What dispatching a case costs when nothing is there but the three things nobody can leave out: ROUTER and DEALER with CURVE,
// protobuf-c packing and unpacking of a RunCase and its CaseResult, and one grouped, fully synced SQLite commit. It shares no
// code with the product but the generated messages, so that a slow product cannot make its own yardstick slow.
#ifndef PANTHER_TESTS_BENCH_DISPATCH_YARDSTICK_H
#define PANTHER_TESTS_BENCH_DISPATCH_YARDSTICK_H

#include <stdint.h>

#include "common/base/error.h"

// Syncs in series from a case's result to its durable verdict, as proto/PROTOCOL.md counts them: outbox, journal.
#define YARDSTICK_COMMITS_OF_PROTOCOL 2
#define YARDSTICK_COMMITS_MAX 8

struct yardstick_options {
    const char *folder;  // for the databases: on the disk that the product uses in the same run
    unsigned in_flight;  // cases that are on their way at once
    unsigned commits;    // in series: 1 at the receiver of results, the others at their sender; at most YARDSTICK_COMMITS_MAX
    uint32_t warm_up_ms; // runs before it is measured
    uint32_t measure_ms;
};
struct yardstick_result {
    uint64_t cases; // durable within the measured time
    double rate_per_s;
    double median_us, p90_us, p99_us, max_us; // from handing the command to libzmq until the commit has returned
    double cases_per_commit;                  // at the receiver
};

// Blocks; a thread of its own is the sender of results. PANTHER_ESYSTEM, PANTHER_EIO: the databases could not be made or written.
int yardstick_run(const struct yardstick_options *options, struct yardstick_result *result, struct panther_error *error);

#endif
