// Verdicts: one each, a pass only where everything truly went well, a fail only where something failed. See oracle.h.
#include <string.h>

#include "tests/simulation/experiments.h"
#include "tests/simulation/oracle_inside.h"

// ---- trials

static struct cell_book *cell_of(struct oracle *oracle, const char *name)
{
    struct cell_book *cell = map_get_text(oracle->cells, name);
    if (!cell) {
        cell = ARENA_NEW(oracle->arena, struct cell_book);
        map_put_text(oracle->cells, name, cell);
    }
    return cell;
}

static void check_attempt(struct oracle *oracle, const struct trial_book *trial, const struct cell_book *cell)
{
    struct world *world = oracle->world;
    const struct run_book *run = map_get_number(oracle->runs, trial->run);
    const char *name = trial->started->name;
    if (cell->has_ended || cell->live_trial)
        world_fail(world, P1, "%s was started although its cell %s", name, cell->has_ended ? "has ended" : "has a trial that lives");
    if (trial->started->attempt != cell->attempts + 1)
        world_fail(world, P1, "%s was started after %u attempts", name, cell->attempts);
    if (cell->has_failed)
        world_fail(world, RETRY, "%s was started although an attempt before it failed", name);
    if (!run || run->has_ended || run->is_cancelled)
        world_fail(world, P1, "%s was started in a run that %s", name,
                   !run             ? "is not known"
                   : run->has_ended ? "has ended"
                                    : "is cancelled");
}

static void place(struct oracle *oracle, struct trial_book *trial, size_t index)
{
    const Pb__PlacedService *placed = trial->started->services[index];
    struct instance_book *instance = &trial->instances[index];
    *instance = (struct instance_book){.id = placed->instance, .trial = trial, .agent = placed->agent, .generation = 1, .wanted = 1};
    instance->results = map_new();
    instance->issued = map_new();
    if (map_put_number(oracle->instances, placed->instance, instance))
        world_fail(oracle->world, P3, "instance %llu was placed twice", (unsigned long long)placed->instance);
    struct agent_book *agent = oracle_agent(oracle, placed->agent);
    uint32_t slots = oracle_slots(oracle, placed->agent);
    if (agent->is_drained)
        world_fail(oracle->world, "nothing is placed on a drained agent", "%s is", trial->started->name);
    if (++agent->placed > slots)
        world_fail(oracle->world, P3, "%llu instances are placed on %s, which has %u slots", (unsigned long long)agent->placed,
                   placed->agent, slots);
}

void oracle_trial_started(struct oracle *oracle, const Pb__TrialStarted *started)
{
    struct trial_book *trial = ARENA_NEW(oracle->arena, struct trial_book);
    trial->id = started->trial;
    trial->run = started->run;
    trial->started = started;
    trial->goes_well = oracle->world->is_gentle || (oracle->world->is_calm && oracle->world->now_ns >= oracle->world->settled_ns);
    trial->goes_well &= strcmp(started->plan->test, WILD_TEST) != 0;
    trial->cell = arena_string_bytes(oracle->arena, started->name, strcspn(started->name, "#"));
    struct cell_book *cell = cell_of(oracle, trial->cell);
    check_attempt(oracle, trial, cell);
    if (started->attempt > 1)
        world_saw(oracle->world, RARITY_RETRIED);
    cell->attempts = started->attempt;
    cell->live_trial = trial->id;
    trial->instances = ARENA_ARRAY(oracle->arena, struct instance_book, started->n_services);
    for (size_t i = 0; i < started->n_services; i++)
        place(oracle, trial, i);
    trial->entries = ARENA_ARRAY(oracle->arena, struct entry_book, started->plan->n_timeline + 1);
    map_put_number(oracle->trials, trial->id, trial);
}

