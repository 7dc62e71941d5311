// Timelines: every mark rests on what a guard told, nothing begins before what it waits for, windows are closed, and what a fault killed
// has not crashed. See oracle.h.
#include <string.h>

#include "tests/simulation/host_clock.h"
#include "tests/simulation/oracle_inside.h"

#define MARKS "a timeline's marks are what happened, each once"
#define WINDOWS "the windows of a timeline that is done are closed"
#define CRASH "P6 a death that a fault caused is no crash"
// Clocks of hosts drift while an entry waits.
#define DRIFT_NS NS_PER_MS

struct entry_book *oracle_entry(const struct trial_book *trial, const char *id)
{
    const Pb__CellPlan *plan = trial->started->plan;
    for (size_t i = 0; i < plan->n_timeline; i++)
        if (strcmp(plan->timeline[i]->id, id) == 0)
            return &trial->entries[i];
    return NULL;
}

// What time it was in the world when this host's clock showed that.
static uint64_t world_ns(const struct world *world, const char *agent, uint64_t boottime_ns)
{
    for (size_t i = 0; i < world->agent_count; i++)
        if (strcmp(agent_name(world->agents[i]), agent) == 0)
            return host_clock_when_ns(agent_clock(world->agents[i]), boottime_ns);
    return 0;
}

// ---- marks

static void put(struct oracle *oracle, struct moment_book *moment, const Pb__TimelineMark *mark, bool is_allowed)
{
    if (moment->is_set || !is_allowed)
        world_fail(oracle->world, MARKS, "%s of \"%s\" is marked twice, or before its start", mark->end ? "the end" : "the start",
                   mark->entry);
    *moment = (struct moment_book){true, mark->agent, mark->boottime_ns, world_ns(oracle->world, mark->agent, mark->boottime_ns)};
}

static void check_evidence(struct oracle *oracle, const struct trial_book *trial, const struct entry_book *entry,
                           const Pb__TimelineMark *mark)
{
    const Pb__TimelineEntry *plan = trial->started->plan->timeline[entry - trial->entries];
    uint64_t told_ns = mark->end ? entry->last_end_ns : entry->first_start_ns;
    if (plan->body_case == PB__TIMELINE_ENTRY__BODY_FAULT && strcmp(plan->fault->kind, "clock") != 0 && told_ns != mark->boottime_ns)
        world_fail(oracle->world, MARKS, "%s of \"%s\" is marked at a moment of which no guard told", mark->end ? "the end" : "the start",
                   mark->entry);
}

void oracle_timeline_mark(struct oracle *oracle, const Pb__TimelineMark *mark)
{
    struct trial_book *trial = map_get_number(oracle->trials, mark->trial);
    struct entry_book *entry = trial && *mark->entry ? oracle_entry(trial, mark->entry) : NULL;
    if (!trial || trial->has_ended || (*mark->entry && !entry)) {
        world_fail(oracle->world, MARKS, "a mark of \"%s\", which nobody planned, or of a trial that has ended", mark->entry);
        return;
    }
    if (!entry) {
        put(oracle, &trial->zero, mark, true);
        return;
    }
    entry->has_failed |= mark->failed;
    put(oracle, mark->end ? &entry->end : &entry->start, mark, trial->zero.is_set && (!mark->end || mark->failed || entry->start.is_set));
    if (!mark->failed)
        check_evidence(oracle, trial, entry, mark);
}

void oracle_fault_issued(struct oracle *oracle, const struct instance_book *instance, const Pb__Command *command)
{
    struct entry_book *entry = command->body_case == PB__COMMAND__BODY_FAULT ? oracle_entry(instance->trial, command->fault->id) : NULL;
    (void)oracle;
    if (entry)
        entry->steps++;
}

