#define _GNU_SOURCE // strcasestr
#include "coordinator/report/failure_patterns.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/memory.h"

// A line is looked at up to here: what a pattern says stands in its beginning.
#define LINE_MAX_BYTES 4096

static const char *const port_clash[] = {"address already in use", "EADDRINUSE", "port is already allocated", NULL};
static const char *const certificate[] = {"certificate verify failed", "CERTIFICATE_VERIFY_FAILED", "unknown ca",
                                          "certificate has expired",   "bad certificate",           "self-signed certificate",
                                          "self signed certificate",   "certificate unknown",       "no certificate",
                                          "cannot load certificate",   "key values mismatch",       NULL};
static const char *const no_readiness[] = {"not ready", "start timed out", "did not become ready", NULL};
static const char *const memory[] = {"out of memory",    "oom kill",    "oom-kill",       "limits oom", "Cannot allocate memory",
                                     "memory exhausted", "MemoryError", "std::bad_alloc", NULL};
static const char *const sanitizer[] = {
    "AddressSanitizer", "UndefinedBehaviorSanitizer", "ThreadSanitizer", "LeakSanitizer", "runtime error: ", NULL};
static const char *const disk[] = {"No space left on device", "ENOSPC", "disk is short", "File too large", NULL};
static const char *const program[] = {"is not installed", "command not found", "cannot execute", "no such program", NULL};
static const char *const host[] = {"given up on agent", "ended with its lease", "the host was rebooted", "its guard was killed", NULL};
static const char *const tester[] = {"plugin host died", "plugin host hung", NULL};
static const char *const by_signal[] = {"killed by signal", NULL};
static const char *const late[] = {" timed out", NULL};

// In the order of what says more: a program that found its port taken has also not become ready.
const struct failure_pattern failure_patterns[] = {
    {"port clash",
     "Another process has the port. Let the plugin choose a free one (leave `port` out), or look with `panther-coord ps --orphans` for "
     "what "
     "an earlier trial left.",
     "command_done process_exited host_died", port_clash, true},
    {"out of memory",
     "The kernel or a limit ended it. Raise `limits: {memory: ...}` or host.resources.memory, or lower the load; `artifacts` may hold a "
     "core.",
     "note process_exited host_died command_done", memory, true},
    {"sanitizer", "The program was built with a sanitizer and it found a bug: the report in its stderr names the line.",
     "process_exited output_match", sanitizer, true},
    {"certificate",
     "The two sides do not agree on certificates. Look at `ca`, `certificate` and the name in `sni` or `host`; a chain that a case wants "
     "must be known to both.",
     "command_done process_exited case_result", certificate, true},
    {"disk full",
     "The host's disk (or a quota of the timeline) was full. Free some, or lower the reserve; what is missing is said as a gap.",
     "gap process_exited command_done note", disk, true},
    {"program missing",
     "Install it on that host: `panther-coord plugins NAME` says what a plugin needs; deploy/install-dependencies has the list.",
     "command_done host_died", program, true},
    {"no readiness",
     "It was started and did not answer its readiness probe in time. Its stderr says why, or `timeouts.ready` is too short for this host "
     "or "
     "its execution environment.",
     "command_done", no_readiness, false},
    {"host lost",
     "The agent or its host went away. `panther-coord agents` shows since when; look at the agent's log and the network to it.",
     "instance_lost instance_ended", host, false},
    {"tester killed", "The tester itself died or hung: this says nothing about what it tested. Look at its plugin.log and host.stderr.",
     "host_died", tester, false},
    {"signal",
     "A process was ended by a signal that nobody sent on purpose: a crash. A core is among the artifacts if the host writes cores.",
     "process_exited host_died", by_signal, false},
    {"timeout cascade", "What timed out later waited for what failed first: repair the first link of the chain, the others follow from it.",
     NULL, NULL, false},
    {"timeout", "It did not come back by its deadline. `timeouts` sets deadlines; the last lines of its streams say what it waited for.",
     "command_done", late, false},
    {0},
};

const struct failure_pattern *failure_pattern_named(const char *name)
{
    for (const struct failure_pattern *pattern = failure_patterns; pattern->name; pattern++) {
        if (strcmp(pattern->name, name) == 0) {
            return pattern;
        }
    }
    return NULL;
}

static bool has_phrase(const struct failure_pattern *pattern, const char *text)
{
    for (const char *const *phrase = pattern->phrases; phrase && *phrase; phrase++) {
        if (strcasestr(text, *phrase)) {
            return true;
        }
    }
    return false;
}

static bool has_kind(const struct failure_pattern *pattern, const char *kind)
{
    size_t length = strlen(kind);
    for (const char *at = pattern->kinds; at && (at = strstr(at, kind)); at += length) {
        if ((at == pattern->kinds || at[-1] == ' ') && (at[length] == ' ' || !at[length])) {
            return true;
        }
    }
    return false;
}

// "start done in 20ms"; why a start timed out may be that it "was not done".
static bool is_done(const char *text)
{
    const char *status = strchr(text, ' ');
    return status && strncmp(status, " done", strlen(" done")) == 0;
}

// What was expected is no failure: a process that ended after it was told to, a command that was done.
static bool is_expected(const char *kind, const char *text)
{
    return (strcmp(kind, "process_exited") == 0 && !strstr(text, ", unexpected")) || (strcmp(kind, "command_done") == 0 && is_done(text));
}

const struct failure_pattern *failure_pattern_of_event(const char *kind, const char *text)
{
    for (const struct failure_pattern *pattern = failure_patterns; pattern->name; pattern++) {
        if (has_kind(pattern, kind) && has_phrase(pattern, text) && !is_expected(kind, text)) {
            return pattern;
        }
    }
    return NULL;
}

static const struct failure_pattern *pattern_of_line(const char *line)
{
    for (const struct failure_pattern *pattern = failure_patterns; pattern->name; pattern++) {
        if (pattern->in_streams && has_phrase(pattern, line)) {
            return pattern;
        }
    }
    return NULL;
}

const struct failure_pattern *failure_pattern_of_content(const char *data, size_t bytes, size_t *offset)
{
    char line[LINE_MAX_BYTES];
    for (size_t at = 0; at < bytes;) {
        const char *newline = memchr(data + at, '\n', bytes - at);
        size_t length = newline ? (size_t)(newline - data) - at : bytes - at;
        size_t kept = length < sizeof line ? length : sizeof line - 1;
        memcpy(line, data + at, kept);
        line[kept] = '\0'; // a NUL within ends what is looked at
        const struct failure_pattern *pattern = pattern_of_line(line);
        if (pattern) {
            *offset = at;
            return pattern;
        }
        at += length + 1;
    }
    return NULL;
}
