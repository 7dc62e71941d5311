// What the plugin does when it is called, and how that ends: well, or as the faults have it. See guard.h.
#include <string.h>

#include "common/base/limits.h"
#include "common/base/verdict.h"
#include "tests/simulation/guard_inside.h"
#include "tests/simulation/host_clock.h"

#define SIGKILL_NUMBER 9
#define SIGSEGV_NUMBER 11
// A plugin that does not come back is killed this long after its deadline (agent/guard/commands.c).
#define OVERDUE_NS (2 * NS_PER_S)
#define CANCEL_NS (50 * NS_PER_MS)
#define GOOD_RATE 200
#define POOR_RATE 50

const char *guard_phase(const struct guard *guard)
{
    switch (guard->open_count ? guard->open[guard->open_first].kind : PB__COMMAND__BODY__NOT_SET) {
    case PB__COMMAND__BODY_INITIALIZE:
        return "initialize";
    case PB__COMMAND__BODY_START:
        return "start";
    case PB__COMMAND__BODY_RUN_CASE:
        return "run_case";
    case PB__COMMAND__BODY_EXECUTE:
        return "execute";
    case PB__COMMAND__BODY_STOP:
        return "stop";
    case PB__COMMAND__BODY_CLEANUP:
        return "cleanup";
    default:
        return "";
    }
}

// ---- answers

static char *text_of(const struct guard *guard, const char *text)
{
    return arena_string(guard->world->arena, text);
}

static Pb__Endpoint *add_endpoint(const struct guard *guard, Pb__CommandDone *done, const char *name, const char *address)
{
    Pb__Endpoint *endpoint = done->endpoints[done->n_endpoints++] = ARENA_NEW(guard->world->arena, Pb__Endpoint);
    pb__endpoint__init(endpoint);
    endpoint->name = text_of(guard, name);
    endpoint->address = text_of(guard, address);
    return endpoint;
}

// A network has a place for each service, everybody else a port.
static void add_endpoints(const struct guard *guard, Pb__CommandDone *done)
{
    const Pb__Initialize *initialize = guard->spec->initialize;
    struct arena *arena = guard->world->arena;
    done->endpoints = ARENA_ARRAY(arena, Pb__Endpoint *, initialize->n_network_services + 1);
    for (size_t i = 0; i < initialize->n_network_services; i++) {
        const char *address = arena_printf(arena, "10.64.0.%zu", i + 1);
        Pb__Endpoint *place = add_endpoint(guard, done, initialize->network_services[i], address);
        place->port = 1; // none
        place->transport = PB__TRANSPORT__TRANSPORT_UDP;
    }
    if (initialize->network)
        return;
    Pb__Endpoint *http = add_endpoint(guard, done, "http", guard->spec->address);
    http->port = guard->spec->port_first;
    http->transport = PB__TRANSPORT__TRANSPORT_TCP;
}

void guard_answer(struct guard *guard, Pb__CommandStatus status, const char *text)
{
    struct arena *arena = guard->world->arena;
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_COMMAND_DONE);
    Pb__CommandDone *done = event->command_done = ARENA_NEW(arena, Pb__CommandDone);
    pb__command_done__init(done);
    done->number = guard->open[guard->open_first].number;
    done->status = status;
    done->text = text_of(guard, text);
    done->phase = text_of(guard, guard_phase(guard));
    if (guard->open[guard->open_first].kind == PB__COMMAND__BODY_INITIALIZE && status == PB__COMMAND_STATUS__COMMAND_STATUS_OK)
        add_endpoints(guard, done);
    if (status != PB__COMMAND_STATUS__COMMAND_STATUS_OK)
        guard_spoil(guard, "a command was not done");
    guard_say(guard, event);
    guard_first_is_answered(guard);
}

static Pb__Metric *rate_metric(struct guard *guard, bool is_poor)
{
    Pb__Metric *metric = ARENA_NEW(guard->world->arena, Pb__Metric);
    pb__metric__init(metric);
    metric->name = text_of(guard, "rate");
    metric->value = is_poor ? POOR_RATE : GOOD_RATE;
    metric->unit = text_of(guard, "1/s");
    return metric;
}

