#include "coordinator/report/explain.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/identity.h"
#include "coordinator/report/readable.h"
#include "coordinator/report/timeline.h"

// Links that a person reads; what is beyond is in `timeline`.
#define LINKS_MAX 40
#define LINE_BYTES 400
// Cases that timed out behind another failure are a cascade from two on.
#define CASCADE_MIN 2

static const char *value(const struct table *table, size_t row, const char *column)
{
    const char *text = table && row < table_count(table) ? table_value(table, row, column) : NULL;
    return text ? text : "";
}

static bool is_bad(const char *verdict)
{
    return strcmp(verdict, "fail") == 0 || strcmp(verdict, "error") == 0 || strcmp(verdict, "inconc") == 0;
}

static void add_link(struct explanation *explanation, char *what, char *where, const char *service, const struct failure_pattern *pattern)
{
    if (explanation->count == LINKS_MAX) {
        free(what);
        free(where);
        return;
    }
    APPEND(explanation->links, explanation->count, explanation->capacity) =
        (struct explain_link){what, where, memory_string(service), pattern};
}

// ---- what happened, in the order of cause and effect

static bool is_tester(const struct explain_input *input, const char *service)
{
    for (size_t row = 0; input->instances && row < table_count(input->instances); row++) {
        if (strcmp(value(input->instances, row, "service"), service) == 0) {
            return strcmp(value(input->instances, row, "kind"), "tester") == 0;
        }
    }
    return false;
}

static const struct failure_pattern *pattern_of(const struct explain_input *input, const struct timeline_entry *entry)
{
    const struct failure_pattern *pattern = failure_pattern_of_event(entry->kind, entry->text);
    bool is_tester_pattern = pattern && strcmp(pattern->name, "tester killed") == 0;
    return is_tester_pattern && !is_tester(input, entry->service) ? failure_pattern_named("signal") : pattern;
}

// Somebody who opened a shell in a service; who came when the verdict was given has nothing to do with it.
static bool is_visit(const struct timeline_entry *entry)
{
    return strcmp(entry->kind, "note") == 0 && strstr(entry->text, " is inside: shell.");
}

static bool is_of_visit(const char *stream)
{
    const char *name = strrchr(stream, '/');
    return stream_is_of_shell(name ? name + 1 : stream);
}

// Worth a link: what is no step of a trial that goes well.
static bool is_news(const struct timeline_entry *entry)
{
    static const char *const always[] = {"host_died",     "gap", "instance_lost", "fault_began", "fault_ended", "instance_renewed",
                                         "run_cancelled", NULL};
    for (const char *const *kind = always; *kind; kind++) {
        if (strcmp(entry->kind, *kind) == 0) {
            return true;
        }
    }
    if (strcmp(entry->kind, "process_exited") == 0) {
        return strstr(entry->text, ", unexpected") != NULL;
    }
    if (strcmp(entry->kind, "command_done") == 0) {
        return strstr(entry->text, "failed") || strstr(entry->text, "timed out") || strstr(entry->text, "refused");
    }
    if (strcmp(entry->kind, "instance_ended") == 0) {
        return !strstr(entry->text, "was cleaned up");
    }
    return false;
}

static void add_events(const struct explain_input *input, struct explanation *explanation)
{
    struct timeline timeline;
    if (!input->timeline) {
        return;
    }
    bool is_decided = false;
    timeline_make(input->timeline, &timeline);
    for (size_t i = 0; i < timeline.count; i++) {
        const struct timeline_entry *entry = &timeline.entries[i];
        const struct failure_pattern *pattern = pattern_of(input, entry);
        is_decided |= strcmp(entry->kind, "trial_held") == 0;
        if (pattern || is_news(entry) || (is_visit(entry) && !is_decided)) {
            add_link(explanation, memory_printf("%s: %s", entry->host, entry->text),
                     memory_printf("events %llu", (unsigned long long)entry->sequence), entry->service, pattern);
        }
    }
    timeline_free(&timeline);
}

// ---- what programs printed

static char *line_at(const char *data, size_t bytes, size_t offset)
{
    char line[LINE_BYTES];
    size_t length = 0;
    while (offset + length < bytes && length < sizeof line - 1 && data[offset + length] != '\n') {
        length++;
    }
    CLEANUP_FREE char *raw = memory_new(length + 1);
    memcpy(raw, data + offset, length);
    readable_line(raw, line, sizeof line);
    return memory_string(line);
}

