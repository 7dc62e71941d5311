#include "agent/host/conversation.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/system/loop.h"

#define NS_PER_MS UINT64_C(1000000)
// Packets that are read before deadlines are looked at again.
#define PACKETS_PER_ROUND_MAX 64
// How soon the main thread looks after results that the plugin's thread left: as soon as poll() can.
#define RESULTS_LOOK_MS 1

// ---- commands for the plugin's thread

static void refuse_full(struct host *host, uint32_t number)
{
    static char text[] = "too many commands wait for this instance";
    Pb__CommandDone done;
    Pb__HostNotice notice;
    pb__command_done__init(&done);
    pb__host_notice__init(&notice);
    done.number = number;
    done.status = PB__COMMAND_STATUS__COMMAND_STATUS_REFUSED;
    done.text = text;
    notice.body_case = PB__HOST_NOTICE__BODY_DONE;
    notice.done = &done;
    link_send(&host->main_link, &notice);
}

static uint32_t given_or(uint32_t ms, uint32_t otherwise)
{
    return ms > 0 ? ms : otherwise;
}

static uint32_t timeout_of(const struct host *host, const Pb__HostRequest *request)
{
    const Pb__Initialize *initialize = host->initialize;
    switch (request->body_case) {
    case PB__HOST_REQUEST__BODY_RUN_CASE:
        return given_or(request->run_case->timeout_ms, CASE_DEFAULT_MS);
    case PB__HOST_REQUEST__BODY_EXECUTE:
        return given_or(request->execute->timeout_ms, CASE_DEFAULT_MS);
    case PB__HOST_REQUEST__BODY_INITIALIZE:
        return given_or(initialize->initialize_ms, PHASE_DEFAULT_MS);
    case PB__HOST_REQUEST__BODY_START:
        return given_or(initialize != NULL ? initialize->start_ms : 0, PHASE_DEFAULT_MS);
    default:
        return given_or(initialize != NULL ? initialize->stop_ms : 0, PHASE_DEFAULT_MS);
    }
}

// Stop with cancel: the running call shall end soon, what waits is answered without being done.
static void cancel_all(struct host *host)
{
    work_queue_cancel(&host->queue);
    if (host->call.is_running) {
        host->call.is_cancelled = true;
        host_cancel(host);
    }
}

// With the lock held. NULL: too many wait.
static struct work *push_work(struct host *host, const Pb__HostRequest *request)
{
    const uint32_t timeout_ms = timeout_of(host, request);
    const uint64_t due_ns = clock_boottime_ns() + timeout_ms * NS_PER_MS;
    struct work *work = work_queue_push(&host->queue);
    if (work == NULL) {
        return NULL;
    }
    work->kind = request->body_case;
    work->number = request->number;
    work->timeout_ms = timeout_ms;
    if (work->kind == PB__HOST_REQUEST__BODY_RUN_CASE) {
        snprintf(work->name, sizeof(work->name), "%s", request->run_case->name);
        work->is_unlisted = request->run_case->unlisted;
        if (request->run_case->n_peers + request->run_case->n_conditions > 0) {
            work->run_case = message_copy(request->run_case, NULL);
        }
    }
    if (work->kind == PB__HOST_REQUEST__BODY_INITIALIZE) {
        work->spec = request->initialize->spec;
    }
    // no call can be due before this one, so the plugin's thread need not wake us when it begins it
    host->armed_ns = due_ns < host->armed_ns ? due_ns : host->armed_ns;
    return work;
}

// Wakes the plugin's thread without the lock, which it takes first of all.
static void unlock_and_wake(struct host *host)
{
    const bool wakes = host->plugin_waits;
    host->plugin_waits = false;
    pthread_mutex_unlock(&host->lock);
    if (wakes) {
        pthread_cond_signal(&host->changed);
    }
}

static void queue_work(struct host *host, const Pb__HostRequest *request)
{
    pthread_mutex_lock(&host->lock);
    if (request->body_case == PB__HOST_REQUEST__BODY_STOP && request->stop->cancel) {
        cancel_all(host);
    }
    const bool is_queued = push_work(host, request) != NULL;
    unlock_and_wake(host);
    if (!is_queued) {
        refuse_full(host, request->number);
    }
}

