// perf stat -x, ("261.55,msec,task-clock,...") and perf report ("  98.04%|[.] hot|leak").
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/environment/execution/lines.h"
#include "agent/environment/execution/parsers.h"

bool perf_stat_parse(struct report *report, const char *text, size_t bytes)
{
    struct line_reader reader = line_reader(text, bytes);
    bool any = false;
    while (line_next(&reader)) {
        char *end, *unit = strchr(reader.line, ','), *event = unit ? strchr(unit + 1, ',') : NULL;
        double value = strtod(reader.line, &end);
        if (!event || end == reader.line || end != unit)
            continue; // a comment, or "<not supported>"
        *event++ = '\0';
        event[strcspn(event, ",:")] = '\0';
        if (*event == '\0')
            continue;
        any = true;
        report_metric(report, REPORT_SUM, value, strcmp(unit + 1, "msec") == 0 ? "ms" : "", "perf.%s", event);
    }
    return any;
}

// A symbol's kind stands in front: "[.] hot", "[k] schedule".
static const char *symbol_of(char *column)
{
    column[strcspn(column, "|")] = '\0';
    const char *name = line_words(column);
    return *name == '[' && strlen(name) > 4 ? name + 4 : name;
}

bool perf_report_parse(struct report *report, const char *text, size_t bytes, unsigned top)
{
    struct line_reader reader = line_reader(text, bytes);
    unsigned rows = 0;
    while (line_next(&reader)) {
        char *end, *bar = strchr(reader.line, '|');
        double percent = strtod(line_words(reader.line), &end);
        if (*line_words(reader.line) == '#' || !bar || *end != '%' || percent < 0 || percent > 100)
            continue;
        const char *symbol = symbol_of(bar + 1);
        if (*symbol && rows++ < top)
            report_metric(report, REPORT_MAX, percent / 100, "ratio", "perf.hot.%s", symbol);
    }
    return rows > 0;
}
