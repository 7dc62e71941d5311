// Reads gates. Nothing of them is known to a trial: coordinator/report/gates.c judges them when the run's last cell has ended.
#include "coordinator/experiment/gates.h"

#include <string.h>

#include "common/base/units.h"
#include "common/base/verdict.h"
#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/hosts.h"

// As `compare --gate` has them.
#define BY_DEFAULT 0.05
#define CONFIDENCE_DEFAULT 0.95
#define BY_MAX 1000.0

const char *const gates_against[] = {"baseline", NULL};
static const char *const verdicts[] = {"fail", "inconc", "error", NULL};
const struct document_key gates_baseline_keys[] = {
    DOCUMENT_KEY("run", TEXT, .required = true, .help = "last-pass, last, r142, or a tag"),
    DOCUMENT_KEY("labels", SETTINGS, .help = "that the run must have; of last-pass and last"), DOCUMENT_END};
const struct document_key gates_expect_keys[] = {
    DOCUMENT_KEY("case", TEXT, .help = "CASE or SERVICE.CASE; without it: the cell as a whole"),
    DOCUMENT_KEY("where", SETTINGS, .help = "values of axes; default: any"),
    DOCUMENT_KEY("verdict", CHOICE, .choices = verdicts, .help = "fail"),
    DOCUMENT_KEY("reason", TEXT, .help = "of the verdict; default: any"),
    DOCUMENT_KEY("because", TEXT, .required = true, .help = "why it is known, or a link"),
    DOCUMENT_END};
const struct document_key gates_cases_keys[] = {
    DOCUMENT_KEY("none_lost_since", CHOICE, .choices = gates_against, .help = "what passed there may not fail or be gone"), DOCUMENT_END};

// ---- baseline

void gates_read_baseline(const struct document *document, const struct value *baseline, Pb__Experiment *experiment)
{
    if (!baseline)
        return;
    const struct value *run = baseline;
    Pb__Baseline *read = experiment->baseline = ARENA_NEW(document->arena, Pb__Baseline);
    pb__baseline__init(read);
    if (baseline->kind == VALUE_MAP) {
        document_check_keys(document, baseline, gates_baseline_keys, "baseline");
        run = document_get(baseline, "run");
        read->n_labels = hosts_read_labels(document, document_get(baseline, "labels"), &read->labels);
    }
    const char *text = document_constant(document, run, "the baseline's run");
    if (!run)
        document_error(document, baseline, "baseline needs a run: last-pass, last, a run such as r142, or a tag");
    if (!text)
        return;
    if (!name_is_valid(text))
        document_error(document, run, "\"%.80s\" is no run and no tag; write last-pass, last, r142 or a tag", text);
    read->run = arena_string(document->arena, text);
    bool is_searched = strcmp(text, "last-pass") == 0 || strcmp(text, "last") == 0;
    if (!is_searched && read->n_labels)
        document_error(document, baseline, "labels choose among runs; \"%.80s\" is one", text);
}

static bool is_baseline(const struct document *document, const struct value *value, const char *key)
{
    const char *text = document_constant(document, value, key);
    if (text && strcmp(text, gates_against[0]) != 0)
        document_error(document, value, "%s: write `baseline`; which run that is stands at the top of the file", key);
    return text != NULL;
}

// ---- expect

static bool has_case(const Pb__Test *test, const char *service, const char *name)
{
    for (size_t i = 0; i < test->n_services; i++)
        for (size_t j = 0; (!*service || strcmp(test->services[i]->name, service) == 0) && j < test->services[i]->n_cases; j++)
            if (strcmp(test->services[i]->cases[j], name) == 0)
                return true;
    return false;
}

// A case's name may hold dots itself, so what stands before the first one is a service only when there is such a service.
static void read_case(struct scope *scope, const struct value *value, Pb__ExpectedFailure *expected)
{
    const struct document *document = &scope->document;
    const char *text = document_constant(document, value, "case");
    if (!text)
        return;
    const char *dot = strchr(text, '.');
    const char *service = dot ? arena_string_bytes(document->arena, text, (size_t)(dot - text)) : "";
    bool is_of_service = dot && scope_has_service(scope, service);
    expected->service = arena_string(document->arena, is_of_service ? service : "");
    expected->case_name = arena_string(document->arena, is_of_service ? dot + 1 : text);
    if (!has_case(scope->test, expected->service, expected->case_name))
        document_error(document, value, "expect: no tester of the test has a case \"%.80s\"", text);
}

