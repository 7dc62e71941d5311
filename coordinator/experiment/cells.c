// The plan of a cell, made when it is wanted: a run of a million cells keeps none of them. Called for each trial, so what holds no
// reference is borrowed from the resolved experiment, not copied.
#include "coordinator/experiment/cells.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/execution.h"
#include "coordinator/experiment/limits.h"
#include "coordinator/experiment/network.h"
#include "coordinator/experiment/reference.h"

struct cell {
    const Pb__Test *test;
    const Pb__AxisValue *values[AXES_PER_TEST_MAX];
    char seed[24], repetition[16];
    struct arena *arena;
};

// splitmix64's finaliser: every bit of the input moves every bit of the seed.
static uint64_t mix(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

// The repetition whose seed this one has: a rerun may give several the same.
static uint32_t first_of_seed(const Pb__Test *test, uint32_t repetition)
{
    return test->same_seed_times > 1 ? (repetition - 1) / test->same_seed_times + 1 : repetition;
}

// Paired: repetition r has one seed in all combinations, so that they are compared under the same conditions.
uint64_t cells_seed(const Pb__Test *test, uint64_t combination, uint32_t repetition)
{
    repetition = first_of_seed(test, repetition);
    if (test->seeds_paired)
        return test->seed_first + repetition - 1;
    uint64_t seed = mix(mix(mix(test->seed_first) ^ combination) ^ repetition) >> (64 - SEED_DERIVED_BITS);
    return seed ? seed : 1; // 0 means "no seed" to many programs
}

static const char *value_of(const struct reference *reference, void *context)
{
    const struct cell *cell = context;
    size_t axis;
    if (reference_is(reference, "seed", 1))
        return cell->seed;
    if (reference_is(reference, "repetition", 1))
        return cell->repetition;
    if (reference_is(reference, "axes", 2) && axes_find(cell->test, reference->part[1], &axis))
        return cell->values[axis]->text;
    return NULL;
}

static char *put_in(struct cell *cell, char *text)
{
    return strstr(text, "$(") ? reference_put_in(text, value_of, cell, false, cell->arena) : text;
}

// ---- options

// A mistake in a value that comes from an axis is shown where the axis has it.
static void take_place(const struct cell *cell, const char *text, Pb__PlacedSetting *setting)
{
    struct reference reference;
    size_t axis;
    if (!reference_is_whole(text, &reference) || !reference_is(&reference, "axes", 2) || !axes_find(cell->test, reference.part[1], &axis))
        return;
    setting->line = cell->values[axis]->line;
    setting->column = cell->values[axis]->column;
}

static Pb__PlacedSetting *plan_setting(struct cell *cell, Pb__PlacedSetting *setting)
{
    bool is_constant = true;
    for (size_t i = 0; i < setting->n_values; i++)
        is_constant = is_constant && !strstr(setting->values[i], "$(");
    if (is_constant)
        return setting;
    Pb__PlacedSetting *put = ARENA_NEW(cell->arena, Pb__PlacedSetting);
    *put = *setting;
    put->values = ARENA_ARRAY(cell->arena, char *, setting->n_values);
    for (size_t i = 0; i < setting->n_values; i++) {
        put->values[i] = put_in(cell, setting->values[i]);
        take_place(cell, setting->values[i], put);
    }
    return put;
}

static bool is_set(Pb__PlacedSetting *const *settings, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i]->name, name) == 0)
            return true;
    return false;
}

// The service's own options, save those that the axis's value sets too: it is the more special of the two.
static void plan_options(struct cell *cell, const Pb__ServiceTemplate *service, const Pb__AxisValue *from, Pb__ServicePlan *plan)
{
    size_t from_count = from ? from->n_options : 0;
    plan->options = ARENA_ARRAY(cell->arena, Pb__PlacedSetting *, service->n_options + from_count);
    for (size_t i = 0; i < service->n_options; i++)
        if (from_count == 0 || !is_set(from->options, from_count, service->options[i]->name))
            plan->options[plan->n_options++] = plan_setting(cell, service->options[i]);
    for (size_t i = 0; i < from_count; i++)
        plan->options[plan->n_options++] = plan_setting(cell, from->options[i]);
}

