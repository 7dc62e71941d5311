// See describe.h: records of the journal and of agents, and the events in them.
#include "agent/core/core.h"
#include "common/base/verdict.h"
#include "tests/simulation/describe.h"
#include "tests/simulation/world.h"

#define SAY(...) arena_printf(world->scratch, __VA_ARGS__)

static const char *verdict_words(struct world *world, const Pb__Outcome *outcome)
{
    const char *reason = reason_name((int)outcome->reason);
    return SAY("%s%s%s%s", verdict_name((int)outcome->verdict), outcome->reason ? " (" : "", outcome->reason ? reason : "",
               outcome->reason ? ")" : "");
}

static const char *describe_done(struct world *world, const Pb__CommandDone *done)
{
    static const char *const words[] = {"?", "ok", "failed", "timeout", "host died", "refused"};
    return SAY("CommandDone #%u %s %s", done->number, done->phase, words[done->status]);
}

static const char *end_cause(Pb__EndCause cause)
{
    static const char *const words[] = {"?", "cleaned", "lease", "guard lost", "reboot", "refused"};
    return words[cause];
}

static const char *describe_exit(struct world *world, const Pb__ProcessExited *exited)
{
    bool by_fault = exited->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FAULT;
    return SAY("ProcessExited %u %s %s%d%s", exited->process, exited->name, exited->signal ? "signal " : "status ",
               exited->signal ? exited->signal : exited->status, by_fault ? " (of a fault)" : "");
}

static const char *describe_mark(struct world *world, const Pb__TimelineMark *mark)
{
    return SAY("TimelineMark %s%s%s on %s%s", *mark->entry ? mark->entry : "zero", *mark->entry ? mark->end ? ": end" : ": start" : "",
               mark->failed ? " (failed)" : "", mark->agent, *mark->text ? SAY(": %s", mark->text) : "");
}

const char *describe_event(struct world *world, const Pb__Event *event)
{
    switch (event->body_case) {
    case PB__EVENT__BODY_COMMAND_DONE:
        return describe_done(world, event->command_done);
    case PB__EVENT__BODY_PROCESS_STARTED:
        return SAY("ProcessStarted %u %s", event->process_started->process, event->process_started->name);
    case PB__EVENT__BODY_PROCESS_EXITED:
        return describe_exit(world, event->process_exited);
    case PB__EVENT__BODY_CASE_RESULT:
        return SAY("CaseResult #%u %s %s", event->case_result->number, event->case_result->name,
                   verdict_words(world, event->case_result->outcome));
    case PB__EVENT__BODY_OUTPUT_MATCH:
        return SAY("OutputMatch rule %u", event->output_match->rule);
    case PB__EVENT__BODY_STREAM_END:
        return SAY("StreamEnd %s%s", event->stream_end->stream, event->stream_end->dropped_bytes ? " (with a gap)" : "");
    case PB__EVENT__BODY_FAULT_BEGAN:
        return SAY("FaultBegan #%u %s (%s)", event->fault_began->number, event->fault_began->id, event->fault_began->kind);
    case PB__EVENT__BODY_FAULT_ENDED:
        return SAY("FaultEnded #%u %s", event->fault_ended->number, event->fault_ended->id);
    case PB__EVENT__BODY_HOST_DIED:
        return SAY("HostDied in %s, signal %d%s", event->host_died->phase, event->host_died->signal,
                   event->host_died->hung ? ", hung" : "");
    case PB__EVENT__BODY_INSTANCE_ENDED:
        return SAY("InstanceEnded %s", end_cause(event->instance_ended->cause));
    default:
        return SAY("event %d", (int)event->body_case);
    }
}

static const char *describe_kept_event(struct world *world, const Pb__InstanceEvent *kept)
{
    return SAY("InstanceEvent %s %llu: %llu.%u %s%s", kept->agent, (unsigned long long)kept->sequence,
               (unsigned long long)kept->event->instance, kept->event->generation, describe_event(world, kept->event),
               kept->stale ? " (stale)" : "");
}

static const char *describe_trial_started(struct world *world, const Pb__TrialStarted *started)
{
    const char *text = SAY("TrialStarted %s", started->name);
    for (size_t i = 0; i < started->n_services; i++)
        text = SAY("%s, %s is %llu on %s", text, started->services[i]->service, (unsigned long long)started->services[i]->instance,
                   started->services[i]->agent);
    return text;
}

static const char *describe_issued(struct world *world, const Pb__Command *command)
{
    static const char *const words[] = {"Initialize", "Start", "RunCase", "Execute", "Stop", "Cleanup", "Fault", "Run"};
    return SAY("CommandIssued %llu.%u #%u %s", (unsigned long long)command->instance, command->generation, command->number,
               words[command->body_case - PB__COMMAND__BODY_INITIALIZE]);
}