static void read_where(struct scope *scope, const struct value *map, Pb__ExpectedFailure *expected)
{
    const struct document *document = &scope->document;
    if (!document_is_map(document, map, "where"))
        return;
    expected->where = ARENA_ARRAY(document->arena, Pb__PlacedSetting *, map->count);
    for (size_t i = 0; i < map->count; i++) {
        const struct value **texts;
        const Pb__Axis *axis = axes_find(scope->test, map->keys[i], NULL);
        if (!axis) {
            document_error(document, map->key_places[i], "where: the test has no axis \"%.80s\"", map->keys[i]);
            continue;
        }
        Pb__PlacedSetting *setting = ARENA_NEW(document->arena, Pb__PlacedSetting);
        pb__placed_setting__init(setting);
        setting->name = axis->name;
        size_t count = document_texts(document, document_get(map, map->keys[i]), axis->name, &texts);
        setting->values = ARENA_ARRAY(document->arena, char *, count);
        for (size_t t = 0; t < count; t++) {
            size_t at = axes_find_value(axis, texts[t]->text);
            if (at < axis->n_values)
                setting->values[setting->n_values++] = axis->values[at]->id;
            else
                document_error(document, texts[t], "where: the axis \"%s\" has no value \"%.80s\"", axis->name, texts[t]->text);
        }
        expected->where[expected->n_where++] = setting;
    }
}

static void read_outcome(const struct document *document, const struct value *map, Pb__ExpectedFailure *expected)
{
    const struct value *verdict = document_get(map, "verdict"), *reason = document_get(map, "reason"),
                       *because = document_get(map, "because");
    const char *verdict_text = document_constant(document, verdict, "verdict"),
               *reason_text = document_constant(document, reason, "reason"), *because_text = document_text(document, because, "because");
    int read = VERDICT_FAIL;
    if (verdict_text && (!verdict_parse(verdict_text, &read) || read <= VERDICT_PASS))
        document_error(document, verdict, "expect: the verdict is fail, inconc or error, not \"%.80s\"", verdict_text);
    expected->verdict = (uint32_t)read;
    read = REASON_UNSPECIFIED;
    if (reason_text && !reason_parse(reason_text, &read))
        document_error(document, reason, "expect: \"%.80s\" is not a reason", reason_text);
    expected->reason = (uint32_t)read;
    if (!because)
        document_error(document, map, "expect: say with `because` why this is known, or give a link");
    else if (because_text && strlen(because_text) > EXPECT_BECAUSE_MAX_BYTES)
        document_error(document, because, "because is longer than %d bytes", EXPECT_BECAUSE_MAX_BYTES);
    expected->because = arena_string(document->arena, because_text ? because_text : "");
}

// A list that is in a file was put in before the experiment was sent (coordinator/cli/include.c).
static void read_expect(struct scope *scope, const struct value *list)
{
    const struct document *document = &scope->document;
    if (list && list->kind == VALUE_MAP) {
        document_error(document, list, "expect is a list of known failures, or `{file: PATH}` of a file that panther-coord reads as such");
        return;
    }
    if (!document_is_list(document, list, "expect"))
        return;
    if (list->count > EXPECTED_PER_TEST_MAX) {
        document_error(document, list, "a test has at most %d known failures", EXPECTED_PER_TEST_MAX);
        return;
    }
    scope->test->expected = ARENA_ARRAY(document->arena, Pb__ExpectedFailure *, list->count);
    for (size_t i = 0; i < list->count; i++) {
        if (!document_is_map(document, list->items[i], "an entry of expect"))
            continue;
        document_check_keys(document, list->items[i], gates_expect_keys, "an entry of expect");
        Pb__ExpectedFailure *expected = ARENA_NEW(document->arena, Pb__ExpectedFailure);
        pb__expected_failure__init(expected);
        read_case(scope, document_get(list->items[i], "case"), expected);
        read_where(scope, document_get(list->items[i], "where"), expected);
        read_outcome(document, list->items[i], expected);
        scope->test->expected[scope->test->n_expected++] = expected;
    }
}

