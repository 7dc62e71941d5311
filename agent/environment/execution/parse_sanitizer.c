// Reports of the sanitizers of gcc and clang: a line that says what, then stacks ("    #0 0x55 in spill over.c:4" or TSan's "    #0 bump
// race.c:5"); the first stack of a report says where. A report ends with an empty line (leaks), another report, or SUMMARY.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/environment/execution/lines.h"
#include "agent/environment/execution/parsers.h"

struct reading {
    struct report *report;
    const char *tool; // "asan"; NULL: in no report
    char what[64], title[REPORT_TITLE_BYTES];
    struct stack stack;
    bool stack_ended, fatal;
};

static void tell(struct reading *reading)
{
    if (!reading->tool)
        return;
    char title[REPORT_TITLE_BYTES];
    snprintf(title, sizeof title, "%.180s, in %s", reading->title,
             reading->stack.count > 0 ? reading->stack.frames[0] : "an unknown place");
    report_stack(reading->report, reading->tool, reading->what, &reading->stack, title);
    report_metric(reading->report, REPORT_SUM, 1, "", "%s.reports", reading->tool);
    reading->tool = NULL;
}

static void begin(struct reading *reading, const char *tool, const char *what, size_t what_bytes, const char *title)
{
    tell(reading);
    memset(&reading->stack, 0, sizeof reading->stack);
    reading->stack_ended = false;
    reading->tool = tool;
    report_text(reading->what, sizeof reading->what, what, what_bytes);
    report_text(reading->title, sizeof reading->title, title, strlen(title));
}

// ---- first lines

// "==17==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x..": addresses and pids are no part of what it is.
static bool is_address_report(struct reading *reading, const char *line)
{
    const char *at = strstr(line, "ERROR: AddressSanitizer: ");
    if (!at)
        return false;
    const char *what = strchr(at, ':') + strlen(": AddressSanitizer: ");
    size_t bytes = strcspn(what, " (");
    char title[REPORT_TITLE_BYTES];
    snprintf(title, sizeof title, "AddressSanitizer: %.*s", (int)(bytes < 100 ? bytes : 100), what);
    begin(reading, "asan", what, bytes, title);
    reading->fatal = true;
    return true;
}

// "Direct leak of 231 byte(s) in 3 object(s) allocated from:"; what leaks because of another leak is not told.
static bool is_leak_report(struct reading *reading, const char *line)
{
    const char *direct = line_past(line, "Direct leak of "), *indirect = line_past(line, "Indirect leak of ");
    if (indirect)
        tell(reading);
    if (indirect || direct)
        report_metric(reading->report, REPORT_SUM, strtod(direct ? direct : indirect, NULL), "bytes", "asan.leaked");
    if (!direct)
        return indirect != NULL;
    char title[REPORT_TITLE_BYTES];
    const char *from = strstr(direct, " allocated from");
    snprintf(title, sizeof title, "LeakSanitizer: %.*s lost", from ? (int)(from - direct) % 100 : 0, direct);
    begin(reading, "asan", "leak", strlen("leak"), title);
    return true;
}

// "WARNING: ThreadSanitizer: data race (pid=17)"
static bool is_thread_report(struct reading *reading, const char *line)
{
    const char *what = line_past(line, "WARNING: ThreadSanitizer: ");
    char words[64];
    if (!what)
        return false;
    snprintf(words, sizeof words, "%.*s", (int)strcspn(what, "("), what);
    for (char *at = words + strlen(words); at > words && at[-1] == ' ';)
        *--at = '\0';
    char title[REPORT_TITLE_BYTES];
    snprintf(title, sizeof title, "ThreadSanitizer: %s", words);
    begin(reading, "tsan", words, strlen(words), title);
    return true;
}

// "over.c:5:77: runtime error: signed integer overflow: 1 + 2147483647 cannot be ...": the numbers are no part of the signature, the file
// is, since its stack is optional.
static bool is_undefined_report(struct reading *reading, const char *line)
{
    const char *at = strstr(line, ": runtime error: ");
    if (!at)
        return false;
    const char *what = at + strlen(": runtime error: ");
    size_t bytes = strcspn(what, ":0123456789");
    begin(reading, "ubsan", what, bytes, what);
    char file[64];
    const char *from = at;
    while (from > line && from[-1] != '/')
        from--;
    snprintf(file, sizeof file, "%.*s", (int)strcspn(from, ":"), from);
    stack_add(&reading->stack, file, strlen(file));
    return true;
}

// ---- frames

static void read_frame(struct reading *reading, const char *words)
{
    const char *name = words + 1 + strspn(words + 1, "0123456789");
    name = line_words(name);
    if (line_past(name, "0x")) {
        const char *in = strstr(name, " in ");
        if (!in)
            return; // without symbols: "#1 0x55 (program+0x1264)"
        name = in + strlen(" in ");
    }
    // "std::vector<int>::at(unsigned long) const file:4": to the blank that is in no bracket
    size_t bytes = 0;
    for (int depth = 0; name[bytes] && (name[bytes] != ' ' || depth > 0); bytes++)
        depth += name[bytes] == '(' || name[bytes] == '<' ? 1 : name[bytes] == ')' || name[bytes] == '>' ? -1 : 0;
    if (strncmp(name, "_start", bytes) != 0 && strncmp(name, "__libc_start_", strlen("__libc_start_")) != 0)
        stack_add(&reading->stack, name, bytes);
}

bool sanitizer_parse(struct report *report, const char *text, size_t bytes)
{
    struct line_reader lines = line_reader(text, bytes);
    struct reading reading = {.report = report};
    bool summary = false;
    while (line_next(&lines)) {
        const char *line = lines.line, *words = line_words(line);
        if (is_address_report(&reading, line) || is_leak_report(&reading, line) || is_thread_report(&reading, line) ||
            is_undefined_report(&reading, line))
            continue;
        if (line_past(line, "SUMMARY: ")) {
            summary = true;
            tell(&reading);
        } else if (*words == '#' && !reading.stack_ended) {
            read_frame(&reading, words);
        } else if (*words != '#' && reading.stack.count > 0 && (reading.tool && strcmp(reading.tool, "ubsan") != 0)) {
            reading.stack_ended = true;
        }
    }
    tell(&reading);
    return !reading.fatal || summary;
}
