// The tools' output -> report. Each takes text of any kind (cut, garbage, an attacker's) and says whether it was whole: false means that
// what is missing may have held more. Numbers are bounded by what a double holds. Pure.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_PARSERS_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_PARSERS_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/environment/execution/report.h"

// strace -c or -C: the table at the end.
bool strace_parse(struct report *report, const char *text, size_t bytes, unsigned top);
// perf stat -x,
bool perf_stat_parse(struct report *report, const char *text, size_t bytes);
// perf report --stdio -t '|' -F overhead,symbol,dso
bool perf_report_parse(struct report *report, const char *text, size_t bytes, unsigned top);
// memcheck and helgrind: --xml=yes; tool: "memcheck"
bool valgrind_parse(struct report *report, const char *text, size_t bytes, const char *tool);
bool callgrind_parse(struct report *report, const char *text, size_t bytes, unsigned top);
bool massif_parse(struct report *report, const char *text, size_t bytes);
// gdb -batch with the marks of compose.c
bool gdb_parse(struct report *report, const char *text, size_t bytes);
// AddressSanitizer, LeakSanitizer, ThreadSanitizer, UndefinedBehaviorSanitizer: all in one file when a program has several
bool sanitizer_parse(struct report *report, const char *text, size_t bytes);
// google-pprof --text; what: "gperf_cpu"
bool pprof_parse(struct report *report, const char *text, size_t bytes, const char *what, unsigned top);
// The first line of a heap profile of gperftools.
bool heap_profile_parse(struct report *report, const char *text, size_t bytes);

#endif