static void answer_case(struct guard *guard, int verdict, int reason, const char *text)
{
    struct arena *arena = guard->world->arena;
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_CASE_RESULT);
    Pb__CaseResult *result = event->case_result = ARENA_NEW(arena, Pb__CaseResult);
    pb__case_result__init(result);
    result->number = guard->open[guard->open_first].number;
    result->name = text_of(guard, guard->open[guard->open_first].name);
    result->outcome = ARENA_NEW(arena, Pb__Outcome);
    pb__outcome__init(result->outcome);
    result->outcome->verdict = (Pb__Verdict)verdict;
    result->outcome->reason = (Pb__Reason)reason;
    result->outcome->text = text_of(guard, text);
    bool is_poor = verdict == VERDICT_PASS && faults_strike(guard->world, RARITY_CASE_FAILS);
    result->metrics = ARENA_NEW(arena, Pb__Metric *);
    result->metrics[result->n_metrics++] = rate_metric(guard, is_poor);
    if (is_poor)
        guard->is_poor = true;
    if (verdict == VERDICT_PASS)
        guard->cases_passed++;
    else
        guard_spoil(guard, "a case did not pass");
    guard_say(guard, event);
    guard_first_is_answered(guard);
}

// ---- what a call is going to do

static enum deed deed_of_case(struct world *world)
{
    if (faults_strike(world, RARITY_CASE_FAILS))
        return DEED_FAILS;
    if (faults_strike(world, RARITY_CASE_INCONC))
        return DEED_INCONC;
    if (faults_strike(world, RARITY_CASE_TIMEOUT))
        return DEED_TIMES_OUT;
    return DEED_DONE;
}

static enum deed draw_deed(struct guard *guard, Pb__Command__BodyCase kind)
{
    struct world *world = guard->world;
    if (faults_strike(world, RARITY_PLUGIN_CRASH))
        return dice_chance(&world->dice.work, 500) ? DEED_CRASHES : DEED_IS_KILLED;
    if (faults_strike(world, RARITY_PLUGIN_HANG))
        return DEED_HANGS;
    if (kind == PB__COMMAND__BODY_RUN_CASE)
        return deed_of_case(world);
    if (kind == PB__COMMAND__BODY_EXECUTE)
        return faults_strike(world, RARITY_CASE_FAILS) ? DEED_FAILS : DEED_DONE;
    return faults_strike(world, RARITY_PLUGIN_FAILS) ? DEED_FAILS : DEED_DONE;
}

static uint64_t work_ns(struct guard *guard, Pb__Command__BodyCase kind)
{
    struct world *world = guard->world;
    uint64_t ns = world_delay_ns(&world->dice.work, world->pace.work_least_us, world->pace.work_most_us);
    if (kind == PB__COMMAND__BODY_START && faults_strike(world, RARITY_PROCESS_SLOW_START))
        ns += dice_between(&world->dice.work, NS_PER_S, 6 * NS_PER_S);
    return ns;
}

void guard_begin_first(struct guard *guard)
{
    struct world *world = guard->world;
    Pb__Command__BodyCase kind = guard->open[guard->open_first].kind;
    uint64_t timeout_ns = guard->open[guard->open_first].timeout_ms * NS_PER_MS;
    guard->is_at_work = true;
    guard->deed = draw_deed(guard, kind);
    if (guard->deed == DEED_DONE && guard->open[guard->open_first].peer_failed)
        guard->deed = DEED_FAILS;
    uint64_t takes_ns = work_ns(guard, kind);
    if (guard->deed == DEED_DONE && takes_ns > timeout_ns)
        guard->deed = DEED_TIMES_OUT;
    if (guard->deed == DEED_TIMES_OUT)
        takes_ns = timeout_ns;
    else if (guard->deed == DEED_HANGS)
        takes_ns = timeout_ns + OVERDUE_NS;
    agenda_set(&world->agenda, &guard->work, world->now_ns + takes_ns);
    if (kind == PB__COMMAND__BODY_EXECUTE)
        guard_start_process(guard, "tool", true);
}

// ---- it has come to its end

static void prints(void *context)
{
    struct guard *guard = context;
    if (guard->stage == GUARD_SERVING && guard_any_process(guard))
        guard_prints_pattern(guard);
}

