// What a test says before initialize: the spec of the one instance.
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/schema/environments.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/process.h"
#include "services/sdk/harness/harness.h"

#define PHASE_MS 10000
#define STREAM_LIMIT_BYTES (64 * 1024 * 1024)
// Below the ephemeral ports, above those of services: 700 blocks.
#define PORT_FIRST 20000
#define PORT_BLOCKS 700

int harness_problem(struct panther_test *test, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(test->problem, sizeof(test->problem), format, arguments);
    va_end(arguments);
    return -1;
}

// A block at random that no other test has, and in which nothing is bound now.
static uint32_t free_ports(int *reserved)
{
    for (;;) {
        const uint32_t first = PORT_FIRST + (uint32_t)(random_u64() % PORT_BLOCKS) * PORTS_PER_INSTANCE;
        const char *transport;
        bool is_free = (*reserved = harness_reserve_ports(first)) >= 0;
        for (uint32_t port = first; port < first + PORTS_PER_INSTANCE && is_free; port++) {
            is_free = !harness_port_is_taken((uint16_t)port, &transport);
        }
        if (is_free) {
            return first;
        }
        if (*reserved >= 0) {
            close(*reserved);
        }
    }
}

static char *name_of_plugin(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    return arena_string_bytes(arena, file, strcspn(file, "."));
}

static Pb__Initialize *make_initialize(struct panther_test *test, const char *plugin_path)
{
    Pb__Initialize *initialize = ARENA_NEW(test->arena, Pb__Initialize);
    pb__initialize__init(initialize);
    initialize->plugin = name_of_plugin(plugin_path, test->arena);
    initialize->trial_name = arena_string(test->arena, "r1/test/1#1");
    initialize->service = arena_string(test->arena, "service");
    initialize->seed = 1;
    initialize->lease_ms = LEASE_OF_TEST_MS;
    initialize->settings = ARENA_ARRAY(test->arena, Pb__Setting *, SETTINGS_OF_TEST_MAX);
    initialize->peers = ARENA_ARRAY(test->arena, Pb__Peer *, PEERS_OF_TEST_MAX);
    initialize->environments = ARENA_ARRAY(test->arena, Pb__ExecutionEnvironment *, ENVIRONMENTS);
    initialize->drives = ARENA_ARRAY(test->arena, Pb__Drive *, PEERS_OF_TEST_MAX);
    initialize->output_rules = ARENA_ARRAY(test->arena, Pb__OutputRule *, PEERS_OF_TEST_MAX);
    return initialize;
}

// The guard works in the instance's folder.
static char *absolute_path(const char *path, struct arena *arena)
{
    char absolute[PATH_MAX];
    return arena_string(arena, realpath(path, absolute) != NULL ? absolute : path);
}

static void make_spec(struct panther_test *test, const char *plugin_path)
{
    Pb__GuardSpec *spec = ARENA_NEW(test->arena, Pb__GuardSpec);
    char boot[BOOT_ID_BYTES];
    pb__guard_spec__init(spec);
    boot_id(boot);
    spec->version = GUARD_PROTOCOL_VERSION;
    spec->instance = random_u64() >> 16; // the marker of its processes: must differ from every other test's
    spec->generation = 1;
    spec->agent = arena_string(test->arena, "harness");
    spec->plugin_path = absolute_path(plugin_path, test->arena);
    spec->address = arena_string(test->arena, "127.0.0.1");
    spec->port_first = free_ports(&test->ports);
    spec->port_count = PORTS_PER_INSTANCE;
    spec->boot_id = arena_string(test->arena, boot);
    spec->stream_limit_bytes = STREAM_LIMIT_BYTES;
    spec->work_path = arena_printf(test->arena, "%s/work", test->folder);
    spec->state_path = arena_printf(test->arena, "%s/state", test->folder);
    spec->initialize = test->initialize;
    test->spec = spec;
    snprintf(test->marker, sizeof(test->marker), "PANTHER_INSTANCE=%llu.1", (unsigned long long)spec->instance);
}

struct panther_test *panther_test_new(const char *plugin_path)
{
    struct panther_test *test = NEW(struct panther_test);
    char folder[] = "/tmp/panther-test-XXXXXX";
    if (mkdtemp(folder) == NULL) {
        PANIC("cannot make a folder below /tmp");
    }
    test->arena = arena_new(0);
    test->folder = arena_string(test->arena, folder);
    test->phase_ms = PHASE_MS;
    test->pidfd = test->socket = test->spool_fd = -1;
    test->initialize = make_initialize(test, plugin_path);
    make_spec(test, plugin_path);
    harness_remember(test);
    return test;
}

