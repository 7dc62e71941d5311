// What the page of `report` draws of captures: how much arrived when. Read from the artifacts, so only where somebody looks at it.
#include <string.h>

#include "coordinator/cli/report.h"
#include "coordinator/report/throughput.h"

// A page of pictures that somebody looks at; `artifacts` lists the other captures.
#define CAPTURES_MAX 12
// Of one capture: its beginning is drawn, and that this is so is said.
#define CAPTURE_MAX_BYTES ((size_t)16 * 1024 * 1024)

static bool is_capture(const struct run_report *report, size_t row)
{
    return strcmp(run_report_text(report->artifacts, row, "kind"), "pcap") == 0 &&
           strcmp(run_report_text(report->artifacts, row, "state"), "stored") == 0;
}

static int draw(struct evidence *evidence, const struct run_report *report, size_t row, struct text *out)
{
    const char *name = run_report_text(report->artifacts, row, "name"), *in_run = strchr(name, '/');
    CLEANUP_FREE char *data = NULL;
    size_t bytes = 0;
    int status = evidence_read(evidence, name, 0, CAPTURE_MAX_BYTES, &data, &bytes);
    struct throughput *throughput = NEW(struct throughput);
    if (!status && throughput_read(data, bytes, throughput)) {
        throughput_plot(throughput, in_run ? in_run + 1 : name, bytes == CAPTURE_MAX_BYTES, out);
    }
    free(throughput);
    return status;
}

int report_gather_captures(struct evidence *evidence, struct run_report *report)
{
    size_t captures = 0, last;
    int status = 0;
    for (size_t cell = 0; !status && cell < table_count(report->cells); cell++) {
        if (!run_report_last_trial(report, run_report_text(report->cells, cell, "name"), &last)) {
            continue;
        }
        const struct row_group *group = row_index_find(report->artifacts_of, run_report_text(report->trials, last, "name"));
        for (size_t i = 0; !status && i < group->count; i++) {
            if (is_capture(report, group->rows[i]) && captures++ < CAPTURES_MAX) {
                status = draw(evidence, report, group->rows[i], &report->throughput);
            }
        }
    }
    report->captures_left_out = captures > CAPTURES_MAX ? captures - CAPTURES_MAX : 0;
    return status;
}
