// `bench_history [FOLDER [EVENTS]]`: a journal of a million events; see tests/bench/README.md.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/process.h"
#include "measure.h"

#define EVENTS_DEFAULT 1000000

static void print(const struct history_figures *figures)
{
    printf("journal              %" PRIu64 " records, %" PRIu64 " MB; snapshot %" PRIu64 " KB\n", figures->events,
           figures->journal_bytes / 1000000, figures->snapshot_bytes / 1000);
    printf("case results/s       %.0f on a new store, %.0f behind %" PRIu64 " records: %.2f\n", figures->rate_new, figures->rate_old,
           figures->events, figures->flatness);
    printf("exec to listening    %.2f s without a snapshot, %.2f s with the oldest one that there can be; %" PRIu64 " MB resident\n",
           figures->replay_whole_s, figures->replay_1m_s, figures->resident_kib / 1000);
    printf("{\"bench\":\"history\",\"events\":%" PRIu64 ",\"replay_1m_s\":%.3f,\"flatness\":%.3f,\"replay_whole_s\":%.3f,\"rate_new\":%.0f,"
           "\"rate_old\":%.0f,\"snapshot_bytes\":%" PRIu64 ",\"journal_bytes\":%" PRIu64 ",\"resident_kib\":%" PRIu64 "}\n",
           figures->events, figures->replay_1m_s, figures->flatness, figures->replay_whole_s, figures->rate_new, figures->rate_old,
           figures->snapshot_bytes, figures->journal_bytes, figures->resident_kib);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    uint64_t events = argc > 2 ? strtoull(argv[2], NULL, 10) : EVENTS_DEFAULT;
    CLEANUP_FREE char *own = program_folder(), *programs = path_join(own, "../bin");
    struct history_figures figures;
    struct panther_error error = {0};
    if (events == 0 || history_measure(folder, programs, events, &figures, &error) < 0) {
        fprintf(stderr, "bench_history: %s\n", events ? error.message : "EVENTS is a number from 1");
        return EXIT_FAILURE;
    }
    print(&figures);
    return EXIT_SUCCESS;
}