// What a client did for a case is for the case to judge, and what becomes of a network says nothing of who used it.
static bool is_failure(const struct instance_book *instance, const Pb__Event *event)
{
    const struct trial_book *trial = instance->trial;
    const Pb__ServicePlan *plan = trial->started->plan->services[instance - trial->instances];
    switch (event->body_case) {
    case PB__EVENT__BODY_CASE_RESULT:
        return event->case_result->outcome->verdict == PB__VERDICT__VERDICT_FAIL;
    case PB__EVENT__BODY_COMMAND_DONE:
        return event->command_done->number == instance->execute_number && event->command_done->outcome &&
               event->command_done->outcome->verdict == PB__VERDICT__VERDICT_FAIL;
    case PB__EVENT__BODY_PROCESS_EXITED:
        return !plan->is_tester && !plan->is_network &&
               event->process_exited->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED;
    default:
        return false;
    }
}

void oracle_evidence(struct oracle *oracle, const Pb__InstanceEvent *kept)
{
    const Pb__Event *event = kept->event;
    struct instance_book *instance = oracle_instance(oracle, event->instance);
    if (!instance || instance->has_ended) {
        world_fail(oracle->world, P1, "an event of instance %llu counts, which has ended", (unsigned long long)event->instance);
        return;
    }
    if (strcmp(instance->agent, kept->agent) != 0)
        world_fail(oracle->world, "P5 an agent speaks only for itself", "%s spoke for an instance of %s", kept->agent, instance->agent);
    oracle_timeline_evidence(oracle, instance->trial, event);
    instance->trial->has_failed |= is_failure(instance, event);
    if (event->body_case != PB__EVENT__BODY_CASE_RESULT)
        return;
    instance->trial->results++;
    if (map_put_number(instance->results, event->case_result->number, instance))
        world_fail(oracle->world, P1, "case %s of %s has two results", event->case_result->name, instance->trial->started->name);
}

// ---- what truly happened

static bool asserts(const struct trial_book *trial, const char *service, Pb__Assertion__BodyCase kind)
{
    const Pb__CellPlan *plan = trial->started->plan;
    for (size_t i = 0; i < plan->n_assertions; i++)
        if (plan->assertions[i]->body_case == kind && !plan->assertions[i]->window && strcmp(plan->assertions[i]->service, service) == 0)
            return true;
    return false;
}

// An assertion of the service that does not hold.
static const char *broken_assertion(const struct trial_book *trial, const struct guard *guard)
{
    const char *service = guard->spec->initialize->service;
    if (guard->has_unclean_exit && asserts(trial, service, PB__ASSERTION__BODY_EXIT))
        return "a process did not exit clean";
    if (guard->is_poor && asserts(trial, service, PB__ASSERTION__BODY_METRIC))
        return "the rate was too low";
    if (guard->has_found_pattern && asserts(trial, service, PB__ASSERTION__BODY_OUTPUT))
        return "the output had what must be absent";
    return NULL;
}

static const char *why_this_one_does_not(struct oracle *oracle, const struct trial_book *trial, size_t index, uint32_t generation)
{
    const Pb__PlacedService *placed = trial->started->services[index];
    const struct life_book *life = oracle_life(oracle, placed->instance, generation);
    const struct guard *guard = life->guard;
    if (!guard)
        return "it never ran";
    if (guard->spoiled)
        return guard->spoiled;
    if (guard->execute_failed && trial->instances[index].execute_number)
        return "execute found a violation";
    if (guard->cases_passed != trial->started->plan->services[index]->n_cases)
        return "not all of its cases passed";
    if (guard->has_dropped && asserts(trial, placed->service, PB__ASSERTION__BODY_OUTPUT))
        return "its output was not whole";
    if (!oracle->was_restored && (life->sequence != guard->spool_count || !life->end_is_kept))
        return "not all of its events are in the journal";
    return broken_assertion(trial, guard);
}

