#include "agent/host/runner.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/host/backend.h"
#include "agent/host/phase.h"
#include "common/base/message.h"
#include "common/system/loop.h"
#include "common/wire/wire.h"

#define NS_PER_MS UINT64_C(1000000)

static const char *phase_name(Pb__HostRequest__BodyCase kind)
{
    switch (kind) {
    case PB__HOST_REQUEST__BODY_INITIALIZE:
        return "initialize";
    case PB__HOST_REQUEST__BODY_START:
        return "start";
    case PB__HOST_REQUEST__BODY_RUN_CASE:
        return "run_case";
    case PB__HOST_REQUEST__BODY_EXECUTE:
        return "execute";
    case PB__HOST_REQUEST__BODY_STOP:
        return "stop";
    default:
        return "cleanup";
    }
}

// ---- a call begins and ends

static void begin_call(struct host *host, const struct work *work)
{
    const uint64_t now_ns = clock_boottime_ns();
    host_clear_cancel(host);
    host->call = (struct call){.is_running = true, .phase = phase_name(work->kind), .start_ns = now_ns};
    host_set_deadline(host, now_ns + work->timeout_ms * NS_PER_MS);
}

static void take_work(struct host *host, struct work *work)
{
    pthread_mutex_lock(&host->lock);
    while (!work_queue_pop(&host->queue, work)) {
        host_wait_change(host, UINT64_MAX);
    }
    if (work->kind == PB__HOST_REQUEST__BODY_RUN_CASE) {
        processes_forget_ended(&host->processes);
    }
    begin_call(host, work);
    pthread_mutex_unlock(&host->lock);
}

static struct call end_call(struct host *host)
{
    pthread_mutex_lock(&host->lock);
    host->call.is_running = false;
    host->call.has_successor = work_queue_next_is_case(&host->queue);
    const struct call call = host->call;
    pthread_mutex_unlock(&host->lock);
    return call;
}

// ---- answers

static void fill_outcome(Pb__Outcome *outcome, enum panther_verdict verdict, enum panther_reason reason, const char *text)
{
    pb__outcome__init(outcome);
    outcome->verdict = (Pb__Verdict)verdict;
    outcome->reason = (Pb__Reason)reason;
    outcome->text = (char *)(uintptr_t)text;
}

static void send_case_result(struct host *host, const struct work *work, const struct call *call, Pb__Outcome *outcome,
                             uint64_t duration_ns)
{
    struct panther_service *service = host->service;
    Pb__CaseResult result;
    pb__case_result__init(&result);
    result.number = work->number;
    result.name = (char *)(uintptr_t)work->name;
    result.outcome = outcome;
    result.duration_ns = duration_ns;
    result.n_metrics = service != NULL ? service->metric_count : 0;
    result.metrics = service != NULL ? service->metric_list : NULL;
    result.n_findings = service != NULL ? service->finding_count : 0;
    result.findings = service != NULL ? service->finding_list : NULL;
    if (results_add(&host->results, &result, call->has_successor)) {
        host_wake_main(host);
    }
}

// A verdict that was found before the time was up stands; what a tester says afterwards may come from being cut short.
static void judge_case(const struct handle_result *result, const struct call *call, uint32_t given_ms, char *text, Pb__Outcome *outcome)
{
    const bool is_cut_short = call->is_late || call->is_cancelled;
    if (!is_cut_short || (result->is_set && !result->after_cancel)) {
        fill_outcome(outcome, result->verdict, result->reason, result->text);
        return;
    }
    if (call->is_late) {
        snprintf(text, TEXT_MAX_BYTES, "not done within %u ms%s%.3000s", given_ms, result->is_set ? "; the tester says: " : "",
                 result->text);
    } else {
        snprintf(text, TEXT_MAX_BYTES, "cancelled");
    }
    fill_outcome(outcome, PANTHER_INCONC, call->is_late ? PANTHER_REASON_TIMEOUT : PANTHER_REASON_CANCELLED, text);
}

static void do_case(struct phase *phase, const struct work *work)
{
    struct host *host = phase->host;
    const char *refusal = phase_refusal(phase, work->kind);
    Pb__Outcome outcome;
    char text[TEXT_MAX_BYTES];
    if (host->service != NULL) {
        handle_begin(host->service, true);
    }
    if (work->is_cancelled || refusal != NULL) {
        const struct call none = end_call(host);
        fill_outcome(&outcome, refusal != NULL ? PANTHER_ERROR : PANTHER_INCONC,
                     refusal != NULL ? PANTHER_REASON_INFRASTRUCTURE : PANTHER_REASON_CANCELLED, refusal != NULL ? refusal : "cancelled");
        send_case_result(host, work, &none, &outcome, 0);
        return;
    }
    handle_case(host->service, work->run_case);
    phase_case(phase, work->name, work->is_unlisted);
    const struct call call = end_call(host);
    judge_case(&host->service->result, &call, work->timeout_ms, text, &outcome);
    send_case_result(host, work, &call, &outcome, clock_boottime_ns() - call.start_ns);
    handle_case(host->service, NULL);
}

