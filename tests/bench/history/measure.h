// What a long history costs: how soon a coordinator serves again, and whether a verdict is as fast after a million as after none.
// Used by bench_history.c; a benchmark of the whole may ask for the same figures.
#ifndef PANTHER_TESTS_BENCH_HISTORY_MEASURE_H
#define PANTHER_TESTS_BENCH_HISTORY_MEASURE_H

#include <stdint.h>

#include "common/base/error.h"

struct history_figures {
    uint64_t events;           // records of the journal
    double rate_new, rate_old; // case results committed per second: on a new store, on the one with the history
    double flatness;           // median over the rounds of rate_old by rate_new
    double replay_whole_s;     // from exec to listening without a snapshot
    double replay_1m_s;        // the same from the last snapshot and as many records after it as there can be, after kill -9
    uint64_t snapshot_bytes, journal_bytes;
    uint64_t resident_kib; // of the coordinator that has just started
};
// folder: on the disk that counts; a folder panther-bench-history is made in it and removed. programs: the folder of panther-coord.
int history_measure(const char *folder, const char *programs, uint64_t events, struct history_figures *figures,
                    struct panther_error *error);

#endif
