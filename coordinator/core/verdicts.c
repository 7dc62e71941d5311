// The verdict of a trial, from evidence alone: what its instances reported, its assertions, and whether anything is missing.
// A pass needs complete evidence (P9); what is missing is named.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

struct judge {
    struct core *core;
    const struct trial *trial;
    Pb__TrialEnded *ended;
    struct outcome outcome;
};

const char *verdicts_missing(const struct instance *instance)
{
    if (instance->incomplete_generation) {
        return "not everything was reported of a generation before its last";
    }
    if (instance->state == INSTANCE_PLACED && instance->generation > 1) {
        return NULL; // nobody was told of this generation
    }
    if (instance->state != INSTANCE_ENDED || instance->end_cause != PB__END_CAUSE__END_CAUSE_CLEANED) {
        return "its end was not reported";
    }
    if (map_count(instance->processes)) {
        return "not every process's exit was reported";
    }
    if (instance->streams_ended < 2 * instance->processes_started) {
        return "not every stream was reported complete";
    }
    return NULL;
}

// ---- assertions

static Pb__AssertionResult *assertion_new(struct judge *judge, const Pb__Assertion *assertion)
{
    Pb__AssertionResult *result = NEW_MESSAGE(judge->core, Pb__AssertionResult, pb__assertion_result);
    result->service = arena_string(judge->core->effects->arena, assertion->service);
    result->text = arena_string(judge->core->effects->arena, assertion->text);
    judge->ended->assertions[judge->ended->n_assertions++] = result;
    return result;
}

static void conclude(struct judge *judge, Pb__AssertionResult *result, int verdict, const char *observed)
{
    struct arena *arena = judge->core->effects->arena;
    int reason = verdict == VERDICT_FAIL ? REASON_ASSERTION : verdict == VERDICT_PASS ? REASON_UNSPECIFIED : REASON_INCOMPLETE;
    result->observed = arena_string(arena, observed);
    const char *text = verdict == VERDICT_PASS ? "" : arena_printf(arena, "assertion: %s: %s", result->text, observed);
    result->outcome = core_outcome(judge->core, verdict, reason, text);
    outcome_worsen(&judge->outcome, verdict, reason, text);
}

// A bound that is broken stays broken. That one holds, or that something was not seen, says nothing of a trial that was cut short.
static void conclude_cut(struct judge *judge, Pb__AssertionResult *result, const char *observed)
{
    conclude(judge, result, VERDICT_INCONC, arena_printf(judge->core->effects->arena, "%s, but the trial was cut short", observed));
}

static void judge_exit(struct judge *judge, const Pb__Assertion *assertion, const struct instance *instance)
{
    Pb__AssertionResult *result = assertion_new(judge, assertion);
    if (!instance->processes_started || map_count(instance->processes)) {
        conclude(judge, result, VERDICT_INCONC, instance->processes_started ? "not every exit status is known" : "no process was started");
        return;
    }
    const struct exit_range *exits = &instance->exits;
    if (!exits->count && !judge->trial->cancelled && assertion->exit->clean) {
        conclude(judge, result, VERDICT_PASS, "ended by a fault of the timeline");
        return;
    }
    if (!exits->count) {
        conclude_cut(judge, result, judge->trial->cancelled ? "stopped" : "ended by a fault of the timeline");
        return;
    }
    int32_t worst = exits->least < 0 ? exits->least : exits->most; // a signal, else the highest status
    char observed[64];
    snprintf(observed, sizeof observed, worst < 0 ? "signal %d" : "status %d", worst < 0 ? -worst : worst);
    int32_t wanted = assertion->exit->status;
    bool holds = assertion->exit->clean ? instance->exits_clean : exits->least == wanted && exits->most == wanted;
    if (holds && judge->trial->cancelled) {
        conclude_cut(judge, result, observed);
    } else {
        conclude(judge, result, holds ? VERDICT_PASS : VERDICT_FAIL, observed);
    }
}

static void judge_metric(struct judge *judge, const Pb__Assertion *assertion, const struct instance *instance)
{
    const Pb__MetricAssertion *bound = assertion->metric;
    const struct metric_range *range = map_get_text(instance->metrics, bound->name);
    Pb__AssertionResult *result = assertion_new(judge, assertion);
    if (!range) {
        conclude(judge, result, VERDICT_INCONC, "the metric was not reported");
        return;
    }
    bool too_low = bound->has_at_least && range->least < bound->at_least;
    bool too_high = bound->has_at_most && range->most > bound->at_most;
    char observed[96];
    if (range->count > 1) {
        snprintf(observed, sizeof observed, "%.6g to %.6g in %llu values", range->least, range->most, (unsigned long long)range->count);
    } else {
        snprintf(observed, sizeof observed, "%.6g", range->least);
    }
    if (!too_low && !too_high && instance->metrics_lost) {
        conclude(judge, result, VERDICT_INCONC, arena_printf(judge->core->effects->arena, "%s, but not every metric was kept", observed));
    } else if (!too_low && !too_high && judge->trial->cancelled) {
        conclude_cut(judge, result, observed);
    } else {
        conclude(judge, result, too_low || too_high ? VERDICT_FAIL : VERDICT_PASS, observed);
    }
}