// ---- hosts

static bool host_is_constant(const Pb__HostRule *rule)
{
    bool is_constant = !strstr(rule->name, "$(");
    for (size_t i = 0; i < rule->n_labels; i++)
        is_constant = is_constant && !strstr(rule->labels[i]->value, "$(");
    for (size_t i = 0; i < rule->n_not_names; i++)
        is_constant = is_constant && !strstr(rule->not_names[i], "$(");
    return is_constant;
}

// What the axis's value says stands in for the same of the service: it is the more special of the two.
static Pb__HostRule *host_of_both(struct cell *cell, const Pb__HostRule *service, const Pb__HostRule *value)
{
    Pb__HostRule *both = ARENA_NEW(cell->arena, Pb__HostRule);
    *both = *service;
    if (*value->name)
        both->name = value->name;
    if (value->n_labels > 0) {
        both->labels = value->labels;
        both->n_labels = value->n_labels;
    }
    if (value->n_not_names > 0) {
        both->not_names = value->not_names;
        both->n_not_names = value->n_not_names;
    }
    return both;
}

static Pb__HostRule *plan_host(struct cell *cell, Pb__HostRule *rule)
{
    if (host_is_constant(rule))
        return rule;
    Pb__HostRule *put = ARENA_NEW(cell->arena, Pb__HostRule);
    *put = *rule;
    put->name = put_in(cell, rule->name);
    put->labels = ARENA_ARRAY(cell->arena, Pb__Label *, rule->n_labels);
    for (size_t i = 0; i < rule->n_labels; i++) {
        put->labels[i] = ARENA_NEW(cell->arena, Pb__Label);
        *put->labels[i] = *rule->labels[i];
        put->labels[i]->value = put_in(cell, rule->labels[i]->value);
    }
    put->not_names = ARENA_ARRAY(cell->arena, char *, rule->n_not_names);
    for (size_t i = 0; i < rule->n_not_names; i++)
        put->not_names[i] = put_in(cell, rule->not_names[i]);
    return put;
}

// ---- services and assertions

static Pb__ServicePlan *plan_service(struct cell *cell, const Pb__ServiceTemplate *service)
{
    Pb__ServicePlan *plan = ARENA_NEW(cell->arena, Pb__ServicePlan);
    pb__service_plan__init(plan);
    size_t axis;
    const Pb__AxisValue *from = axes_find(cell->test, service->from_axis, &axis) ? cell->values[axis] : NULL;
    plan->name = service->name;
    plan->is_tester = service->tester[0] != '\0';
    plan->plugin = from ? from->implementation : put_in(cell, plan->is_tester ? service->tester : service->implementation);
    plan->version = from ? from->version : service->version;
    plan->program = from ? from->program : service->program;
    plan->role = from && *from->role ? from->role : service->role;
    plan->n_drives = service->n_drives;
    plan->drives = service->drives;
    plan->n_needs = service->n_needs;
    plan->needs = service->needs;
    plan->host = plan_host(cell, from && from->host ? host_of_both(cell, service->host, from->host) : service->host);
    plan->n_cases = service->n_cases;
    plan->cases = service->cases;
    plan->fresh = service->fresh;
    plan_options(cell, service, from, plan);
    return plan;
}

// Patterns are looked for as they are, so nothing comes after this: $$( is a literal $( from here on.
static Pb__Assertion *plan_assertion(struct cell *cell, Pb__Assertion *assertion)
{
    if (assertion->body_case != PB__ASSERTION__BODY_OUTPUT || !strstr(assertion->output->pattern, "$("))
        return assertion;
    Pb__Assertion *put = ARENA_NEW(cell->arena, Pb__Assertion);
    *put = *assertion;
    put->output = ARENA_NEW(cell->arena, Pb__OutputAssertion);
    *put->output = *assertion->output;
    put->output->pattern = reference_put_in(assertion->output->pattern, value_of, cell, true, cell->arena);
    return put;
}

// ---- where it runs, and what happens when