// ---- lifecycle commands

static int do_phase(struct phase *phase, const struct work *work)
{
    switch (work->kind) {
    case PB__HOST_REQUEST__BODY_INITIALIZE:
        return phase_initialize(phase, work->spec);
    case PB__HOST_REQUEST__BODY_START:
        return phase_start(phase);
    case PB__HOST_REQUEST__BODY_EXECUTE:
        return phase_execute(phase);
    case PB__HOST_REQUEST__BODY_STOP:
        return phase_stop(phase);
    default:
        return phase_cleanup(phase);
    }
}

static void fill_results(struct phase *phase, const struct work *work, Pb__CommandDone *done, Pb__Outcome *outcome)
{
    struct panther_service *service = phase->host->service;
    if (service == NULL) {
        return;
    }
    if (work->kind == PB__HOST_REQUEST__BODY_INITIALIZE) {
        done->n_endpoints = service->endpoint_count;
        done->endpoints = service->endpoints;
        done->implementation_version = phase->version;
    }
    if (work->kind == PB__HOST_REQUEST__BODY_STOP) {
        done->n_metrics = service->metric_count;
        done->metrics = service->metric_list;
    }
    if (work->kind == PB__HOST_REQUEST__BODY_STOP || work->kind == PB__HOST_REQUEST__BODY_EXECUTE) {
        done->n_findings = service->finding_count;
        done->findings = service->finding_list;
    }
    if ((work->kind == PB__HOST_REQUEST__BODY_STOP || work->kind == PB__HOST_REQUEST__BODY_EXECUTE) && service->result.is_set) {
        fill_outcome(outcome, service->result.verdict, service->result.reason, service->result.text);
        done->outcome = outcome;
    }
}

static void send_done(struct host *host, Pb__CommandDone *done)
{
    Pb__HostNotice notice;
    pb__host_notice__init(&notice);
    notice.body_case = PB__HOST_NOTICE__BODY_DONE;
    notice.done = done;
    link_send(&host->plugin_link, &notice);
}

static void judge_phase(struct phase *phase, const struct call *call, uint32_t given_ms, int result, Pb__CommandDone *done, char *text)
{
    done->status = result < 0 ? PB__COMMAND_STATUS__COMMAND_STATUS_FAILED : PB__COMMAND_STATUS__COMMAND_STATUS_OK;
    done->text = phase->text;
    if (call->is_late || call->was_late) {
        snprintf(text, TEXT_MAX_BYTES, "%s was not done within %u ms%s%.3000s", call->phase, given_ms, phase->text[0] != '\0' ? ": " : "",
                 phase->text);
        done->status = PB__COMMAND_STATUS__COMMAND_STATUS_TIMEOUT;
        done->text = text;
    }
}

static void do_command(struct phase *phase, const struct work *work)
{
    struct host *host = phase->host;
    const char *refusal = work->is_cancelled ? "cancelled before it began" : phase_refusal(phase, work->kind);
    Pb__CommandDone done;
    Pb__Outcome outcome;
    char text[TEXT_MAX_BYTES];
    pb__command_done__init(&done);
    done.number = work->number;
    done.phase = (char *)(uintptr_t)phase_name(work->kind);
    phase->text[0] = '\0';
    if (refusal != NULL) {
        end_call(host);
        done.status = PB__COMMAND_STATUS__COMMAND_STATUS_REFUSED;
        done.text = (char *)(uintptr_t)refusal;
        send_done(host, &done);
        return;
    }
    const int result = do_phase(phase, work);
    const struct call call = end_call(host);
    done.duration_ns = clock_boottime_ns() - call.start_ns;
    judge_phase(phase, &call, work->timeout_ms, result, &done, text);
    fill_results(phase, work, &done, &outcome);
    send_done(host, &done);
}

static void *run(void *context)
{
    struct phase *phase = context;
    struct work work;
    for (;;) {
        take_work(phase->host, &work);
        if (work.kind == PB__HOST_REQUEST__BODY_RUN_CASE) {
            do_case(phase, &work);
            message_free(work.run_case);
        } else {
            do_command(phase, &work);
        }
    }
    return NULL;
}

void runner_start(struct host *host)
{
    struct phase *phase = NEW(struct phase);
    pthread_t thread;
    phase->host = host;
    phase->arena = arena_new(0);
    if (pthread_create(&thread, NULL, run, phase) != 0) {
        PANIC("no thread for the plugin");
    }
    pthread_detach(thread);
}