static void add_streams(const struct explain_input *input, struct explanation *explanation)
{
    for (size_t row = 0; input->read && input->streams && row < table_count(input->streams); row++) {
        const char *name = value(input->streams, row, "name");
        size_t bytes = 0, offset = 0;
        if (is_of_visit(name)) {
            continue; // what a person looked at
        }
        CLEANUP_FREE char *data = input->read(input->context, name, &bytes);
        const struct failure_pattern *pattern = data ? failure_pattern_of_content(data, bytes, &offset) : NULL;
        if (pattern) {
            CLEANUP_FREE char *line = line_at(data, bytes, offset);
            add_link(explanation, memory_printf("printed: %s", line), memory_printf("%s@%zu", name, offset),
                     value(input->streams, row, "service"), pattern);
        }
        if (*value(input->streams, row, "gaps")) {
            add_link(explanation, memory_printf("%s is not whole: %s", name, value(input->streams, row, "gaps")), memory_string(name),
                     value(input->streams, row, "service"), NULL);
        }
    }
}

// ---- what was judged

static size_t add_judged(const struct table *table, const char *name, const char *prefix, struct explanation *explanation)
{
    size_t late = 0;
    for (size_t row = 0; table && row < table_count(table); row++) {
        const char *verdict = value(table, row, "verdict"), *reason = value(table, row, "reason"), *text = value(table, row, "text");
        const char *observed = value(table, row, "observed");
        if (!is_bad(verdict)) {
            continue;
        }
        late += strcmp(reason, "timeout") == 0;
        const char *why = *observed ? observed : text; // the text of an assertion repeats its name and what was observed
        add_link(explanation,
                 memory_printf("%s %s: %s%s%s%s%s%s", prefix, value(table, row, name), verdict, *reason ? " (" : "", reason,
                               *reason ? ")" : "", *why ? ": " : "", why),
                 memory_string(""), value(table, row, "service"), failure_pattern_of_event("case_result", text));
    }
    return late;
}

static void name_it(struct explanation *explanation, size_t late)
{
    size_t best = sizeof(void *) * LINKS_MAX;
    for (size_t i = 0; i < explanation->count; i++) {
        const struct failure_pattern *pattern = explanation->links[i].pattern;
        size_t rank = pattern ? (size_t)(pattern - failure_patterns) : best;
        if (rank < best) {
            best = rank;
            explanation->pattern = pattern;
        }
    }
    const struct failure_pattern *found = explanation->pattern;
    if (late >= CASCADE_MIN && (!found || strcmp(found->name, "timeout") == 0)) {
        explanation->pattern = failure_pattern_named("timeout cascade");
    }
}

void explain(const struct explain_input *input, struct explanation *explanation)
{
    *explanation = (struct explanation){0};
    const char *verdict = value(input->trial, 0, "verdict"), *reason = value(input->trial, 0, "reason");
    const char *text = value(input->trial, 0, "text");
    explanation->verdict = memory_printf("%s: %s%s%s%s%s%s", value(input->trial, 0, "name"), *verdict ? verdict : "no verdict yet",
                                         *reason ? " (" : "", reason, *reason ? ")" : "", *text ? ": " : "", text);
    if (strcmp(verdict, "pass") == 0) {
        return; // nothing failed: a process that died of a fault of the timeline is no reason for anything
    }
    add_events(input, explanation);
    add_streams(input, explanation);
    size_t late = add_judged(input->cases, "case", "case", explanation);
    add_judged(input->assertions, "assertion", "assertion", explanation);
    name_it(explanation, late);
}

void explanation_free(struct explanation *explanation)
{
    for (size_t i = 0; i < explanation->count; i++) {
        free(explanation->links[i].what);
        free(explanation->links[i].where);
        free(explanation->links[i].service);
    }
    free(explanation->links);
    free(explanation->verdict);
    *explanation = (struct explanation){0};
}

void explanation_text(const struct explanation *explanation, struct text *out)
{
    char line[2 * LINE_BYTES];
    readable_line(explanation->verdict, line, sizeof line);
    text_printf(out, "%s\n", line);
    for (size_t i = 0; i < explanation->count; i++) {
        const struct explain_link *link = &explanation->links[i];
        readable_line(link->what, line, sizeof line);
        text_printf(out, "%2zu. %s%s%s", i + 1, link->service, *link->service ? ": " : "", line);
        text_printf(out, "%s%s%s\n", *link->where ? "  [" : "", link->where, *link->where ? "]" : "");
    }
    if (explanation->pattern) {
        text_printf(out, "this is known as: %s\n  %s\n", explanation->pattern->name, explanation->pattern->advice);
    }
}

struct table *explanation_table(const struct explanation *explanation)
{
    static const char *const columns[] = {"number", "service", "what", "where", "pattern", "advice"};
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    const struct failure_pattern *whole = explanation->pattern;
    table_add(table, (const char *const[]){"0", "", explanation->verdict, "", whole ? whole->name : "", whole ? whole->advice : ""});
    for (size_t i = 0; i < explanation->count; i++) {
        const struct explain_link *link = &explanation->links[i];
        CLEANUP_FREE char *number = memory_printf("%zu", i + 1);
        table_add(table, (const char *const[]){number, link->service, link->what, link->where, link->pattern ? link->pattern->name : "",
                                               link->pattern ? link->pattern->advice : ""});
    }
    return table;
}
