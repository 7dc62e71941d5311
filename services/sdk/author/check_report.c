#include "services/sdk/author/check_report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"

static const char *const state_names[] = {[JUDGED_GOOD] = "ok", [JUDGED_BAD] = "FAILED", [JUDGED_SKIPPED] = "skipped"};

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

// ---- for people

void check_print_line(const struct check_report *report, size_t index)
{
    const struct judgement *judgement = &report->judgements[index];
    char time[32];
    duration_format_ms(judgement->took_ns / 1000000, time, sizeof time);
    printf("%-7s %-13s %7s  %s%s%s%s\n", state_names[judgement->state], report->clauses[index]->name, time, report->clauses[index]->summary,
           *judgement->text ? " (" : "", judgement->text, *judgement->text ? ")" : "");
}

void check_print_table(const struct check_report *report)
{
    char time[32];
    duration_format_ms(report->took_ns / 1000000, time, sizeof time);
    printf("%s: %zu of %zu clauses kept, %zu broken, %zu not judged, in %s\n", report->plugin,
           report->count - report->bad - report->skipped, report->count, report->bad, report->skipped, time);
    for (size_t i = 0; i < report->count; i++)
        if (report->judgements[i].state == JUDGED_BAD)
            printf("broken: %s: %s\n", report->clauses[i]->name, report->judgements[i].text);
}

// ---- for scripts

static const char *const json_names[] = {[JUDGED_GOOD] = "ok", [JUDGED_BAD] = "failed", [JUDGED_SKIPPED] = "skipped"};

void check_print_json(const struct check_report *report)
{
    json_t *clauses = json_array();
    for (size_t i = 0; i < report->count; i++) {
        const struct judgement *judgement = &report->judgements[i];
        json_array_append_new(clauses, json_pack("{s:s, s:s, s:s, s:s, s:f}", "name", report->clauses[i]->name, "summary",
                                                 report->clauses[i]->summary, "result", json_names[judgement->state], "text",
                                                 judgement->text, "seconds", seconds(judgement->took_ns)));
    }
    json_t *root = json_pack("{s:s, s:i, s:i, s:f, s:o}", "plugin", report->plugin, "broken", (int)report->bad, "not_judged",
                             (int)report->skipped, "seconds", seconds(report->took_ns), "clauses", clauses);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

// ---- for a build server

// What a plugin printed may hold anything; XML 1.0 has no place for control characters, not even escaped.
static void print_escaped(const char *text)
{
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        switch (c) {
        case '&':
            fputs("&amp;", stdout);
            break;
        case '<':
            fputs("&lt;", stdout);
            break;
        case '>':
            fputs("&gt;", stdout);
            break;
        case '"':
            fputs("&quot;", stdout);
            break;
        default:
            putchar(c < 0x20 ? ' ' : c);
        }
    }
}

static void print_outcome(const char *element, const char *text)
{
    printf("      <%s message=\"", element);
    print_escaped(text);
    puts("\"/>");
}

void check_print_junit(const struct check_report *report)
{
    puts("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    printf("<testsuites>\n  <testsuite name=\"");
    print_escaped(report->plugin);
    printf("\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%.3f\">\n", report->count, report->bad, report->skipped,
           seconds(report->took_ns));
    for (size_t i = 0; i < report->count; i++) {
        const struct judgement *judgement = &report->judgements[i];
        printf("    <testcase classname=\"contract\" name=\"%s\" time=\"%.3f\">\n", report->clauses[i]->name, seconds(judgement->took_ns));
        if (judgement->state == JUDGED_BAD)
            print_outcome("failure", judgement->text);
        if (judgement->state == JUDGED_SKIPPED)
            print_outcome("skipped", judgement->text);
        puts("    </testcase>");
    }
    puts("  </testsuite>\n</testsuites>");
}
