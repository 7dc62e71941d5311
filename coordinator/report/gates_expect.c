// What did not pass, and which of it is known. Without known failures it says what the verdicts of a test's cells come to.
#include <string.h>

#include "coordinator/report/gates_inside.h"

static size_t axis_index(const Pb__Test *test, const char *name)
{
    size_t at = 0;
    while (at < test->n_axes && strcmp(test->axes[at]->name, name) != 0) {
        at++;
    }
    return at;
}

// The value of the axis in "nginx,20ms".
static bool has_value(const char *combination, size_t axis, const Pb__PlacedSetting *where)
{
    for (; axis > 0; axis--) {
        combination += strcspn(combination, ",");
        combination += *combination == ',';
    }
    size_t length = strcspn(combination, ",");
    for (size_t i = 0; i < where->n_values; i++) {
        if (strlen(where->values[i]) == length && strncmp(where->values[i], combination, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_about(const Pb__Test *test, const Pb__ExpectedFailure *expected, const struct judgement *judgement)
{
    bool is_of_case = *expected->case_name != '\0';
    if (is_of_case && (judgement->kind != JUDGED_CASE || strcmp(judgement->name, expected->case_name) != 0 ||
                       (*expected->service && strcmp(judgement->service, expected->service) != 0))) {
        return false;
    }
    for (size_t i = 0; i < expected->n_where; i++) {
        if (!has_value(judgement->combination, axis_index(test, expected->where[i]->name), expected->where[i])) {
            return false;
        }
    }
    return true;
}

const Pb__ExpectedFailure *expected_of(const Pb__Test *test, const struct judgement *judgement, bool any_verdict)
{
    for (size_t i = 0; i < test->n_expected; i++) {
        const Pb__ExpectedFailure *expected = test->expected[i];
        bool is_so = any_verdict || (strcmp(verdict_name((int)expected->verdict), judgement->verdict) == 0 &&
                                     (!expected->reason || strcmp(reason_name((int)expected->reason), judgement->reason) == 0));
        bool is_other_kind = any_verdict && !*expected->case_name && judgement->kind != JUDGED_CELL;
        if (is_so && !is_other_kind && is_about(test, expected, judgement)) {
            return expected;
        }
    }
    return NULL;
}

static bool counts(const struct judgement *judgement)
{
    return !judgement_is(judgement, "pass") && !judgement_is(judgement, "none");
}

// A cell is known not to pass when all that did not pass in it is known, and its own verdict is that of one of these: a service that
// crashes gives it another. Or when an entry without a case is about it.
static bool cell_is_known(const Pb__Test *test, const struct judgement *cell, const struct judgement *end)
{
    bool all = true, is_theirs = false;
    for (const struct judgement *part = cell + 1; part < end && part->cell == cell->cell; part++) {
        if (counts(part)) {
            all = all && expected_of(test, part, false);
            is_theirs = is_theirs || (strcmp(part->verdict, cell->verdict) == 0 && strcmp(part->reason, cell->reason) == 0);
        }
    }
    return (all && is_theirs) || expected_of(test, cell, false);
}

bool is_known(const Pb__Test *test, const struct judgement *judgement, const struct judgement *end)
{
    return judgement->kind == JUDGED_CELL ? cell_is_known(test, judgement, end) : expected_of(test, judgement, false) != NULL;
}

static void judge_cell(struct gate *gate, const Pb__Test *test, const struct judgement *cell, const struct judgement *end)
{
    int verdict = VERDICT_ERROR, reason = REASON_UNSPECIFIED;
    if (!counts(cell)) {
        gate_worsen(gate->result->outcome, judgement_is(cell, "pass") ? VERDICT_PASS : VERDICT_NONE, REASON_UNSPECIFIED, "");
        return;
    }
    if (cell_is_known(test, cell, end)) {
        gate_worsen(gate->result->outcome, VERDICT_PASS, REASON_UNSPECIFIED, "");
        return;
    }
    verdict_parse(cell->verdict, &verdict);
    reason_parse(cell->reason, &reason);
    gate_worsen(gate->result->outcome, verdict, reason, arena_printf(gate->arena, "%s: %s", cell->cell, cell->text));
    gate_find(gate, "unexpected", strchr(cell->cell, '/') ? strchr(cell->cell, '/') + 1 : cell->cell, "", cell->verdict, cell->text);
}

// Which entries came true, and which did not any more.
static void tell_known(struct gate *gate, const Pb__Test *test, const struct judgements *judgements)
{
    struct groups groups;
    groups_gather(&groups, judgements, test, true);
    for (struct map_entry *entry = map_first(groups.by_name); entry; entry = map_next(groups.by_name, entry)) {
        const struct group *group = entry->value;
        const struct judgement *about = group->last_other ? group->last_other : group->first;
        const Pb__ExpectedFailure *expected = expected_of(test, about, true);
        if (!expected || (!group->passed && !group->other)) {
            continue;
        }
        if (!group->other) {
            gate_find(gate, "passes", group->name, verdict_name((int)expected->verdict), "pass", expected->because);
        } else if (!group->unexpected) {
            gate_find(gate, "known", group->name, verdict_name((int)expected->verdict), about->verdict, expected->because);
        }
    }
    groups_free(&groups);
}

void gate_verdicts(struct gate *gate, const Pb__Test *test, const struct judgements *judgements)
{
    const struct judgement *end = judgements->count > 0 ? &judgements->items[judgements->count - 1] + 1 : NULL;
    for (size_t i = 0; i < judgements->count; i++) {
        if (judgements->items[i].kind == JUDGED_CELL && strcmp(judgements->items[i].test, test->name) == 0) {
            judge_cell(gate, test, &judgements->items[i], end);
        }
    }
    if (test->n_expected) {
        tell_known(gate, test, judgements);
    }
}
