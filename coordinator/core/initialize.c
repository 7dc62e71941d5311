// What an instance is told at its beginning: peers, resolved options, its files, its place in the network, what its programs are started
// under, and its deadlines. Called by trials.c and, for a later generation, by renewals.c.
#include <string.h>

#include "common/base/message.h"
#include "common/schema/environments.h"
#include "coordinator/core/state.h"
#include "coordinator/experiment/experiment.h"
#include "coordinator/experiment/network.h"

// initialize() writes configuration files and allocates ports: nothing that takes longer on a working host.
#define INITIALIZE_MS 30000

Pb__Peer *commands_peer(struct core *core, const struct instance *needed)
{
    Pb__Peer *peer = NEW_MESSAGE(core, Pb__Peer, pb__peer);
    struct arena *arena = core->effects->arena;
    peer->service = arena_string(arena, needed->service);
    peer->plugin = arena_string(arena, needed->plugin);
    peer->role = arena_string(arena, instance_plan(needed)->role);
    peer->host = arena_string(arena, needed->agent);
    peer->instance = needed->id;
    peer->generation = needed->generation;
    const Pb__CommandDone *done = needed->initialized ? MESSAGE_COPY(needed->initialized, arena) : NULL;
    if (done) {
        peer->endpoints = done->endpoints;
        peer->n_endpoints = done->n_endpoints;
    }
    return peer;
}

static const char *settings_resolve(struct core *core, const Pb__ServicePlan *service, Pb__Initialize *initialize)
{
    struct arena *arena = core->effects->arena;
    initialize->settings = ARENA_ARRAY(arena, Pb__Setting *, service->n_options + 2); // and a profile
    for (size_t i = 0; i < service->n_options; i++) {
        const Pb__PlacedSetting *given = service->options[i];
        Pb__Setting *setting = NEW_MESSAGE(core, Pb__Setting, pb__setting);
        setting->name = arena_string(arena, given->name);
        setting->values = ARENA_ARRAY(arena, char *, given->n_values + 1);
        for (size_t v = 0; v < given->n_values; v++) {
            const char *reason = NULL;
            char *text =
                experiment_resolve_text(given->values[v], (const Pb__Peer *const *)initialize->peers, initialize->n_peers, arena, &reason);
            if (!text) {
                return arena_printf(arena, "%s: option %s: %s", service->name, given->name, reason);
            }
            setting->values[setting->n_values++] = text;
        }
        initialize->settings[initialize->n_settings++] = setting;
    }
    return NULL;
}

// The profile that a case asked for stands where the experiment's own stood.
static void put_profile(struct core *core, const struct instance *instance, Pb__Initialize *initialize)
{
    struct arena *arena = core->effects->arena;
    if (!*instance->profile) {
        return;
    }
    size_t at = 0;
    while (at < initialize->n_settings && strcmp(initialize->settings[at]->name, OPTION_PROFILE) != 0) {
        at++;
    }
    Pb__Setting *setting = NEW_MESSAGE(core, Pb__Setting, pb__setting);
    setting->name = arena_string(arena, OPTION_PROFILE);
    setting->values = ARENA_ARRAY(arena, char *, 1);
    setting->values[setting->n_values++] = arena_string(arena, instance->profile);
    initialize->settings[at] = setting;
    initialize->n_settings += at == initialize->n_settings;
}

static void output_rules(struct core *core, const struct instance *instance, Pb__Initialize *initialize)
{
    const Pb__CellPlan *plan = instance->trial->plan;
    initialize->output_rules = ARENA_ARRAY(core->effects->arena, Pb__OutputRule *, plan->n_assertions + 1);
    for (size_t i = 0; i < plan->n_assertions; i++) {
        const Pb__Assertion *assertion = plan->assertions[i];
        if (assertion->body_case != PB__ASSERTION__BODY_OUTPUT || strcmp(assertion->service, instance->service) != 0) {
            continue;
        }
        Pb__OutputRule *rule = NEW_MESSAGE(core, Pb__OutputRule, pb__output_rule);
        rule->id = (uint32_t)i + 1;
        rule->is_regex = assertion->output->is_regex;
        rule->pattern = arena_string(core->effects->arena, assertion->output->pattern);
        rule->stream = arena_string(core->effects->arena, assertion->output->stream);
        rule->every = assertion->window != NULL;
        initialize->output_rules[initialize->n_output_rules++] = rule;
    }
}

static void put_program(struct core *core, const struct instance *instance, Pb__Initialize *initialize)
{
    const char *path = instance_plan(instance)->program;
    const Pb__PluginDescription *description = map_get_text(core->durable->descriptions, instance->description_hash);
    if (*path && description && description->n_programs > 0) {
        initialize->program = NEW_MESSAGE(core, Pb__SentProgram, pb__sent_program);
        initialize->program->name = arena_string(core->effects->arena, description->programs[0]);
        initialize->program->path = arena_string(core->effects->arena, path);
    }
}

