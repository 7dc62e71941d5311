// What a submission would do: its first cells, where they would run, and what. Nothing is begun. Used by requests.c.
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"
#include "coordinator/experiment/experiment.h"

// Cells that a dry run shows: what a person reads.
#define DRY_RUN_CELLS_MAX 200
// Names of cases that a dry run shows: with 100 bytes each far below a control frame.
#define DRY_RUN_CASES_MAX 20000
// What options take together in one answer: far below a control frame. One that is long is only named.
#define OPTIONS_SHOWN_MAX_BYTES (256 * 1024)
#define OPTION_SHOWN_MAX_BYTES 200

static size_t count_values(const Pb__ServicePlan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->n_options; i++) {
        count += plan->options[i]->n_values;
    }
    return count;
}

// What the service would run, as far as it is known here: its argv is the plugin's to say, on its host.
static void plan_command(struct core *core, const Pb__ServicePlan *plan, const struct agent_live *agent, size_t *room,
                         Pb__PlannedService *service)
{
    struct arena *arena = core->effects->arena;
    struct presence *presence = agent ? presences_find(agent, plan->plugin) : NULL;
    const Pb__PluginDescription *description = presence ? presence_description(core, presence) : NULL;
    service->path = arena_string(arena, presence ? presence->is->path : "");
    service->options = ARENA_ARRAY(arena, char *, count_values(plan) + 1);
    for (size_t i = 0; i < plan->n_options; i++) {
        for (size_t v = 0; v<plan->options[i]->n_values && * room> OPTION_SHOWN_MAX_BYTES; v++) {
            const char *value = plan->options[i]->values[v];
            bool is_long = strlen(value) > OPTION_SHOWN_MAX_BYTES;
            service->options[service->n_options] = arena_printf(arena, "%s=%s", plan->options[i]->name, is_long ? "..." : value);
            *room -= strlen(service->options[service->n_options++]);
        }
    }
    service->sent_program = plan->program;
    service->programs = description ? description->programs : NULL;
    service->n_programs = description ? description->n_programs : 0;
}

static Pb__PlannedCell *plan_cell(struct core *core, const Pb__Experiment *experiment, size_t test, uint64_t cell, Pb__CellPlan *plan,
                                  size_t *room)
{
    struct arena *arena = core->effects->arena;
    struct placement placement;
    placement_find(core, plan, arena, &placement);
    Pb__PlannedCell *planned = NEW_MESSAGE(core, Pb__PlannedCell, pb__planned_cell);
    planned->name = experiment_cell_name(core->durable->last_run + 1, experiment, test, cell, arena);
    planned->problem = arena_string(arena, placement.problem ? placement.problem : "");
    planned->services = ARENA_ARRAY(arena, Pb__PlannedService *, plan->n_services + 1);
    for (size_t i = 0; i < plan->n_services; i++) {
        Pb__PlannedService *service = NEW_MESSAGE(core, Pb__PlannedService, pb__planned_service);
        service->service = plan->services[i]->name;
        service->plugin = plan->services[i]->plugin;
        service->host = arena_string(arena, placement.problem ? "" : placement.agents[i]->name);
        service->cases = plan->services[i]->cases;
        service->n_cases = plan->services[i]->n_cases;
        plan_command(core, plan->services[i], placement.problem ? NULL : placement.agents[i], room, service);
        planned->services[planned->n_services++] = service;
    }
    return planned;
}

static bool leave_out_cases(Pb__PlannedCell *planned, size_t *cases)
{
    bool any = false;
    for (size_t i = 0; i < planned->n_services; i++) {
        *cases += planned->services[i]->n_cases;
        if (*cases > DRY_RUN_CASES_MAX) {
            any |= planned->services[i]->n_cases > 0;
            planned->services[i]->n_cases = 0;
        }
    }
    return any;
}

static size_t count_hosts(const Pb__PlannedCell *planned)
{
    size_t count = 0;
    for (size_t i = 0; i < planned->n_services; i++) {
        size_t before = 0;
        while (before < i && strcmp(planned->services[before]->host, planned->services[i]->host) != 0) {
            before++;
        }
        count += before == i;
    }
    return count;
}

// A bound, not a guess: no trial takes longer, and few take as long.
static uint64_t host_time(struct core *core, const Pb__Experiment *experiment)
{
    uint64_t time = 0, of_test;
    size_t no_room = 0;
    for (size_t test = 0; test < experiment->n_tests; test++) {
        Pb__CellPlan *plan = experiment_cell(experiment, test, 0, core->effects->arena);
        size_t hosts = count_hosts(plan_cell(core, experiment, test, 0, plan, &no_room));
        uint64_t cell_ms = (uint64_t)hosts * (plan->timeouts ? plan->timeouts->trial_ms : 0);
        if (__builtin_mul_overflow(cell_ms, experiment_cells(experiment->tests[test]), &of_test) ||
            __builtin_add_overflow(time, of_test, &time)) {
            return UINT64_MAX;
        }
    }
    return time;
}

void dry_run_show(struct core *core, Pb__Submitted *submitted, const Pb__Experiment *experiment)
{
    size_t cases = 0, room = OPTIONS_SHOWN_MAX_BYTES;
    struct map *looked_at = map_new();
    submitted->host_ms_at_most = host_time(core, experiment);
    submitted->plan = ARENA_ARRAY(core->effects->arena, Pb__PlannedCell *, DRY_RUN_CELLS_MAX);
    for (size_t test = 0; test < experiment->n_tests; test++) {
        for (uint64_t cell = 0; cell < experiment_cells(experiment->tests[test]); cell++) {
            if (submitted->n_plan == DRY_RUN_CELLS_MAX) {
                submitted->plan_truncated = true;
                map_free(&looked_at);
                return;
            }
            Pb__CellPlan *plan = experiment_cell(experiment, test, cell, core->effects->arena);
            skew_look(core, submitted, plan, looked_at);
            Pb__PlannedCell *planned = plan_cell(core, experiment, test, cell, plan, &room);
            submitted->plan_truncated |= leave_out_cases(planned, &cases);
            submitted->plan[submitted->n_plan++] = MESSAGE_COPY(planned, core->effects->arena);
        }
    }
    map_free(&looked_at);
}
