// One line per record; what instances report is in event_text.c.
#include "coordinator/store/record_text.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/verdict.h"
#include "coordinator/store/event_text.h"

const char *record_kind(const Pb__Record *record)
{
    const ProtobufCMessageDescriptor *descriptor = &pb__record__descriptor;
    unsigned number = (unsigned)record->body_case;
    if (record->body_case == PB__RECORD__BODY_INSTANCE_EVENT && record->instance_event->event->body_case) {
        descriptor = &pb__event__descriptor;
        number = (unsigned)record->instance_event->event->body_case;
    }
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(descriptor, number);
    return field ? field->name : "unknown";
}

void text_outcome(struct text *line, const Pb__Outcome *outcome)
{
    if (!outcome)
        return text_append(line, "none");
    text_append(line, verdict_name((int)outcome->verdict));
    if (outcome->reason)
        text_printf(line, " (%s)", reason_name((int)outcome->reason));
    if (outcome->text[0])
        text_printf(line, ": %s", outcome->text);
}

static const char *role_name(Pb__Role role)
{
    static const char *const names[] = {"key", "agent", "operator", "viewer", "enroll"};
    return (unsigned)role < 5 ? names[role] : "key";
}

static void store_opened(const Pb__Record *record, struct text *line)
{
    const Pb__StoreOpened *opened = record->store_opened;
    text_printf(line, "store %.8s opened by version %s, incarnation %" PRIu64, opened->store_id, opened->version, opened->incarnation);
    if (opened->next_instance)
        text_append(line, ": it is a copy, so its numbers go on far behind");
}

static void key_added(const Pb__Record *record, struct text *line)
{
    const Pb__KeyRecord *key = record->key_added;
    text_printf(line, "%s %s got a key", role_name(key->role), key->name);
    if (key->enroll_for[0])
        text_printf(line, " to enroll agent %s", key->enroll_for);
    if (key->added_by[0])
        text_printf(line, ", added by %s", key->added_by);
}

static void key_revoked(const Pb__Record *record, struct text *line)
{
    text_printf(line, "key of %s revoked by %s", record->key_revoked->name, record->key_revoked->by);
}

static void agent_seen(const Pb__Record *record, struct text *line)
{
    const Pb__AgentSeen *agent = record->agent_seen;
    text_printf(line, "agent %s is on host %.8s, boot %.8s, outbox %.8s", agent->name, agent->host_id, agent->boot_id, agent->epoch);
}

static void description(const Pb__Record *record, struct text *line)
{
    const Pb__DescribedPlugin *described = record->description;
    text_printf(line, "plugin %s was described, %.12s", described->description ? described->description->name : "", described->hash);
}

static void run_accepted(const Pb__Record *record, struct text *line)
{
    const Pb__RunAccepted *run = record->run_accepted;
    text_printf(line, "r%" PRIu64 " %s accepted: %" PRIu64 " cell%s, by %s", run->run, run->experiment ? run->experiment->name : "",
                run->cells, run->cells == 1 ? "" : "s", run->by);
}

static void run_cancelled(const Pb__Record *record, struct text *line)
{
    const Pb__RunCancelled *run = record->run_cancelled;
    text_printf(line, "r%" PRIu64 " cancelled by %s%s%s", run->run, run->by, run->why[0] ? ": " : "", run->why);
}

static void trial_started(const Pb__Record *record, struct text *line)
{
    const Pb__TrialStarted *trial = record->trial_started;
    text_printf(line, "%s started on", trial->name);
    for (size_t i = 0; i < trial->n_services; i++) {
        const Pb__PlacedService *placed = trial->services[i];
        text_printf(line, "%s %s (%s on %s", i ? "," : "", placed->service, placed->plugin, placed->agent);
        if (placed->file_hash[0])
            text_printf(line, ", file %.*s", HASH_SHOWN_BYTES, placed->file_hash);
        text_printf(line, ")");
    }
}

