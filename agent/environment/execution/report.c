// See report.h.
#include "agent/environment/execution/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Of a signature that is too long, what stays before the hash of the whole.
#define SIGNATURE_HEAD_BYTES 110

// Functions and files are ASCII nearly always; what is not becomes '?', so that nothing is cut within a character.
void report_text(char *out, size_t out_bytes, const char *text, size_t bytes)
{
    size_t length = 0;
    for (size_t i = 0; i < bytes && text[i] != '\0' && length + 1 < out_bytes; i++)
        out[length++] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
    while (length > 0 && out[length - 1] == ' ')
        length--;
    out[length] = '\0';
}

static struct report_metric *find_metric(struct report *report, const char *name)
{
    for (size_t i = 0; i < report->metric_count; i++)
        if (strcmp(report->metrics[i].name, name) == 0)
            return &report->metrics[i];
    return NULL;
}

void report_metric(struct report *report, enum report_merge merge, double value, const char *unit, const char *format, ...)
{
    char text[512], name[REPORT_NAME_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    report_text(name, sizeof name, text, strlen(text));
    if (!isfinite(value) || *name == '\0' || *name == ' ')
        return;
    struct report_metric *metric = find_metric(report, name);
    if (metric) {
        metric->value = merge == REPORT_SUM ? metric->value + value : fmax(metric->value, value);
    } else if (report->metric_count < REPORT_METRICS_MAX) {
        metric = &report->metrics[report->metric_count++];
        memcpy(metric->name, name, sizeof name);
        metric->value = value;
        metric->unit = unit;
    }
}

double report_value(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->metric_count; i++)
        if (strcmp(report->metrics[i].name, name) == 0)
            return report->metrics[i].value;
    return 0;
}

void report_forget(struct report *report, const char *name)
{
    struct report_metric *metric = find_metric(report, name);
    if (metric)
        *metric = report->metrics[--report->metric_count];
}

// FNV-1a
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

void report_finding(struct report *report, const char *signature, const char *title)
{
    struct report_finding finding;
    report_text(finding.signature, sizeof finding.signature, signature, strlen(signature));
    report_text(finding.title, sizeof finding.title, title, strlen(title));
    if (strlen(signature) >= sizeof finding.signature)
        snprintf(finding.signature + SIGNATURE_HEAD_BYTES, sizeof finding.signature - SIGNATURE_HEAD_BYTES, "~%08" PRIx32,
                 (uint32_t)hash_of(signature));
    for (size_t i = 0; i < report->finding_count; i++)
        if (strcmp(report->findings[i].signature, finding.signature) == 0)
            return;
    if (report->finding_count < REPORT_FINDINGS_MAX)
        report->findings[report->finding_count++] = finding;
    else
        report->findings_left_out++;
}

// ---- stacks

// Allocators, and what the tools put around them: everything is lost in malloc.
static bool is_the_tools(const char *function)
{
    static const char *const whole[] = {"malloc", "calloc",  "realloc", "free",  "reallocarray", "memalign", "posix_memalign",
                                        "strdup", "strndup", "abort",   "raise", "gsignal",      "cfree"};
    static const char *const beginnings[] = {"operator new", "operator delete", "__interceptor_", "__asan",         "__tsan",     "__ubsan",
                                             "__lsan",       "___interceptor_", "__GI_",          "__pthread_kill", "__sanitizer"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(function, whole[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(function, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

void stack_add(struct stack *stack, const char *function, size_t bytes)
{
    char name[sizeof stack->frames[0]];
    report_text(name, sizeof name, function, bytes);
    if (stack->count == STACK_FRAMES_MAX || *name == '\0' || is_the_tools(name))
        return;
    memcpy(stack->frames[stack->count++], name, sizeof name);
}

void report_stack(struct report *report, const char *tool, const char *what, const struct stack *stack, const char *title)
{
    char signature[REPORT_NAME_BYTES * 4];
    size_t length = (size_t)snprintf(signature, 150, "%s %s", tool, what);
    length = strlen(signature);
    for (size_t i = 0; i < stack->count; i++)
        length += (size_t)snprintf(signature + length, sizeof signature - length, "%s%s", i == 0 ? " " : " < ", stack->frames[i]);
    report_finding(report, signature, title);
}
