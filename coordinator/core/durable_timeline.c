// The fold of what becomes of a timeline: how far its entries are, and the moments that they and the windows of assertions are about.
// Called by durable_trial.c and durable_event.c.
#include <inttypes.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"
#include "coordinator/core/durable_fold.h"

void entries_begin(struct trial *trial)
{
    trial->entries = memory_new(sizeof *trial->entries * (trial->plan->n_timeline + 1));
}

void entries_free(struct trial *trial)
{
    for (size_t i = 0; trial->entries && i < trial->plan->n_timeline; i++) {
        free(trial->entries[i].text);
        free(trial->entries[i].steps);
    }
    free(trial->entries);
}

struct entry *trial_entry(const struct trial *trial, const char *id)
{
    for (size_t i = 0; i < trial->plan->n_timeline; i++) {
        if (strcmp(trial->plan->timeline[i]->id, id) == 0) {
            return &trial->entries[i];
        }
    }
    return NULL;
}

void entry_step_issued(struct trial *trial, const char *id, uint64_t instance, uint32_t number)
{
    struct entry *entry = trial_entry(trial, id);
    if (entry) { // a fault that sets the conditions of a case is of no entry
        entry->issued = true;
        APPEND(entry->steps, entry->step_count, entry->step_capacity) = (struct entry_step){.instance = instance, .number = number};
    }
}

static void entry_fails(struct entry *entry, const char *text)
{
    if (!entry->failed) {
        entry->failed = true;
        free(entry->text);
        entry->text = memory_string(text);
    }
}

// ---- what its steps tell

static void step_began(struct entry *entry, struct entry_step *step, const struct instance *instance, uint64_t boottime_ns)
{
    if (!step->began && !entry->start.agent) {
        entry->start = (struct moment){instance->agent, boottime_ns};
    }
    step->began = true;
}

static uint64_t earlier(uint64_t boottime_ns, uint64_t took_ns)
{
    return boottime_ns - (took_ns < boottime_ns ? took_ns : boottime_ns);
}

// An entry of several steps has ended with the last of them.
static void step_ended(struct entry *entry, struct entry_step *step, const struct instance *instance, uint64_t boottime_ns)
{
    step->ended = true;
    for (size_t i = 0; i < entry->step_count; i++) {
        if (!entry->steps[i].ended) {
            return;
        }
    }
    if (!entry->end.agent) {
        entry->end = (struct moment){instance->agent, boottime_ns};
    }
}

static void step_done(struct entry *entry, struct entry_step *step, const struct instance *instance, const Pb__Event *event)
{
    const Pb__CommandDone *done = event->command_done;
    bool is_run = strcmp(done->phase, "run") == 0;
    if (done->status != PB__COMMAND_STATUS__COMMAND_STATUS_OK) {
        entry_fails(entry, *done->text ? done->text : "could not be done");
    }
    if (is_run) { // answered when it has ended
        step_began(entry, step, instance, earlier(event->boottime_ns, done->duration_ns));
    }
    if (is_run || entry->failed) {
        step_ended(entry, step, instance, event->boottime_ns);
    }
}

static void step_event(struct entry *entry, struct entry_step *step, const struct instance *instance, const Pb__Event *event)
{
    uint64_t now_ns = event->boottime_ns;
    switch (event->body_case) {
    case PB__EVENT__BODY_COMMAND_DONE:
        step_done(entry, step, instance, event);
        break;
    case PB__EVENT__BODY_CASE_STARTED:
        step_began(entry, step, instance, earlier(now_ns, event->case_started->running_ns));
        break;
    case PB__EVENT__BODY_FAULT_BEGAN:
        step_began(entry, step, instance, now_ns);
        break;
    case PB__EVENT__BODY_CASE_RESULT: // its start is a light event, which may not have come
        step_began(entry, step, instance, earlier(now_ns, event->case_result->duration_ns));
        step_ended(entry, step, instance, now_ns);
        break;
    default:
        if (event->fault_ended->failed) {
            entry_fails(entry, event->fault_ended->text);
        }
        step_ended(entry, step, instance, now_ns);
    }
}

static uint32_t event_number(const Pb__Event *event)
{
    switch (event->body_case) {
    case PB__EVENT__BODY_COMMAND_DONE:
        return event->command_done->number;
    case PB__EVENT__BODY_CASE_STARTED:
        return event->case_started->number;
    case PB__EVENT__BODY_CASE_RESULT:
        return event->case_result->number;
    case PB__EVENT__BODY_FAULT_BEGAN:
        return event->fault_began->number;
    case PB__EVENT__BODY_FAULT_ENDED:
        return event->fault_ended->number;
    default:
        return 0;
    }
}

void entry_event(struct instance *instance, const Pb__Event *event)
{
    const struct trial *trial = instance->trial;
    uint32_t number = event_number(event);
    for (size_t e = 0; number && e < trial->plan->n_timeline; e++) {
        struct entry *entry = &trial->entries[e];
        for (size_t i = 0; i < entry->step_count; i++) {
            struct entry_step *step = &entry->steps[i];
            if (step->instance == instance->id && step->number == number && !step->ended) {
                step_event(entry, step, instance, event);
                return;
            }
        }
    }
}

// ---- marks

void fold_timeline_mark(struct durable *durable, const Pb__TimelineMark *record)
{
    struct trial *trial = map_get_number(durable->trials, record->trial);
    FOLD_NEEDS(durable, trial, "a moment of trial %" PRIu64 " comes, which is not live", record->trial);
    const struct moment moment = {durable_agent(durable, record->agent)->name, record->boottime_ns};
    if (!*record->entry) {
        trial->zero = moment;
        if (trial->state == TRIAL_STARTING) {
            trial_move(trial, TRIAL_RUNNING);
        }
        return;
    }
    struct entry *entry = trial_entry(trial, record->entry);
    FOLD_NEEDS(durable, entry, "the timeline of trial %" PRIu64 " has no entry \"%s\"", record->trial, record->entry);
    entry->issued = true;
    if (record->failed) {
        entry_fails(entry, record->text);
    }
    if (record->end) {
        entry->ended = true;
        entry->end = moment;
        return;
    }
    entry->begun = true;
    entry->start = moment;
    const Pb__TimelineEntry *plan = trial->plan->timeline[entry - trial->entries];
    const struct instance *instance = trial_instance(trial, plan->service);
    entry->generation = instance ? instance->generation : 0;
}
