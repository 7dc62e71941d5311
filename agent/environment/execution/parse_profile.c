// Profiles that are text: massif ("mem_heap_B=4096"), callgrind's output files, google-pprof --text and the first line of a heap profile.
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/environment/execution/lines.h"
#include "agent/environment/execution/parsers.h"
#include "common/base/memory.h"

// ---- massif

bool massif_parse(struct report *report, const char *text, size_t bytes)
{
    struct line_reader reader = line_reader(text, bytes);
    double heap = 0, extra = 0, stacks = 0;
    size_t snapshots = 0;
    while (line_next(&reader)) {
        const char *value;
        if (line_past(reader.line, "snapshot="))
            snapshots++;
        else if ((value = line_past(reader.line, "mem_heap_B=")))
            heap = fmax(heap, strtod(value, NULL));
        else if ((value = line_past(reader.line, "mem_heap_extra_B=")))
            extra = fmax(extra, strtod(value, NULL));
        else if ((value = line_past(reader.line, "mem_stacks_B=")))
            stacks = fmax(stacks, strtod(value, NULL));
    }
    if (snapshots == 0)
        return false;
    report_metric(report, REPORT_MAX, heap, "bytes", "massif.heap_peak");
    report_metric(report, REPORT_MAX, extra, "bytes", "massif.overhead_peak");
    if (stacks > 0)
        report_metric(report, REPORT_MAX, stacks, "bytes", "massif.stacks_peak");
    return true;
}

// ---- callgrind: "fn=(12) main" names number 12, later "fn=(12)"; cost lines "+3 7"; the line behind "calls=" is the callee's.

// Functions of one program; what is beyond counts for the last one.
#define FUNCTIONS_MAX (64 * 1024)

struct function {
    char name[64];
    double cost;
};

struct functions {
    struct function *items;
    size_t count; // highest number + 1
};

static struct function *function_at(struct functions *functions, size_t number)
{
    if (number >= functions->count) {
        functions->items = memory_grow(functions->items, number + 1, sizeof *functions->items);
        memset(functions->items + functions->count, 0, (number + 1 - functions->count) * sizeof *functions->items);
        functions->count = number + 1;
    }
    return &functions->items[number];
}

// "(12) main" or "(12)"; a callee's name ("cfn=") counts as well, since it may be the first that is said.
static size_t read_function(struct functions *functions, const char *text)
{
    if (*text != '(')
        return 0;
    char *end;
    unsigned long number = strtoul(text + 1, &end, 10);
    if (number >= FUNCTIONS_MAX)
        return 0;
    if (*end == ')' && end[1] == ' ')
        report_text(function_at(functions, number)->name, sizeof functions->items->name, end + 2, strlen(end + 2));
    else
        function_at(functions, number);
    return number;
}

static double cost_of(const char *line)
{
    const char *cost = strchr(line, ' ');
    return cost ? strtod(cost + 1, NULL) : 0;
}

static int by_cost(const void *left, const void *right)
{
    double one = ((const struct function *)left)->cost, other = ((const struct function *)right)->cost;
    return (one < other) - (one > other);
}

static void tell_functions(struct report *report, struct functions *functions, double total, unsigned top)
{
    if (functions->count > 0)
        qsort(functions->items, functions->count, sizeof *functions->items, by_cost);
    for (size_t i = 0; i < functions->count && i < top && functions->items[i].cost > 0; i++)
        if (*functions->items[i].name)
            report_metric(report, REPORT_MAX, functions->items[i].cost / total, "ratio", "callgrind.hot.%s", functions->items[i].name);
}

bool callgrind_parse(struct report *report, const char *text, size_t bytes, unsigned top)
{
    struct line_reader reader = line_reader(text, bytes);
    struct functions functions = {0};
    size_t current = 0;
    bool of_callee = false, whole = false;
    double total = 0;
    while (line_next(&reader)) {
        const char *line = reader.line, *value;
        if ((value = line_past(line, "fn=")))
            current = read_function(&functions, value);
        else if ((value = line_past(line, "cfn=")))
            read_function(&functions, value);
        else if (line_past(line, "calls="))
            of_callee = true;
        else if (strchr("+-*0123456789", *line) && *line && of_callee)
            of_callee = false;
        else if (strchr("+-*0123456789", *line) && *line && current < functions.count)
            functions.items[current].cost += fmax(cost_of(line), 0), total += fmax(cost_of(line), 0);
        else if (line_past(line, "totals:"))
            whole = true;
    }
    if (total > 0 && isfinite(total)) {
        report_metric(report, REPORT_SUM, total, "", "callgrind.instructions");
        tell_functions(report, &functions, total, top);
    }
    free(functions.items);
    return whole;
}

// ---- gperftools: "      29 100.0% 100.0%       29 100.0% hot"

bool pprof_parse(struct report *report, const char *text, size_t bytes, const char *what, unsigned top)
{
    struct line_reader reader = line_reader(text, bytes);
    unsigned rows = 0;
    bool whole = false;
    while (line_next(&reader)) {
        double flat, percent, sum, cumulative, cumulative_percent;
        int name = 0;
        if (line_past(reader.line, "Total: ")) {
            whole = true;
            continue;
        }
        sscanf(reader.line, " %lf %lf%% %lf%% %lf %lf%% %n", &flat, &percent, &sum, &cumulative, &cumulative_percent, &name); // NOLINT
        if (name > 0 && reader.line[name] && percent > 0 && percent <= 100 && rows++ < top)
            report_metric(report, REPORT_MAX, percent / 100, "ratio", "%s.hot.%s", what, reader.line + name);
    }
    return whole;
}

// "heap profile:      2:     4196 [     2:     4196] @ heapprofile": in use, and ever allocated
bool heap_profile_parse(struct report *report, const char *text, size_t bytes)
{
    struct line_reader reader = line_reader(text, bytes);
    double objects, in_use, allocations, allocated;
    if (!line_next(&reader) ||
        sscanf(reader.line, "heap profile: %lf: %lf [ %lf: %lf]", &objects, &in_use, &allocations, &allocated) != 4) // NOLINT
        return false;
    report_metric(report, REPORT_SUM, in_use, "bytes", "gperf_heap.in_use_at_end");
    report_metric(report, REPORT_SUM, allocated, "bytes", "gperf_heap.allocated");
    report_metric(report, REPORT_SUM, allocations, "", "gperf_heap.allocations");
    return true;
}
