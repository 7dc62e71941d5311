#include "coordinator/report/gates.h"

#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "coordinator/report/compare.h"
#include "coordinator/report/gates_inside.h"

// ---- results in the making

static int severity(int verdict)
{
    return verdict == VERDICT_FAIL ? VERDICT_ERROR + 1 : verdict;
}

void gate_worsen(Pb__Outcome *outcome, int verdict, int reason, const char *text)
{
    if (severity(verdict) > severity((int)outcome->verdict)) {
        outcome->verdict = (Pb__Verdict)verdict;
        outcome->reason = (Pb__Reason)reason;
        outcome->text = (char *)(uintptr_t)text;
    }
}

static Pb__Outcome *new_outcome(struct arena *arena)
{
    Pb__Outcome *outcome = ARENA_NEW(arena, Pb__Outcome);
    pb__outcome__init(outcome);
    return outcome;
}

static void set_outcome(struct gate *gate, int verdict, int reason, const char *text)
{
    gate_worsen(gate->result->outcome, verdict, reason, arena_string(gate->arena, text));
}

void gate_find(struct gate *gate, const char *kind, const char *name, const char *before, const char *after, const char *text)
{
    Pb__GateResult *result = gate->result;
    if (result->n_findings == GATE_FINDINGS_MAX || !*gate->room) {
        result->left_out++;
        return;
    }
    --*gate->room;
    Pb__GateFinding *finding = ARENA_NEW(gate->arena, Pb__GateFinding);
    pb__gate_finding__init(finding);
    finding->kind = arena_string(gate->arena, kind);
    finding->name = arena_string(gate->arena, name);
    finding->before = arena_string(gate->arena, before);
    finding->after = arena_string(gate->arena, after);
    finding->text = arena_string(gate->arena, text);
    result->findings[result->n_findings++] = finding;
}

// ---- over repetitions

void groups_gather(struct groups *groups, const struct judgements *judgements, const Pb__Test *test, bool with_expected)
{
    groups->by_name = map_new();
    for (size_t i = 0; i < judgements->count; i++) {
        const struct judgement *judgement = &judgements->items[i];
        if (strcmp(judgement->test, test->name) != 0) {
            continue;
        }
        CLEANUP_FREE char *part = judgement_part(judgement);
        CLEANUP_FREE char *name = memory_printf("%s%s%s", judgement->combination, *judgement->combination && *part ? " " : "", part);
        CLEANUP_FREE char *key = memory_printf("%d%s", (int)judgement->kind, name);
        struct group *group = map_get_text(groups->by_name, key);
        if (!group) {
            group = NEW(struct group);
            *group = (struct group){.first = judgement, .name = memory_string(*name ? name : test->name)};
            map_put_text(groups->by_name, key, group);
        }
        bool is_pass = judgement_is(judgement, "pass"), is_other = !is_pass && !judgement_is(judgement, "none");
        group->passed += is_pass;
        group->other += is_other;
        group->unexpected += is_other && !(with_expected && is_known(test, judgement, judgements->items + judgements->count));
        group->last_other = is_other ? judgement : group->last_other;
    }
}

void groups_free(struct groups *groups)
{
    for (struct map_entry *entry = map_first(groups->by_name); entry; entry = map_next(groups->by_name, entry)) {
        struct group *group = entry->value;
        free(group->name);
        free(group);
    }
    map_free(&groups->by_name);
}

// ---- nothing that passed is lost

// The cells of a combination tell nothing new where a case or an assertion of it was lost.
static bool is_told(const Pb__GateResult *result, const char *combination)
{
    size_t length = strlen(combination);
    for (size_t i = 0; i < result->n_findings; i++) {
        const char *name = result->findings[i]->name;
        if (!length || (strncmp(name, combination, length) == 0 && name[length] == ' ')) {
            return true;
        }
    }
    return false;
}