static bool settings_are_constant(Pb__PlacedSetting *const *settings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < settings[i]->n_values; j++)
            if (strstr(settings[i]->values[j], "$("))
                return false;
    return true;
}

static Pb__PlacedSetting **plan_settings(struct cell *cell, Pb__PlacedSetting *const *settings, size_t count)
{
    Pb__PlacedSetting **put = ARENA_ARRAY(cell->arena, Pb__PlacedSetting *, count);
    for (size_t i = 0; i < count; i++)
        put[i] = plan_setting(cell, settings[i]);
    return put;
}

static bool links_are_constant(Pb__LinkRule *const *links, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!settings_are_constant(links[i]->conditions, links[i]->n_conditions))
            return false;
    return true;
}

static Pb__LinkRule **plan_links(struct cell *cell, Pb__LinkRule **links, size_t count)
{
    if (links_are_constant(links, count))
        return links;
    Pb__LinkRule **put = ARENA_ARRAY(cell->arena, Pb__LinkRule *, count);
    for (size_t i = 0; i < count; i++) {
        put[i] = ARENA_NEW(cell->arena, Pb__LinkRule);
        *put[i] = *links[i];
        put[i]->conditions = plan_settings(cell, links[i]->conditions, links[i]->n_conditions);
    }
    return put;
}

static Pb__Network *plan_network(struct cell *cell, Pb__Network *network)
{
    if (!network || (links_are_constant(network->links, network->n_links) && !strstr(network->family, "$(")))
        return network;
    Pb__Network *put = ARENA_NEW(cell->arena, Pb__Network);
    *put = *network;
    put->family = put_in(cell, network->family);
    put->links = plan_links(cell, network->links, network->n_links);
    return put;
}

static Pb__ExecutionEnvironment *plan_environment(struct cell *cell, const Pb__ExecutionEnvironment *environment)
{
    Pb__ExecutionEnvironment *put = ARENA_NEW(cell->arena, Pb__ExecutionEnvironment);
    *put = *environment;
    put->options = plan_settings(cell, environment->options, environment->n_options);
    return put;
}

static Pb__RunBeside *plan_run(struct cell *cell, const Pb__RunBeside *run)
{
    Pb__RunBeside *put = ARENA_NEW(cell->arena, Pb__RunBeside);
    *put = *run;
    put->argv = ARENA_ARRAY(cell->arena, char *, run->n_argv);
    for (size_t i = 0; i < run->n_argv; i++)
        put->argv[i] = reference_put_in(run->argv[i], value_of, cell, true, cell->arena);
    return put;
}

static Pb__TimelineEntry *plan_entry(struct cell *cell, Pb__TimelineEntry *entry)
{
    bool is_fault = entry->body_case == PB__TIMELINE_ENTRY__BODY_FAULT;
    if (entry->body_case != PB__TIMELINE_ENTRY__BODY_RUN && !(is_fault && !links_are_constant(entry->fault->links, entry->fault->n_links)))
        return entry;
    Pb__TimelineEntry *put = ARENA_NEW(cell->arena, Pb__TimelineEntry);
    *put = *entry;
    if (!is_fault) {
        put->run = plan_run(cell, entry->run);
        return put;
    }
    put->fault = ARENA_NEW(cell->arena, Pb__Fault);
    *put->fault = *entry->fault;
    put->fault->links = plan_links(cell, entry->fault->links, entry->fault->n_links);
    return put;
}

// Every service needs its part of the network; the parts stand behind the services, whose order is the file's.
static Pb__ServicePlan *network_service(struct cell *cell, const char *name, const char *with)
{
    Pb__ServicePlan *plan = ARENA_NEW(cell->arena, Pb__ServicePlan);
    pb__service_plan__init(plan);
    plan->name = arena_string(cell->arena, name);
    plan->plugin = cell->test->network->type;
    plan->is_network = true;
    plan->host = ARENA_NEW(cell->arena, Pb__HostRule);
    pb__host_rule__init(plan->host);
    if (with) {
        plan->host->with = ARENA_ARRAY(cell->arena, char *, 1);
        plan->host->with[plan->host->n_with++] = arena_string(cell->arena, with);
    }
    return plan;
}

