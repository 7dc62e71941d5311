// Trying verdict rules on what one run of commands left: the first one that holds decides.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/units.h"
#include "services/sdk/declared/invocation.h"
#include "services/sdk/declared/metric.h"
#include "services/sdk/declared/pattern.h"
#include "services/sdk/declared/results.h"
#include "services/sdk/declared/verdict.h"

// ---- texts and ends

static bool matches(const struct template *pattern, const char *text, struct scope *scope)
{
    regex_t regex;
    if (!pattern_compile(pattern, scope, &regex)) {
        return false;
    }
    const bool is_found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return is_found;
}

static bool contains(const struct template *part, const char *text, struct scope *scope)
{
    const char *wanted = template_text(part, scope);
    return wanted != NULL && strstr(text, wanted) != NULL;
}

// A text that is not whole proves nothing by what it lacks.
static bool text_holds(const struct text_rule *rule, const char *text, bool is_whole, struct scope *scope)
{
    if (!is_whole && (rule->absent != NULL || rule->lacks != NULL)) {
        return false;
    }
    return (rule->present == NULL || contains(rule->present, text, scope)) &&
           (rule->absent == NULL || !contains(rule->absent, text, scope)) &&
           (rule->matches == NULL || matches(rule->matches, text, scope)) && (rule->lacks == NULL || !matches(rule->lacks, text, scope));
}

static bool asks_text(const struct text_rule *rule)
{
    return rule->present != NULL || rule->absent != NULL || rule->matches != NULL || rule->lacks != NULL;
}

static bool exit_holds(const struct verdict_rule *rule, const struct evidence *evidence)
{
    bool is_among = rule->exit == EXIT_ANY;
    for (size_t i = 0; i < rule->status_count; i++) {
        is_among = is_among || rule->statuses[i] == evidence->exit.status;
    }
    return evidence->has_ended && evidence->exit.signal == 0 && is_among;
}

static bool signal_holds(const struct verdict_rule *rule, const struct evidence *evidence)
{
    return evidence->has_ended && evidence->exit.signal != 0 && (rule->signal == 0 || rule->signal == evidence->exit.signal);
}

// A file that is there and cannot be read as a text (too large) holds for nothing but that it exists.
static bool file_holds(const struct verdict_rule *rule, struct evidence *evidence)
{
    struct scope *scope = evidence->scope;
    const char *path = template_text(rule->file_path, scope);
    const bool exists = path != NULL && access(panther_path(scope->service, "%s", path), F_OK) == 0;
    if (path == NULL || (rule->asks_file_exists && rule->file_exists != exists)) {
        return false;
    }
    if (!exists || !asks_text(&rule->file)) {
        return rule->asks_file_exists;
    }
    size_t bytes = 0;
    const char *text = panther_read_file(scope->service, path, &bytes);
    return text != NULL && text_holds(&rule->file, evidence_printable(text, bytes), true, scope);
}

// What is kept of a stream ends at the SDK's limit.
static bool is_whole(size_t bytes)
{
    return bytes < PANTHER_OUTPUT_MAX_BYTES;
}

static bool streams_hold(const struct verdict_rule *rule, struct evidence *evidence)
{
    struct scope *scope = evidence->scope;
    const bool out_is_whole = is_whole(evidence->standard_output_bytes), err_is_whole = is_whole(evidence->standard_error_bytes);
    if (rule->asks_standard_output && !text_holds(&rule->standard_output, evidence->standard_output, out_is_whole, scope)) {
        return false;
    }
    if (rule->asks_standard_error && !text_holds(&rule->standard_error, evidence->standard_error, err_is_whole, scope)) {
        return false;
    }
    if (!rule->asks_output) {
        return true;
    }
    const char *both = arena_printf(scope->arena, "%s\n%s", evidence->standard_output, evidence->standard_error);
    return text_holds(&rule->output, both, out_is_whole && err_is_whole, scope);
}

// How it ended is asked first: a rule that says nothing of a signal or of time does not hold for what was cut short.
static bool end_holds(const struct verdict_rule *rule, const struct evidence *evidence)
{
    const bool was_killed = evidence->has_ended && evidence->exit.signal != 0;
    if (!evidence->has_ended && !evidence->is_timed_out) { // no tool was run: silence is no evidence
        return false;
    }
    if (was_killed && !rule->asks_signal) {
        return false;
    }
    if (evidence->is_timed_out && !rule->asks_timeout) {
        return false;
    }
    return (rule->exit == EXIT_NOT_ASKED || exit_holds(rule, evidence)) && (!rule->asks_signal || signal_holds(rule, evidence)) &&
           (!rule->asks_timeout || rule->timeout == evidence->is_timed_out);
}

// ---- metrics and results

struct found {
    struct metrics_found metrics;
    struct results_found results;
};

// A bound that is a reference which has no value, or no number, holds for nothing.
static bool bound_of(const struct template *bound, struct scope *scope, double *number)
{
    const char *text = template_text(bound, scope);
    return text != NULL && float_parse(text, number);
}

static bool bound_holds(const struct metric_bound *bound, const struct found *found, struct scope *scope)
{
    const double *value = metrics_value(&found->metrics, bound->name);
    double limit = 0;
    return value != NULL && (bound->at_least == NULL || (bound_of(bound->at_least, scope, &limit) && *value >= limit)) &&
           (bound->at_most == NULL || (bound_of(bound->at_most, scope, &limit) && *value <= limit)) &&
           (bound->above == NULL || (bound_of(bound->above, scope, &limit) && *value > limit)) &&
           (bound->below == NULL || (bound_of(bound->below, scope, &limit) && *value < limit));
}

