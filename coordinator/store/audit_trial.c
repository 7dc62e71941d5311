// Trials: every case that was planned has one verdict, a trial is no better than the worst of its parts, and a pass has complete evidence.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/store/audit_inside.h"

#define PLACE_BYTES (FULL_NAME_MAX_BYTES + NAME_MAX_BYTES + 2)

static void instance_free(struct audited_instance *instance)
{
    for (uint32_t i = 0; i < instance->case_count; i++)
        free(instance->cases[i]);
    free(instance->cases);
    free(instance->answered_by);
    free(instance->case_numbers);
    map_free(&instance->processes);
    free(instance);
}

void audited_trial_free(struct audited_trial *trial)
{
    for (size_t i = 0; i < trial->count; i++)
        instance_free(trial->instances[i]);
    free(trial->instances);
    free(trial->name);
    message_free(trial->plan);
    free(trial);
}

static const Pb__ServicePlan *plan_of(const struct audited_instance *instance)
{
    return instance->trial->plan->services[instance->index];
}

static const char *place_of(char place[PLACE_BYTES], const struct audited_instance *instance)
{
    snprintf(place, PLACE_BYTES, "%.*s/%s", FULL_NAME_MAX_BYTES - 1, instance->trial->name, plan_of(instance)->name);
    return place;
}

// ---- it starts

static struct attempt *attempt_of(struct audited_run *run, uint64_t cell)
{
    struct attempt *attempt = map_get_number(run->attempts, cell);
    if (!attempt) {
        attempt = NEW(struct attempt);
        map_put_number(run->attempts, cell, attempt);
    }
    return attempt;
}

static const char *start_problem(const struct audit *audit, const struct audited_run *run, const Pb__TrialStarted *record, uint64_t *cell)
{
    if (run->ended)
        return "starts after its run has ended";
    if (!audit_cell(run, record->test, record->cell, cell))
        return "is of a cell that the run does not have";
    if (run->verdicts[*cell] != CELL_OPEN)
        return "is of a cell that has its verdict";
    if (record->n_services != record->plan->n_services)
        return "has not one instance for each service";
    for (size_t i = 0; i < record->n_services; i++)
        if (map_get_number(audit->instances, record->services[i]->instance))
            return "has an instance of another trial";
    return map_get_number(audit->trials, record->trial) ? "starts twice" : NULL;
}

static struct audited_instance *instance_new(struct audited_trial *trial, const Pb__PlacedService *placed, uint32_t index)
{
    struct audited_instance *instance = NEW(struct audited_instance);
    instance->trial = trial;
    instance->id = placed->instance;
    instance->index = index;
    instance->is_tester = placed->is_tester;
    instance->processes = map_new();
    return instance;
}

static struct audited_trial *trial_new(struct audit *audit, struct audited_run *run, const Pb__TrialStarted *record, uint64_t cell)
{
    struct audited_trial *trial = NEW(struct audited_trial);
    trial->id = record->trial;
    trial->run = run;
    trial->cell = cell;
    trial->name = memory_string(record->name);
    trial->plan = MESSAGE_COPY(record->plan, NULL);
    trial->count = record->n_services;
    trial->instances = memory_new(sizeof *trial->instances * trial->count);
    for (uint32_t i = 0; i < trial->count; i++) {
        trial->instances[i] = instance_new(trial, record->services[i], i);
        map_put_number(audit->instances, trial->instances[i]->id, trial->instances[i]);
    }
    map_put_number(audit->trials, trial->id, trial);
    return trial;
}

void audit_trial_started(struct audit *audit, const Pb__TrialStarted *record)
{
    struct audited_run *run = map_get_number(audit->runs, record->run);
    uint64_t cell = 0;
    const char *problem = run ? start_problem(audit, run, record, &cell) : "is of a run that was never accepted";
    if (problem) {
        audit_find_here(audit, run, "trial %s %s", record->name, problem);
        return;
    }
    struct attempt *attempt = attempt_of(run, cell);
    if (attempt->is_live)
        audit_find_here(audit, run, "trial %s starts while attempt %u of its cell lives", record->name, attempt->number);
    else if (record->attempt != attempt->number + 1)
        audit_find_here(audit, run, "trial %s is attempt %u, the one before it was %u", record->name, record->attempt, attempt->number);
    *attempt = (struct attempt){.number = record->attempt, .is_live = true};
    trial_new(audit, run, record, cell);
    run->live_trials++;
    run->result->trials++;
}

