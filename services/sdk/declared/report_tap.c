// TAP: "1..N", "ok 1 - name # SKIP why", "not ok 2 - name # TODO", "Bail out!". Subtests are indented and counted by their parent.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/sdk/declared/report.h"

static enum report_status status_of(const char *line, bool is_ok)
{
    const char *directive = strchr(line, '#');
    while (directive != NULL && directive > line && directive[-1] == '\\') {
        directive = strchr(directive + 1, '#');
    }
    if (directive != NULL) {
        directive += 1 + strspn(directive + 1, " \t");
        if (strncasecmp(directive, "skip", 4) == 0 || strncasecmp(directive, "todo", 4) == 0) {
            return REPORT_SKIPPED;
        }
    }
    return is_ok ? REPORT_PASSED : REPORT_FAILED;
}

// "ok 12 - name # SKIP" -> "name"
static const char *name_of(struct arena *arena, const char *rest)
{
    rest += strspn(rest, " \t");
    rest += strspn(rest, "0123456789");
    rest += strspn(rest, " \t");
    rest += *rest == '-' ? 1 : 0;
    rest += strspn(rest, " \t");
    size_t bytes = strcspn(rest, "#");
    while (bytes > 0 && (rest[bytes - 1] == ' ' || rest[bytes - 1] == '\t')) {
        bytes--;
    }
    return arena_string_bytes(arena, rest, bytes);
}

static bool begins(const char *line, const char *word)
{
    const size_t bytes = strlen(word);
    return strncmp(line, word, bytes) == 0 && (line[bytes] == ' ' || line[bytes] == '\0' || line[bytes] == '\t');
}

struct tap {
    bool has_plan, has_bailed;
    unsigned long planned;
};

static void read_line(struct report *report, const char *line, struct tap *tap)
{
    const bool is_ok = begins(line, "ok"), is_not_ok = begins(line, "not ok");
    if (is_ok || is_not_ok) {
        report_add(report, "", name_of(report->arena, line + (is_ok ? 2 : 6)), status_of(line, is_ok));
    } else if (strncmp(line, "1..", 3) == 0) {
        tap->has_plan = true;
        tap->planned = strtoul(line + 3, NULL, 10);
    } else if (strncasecmp(line, "bail out!", 9) == 0) {
        tap->has_bailed = true;
    }
}

void report_read_tap(struct report *report, const char *text)
{
    struct tap tap = {0};
    while (*text != '\0') {
        const size_t bytes = strcspn(text, "\r\n");
        read_line(report, arena_string_bytes(report->arena, text, bytes), &tap);
        text += bytes + (text[bytes] != '\0');
    }
    if (tap.has_bailed) {
        report->problem = "the suite bailed out";
    } else if (!tap.has_plan) {
        report->problem = "it has no plan (1..N)";
    } else if (tap.planned != report->count) {
        report->problem = arena_printf(report->arena, "%lu entries were planned, %zu are there", tap.planned, report->count);
    }
}