static void judge_output(struct judge *judge, const Pb__Assertion *assertion, const struct instance *instance, uint32_t rule)
{
    bool found = map_get_number(instance->matches, rule) != NULL;
    Pb__AssertionResult *result = assertion_new(judge, assertion);
    if (found) {
        conclude(judge, result, assertion->output->absent ? VERDICT_FAIL : VERDICT_PASS, "found");
    } else if (verdicts_missing(instance) || instance->gap_bytes) {
        conclude(judge, result, VERDICT_INCONC, "not found, but not all of the output was read");
    } else if (judge->trial->cancelled) {
        conclude_cut(judge, result, "not found");
    } else {
        conclude(judge, result, assertion->output->absent ? VERDICT_PASS : VERDICT_FAIL, "not found");
    }
}

static void judge_one(struct judge *judge, const Pb__Assertion *assertion, uint32_t rule)
{
    const struct instance *instance = *assertion->service ? trial_instance(judge->trial, assertion->service) : NULL;
    bool is_seen = assertion->body_case == PB__ASSERTION__BODY_CAPTURE || assertion->body_case == PB__ASSERTION__BODY_ARTIFACT ||
                   assertion->body_case == PB__ASSERTION__BODY_FINDING;
    if (is_seen || (assertion->window && instance)) {
        struct observation observation;
        verdicts_observe(judge->core, judge->trial, assertion, rule, &observation);
        conclude(judge, assertion_new(judge, assertion), observation.verdict, observation.text);
    } else if (!instance) {
        conclude(judge, assertion_new(judge, assertion), VERDICT_INCONC, "there is no such service");
    } else if (assertion->body_case == PB__ASSERTION__BODY_EXIT) {
        judge_exit(judge, assertion, instance);
    } else if (assertion->body_case == PB__ASSERTION__BODY_METRIC) {
        judge_metric(judge, assertion, instance);
    } else {
        judge_output(judge, assertion, instance, rule);
    }
}

static void judge_assertions(struct judge *judge)
{
    const Pb__CellPlan *plan = judge->trial->plan;
    judge->ended->assertions = ARENA_ARRAY(judge->core->effects->arena, Pb__AssertionResult *, plan->n_assertions + 1);
    for (uint32_t i = 0; i < plan->n_assertions; i++) {
        judge_one(judge, plan->assertions[i], i + 1);
    }
}

// ---- cases without a result of their own

// Texts are for people, and 100,000 of them would not fit into a record: the first ones have them.
#define UNFINISHED_TEXTS_MAX 1000

static void unfinished(struct judge *judge, const struct instance *instance, const char *name, int verdict, int reason, const char *text)
{
    struct arena *arena = judge->core->effects->arena;
    Pb__CaseOutcome *open = NEW_MESSAGE(judge->core, Pb__CaseOutcome, pb__case_outcome);
    open->instance = instance->id;
    open->service = arena_string(arena, instance->service);
    open->name = arena_string(arena, name);
    open->outcome = core_outcome(judge->core, verdict, reason, judge->ended->n_unfinished < UNFINISHED_TEXTS_MAX ? text : "");
    judge->ended->unfinished[judge->ended->n_unfinished++] = open;
    if (verdict_is_worse(verdict, judge->outcome.verdict)) {
        outcome_worsen(&judge->outcome, verdict, reason, arena_printf(arena, "%s: case %s: %s", instance->service, name, text));
    }
}

// Where it stands among those that were released: next, or anywhere when a timeline gave them their order. None: how many there are.
static uint32_t case_index(const struct instance *instance, const char *name, uint32_t next)
{
    if (!timeline_releases(instance)) {
        bool is_next = next < instance->case_count && strcmp(instance->cases[next], name) == 0;
        return is_next ? next : instance->case_count;
    }
    for (uint32_t i = 0; i < instance->case_count; i++) {
        if (strcmp(instance->cases[i], name) == 0) {
            return i;
        }
    }
    return instance->case_count;
}