static Pb__Setting *setting_named(struct panther_test *test, const char *name)
{
    Pb__Initialize *initialize = test->initialize;
    for (size_t i = 0; i < initialize->n_settings; i++) {
        if (strcmp(initialize->settings[i]->name, name) == 0) {
            return initialize->settings[i];
        }
    }
    INVARIANT(initialize->n_settings < SETTINGS_OF_TEST_MAX);
    Pb__Setting *setting = ARENA_NEW(test->arena, Pb__Setting);
    pb__setting__init(setting);
    setting->name = arena_string(test->arena, name);
    setting->values = ARENA_ARRAY(test->arena, char *, VALUES_OF_SETTING_MAX);
    initialize->settings[initialize->n_settings++] = setting;
    return setting;
}

void panther_test_option(struct panther_test *test, const char *name, const char *value)
{
    Pb__Setting *setting = setting_named(test, name);
    INVARIANT(setting->n_values < VALUES_OF_SETTING_MAX);
    setting->values[setting->n_values++] = arena_string(test->arena, value);
}

static Pb__ExecutionEnvironment *environment_of_type(struct panther_test *test, const char *type)
{
    Pb__Initialize *initialize = test->initialize;
    for (size_t i = 0; i < initialize->n_environments; i++) {
        if (strcmp(initialize->environments[i]->type, type) == 0) {
            return initialize->environments[i];
        }
    }
    INVARIANT(initialize->n_environments < ENVIRONMENTS);
    Pb__ExecutionEnvironment *environment = ARENA_NEW(test->arena, Pb__ExecutionEnvironment);
    pb__execution_environment__init(environment);
    environment->type = arena_string(test->arena, type);
    environment->options = ARENA_ARRAY(test->arena, Pb__PlacedSetting *, SETTINGS_OF_TEST_MAX);
    initialize->environments[initialize->n_environments++] = environment;
    return environment;
}

void panther_test_environment(struct panther_test *test, const char *type, const char *option, const char *value)
{
    Pb__ExecutionEnvironment *environment = environment_of_type(test, type);
    Pb__PlacedSetting *setting = NULL;
    for (size_t i = 0; option != NULL && i < environment->n_options; i++) {
        if (strcmp(environment->options[i]->name, option) == 0) {
            setting = environment->options[i];
        }
    }
    if (option != NULL && setting == NULL) {
        INVARIANT(environment->n_options < SETTINGS_OF_TEST_MAX);
        setting = environment->options[environment->n_options++] = ARENA_NEW(test->arena, Pb__PlacedSetting);
        pb__placed_setting__init(setting);
        setting->name = arena_string(test->arena, option);
        setting->values = ARENA_ARRAY(test->arena, char *, VALUES_OF_SETTING_MAX);
    }
    if (setting != NULL) {
        INVARIANT(setting->n_values < VALUES_OF_SETTING_MAX);
        setting->values[setting->n_values++] = arena_string(test->arena, value);
    }
}

void panther_test_protocol(struct panther_test *test, const char *name, const char *version, const char *role)
{
    test->initialize->protocol_name = arena_string(test->arena, name);
    test->initialize->protocol_version = arena_string(test->arena, version);
    test->initialize->role = arena_string(test->arena, role);
}

void panther_test_address(struct panther_test *test, const char *address)
{
    test->spec->address = arena_string(test->arena, address);
}

void panther_test_seed(struct panther_test *test, uint64_t seed)
{
    test->initialize->seed = seed;
}

void panther_test_phase_ms(struct panther_test *test, uint32_t ms)
{
    test->phase_ms = ms;
}

void panther_test_state_folder(struct panther_test *test, const char *folder)
{
    test->spec->state_path = arena_string(test->arena, folder);
}

void harness_set_generation(struct panther_test *test, uint32_t generation, const Pb__GuardSpec *first)
{
    test->spec->instance = first->instance;
    test->spec->generation = generation;
    test->spec->port_first = first->port_first;
    test->spec->state_path = arena_string(test->arena, first->state_path);
    snprintf(test->marker, sizeof(test->marker), "PANTHER_INSTANCE=%llu.%u", (unsigned long long)first->instance, generation);
}

