// experiment.proto: the resolved experiment in the journal. experiment_cell divides by what stands here, so it must add up. It was
// checked when it was accepted, and a record that replay refuses closes the store: what is only long or odd is left alone here.
#include <math.h>

#include "common/base/verdict.h"
#include "common/wire/check.h"

static const char *axis_value_check(const Pb__AxisValue *value)
{
    REFUSE(is_empty(value->id), "axis.value.id is empty");
    return NULL;
}

static const char *axis_check(const Pb__Axis *axis)
{
    REFUSE(!name_is_valid(axis->name), "axis.name is not a name");
    REFUSE(axis->n_values == 0, "axis.values are missing");
    EACH(axis->n_values, axis->values, axis_value_check);
    return NULL;
}

static const char *combinations_check(const Pb__Test *test)
{
    uint64_t product = 1;
    for (size_t i = 0; i < test->n_axes; i++)
        REFUSE(__builtin_mul_overflow(product, test->axes[i]->n_values, &product), "test.axes multiply beyond all bounds");
    REFUSE(test->n_kept == 0 && test->combinations != product, "test.combinations is not the product of its axes");
    REFUSE(test->n_kept > 0 && test->combinations != test->n_kept, "test.combinations is not the number of those that are kept");
    for (size_t i = 0; i < test->n_kept; i++)
        REFUSE(test->kept[i] >= product || (i > 0 && test->kept[i] <= test->kept[i - 1]), "test.kept is not rising, or beyond the axes");
    return NULL;
}

static const char *cells_check(const Pb__Test *test)
{
    REFUSE(test->same_seed_times > 1 && test->repeat_times % test->same_seed_times != 0,
           "test.same_seed_times does not divide its repetitions");
    for (size_t i = 0; i < test->n_cells; i++)
        REFUSE(test->cells[i] >= test->combinations * test->repeat_times || (i > 0 && test->cells[i] <= test->cells[i - 1]),
               "test.cells is not rising, or beyond its repetitions");
    REFUSE(test->n_cells > 0 && test->repeat_until != NULL, "test.cells are picked, and repeat_until decides by itself");
    return NULL;
}

static const char *host_rule_check(const Pb__HostRule *rule)
{
    REFUSE(!is_name_or_empty(rule->name), "host.name is not a name");
    EACH(rule->n_labels, rule->labels, label_check);
    REFUSE(!are_names(rule->n_apart_from, rule->apart_from, LIST_MAX), "host.apart_from are not names");
    REFUSE(!are_names(rule->n_with, rule->with, LIST_MAX), "host.with are not names");
    REFUSE(!are_names(rule->n_not_names, rule->not_names, LIST_MAX), "host.not_names are not names");
    return NULL;
}

static const char *service_template_check(const Pb__ServiceTemplate *service)
{
    REFUSE(!name_is_valid(service->name), "service.name is not a name");
    EACH(service->n_drives, service->drives, drive_check);
    REFUSE(!are_names(service->n_needs, service->needs, LIST_MAX), "service.needs are not names");
    REFUSE(!are_tokens(service->n_cases, service->cases, CASES_PER_SERVICE_MAX), "service.cases are too many or unprintable");
    REFUSE(!is_within(service->version, SHORT_MAX_BYTES), "service.version is too long");
    return service->host == NULL ? NULL : host_rule_check(service->host);
}

static const char *moment_check(const Pb__Moment *moment)
{
    return moment == NULL || is_name_or_empty(moment->entry) ? NULL : "window.entry is not a name";
}

static const char *window_check(const Pb__Window *window)
{
    if (window == NULL)
        return NULL;
    NESTED(moment_check(window->since));
    return moment_check(window->until);
}

static const char *assertion_check(const Pb__Assertion *assertion)
{
    REFUSE(!is_name_or_empty(assertion->service), "assertion.service is not a name");
    NESTED(window_check(assertion->window));
    switch (assertion->body_case) {
    case PB__ASSERTION__BODY_METRIC:
        REFUSE(!is_token(assertion->metric->name), "assertion.metric.name is empty or unprintable");
        REFUSE(!isfinite(assertion->metric->at_least) || !isfinite(assertion->metric->at_most),
               "assertion.metric has a bound that is not a number");
        return NULL;
    case PB__ASSERTION__BODY_OUTPUT:
        REFUSE(is_empty(assertion->output->pattern), "assertion.output.pattern is empty");
        return NULL;
    case PB__ASSERTION__BODY_ARTIFACT:
        REFUSE(is_empty(assertion->artifact->path), "assertion.artifact.path is empty");
        return NULL;
    default:
        return NULL;
    }
}

// ---- network, environments, timeline: of a test, and of a cell

