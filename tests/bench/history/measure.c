#include "measure.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "coordinator/shell/recovery.h"
#include "fill.h"
#include "start.h"

#define ROUNDS 7
#define ROUND_RECORDS 20000
// Above all numbers of the history, for what is appended to it later.
#define AFTER 1000000000
#define ROUND_PART 20 // of the events, when these are few

struct measure {
    const char *programs;
    char *old, *new; // data folders: with the history, without
    uint64_t events;
    struct history_figures figures;
};

// ---- how fast

static int rate(struct fill *fill, uint64_t records, double *per_s, struct panther_error *error)
{
    uint64_t began_ns = clock_boottime_ns(), before = fill_records(fill);
    int result = fill_grow(fill, records, error);
    *per_s = (double)(fill_records(fill) - before) * 1e9 / (double)(clock_boottime_ns() - began_ns);
    return result;
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_size);
    return values[ROUNDS / 2];
}

// In turns, so that a machine that slows down slows both.
static int measure_rounds(struct fill *old, struct fill *new, uint64_t records, struct history_figures *figures,
                          struct panther_error *error)
{
    double rates_old[ROUNDS], rates_new[ROUNDS], ratios[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        int result = rate(new, records, &rates_new[i], error);
        if (result == 0) {
            result = rate(old, records, &rates_old[i], error);
        }
        if (result < 0) {
            return result;
        }
        ratios[i] = rates_old[i] / rates_new[i];
    }
    figures->rate_old = median(rates_old);
    figures->rate_new = median(rates_new);
    figures->flatness = median(ratios);
    return 0;
}

static int measure_rates(struct measure *measure, struct panther_error *error)
{
    struct fill *old = NULL, *new = NULL;
    uint64_t part = measure->events / ROUND_PART, records = part < ROUND_RECORDS ? part : ROUND_RECORDS;
    int result = fill_open(&old, measure->old, 0, error);
    if (result == 0) {
        result = fill_grow(old, measure->events, error);
    }
    if (result == 0) {
        result = fill_open(&new, measure->new, 0, error);
    }
    if (result == 0) {
        result = measure_rounds(old, new, records, &measure->figures, error);
    }
    measure->figures.events = old ? fill_records(old) : 0;
    fill_close(&new);
    fill_close(&old);
    return result;
}

// ---- how soon

// A process that writes and ends as if it were killed: its log stays as it is.
static int append_and_die(const char *folder, uint64_t records, struct panther_error *error)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct fill *fill = NULL;
        struct panther_error problem;
        _exit(fill_open(&fill, folder, AFTER, &problem) < 0 || fill_grow(fill, records, &problem) < 0);
    }
    int status;
    bool went_well = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return went_well ? 0 : error_set(error, PANTHER_ESTATE, "the process that writes to %s failed", folder);
}

static uint64_t file_bytes(const char *folder, const char *name)
{
    CLEANUP_FREE char *path = path_join(folder, name);
    struct stat status;
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static int measure_starts(struct measure *measure, struct panther_error *error)
{
    struct start_figures whole = {0}, quick = {0};
    int result = start_measure(measure->programs, measure->old, &whole, error); // makes a snapshot, when the journal is long
    if (result == 0) {
        result = append_and_die(measure->old, SNAPSHOT_RECORDS, error);
    }
    if (result == 0) {
        result = start_measure(measure->programs, measure->old, &quick, error);
    }
    measure->figures.replay_whole_s = whole.seconds;
    measure->figures.replay_1m_s = quick.seconds;
    measure->figures.resident_kib = quick.resident_kib;
    measure->figures.snapshot_bytes = file_bytes(measure->old, "snapshot");
    measure->figures.journal_bytes = file_bytes(measure->old, "journal.db");
    return result;
}

int history_measure(const char *folder, const char *programs, uint64_t events, struct history_figures *figures, struct panther_error *error)
{
    CLEANUP_FREE char *own = path_join(folder, "panther-bench-history");
    CLEANUP_FREE char *old = path_join(own, "old"), *new = path_join(own, "new");
    struct measure measure = {.programs = programs, .old = old, .new = new, .events = events};
    int result = folder_remove(own, error);
    if (result == 0) {
        result = measure_rates(&measure, error);
    }
    if (result == 0) {
        result = measure_starts(&measure, error);
    }
    if (result < 0) {
        return result; // what failed stays to be looked at
    }
    *figures = measure.figures;
    return folder_remove(own, error);
}