static void find_lost(struct gate *gate, const struct group *was, const struct group *is)
{
    bool is_fine = is && (is->passed || is->other) && !is->unexpected;
    bool is_old = was->first->kind == JUDGED_CELL && is_told(gate->result, was->first->combination);
    if (!was->passed || was->other || is_fine || is_old) {
        return;
    }
    const char *after = !is ? "" : is->last_other ? is->last_other->verdict : "none";
    const char *text =
        !is              ? "it is not in this run"
        : is->last_other ? arena_printf(gate->arena, "%zu of %zu did not pass: %s", is->other, is->other + is->passed, is->last_other->text)
                         : arena_printf(gate->arena, "it was not run: %s", is->first->text);
    gate_find(gate, "lost", was->name, "pass", after, text);
    set_outcome(gate, VERDICT_FAIL, REASON_ASSERTION, arena_printf(gate->arena, "%s: %s", was->name, text));
}

static void gate_none_lost(struct gate *gate, const Pb__Test *test, const struct judgements *before, const struct judgements *after)
{
    struct groups was, is;
    groups_gather(&was, before, test, false);
    groups_gather(&is, after, test, true);
    static const enum judged_kind order[] = {JUDGED_CASE, JUDGED_ASSERTION, JUDGED_CELL};
    for (size_t i = 0; i < 3; i++) {
        for (struct map_entry *entry = map_first(was.by_name); entry; entry = map_next(was.by_name, entry)) {
            const struct group *group = entry->value;
            CLEANUP_FREE char *key = memory_printf("%.*s", (int)entry->key_bytes, (const char *)entry->key);
            if (group->first->kind == order[i]) {
                find_lost(gate, group, map_get_text(is.by_name, key));
            }
        }
    }
    groups_free(&was);
    groups_free(&is);
    set_outcome(gate, VERDICT_PASS, REASON_UNSPECIFIED, "");
}

// ---- no metric is worse

static void find_worse(struct gate *gate, const Pb__NoWorse *asked, const struct report_metric *was, const struct report_metric *is)
{
    const struct compare_options options = {.confidence = asked->confidence, .by = asked->by};
    struct shift shift = {0};
    char before[48], after[48] = "";
    enum metric_change change = is ? compare_metric(was, is, &options, &shift) : METRIC_UNKNOWN;
    CLEANUP_FREE char *name = memory_printf("%s%s%s", was->combination, *was->combination ? " " : "", was->name);
    snprintf(before, sizeof before, "%.6g", sample_summary(&was->sample).mean);
    if (is) {
        snprintf(after, sizeof after, "%.6g", sample_summary(&is->sample).mean);
    }
    if (change == METRIC_UNKNOWN || change == METRIC_MOVED) {
        const char *why = !is ? "it is not in this run"
                          : change == METRIC_MOVED
                              ? "it moved, and which way is better is not known"
                              : arena_printf(gate->arena, "n %zu and %zu: an interval needs two values on both sides, repeat the cells",
                                             was->sample.count, is->sample.count);
        gate_find(gate, "unknown", name, before, after, why);
        set_outcome(gate, VERDICT_INCONC, REASON_INCOMPLETE, arena_printf(gate->arena, "%s: %s", name, why));
    } else if (change == METRIC_WORSE) {
        CLEANUP_FREE char *moved = compare_metric_text(was, is, &shift);
        const char *text =
            arena_printf(gate->arena, "%s, %.6g to %.6g with %g%% confidence", moved, shift.low, shift.high, options.confidence * 100);
        gate_find(gate, "worse", name, before, after, text);
        set_outcome(gate, VERDICT_FAIL, REASON_ASSERTION, arena_printf(gate->arena, "%s: %s", name, text));
    } else {
        set_outcome(gate, VERDICT_PASS, REASON_UNSPECIFIED, "");
    }
}

// "load.rate" is the metric of the service, and that of each of its cases: "load.throughput.rate".
static bool is_named(const char *metric, const char *asked)
{
    const char *rest = strchr(asked, '.');
    size_t length = strlen(metric), rest_length = rest ? strlen(rest) : 0;
    return strcmp(metric, asked) == 0 || (rest && length > strlen(asked) && strncmp(metric, asked, (size_t)(rest - asked) + 1) == 0 &&
                                          strcmp(metric + length - rest_length, rest) == 0);
}