static const char *describe_released(struct world *world, const Pb__CasesReleased *released)
{
    return SAY("CasesReleased %llu.%u from #%u, %zu cases%s", (unsigned long long)released->instance, released->generation,
               released->first_number, released->n_cases, released->execute ? ", execute" : "");
}

const char *describe_record(struct world *world, const Pb__Record *record)
{
    switch (record->body_case) {
    case PB__RECORD__BODY_STORE_OPENED:
        return SAY("StoreOpened %s/%llu", trace_text(world, 't', record->store_opened->store_id),
                   (unsigned long long)record->store_opened->incarnation);
    case PB__RECORD__BODY_AGENT_SEEN:
        return SAY("AgentSeen %s on host %s boot %s outbox %s", record->agent_seen->name,
                   trace_text(world, 'h', record->agent_seen->host_id), trace_text(world, 'b', record->agent_seen->boot_id),
                   trace_text(world, 'e', record->agent_seen->epoch));
    case PB__RECORD__BODY_DESCRIPTION:
        return SAY("Description %s", record->description->description->name);
    case PB__RECORD__BODY_RUN_ACCEPTED:
        return SAY("RunAccepted r%llu, %llu cells", (unsigned long long)record->run_accepted->run,
                   (unsigned long long)record->run_accepted->cells);
    case PB__RECORD__BODY_RUN_CANCELLED:
        return SAY("RunCancelled r%llu", (unsigned long long)record->run_cancelled->run);
    case PB__RECORD__BODY_TRIAL_STARTED:
        return describe_trial_started(world, record->trial_started);
    case PB__RECORD__BODY_COMMAND_ISSUED:
        return describe_issued(world, record->command_issued->command);
    case PB__RECORD__BODY_CASES_RELEASED:
        return describe_released(world, record->cases_released);
    case PB__RECORD__BODY_INSTANCE_EVENT:
        return describe_kept_event(world, record->instance_event);
    case PB__RECORD__BODY_INSTANCE_RENEWED:
        return SAY("InstanceRenewed %llu.%u: %s", (unsigned long long)record->instance_renewed->instance,
                   record->instance_renewed->generation, record->instance_renewed->why);
    case PB__RECORD__BODY_TIMELINE_MARK:
        return describe_mark(world, record->timeline_mark);
    case PB__RECORD__BODY_INSTANCE_LOST:
        return SAY("InstanceLost %llu.%u on %s", (unsigned long long)record->instance_lost->instance, record->instance_lost->generation,
                   record->instance_lost->agent);
    case PB__RECORD__BODY_TRIAL_STOPPING:
        return SAY("TrialStopping %llu%s", (unsigned long long)record->trial_stopping->trial,
                   record->trial_stopping->cancel ? " (cut short)" : "");
    case PB__RECORD__BODY_TRIAL_HELD:
        return SAY("TrialHeld %s for %u ms", record->trial_held->verdict->name, record->trial_held->hold_ms);
    case PB__RECORD__BODY_TRIAL_ENDED:
        return SAY("TrialEnded %s %s", record->trial_ended->name, verdict_words(world, record->trial_ended->outcome));
    case PB__RECORD__BODY_CELL_ENDED:
        return SAY("CellEnded %s %s", record->cell_ended->name, verdict_words(world, record->cell_ended->outcome));
    case PB__RECORD__BODY_RUN_ENDED:
        return SAY("RunEnded r%llu %s", (unsigned long long)record->run_ended->run, verdict_words(world, record->run_ended->outcome));
    case PB__RECORD__BODY_AGENT_DRAINED:
        return SAY("AgentDrained %s%s", record->agent_drained->name, record->agent_drained->off ? " (resumed)" : "");
    case PB__RECORD__BODY_CONTENT_STORED:
        return SAY("ContentStored %llu.%u %s", (unsigned long long)record->content_stored->instance, record->content_stored->generation,
                   record->content_stored->name);
    default:
        return SAY("record %d", (int)record->body_case);
    }
}

const char *describe_agent_record(struct world *world, const struct agent_record *record)
{
    switch (record->kind) {
    case AGENT_RECORD_FACTS:
        return SAY("facts: outbox %s, store %s/%llu", trace_text(world, 'e', record->facts.epoch),
                   trace_text(world, 't', record->facts.store_id), (unsigned long long)record->facts.incarnation);
    case AGENT_RECORD_INTENT:
        return SAY("the intent to run %llu.%u", (unsigned long long)record->row.instance, record->row.generation);
    case AGENT_RECORD_FORGET:
        return SAY("a tombstone for %llu.%u", (unsigned long long)record->tombstone.instance, record->tombstone.generation);
    case AGENT_RECORD_APPEND:
        return SAY("event %llu: %llu.%u %s", (unsigned long long)record->append.sequence,
                   (unsigned long long)record->append.event->instance, record->append.event->generation,
                   describe_event(world, record->append.event));
    case AGENT_RECORD_RESET:
        return "nothing of the former store";
    default:
        return NULL; // updates of rows and what was freed follow from the others
    }
}
