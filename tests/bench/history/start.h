// How long a coordinator takes from exec until it listens. It is killed with SIGKILL then: the next start is one after a crash.
#ifndef PANTHER_TESTS_BENCH_HISTORY_START_H
#define PANTHER_TESTS_BENCH_HISTORY_START_H

#include <stdint.h>

#include "common/base/error.h"

struct start_figures {
    double seconds;
    uint64_t resident_kib;
};
int start_measure(const char *programs, const char *folder, struct start_figures *figures, struct panther_error *error);

#endif