// ---- it works

static struct audited_instance *find_instance(struct audit *audit, uint64_t trial, uint64_t id)
{
    struct audited_instance *instance = map_get_number(audit->instances, id);
    if (instance && instance->trial->id == trial)
        return instance;
    struct audited_run *run = map_get_number(audit->runs, audit->projection->run);
    audit_find_here(audit, run, "it is about instance %llu of trial %llu, which is not live", (unsigned long long)id,
                    (unsigned long long)trial);
    return NULL;
}

void audit_cases_released(struct audit *audit, const Pb__CasesReleased *record)
{
    struct audited_instance *instance = find_instance(audit, record->trial, record->instance);
    if (!instance || !record->n_cases)
        return;
    if (instance->case_count && record->first_number <= instance->case_numbers[instance->case_count - 1]) {
        audit_find_here(audit, instance->trial->run, "cases of %s get numbers that were given before", instance->trial->name);
        return;
    }
    size_t count = instance->case_count + record->n_cases;
    instance->answered_by = memory_grow(instance->answered_by, count, sizeof *instance->answered_by);
    instance->cases = memory_grow(instance->cases, count, sizeof *instance->cases);
    instance->case_numbers = memory_grow(instance->case_numbers, count, sizeof *instance->case_numbers);
    for (uint32_t i = 0; i < record->n_cases; i++) {
        instance->answered_by[instance->case_count] = 0;
        instance->case_numbers[instance->case_count] = record->first_number + i;
        instance->cases[instance->case_count++] = memory_string(record->cases[i]);
    }
}