// The experiment's files that this instance's program and options name: no host fetches what it does not need.
static void files_needed(struct core *core, const struct trial *trial, Pb__Initialize *initialize)
{
    struct arena *arena = core->effects->arena;
    const Pb__Experiment *experiment = trial->run->experiment;
    initialize->files = ARENA_ARRAY(arena, Pb__FileReference *, experiment->n_files + 1);
    for (size_t f = 0; f < experiment->n_files; f++) {
        const char *reference = arena_printf(arena, "$(file.%s)", experiment->files[f]->name);
        bool is_needed = false;
        for (size_t s = 0; s < initialize->n_settings; s++) {
            for (size_t v = 0; v < initialize->settings[s]->n_values; v++) {
                is_needed |= strcmp(initialize->settings[s]->values[v], reference) == 0;
            }
        }
        if (initialize->program && strcmp(initialize->program->path, reference) == 0) {
            initialize->program->hash = arena_string(arena, experiment->files[f]->hash);
            is_needed = true;
        }
        if (is_needed) {
            initialize->files[initialize->n_files++] = MESSAGE_COPY(experiment->files[f], arena);
        }
    }
}

// ---- the network

static bool is_emulated(const struct trial *trial)
{
    return trial->plan->network && strcmp(trial->plan->network->type, NETWORK_EMULATED) == 0;
}

static const struct instance *network_of(const struct instance *instance)
{
    const Pb__ServicePlan *service = instance_plan(instance);
    for (size_t i = 0; i < service->n_needs; i++) {
        const struct instance *needed = trial_instance(instance->trial, service->needs[i]);
        if (instance_plan(needed)->is_network) {
            return needed;
        }
    }
    return NULL;
}

// The namespace that the network has made for it. NULL, or why there is none.
static const char *put_place(struct core *core, const struct instance *instance, Pb__Initialize *initialize)
{
    const struct instance *network = is_emulated(instance->trial) ? network_of(instance) : NULL;
    const Pb__CommandDone *done = network ? network->initialized : NULL;
    for (size_t i = 0; done && i < done->n_endpoints; i++) {
        if (strcmp(done->endpoints[i]->name, instance->service) == 0) {
            Pb__NetworkPlace *place = initialize->network_place = NEW_MESSAGE(core, Pb__NetworkPlace, pb__network_place);
            place->instance = network->id;
            place->address = arena_string(core->effects->arena, done->endpoints[i]->address);
            return NULL;
        }
    }
    return network ? arena_printf(core->effects->arena, "%s: the network has no place for it", instance->service) : NULL;
}

static const char *test_address(const struct core *core, const struct instance *instance)
{
    const struct agent_live *agent = sessions_agent(core, instance->agent);
    return agent && agent->hello && agent->hello->n_addresses ? agent->hello->addresses[0]->address : "";
}

// A lab's part knows the others by their hosts' addresses: it stands on a host of its own, with the service whose packets it treats.
static Pb__Peer *distant_peer(struct core *core, const struct instance *other)
{
    struct arena *arena = core->effects->arena;
    Pb__Peer *peer = NEW_MESSAGE(core, Pb__Peer, pb__peer);
    peer->service = arena_string(arena, other->service);
    peer->plugin = arena_string(arena, other->plugin);
    peer->host = arena_string(arena, other->agent);
    if (*test_address(core, other)) {
        Pb__Endpoint *endpoint = NEW_MESSAGE(core, Pb__Endpoint, pb__endpoint);
        endpoint->name = peer->service;
        endpoint->address = arena_string(arena, test_address(core, other));
        endpoint->port = 1; // there is none
        endpoint->transport = PB__TRANSPORT__TRANSPORT_UDP;
        peer->endpoints = ARENA_ARRAY(arena, Pb__Endpoint *, 1);
        peer->endpoints[peer->n_endpoints++] = endpoint;
    }
    return peer;
}

static bool is_served_by(const struct instance *network, const struct instance *other)
{
    const char *dot = strchr(network->service, '.');
    return dot && strcmp(dot + 1, other->service) == 0;
}

static void put_network(struct core *core, const struct instance *network, Pb__Initialize *initialize)
{
    struct arena *arena = core->effects->arena;
    const struct trial *trial = network->trial;
    initialize->network = MESSAGE_COPY(trial->plan->network, arena);
    initialize->network_services = ARENA_ARRAY(arena, char *, trial->instance_count + 1);
    initialize->peers = ARENA_ARRAY(arena, Pb__Peer *, trial->instance_count + 1);
    for (size_t i = 0; i < trial->instance_count; i++) {
        const struct instance *other = trial->instances[i];
        if (instance_plan(other)->is_network) {
            continue;
        }
        initialize->network_services[initialize->n_network_services++] = arena_string(arena, other->service);
        if (!is_emulated(trial) && !is_served_by(network, other)) {
            initialize->peers[initialize->n_peers++] = distant_peer(core, other);
        }
    }
}

