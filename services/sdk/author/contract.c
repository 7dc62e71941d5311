// The table of the contract, and how a clause says what it found.
#include "services/sdk/author/contract.h"

#include <stdarg.h>
#include <stdio.h>

const struct clause contract_clauses[] = {
    {"loads", "it loads, with an ABI that this host has", NULL, clause_loads},
    {"descriptor", "its descriptor is sound: name, summaries, cases, options with their help", "loads", clause_descriptor},
    {"usable", "what it needs is installed here, and it says which version", "loads", clause_usable},
    {"options", "an unknown option, a wrong type, a value out of range are refused by name", "usable", clause_options},
    {"defaults", "the defaults alone are valid, or the missing options are named", "usable", clause_defaults},
    {"initialize", "initialize leaves no process behind", "defaults", clause_initialize},
    {"lifecycle", "initialize, start, ready, stop, cleanup: each in its time", "defaults", clause_lifecycle},
    {"ready", "when it says ready, its ports are bound and its status is no failure", "lifecycle", clause_ready},
    {"stop", "stop ends what it spawned, cleanly and without a kill", "lifecycle", clause_stop},
    {"processes", "after stop no process is left", "lifecycle", clause_processes},
    {"ports", "after stop no port is left open", "lifecycle", clause_ports},
    {"files", "no file is written outside of the work folder", "lifecycle", clause_files},
    {"descriptors", "after cleanup no descriptor is left open, and cases leave none", "lifecycle", clause_descriptors},
    {"log", "it does not flood its log", "lifecycle", clause_log},
    {"broken_start", "stop, stop again and cleanup after a failed start are harmless", "lifecycle", clause_broken_start},
    {"generations", "a new generation on the same ports becomes ready again, ten times", "lifecycle", clause_generations},
    {"status", "get_status answers within 100 ms, also while it works", "lifecycle", clause_status},
    {"verdict", "a case, or the execution, ends with a verdict of its own", "lifecycle", clause_verdict},
    {"cancel", "stop ends a running case or execution within its deadline", "lifecycle", clause_cancel},
    {"killed", "a process that is killed under it is reported, and is no pass", "lifecycle", clause_killed},
    {"unknown_case", "a case that it does not know is an error, not a pass", "lifecycle", clause_unknown_case},
    {"absent", "without the service that it drives no case passes", "lifecycle", clause_absent},
    {"memory", "work that is repeated does not grow its memory", "lifecycle", clause_memory},
    {"docs", "its README is there and true", "loads", clause_docs},
};
const size_t contract_clause_count = sizeof contract_clauses / sizeof *contract_clauses;

static void say(struct judgement *judgement, enum judgement_state state, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
static void say(struct judgement *judgement, enum judgement_state state, const char *format, va_list arguments)
{
    if (judgement->state != JUDGED_GOOD)
        return;
    judgement->state = state;
    vsnprintf(judgement->text, sizeof judgement->text, format, arguments);
}

void judge_bad(struct judgement *judgement, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(judgement, JUDGED_BAD, format, arguments);
    va_end(arguments);
}

void judge_skip(struct judgement *judgement, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(judgement, JUDGED_SKIPPED, format, arguments);
    va_end(arguments);
}

void judge_note(struct judgement *judgement, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(judgement, JUDGED_GOOD, format, arguments);
    va_end(arguments);
}
