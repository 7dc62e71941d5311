// Log lines to stderr, each by one write, so that lines of several processes on one terminal do not mix.
#include "common/system/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/error.h"

// A line of a person's width many times over; what is longer is cut with "...".
#define LINE_MAX_BYTES 2048

enum log_form { FORM_PLAIN, FORM_COLOUR, FORM_JOURNAL };

static struct {
    const char *program;
    enum log_level least;
    enum log_form form;
} sink = {"panther", LOG_LEVEL_INFO, FORM_PLAIN};

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static const char *const level_colours[] = {"\033[2m", "", "\033[33m", "\033[31m"};
static const int journal_priorities[] = {7, 6, 4, 3}; // sd-daemon(3)

void log_begin(const char *program, enum log_level least)
{
    sink.program = program;
    sink.least = least;
    if (getenv("JOURNAL_STREAM"))
        sink.form = FORM_JOURNAL;
    else
        sink.form = isatty(STDERR_FILENO) && !getenv("NO_COLOR") ? FORM_COLOUR : FORM_PLAIN;
}

int log_level_parse(const char *text, enum log_level *level)
{
    for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++)
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    return PANTHER_EINVALID;
}

static int prefix(char *line, size_t bytes, enum log_level level)
{
    if (sink.form == FORM_JOURNAL)
        return snprintf(line, bytes, "<%d>", journal_priorities[level]);
    struct timespec now;
    struct tm parts;
    char when[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
    const char *colour = sink.form == FORM_COLOUR ? level_colours[level] : "";
    const char *plain = *colour ? "\033[0m" : "";
    return snprintf(line, bytes, "%s.%03ldZ %s%s%s %s: ", when, now.tv_nsec / 1000000, colour, level_names[level], plain, sink.program);
}

// Text may come from outside: it must not forge a second line or move the terminal's cursor.
static void flatten(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = *text == '\n' ? '|' : ' ';
}

void log_line(enum log_level level, const char *format, ...)
{
    if (level < sink.least)
        return;
    char line[LINE_MAX_BYTES];
    size_t used = (size_t)prefix(line, sizeof line, level);
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    flatten(line + used);
    if (wanted >= 0 && used + (size_t)wanted >= sizeof line - 1)
        memcpy(line + sizeof line - 5, "...", 4);
    used = strlen(line);
    line[used++] = '\n';
    // A log that cannot be written has nobody to be told to.
    if (write(STDERR_FILENO, line, used) < 0)
        return;
}