// Which case has this number; none: how many there are.
static uint32_t case_of_number(const struct audited_instance *instance, uint32_t number)
{
    uint32_t low = 0, high = instance->case_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (instance->case_numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < instance->case_count && instance->case_numbers[low] == number ? low : instance->case_count;
}

static void worsen(struct audited_instance *instance, const Pb__Outcome *outcome)
{
    if (outcome && !instance->trial->is_held && verdict_is_worse((int)outcome->verdict, instance->worst))
        instance->worst = (int)outcome->verdict;
}

static void case_result(struct audit *audit, struct audited_instance *instance, const Pb__CaseResult *result)
{
    struct audited_run *run = instance->trial->run;
    uint32_t index = case_of_number(instance, result->number);
    char place[PLACE_BYTES];
    if (index == instance->case_count) {
        audit_find_here(audit, run, "%s: case %s has a result and was not released", place_of(place, instance), result->name);
    } else if (instance->answered_by[index]) {
        audit_find_here(audit, run, "%s: case %s has two verdicts: by record %llu and by this one", place_of(place, instance), result->name,
                        (unsigned long long)instance->answered_by[index]);
    } else if (strcmp(instance->cases[index], result->name) != 0) {
        audit_find_here(audit, run, "%s: number %u is case %s, the result is of %s", place_of(place, instance), result->number,
                        instance->cases[index], result->name);
    } else {
        instance->answered_by[index] = audit->sequence;
        run->result->cases++;
        worsen(instance, result->outcome);
    }
}

static void process_exited(struct audited_instance *instance, const Pb__ProcessExited *exited)
{
    map_remove_number(instance->processes, exited->process);
    if (exited->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED && !instance->is_tester)
        instance->wrong = "a process of it died";
}

static void process_started(struct audited_instance *instance, const Pb__ProcessStarted *started)
{
    if (!map_put_number(instance->processes, started->process, instance))
        instance->processes_started++;
}

static void command_done(struct audited_instance *instance, const Pb__CommandDone *done)
{
    if (instance->execute_for_case && done->number == instance->execute_for_case)
        return; // for the tester to judge
    worsen(instance, done->outcome);
    if (strcmp(done->phase, "fault") == 0 || strcmp(done->phase, "run") == 0)
        return; // a trial whose timeline could not be done does not pass by its own verdict
    if (done->status != PB__COMMAND_STATUS__COMMAND_STATUS_OK)
        instance->wrong = "a command of it failed";
}

static void stream_end(struct audited_instance *instance, const Pb__StreamEnd *end)
{
    instance->streams_ended += strcmp(end->stream, "plugin.log") != 0 && strcmp(end->stream, "host.stderr") != 0;
}

// A later generation has to end as well, and the one before it to have told everything.
static void generation_seen(struct audited_instance *instance, const Pb__Event *event)
{
    if (event->generation <= instance->generation)
        return;
    if (instance->generation && (map_count(instance->processes) || instance->streams_ended < 2 * instance->processes_started))
        instance->wrong = "evidence of an earlier generation is missing";
    instance->generation = event->generation;
    instance->ended = instance->cleaned = false;
    instance->execute_for_case = 0;
    map_free(&instance->processes);
    instance->processes = map_new();
    instance->streams_ended = 2 * instance->processes_started; // what comes too much stands for nothing that is missing
}

static void event(struct audit *audit, struct audited_instance *instance, const Pb__Event *event)
{
    switch (event->body_case) {
    case PB__EVENT__BODY_CASE_RESULT:
        case_result(audit, instance, event->case_result);
        break;
    case PB__EVENT__BODY_COMMAND_DONE:
        command_done(instance, event->command_done);
        break;
    case PB__EVENT__BODY_PROCESS_STARTED:
        process_started(instance, event->process_started);
        break;
    case PB__EVENT__BODY_PROCESS_EXITED:
        process_exited(instance, event->process_exited);
        break;
    case PB__EVENT__BODY_STREAM_END:
        stream_end(instance, event->stream_end);
        break;
    case PB__EVENT__BODY_HOST_DIED:
        instance->wrong = "its host died";
        break;
    case PB__EVENT__BODY_INSTANCE_ENDED:
        instance->ended = true;
        instance->cleaned = event->instance_ended->cause == PB__END_CAUSE__END_CAUSE_CLEANED;
        break;
    default:
        break; // says nothing about a verdict
    }
}

// What comes when its trial or its instance has ended is kept as evidence, and marked so.
void audit_instance_event(struct audit *audit, const Pb__InstanceEvent *record)
{
    if (record->stale)
        return;
    struct audited_instance *instance = find_instance(audit, record->trial, record->event->instance);
    if (!instance)
        return;
    generation_seen(instance, record->event);
    if (instance->ended || instance->lost)
        audit_find_here(audit, instance->trial->run, "an instance of %s reports after its end", instance->trial->name);
    event(audit, instance, record->event);
}

void audit_command_issued(struct audit *audit, const Pb__CommandIssued *record)
{
    struct audited_instance *instance = map_get_number(audit->instances, record->command->instance);
    if (instance && record->tester && record->command->body_case == PB__COMMAND__BODY_EXECUTE)
        instance->execute_for_case = record->command->number;
}

void audit_instance_lost(struct audit *audit, const Pb__InstanceLost *record)
{
    struct audited_instance *instance = find_instance(audit, record->trial, record->instance);
    if (!instance)
        return;
    instance->lost = true;
    instance->wrong = "it was lost";
}

// ---- it ends: one verdict for each case that was planned

static void count_name(struct map *names, const char *name, uintptr_t *counts, size_t *used)
{
    uintptr_t *count = map_get_text(names, name);
    if (!count) {
        count = &counts[(*used)++];
        map_put_text(names, name, count);
    }
    ++*count;
}

struct tally {
    struct map *names;
    uintptr_t *counts;
    size_t used;
};

static void tally_verdicts(struct tally *tally, const struct audited_instance *instance, const Pb__TrialEnded *record)
{
    for (uint32_t i = 0; i < instance->case_count; i++)
        if (instance->answered_by[i])
            count_name(tally->names, instance->cases[i], tally->counts, &tally->used);
    for (size_t i = 0; i < record->n_unfinished; i++)
        if (record->unfinished[i]->instance == instance->id)
            count_name(tally->names, record->unfinished[i]->name, tally->counts, &tally->used);
}

static void compare_with_plan(struct audit *audit, const struct audited_instance *instance, const struct tally *tally)
{
    const Pb__ServicePlan *plan = plan_of(instance);
    char place[PLACE_BYTES];
    size_t planned = 0;
    for (size_t i = 0; i < plan->n_cases; i++) {
        const uintptr_t *count = map_get_text(tally->names, plan->cases[i]);
        planned += count != NULL;
        if (!count || *count != 1)
            audit_find_here(audit, instance->trial->run, "%s: case %s has %u verdicts", place_of(place, instance), plan->cases[i],
                            count ? (unsigned)*count : 0);
    }
    if (planned != map_count(tally->names))
        audit_find_here(audit, instance->trial->run, "%s: %zu cases have a verdict and are not in the plan", place_of(place, instance),
                        map_count(tally->names) - planned);
}

static void judge_cases(struct audit *audit, const struct audited_instance *instance, const Pb__TrialEnded *record)
{
    struct tally tally = {.names = map_new(), .counts = memory_new(sizeof(uintptr_t) * (instance->case_count + record->n_unfinished + 1))};
    tally_verdicts(&tally, instance, record);
    compare_with_plan(audit, instance, &tally);
    map_free(&tally.names);
    free(tally.counts);
}

// ---- and a verdict that its parts allow

static int worst_of_parts(const struct audited_trial *trial, const Pb__TrialEnded *record)
{
    int worst = VERDICT_NONE;
    for (size_t i = 0; i < trial->count; i++)
        worst = verdict_is_worse(trial->instances[i]->worst, worst) ? trial->instances[i]->worst : worst;
    for (size_t i = 0; i < record->n_assertions; i++)
        if (record->assertions[i]->outcome && verdict_is_worse((int)record->assertions[i]->outcome->verdict, worst))
            worst = (int)record->assertions[i]->outcome->verdict;
    for (size_t i = 0; i < record->n_unfinished; i++)
        if (record->unfinished[i]->outcome && verdict_is_worse((int)record->unfinished[i]->outcome->verdict, worst))
            worst = (int)record->unfinished[i]->outcome->verdict;
    return worst;
}

static const char *missing(const struct audited_instance *instance)
{
    if (instance->wrong)
        return instance->wrong;
    if (!instance->ended || !instance->cleaned)
        return "its end was not reported";
    if (map_count(instance->processes))
        return "the exit of a process was not reported";
    if (instance->streams_ended < 2 * instance->processes_started)
        return "not every stream was reported complete";
    return NULL;
}

static void judge_pass(struct audit *audit, const struct audited_trial *trial, const Pb__TrialEnded *record)
{
    char place[PLACE_BYTES];
    for (size_t i = 0; i < trial->count; i++) {
        const char *what = missing(trial->instances[i]);
        if (what)
            audit_find_here(audit, trial->run, "trial %s passes without complete evidence: %s: %s", trial->name,
                            place_of(place, trial->instances[i]), what);
    }
    if (record->n_assertions != trial->plan->n_assertions)
        audit_find_here(audit, trial->run, "trial %s passes with %zu of its %zu assertions", trial->name, record->n_assertions,
                        trial->plan->n_assertions);
}

static void judge_trial(struct audit *audit, const struct audited_trial *trial, const Pb__TrialEnded *record)
{
    int verdict = (int)record->outcome->verdict, worst = worst_of_parts(trial, record);
    for (size_t i = 0; i < trial->count; i++)
        judge_cases(audit, trial->instances[i], record);
    if (verdict_is_worse(worst, verdict))
        audit_find_here(audit, trial->run, "trial %s is %s, a part of it is %s", trial->name, verdict_name(verdict), verdict_name(worst));
    if (verdict == VERDICT_PASS && worst == VERDICT_NONE)
        audit_find_here(audit, trial->run, "trial %s passes, and nothing of it did", trial->name);
    if (verdict == VERDICT_PASS)
        judge_pass(audit, trial, record);
}

void audit_trial_held(struct audit *audit, const Pb__TrialHeld *record)
{
    struct audited_trial *trial = map_get_number(audit->trials, record->trial);
    if (trial)
        trial->is_held = true;
}

void audit_trial_ended(struct audit *audit, const Pb__TrialEnded *record)
{
    struct audited_trial *trial = map_remove_number(audit->trials, record->trial);
    if (!trial) {
        audit_find_here(audit, map_get_number(audit->runs, audit->projection->run), "trial %s ends and is not live", record->name);
        return;
    }
    judge_trial(audit, trial, record);
    struct attempt *attempt = map_get_number(trial->run->attempts, trial->cell);
    if (attempt) {
        attempt->is_live = false;
        attempt->verdict = (int)record->outcome->verdict;
    }
    trial->run->live_trials--;
    trial->run->result->cases += record->n_unfinished;
    for (size_t i = 0; i < trial->count; i++)
        map_remove_number(audit->instances, trial->instances[i]->id);
    audited_trial_free(trial);
}
