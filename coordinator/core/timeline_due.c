// When an entry of a timeline is due. Nothing is volatile here: it follows from a mark and from what time it is on that host, also after a
// restart. Called by timeline.c; verdicts_window.c asks for moments in another host's clock.
#include <string.h>

#include "coordinator/core/state.h"

#define NS_PER_MS UINT64_C(1000000)

const Pb__TimelineEntry *timeline_plan(const struct trial *trial, const struct entry *entry)
{
    return trial->plan->timeline[entry - trial->entries];
}

bool timeline_is_clock(const Pb__TimelineEntry *plan)
{
    return plan->body_case == PB__TIMELINE_ENTRY__BODY_FAULT && strcmp(plan->fault->kind, "clock") == 0;
}

bool timeline_is_up(const struct instance *instance)
{
    return instance->state >= INSTANCE_READY && instance->state <= INSTANCE_FINISHED;
}

// ---- time on hosts

// What its clock shows now, or a little less: its last stamp, and what passed since that came.
bool timeline_agent_now(const struct core *core, const char *name, uint64_t *now_ns)
{
    const struct agent_live *agent = sessions_agent(core, name);
    if (!agent_live_is_connected(agent)) {
        return false;
    }
    *now_ns = agent->stamp_ns + (core->event->now_ns - agent->stamped_ns);
    return true;
}

static bool has_passed(const struct core *core, const struct moment *moment, uint64_t plus_ms)
{
    uint64_t now_ns;
    if (plus_ms == 0) {
        return true;
    }
    return timeline_agent_now(core, moment->agent, &now_ns) && now_ns >= moment->boottime_ns + plus_ms * NS_PER_MS;
}

bool moment_here(const struct core *core, const struct moment *moment, const char *agent, struct moment_range *range)
{
    *range = (struct moment_range){moment->boottime_ns, moment->boottime_ns};
    if (strcmp(moment->agent, agent) == 0) {
        return true;
    }
    const struct agent_live *there = sessions_agent(core, moment->agent), *here = sessions_agent(core, agent);
    if (!there || !here || !there->clock_is_known || !here->clock_is_known) {
        return false;
    }
    uint64_t at_ns = moment->boottime_ns - (uint64_t)there->clock_offset_ns + (uint64_t)here->clock_offset_ns;
    uint64_t error_ns = there->clock_error_ns + here->clock_error_ns;
    *range = (struct moment_range){at_ns > error_ns ? at_ns - error_ns : 0, at_ns + error_ns};
    return true;
}

// ---- what is due

// The service lives with the other clock.
static bool clock_has_begun(const struct trial *trial, const struct entry *entry)
{
    const struct instance *instance = trial_instance(trial, timeline_plan(trial, entry)->service);
    return entry->step_count && entry->steps[0].began && instance && instance->generation > entry->generation && timeline_is_up(instance);
}

// A fault that is not taken back has done its part once it holds. A kill ends at once.
static bool has_done_its_part(const struct trial *trial, const struct entry *entry, struct moment *when)
{
    const Pb__TimelineEntry *plan = timeline_plan(trial, entry);
    bool stays = plan->body_case == PB__TIMELINE_ENTRY__BODY_FAULT && !plan->fault->for_ms && strcmp(plan->fault->kind, "kill") != 0;
    *when = stays && !entry->ended ? entry->start : entry->end;
    bool is_whole = !timeline_is_clock(plan) || entry->ended || clock_has_begun(trial, entry);
    return is_whole && (stays ? entry->begun : entry->ended);
}

static const struct entry *last_in_the_way(const struct trial *trial, size_t index)
{
    for (size_t i = index; i > 0; i--) {
        if (!trial->plan->timeline[i - 1]->background) {
            return &trial->entries[i - 1];
        }
    }
    return NULL;
}

static bool touches(const Pb__TimelineEntry *plan, const Pb__Trigger *trigger)
{
    bool changes = plan->body_case == PB__TIMELINE_ENTRY__BODY_CHANGE || plan->body_case == PB__TIMELINE_ENTRY__BODY_FAULT;
    for (size_t i = 0; changes && i < trigger->n_ready; i++) {
        if (strcmp(trigger->ready[i], plan->service) == 0) {
            return true;
        }
    }
    return false;
}

// Ready, and nothing before it in the file is still being done to them.
static bool are_ready(const struct core *core, const struct trial *trial, size_t index, const Pb__Trigger *trigger)
{
    struct moment when;
    for (size_t i = 0; i < index; i++) {
        if (touches(trial->plan->timeline[i], trigger) && !has_done_its_part(trial, &trial->entries[i], &when)) {
            return false;
        }
    }
    for (size_t i = 0; i < trigger->n_ready; i++) {
        const struct instance *instance = trial_instance(trial, trigger->ready[i]);
        const struct moment ready = {instance ? instance->agent : "", instance ? instance->moved_ns : 0};
        if (!instance || !timeline_is_up(instance) || !has_passed(core, &ready, trigger->plus_ms)) {
            return false;
        }
    }
    return true;
}

bool timeline_is_due(const struct core *core, const struct trial *trial, size_t index)
{
    const Pb__Trigger *trigger = trial->plan->timeline[index]->trigger;
    struct moment when = trial->zero;
    if (trigger && trigger->n_ready) {
        return are_ready(core, trial, index, trigger);
    }
    const struct entry *after = trigger && *trigger->entry ? trial_entry(trial, trigger->entry)
                                : trigger                  ? NULL
                                                           : last_in_the_way(trial, index);
    if (trigger && *trigger->entry && !after) {
        return false;
    }
    if (after && trigger && !trigger->end) {
        when = after->start;
        return after->begun && has_passed(core, &when, trigger->plus_ms);
    }
    return (!after || has_done_its_part(trial, after, &when)) && has_passed(core, &when, trigger ? trigger->plus_ms : 0);
}

bool timeline_is_done(const struct trial *trial)
{
    struct moment when;
    for (size_t i = 0; i < trial->plan->n_timeline; i++) {
        if (!has_done_its_part(trial, &trial->entries[i], &when)) {
            return false;
        }
    }
    return true;
}