static void gate_no_worse(struct gate *gate, const Pb__Test *test, const Pb__NoWorse *asked, const struct report_metrics *before,
                          const struct report_metrics *after)
{
    bool any = false;
    for (size_t i = 0; i < before->count; i++) {
        const struct report_metric *was = &before->items[i];
        bool is_meant = *asked->metric ? is_named(was->name, asked->metric) : report_metric_is_directed(was) && !was->is_duration;
        if (strcmp(was->test, test->name) == 0 && is_meant) {
            any = true;
            find_worse(gate, asked, was, report_metrics_find(after, was));
        }
    }
    if (!any) {
        const char *what = *asked->metric ? asked->metric : "no metric that is better when higher or lower";
        const char *text = arena_printf(gate->arena, *asked->metric ? "%s is not in the baseline" : "%s is in the baseline", what);
        gate_find(gate, "unknown", what, "", "", text);
        set_outcome(gate, VERDICT_INCONC, REASON_INCOMPLETE, text);
    }
}

// ---- all of them

static void missing_baseline(struct gate *gate, const Pb__Experiment *experiment, const char *why)
{
    // the first run of all has nothing to be held against, and becomes what later ones are
    bool is_searched = strcmp(experiment->baseline->run, "last-pass") == 0 || strcmp(experiment->baseline->run, "last") == 0;
    gate_find(gate, "unknown", "baseline", "", "", why);
    if (!is_searched) {
        set_outcome(gate, VERDICT_INCONC, REASON_INCOMPLETE, why);
    } else {
        gate->result->outcome->text = arena_string(gate->arena, why);
    }
}

struct judging {
    const Pb__Experiment *experiment;
    const struct run_report *baseline;
    const char *missing;
    struct judgements before, after;
    struct report_metrics metrics_before, metrics_after;
    Pb__RunGates *gates;
    struct arena *arena;
    size_t room;
};

static struct gate new_gate(struct judging *judging, const char *test, const char *name)
{
    struct arena *arena = judging->arena;
    Pb__GateResult *result = ARENA_NEW(arena, Pb__GateResult);
    pb__gate_result__init(result);
    result->test = arena_string(arena, test);
    result->gate = arena_string(arena, name);
    result->outcome = new_outcome(arena);
    result->findings = ARENA_ARRAY(arena, Pb__GateFinding *, GATE_FINDINGS_MAX);
    judging->gates->results[judging->gates->n_results++] = result;
    return (struct gate){arena, result, &judging->room};
}

static void judge_test(struct judging *judging, const Pb__Test *test)
{
    struct gate gate = new_gate(judging, test->name, test->n_expected ? "expect" : "verdicts");
    gate_verdicts(&gate, test, &judging->after);
    if (test->none_lost) {
        gate = new_gate(judging, test->name, "none_lost_since");
        if (judging->baseline) {
            gate_none_lost(&gate, test, &judging->before, &judging->after);
        } else {
            missing_baseline(&gate, judging->experiment, judging->missing);
        }
    }
    for (size_t i = 0; i < test->n_no_worse; i++) {
        gate = new_gate(judging, test->name, "no_worse_than");
        if (judging->baseline) {
            gate_no_worse(&gate, test, test->no_worse[i], &judging->metrics_before, &judging->metrics_after);
        } else {
            missing_baseline(&gate, judging->experiment, judging->missing);
        }
    }
}

static Pb__RunGates *new_gates(size_t results, struct arena *arena)
{
    Pb__RunGates *gates = ARENA_NEW(arena, Pb__RunGates);
    pb__run_gates__init(gates);
    gates->outcome = new_outcome(arena);
    gates->results = ARENA_ARRAY(arena, Pb__GateResult *, results + 1);
    return gates;
}

static size_t count_results(const Pb__Experiment *experiment)
{
    size_t count = 0;
    for (size_t i = 0; i < experiment->n_tests; i++) {
        count += 2 + experiment->tests[i]->n_no_worse;
    }
    return count;
}

