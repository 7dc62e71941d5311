// The timeline of a trial that runs: what is due becomes a command, what its entries have told becomes a mark. Called by trials.c.
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

static bool is_of_network(const Pb__TimelineEntry *plan)
{
    return plan->body_case == PB__TIMELINE_ENTRY__BODY_FAULT && !*plan->service;
}

// ---- marks

static void mark(struct core *core, const struct trial *trial, const char *entry, bool end, const struct moment *moment)
{
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_TIMELINE_MARK;
    Pb__TimelineMark *told = record->timeline_mark = NEW_MESSAGE(core, Pb__TimelineMark, pb__timeline_mark);
    const struct entry *of = *entry ? trial_entry(trial, entry) : NULL;
    told->trial = trial->id;
    told->entry = arena_string(core->effects->arena, entry);
    told->end = end;
    told->agent = arena_string(core->effects->arena, moment->agent);
    told->boottime_ns = moment->boottime_ns;
    told->text = arena_string(core->effects->arena, of && of->text ? of->text : "");
    told->failed = of && of->failed;
    core_emit(core, record);
}

// How long ago it became ready, as far as we know what time it is there. Moments of two hosts say nothing beside each other.
static uint64_t ready_since_ns(const struct core *core, const struct instance *instance)
{
    uint64_t now_ns;
    if (!timeline_agent_now(core, instance->agent, &now_ns)) {
        return UINT64_MAX;
    }
    return now_ns > instance->moved_ns ? now_ns - instance->moved_ns : 0;
}

// The last service that became ready, by what it told: in that host's clock.
static void zero_moment(const struct core *core, const struct trial *trial, struct moment *zero)
{
    const struct instance *last = trial->instances[0];
    uint64_t least_ns = ready_since_ns(core, last);
    for (size_t i = 1; i < trial->instance_count; i++) {
        const struct instance *instance = trial->instances[i];
        uint64_t since_ns = ready_since_ns(core, instance);
        bool is_later = strcmp(instance->agent, last->agent) == 0 ? instance->moved_ns >= last->moved_ns : since_ns <= least_ns;
        least_ns = is_later ? since_ns : least_ns;
        last = is_later ? instance : last;
    }
    *zero = (struct moment){last->agent, last->moved_ns};
}

void timeline_zero(struct core *core, struct trial *trial)
{
    if (trial->plan->n_timeline && !trial->zero.agent) {
        struct moment zero;
        zero_moment(core, trial, &zero);
        mark(core, trial, "", false, &zero);
    }
}

// A stopped service has stopped; a started one is ready in a later generation than when it was told.
static bool change_is_done(const struct trial *trial, const struct entry *entry, struct moment *end)
{
    const Pb__TimelineEntry *plan = timeline_plan(trial, entry);
    const struct instance *instance = trial_instance(trial, plan->service);
    if (plan->body_case != PB__TIMELINE_ENTRY__BODY_CHANGE || !instance || !entry->begun) {
        return false;
    }
    *end = (struct moment){instance->agent, instance->moved_ns};
    return plan->change == PB__SERVICE_CHANGE__SERVICE_CHANGE_STOP ? instance->state == INSTANCE_STOPPED
                                                                   : instance->generation > entry->generation && timeline_is_up(instance);
}

static bool tell(struct core *core, struct trial *trial, struct entry *entry)
{
    const char *id = timeline_plan(trial, entry)->id;
    struct moment end;
    if (!entry->begun && entry->start.agent) {
        struct moment start = entry->start;
        mark(core, trial, id, false, &start);
        return true;
    }
    if (!entry->ended && (entry->end.agent || change_is_done(trial, entry, &end))) {
        end = entry->end.agent ? entry->end : end;
        mark(core, trial, id, true, &end);
        return true;
    }
    return false;
}

void timeline_tell(struct core *core, struct trial *trial)
{
    for (size_t i = 0; i < trial->plan->n_timeline; i++) {
        while (tell(core, trial, &trial->entries[i])) {
        }
    }
}

// ---- doing it

