// The output of strace, perf, valgrind, gdb, gperftools and sanitizers, cut anywhere and changed by whoever can write to the work folder:
// every parser reads every input. Beside not crashing: what they report passes as metrics and findings (printable names within their
// limits, finite numbers), and no limit is passed.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/environment/execution/parsers.h"
#include "common/base/error.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const char *text, size_t limit)
{
    INVARIANT(*text != '\0' && strlen(text) < limit);
    for (const char *at = text; *at; at++)
        INVARIANT(*at >= ' ' && *at < 0x7f);
}

static void check(const struct report *report)
{
    INVARIANT(report->metric_count <= REPORT_METRICS_MAX && report->finding_count <= REPORT_FINDINGS_MAX);
    for (size_t i = 0; i < report->metric_count; i++) {
        check_text(report->metrics[i].name, REPORT_NAME_BYTES);
        INVARIANT(isfinite(report->metrics[i].value));
    }
    for (size_t i = 0; i < report->finding_count; i++)
        check_text(report->findings[i].signature, REPORT_NAME_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct report report;
    char *text = malloc(bytes ? bytes : 1); // of exactly that size, so that a read behind its end is seen
    memset(&report, 0, sizeof report);
    if (bytes > 0)
        memcpy(text, data, bytes);
    strace_parse(&report, text, bytes, 20);
    perf_stat_parse(&report, text, bytes);
    perf_report_parse(&report, text, bytes, 20);
    valgrind_parse(&report, text, bytes, "memcheck");
    callgrind_parse(&report, text, bytes, 20);
    massif_parse(&report, text, bytes);
    gdb_parse(&report, text, bytes);
    sanitizer_parse(&report, text, bytes);
    pprof_parse(&report, text, bytes, "gperf_cpu", 20);
    heap_profile_parse(&report, text, bytes);
    check(&report);
    free(text);
    return 0;
}