static void command_issued(const Pb__Record *record, struct text *line)
{
    const Pb__Command *command = record->command_issued->command;
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(&pb__command__descriptor, (unsigned)command->body_case);
    text_printf(line, "command %u: %s", command->number, field ? field->name : "unknown");
    if (command->body_case == PB__COMMAND__BODY_STOP && command->stop->why[0])
        text_printf(line, " (%s)", command->stop->why);
    if (command->body_case == PB__COMMAND__BODY_FAULT)
        text_printf(line, " %s (%s)", command->fault->kind, command->fault->id);
    if (command->body_case == PB__COMMAND__BODY_RUN)
        text_printf(line, " %s (%s)", command->run->n_argv ? command->run->argv[0] : "", command->run->id);
    if (command->generation > 1)
        text_printf(line, ", generation %u", command->generation);
}

static void cases_released(const Pb__Record *record, struct text *line)
{
    const Pb__CasesReleased *released = record->cases_released;
    if (released->execute)
        return text_append(line, "told to execute");
    text_printf(line, "told to run %zu case%s", released->n_cases, released->n_cases == 1 ? "" : "s");
    for (size_t i = 0; i < released->n_cases && i < 3; i++)
        text_printf(line, "%s %s", i ? "," : ":", released->cases[i]);
    if (released->n_cases > 3)
        text_append(line, ", ...");
}

static void instance_event(const Pb__Record *record, struct text *line)
{
    if (record->instance_event->stale)
        text_append(line, "(after the trial's end) ");
    event_text(record->instance_event->event, line);
}

static void instance_renewed(const Pb__Record *record, struct text *line)
{
    const Pb__InstanceRenewed *renewed = record->instance_renewed;
    text_printf(line, "is to begin generation %u", renewed->generation);
    if (renewed->profile[0])
        text_printf(line, " with profile %s", renewed->profile);
    if (renewed->why[0])
        text_printf(line, ": %s", renewed->why);
}

static void timeline_mark(const Pb__Record *record, struct text *line)
{
    const Pb__TimelineMark *mark = record->timeline_mark;
    if (!mark->entry[0])
        text_append(line, "timeline: zero, all services are ready");
    else if (mark->failed)
        text_printf(line, "timeline: %s could not be done", mark->entry);
    else
        text_printf(line, "timeline: %s %s", mark->entry, mark->end ? "ends" : "begins");
    text_printf(line, " (%s, %" PRIu64 " ms)", mark->agent, mark->boottime_ns / 1000000);
    if (mark->text[0])
        text_printf(line, ": %s", mark->text);
}

static void instance_lost(const Pb__Record *record, struct text *line)
{
    text_printf(line, "given up on agent %s: %s", record->instance_lost->agent, record->instance_lost->text);
}

static void trial_stopping(const Pb__Record *record, struct text *line)
{
    text_append(line, record->trial_stopping->cancel ? "trial is being cancelled, so far " : "trial winds down, so far ");
    text_outcome(line, record->trial_stopping->outcome);
}

static void trial_held(const Pb__Record *record, struct text *line)
{
    const Pb__TrialHeld *held = record->trial_held;
    text_printf(line, "%s is held for %u s: ", held->verdict->name, held->hold_ms / 1000);
    text_outcome(line, held->verdict->outcome);
}

static void trial_ended(const Pb__Record *record, struct text *line)
{
    const Pb__TrialEnded *trial = record->trial_ended;
    text_printf(line, "%s ended: ", trial->name);
    text_outcome(line, trial->outcome);
    if (trial->n_unfinished)
        text_printf(line, "; %zu case%s without a result", trial->n_unfinished, trial->n_unfinished == 1 ? "" : "s");
}

static void cell_ended(const Pb__Record *record, struct text *line)
{
    const Pb__CellEnded *cell = record->cell_ended;
    text_printf(line, "%s: ", cell->name);
    text_outcome(line, cell->outcome);
    if (cell->attempts > 1)
        text_printf(line, " after %u attempts", cell->attempts);
}

static void run_ended(const Pb__Record *record, struct text *line)
{
    const Pb__RunEnded *run = record->run_ended;
    text_printf(line, "r%" PRIu64 " ended: ", run->run);
    text_outcome(line, run->outcome);
    text_printf(line, "; %" PRIu64 " pass, %" PRIu64 " fail, %" PRIu64 " inconc, %" PRIu64 " error, %" PRIu64 " none", run->passed,
                run->failed, run->inconclusive, run->errors, run->none);
    if (run->gates) {
        text_append(line, "; gates: ");
        text_outcome(line, run->gates->outcome);
    }
}