static void started(struct guard *guard)
{
    struct world *world = guard->world;
    guard->has_started = true;
    if (guard_is_tester(guard) || guard->spec->initialize->network || guard->process_count != 0)
        return;
    guard_start_process(guard, "srv", false);
    if (dice_chance(&world->dice.work, 200))
        guard_start_process(guard, "worker", false);
    while (faults_strike(world, RARITY_OUTPUT_MATCHES))
        agenda_add(&world->agenda, world->now_ns + dice_below(&world->dice.work, 6 * NS_PER_S), prints, guard);
}

static void execute_ends(struct guard *guard, bool failed)
{
    struct arena *arena = guard->world->arena;
    for (size_t i = 0; i < guard->process_count; i++)
        if (guard->processes[i].lives && !guard->processes[i].errand &&
            guard->processes[i].expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED)
            guard_process_is_over(&guard->processes[i]);
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_COMMAND_DONE);
    Pb__CommandDone *done = event->command_done = ARENA_NEW(arena, Pb__CommandDone);
    pb__command_done__init(done);
    done->number = guard->open[guard->open_first].number;
    done->status = PB__COMMAND_STATUS__COMMAND_STATUS_OK;
    done->phase = text_of(guard, "execute");
    done->outcome = ARENA_NEW(arena, Pb__Outcome);
    pb__outcome__init(done->outcome);
    done->outcome->verdict = failed ? PB__VERDICT__VERDICT_FAIL : PB__VERDICT__VERDICT_PASS;
    guard->executions++;
    done->outcome->reason = failed ? PB__REASON__REASON_VIOLATION : PB__REASON__REASON_UNSPECIFIED;
    guard->execute_failed |= failed;
    guard_say(guard, event);
    guard_first_is_answered(guard);
}

static void case_ends(struct guard *guard)
{
    if (guard->is_cancelled)
        answer_case(guard, VERDICT_INCONC, REASON_CANCELLED, "cancelled");
    else if (guard->deed == DEED_TIMES_OUT)
        answer_case(guard, VERDICT_INCONC, REASON_TIMEOUT, "did not end in time");
    else if (guard->deed == DEED_INCONC)
        answer_case(guard, VERDICT_INCONC, REASON_INFRASTRUCTURE, "could not be tried");
    else if (guard->deed == DEED_FAILS)
        answer_case(guard, VERDICT_FAIL, REASON_VIOLATION, "violation");
    else
        answer_case(guard, VERDICT_PASS, REASON_UNSPECIFIED, "");
}

static void call_ends(struct guard *guard, Pb__Command__BodyCase kind)
{
    bool is_late = guard->deed == DEED_TIMES_OUT, failed = guard->deed == DEED_FAILS;
    Pb__CommandStatus status = is_late  ? PB__COMMAND_STATUS__COMMAND_STATUS_TIMEOUT
                               : failed ? PB__COMMAND_STATUS__COMMAND_STATUS_FAILED
                                        : PB__COMMAND_STATUS__COMMAND_STATUS_OK;
    switch (kind) {
    case PB__COMMAND__BODY_RUN_CASE:
        case_ends(guard);
        break;
    case PB__COMMAND__BODY_EXECUTE:
        if (is_late || guard->is_cancelled)
            guard_answer(guard, PB__COMMAND_STATUS__COMMAND_STATUS_TIMEOUT, "did not end in time");
        else
            execute_ends(guard, failed);
        break;
    case PB__COMMAND__BODY_STOP: // answered when the last process has ended
        guard->stop_called = true;
        guard->stop_status = status;
        break;
    case PB__COMMAND__BODY_START:
        if (status == PB__COMMAND_STATUS__COMMAND_STATUS_OK)
            started(guard);
        guard_answer(guard, status, failed ? "the plugin says no" : "");
        break;
    default:
        guard_answer(guard, status, failed ? "the plugin says no" : "");
    }
    if (kind == PB__COMMAND__BODY_CLEANUP)
        guard_end(guard, PB__END_CAUSE__END_CAUSE_CLEANED, "cleaned up");
}

