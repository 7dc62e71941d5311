// What a test may ask about: all of it is read off the guard's events and streams.
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/process.h"
#include "services/sdk/harness/harness.h"

#define NS_PER_MS UINT64_C(1000000)
#define STREAM_MAX_BYTES (256 * 1024 * 1024)

const char *panther_test_problem(const struct panther_test *test)
{
    return test->problem;
}

const char *panther_test_folder(const struct panther_test *test)
{
    return test->folder;
}

// The answer to Initialize.
static const Pb__CommandDone *initialized(const struct panther_test *test)
{
    for (size_t i = 0; i < test->event_count; i++) {
        const Pb__Event *event = test->events[i];
        if (event->body_case == PB__EVENT__BODY_COMMAND_DONE && event->command_done->number == 1) {
            return event->command_done;
        }
    }
    return NULL;
}

int panther_test_port(const struct panther_test *test, const char *endpoint)
{
    const Pb__CommandDone *done = initialized(test);
    for (size_t i = 0; done != NULL && i < done->n_endpoints; i++) {
        if (strcmp(done->endpoints[i]->name, endpoint) == 0) {
            return (int)done->endpoints[i]->port;
        }
    }
    return -1;
}

const char *panther_test_version(const struct panther_test *test)
{
    const Pb__CommandDone *done = initialized(test);
    return done != NULL ? done->implementation_version : "";
}

// ---- metrics

static bool metric_in(Pb__Metric *const *metrics, size_t count, const char *name, double *value)
{
    for (size_t i = count; i > 0; i--) {
        if (strcmp(metrics[i - 1]->name, name) == 0) {
            *value = metrics[i - 1]->value;
            return true;
        }
    }
    return false;
}

static bool metric_of(const Pb__Event *event, const char *name, double *value)
{
    switch (event->body_case) {
    case PB__EVENT__BODY_METRIC:
        return metric_in((Pb__Metric *const[]){event->metric}, 1, name, value);
    case PB__EVENT__BODY_CASE_RESULT:
        return metric_in(event->case_result->metrics, event->case_result->n_metrics, name, value);
    case PB__EVENT__BODY_COMMAND_DONE:
        return metric_in(event->command_done->metrics, event->command_done->n_metrics, name, value);
    default:
        return false;
    }
}

bool panther_test_metric(const struct panther_test *test, const char *name, double *value)
{
    for (size_t i = test->event_count; i > 0; i--) {
        if (metric_of(test->events[i - 1], name, value)) {
            return true;
        }
    }
    return false;
}

// ---- findings

static unsigned findings_in(Pb__Finding *const *findings, size_t count, const char *signature)
{
    unsigned found = 0;
    for (size_t i = 0; i < count; i++) {
        found += strcmp(findings[i]->signature, signature) == 0;
    }
    return found;
}

unsigned panther_test_findings(const struct panther_test *test, const char *signature)
{
    unsigned found = 0;
    for (size_t i = 0; i < test->event_count; i++) {
        const Pb__Event *event = test->events[i];
        if (event->body_case == PB__EVENT__BODY_CASE_RESULT) {
            found += findings_in(event->case_result->findings, event->case_result->n_findings, signature);
        } else if (event->body_case == PB__EVENT__BODY_COMMAND_DONE) {
            found += findings_in(event->command_done->findings, event->command_done->n_findings, signature);
        }
    }
    return found;
}

// ---- processes

static const Pb__ProcessStarted *started(const struct panther_test *test, const char *process)
{
    for (size_t i = test->event_count; i > 0; i--) {
        const Pb__Event *event = test->events[i - 1];
        if (event->body_case == PB__EVENT__BODY_PROCESS_STARTED && strcmp(event->process_started->name, process) == 0) {
            return event->process_started;
        }
    }
    return NULL;
}

int panther_test_pid(const struct panther_test *test, const char *process)
{
    const Pb__ProcessStarted *found = started(test, process);
    return found != NULL ? (int)found->pid : -1;
}