static void content_stored(const Pb__Record *record, struct text *line)
{
    const Pb__ContentStored *stored = record->content_stored;
    text_printf(line, "%s %s stored: %" PRIu64 " B, %.12s", stored->is_stream ? "stream" : "artifact", stored->name, stored->size_bytes,
                stored->hash);
}

static void run_annotated(const Pb__Record *record, struct text *line)
{
    const Pb__RunAnnotated *said = record->run_annotated;
    text_printf(line, "%s said of ", said->by);
    if (said->trial[0])
        text_printf(line, "%s:", said->trial);
    else
        text_printf(line, "r%" PRIu64 ":", said->run);
    for (size_t i = 0; i < said->n_tags; i++)
        text_printf(line, " tag %s", said->tags[i]);
    for (size_t i = 0; i < said->n_not_tags; i++)
        text_printf(line, " no tag %s", said->not_tags[i]);
    if (said->pin)
        text_append(line, said->pin == PB__PIN__PIN_ON ? " pinned" : " not pinned any more");
    if (said->note[0])
        text_printf(line, " %s", said->note);
}

static void evidence_removed(const Pb__Record *record, struct text *line)
{
    const Pb__EvidenceRemoved *removed = record->evidence_removed;
    uint64_t bytes = 0;
    for (size_t i = 0; i < removed->n_contents; i++)
        bytes += removed->contents[i]->size_bytes;
    text_printf(line, "retention takes %zu streams and artifacts of r%" PRIu64 " away, %" PRIu64 " B: %s", removed->n_contents,
                removed->run, bytes, removed->why);
}

static void agent_drained(const Pb__Record *record, struct text *line)
{
    const Pb__AgentDrained *drained = record->agent_drained;
    text_printf(line, "agent %s %s by %s%s%s", drained->name, drained->off ? "resumed" : "drained", drained->by,
                drained->why[0] ? ": " : "", drained->why);
}

void record_text(const Pb__Record *record, struct text *line)
{
    static void (*const table[])(const Pb__Record *record, struct text *line) = {
        [PB__RECORD__BODY_STORE_OPENED] = store_opened,
        [PB__RECORD__BODY_KEY_ADDED] = key_added,
        [PB__RECORD__BODY_KEY_REVOKED] = key_revoked,
        [PB__RECORD__BODY_AGENT_SEEN] = agent_seen,
        [PB__RECORD__BODY_DESCRIPTION] = description,
        [PB__RECORD__BODY_RUN_ACCEPTED] = run_accepted,
        [PB__RECORD__BODY_RUN_CANCELLED] = run_cancelled,
        [PB__RECORD__BODY_TRIAL_STARTED] = trial_started,
        [PB__RECORD__BODY_COMMAND_ISSUED] = command_issued,
        [PB__RECORD__BODY_CASES_RELEASED] = cases_released,
        [PB__RECORD__BODY_INSTANCE_EVENT] = instance_event,
        [PB__RECORD__BODY_INSTANCE_LOST] = instance_lost,
        [PB__RECORD__BODY_TRIAL_STOPPING] = trial_stopping,
        [PB__RECORD__BODY_TRIAL_HELD] = trial_held,
        [PB__RECORD__BODY_TRIAL_ENDED] = trial_ended,
        [PB__RECORD__BODY_CELL_ENDED] = cell_ended,
        [PB__RECORD__BODY_RUN_ENDED] = run_ended,
        [PB__RECORD__BODY_CONTENT_STORED] = content_stored,
        [PB__RECORD__BODY_AGENT_DRAINED] = agent_drained,
        [PB__RECORD__BODY_RUN_ANNOTATED] = run_annotated,
        [PB__RECORD__BODY_EVIDENCE_REMOVED] = evidence_removed,
        [PB__RECORD__BODY_INSTANCE_RENEWED] = instance_renewed,
        [PB__RECORD__BODY_TIMELINE_MARK] = timeline_mark,
    };
    size_t kind = (size_t)record->body_case, start = line->length;
    if (kind < sizeof table / sizeof *table && table[kind])
        table[kind](record, line);
    if (line->length > start)
        text_make_line(line, start);
}