static void plan_services(struct cell *cell, Pb__CellPlan *plan)
{
    const Pb__Test *test = cell->test;
    plan->services = ARENA_ARRAY(cell->arena, Pb__ServicePlan *, test->n_services * 2 + 1);
    for (size_t i = 0; i < test->n_services; i++)
        plan->services[plan->n_services++] = plan_service(cell, test->services[i]);
    if (network_is_emulated(test->network))
        plan->services[plan->n_services++] = network_service(cell, NETWORK_SERVICE, NULL);
    else
        for (size_t i = 0; test->network && i < test->n_services; i++) {
            const char *name = test->services[i]->name;
            plan->services[plan->n_services++] = network_service(cell, arena_printf(cell->arena, NETWORK_SERVICE ".%s", name), name);
        }
}

static void plan_surroundings(struct cell *cell, Pb__CellPlan *plan)
{
    const Pb__Test *test = cell->test;
    plan->network = plan_network(cell, test->network);
    plan->case_conditions = test->case_conditions;
    plan->environments = ARENA_ARRAY(cell->arena, Pb__ExecutionEnvironment *, test->n_environments);
    for (size_t i = 0; i < test->n_environments; i++)
        plan->environments[plan->n_environments++] = execution_normalised(plan_environment(cell, test->environments[i]), cell->arena);
    plan->timeline = ARENA_ARRAY(cell->arena, Pb__TimelineEntry *, test->n_timeline);
    for (size_t i = 0; i < test->n_timeline; i++)
        plan->timeline[plan->n_timeline++] = plan_entry(cell, test->timeline[i]);
}

// ---- a cell

struct coordinates {
    uint64_t combination;
    uint32_t repetition;
};

static void begin(struct cell *cell, const Pb__Test *test, struct coordinates at, struct arena *arena)
{
    INVARIANT(test->n_axes <= AXES_PER_TEST_MAX);
    cell->test = test;
    cell->arena = arena;
    snprintf(cell->seed, sizeof cell->seed, "%" PRIu64, cells_seed(test, at.combination, at.repetition));
    snprintf(cell->repetition, sizeof cell->repetition, "%" PRIu32, first_of_seed(test, at.repetition));
    axes_values(test, at.combination, cell->values);
}

Pb__CellPlan *cells_plan(const Pb__Test *test, uint64_t combination, uint32_t repetition, struct arena *arena)
{
    struct cell cell;
    Pb__CellPlan *plan = ARENA_NEW(arena, Pb__CellPlan);
    begin(&cell, test, (struct coordinates){combination, repetition}, arena);
    pb__cell_plan__init(plan);
    plan->test = test->name;
    plan->combination = axes_combination_name(test, combination, arena);
    plan->repetition = repetition;
    plan->seed = cells_seed(test, combination, repetition);
    plan->protocol_name = test->protocol_name;
    plan->protocol_version = put_in(&cell, test->protocol_version);
    plan->timeouts = test->timeouts;
    plan->retry = test->retry;
    plan_services(&cell, plan);
    plan_surroundings(&cell, plan);
    plan->assertions = ARENA_ARRAY(arena, Pb__Assertion *, test->n_assertions);
    for (size_t i = 0; i < test->n_assertions; i++)
        plan->assertions[plan->n_assertions++] = plan_assertion(&cell, test->assertions[i]);
    return plan;
}

Pb__ServicePlan *cells_service(const Pb__Test *test, size_t service, uint64_t combination, uint32_t repetition, struct arena *arena)
{
    struct cell cell;
    begin(&cell, test, (struct coordinates){combination, repetition}, arena);
    return plan_service(&cell, test->services[service]);
}

Pb__Assertion *cells_assertion(const Pb__Test *test, size_t assertion, uint64_t combination, uint32_t repetition, struct arena *arena)
{
    struct cell cell;
    begin(&cell, test, (struct coordinates){combination, repetition}, arena);
    return plan_assertion(&cell, test->assertions[assertion]);
}

