// The XML of memcheck and helgrind, as valgrind's docs/internals/xml-output-protocol4.txt has it: one element a line, in a fixed order.
// Of a program that was killed there is only the beginning; what stands there is told all the same.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/environment/execution/lines.h"
#include "agent/environment/execution/parsers.h"

struct error {
    char kind[64], text[REPORT_TITLE_BYTES];
    double leaked;
    struct stack stack;
    unsigned stacks; // the first one says where
};

static void unescape(char *text)
{
    static const struct {
        const char *entity;
        char plain;
    } entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    char *out = text;
    for (const char *in = text; *in;) {
        size_t i = 0;
        while (i < 5 && strncmp(in, entities[i].entity, strlen(entities[i].entity)) != 0)
            i++;
        *out++ = i < 5 ? entities[i].plain : *in;
        in += i < 5 ? strlen(entities[i].entity) : 1;
    }
    *out = '\0';
}

// "<fn>lose</fn>" -> "lose"; false: another element
static bool element(const char *line, const char *name, char *out, size_t out_bytes)
{
    char text[LINE_MAX_BYTES];
    const char *from = *line == '<' ? line_past(line + 1, name) : NULL;
    if (!from || *from != '>')
        return false;
    const char *to = strchr(++from, '<');
    snprintf(text, sizeof text, "%.*s", to ? (int)(to - from) : (int)strlen(from), from);
    unescape(text);
    report_text(out, out_bytes, text, strlen(text));
    return true;
}

// Times a leak's text holds ("in loss record 1 of 7") are not part of its title.
static void tell(struct report *report, struct error *error, const char *tool)
{
    char title[REPORT_TITLE_BYTES];
    char *record = strstr(error->text, " in loss record");
    if (record)
        *record = '\0';
    const char *where = error->stack.count > 0 ? error->stack.frames[0] : "an unknown place";
    snprintf(title, sizeof title, "%.180s, in %s", *error->text ? error->text : error->kind, where);
    report_stack(report, tool, *error->kind ? error->kind : "error", &error->stack, title);
    report_metric(report, REPORT_SUM, 1, "", "%s.errors", tool);
    if (error->leaked > 0)
        report_metric(report, REPORT_SUM, error->leaked, "bytes", "%s.leaked", tool);
}

static void read_inside(struct error *error, const char *line)
{
    char value[REPORT_TITLE_BYTES];
    if (element(line, "kind", value, sizeof value))
        snprintf(error->kind, sizeof error->kind, "%.63s", value);
    else if ((element(line, "what", value, sizeof value) || element(line, "text", value, sizeof value)) && *error->text == '\0')
        snprintf(error->text, sizeof error->text, "%s", value);
    else if (element(line, "leakedbytes", value, sizeof value))
        error->leaked = strtod(value, NULL);
    else if (line_past(line, "<stack>"))
        error->stacks++;
    else if (error->stacks == 1 && element(line, "fn", value, sizeof value))
        stack_add(&error->stack, value, strlen(value));
}

bool valgrind_parse(struct report *report, const char *text, size_t bytes, const char *tool)
{
    struct line_reader reader = line_reader(text, bytes);
    struct error error;
    bool inside = false, whole = false;
    memset(&error, 0, sizeof error);
    while (line_next(&reader)) {
        const char *line = line_words(reader.line);
        if (line_past(line, "<error>")) {
            memset(&error, 0, sizeof error);
            inside = true;
        } else if (inside && line_past(line, "</error>")) {
            tell(report, &error, tool);
            inside = false;
        } else if (inside) {
            read_inside(&error, line);
        } else if (line_past(line, "</valgrindoutput>")) {
            whole = true;
        }
    }
    if (whole)
        report_metric(report, REPORT_SUM, 0, "", "%s.errors", tool); // none is an answer, too
    return whole;
}