// ---- peers

static void add_drive(struct panther_test *test, const char *word, char *service)
{
    Pb__Initialize *initialize = test->initialize;
    for (size_t i = 0; i < initialize->n_drives; i++) {
        Pb__Drive *known = initialize->drives[i];
        if (strcmp(known->name, word) == 0 && known->n_services < PEERS_OF_TEST_MAX) {
            known->services[known->n_services++] = service;
            return;
        }
    }
    Pb__Drive *drive = ARENA_NEW(test->arena, Pb__Drive);
    pb__drive__init(drive);
    drive->name = arena_string(test->arena, word);
    drive->services = ARENA_ARRAY(test->arena, char *, PEERS_OF_TEST_MAX);
    drive->services[drive->n_services++] = service;
    initialize->drives[initialize->n_drives++] = drive;
}

static Pb__Peer *add_peer(struct panther_test *test, const char *drive, const char *service)
{
    Pb__Initialize *initialize = test->initialize;
    Pb__Peer *peer = ARENA_NEW(test->arena, Pb__Peer);
    INVARIANT(initialize->n_peers < PEERS_OF_TEST_MAX);
    pb__peer__init(peer);
    peer->service = arena_string(test->arena, service);
    peer->plugin = arena_string(test->arena, "peer");
    peer->host = arena_string(test->arena, "harness");
    peer->endpoints = ARENA_ARRAY(test->arena, Pb__Endpoint *, ENDPOINTS_PER_INSTANCE);
    initialize->peers[initialize->n_peers++] = peer;
    if (drive != NULL) {
        add_drive(test, drive, peer->service);
    }
    return peer;
}

static void add_endpoint(struct panther_test *test, Pb__Peer *peer, const char *name, const char *address, uint32_t port,
                         unsigned transports)
{
    Pb__Endpoint *endpoint = ARENA_NEW(test->arena, Pb__Endpoint);
    INVARIANT(peer->n_endpoints < ENDPOINTS_PER_INSTANCE);
    pb__endpoint__init(endpoint);
    endpoint->name = arena_string(test->arena, name);
    endpoint->address = arena_string(test->arena, address);
    endpoint->port = port;
    endpoint->transport = (Pb__Transport)transports;
    peer->endpoints[peer->n_endpoints++] = endpoint;
}

void panther_test_peer(struct panther_test *test, const char *drive, const char *service, const char *endpoint, const char *address,
                       uint16_t port, unsigned transports)
{
    add_endpoint(test, add_peer(test, drive, service), endpoint, address, port, transports);
}

void panther_test_drive(struct panther_test *test, const char *drive, const struct panther_test *driven)
{
    harness_add_service(test, drive, drive, driven);
}

void harness_add_service(struct panther_test *test, const char *drive, const char *service, const struct panther_test *driven)
{
    Pb__Peer *peer = add_peer(test, drive, service);
    peer->plugin = arena_string(test->arena, driven->initialize->plugin);
    peer->role = arena_string(test->arena, driven->initialize->role);
    for (size_t i = 0; i < driven->event_count; i++) {
        const Pb__Event *event = driven->events[i];
        if (event->body_case != PB__EVENT__BODY_COMMAND_DONE) {
            continue;
        }
        for (size_t j = 0; j < event->command_done->n_endpoints; j++) {
            const Pb__Endpoint *endpoint = event->command_done->endpoints[j];
            add_endpoint(test, peer, endpoint->name, endpoint->address, endpoint->port, (unsigned)endpoint->transport);
        }
    }
}

void panther_test_output_rule(struct panther_test *test, const char *stream, enum panther_match match, const char *pattern)
{
    Pb__OutputRule *rule = ARENA_NEW(test->arena, Pb__OutputRule);
    INVARIANT(test->initialize->n_output_rules < PEERS_OF_TEST_MAX);
    pb__output_rule__init(rule);
    rule->id = (uint32_t)test->initialize->n_output_rules + 1;
    rule->is_regex = match == PANTHER_REGEX;
    rule->pattern = arena_string(test->arena, pattern);
    rule->stream = arena_string(test->arena, stream != NULL ? stream : "");
    test->initialize->output_rules[test->initialize->n_output_rules++] = rule;
}