Pb__Network *cells_network(const Pb__Test *test, uint64_t combination, uint32_t repetition, struct arena *arena)
{
    struct cell cell;
    begin(&cell, test, (struct coordinates){combination, repetition}, arena);
    return plan_network(&cell, test->network);
}

Pb__ExecutionEnvironment *cells_environment(const Pb__Test *test, size_t environment, uint64_t combination, uint32_t repetition,
                                            struct arena *arena)
{
    struct cell cell;
    begin(&cell, test, (struct coordinates){combination, repetition}, arena);
    return plan_environment(&cell, test->environments[environment]);
}

Pb__TimelineEntry *cells_entry(const Pb__Test *test, size_t entry, uint64_t combination, uint32_t repetition, struct arena *arena)
{
    struct cell cell;
    begin(&cell, test, (struct coordinates){combination, repetition}, arena);
    return plan_entry(&cell, test->timeline[entry]);
}

char *cells_protocol_version(const Pb__Test *test, uint64_t combination, struct arena *arena)
{
    struct cell cell;
    begin(&cell, test, (struct coordinates){combination, 1}, arena);
    return put_in(&cell, test->protocol_version);
}

uint64_t experiment_cells(const Pb__Test *test)
{
    return test->n_cells ? test->n_cells : test->combinations * test->repeat_times;
}

#define SHUFFLE_ROUNDS 4

// A permutation of 0 to count - 1, drawn by the seed: a Feistel network over the next power of four, walked until it is back inside.
static uint64_t shuffle(uint64_t index, uint64_t count, uint64_t seed)
{
    unsigned half_bits = 1;
    while (half_bits < 32 && UINT64_C(1) << 2 * half_bits < count)
        half_bits++;
    const uint64_t mask = (UINT64_C(1) << half_bits) - 1;
    do {
        uint64_t left = index >> half_bits, right = index & mask;
        for (unsigned round = 0; round < SHUFFLE_ROUNDS; round++) {
            uint64_t next = left ^ (mix(mix(seed + round) ^ right) & mask);
            left = right;
            right = next;
        }
        index = left << half_bits | right;
    } while (index >= count);
    return index;
}

// Among all of its combinations and repetitions, numbered so that those of one repetition stand together.
static uint64_t place_of(const Pb__Test *test, uint64_t index)
{
    if (test->n_cells)
        return test->cells[index];
    if (test->order == PB__ORDER__ORDER_SEQUENTIAL)
        return index % test->repeat_times * test->combinations + index / test->repeat_times;
    return test->order == PB__ORDER__ORDER_SHUFFLE ? shuffle(index, test->combinations * test->repeat_times, test->seed_first) : index;
}

uint64_t cells_lot(const Pb__Test *test, uint64_t index)
{
    uint64_t place = place_of(test, index), combination = axes_combination(test, place % test->combinations);
    uint32_t repetition = (uint32_t)(place / test->combinations) + 1;
    return mix(mix(cells_seed(test, combination, repetition)) ^ mix(combination) ^ repetition);
}

Pb__CellPlan *experiment_cell(const Pb__Experiment *experiment, size_t test, uint64_t index, struct arena *arena)
{
    INVARIANT(test < experiment->n_tests && index < experiment_cells(experiment->tests[test]));
    const Pb__Test *of = experiment->tests[test];
    uint64_t place = place_of(of, index);
    return cells_plan(of, axes_combination(of, place % of->combinations), (uint32_t)(place / of->combinations) + 1, arena);
}

char *experiment_cell_name(uint64_t run, const Pb__Experiment *experiment, size_t test, uint64_t index, struct arena *arena)
{
    INVARIANT(test < experiment->n_tests && index < experiment_cells(experiment->tests[test]));
    const Pb__Test *of = experiment->tests[test];
    uint64_t place = place_of(of, index);
    const char *combination = axes_combination_name(of, axes_combination(of, place % of->combinations), arena);
    return arena_printf(arena, "r%" PRIu64 "/%s/%s%s%" PRIu64, run, of->name, combination, combination[0] ? "/" : "",
                        place / of->combinations + 1);
}