Pb__RunGates *gates_judge(const Pb__Experiment *experiment, const struct run_report *run, const struct run_report *baseline,
                          const char *missing, struct arena *arena)
{
    struct judging judging = {.experiment = experiment, .baseline = baseline, .missing = missing, .arena = arena, .room = RUN_FINDINGS_MAX};
    judging.gates = new_gates(count_results(experiment), arena);
    judging.gates->baseline = arena_string(arena, baseline ? run_report_text(baseline->run, 0, "name") : "");
    judgements_gather(run, &judging.after);
    report_metrics_gather(run, &judging.metrics_after);
    if (baseline) {
        judgements_gather(baseline, &judging.before);
        report_metrics_gather(baseline, &judging.metrics_before);
    }
    for (size_t i = 0; i < experiment->n_tests; i++) {
        judge_test(&judging, experiment->tests[i]);
    }
    for (size_t i = 0; i < judging.gates->n_results; i++) {
        const Pb__GateResult *result = judging.gates->results[i];
        gate_worsen(judging.gates->outcome, (int)result->outcome->verdict, (int)result->outcome->reason,
                    *result->outcome->text ? arena_printf(arena, "%s/%s: %s", result->test, result->gate, result->outcome->text) : "");
    }
    judgements_free(&judging.after);
    judgements_free(&judging.before);
    report_metrics_free(&judging.metrics_after);
    report_metrics_free(&judging.metrics_before);
    return judging.gates;
}

Pb__RunGates *gates_undecided(int verdict, int reason, const char *text, struct arena *arena)
{
    Pb__RunGates *gates = new_gates(0, arena);
    gate_worsen(gates->outcome, verdict, reason, arena_string(arena, text));
    return gates;
}

// ---- the baseline

bool run_has_label(const char *labels, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *at = labels; *wanted && (at = strstr(at, wanted)); at += length) {
        if ((at == labels || at[-1] == ' ') && (!at[length] || at[length] == ' ')) {
            return true;
        }
    }
    return false;
}

static bool has_labels(const char *labels, Pb__Label *const *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP_FREE char *word = memory_printf("%s=%s", wanted[i]->name, wanted[i]->value);
        if (!run_has_label(labels, word)) {
            return false;
        }
    }
    return true;
}

static bool is_baseline(const Pb__Experiment *experiment, const struct table *runs, size_t row)
{
    const Pb__Baseline *baseline = experiment->baseline;
    bool is_last_pass = strcmp(baseline->run, "last-pass") == 0;
    if (!is_last_pass && strcmp(baseline->run, "last") != 0) {
        return strcmp(run_report_text(runs, row, "name"), baseline->run) == 0 ||
               run_has_label(run_report_text(runs, row, "tags"), baseline->run);
    }
    // of a part it cannot be said that something was lost since
    bool is_whole = strcmp(run_report_text(runs, row, "is_part"), "1") != 0;
    const char *gate = run_report_text(runs, row, "gate"), *verdict = *gate ? gate : run_report_text(runs, row, "verdict");
    return is_whole && strcmp(run_report_text(runs, row, "experiment"), experiment->name) == 0 &&
           strcmp(run_report_text(runs, row, "state"), "ended") == 0 && (!is_last_pass || strcmp(verdict, "pass") == 0) &&
           has_labels(run_report_text(runs, row, "labels"), baseline->labels, baseline->n_labels);
}

bool gates_find_baseline(const Pb__Experiment *experiment, uint64_t run, const struct table *runs, size_t *row, const char **why)
{
    *why = "";
    if (!experiment->baseline) {
        return false;
    }
    for (size_t i = table_count(runs); i-- > 0;) {
        uint64_t number = 0;
        const char *name = run_report_text(runs, i, "name");
        if (*name == 'r' && unsigned_parse(name + 1, &number) && number < run && is_baseline(experiment, runs, i)) {
            *row = i;
            *why = strcmp(run_report_text(runs, i, "state"), "ended") == 0 ? "" : "the baseline has not ended";
            return !**why;
        }
    }
    *why = strcmp(experiment->baseline->run, "last-pass") == 0 ? "no run of this experiment before this one has passed"
           : strcmp(experiment->baseline->run, "last") == 0    ? "no run of this experiment has ended before this one"
                                                               : "there is no such run before this one, and no run with this tag";
    return false;
}
