// What a service is does not depend on axes that it does not mention: 8 axes of 10 values are some hundred checks, not 10^8.
#include "coordinator/experiment/combinations.h"

#include <string.h>

#include "common/base/map.h"

#include "coordinator/experiment/assertions.h"
#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/bindings.h"
#include "coordinator/experiment/cells.h"
#include "coordinator/experiment/execution.h"
#include "coordinator/experiment/links.h"
#include "coordinator/experiment/network.h"
#include "coordinator/experiment/plugins.h"
#include "coordinator/experiment/timeline.h"

// ---- the axes that something mentions, one bit each

static_assert(AXES_PER_TEST_MAX <= 32, "a bit for each axis");

static uint32_t axes_of_text(const Pb__Test *test, const char *text)
{
    struct reference reference;
    uint32_t axes = 0;
    size_t axis;
    for (; reference_next(text, &reference); text = reference.start + reference.length)
        if (reference_is(&reference, "axes", 2) && axes_find(test, reference.part[1], &axis))
            axes |= UINT32_C(1) << axis;
    return axes;
}

static uint32_t axes_of_settings(const Pb__Test *test, Pb__PlacedSetting *const *settings, size_t count)
{
    uint32_t axes = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < settings[i]->n_values; j++)
            axes |= axes_of_text(test, settings[i]->values[j]);
    return axes;
}

static uint32_t axes_of_host(const Pb__Test *test, const Pb__HostRule *host)
{
    uint32_t axes = axes_of_text(test, host->name);
    for (size_t i = 0; i < host->n_not_names; i++)
        axes |= axes_of_text(test, host->not_names[i]);
    return axes;
}

static uint32_t axes_of_service(const Pb__Test *test, const Pb__ServiceTemplate *service)
{
    uint32_t axes = axes_of_text(test, test->protocol_version) | axes_of_text(test, service->implementation) |
                    axes_of_text(test, service->tester) | axes_of_host(test, service->host) |
                    axes_of_settings(test, service->options, service->n_options);
    size_t index;
    const Pb__Axis *from = axes_find(test, service->from_axis, &index);
    if (from)
        axes |= UINT32_C(1) << index;
    for (size_t i = 0; from && i < from->n_values; i++)
        axes |= axes_of_settings(test, from->values[i]->options, from->values[i]->n_options);
    return axes;
}

static uint32_t axes_of_links(const Pb__Test *test, Pb__LinkRule *const *links, size_t count)
{
    uint32_t axes = 0;
    for (size_t i = 0; i < count; i++)
        axes |= axes_of_settings(test, links[i]->conditions, links[i]->n_conditions);
    return axes;
}

static uint32_t axes_of_entry(const Pb__Test *test, const Pb__TimelineEntry *entry)
{
    uint32_t axes = 0;
    if (entry->body_case == PB__TIMELINE_ENTRY__BODY_FAULT)
        return axes_of_links(test, entry->fault->links, entry->fault->n_links);
    for (size_t i = 0; entry->body_case == PB__TIMELINE_ENTRY__BODY_RUN && i < entry->run->n_argv; i++)
        axes |= axes_of_text(test, entry->run->argv[i]);
    return axes;
}

// ---- the combinations of these axes, the others at their first value

static uint64_t count_of(const Pb__Test *test, uint32_t axes)
{
    uint64_t count = 1; // no overflow: it divides test->combinations
    for (size_t i = 0; i < test->n_axes; i++)
        if (axes & (UINT32_C(1) << i))
            count *= test->axes[i]->n_values;
    return count;
}

static uint64_t combination_at(const Pb__Test *test, uint32_t axes, uint64_t number)
{
    uint64_t combination = 0, stride = 1;
    for (size_t i = test->n_axes; i-- > 0;) {
        size_t values = test->axes[i]->n_values;
        if (axes & (UINT32_C(1) << i)) {
            combination += number % values * stride;
            number /= values;
        }
        stride *= values;
    }
    return combination;
}

// A combination with all other axes at their first value.
static uint64_t part_of(const Pb__Test *test, uint32_t axes, uint64_t combination)
{
    uint64_t part = 0, stride = 1;
    for (size_t i = test->n_axes; i-- > 0;) {
        size_t values = test->axes[i]->n_values;
        if (axes & (UINT32_C(1) << i))
            part += combination % values * stride;
        combination /= values;
        stride *= values;
    }
    return part;
}

// ---- checks

enum subject { SERVICE, ASSERTION, NETWORK, ENVIRONMENT, ENTRY };

struct check {
    struct scope *scope;
    struct arena *arena;
    enum subject subject;
    size_t index; // of the service, assertion ...
};

static void check_entry(const struct document *document, const Pb__TimelineEntry *entry)
{
    if (entry->body_case == PB__TIMELINE_ENTRY__BODY_RUN)
        timeline_check_run(document, entry);
    else
        links_check(document, entry->fault->links, entry->fault->n_links, "a fault");
}

static void check_at(const struct check *check, uint64_t combination, uint32_t repetition)
{
    const Pb__Test *test = check->scope->test;
    const struct document *document = &check->scope->document;
    switch (check->subject) {
    case SERVICE:
        bindings_check(check->scope, check->index, combination, repetition, check->arena);
        break;
    case ASSERTION: {
        Pb__Assertion *assertion = cells_assertion(test, check->index, combination, repetition, check->arena);
        if (assertion != test->assertions[check->index])
            assertions_check(document, assertion);
        break;
    }
    case NETWORK:
        network_check_values(document, cells_network(test, combination, repetition, check->arena));
        break;
    case ENVIRONMENT:
        execution_check(document, cells_environment(test, check->index, combination, repetition, check->arena), check->arena);
        break;
    case ENTRY:
        check_entry(document, cells_entry(test, check->index, combination, repetition, check->arena));
        break;
    }
    arena_reset(check->arena);
}