static void queue_cases(struct host *host, const Pb__HostCases *cases)
{
    size_t queued = 0;
    pthread_mutex_lock(&host->lock);
    for (; queued < cases->n_cases; queued++) {
        Pb__HostRequest request;
        pb__host_request__init(&request);
        request.number = cases->cases[queued]->number;
        request.body_case = PB__HOST_REQUEST__BODY_RUN_CASE;
        request.run_case = cases->cases[queued]->run_case;
        if (push_work(host, &request) == NULL) {
            break;
        }
    }
    unlock_and_wake(host);
    for (; queued < cases->n_cases; queued++) {
        refuse_full(host, cases->cases[queued]->number);
    }
}

static void take_initialize(struct host *host, const Pb__HostRequest *request)
{
    if (host->initialize == NULL) {
        // the spec is read as long as the instance lives: its arena is not used again
        host->initialize = request->initialize->spec->initialize;
        host->arena = arena_new(UNPACK_MAX_BYTES);
    }
    queue_work(host, request);
}

// ---- answers and observations of the guard

static void take_answer(struct host *host, uint32_t token, int number, const char *problem)
{
    struct answer *answer = &host->answer;
    if (answer->token != token || answer->is_here) {
        return;
    }
    answer->is_here = true;
    answer->number = number;
    snprintf(answer->problem, sizeof(answer->problem), "%s", problem);
}

static void take_spawned(struct host *host, const Pb__SpawnAnswer *spawned)
{
    const bool is_mine = host->answer.token == spawned->token && !host->answer.is_here;
    if (is_mine && spawned->process > 0) {
        processes_add(&host->processes, (int)spawned->process, host->pending_name, host->pending_finishes, host->pending_want_output);
    }
    take_answer(host, spawned->token, (int)spawned->process, spawned->problem);
}

static void take_exit(struct host *host, const Pb__HostProcessExited *exited)
{
    const struct panther_exit exit = {.status = exited->status, .signal = exited->signal};
    processes_exited(&host->processes, (int)exited->process, &exit);
}

static void take_line(struct host *host, const Pb__LineSeen *seen)
{
    if (seen->watch == 0 || seen->watch > host->watch_count || host->watches[seen->watch - 1]->is_seen) {
        return;
    }
    struct watch *watch = host->watches[seen->watch - 1];
    watch->is_seen = true;
    snprintf(watch->line, sizeof(watch->line), "%s", seen->line);
}

static void take_observation(struct host *host, const Pb__HostRequest *request)
{
    pthread_mutex_lock(&host->lock);
    switch (request->body_case) {
    case PB__HOST_REQUEST__BODY_SPAWNED:
        take_spawned(host, request->spawned);
        break;
    case PB__HOST_REQUEST__BODY_PORT:
        take_answer(host, request->port->token, (int)request->port->port, request->port->problem);
        break;
    case PB__HOST_REQUEST__BODY_PROCESS_EXITED:
        take_exit(host, request->process_exited);
        break;
    case PB__HOST_REQUEST__BODY_LINE_SEEN:
        take_line(host, request->line_seen);
        break;
    case PB__HOST_REQUEST__BODY_PROCESS_OUTPUT: {
        const Pb__ProcessOutput *output = request->process_output;
        processes_output(&host->processes, (int)output->process, output->stream, output->data.data, output->data.len);
        break;
    }
    default:
        break;
    }
    host_changed(host);
    pthread_mutex_unlock(&host->lock);
}

// ---- status: the one call of the plugin that overlaps with others

