// What h2load printed and logged, as numbers.
#ifndef H2LOAD_REPORT_H
#define H2LOAD_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The summary that h2load ends with. Its exit status says nothing: it is 0 even when every request failed.
struct report {
    double req_per_s;
    uint64_t total, started, done, succeeded, failed, errored, timeout; // requests
    uint64_t status_2xx, status_3xx, status_4xx, status_5xx;
    double latency_mean_ms, latency_max_ms; // of requests
};

// False when a part is missing: output of a h2load that was cut short, or of one that prints other lines.
bool report_parse(const char *output, struct report *report);

// Latencies of answered requests, from the log file: "start_us TAB status TAB duration_us" per request.
struct latencies {
    size_t count;
    uint32_t *us; // sorted; to be freed
};
// 4 bytes each: 64 MiB. A longer log is read up to here, and `complete` is false.
#define LATENCIES_MAX ((size_t)16 * 1024 * 1024)
// False when the file cannot be read.
bool latencies_read(const char *path, struct latencies *latencies, bool *complete);
// The smallest latency that at least this share (0..1) of the requests kept to (nearest rank). count > 0.
double latencies_percentile_ms(const struct latencies *latencies, double share);

#endif
