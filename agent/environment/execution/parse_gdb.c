// What gdb wrote between the marks of compose.c: "Program received signal SIGSEGV, ..." then "#0  0x.. in main (c=2) at leak.c:9" of each
// thread, the one that got the signal last or first; the thread of the signal is the one gdb calls current, which stands alone first.
#include <stdio.h>
#include <string.h>

#include "agent/environment/execution/lines.h"
#include "agent/environment/execution/parsers.h"

// "#1  0x000055 in main (c=2) at leak.c:9" -> main; "#0  spill (a=0x1) at over.c:4" -> spill; "<signal handler called>" is none.
static void read_frame(struct stack *stack, const char *line)
{
    const char *name = line_words(line + 1 + strspn(line + 1, "0123456789"));
    if (line_past(name, "0x")) {
        const char *in = strstr(name, " in ");
        if (!in)
            return;
        name = in + strlen(" in ");
    }
    if (*name != '<')
        stack_add(stack, name, strcspn(name, " ("));
}

static void tell(struct report *report, const char *signal, const struct stack *stack)
{
    char title[REPORT_TITLE_BYTES];
    snprintf(title, sizeof title, "%s, in %s", signal, stack->count > 0 ? stack->frames[0] : "an unknown place");
    report_stack(report, "gdb", signal, stack, title);
    report_metric(report, REPORT_SUM, 1, "", "gdb.crashes");
}

bool gdb_parse(struct report *report, const char *text, size_t bytes)
{
    static const char received[] = "received signal ";
    struct line_reader reader = line_reader(text, bytes);
    struct stack stack = {.count = 0};
    char signal[32] = "";
    bool current = false, whole = false;
    while (line_next(&reader)) {
        const char *at = strstr(reader.line, received);
        if (at && *signal == '\0') {
            at += strlen(received);
            report_text(signal, sizeof signal, at, strcspn(at, ", "));
        } else if (line_past(reader.line, "==current==")) {
            current = true;
        } else if (line_past(reader.line, "==threads==")) {
            current = false;
        } else if (line_past(reader.line, "==end==")) {
            whole = true;
        } else if (current && *reader.line == '#') {
            read_frame(&stack, reader.line);
        }
    }
    if (*signal)
        tell(report, signal, &stack);
    if (whole)
        report_metric(report, REPORT_SUM, 0, "", "gdb.crashes");
    return whole;
}
