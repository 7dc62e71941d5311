// What the tools found: metrics that add up over the processes of an instance, and findings, each once. Filled by the parsers of the
// tools' output (parsers.h), told by the guard.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_REPORT_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_REPORT_H

#include <stdbool.h>
#include <stddef.h>

// One CommandDone holds 64 findings, the plugin's among them.
#define REPORT_FINDINGS_MAX 32
// A few tools with a hundred functions each at most.
#define REPORT_METRICS_MAX 256
// A name of a metric or a signature, as the wire takes it.
#define REPORT_NAME_BYTES 128
#define REPORT_TITLE_BYTES 256

enum report_merge { REPORT_SUM, REPORT_MAX };

struct report_metric {
    char name[REPORT_NAME_BYTES];
    double value;
    const char *unit; // static
};

struct report_finding {
    char signature[REPORT_NAME_BYTES], title[REPORT_TITLE_BYTES];
};

struct report {
    struct report_metric metrics[REPORT_METRICS_MAX];
    size_t metric_count;
    struct report_finding findings[REPORT_FINDINGS_MAX];
    size_t finding_count, findings_left_out;
};

void report_metric(struct report *report, enum report_merge merge, double value, const char *unit, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
// What was reported under the signature before is not reported again.
void report_finding(struct report *report, const char *signature, const char *title);
double report_value(const struct report *report, const char *name); // 0: not reported
void report_forget(struct report *report, const char *name);

// Where something happened: the innermost functions of a stack that are the program's own, as signature. No line numbers and addresses:
// they change with every build.
#define STACK_FRAMES_MAX 5
struct stack {
    char frames[STACK_FRAMES_MAX][64];
    size_t count;
};
void stack_add(struct stack *stack, const char *function, size_t bytes);
// "memcheck Leak_DefinitelyLost lose < main"
void report_stack(struct report *report, const char *tool, const char *what, const struct stack *stack, const char *title);

// Text that the wire takes: printable, cut at an end of a character.
void report_text(char *out, size_t out_bytes, const char *text, size_t bytes);

#endif
