#include "agent/host/backend.h"

#include <stdio.h>
#include <string.h>

#include "agent/host/requests.h"
#include "common/system/loop.h"

#define NS_PER_MS UINT64_C(1000000)
// Between the stop signal and KILL, when the plugin says nothing else.
#define GRACE_DEFAULT_MS 2000
// ---- waiting

static bool is_cancelled_locked(const struct host *host)
{
    return host->call.is_cancelled || host->call.is_late;
}

// Waits, with the lock held, until done(host, context) or why not. timeout_ms 0: until the call's deadline, which sets cancel.
static int wait_until(struct host *host, uint64_t timeout_ms, bool (*done)(struct host *, const void *), const void *what)
{
    const uint64_t end_ns = timeout_ms == 0 ? UINT64_MAX : clock_boottime_ns() + timeout_ms * NS_PER_MS;
    while (!done(host, what)) {
        if (is_cancelled_locked(host)) {
            return host->call.is_cancelled ? PANTHER_CANCELLED : PANTHER_TIMED_OUT;
        }
        if (clock_boottime_ns() >= end_ns) {
            return PANTHER_TIMED_OUT;
        }
        host_wait_change(host, end_ns);
    }
    return PANTHER_OK;
}

static bool process_has_ended(struct host *host, const void *number)
{
    const struct process *process = processes_find(&host->processes, *(const int *)number);
    return process == NULL || !process->is_running;
}

static int backend_wait(void *context, int number, uint64_t timeout_ms, struct panther_exit *exit)
{
    struct host *host = context;
    pthread_mutex_lock(&host->lock);
    int result = PANTHER_MISSING;
    if (processes_find(&host->processes, number) != NULL) {
        result = wait_until(host, timeout_ms, process_has_ended, &number);
    }
    struct process *process = processes_find(&host->processes, number);
    if (result == PANTHER_OK && process != NULL) {
        *exit = process->exit;
        process->is_told = true;
    }
    pthread_mutex_unlock(&host->lock);
    return result;
}

static bool backend_is_running(void *context, int number)
{
    struct host *host = context;
    pthread_mutex_lock(&host->lock);
    const struct process *process = processes_find(&host->processes, number);
    const bool is_running = process != NULL && process->is_running;
    pthread_mutex_unlock(&host->lock);
    return is_running;
}

static int send_signal(struct host *host, int number, int signal_number, uint64_t ladder_grace_ms)
{
    Pb__SignalRequest request;
    Pb__HostNotice notice;
    pb__signal_request__init(&request);
    pb__host_notice__init(&notice);
    request.process = (uint32_t)number;
    request.signal = signal_number;
    request.kill_ladder = ladder_grace_ms > 0;
    request.grace_ms = (uint32_t)(ladder_grace_ms < UINT32_MAX ? ladder_grace_ms : UINT32_MAX);
    notice.body_case = PB__HOST_NOTICE__BODY_SIGNAL;
    notice.signal = &request;
    return link_try(&host->plugin_link, &notice) == NULL ? PANTHER_OK : PANTHER_FAILED;
}

static int backend_signal(void *context, int number, int signal_number)
{
    if (!backend_is_running(context, number)) {
        return PANTHER_MISSING;
    }
    return send_signal(context, number, signal_number, 0);
}

static int backend_end(void *context, int number, uint64_t grace_ms)
{
    struct host *host = context;
    if (!backend_is_running(host, number)) {
        return PANTHER_OK;
    }
    send_signal(host, number, 0, grace_ms > 0 ? grace_ms : GRACE_DEFAULT_MS);
    pthread_mutex_lock(&host->lock);
    // not cut short by cancel: who ends a process wants to know that it is gone
    while (!process_has_ended(host, &number)) {
        host_wait_change(host, UINT64_MAX);
    }
    pthread_mutex_unlock(&host->lock);
    return PANTHER_OK;
}