// What was released is what the plan names, in its order, less what a driven service declares that it cannot do.
static void judge_unfinished(struct judge *judge, const struct instance *instance)
{
    const Pb__ServicePlan *service = instance_plan(instance);
    int cause = judge->trial->outcome.reason;
    int reason = cause == REASON_CANCELLED || cause == REASON_TIMEOUT ? cause : REASON_INCOMPLETE;
    bool released = instance->state >= INSTANCE_RUNNING && instance->case_count > 0;
    uint32_t next = 0;
    for (size_t i = 0; instance->is_tester && i < service->n_cases; i++) {
        uint32_t index = released ? case_index(instance, service->cases[i], next) : instance->case_count;
        bool was_released = index < instance->case_count;
        next = was_released ? index + 1 : next;
        const struct outcome *skipped = was_released ? map_get_number(instance->skipped, index) : NULL;
        if (skipped) {
            unfinished(judge, instance, service->cases[i], skipped->verdict, skipped->reason, skipped->text);
        }
        if (was_released && instance->case_verdicts[index] != CASE_UNANSWERED) {
            continue;
        }
        if (!trials_case_is_supported(judge->core, instance, service->cases[i])) {
            unfinished(judge, instance, service->cases[i], VERDICT_NONE, REASON_UNSUPPORTED,
                       "a service that it drives cannot do it, or not with the version of this trial");
        } else {
            unfinished(judge, instance, service->cases[i], VERDICT_INCONC, reason, "no result: the trial ended before this case did");
        }
    }
}

static size_t count_cases(const struct trial *trial)
{
    size_t count = 0;
    for (size_t i = 0; i < trial->instance_count; i++) {
        count += instance_plan(trial->instances[i])->n_cases;
    }
    return count;
}

static void judge_instances(struct judge *judge, bool testers)
{
    for (size_t i = 0; i < judge->trial->instance_count; i++) {
        const struct instance *instance = judge->trial->instances[i];
        if (instance->is_tester == testers) {
            outcome_worsen(&judge->outcome, instance->outcome.verdict, instance->outcome.reason, instance->outcome.text);
        }
    }
}

static void judge_completeness(struct judge *judge)
{
    for (size_t i = 0; judge->outcome.verdict <= VERDICT_PASS && i < judge->trial->instance_count; i++) {
        const struct instance *instance = judge->trial->instances[i];
        const char *missing = verdicts_missing(instance);
        if (missing) {
            outcome_worsen(&judge->outcome, VERDICT_INCONC, REASON_INCOMPLETE,
                           arena_printf(judge->core->effects->arena, "%s: %s", instance->service, missing));
        }
    }
}

// A pass needs no explanation, but for what nobody can look at any more.
static const char *pass_text(const struct judge *judge)
{
    uint64_t bytes = 0;
    uint32_t files = 0;
    for (size_t i = 0; i < judge->trial->instance_count; i++) {
        bytes += judge->trial->instances[i]->gap_bytes;
        files += judge->trial->instances[i]->files_cut;
    }
    if (!bytes && !files) {
        return "";
    }
    return arena_printf(judge->core->effects->arena, "not kept: %llu bytes of output, %u files", (unsigned long long)bytes, files);
}

// What failed on a network that broke says nothing of who used it.
static void judge_network(struct judge *judge)
{
    for (size_t i = 0; i < judge->trial->instance_count; i++) {
        const struct instance *network = judge->trial->instances[i];
        if (instance_plan(network)->is_network && network->broken && judge->outcome.verdict == VERDICT_FAIL) {
            outcome_clear(&judge->outcome);
            outcome_worsen(&judge->outcome, network->outcome.verdict, network->outcome.reason, network->outcome.text);
        }
    }
}

// IUTs are asked before testers: of a dead server and a tester that was refused, the dead server is the cause.
static Pb__TrialEnded *judge_trial(struct core *core, const struct trial *trial, bool is_over)
{
    struct judge judge = {.core = core, .trial = trial, .ended = NEW_MESSAGE(core, Pb__TrialEnded, pb__trial_ended)};
    judge.ended->trial = trial->id;
    judge.ended->name = arena_string(core->effects->arena, trial->name);
    judge.ended->unfinished = ARENA_ARRAY(core->effects->arena, Pb__CaseOutcome *, count_cases(trial) + 1);
    outcome_worsen(&judge.outcome, trial->outcome.verdict, trial->outcome.reason, trial->outcome.text);
    judge_instances(&judge, false);
    judge_instances(&judge, true);
    judge_assertions(&judge);
    for (size_t i = 0; i < trial->instance_count; i++) {
        judge_unfinished(&judge, trial->instances[i]);
    }
    judge_network(&judge);
    if (is_over) {
        judge_completeness(&judge);
    }
    const char *text = judge.outcome.verdict > VERDICT_PASS ? judge.outcome.text : pass_text(&judge);
    judge.ended->outcome = core_outcome(core, judge.outcome.verdict, judge.outcome.reason, text);
    outcome_clear(&judge.outcome);
    return judge.ended;
}

Pb__TrialEnded *verdicts_so_far(struct core *core, const struct trial *trial)
{
    return judge_trial(core, trial, false);
}

Pb__TrialEnded *verdicts_trial(struct core *core, const struct trial *trial)
{
    return trial->held ? MESSAGE_COPY(trial->held->verdict, core->effects->arena) : judge_trial(core, trial, true);
}