// As far as it counts: not what comes from an instance that is over.
void oracle_timeline_evidence(struct oracle *oracle, struct trial_book *trial, const Pb__Event *event)
{
    (void)oracle;
    struct entry_book *entry;
    if (event->body_case == PB__EVENT__BODY_FAULT_BEGAN && (entry = oracle_entry(trial, event->fault_began->id))) {
        entry->first_start_ns = entry->first_start_ns ? entry->first_start_ns : event->boottime_ns;
        entry->began++;
    } else if (event->body_case == PB__EVENT__BODY_FAULT_ENDED && (entry = oracle_entry(trial, event->fault_ended->id))) {
        entry->last_end_ns = event->boottime_ns;
        entry->over++;
    } else if (event->body_case == PB__EVENT__BODY_PROCESS_EXITED &&
               event->process_exited->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FAULT) {
        trial->was_killed = true;
    }
}

// ---- when it is done

static const struct entry_book *last_in_the_way(const struct trial_book *trial, size_t index)
{
    while (index > 0)
        if (!trial->started->plan->timeline[--index]->background)
            return &trial->entries[index];
    return NULL;
}

// A fault that is not taken back is waited for until it holds.
static const struct moment_book *done_moment(const struct trial_book *trial, const struct entry_book *entry)
{
    const Pb__TimelineEntry *plan = trial->started->plan->timeline[entry - trial->entries];
    bool stays = plan->body_case == PB__TIMELINE_ENTRY__BODY_FAULT && !plan->fault->for_ms && strcmp(plan->fault->kind, "kill") != 0;
    return stays ? &entry->start : &entry->end;
}

// What it waits for; NULL: services that are ready, which have no mark.
static const struct moment_book *waits_for(const struct trial_book *trial, size_t index)
{
    const Pb__Trigger *trigger = trial->started->plan->timeline[index]->trigger;
    const struct entry_book *named = trigger && *trigger->entry ? oracle_entry(trial, trigger->entry) : NULL;
    const struct entry_book *before = trigger ? NULL : last_in_the_way(trial, index);
    if (trigger && trigger->n_ready)
        return NULL;
    if (named)
        return trigger->end ? done_moment(trial, named) : &named->start;
    return before ? done_moment(trial, before) : &trial->zero;
}

static void check_order(struct oracle *oracle, const struct trial_book *trial, size_t index)
{
    const Pb__TimelineEntry *plan = trial->started->plan->timeline[index];
    const struct moment_book *cause = waits_for(trial, index), *start = &trial->entries[index].start;
    uint64_t plus_ns = plan->trigger ? plan->trigger->plus_ms * NS_PER_MS : 0;
    // A change stands where its host's clock is known to be at least: a little early, in another host's clock.
    bool is_change = plan->body_case == PB__TIMELINE_ENTRY__BODY_CHANGE ||
                     (plan->body_case == PB__TIMELINE_ENTRY__BODY_FAULT && strcmp(plan->fault->kind, "clock") == 0);
    bool is_elsewhere = cause && strcmp(cause->agent, start->agent) != 0;
    if (cause && !(is_change && is_elsewhere) && start->world_ns + DRIFT_NS < cause->world_ns + plus_ns)
        world_fail(oracle->world, MARKS, "%s: \"%s\" began %.3f ms before what it waits for", trial->started->name, plan->id,
                   (double)(cause->world_ns + plus_ns - start->world_ns) / (double)NS_PER_MS);
    if (trial->entries[index].end.world_ns + DRIFT_NS < start->world_ns)
        world_fail(oracle->world, MARKS, "%s: \"%s\" ended before it began", trial->started->name, plan->id);
}

// ---- windows of assertions

static bool is_inside(const struct trial_book *trial, const Pb__Window *window, uint64_t at_ns)
{
    const struct entry_book *since = oracle_entry(trial, window->since->entry), *until = oracle_entry(trial, window->until->entry);
    return at_ns > since->start.world_ns + DRIFT_NS && at_ns + DRIFT_NS < until->end.world_ns;
}

