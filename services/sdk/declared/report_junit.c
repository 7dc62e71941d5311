// JUnit's XML: <testcase name= classname=> with <failure>, <error> or <skipped> inside. No validator: a scanner that knows tags,
// attributes, comments and CDATA, and says when the file ends before its root does.
#include <stdio.h>
#include <string.h>

#include "services/sdk/declared/report.h"

#define BLANKS " \t\r\n"

struct scanner {
    const char *cursor;
    struct report *report;
    size_t depth;
    bool in_case;
    const char *name, *group;
    enum report_status status;
};

static const struct {
    const char *text;
    char character;
} entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};

static char *unescape(struct arena *arena, const char *text, size_t bytes)
{
    char *out = arena_string_bytes(arena, text, bytes);
    size_t length = 0;
    for (const char *from = out; *from != '\0';) {
        size_t taken = 1;
        char character = *from;
        for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
            if (strncmp(from, entities[i].text, strlen(entities[i].text)) == 0) {
                character = entities[i].character;
                taken = strlen(entities[i].text);
            }
        }
        from += taken;
        out[length++] = character;
    }
    out[length] = '\0';
    return out;
}

// name="value" in a tag's text. NULL: it has no such attribute.
static const char *attribute(struct arena *arena, const char *tag, size_t bytes, const char *name)
{
    const size_t name_bytes = strlen(name);
    const char *end = tag + bytes;
    const char *cursor = tag + strcspn(tag, BLANKS ">/");
    while (cursor < end) {
        cursor += strspn(cursor, BLANKS);
        const char *word = cursor;
        cursor += strcspn(cursor, "=>" BLANKS);
        const size_t word_bytes = (size_t)(cursor - word);
        cursor += strspn(cursor, BLANKS "=");
        if (cursor >= end || (*cursor != '"' && *cursor != '\'')) {
            return NULL;
        }
        const char *value = cursor + 1;
        const char *close = memchr(value, *cursor, (size_t)(end - value));
        if (close == NULL) {
            return NULL;
        }
        if (word_bytes == name_bytes && strncmp(word, name, name_bytes) == 0) {
            return unescape(arena, value, (size_t)(close - value));
        }
        cursor = close + 1;
    }
    return NULL;
}

static bool is_tag(const char *tag, const char *name)
{
    const size_t bytes = strlen(name);
    return strncmp(tag, name, bytes) == 0 && strchr(BLANKS ">/", tag[bytes]) != NULL;
}

static void end_case(struct scanner *scanner)
{
    if (scanner->in_case) {
        report_add(scanner->report, scanner->group, scanner->name, scanner->status);
    }
    scanner->in_case = false;
}

static void open_tag(struct scanner *scanner, const char *tag, size_t bytes)
{
    struct arena *arena = scanner->report->arena;
    const bool is_empty = bytes > 0 && tag[bytes - 1] == '/';
    if (is_tag(tag, "testcase")) {
        const char *name = attribute(arena, tag, bytes, "name"), *group = attribute(arena, tag, bytes, "classname");
        scanner->in_case = true;
        scanner->name = name != NULL ? name : "";
        scanner->group = group != NULL ? group : "";
        scanner->status = REPORT_PASSED;
    } else if (is_tag(tag, "failure") || is_tag(tag, "error")) {
        scanner->status = REPORT_FAILED;
    } else if (is_tag(tag, "skipped") && scanner->status == REPORT_PASSED) {
        scanner->status = REPORT_SKIPPED;
    }
    if (!is_empty) {
        scanner->depth++;
    } else if (is_tag(tag, "testcase")) {
        end_case(scanner);
    }
}

static void close_tag(struct scanner *scanner, const char *tag)
{
    scanner->depth -= scanner->depth > 0;
    if (is_tag(tag, "testcase")) {
        end_case(scanner);
    }
}

// Where a tag ends: the ">" outside of quotes.
static const char *end_of_tag(const char *tag)
{
    char quote = '\0';
    for (; *tag != '\0'; tag++) {
        if (quote != '\0') {
            quote = *tag == quote ? '\0' : quote;
        } else if (*tag == '"' || *tag == '\'') {
            quote = *tag;
        } else if (*tag == '>') {
            return tag;
        }
    }
    return NULL;
}

// What is no element: returns where it ends, NULL when it does not; *cursor stays when it is an element.
static const char *skip_special(const char *tag, bool *is_special)
{
    static const struct {
        const char *begin, *end;
    } kinds[] = {{"!--", "-->"}, {"![CDATA[", "]]>"}, {"?", "?>"}, {"!", ">"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strncmp(tag, kinds[i].begin, strlen(kinds[i].begin)) == 0) {
            const char *end = strstr(tag, kinds[i].end);
            *is_special = true;
            return end != NULL ? end + strlen(kinds[i].end) : NULL;
        }
    }
    *is_special = false;
    return tag;
}

static bool scan_tag(struct scanner *scanner)
{
    bool is_special = false;
    const char *tag = scanner->cursor + 1;
    const char *after = skip_special(tag, &is_special);
    if (is_special) {
        scanner->cursor = after;
        return after != NULL;
    }
    const char *end = end_of_tag(tag);
    if (end == NULL) {
        return false;
    }
    if (*tag == '/') {
        close_tag(scanner, tag + 1);
    } else {
        open_tag(scanner, tag, (size_t)(end - tag));
    }
    scanner->cursor = end + 1;
    return true;
}

void report_read_junit(struct report *report, const char *text)
{
    struct scanner scanner = {.cursor = text, .report = report};
    bool has_root = false;
    for (const char *next = strchr(text, '<'); next != NULL; next = strchr(scanner.cursor, '<')) {
        scanner.cursor = next;
        if (!scan_tag(&scanner)) {
            report->problem = "it ends in the middle of a tag";
            return;
        }
        has_root = has_root || scanner.depth > 0;
    }
    if (!has_root && report->count == 0) {
        report->problem = "it is no JUnit report";
    } else if (scanner.depth > 0) {
        report->problem = "it ends before its root element does";
    }
}