static void answer_status(struct host *host)
{
    struct panther_status status = {.progress = -1};
    Pb__HostStatus answer;
    Pb__HostNotice notice;
    pthread_mutex_lock(&host->lock);
    struct panther_service *service = host->service;
    const struct panther_plugin *plugin = host->plugin;
    const char *phase = host->call.is_running ? host->call.phase : "";
    pthread_mutex_unlock(&host->lock);
    snprintf(status.state, sizeof(status.state), "%s", *phase != '\0' ? phase : "idle");
    pb__host_status__init(&answer);
    if (service != NULL && plugin->get_status != NULL && plugin->get_status(service, &status) != 0) {
        snprintf(status.text, sizeof(status.text), "get_status failed");
        answer.failed = true;
    }
    status.state[sizeof(status.state) - 1] = status.text[sizeof(status.text) - 1] = '\0';
    answer.phase = (char *)(uintptr_t)phase;
    pb__host_notice__init(&notice);
    answer.state = status.state;
    answer.text = status.text;
    answer.progress = status.progress;
    notice.body_case = PB__HOST_NOTICE__BODY_STATUS;
    notice.status = &answer;
    link_send(&host->main_link, &notice);
}

// ---- the loop

static void take(struct host *host, const Pb__HostRequest *request)
{
    switch (request->body_case) {
    case PB__HOST_REQUEST__BODY_INITIALIZE:
        take_initialize(host, request);
        break;
    case PB__HOST_REQUEST__BODY_START:
    case PB__HOST_REQUEST__BODY_RUN_CASE:
    case PB__HOST_REQUEST__BODY_EXECUTE:
    case PB__HOST_REQUEST__BODY_STOP:
    case PB__HOST_REQUEST__BODY_CLEANUP:
        queue_work(host, request);
        break;
    case PB__HOST_REQUEST__BODY_CASES:
        queue_cases(host, request->cases);
        break;
    case PB__HOST_REQUEST__BODY_STATUS:
        answer_status(host);
        break;
    default:
        take_observation(host, request);
        break;
    }
}

// true: several cases were queued at once, so several results may soon wait for company.
static bool take_all(struct host *host)
{
    bool queued = false;
    for (int i = 0; i < PACKETS_PER_ROUND_MAX; i++) {
        const Pb__HostRequest *request = link_receive(host->main_link.fd, host->arena);
        if (request == NULL) {
            break;
        }
        queued = queued || request->body_case == PB__HOST_REQUEST__BODY_CASES;
        take(host, request);
        arena_reset(host->arena);
    }
    return queued;
}

// Sets the cancel flag of a call whose time is up. Returns when to look again.
static uint64_t keep_time(struct host *host, uint64_t now_ns)
{
    pthread_mutex_lock(&host->lock);
    struct call *call = &host->call;
    if (call->is_running && !call->is_late && call->deadline_ns <= now_ns) {
        call->is_late = true;
        host_cancel(host);
    }
    const uint64_t shortest_ms = work_queue_shortest_ms(&host->queue);
    uint64_t at_ns = shortest_ms == UINT64_MAX ? UINT64_MAX : now_ns + shortest_ms * NS_PER_MS;
    if (call->is_running && !call->is_late && call->deadline_ns < at_ns) {
        at_ns = call->deadline_ns;
    }
    host->armed_ns = at_ns;
    pthread_mutex_unlock(&host->lock);
    return at_ns;
}

static int poll_timeout_ms(uint64_t at_ns, uint64_t now_ns)
{
    if (at_ns == UINT64_MAX) {
        return -1;
    }
    const uint64_t rest_ms = at_ns > now_ns ? (at_ns - now_ns) / NS_PER_MS + 1 : 0;
    return rest_ms < INT32_MAX ? (int)rest_ms : INT32_MAX;
}

void conversation_run(struct host *host)
{
    bool queued = false;
    struct pollfd fds[] = {{.fd = host->main_link.fd, .events = POLLIN}, {.fd = host->wake_fd, .events = POLLIN}};
    for (;;) {
        const uint64_t now_ns = clock_boottime_ns();
        const uint64_t at_ns = keep_time(host, now_ns);
        const int timeout_ms = results_watch(&host->results, queued) ? RESULTS_LOOK_MS : poll_timeout_ms(at_ns, now_ns);
        poll(fds, 2, timeout_ms);
        if (fds[1].revents != 0) {
            uint64_t count = 0;
            ssize_t got = read(host->wake_fd, &count, sizeof(count));
            (void)got; // a wake is a reason to look at the clock, nothing more
        }
        queued = take_all(host);
    }
}