static bool may_check(const struct check *check, uint64_t count)
{
    struct scope *scope = check->scope;
    if (count <= *scope->checks_left) {
        *scope->checks_left -= (size_t)count;
        return true;
    }
    const struct value place = scope_place(scope->test->line, 1);
    document_error(&scope->document, &place, "the services of this file have more than %d combinations to check; split it", CHECKS_MAX);
    return false;
}

// Of the combinations that are kept, one for each that differs in these axes.
static void check_kept(const struct check *check, uint32_t axes)
{
    const Pb__Test *test = check->scope->test;
    struct map *seen = map_new();
    for (size_t i = 0; i < test->n_kept; i++) {
        if (map_put_number(seen, part_of(test, axes, test->kept[i]), seen))
            continue;
        if (!may_check(check, 1))
            break;
        check_at(check, test->kept[i], 1);
    }
    map_free(&seen);
}

static void check_product(const struct check *check, uint32_t axes)
{
    uint64_t count = count_of(check->scope->test, axes);
    if (!may_check(check, count))
        return;
    for (uint64_t i = 0; i < count; i++)
        check_at(check, combination_at(check->scope->test, axes, i), 1);
}

static void check_axes(const struct check *check, uint32_t axes)
{
    if (check->scope->test->n_kept > 0)
        check_kept(check, axes);
    else if (count_of(check->scope->test, axes) <= EXPERIMENT_CHECKED_COMBINATIONS)
        check_product(check, axes);
    else
        for (size_t i = 0; i < check->scope->test->n_axes; i++)
            if (axes & (UINT32_C(1) << i))
                check_product(check, UINT32_C(1) << i);
    check_at(check, axes_combination(check->scope->test, 0), check->scope->test->repeat_times); // the other end of the seeds
}

// A test of plugins that speak nothing (null testers, fuzzers of files) may name any protocol.
static bool somebody_speaks(const struct scope *scope, struct arena *arena)
{
    const Pb__CellPlan *plan = cells_plan(scope->test, axes_combination(scope->test, 0), 1, arena);
    for (size_t i = 0; i < plan->n_services; i++) {
        const Pb__PluginDescription *plugin = plugins_get(scope->plugins, plan->services[i]->plugin);
        if (plugin && plugin->n_protocols > 0)
            return true;
    }
    return false;
}

// Said once for the test, not for each service.
static void check_protocol_is_known(struct scope *scope, const struct value *place, struct arena *arena)
{
    const char *name = scope->test->protocol_name;
    const char **names = NULL;
    size_t count = 0, capacity = 0;
    bool is_known = name[0] == '\0' || !somebody_speaks(scope, arena);
    for (size_t i = 0; i < scope->plugins->count && !is_known; i++) {
        is_known = plugins_protocol(scope->plugins->items[i], name) != NULL;
        for (size_t j = 0; j < scope->plugins->items[i]->n_protocols; j++)
            APPEND(names, count, capacity) = scope->plugins->items[i]->protocols[j]->name;
    }
    scope->protocol_is_unknown = !is_known;
    if (!is_known)
        document_error(&scope->document, place, "no plugin speaks the protocol \"%.80s\"%s", name,
                       document_hint(&scope->document, name, names, count));
    free(names);
}

// What no axis changes was checked where it was read.
static void check_surroundings(struct check *check)
{
    const Pb__Test *test = check->scope->test;
    uint32_t axes =
        test->network ? axes_of_text(test, test->network->family) | axes_of_links(test, test->network->links, test->network->n_links) : 0;
    check->subject = NETWORK;
    if (axes)
        check_axes(check, axes);
    check->subject = ENVIRONMENT;
    for (check->index = 0; check->index < test->n_environments; check->index++) {
        const Pb__ExecutionEnvironment *environment = test->environments[check->index];
        axes = axes_of_settings(test, environment->options, environment->n_options);
        if (axes)
            check_axes(check, axes);
    }
    check->subject = ENTRY;
    for (check->index = 0; check->index < test->n_timeline; check->index++) {
        const Pb__TimelineEntry *entry = test->timeline[check->index];
        axes = axes_of_entry(test, entry);
        if (axes)
            check_axes(check, axes);
    }
}

void combinations_check(struct scope *scope, const struct value *protocol)
{
    const Pb__Test *test = scope->test;
    if (test->combinations == 0)
        return;
    struct check check = {.scope = scope, .arena = arena_new(0)};
    check_protocol_is_known(scope, protocol, check.arena);
    for (check.index = 0; check.index < test->n_services; check.index++)
        check_axes(&check, axes_of_service(test, test->services[check.index]));
    check.subject = ASSERTION;
    for (check.index = 0; check.index < test->n_assertions; check.index++)
        if (test->assertions[check.index]->body_case == PB__ASSERTION__BODY_OUTPUT)
            check_axes(&check, axes_of_text(test, test->assertions[check.index]->output->pattern));
    check_surroundings(&check);
    arena_free(&check.arena);
}