static void stop_for(struct core *core, struct trial *trial, const struct entry *entry)
{
    const Pb__TimelineEntry *plan = timeline_plan(trial, entry);
    char *text =
        arena_printf(core->effects->arena, "timeline: %s%s%s: %s", plan->id, *plan->service ? " of " : "", plan->service, entry->text);
    const struct outcome outcome = {VERDICT_INCONC, REASON_INFRASTRUCTURE, text};
    trials_stop(core, trial, &outcome, true);
}

// It cannot be done at all: told as a mark that failed, by nobody but us.
static void fail(struct core *core, struct trial *trial, const char *id, const char *agent, const char *text)
{
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_TIMELINE_MARK;
    Pb__TimelineMark *told = record->timeline_mark = NEW_MESSAGE(core, Pb__TimelineMark, pb__timeline_mark);
    told->trial = trial->id;
    told->entry = arena_string(core->effects->arena, id);
    told->agent = arena_string(core->effects->arena, agent);
    told->text = arena_string(core->effects->arena, text);
    told->failed = true;
    core_emit(core, record);
}

static Pb__Fault *fault_of(struct core *core, const Pb__TimelineEntry *plan)
{
    Pb__Fault *fault = MESSAGE_COPY(plan->fault, core->effects->arena);
    fault->id = arena_string(core->effects->arena, plan->id);
    return fault;
}

static bool do_fault(struct core *core, struct trial *trial, const Pb__TimelineEntry *plan)
{
    const Pb__Fault *fault = fault_of(core, plan);
    size_t told = 0;
    for (size_t i = 0; i < trial->instance_count; i++) {
        struct instance *instance = trial->instances[i];
        bool is_meant = is_of_network(plan) ? instance_plan(instance)->is_network : strcmp(instance->service, plan->service) == 0;
        if (is_meant && timeline_is_up(instance)) {
            commands_beside(core, instance, fault, NULL);
            told++;
        }
    }
    return told > 0;
}

static bool do_run(struct core *core, struct instance *instance, const Pb__TimelineEntry *plan)
{
    Pb__RunBeside *run = MESSAGE_COPY(plan->run, core->effects->arena);
    run->id = arena_string(core->effects->arena, plan->id);
    if (timeline_is_up(instance)) {
        commands_beside(core, instance, NULL, run);
    }
    return timeline_is_up(instance);
}

// A tester that is busy with a case takes the next one behind it.
static bool do_case(struct core *core, struct instance *instance, const Pb__TimelineEntry *plan)
{
    if (!trials_case_is_supported(core, instance, plan->run_case)) {
        struct moment now = {instance->agent, instance->moved_ns};
        mark(core, instance->trial, plan->id, false, &now);
        mark(core, instance->trial, plan->id, true, &now);
        return true;
    }
    char *cases[] = {plan->run_case};
    trials_release(core, instance, cases, 1, plan->id);
    return true;
}

// The next generation, wherever this one stands: what a fault killed is ready as far as anybody knows, and what was brought up for a case
// may have come to nothing. One that is on its way is waited for.
static bool renew(struct core *core, struct instance *instance, const Pb__TimelineEntry *plan)
{
    struct moment now = {instance->agent, 0};
    bool can_be = timeline_is_up(instance) || setups_is_down(instance);
    if (!can_be || instance->wanted_generation > instance->generation || !timeline_agent_now(core, instance->agent, &now.boottime_ns)) {
        return false; // an agent that is away could not be told either
    }
    mark(core, instance->trial, plan->id, false, &now);
    bool came_up = timeline_is_up(instance) || instance->state == INSTANCE_STOPPED; // else it is tried as the experiment has it
    renewal_decide(core, instance, came_up ? NULL : "", arena_printf(core->effects->arena, "timeline: %s", plan->id), NULL);
    return true;
}

static bool do_change(struct core *core, struct instance *instance, const Pb__TimelineEntry *plan)
{
    struct moment now = {instance->agent, 0};
    if (plan->change != PB__SERVICE_CHANGE__SERVICE_CHANGE_STOP) {
        return renew(core, instance, plan);
    }
    if (!timeline_agent_now(core, instance->agent, &now.boottime_ns)) {
        return false;
    }
    if (!timeline_is_up(instance)) {
        fail(core, instance->trial, plan->id, instance->agent, "it is not running");
        return true;
    }
    mark(core, instance->trial, plan->id, false, &now);
    commands_issue(core, instance, PB__COMMAND__BODY_STOP);
    return true;
}

