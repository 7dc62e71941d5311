// The yardstick alone: `bench_yardstick FOLDER [SECONDS]` prints a table and ends with one line of JSON.
#include <stdio.h>
#include <stdlib.h>

#include "yardstick.h"

static int measure(const char *folder, unsigned in_flight, unsigned commits, uint32_t measure_ms, struct yardstick_result *result)
{
    struct yardstick_options options = {
        .folder = folder, .in_flight = in_flight, .commits = commits, .warm_up_ms = measure_ms / 4, .measure_ms = measure_ms};
    struct panther_error error = {0};
    if (yardstick_run(&options, result, &error) != 0) {
        fprintf(stderr, "bench_yardstick: %s\n", error.message);
        return 1;
    }
    printf("%9u %8u %10.0f %10.0f %10.0f %10.0f %10.0f %10.1f\n", in_flight, commits, result->rate_per_s, result->median_us, result->p90_us,
           result->p99_us, result->max_us, result->cases_per_commit);
    return 0;
}

int main(int argument_count, char **arguments)
{
    static const unsigned in_flight[] = {1, 16, 64};
    static const unsigned commits[] = {1, YARDSTICK_COMMITS_OF_PROTOCOL};
    struct yardstick_result results[2][3];
    const char *folder = argument_count > 1 ? arguments[1] : ".";
    uint32_t measure_ms = argument_count > 2 ? (uint32_t)(atof(arguments[2]) * 1000) : 3000;
    printf("in flight  commits    cases/s  median us     p90 us     p99 us     max us  per commit\n");
    for (size_t c = 0; c < 2; c++)
        for (size_t w = 0; w < 3; w++)
            if (measure(folder, in_flight[w], commits[c], measure_ms, &results[c][w]))
                return 1;
    printf("{\"bench\":\"yardstick\"");
    for (size_t c = 0; c < 2; c++)
        for (size_t w = 0; w < 3; w++)
            printf(",\"rate_%u_commits_%u\":%.0f,\"median_us_%u_commits_%u\":%.0f", in_flight[w], commits[c], results[c][w].rate_per_s,
                   in_flight[w], commits[c], results[c][w].median_us);
    printf("}\n");
    return 0;
}