void guard_work_is_due(void *context)
{
    struct guard *guard = context;
    if (guard->stage != GUARD_SERVING || guard->open_count == 0)
        return;
    if (guard->deed == DEED_HANGS)
        guard->hung = true;
    if (guard->deed == DEED_HANGS || guard->deed == DEED_IS_KILLED)
        guard_plugin_dies(guard, SIGKILL_NUMBER);
    else if (guard->deed == DEED_CRASHES)
        guard_plugin_dies(guard, SIGSEGV_NUMBER);
    else
        call_ends(guard, guard->open[guard->open_first].kind);
    guard_flow(guard);
}

// Stop with cancel: what runs is given up soon, what waits is not begun.
void guard_hurry(struct guard *guard)
{
    struct world *world = guard->world;
    guard->is_cancelled = true;
    guard_spoil(guard, "it was cut short");
    if (!guard->is_at_work || guard->stop_called)
        return;
    Pb__Command__BodyCase kind = guard->open[guard->open_first].kind;
    uint64_t stop_ns = guard->spec->initialize->stop_ms * NS_PER_MS;
    if (guard->deed == DEED_HANGS)
        agenda_set(&world->agenda, &guard->work, world->now_ns + stop_ns + OVERDUE_NS);
    else if (kind == PB__COMMAND__BODY_RUN_CASE || kind == PB__COMMAND__BODY_EXECUTE)
        agenda_set(&world->agenda, &guard->work, world->now_ns + CANCEL_NS);
}

// ---- flow

static void answer_for_dead_plugin(struct guard *guard)
{
    bool first_hung = guard->hung;
    guard->hung = false;
    if (guard->open[guard->open_first].kind != PB__COMMAND__BODY_RUN_CASE)
        guard_answer(guard, PB__COMMAND_STATUS__COMMAND_STATUS_HOST_DIED, guard->death_text);
    else if (guard->death_signal == SIGKILL_NUMBER)
        answer_case(guard, VERDICT_INCONC, first_hung ? REASON_TIMEOUT : REASON_KILLED, guard->death_text);
    else
        answer_case(guard, VERDICT_ERROR, REASON_CRASH, guard->death_text);
}

// True: it is answered.
static bool flow_stop(struct guard *guard)
{
    guard_close_beside(guard, "the instance is stopped");
    if (guard->stage == GUARD_SERVING && !guard->stop_called) {
        if (!guard->is_at_work)
            guard_begin_first(guard);
        return false;
    }
    if (guard_any_process(guard)) {
        guard_stop_processes(guard);
        return false;
    }
    guard_answer(guard, guard->stop_called ? guard->stop_status : PB__COMMAND_STATUS__COMMAND_STATUS_OK, "");
    return true;
}

static bool flow_cleanup(struct guard *guard)
{
    guard_close_beside(guard, "the instance is cleaned up");
    if (guard_any_process(guard)) {
        guard_stop_processes(guard);
        return false;
    }
    if (guard->stage == GUARD_SERVING) {
        if (!guard->is_at_work)
            guard_begin_first(guard);
        return false;
    }
    guard_answer(guard, PB__COMMAND_STATUS__COMMAND_STATUS_OK, "");
    guard_end(guard, PB__END_CAUSE__END_CAUSE_CLEANED, "cleaned up");
    return false;
}

static bool flow_once(struct guard *guard)
{
    switch (guard->open[guard->open_first].kind) {
    case PB__COMMAND__BODY_STOP:
        return flow_stop(guard);
    case PB__COMMAND__BODY_CLEANUP:
        return flow_cleanup(guard);
    case PB__COMMAND__BODY_RUN_CASE:
        if (guard->stage == GUARD_SERVING && guard->is_cancelled && !guard->is_at_work) {
            case_ends(guard);
            return true;
        }
        break;
    default:
        break;
    }
    if (guard->stage == GUARD_HOSTLESS) {
        answer_for_dead_plugin(guard);
        return true;
    }
    if (!guard->is_at_work)
        guard_begin_first(guard);
    return false;
}

void guard_flow(struct guard *guard)
{
    while ((guard->stage == GUARD_SERVING || guard->stage == GUARD_HOSTLESS) && guard->open_count > 0 && flow_once(guard)) {
    }
}