// True: something was seen, and none of it inside.
static bool check_window(struct oracle *oracle, const struct trial_book *trial, const Pb__Assertion *assertion, const struct guard *guard)
{
    if (assertion->body_case != PB__ASSERTION__BODY_OUTPUT || !assertion->window ||
        strcmp(assertion->service, guard->spec->initialize->service) != 0)
        return false;
    for (size_t i = 0; i < guard->match_count; i++)
        if (is_inside(trial, assertion->window, guard->matches_ns[i]))
            world_fail(oracle->world, P9, "%s passed, but what must be absent was in the output of %s inside of the window",
                       trial->started->name, assertion->service);
    return guard->match_count > 0;
}

static void check_windows(struct oracle *oracle, const struct trial_book *trial)
{
    const Pb__CellPlan *plan = trial->started->plan;
    bool missed = false;
    for (size_t i = 0; i < trial->started->n_services; i++)
        for (uint32_t generation = 1; generation <= trial->instances[i].generation; generation++) {
            const struct guard *guard = oracle_life(oracle, trial->started->services[i]->instance, generation)->guard;
            for (size_t a = 0; guard && a < plan->n_assertions; a++)
                missed |= check_window(oracle, trial, plan->assertions[a], guard);
        }
    if (missed)
        world_saw(oracle->world, RARITY_WINDOW_MISSED);
}

// ---- ends

static void check_passed(struct oracle *oracle, const struct trial_book *trial)
{
    const Pb__CellPlan *plan = trial->started->plan;
    for (size_t i = 0; i < plan->n_timeline; i++) {
        const struct entry_book *entry = &trial->entries[i];
        if (entry->has_failed || !entry->start.is_set || !entry->end.is_set)
            world_fail(oracle->world, WINDOWS, "%s passed, and \"%s\" %s", trial->started->name, plan->timeline[i]->id,
                       entry->has_failed     ? "failed"
                       : entry->start.is_set ? "has no end"
                                             : "was not done");
        else if (!oracle->world->has_copy) // whose clock is it?
            check_order(oracle, trial, i);
    }
    if (!oracle->world->has_copy)
        check_windows(oracle, trial);
    if (plan->n_timeline)
        world_saw(oracle->world, RARITY_TIMELINE_DONE);
    if (trial->was_killed)
        world_saw(oracle->world, RARITY_FAULT_KILLED);
    if (plan->network)
        world_saw(oracle->world, RARITY_NETWORK_PASSED);
}

static bool has_crashed(struct oracle *oracle, const struct trial_book *trial)
{
    for (size_t i = 0; i < trial->started->n_services; i++)
        for (uint32_t generation = 1; generation <= trial->instances[i].generation; generation++) {
            const struct guard *guard = oracle_life(oracle, trial->started->services[i]->instance, generation)->guard;
            if (guard && guard->has_crashed)
                return true;
        }
    return false;
}

void oracle_timeline_ended(struct oracle *oracle, const struct trial_book *trial, const Pb__Outcome *outcome)
{
    const Pb__CellPlan *plan = trial->started->plan;
    if (outcome->reason == PB__REASON__REASON_CRASH && !has_crashed(oracle, trial) && !oracle->was_restored)
        world_fail(oracle->world, CRASH, "%s is a crash: %s", trial->started->name, outcome->text);
    for (size_t i = 0; i < plan->n_timeline; i++) {
        const struct entry_book *entry = &trial->entries[i];
        bool is_over = entry->steps && entry->over == entry->steps;
        if ((entry->began && !entry->start.is_set) || (is_over && entry->start.is_set && !entry->end.is_set))
            world_fail(oracle->world, WINDOWS, "%s has ended, and of \"%s\" is not marked what was told", trial->started->name,
                       plan->timeline[i]->id);
    }
    if (outcome->verdict == PB__VERDICT__VERDICT_PASS && !oracle->was_restored)
        check_passed(oracle, trial);
}