// ---- what its programs are started under

static bool environment_is_of(const Pb__ExecutionEnvironment *environment, const Pb__ServicePlan *service)
{
    if (service->is_network) {
        return false;
    }
    for (size_t i = 0; i < environment->n_services; i++) {
        if (strcmp(environment->services[i], service->name) == 0) {
            return true;
        }
    }
    return environment->n_services == 0 && !service->is_tester;
}

size_t environments_of(const Pb__CellPlan *plan, const Pb__ServicePlan *service, Pb__ExecutionEnvironment ***environments,
                       struct arena *arena)
{
    size_t count = 0;
    *environments = ARENA_ARRAY(arena, Pb__ExecutionEnvironment *, plan->n_environments + 1);
    for (size_t i = 0; i < plan->n_environments; i++) {
        if (environment_is_of(plan->environments[i], service)) {
            Pb__ExecutionEnvironment *copy = MESSAGE_COPY(plan->environments[i], arena);
            copy->n_services = 0;
            (*environments)[count++] = copy;
        }
    }
    return count;
}

// A case, and the whole trial, take as long as the slowest of those that have to do with it.
uint32_t environments_trial_ms(const struct trial *trial, uint64_t ms, struct arena *arena)
{
    uint64_t factor = 1;
    for (size_t i = 0; trial->plan->n_environments && i < trial->instance_count; i++) {
        Pb__ExecutionEnvironment **environments;
        size_t count = environments_of(trial->plan, instance_plan(trial->instances[i]), &environments, arena);
        uint32_t own = environments_factor(environments, count);
        factor = own > factor ? own : factor;
    }
    return ms * factor > UINT32_MAX ? UINT32_MAX : (uint32_t)(ms * factor);
}

static void peers_of(struct core *core, const struct instance *instance, Pb__Initialize *initialize)
{
    const Pb__ServicePlan *service = instance_plan(instance);
    initialize->peers = ARENA_ARRAY(core->effects->arena, Pb__Peer *, service->n_needs + 1);
    for (size_t i = 0; i < service->n_needs; i++) {
        const struct instance *needed = trial_instance(instance->trial, service->needs[i]);
        if (!instance_plan(needed)->is_network) {
            initialize->peers[initialize->n_peers++] = commands_peer(core, needed);
        }
    }
}

static void put_deadlines(struct core *core, const struct instance *instance, Pb__Initialize *initialize)
{
    const struct trial *trial = instance->trial;
    const uint32_t build_ms = core_builds(core, instance) ? trial->plan->timeouts->build_ms : 0;
    initialize->initialize_ms = build_ms > INITIALIZE_MS ? build_ms : INITIALIZE_MS;
    initialize->start_ms = environments_deadline_ms(initialize->environments, initialize->n_environments, trial->plan->timeouts->ready_ms);
    initialize->port_wished = instance->port; // peers know its address: it shall be the same again
    initialize->stop_ms = environments_deadline_ms(initialize->environments, initialize->n_environments, trial->plan->timeouts->stop_ms);
}

// NULL, or why the instance cannot be told to initialize.
const char *commands_initialize(struct core *core, struct instance *instance)
{
    struct arena *arena = core->effects->arena;
    const struct trial *trial = instance->trial;
    const Pb__ServicePlan *service = MESSAGE_COPY(instance_plan(instance), arena);
    Pb__Command *command = commands_new(core, instance, 1);
    command->body_case = PB__COMMAND__BODY_INITIALIZE;
    Pb__Initialize *initialize = command->initialize = NEW_MESSAGE(core, Pb__Initialize, pb__initialize);
    initialize->plugin = arena_string(arena, instance->plugin);
    initialize->description_hash = arena_string(arena, instance->description_hash);
    initialize->trial_name = arena_string(arena, trial->name);
    initialize->service = arena_string(arena, instance->service);
    initialize->is_tester = instance->is_tester;
    initialize->role = service->role;
    initialize->protocol_name = arena_string(arena, trial->plan->protocol_name);
    initialize->protocol_version = arena_string(arena, trial->plan->protocol_version);
    if (service->is_network) {
        put_network(core, instance, initialize);
    } else {
        peers_of(core, instance, initialize);
    }
    const char *problem = settings_resolve(core, service, initialize);
    problem = problem ? problem : put_place(core, instance, initialize);
    if (problem) {
        return problem;
    }
    put_profile(core, instance, initialize);
    initialize->n_environments = environments_of(trial->plan, service, &initialize->environments, arena);
    initialize->drives = service->drives;
    initialize->n_drives = service->n_drives;
    put_program(core, instance, initialize);
    files_needed(core, trial, initialize);
    output_rules(core, instance, initialize);
    initialize->seed = trial->plan->seed;
    initialize->lease_ms = trial->lease_ms;
    put_deadlines(core, instance, initialize);
    core_instance_link(core, instance)->forsaken = false;
    commands_decide(core, instance, command, NULL);
    return NULL;
}