static bool all_have_ended(struct host *host, const void *nothing)
{
    (void)nothing;
    return processes_running(&host->processes) == 0;
}

// The numbers of what runs, in the arena.
static size_t running_numbers(struct host *host, struct arena *arena, int **numbers)
{
    size_t count = 0;
    pthread_mutex_lock(&host->lock);
    *numbers = ARENA_ARRAY(arena, int, host->processes.count + 1);
    for (size_t i = 0; i < host->processes.count; i++) {
        if (host->processes.items[i].is_running) {
            (*numbers)[count++] = host->processes.items[i].number;
        }
    }
    pthread_mutex_unlock(&host->lock);
    return count;
}

size_t backend_end_all(struct host *host)
{
    struct arena *arena = arena_new(0);
    int *numbers = NULL;
    const size_t count = running_numbers(host, arena, &numbers);
    // KILL must have its effect before the phase is late
    const uint64_t half_ms = panther_remaining_ms(host->service) / 2 + 1;
    const uint64_t grace_ms = half_ms < GRACE_DEFAULT_MS ? half_ms : GRACE_DEFAULT_MS;
    for (size_t i = 0; i < count; i++) {
        send_signal(host, numbers[i], 0, grace_ms);
    }
    arena_free(&arena);
    pthread_mutex_lock(&host->lock);
    wait_until(host, 0, all_have_ended, NULL);
    const size_t left = processes_running(&host->processes);
    pthread_mutex_unlock(&host->lock);
    return left;
}

static const char *backend_output(void *context, int number, enum panther_stream stream, struct arena *arena, size_t *bytes)
{
    struct host *host = context;
    pthread_mutex_lock(&host->lock);
    const struct process *process = processes_find(&host->processes, number);
    const struct text *output = process != NULL ? &process->output[stream == PANTHER_STDERR] : NULL;
    *bytes = output != NULL ? output->length : 0;
    char *copy = arena_allocate(arena, *bytes + 1);
    if (*bytes > 0) {
        memcpy(copy, output->data, *bytes);
    }
    pthread_mutex_unlock(&host->lock);
    return copy;
}

// ---- lines

static int backend_watch_line(void *context, const char *stream, bool is_regex, const char *pattern)
{
    struct host *host = context;
    Pb__WatchLine watch;
    Pb__HostNotice notice;
    pb__watch_line__init(&watch);
    pb__host_notice__init(&notice);
    pthread_mutex_lock(&host->lock);
    if (host->watch_count == WATCHES_MAX) {
        pthread_mutex_unlock(&host->lock);
        return panther_fail(host->service, "an instance watches for at most %d lines", WATCHES_MAX);
    }
    host->watches[host->watch_count++] = NEW(struct watch);
    watch.watch = (uint32_t)host->watch_count;
    pthread_mutex_unlock(&host->lock);
    watch.stream = request_text(stream);
    watch.is_regex = is_regex;
    watch.pattern = request_text(pattern);
    notice.body_case = PB__HOST_NOTICE__BODY_WATCH_LINE;
    notice.watch_line = &watch;
    const char *refusal = link_try(&host->plugin_link, &notice);
    return refusal == NULL ? (int)watch.watch : panther_fail(host->service, "cannot watch for a line: %s", refusal);
}

static bool line_is_seen(struct host *host, const void *watch)
{
    const int number = *(const int *)watch;
    return host->watches[number - 1]->is_seen;
}

static int backend_wait_line(void *context, int watch, uint64_t timeout_ms, char *line)
{
    struct host *host = context;
    pthread_mutex_lock(&host->lock);
    int result = PANTHER_MISSING;
    if (watch > 0 && (size_t)watch <= host->watch_count) {
        result = wait_until(host, timeout_ms, line_is_seen, &watch);
        snprintf(line, TEXT_MAX_BYTES, "%s", host->watches[watch - 1]->line);
    }
    pthread_mutex_unlock(&host->lock);
    return result;
}