static const char *why_no_pass(struct oracle *oracle, const struct trial_book *trial, size_t index)
{
    const char *why = NULL;
    for (uint32_t generation = 1; generation <= trial->instances[index].generation && !why; generation++)
        why = why_this_one_does_not(oracle, trial, index, generation);
    return why;
}

static void check_pass(struct oracle *oracle, const struct trial_book *trial)
{
    for (size_t i = 0; i < trial->started->n_services; i++) {
        const char *why = why_no_pass(oracle, trial, i);
        if (why)
            world_fail(oracle->world, P9, "%s passed, but of service %s: %s", trial->started->name, trial->started->services[i]->service,
                       why);
    }
}

static void check_fail(struct oracle *oracle, const struct trial_book *trial)
{
    bool any = trial->has_failed;
    for (size_t i = 0; i < trial->started->n_services && !any; i++) {
        for (uint32_t generation = 1; generation <= trial->instances[i].generation && !any; generation++) {
            const struct life_book *life = oracle_life(oracle, trial->started->services[i]->instance, generation);
            any = life->guard && (life->guard->match_count || broken_assertion(trial, life->guard));
        }
    }
    if (!any)
        world_fail(oracle->world, P9_FAIL, "%s failed, and nothing did", trial->started->name);
}

// ---- ends

// Then nothing that was seen says anything of who used it.
static bool network_broke(struct oracle *oracle, const struct trial_book *trial)
{
    for (size_t i = 0; i < trial->started->n_services; i++) {
        const struct guard *guard = oracle_life(oracle, trial->started->services[i]->instance, 1)->guard;
        if (trial->started->plan->services[i]->is_network && (!guard || guard->spoiled))
            return true;
    }
    return false;
}

static size_t planned_cases(const struct trial_book *trial)
{
    size_t cases = 0;
    for (size_t i = 0; i < trial->started->plan->n_services; i++)
        cases += trial->started->plan->services[i]->n_cases;
    return cases;
}

void oracle_trial_stopping(struct oracle *oracle, const Pb__TrialStopping *stopping)
{
    struct trial_book *trial = map_get_number(oracle->trials, stopping->trial);
    if (trial)
        trial->was_stopped = true;
}

// From here on its verdict stands, whatever becomes of what is held.
void oracle_trial_held(struct oracle *oracle, const Pb__TrialHeld *held)
{
    struct trial_book *trial = map_get_number(oracle->trials, held->trial);
    if (!trial || trial->held || trial->has_ended) {
        world_fail(oracle->world, P1, "trial %llu is held twice, or does not live", (unsigned long long)held->trial);
        return;
    }
    world_saw(oracle->world, trial->was_stopped ? RARITY_CUT_TRIAL_HELD : RARITY_TRIAL_HELD);
    trial->held = held->verdict;
}

static bool says_the_same(const Pb__TrialEnded *held, const Pb__TrialEnded *ended)
{
    return held->outcome->verdict == ended->outcome->verdict && held->outcome->reason == ended->outcome->reason &&
           held->n_unfinished == ended->n_unfinished && held->n_assertions == ended->n_assertions;
}