static const Pb__ProcessExited *exited(const struct panther_test *test, const char *process)
{
    const Pb__ProcessStarted *latest = started(test, process);
    for (size_t i = test->event_count; latest != NULL && i > 0; i--) {
        const Pb__Event *event = test->events[i - 1];
        if (event->body_case == PB__EVENT__BODY_PROCESS_EXITED && event->process_exited->process == latest->process) {
            return event->process_exited;
        }
    }
    return NULL;
}

bool panther_test_exited(struct panther_test *test, const char *process, uint64_t timeout_ms, struct panther_test_exit *exit)
{
    const uint64_t end_ns = clock_boottime_ns() + timeout_ms * NS_PER_MS;
    const Pb__ProcessExited *found = exited(test, process);
    while (found == NULL && clock_boottime_ns() < end_ns && harness_read(test)) {
        found = exited(test, process);
    }
    if (found == NULL) {
        return false;
    }
    *exit = (struct panther_test_exit){.status = found->status,
                                       .signal = found->signal,
                                       .clean = found->clean,
                                       .unexpected = found->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED};
    return true;
}

bool panther_test_host_died(const struct panther_test *test, int *signal_number)
{
    for (size_t i = 0; i < test->event_count; i++) {
        if (test->events[i]->body_case == PB__EVENT__BODY_HOST_DIED) {
            *signal_number = test->events[i]->host_died->signal;
            return true;
        }
    }
    return false;
}

static bool is_host(pid_t pid)
{
    char link[64], target[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
    const ssize_t length = readlink(link, target, sizeof(target) - 1);
    if (length < 0) {
        return false;
    }
    target[length] = '\0';
    const char *slash = strrchr(target, '/');
    return slash != NULL && strcmp(slash + 1, "panther-service") == 0;
}

int panther_test_host_pid(const struct panther_test *test)
{
    struct process_list list = {0};
    int found = -1;
    if (test->pidfd >= 0) {
        process_descendants(test->guard, &list);
    }
    for (size_t i = 0; i < list.count && found < 0; i++) {
        found = is_host(list.pids[i]) ? (int)list.pids[i] : -1;
    }
    process_list_free(&list);
    return found;
}

// ---- files and output

bool panther_test_artifact(const struct panther_test *test, const char *path)
{
    for (size_t i = 0; i < test->event_count; i++) {
        const Pb__Event *event = test->events[i];
        if (event->body_case == PB__EVENT__BODY_ARTIFACT_READY && strcmp(event->artifact_ready->path, path) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t rule_id(const struct panther_test *test, const char *pattern)
{
    for (size_t i = 0; i < test->initialize->n_output_rules; i++) {
        if (strcmp(test->initialize->output_rules[i]->pattern, pattern) == 0) {
            return test->initialize->output_rules[i]->id;
        }
    }
    return 0;
}

// Of each stream the guard tells the first match, and at its end the last one with the count.
unsigned panther_test_matches(const struct panther_test *test, const char *pattern)
{
    const uint32_t rule = rule_id(test, pattern);
    unsigned total = 0;
    for (size_t i = 0; rule != 0 && i < test->event_count; i++) {
        const Pb__Event *event = test->events[i];
        if (event->body_case != PB__EVENT__BODY_OUTPUT_MATCH || event->output_match->rule != rule) {
            continue;
        }
        const uint64_t count = event->output_match->count;
        total += count > 1 ? (unsigned)count - 1 : 1; // the first one was counted by its own event
    }
    return total;
}

char *panther_test_stream(const struct panther_test *test, const char *name)
{
    char *data = NULL;
    size_t bytes = 0;
    char *path = arena_printf(test->arena, "%s/streams/%s", test->folder, name);
    return file_read(path, STREAM_MAX_BYTES, &data, &bytes, NULL) < 0 ? NULL : data;
}