// Programs keep the clock that they were started with: the service is made again, and told before it starts.
static bool do_clock(struct core *core, struct trial *trial, const struct entry *entry)
{
    const Pb__TimelineEntry *plan = timeline_plan(trial, entry);
    struct instance *instance = trial_instance(trial, plan->service);
    if (!timeline_is_clock(plan) || !instance || !entry->begun || entry->step_count || instance->generation <= entry->generation ||
        instance->state != INSTANCE_INITIALIZED) {
        return false;
    }
    commands_beside(core, instance, fault_of(core, plan), NULL);
    return true;
}

static bool do_entry(struct core *core, struct trial *trial, const Pb__TimelineEntry *plan)
{
    struct instance *instance = trial_instance(trial, plan->service);
    bool is_beside = plan->body_case == PB__TIMELINE_ENTRY__BODY_FAULT || plan->body_case == PB__TIMELINE_ENTRY__BODY_RUN;
    if (!instance && !is_of_network(plan)) {
        fail(core, trial, plan->id, trial->zero.agent, "there is no such service");
        return true;
    }
    if (instance && is_beside && commands_case_waits(core, instance)) {
        return false; // its number comes before
    }
    switch (plan->body_case) {
    case PB__TIMELINE_ENTRY__BODY_FAULT:
        if (timeline_is_clock(plan)) {
            return renew(core, instance, plan);
        }
        if (!do_fault(core, trial, plan)) {
            fail(core, trial, plan->id, trial->zero.agent, is_of_network(plan) ? "the trial has no network" : "it is not running");
        }
        return true;
    case PB__TIMELINE_ENTRY__BODY_RUN:
        if (!do_run(core, instance, plan)) {
            fail(core, trial, plan->id, instance->agent, "it is not running");
        }
        return true;
    case PB__TIMELINE_ENTRY__BODY_RUN_CASE:
        return do_case(core, instance, plan);
    default:
        return do_change(core, instance, plan);
    }
}

// ---- cases of testers that the timeline steps in on

static bool is_case_of(const Pb__TimelineEntry *plan, const struct instance *instance)
{
    return plan->body_case == PB__TIMELINE_ENTRY__BODY_RUN_CASE && strcmp(plan->service, instance->service) == 0;
}

static bool has_case_entries(const struct instance *instance)
{
    const Pb__CellPlan *plan = instance->trial->plan;
    for (size_t i = 0; i < plan->n_timeline; i++) {
        if (is_case_of(plan->timeline[i], instance)) {
            return true;
        }
    }
    return false;
}

// What is done to a tester has a number between those of its cases, so they get theirs one at a time.
bool timeline_releases(const struct instance *instance)
{
    const Pb__CellPlan *plan = instance->trial->plan;
    bool is_touched = false;
    for (size_t i = 0; i < plan->n_timeline; i++) {
        is_touched |= strcmp(plan->timeline[i]->service, instance->service) == 0;
    }
    return is_touched && instance->is_tester && instance_plan(instance)->n_cases > 0;
}

static bool release_next(struct core *core, struct instance *instance)
{
    if (!timeline_releases(instance) || has_case_entries(instance) || instance->cases_answered < instance->case_count) {
        return false;
    }
    char **cases;
    size_t count = trials_supported_cases(core, instance, &cases);
    bool is_left = instance->case_count < count && timeline_is_up(instance);
    if (is_left) {
        trials_release(core, instance, &cases[instance->case_count], 1, "");
    }
    return is_left;
}

// ---- all of it

bool timeline_advance(struct core *core, struct trial *trial)
{
    timeline_tell(core, trial);
    for (size_t i = 0; i < trial->plan->n_timeline; i++) {
        struct entry *entry = &trial->entries[i];
        if (entry->failed) {
            stop_for(core, trial, entry);
            return true;
        }
        if (do_clock(core, trial, entry)) {
            return true;
        }
        if (!entry->issued && timeline_is_due(core, trial, i) && do_entry(core, trial, trial->plan->timeline[i])) {
            return true;
        }
    }
    for (size_t i = 0; trial->plan->n_timeline && i < trial->instance_count; i++) {
        if (release_next(core, trial->instances[i])) {
            return true;
        }
    }
    return false;
}
