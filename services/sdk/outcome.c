// What a phase ends with: failures, results, metrics, artifacts, log lines.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/verdict.h"
#include "services/sdk/handle.h"

static_assert((int)PANTHER_ERROR == (int)VERDICT_ERROR && (int)PANTHER_INCONC == (int)VERDICT_INCONC &&
                  (int)PANTHER_REASON_INFRASTRUCTURE == (int)REASON_INFRASTRUCTURE && (int)PANTHER_REASON_CRASH == (int)REASON_CRASH,
              "verdicts and reasons are the wire's numbers");
static_assert((int)PANTHER_HIGHER_IS_BETTER == (int)PB__BETTER__BETTER_HIGHER, "better is the wire's number");

// A failure on top of another one keeps the first: "cannot start nginx: program nginx is not installed".
int panther_fail(struct panther_service *service, const char *format, ...)
{
    char text[TEXT_MAX_BYTES / 2];
    char *before = service->failure;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    service->backend->write_log(service->context, PANTHER_PROBLEM, text);
    if (before[0] == '\0') {
        snprintf(service->failure, sizeof(service->failure), "%s", text);
        return PANTHER_FAILED;
    }
    char both[TEXT_MAX_BYTES];
    const int kept = TEXT_MAX_BYTES / 2 - 3;
    snprintf(both, sizeof(both), "%s: %.*s", text, kept, before);
    memcpy(service->failure, both, sizeof(both));
    return PANTHER_FAILED;
}

int panther_result(struct panther_service *service, enum panther_verdict verdict, enum panther_reason reason, const char *format, ...)
{
    struct handle_result *result = &service->result;
    if ((unsigned)verdict > PANTHER_ERROR || (unsigned)reason > PANTHER_REASON_INFRASTRUCTURE) {
        return panther_fail(service, "panther_result was given verdict %d and reason %d, which do not exist", (int)verdict, (int)reason);
    }
    if (result->is_set && verdict <= result->verdict) {
        return 0;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result->text, sizeof(result->text), format, arguments);
    va_end(arguments);
    result->is_set = true;
    result->after_cancel = service->backend->is_cancelled(service->context);
    result->verdict = verdict;
    result->reason = reason;
    return 0;
}

// Bytes of a metric's name and unit; the wire refuses more.
#define METRIC_NAME_MAX_BYTES 127
#define METRIC_UNIT_MAX_BYTES 255

static const char *metric_problem(const char *name, double value, const char *unit)
{
    if (name == NULL || name[0] == '\0' || strlen(name) > METRIC_NAME_MAX_BYTES) {
        return "its name is empty or too long";
    }
    if (unit != NULL && strlen(unit) > METRIC_UNIT_MAX_BYTES) {
        return "its unit is too long";
    }
    return isfinite(value) ? NULL : "its value is not a number";
}

static void metric_fill(Pb__Metric *metric, struct arena *arena, const char *name, double value, const char *unit,
                        enum panther_better better)
{
    pb__metric__init(metric);
    metric->name = arena_string(arena, name);
    metric->value = value;
    metric->unit = arena_string(arena, unit != NULL ? unit : "");
    metric->better = (unsigned)better <= PANTHER_LOWER_IS_BETTER ? (Pb__Better)better : PB__BETTER__BETTER_UNSPECIFIED;
}

void panther_metric(struct panther_service *service, const char *name, double value, const char *unit, enum panther_better better)
{
    const char *problem = metric_problem(name, value, unit);
    if (problem != NULL) {
        panther_log(service, PANTHER_WARNING, "metric %.100s is left out: %s", name != NULL ? name : "", problem);
        return;
    }
    if (!service->in_case) {
        Pb__Metric metric;
        struct arena *arena = arena_new(0);
        metric_fill(&metric, arena, name, value, unit, better);
        service->backend->metric(service->context, &metric);
        arena_free(&arena);
        return;
    }
    if (service->metric_count == METRICS_PER_CASE_MAX) {
        panther_log(service, PANTHER_WARNING, "metric %s is left out: a case has at most %d", name, METRICS_PER_CASE_MAX);
        return;
    }
    metric_fill(&service->metrics[service->metric_count++], service->case_arena, name, value, unit, better);
}

// Bytes of a signature and a title; the wire refuses more.
#define SIGNATURE_MAX_BYTES 127
#define TITLE_MAX_BYTES 255

// A line of printable bytes without space at its ends; what a tester quotes may be anything.
static char *printable_line(struct arena *arena, const char *text, size_t max_bytes)
{
    while (*text == ' ') {
        text++;
    }
    size_t length = strnlen(text, max_bytes);
    char *line = arena_allocate(arena, length + 1);
    memcpy(line, text, length);
    line[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (line[i] < ' ' || line[i] > '~') {
            line[i] = '?';
        }
    }
    while (length > 0 && line[length - 1] == ' ') {
        line[--length] = '\0';
    }
    return line;
}

static bool has_finding(const struct panther_service *service, const char *signature)
{
    for (size_t i = 0; i < service->finding_count; i++) {
        if (strcmp(service->findings[i].signature, signature) == 0) {
            return true;
        }
    }
    return false;
}

void panther_finding(struct panther_service *service, const char *signature, const char *format, ...)
{
    char title[TITLE_MAX_BYTES + 1];
    struct arena *arena = handle_arena(service);
    char *cut = printable_line(arena, signature, SIGNATURE_MAX_BYTES);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(title, sizeof(title), format, arguments);
    va_end(arguments);
    if (cut[0] == '\0' || has_finding(service, cut)) {
        return;
    }
    if (service->finding_count == FINDINGS_PER_CASE_MAX) {
        panther_log(service, PANTHER_WARNING, "finding %s is left out: a case has at most %d", cut, FINDINGS_PER_CASE_MAX);
        return;
    }
    Pb__Finding *finding = &service->findings[service->finding_count++];
    pb__finding__init(finding);
    finding->signature = cut;
    finding->title = printable_line(arena, title, TITLE_MAX_BYTES);
}

void panther_artifact(struct panther_service *service, const char *path_or_pattern, const char *kind)
{
    const bool is_pattern = strpbrk(path_or_pattern, "*?[") != NULL;
    service->backend->artifact(service->context, path_or_pattern, is_pattern, kind);
}

void panther_log(struct panther_service *service, enum panther_level level, const char *format, ...)
{
    char text[TEXT_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    service->backend->write_log(service->context, level, text);
}