// ---- no_worse_than

static void read_share(const struct document *document, const struct value *value, const char *what, double most, double *share)
{
    const char *text = document_constant(document, value, what);
    double read;
    if (!text)
        return;
    if (ratio_parse(text, &read) && read >= 0 && read <= most)
        *share = read;
    else
        document_error(document, value, "%s: \"%.80s\" is not a share such as 5%%", what, text);
}

static void add_no_worse(struct scope *scope, const struct value *map, const char *metric)
{
    const struct document *document = &scope->document;
    Pb__Test *test = scope->test;
    Pb__NoWorse *gate = ARENA_NEW(document->arena, Pb__NoWorse);
    pb__no_worse__init(gate);
    gate->metric = arena_string(document->arena, metric);
    gate->by = BY_DEFAULT;
    gate->confidence = CONFIDENCE_DEFAULT;
    read_share(document, document_get(map, "by"), "by", BY_MAX, &gate->by);
    read_share(document, document_get(map, "confidence"), "confidence", 0.9999, &gate->confidence);
    Pb__NoWorse **grown = ARENA_ARRAY(document->arena, Pb__NoWorse *, test->n_no_worse + 1); // few: each is an entry of assertions
    if (test->n_no_worse)
        memcpy(grown, test->no_worse, test->n_no_worse * sizeof *grown);
    grown[test->n_no_worse++] = gate;
    test->no_worse = grown;
}

static void refuse_without(const struct document *document, const struct value *map)
{
    static const char *const keys[] = {"by", "confidence"};
    for (size_t i = 0; i < 2; i++)
        if (document_get(map, keys[i]))
            document_error(document, document_get(map, keys[i]), "%s belongs to no_worse_than", keys[i]);
}

void gates_read_metric(struct scope *scope, const struct value *map, const char *service)
{
    if (!document_get(map, "no_worse_than"))
        refuse_without(&scope->document, map);
    const struct value *name = document_get(map, "metric");
    if (is_baseline(&scope->document, document_get(map, "no_worse_than"), "no_worse_than") && *service)
        add_no_worse(scope, map, name->text);
}

void gates_read(struct scope *scope, const struct value *map)
{
    const struct document *document = &scope->document;
    const struct value *cases = document_get(map, "cases"), *no_worse = document_get(map, "no_worse_than");
    read_expect(scope, document_get(map, "expect"));
    if (document_is_map(document, cases, "cases")) {
        document_check_keys(document, cases, gates_cases_keys, "cases of a test");
        scope->test->none_lost = is_baseline(document, document_get(cases, "none_lost_since"), "none_lost_since");
    }
    if (!no_worse)
        refuse_without(document, map);
    else if (is_baseline(document, no_worse, "no_worse_than"))
        add_no_worse(scope, map, "");
}

void gates_check(const struct document *document, const struct value *root, Pb__Experiment *experiment)
{
    bool any = false;
    const struct value *baseline = document_get(root, "baseline"), *only = document_get(root, "only");
    for (size_t i = 0; i < experiment->n_tests; i++) {
        Pb__Test *test = experiment->tests[i];
        const struct value place = scope_place(test->line, 1);
        bool wants_one = test->none_lost || test->n_no_worse;
        any = any || wants_one;
        if (wants_one && !baseline)
            document_error(document, &place, "the test \"%s\" is held against a baseline; say at the top of the file which run that is",
                           test->name);
        if (test->none_lost && only)
            document_warning(document, &place, "only: of a part it cannot be said that nothing was lost; none_lost_since is left out");
        test->none_lost = test->none_lost && !only;
    }
    if (baseline && !any)
        document_warning(document, baseline,
                         "nothing is held against the baseline: `cases: {none_lost_since: baseline}` or "
                         "`no_worse_than: baseline` of a test do");
}

bool experiment_has_gates(const Pb__Experiment *experiment)
{
    for (size_t i = 0; i < experiment->n_tests; i++)
        if (experiment->tests[i]->n_expected || experiment->tests[i]->none_lost || experiment->tests[i]->n_no_worse)
            return true;
    return false;
}