static bool bounds_hold(const struct verdict_rule *rule, const struct found *found, struct scope *scope)
{
    for (size_t i = 0; i < rule->bound_count; i++) {
        if (!bound_holds(&rule->bounds[i], found, scope)) {
            return false;
        }
    }
    return true;
}

static bool results_hold(enum results_wanted wanted, const struct results_found *results)
{
    switch (wanted) {
    case RESULTS_PASS:
        return results->problem == NULL && results->passed > 0 && results->failed == 0;
    case RESULTS_FAIL:
        return results->failed > 0;
    case RESULTS_ANY:
        return results->is_read;
    case RESULTS_NOT_ASKED:
        break;
    }
    return true;
}

static const char *metric_text(const char *name, struct arena *arena, void *context)
{
    const struct found *found = context;
    const double *value = metrics_value(&found->metrics, name);
    return value != NULL ? arena_printf(arena, "%.6g", *value) : NULL;
}

// ---- rules

static bool rule_holds(const struct verdict_rule *rule, struct evidence *evidence, const struct found *found)
{
    struct scope *scope = evidence->scope;
    return condition_holds(rule->when, scope) && end_holds(rule, evidence) && results_hold(rule->results, &found->results) &&
           bounds_hold(rule, found, scope) && streams_hold(rule, evidence) && (!rule->asks_file || file_holds(rule, evidence));
}

static const struct verdict_rule *first_that_holds(const struct verdict_rules *rules, struct evidence *evidence, const struct found *found)
{
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        if (rule_holds(&rules->items[i], evidence, found)) {
            return &rules->items[i];
        }
    }
    return NULL;
}

static int say_rule(const struct verdict_rule *rule, struct evidence *evidence, const struct found *found)
{
    const char *text = rule->text != NULL ? template_text(rule->text, evidence->scope) : "";
    const bool names_failed = rule->results == RESULTS_FAIL;
    text = text != NULL ? text : evidence->scope->problem;
    return panther_result(evidence->scope->service, (enum panther_verdict)rule->verdict, (enum panther_reason)rule->reason, "%s%s%s%s",
                          text, names_failed && text[0] != '\0' ? ": " : "", names_failed ? "failed: " : "",
                          names_failed ? found->results.failed_names : "");
}

static int say_without_rule(struct evidence *evidence, const struct found *found)
{
    struct panther_service *service = evidence->scope->service;
    if (evidence->is_timed_out) {
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "the tool was not done in time");
    }
    if (!evidence->has_ended) {
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no tool was run");
    }
    const char *end = invocation_end_text(evidence->scope->arena, &evidence->exit);
    if (evidence->exit.signal != 0) {
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_KILLED, "the tool %s", end);
    }
    const bool is_of_report = evidence->scope->document->results != NULL && found->results.problem != NULL;
    return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no verdict rule holds; the tool %s%s%s: %s", end,
                          is_of_report ? "; of its report: " : "", is_of_report ? found->results.problem : "",
                          invocation_tail(evidence->scope, evidence->process));
}

const char *evidence_printable(const char *text, size_t bytes)
{
    char *copy = (char *)(uintptr_t)text;
    for (size_t i = 0; i < bytes; i++) {
        copy[i] = copy[i] == '\0' ? ' ' : copy[i];
    }
    return copy;
}

static int judge(struct evidence *evidence, const struct verdict_rules *first, struct found *found)
{
    struct scope *scope = evidence->scope;
    metrics_take(evidence, &found->metrics);
    results_take(evidence, &found->results);
    scope->metric = metric_text;
    scope->metric_context = found;
    const struct verdict_rule *rule = first_that_holds(first, evidence, found);
    rule = rule != NULL ? rule : first_that_holds(scope->document->verdict, evidence, found);
    return rule != NULL ? say_rule(rule, evidence, found) : say_without_rule(evidence, found);
}

int evidence_judge(struct evidence *evidence, const struct verdict_rules *first)
{
    struct found *found = ARENA_NEW(evidence->scope->arena, struct found);
    if (evidence->is_cancelled) {
        return panther_result(evidence->scope->service, PANTHER_INCONC, PANTHER_REASON_CANCELLED, "cancelled");
    }
    const int result = judge(evidence, first, found);
    evidence->scope->metric = NULL;
    return result;
}

// ---- before a case

// What lies outside of the work folder is not ours; "$(work)/x" is as much in it as "x".
void evidence_forget_file(struct scope *scope, const struct template *file)
{
    const char *name = file != NULL ? template_text(file, scope) : NULL;
    if (name == NULL || strcmp(name, "-") == 0) {
        return;
    }
    const char *path = panther_path(scope->service, "%s", name), *work = panther_work_folder(scope->service);
    const size_t bytes = strlen(work);
    if (strncmp(path, work, bytes) == 0 && path[bytes] == '/') {
        unlink(path);
    }
}

void evidence_forget(struct scope *scope, const struct verdict_rules *first)
{
    const struct verdict_rules *both[] = {first, scope->document->verdict};
    metrics_forget(scope);
    results_forget(scope);
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; both[i] != NULL && k < both[i]->count; k++) {
            evidence_forget_file(scope, both[i]->items[k].file_path);
        }
    }
}
