// What the journal of a run says about its cases: every result is a record there, stamped by the coordinator when it was decided.
#ifndef PANTHER_TESTS_BENCH_DISPATCH_VERDICTS_H
#define PANTHER_TESTS_BENCH_DISPATCH_VERDICTS_H

#include <stdint.h>

#include "common/base/error.h"

struct verdicts {
    uint64_t cases;    // in the journal, all passed
    double rate_per_s; // over all trials, without the first and last window of each
    // Between a verdict and the next one of the same trial. With one case in flight this is the way of one case, from its dispatch to
    // its durable verdict: the next is dispatched when the verdict of the one before is committed.
    double median_us, p90_us, p99_us;
    double overall_per_s; // from the first verdict to the last, with all that lies between trials
};
int verdicts_read(const char *path, unsigned window, struct verdicts *verdicts, struct panther_error *error);

#endif
