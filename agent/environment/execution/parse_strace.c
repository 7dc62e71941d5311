// strace's table: "% time     seconds  usecs/call     calls    errors syscall", rules, rows (most time first), rules, total.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/environment/execution/lines.h"
#include "agent/environment/execution/parsers.h"

struct row {
    double seconds, calls, errors;
    char name[64];
};

// "errors" is blank where there were none.
static bool read_row(const char *line, struct row *row)
{
    char words[6][64];
    int count =
        sscanf(line, "%63s %63s %63s %63s %63s %63s", words[0], words[1], words[2], words[3], words[4], words[5]); // NOLINT: bounded
    if (count != 5 && count != 6)
        return false;
    char *end;
    strtod(words[0], &end);
    if (end == words[0])
        return false;
    row->seconds = strtod(words[1], NULL);
    row->calls = strtod(words[3], NULL);
    row->errors = count == 6 ? strtod(words[4], NULL) : 0;
    snprintf(row->name, sizeof row->name, "%s", words[count - 1]);
    return row->calls >= 0 && row->errors >= 0;
}

bool strace_parse(struct report *report, const char *text, size_t bytes, unsigned top)
{
    struct line_reader reader = line_reader(text, bytes);
    bool inside = false, whole = false;
    unsigned rows = 0;
    while (line_next(&reader)) {
        struct row row;
        const char *line = line_words(reader.line);
        if (line_past(line, "% time")) {
            inside = true;
        } else if (inside && read_row(line, &row)) {
            whole = strcmp(row.name, "total") == 0 && reader.whole;
            const char *suffix = whole ? "" : ".";
            if (!whole && rows++ >= top)
                continue;
            report_metric(report, REPORT_SUM, row.calls, "", "strace.calls%s%s", suffix, whole ? "" : row.name);
            if (whole || row.errors > 0)
                report_metric(report, REPORT_SUM, row.errors, "", "strace.errors%s%s", suffix, whole ? "" : row.name);
            if (whole)
                report_metric(report, REPORT_SUM, row.seconds, "s", "strace.time");
            inside = !whole;
        }
    }
    return whole;
}