void oracle_trial_ended(struct oracle *oracle, const Pb__TrialEnded *ended)
{
    struct world *world = oracle->world;
    struct trial_book *trial = map_get_number(oracle->trials, ended->trial);
    if (!trial || trial->has_ended) {
        world_fail(world, P1, "trial %llu ended twice, or never began", (unsigned long long)ended->trial);
        return;
    }
    trial->has_ended = true;
    if (trial->held && !says_the_same(trial->held, ended))
        world_fail(world, P1, "%s was held as %s and ends as %s", ended->name, verdict_name((int)trial->held->outcome->verdict),
                   verdict_name((int)ended->outcome->verdict));
    if (trial->results + ended->n_unfinished != planned_cases(trial))
        world_fail(world, P1, "%s has %zu results and %zu unfinished cases of %zu", ended->name, trial->results, ended->n_unfinished,
                   planned_cases(trial));
    for (size_t i = 0; i < trial->started->n_services; i++)
        if (trial->instances[i].wanted > trial->instances[i].generation)
            world_saw(world, RARITY_GENERATION_CUT);
    for (size_t i = 0; i < trial->started->n_services; i++)
        if (!trial->instances[i].has_ended)
            oracle_instance_is_over(oracle, &trial->instances[i], trial->instances[i].generation, "TrialEnded");
    int verdict = (int)ended->outcome->verdict;
    oracle_timeline_ended(oracle, trial, ended->outcome);
    if (oracle->is_reading_backup)
        ; // it was judged before
    else if (verdict == VERDICT_PASS)
        check_pass(oracle, trial);
    else if (verdict == VERDICT_FAIL)
        check_fail(oracle, trial);
    const struct run_book *run = map_get_number(oracle->runs, trial->run);
    if (verdict != VERDICT_PASS && trial->goes_well && !run->is_cancelled && !oracle->was_restored)
        world_fail(world, "what goes well passes", "%s had nothing that could harm it and ended as %s: %s", ended->name,
                   verdict_name(verdict), ended->outcome->text);
    for (size_t i = 0; i < ended->n_assertions; i++)
        trial->has_failed |= ended->assertions[i]->outcome->verdict == PB__VERDICT__VERDICT_FAIL;
    struct cell_book *cell = cell_of(oracle, trial->cell);
    cell->live_trial = 0;
    cell->last_verdict = verdict;
    cell->has_failed |= trial->has_failed && !(verdict == VERDICT_INCONC && network_broke(oracle, trial));
}

static void count_cell(struct world *world, int verdict)
{
    static const enum rarity rarities[] = {RARITY_CELL_INCONC, RARITY_CELL_PASSED, RARITY_CELL_INCONC, RARITY_CELL_FAILED,
                                           RARITY_CELL_ERROR};
    world_saw(world, rarities[verdict]);
}

void oracle_cell_ended(struct oracle *oracle, const Pb__CellEnded *ended)
{
    struct world *world = oracle->world;
    struct cell_book *cell = cell_of(oracle, ended->name);
    struct run_book *run = map_get_number(oracle->runs, ended->run);
    int verdict = (int)ended->outcome->verdict;
    if (cell->has_ended || cell->live_trial || !run || run->has_ended)
        world_fail(world, P1, "cell %s ended %s", ended->name,
                   cell->has_ended    ? "twice"
                   : cell->live_trial ? "before its trial"
                                      : "outside of a run");
    if (verdict == VERDICT_PASS && cell->last_verdict != VERDICT_PASS)
        world_fail(world, P9, "cell %s passed, its last attempt did not", ended->name);
    if (cell->has_failed && verdict < VERDICT_FAIL)
        world_fail(world, P9, "cell %s is %s although something in it failed", ended->name, verdict_name(verdict));
    cell->has_ended = true;
    count_cell(world, verdict);
    if (run) {
        run->ended++;
        run->counts[verdict]++;
    }
}

void oracle_run_ended(struct oracle *oracle, const Pb__RunEnded *ended)
{
    struct run_book *run = map_get_number(oracle->runs, ended->run);
    if (!run || run->has_ended || run->ended != run->cells) {
        world_fail(oracle->world, P1, "run r%llu ended %s", (unsigned long long)ended->run,
                   !run             ? "that nobody accepted"
                   : run->has_ended ? "twice"
                                    : "before all of its cells");
        return;
    }
    run->has_ended = true;
    if (ended->passed != run->counts[VERDICT_PASS] || ended->failed != run->counts[VERDICT_FAIL] ||
        ended->errors != run->counts[VERDICT_ERROR] || ended->inconclusive != run->counts[VERDICT_INCONC] ||
        ended->none != run->counts[VERDICT_NONE])
        world_fail(oracle->world, P1, "run r%llu counts its cells wrong", (unsigned long long)ended->run);
}
