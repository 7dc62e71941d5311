// Holds: a trial whose verdict is one that its submission named keeps its services, until its time is over or somebody releases it: when
// its work is done, or when something has cut it short and its testers have stopped. trials.c and requests.c call it. The verdict is a
// record before; what happens to the services after it, also at the hands of who looks at them, changes nothing of it.
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

#define NS_PER_MS UINT64_C(1000000)

static uint32_t asked_ms(const struct run *run, int verdict)
{
    for (size_t i = 0; i < run->experiment->n_holds; i++) {
        if ((int)run->experiment->holds[i]->verdict == verdict) {
            return run->experiment->holds[i]->hold_ms;
        }
    }
    return 0;
}

// A fail stays one. An inconc may become a fail when an assertion is only judged once everything has ended; of a trial that was cut short
// such an assertion says nothing.
static bool is_final(const struct trial *trial, const Pb__TrialEnded *verdict)
{
    bool all_known = true;
    for (size_t i = 0; i < verdict->n_assertions; i++) {
        all_known &= verdict->assertions[i]->outcome->verdict != PB__VERDICT__VERDICT_INCONC;
    }
    return verdict->outcome->verdict >= PB__VERDICT__VERDICT_FAIL ||
           (verdict->outcome->verdict == PB__VERDICT__VERDICT_INCONC && (all_known || trial->cancelled));
}

bool holds_begin(struct core *core, struct trial *trial)
{
    if (!trial->run->experiment->n_holds || trial->run->cancelled) {
        return false;
    }
    Pb__TrialEnded *verdict = verdicts_so_far(core, trial);
    uint32_t hold_ms = is_final(trial, verdict) ? asked_ms(trial->run, (int)verdict->outcome->verdict) : 0;
    if (!hold_ms || runs_retry_is_due(trial, verdict)) {
        return false;
    }
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_TRIAL_HELD;
    record->trial_held = NEW_MESSAGE(core, Pb__TrialHeld, pb__trial_held);
    record->trial_held->trial = trial->id;
    record->trial_held->hold_ms = hold_ms;
    record->trial_held->verdict = verdict;
    core_emit(core, record);
    return true;
}

// ---- cut short: something of it died, or its time was over

static bool any_is_left(const struct trial *trial)
{
    bool any = false;
    for (size_t i = 0; i < trial->instance_count; i++) {
        any |= trial->instances[i]->state != INSTANCE_ENDED && trial->instances[i]->state != INSTANCE_PLACED;
    }
    return any;
}

bool holds_are_open(struct core *core, const struct trial *trial)
{
    return trial->run->experiment->n_holds && !trial->run->cancelled && trial->state == TRIAL_STOPPING && trial->cancelled &&
           !trial->held && !core_trial_link(core, trial)->hold_refused && any_is_left(trial);
}

// What testers have found is in the verdict, so they end before it is given.
bool holds_decide(struct core *core, struct trial *trial)
{
    struct trial_link *link = core_trial_link(core, trial);
    for (size_t i = 0; i < trial->instance_count; i++) {
        const struct instance *instance = trial->instances[i];
        if (instance->is_tester && instance->state != INSTANCE_PLACED && instance->state < INSTANCE_STOPPED) {
            return false;
        }
    }
    link->hold_refused = !holds_begin(core, trial);
    link->wind_down_ns = 0; // what is held has leases, and time to end behind it
    return true;
}

// ---- while it is held

bool holds_is_held(const struct trial *trial)
{
    return trial->held && !trial->hold_over;
}

static uint64_t until_ns(struct core *core, const struct trial *trial)
{
    struct trial_link *link = core_trial_link(core, trial);
    if (!link->held_until_ns) {
        link->held_until_ns = core->event->now_ns + trial->held->hold_ms * NS_PER_MS;
    }
    return link->held_until_ns;
}

bool holds_advance(struct core *core, struct trial *trial)
{
    if (core->event->now_ns < until_ns(core, trial) && any_is_left(trial)) {
        return false;
    }
    trials_stop(core, trial, NULL, false);
    return true;
}

static void let_go(struct core *core, struct trial *trial)
{
    trials_stop(core, trial, NULL, false);
    trials_advance(core, trial);
}

// ---- somebody wants it to end

static bool is_on(const struct trial *trial, const char *agent)
{
    bool is = false;
    for (size_t i = 0; i < trial->instance_count; i++) {
        is |= strcmp(trial->instances[i]->agent, agent) == 0;
    }
    return is;
}

// Who drains a host wants it soon.
void holds_drained(struct core *core, const char *agent)
{
    for (struct map_entry *entry = map_first(core->durable->trials); entry;) {
        struct trial *trial = entry->value;
        entry = map_next(core->durable->trials, entry);
        if (holds_is_held(trial) && is_on(trial, agent)) {
            let_go(core, trial);
        }
    }
}

static bool find(struct core *core, uint64_t request, const char *text, struct full_name *name)
{
    struct panther_error error = {0};
    *name = (struct full_name){0};
    if (full_name_parse(text, name, &error) || (*name->test && !name->attempt) || *name->service) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID, 0,
                    "\"%s\" is not a trial such as r12/load/2#1, nor a run", text);
        return false;
    }
    name->run = name->is_last ? core->durable->last_run : name->run;
    name->is_last = false;
    return true;
}

void holds_release(struct core *core, uint64_t request, const Pb__Release *release)
{
    struct full_name name;
    if (!find(core, request, release->name, &name)) {
        return;
    }
    char wanted[FULL_NAME_MAX_BYTES];
    full_name_format(&name, wanted, sizeof wanted);
    uint32_t count = 0;
    for (struct map_entry *entry = map_first(core->durable->trials); entry;) {
        struct trial *trial = entry->value;
        entry = map_next(core->durable->trials, entry);
        bool is_it = *name.test ? strcmp(trial->name, wanted) == 0 : trial->run->number == name.run;
        if (is_it && holds_is_held(trial)) {
            let_go(core, trial);
            count++;
        }
    }
    if (!count) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND, 0, "nothing of %s is held", release->name);
        return;
    }
    Pb__Reply *reply = core_reply(core, core->event->route, request);
    reply->body_case = PB__REPLY__BODY_RELEASED;
    reply->released = NEW_MESSAGE(core, Pb__Released, pb__released);
    reply->released->run = arena_printf(core->effects->arena, "r%llu", (unsigned long long)name.run);
    reply->released->trials = count;
}

// ---- to show

// Trials that one answer names: what a person reads; the others are counted.
#define HELD_SHOWN_MAX 100

void holds_show(struct core *core, Pb__Status *status, const struct run *of)
{
    struct arena *arena = core->effects->arena;
    status->held = ARENA_ARRAY(arena, Pb__HeldTrial *, HELD_SHOWN_MAX);
    for (struct map_entry *entry = map_first(core->durable->trials); entry; entry = map_next(core->durable->trials, entry)) {
        const struct trial *trial = entry->value;
        if (!holds_is_held(trial) || (of && trial->run != of)) {
            continue;
        }
        if (status->n_held == HELD_SHOWN_MAX) {
            status->held_left_out++;
            continue;
        }
        uint64_t until = until_ns(core, trial);
        Pb__HeldTrial *row = NEW_MESSAGE(core, Pb__HeldTrial, pb__held_trial);
        row->name = arena_string(arena, trial->name);
        row->outcome = MESSAGE_COPY(trial->held->verdict->outcome, arena);
        row->left_ms = until > core->event->now_ns ? (until - core->event->now_ns) / NS_PER_MS : 0;
        status->held[status->n_held++] = row;
    }
}
