// Any bytes are a plugin, or have a mistake with a place. What is taken is a description that the wire takes, can be planned, and every
// reference and condition in it has a value or a reason, on an instance that has little. No program is run.
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/wire/wire.h"
#include "services/sdk/declared/driver.h"
#include "services/sdk/declared/invocation.h"
#include "services/sdk/description.h"
#include "services/sdk/handle.h"
#include "services/sdk/option_table.h"
#include "tests/fuzz/fuzz.h"

static int no_spawn(void *context, const struct panther_process *process, const char *program, char *problem)
{
    (void)context;
    (void)process;
    (void)program;
    snprintf(problem, TEXT_MAX_BYTES, "nothing is run here");
    return PANTHER_FAILED;
}

static void no_log(void *context, enum panther_level level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

static uint64_t one_second(void *context)
{
    (void)context;
    return 1000000000;
}

static bool is_not_cancelled(void *context)
{
    (void)context;
    return false;
}

static const struct service_backend backend = {
    .spawn = no_spawn, .write_log = no_log, .now_ns = one_second, .deadline_ns = one_second, .is_cancelled = is_not_cancelled};

// Required options have no value: a place that is empty all the same.
static void *settings_of(const struct document *document, struct arena *arena)
{
    struct panther_error error = {0};
    struct panther_option *options = ARENA_ARRAY(arena, struct panther_option, document->option_count + 1);
    for (size_t i = 0; i < document->option_count; i++) {
        options[i] = document->options[i];
        options[i].required = false;
    }
    const struct panther_plugin plugin = {
        .name = document->name, .options = options, .settings_bytes = document->option_count * DECLARED_SLOT_BYTES};
    Pb__Setting **checked = NULL;
    size_t count = 0;
    void *settings = NULL;
    const int result = option_table_settings(&plugin, NULL, 0, arena, &settings, &checked, &count, &error);
    INVARIANT(result == 0);
    return settings;
}

static void expand(const struct commands *commands, struct scope *scope)
{
    for (size_t i = 0; i < commands->count; i++) {
        struct invocation invocation;
        scope->problem[0] = '\0';
        const int result = invocation_make(&commands->items[i], scope, &invocation);
        INVARIANT(result == 0 || scope->problem[0] != '\0');
    }
}

static void expand_all(const struct document *document, struct scope *scope)
{
    for (size_t i = 0; i < document->file_count; i++) {
        const struct file_rule *file = &document->files[i];
        INVARIANT(template_text(file->path, scope) != NULL || scope->problem[0] != '\0');
        INVARIANT(file->text == NULL || template_text(file->text, scope) != NULL || scope->problem[0] != '\0');
    }
    for (int phase = PHASE_PRE_COMPILE; phase < PHASE_COUNT; phase++) {
        expand(&document->phases[phase], scope);
    }
    for (size_t i = 0; i < document->case_count; i++) {
        scope->case_name = document->cases[i].name;
        expand(&document->cases[i].run, scope);
    }
}

static void on_an_instance(const struct panther_plugin *plugin, const struct document *document, const void *settings)
{
    Pb__GuardSpec spec;
    Pb__Initialize initialize;
    static char http[] = "http", v6[] = "fd00::2", web[] = "web", server[] = "server", own[] = "127.0.0.1", nowhere[] = "/nowhere";
    Pb__Endpoint endpoint;
    Pb__Endpoint *endpoints[] = {&endpoint};
    Pb__Peer peer;
    Pb__Peer *peers[] = {&peer};
    pb__guard_spec__init(&spec);
    pb__initialize__init(&initialize);
    pb__endpoint__init(&endpoint);
    pb__peer__init(&peer);
    endpoint.name = http;
    endpoint.address = v6;
    endpoint.port = 80;
    endpoint.transport = PB__TRANSPORT__TRANSPORT_TCP;
    peer.service = peer.plugin = peer.host = web;
    peer.role = server;
    peer.n_endpoints = 1;
    peer.endpoints = endpoints;
    initialize.n_peers = 1;
    initialize.peers = peers;
    initialize.role = server;
    spec.initialize = &initialize;
    spec.address = own;
    spec.work_path = nowhere;
    struct panther_service *service = handle_new(plugin, &spec, &backend, NULL);
    struct scope scope = driver_scope(service, NULL);
    scope.settings = settings;
    scope.ports = ARENA_ARRAY(service->arena, int, document->port_count + 1);
    // conditions may ask for capabilities, which runs the document's commands: not here
    if (document->capability_count == 0) {
        expand_all(document, &scope);
    }
    handle_free(&service);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, "service.yaml");
    const struct document *document = document_read_text((const char *)data, size, "/nowhere", arena, &diagnostics);
    INVARIANT((document == NULL) == (diagnostics.errors > 0));
    for (size_t i = 0; i < diagnostics.count; i++) {
        INVARIANT(diagnostics.items[i]->line > 0 && diagnostics.items[i]->column > 0);
    }
    if (document != NULL) {
        struct panther_plan plan = {{0}};
        const struct panther_plugin *plugin = driver_plugin(document, arena);
        const char *problem = description_problem(plugin, arena);
        problem = problem != NULL ? problem : plugin_description_invalid(description_make(plugin, arena));
        if (problem != NULL) {
            PANIC("what was read has a problem without a place: %s", problem);
        }
        const void *settings = settings_of(document, arena);
        plugin->plan(settings, &plan);
        text_free(&plan.text);
        on_an_instance(plugin, document, settings);
    }
    arena_free(&arena);
    return 0;
}
