#include "coordinator/report/value.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/units.h"
#include "coordinator/report/readable.h"

#define NS_PER_S INT64_C(1000000000)

bool report_document_parse(const char *text, unsigned documents, enum report_format *format)
{
    static const char *const names[] = {"table", "json", "jsonl", "junit", "tap", "csv", "markdown", "html"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0 && (i <= REPORT_JSONL || (documents & REPORT_DOCUMENT(i)))) {
            *format = (enum report_format)i;
            return true;
        }
    }
    return false;
}

bool report_format_parse(const char *text, enum report_format *format)
{
    return report_document_parse(text, 0, format);
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

bool report_is_number(const char *column)
{
    static const char *const suffixes[] = {"_ms", "_us", "_ns", "_bytes", "_count", "_number"};
    static const char *const names[] = {"value",      "sequence", "number",   "slots",      "cpus",
                                        "repetition", "attempt",  "instance", "generation", "pid"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (ends_with(column, suffixes[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(column, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void format_moment(int64_t wall_ns, char *text, size_t bytes)
{
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    struct tm local;
    localtime_r(&seconds, &local);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%m-%d %H:%M:%S", &local);
    snprintf(text, bytes, "%s.%03d", stamp, (int)(wall_ns % NS_PER_S / 1000000));
}

void report_value(const char *column, const char *value, char *text, size_t bytes)
{
    int64_t number;
    if (!*value || !integer_parse(value, &number) || number < 0) {
        readable_line(value, text, bytes);
    } else if (ends_with(column, "wall_ns")) {
        format_moment(number, text, bytes);
    } else if (ends_with(column, "_ns")) {
        duration_format_ms((uint64_t)number / 1000000, text, bytes);
    } else if (ends_with(column, "_ms")) {
        duration_format_ms((uint64_t)number, text, bytes);
    } else if (ends_with(column, "_bytes")) {
        size_format((uint64_t)number, text, bytes);
    } else {
        readable_line(value, text, bytes);
    }
}

void report_heading(const char *column, char *text, size_t bytes)
{
    static const char *const suffixes[] = {"_wall_ns", "_ns", "_ms", "_bytes", "_count", "_number"};
    size_t length = strlen(column);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (ends_with(column, suffixes[i]) && strlen(suffixes[i]) < length) {
            length -= strlen(suffixes[i]);
            break;
        }
    }
    snprintf(text, bytes, "%.*s", (int)length, strcmp(column, "wall_ns") == 0 ? "time" : column);
    for (char *c = text; *c; c++) {
        *c = *c == '_' ? ' ' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
}

bool report_wants_colour(FILE *out)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fileno(out)) && (!no || !*no) && (!terminal || strcmp(terminal, "dumb") != 0);
}

const char *report_colour(const char *value)
{
    static const struct {
        const char *value, *colour;
    } colours[] = {{"pass", "\033[32m"},      {"fail", "\033[31m"},    {"error", "\033[35m"},  {"inconc", "\033[33m"},
                   {"connected", "\033[32m"}, {"suspect", "\033[33m"}, {"lost", "\033[31m"},   {"running", "\033[36m"},
                   {"yes", "\033[32m"},       {"no", "\033[31m"},      {"revoked", "\033[33m"}};
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        if (strcmp(value, colours[i].value) == 0) {
            return colours[i].colour;
        }
    }
    return "";
}