bool backend_line_is_seen(struct host *host, int watch)
{
    pthread_mutex_lock(&host->lock);
    const bool is_seen = watch > 0 && (size_t)watch <= host->watch_count && line_is_seen(host, &watch);
    pthread_mutex_unlock(&host->lock);
    return is_seen;
}

// ---- what is only told

void backend_metric(void *context, const Pb__Metric *metric)
{
    struct host *host = context;
    Pb__HostNotice notice;
    pb__host_notice__init(&notice);
    notice.body_case = PB__HOST_NOTICE__BODY_METRIC;
    notice.metric = (Pb__Metric *)(uintptr_t)metric;
    link_send(&host->plugin_link, &notice);
}

static void backend_artifact(void *context, const char *path, bool is_pattern, const char *kind)
{
    struct host *host = context;
    Pb__DeclareArtifact artifact;
    Pb__HostNotice notice;
    pb__declare_artifact__init(&artifact);
    pb__host_notice__init(&notice);
    artifact.path = request_text(path);
    artifact.kind = request_text(kind != NULL ? kind : "file");
    artifact.pattern = is_pattern;
    notice.body_case = PB__HOST_NOTICE__BODY_ARTIFACT;
    notice.artifact = &artifact;
    const char *refusal = link_try(&host->plugin_link, &notice);
    if (refusal != NULL) {
        panther_log(host->service, PANTHER_WARNING, "artifact %s is left out: %s", path, refusal);
    }
}

static void backend_write_log(void *context, enum panther_level level, const char *text)
{
    struct host *host = context;
    Pb__HostLog log;
    Pb__HostNotice notice;
    pb__host_log__init(&log);
    pb__host_notice__init(&notice);
    log.level = (unsigned)level <= PANTHER_PROBLEM ? (uint32_t)level : PANTHER_PROBLEM;
    log.text = request_text(text);
    notice.body_case = PB__HOST_NOTICE__BODY_LOG;
    notice.log = &log;
    link_send(&host->any_link, &notice);
}

// ---- time

static uint64_t backend_now_ns(void *context)
{
    (void)context;
    return clock_boottime_ns();
}

static uint64_t backend_deadline_ns(void *context)
{
    struct host *host = context;
    pthread_mutex_lock(&host->lock);
    const uint64_t deadline_ns = host->call.deadline_ns;
    pthread_mutex_unlock(&host->lock);
    return deadline_ns;
}

static bool backend_is_cancelled(void *context)
{
    struct host *host = context;
    pthread_mutex_lock(&host->lock);
    const bool is_cancelled = is_cancelled_locked(host);
    pthread_mutex_unlock(&host->lock);
    return is_cancelled;
}

static int backend_cancel_fd(void *context)
{
    const struct host *host = context;
    return host->cancel_fd;
}

static bool never(struct host *host, const void *nothing)
{
    (void)host;
    (void)nothing;
    return false;
}

static int backend_pause(void *context, uint64_t ms)
{
    struct host *host = context;
    if (ms == 0) {
        return PANTHER_OK;
    }
    pthread_mutex_lock(&host->lock);
    const int result = wait_until(host, ms, never, NULL);
    const bool is_cut_short = is_cancelled_locked(host);
    pthread_mutex_unlock(&host->lock);
    return is_cut_short ? result : PANTHER_OK;
}

const struct service_backend host_backend = {
    .spawn = request_spawn,
    .wait = backend_wait,
    .is_running = backend_is_running,
    .signal = backend_signal,
    .end = backend_end,
    .output = backend_output,
    .watch_line = backend_watch_line,
    .wait_line = backend_wait_line,
    .port = request_port,
    .metric = backend_metric,
    .artifact = backend_artifact,
    .write_log = backend_write_log,
    .now_ns = backend_now_ns,
    .deadline_ns = backend_deadline_ns,
    .is_cancelled = backend_is_cancelled,
    .cancel_fd = backend_cancel_fd,
    .pause = backend_pause,
};
