// Reads h2load's summary and its log file.
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// "105us", "1.11ms", "2.05s" -> milliseconds; below 0: none of them
static double duration_ms(double number, const char *unit)
{
    if (strcmp(unit, "us") == 0)
        return number / 1000;
    if (strcmp(unit, "ms") == 0)
        return number;
    return strcmp(unit, "s") == 0 ? number * 1000 : -1;
}

static const char *line_after(const char *output, const char *start)
{
    const char *line = strstr(output, start);
    return line ? line + strlen(start) : NULL;
}

static bool parse_rate(const char *output, struct report *report)
{
    // "finished in 108.12ms, 46245.34 req/s, 49.67MB/s"
    const char *line = line_after(output, "\nfinished in ");
    return line && sscanf(line, "%*[^,], %lf req/s", &report->req_per_s) == 1;
}

static bool parse_requests(const char *output, struct report *report)
{
    const char *line = line_after(output, "\nrequests: ");
    return line && sscanf(line,
                          "%" SCNu64 " total, %" SCNu64 " started, %" SCNu64 " done, %" SCNu64 " succeeded, %" SCNu64 " failed, %" SCNu64
                          " errored, %" SCNu64 " timeout",
                          &report->total, &report->started, &report->done, &report->succeeded, &report->failed, &report->errored,
                          &report->timeout) == 7;
}

static bool parse_status_codes(const char *output, struct report *report)
{
    const char *line = line_after(output, "\nstatus codes: ");
    return line && sscanf(line, "%" SCNu64 " 2xx, %" SCNu64 " 3xx, %" SCNu64 " 4xx, %" SCNu64 " 5xx", &report->status_2xx,
                          &report->status_3xx, &report->status_4xx, &report->status_5xx) == 4;
}

static bool parse_latency(const char *output, struct report *report)
{
    // min, max, mean, sd, +/- sd
    double maximum, mean;
    char maximum_unit[4], mean_unit[4];
    const char *line = line_after(output, "\ntime for request:");
    if (!line || sscanf(line, " %*s %lf%3[a-z] %lf%3[a-z]", &maximum, maximum_unit, &mean, mean_unit) != 4)
        return false;
    report->latency_max_ms = duration_ms(maximum, maximum_unit);
    report->latency_mean_ms = duration_ms(mean, mean_unit);
    return report->latency_max_ms >= 0 && report->latency_mean_ms >= 0;
}

bool report_parse(const char *output, struct report *report)
{
    struct report parsed;
    memset(&parsed, 0, sizeof(parsed));
    if (!parse_rate(output, &parsed) || !parse_requests(output, &parsed) || !parse_status_codes(output, &parsed) ||
        !parse_latency(output, &parsed))
        return false;
    *report = parsed;
    return true;
}

// ---- latencies

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void add(struct latencies *latencies, size_t *room, uint64_t us)
{
    if (latencies->count == *room) {
        *room = *room ? *room * 2 : 4096;
        latencies->us = realloc(latencies->us, *room * sizeof(*latencies->us));
        if (!latencies->us)
            abort();
    }
    latencies->us[latencies->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

bool latencies_read(const char *path, struct latencies *latencies, bool *complete)
{
    char line[128];
    size_t room = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    *latencies = (struct latencies){0};
    while (latencies->count < LATENCIES_MAX && fgets(line, sizeof(line), file)) {
        int status;
        uint64_t us;
        // a request without an answer has status -1
        if (sscanf(line, "%*u\t%d\t%" SCNu64, &status, &us) == 2 && status > 0)
            add(latencies, &room, us);
    }
    *complete = fgetc(file) == EOF;
    fclose(file);
    if (latencies->count > 0)
        qsort(latencies->us, latencies->count, sizeof(*latencies->us), compare);
    return true;
}

double latencies_percentile_ms(const struct latencies *latencies, double share)
{
    double rank = ceil(share * (double)latencies->count);
    size_t index = rank < 1 ? 0 : (size_t)rank - 1;
    if (index >= latencies->count)
        index = latencies->count - 1;
    return latencies->us[index] / 1000.0;
}