static const char *entry_check(const Pb__TimelineEntry *entry)
{
    REFUSE(!name_is_valid(entry->id), "timeline.id is not a name");
    REFUSE(!is_name_or_empty(entry->service), "timeline.service is not a name");
    if (entry->trigger != NULL) {
        REFUSE(!is_name_or_empty(entry->trigger->entry), "timeline.trigger.entry is not a name");
        REFUSE(!are_names(entry->trigger->n_ready, entry->trigger->ready, SERVICES_PER_TEST_MAX), "timeline.trigger.ready are not names");
    }
    switch (entry->body_case) {
    case PB__TIMELINE_ENTRY__BODY_RUN_CASE:
        REFUSE(!is_token(entry->run_case), "timeline.run_case is empty or unprintable");
        return NULL;
    case PB__TIMELINE_ENTRY__BODY_RUN:
        return run_beside_check(entry->run);
    case PB__TIMELINE_ENTRY__BODY_CHANGE:
        REFUSE(entry->change == PB__SERVICE_CHANGE__SERVICE_CHANGE_UNSPECIFIED, "timeline.change is not set");
        return NULL;
    case PB__TIMELINE_ENTRY__BODY_FAULT:
        return fault_check(entry->fault);
    default:
        return NULL;
    }
}

const char *execution_environment_check(const Pb__ExecutionEnvironment *environment)
{
    REFUSE(!name_is_valid(environment->type), "environment.type is not a name");
    REFUSE(!are_names(environment->n_services, environment->services, SERVICES_PER_TEST_MAX), "environment.services are not names");
    return NULL;
}

static const char *repeat_until_check(const Pb__RepeatUntil *until)
{
    REFUSE(until != NULL && !(until->pass_rate > 0 && until->pass_rate < 1), "test.repeat_until.pass_rate is not a share");
    REFUSE(until != NULL && !(until->confidence > 0 && until->confidence < 1), "test.repeat_until.confidence is not a share");
    return NULL;
}

static const char *expected_check(const Pb__ExpectedFailure *expected)
{
    REFUSE(expected->verdict <= VERDICT_PASS || expected->verdict > VERDICT_ERROR, "test.expected.verdict is none to expect");
    return NULL;
}

static const char *no_worse_check(const Pb__NoWorse *gate)
{
    REFUSE(!(gate->by >= 0), "test.no_worse.by is not a share");
    REFUSE(!(gate->confidence > 0 && gate->confidence < 1), "test.no_worse.confidence is not a share");
    return NULL;
}

static const char *test_check(const Pb__Test *test)
{
    REFUSE(!name_is_valid(test->name), "test.name is not a name");
    EACH(test->n_axes, test->axes, axis_check);
    NESTED(combinations_check(test));
    REFUSE(test->repeat_times == 0, "test.repeat_times is not set");
    REFUSE(test->combinations > UINT64_MAX / test->repeat_times, "test has more cells than can be counted");
    NESTED(cells_check(test));
    REFUSE(test->n_services == 0 || test->n_services > SERVICES_PER_TEST_MAX, "test.services are none or too many");
    EACH(test->n_services, test->services, service_template_check);
    EACH(test->n_assertions, test->assertions, assertion_check);
    NESTED(network_check(test->network));
    EACH(test->n_environments, test->environments, execution_environment_check);
    EACH(test->n_timeline, test->timeline, entry_check);
    NESTED(repeat_until_check(test->repeat_until));
    EACH(test->n_expected, test->expected, expected_check);
    EACH(test->n_no_worse, test->no_worse, no_worse_check);
    return NULL;
}

const char *experiment_check(const Pb__Experiment *experiment)
{
    REFUSE(experiment->language == 0, "experiment.language is not set");
    EACH(experiment->n_files, experiment->files, file_reference_check);
    REFUSE(experiment->n_tests == 0, "experiment.tests are missing");
    EACH(experiment->n_tests, experiment->tests, test_check);
    return NULL;
}

static const char *service_plan_check(const Pb__ServicePlan *service)
{
    REFUSE(!name_is_valid(service->name), "plan.service.name is not a name");
    REFUSE(!name_is_valid(service->plugin), "plan.service.plugin is not a name");
    REFUSE(!is_within(service->version, SHORT_MAX_BYTES), "plan.service.version is too long");
    EACH(service->n_drives, service->drives, drive_check);
    REFUSE(!are_names(service->n_needs, service->needs, LIST_MAX), "plan.service.needs are not names");
    return service->host == NULL ? NULL : host_rule_check(service->host);
}

const char *cell_plan_check(const Pb__CellPlan *plan)
{
    REFUSE(!name_is_valid(plan->test), "plan.test is not a name");
    REFUSE(plan->repetition == 0, "plan.repetition is not set");
    REFUSE(plan->n_services == 0 || plan->n_services > SERVICES_PER_TEST_MAX, "plan.services are none or too many");
    EACH(plan->n_services, plan->services, service_plan_check);
    EACH(plan->n_assertions, plan->assertions, assertion_check);
    NESTED(network_check(plan->network));
    EACH(plan->n_environments, plan->environments, execution_environment_check);
    EACH(plan->n_timeline, plan->timeline, entry_check);
    return NULL;
}
