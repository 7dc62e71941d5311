// A document as a struct panther_plugin.
#include "services/sdk/declared/driver.h"

#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "services/sdk/declared/build.h"
#include "services/sdk/declared/installed.h"
#include "services/sdk/declared/option.h"
#include "services/sdk/handle.h"

// All mistakes in one text, below what a packet and a person take.
#define PROBLEM_MAX_BYTES (TEXT_MAX_BYTES - 512)
#define MISTAKE_SHOWN_BYTES 400

struct driver driver;

struct scope driver_scope(struct panther_service *service, const char *case_name)
{
    return (struct scope){
        .document = driver.document,
        .service = service,
        .arena = handle_arena(service),
        .settings = driver.settings,
        .ports = driver.ports,
        .certificate = driver.certificate,
        .build = driver.build,
        .case_name = case_name,
    };
}

// ---- what the host asks without an instance

static int get_version(char *text, size_t text_bytes)
{
    return installed_version(driver.document, text, text_bytes);
}

static int get_capabilities(struct panther_capabilities *capabilities)
{
    return installed_capabilities(driver.document, capabilities);
}

// ---- the descriptor

static const struct panther_case *make_cases(const struct document *document, struct arena *arena)
{
    struct panther_case *cases = ARENA_ARRAY(arena, struct panther_case, document->case_count + 1);
    for (size_t i = 0; i < document->case_count; i++) {
        const struct case_rule *rule = &document->cases[i];
        cases[i] = (struct panther_case){rule->name, rule->summary, (uint32_t)rule->timeout_ms, rule->needs};
    }
    return cases;
}

static void make_setups(struct panther_tester *tester, const struct document *document, struct arena *arena)
{
    size_t setup_count = 0, condition_count = 0;
    for (size_t i = 0; i < document->case_count; i++) {
        setup_count += document->cases[i].setup_count;
        condition_count += document->cases[i].condition_count;
    }
    struct panther_case_setup *setups = ARENA_ARRAY(arena, struct panther_case_setup, setup_count + 1);
    struct panther_case_condition *conditions = ARENA_ARRAY(arena, struct panther_case_condition, condition_count + 1);
    tester->setups = setup_count > 0 ? setups : NULL;
    tester->conditions = condition_count > 0 ? conditions : NULL;
    for (size_t i = 0; i < document->case_count; i++) {
        const struct case_rule *rule = &document->cases[i];
        for (size_t j = 0; j < rule->setup_count; j++) {
            *setups++ = rule->setups[j];
        }
        for (size_t j = 0; j < rule->condition_count; j++) {
            *conditions++ = rule->conditions[j];
        }
    }
}

static void make_iut(struct panther_plugin *plugin, const struct document *document, struct arena *arena)
{
    struct panther_iut *iut = ARENA_NEW(arena, struct panther_iut);
    iut->get_implementation_version = document->installed.command.count > 0 ? get_version : NULL;
    iut->get_implementation_capabilities = document->capability_count > 0 ? get_capabilities : NULL;
    plugin->kind = PANTHER_IUT;
    plugin->iut = iut;
    plugin->start = driver_start;
    plugin->stop = driver_stop;
    plugin->execute = document_executes(document) ? driver_execute : NULL;
}

static void make_tester(struct panther_plugin *plugin, const struct document *document, struct arena *arena)
{
    struct panther_tester *tester = ARENA_NEW(arena, struct panther_tester);
    tester->cases = make_cases(document, arena);
    make_setups(tester, document, arena);
    tester->run_test = driver_run_test;
    tester->get_tool_version = document->installed.command.count > 0 ? get_version : NULL;
    plugin->kind = PANTHER_TESTER;
    plugin->tester = tester;
    plugin->drives = document->drives;
}

const struct panther_plugin *driver_plugin(const struct document *document, struct arena *arena)
{
    struct panther_plugin *plugin = ARENA_NEW(arena, struct panther_plugin);
    driver = (struct driver){.document = document};
    *plugin = (struct panther_plugin){
        .abi_major = PANTHER_ABI_MAJOR,
        .abi_minor = PANTHER_ABI_MINOR,
        .struct_bytes = sizeof(struct panther_plugin),
        .name = document->name,
        .version = document->version,
        .summary = document->summary,
        .protocols = document->protocols,
        .options = document->option_count > 0 ? document->options : NULL,
        .settings_bytes = document->option_count * DECLARED_SLOT_BYTES,
        .programs = document->programs,
        .builds = build_is_wanted(document),
        .initialize = driver_initialize,
        .plan = driver_plan,
    };
    if (document->kind == 0) {
        make_iut(plugin, document, arena);
    } else {
        make_tester(plugin, document, arena);
    }
    return plugin;
}

// ---- mistakes

static const char *all_mistakes(const struct diagnostics *diagnostics, const char *path, struct arena *arena)
{
    struct text all = {0};
    size_t told = 0;
    for (; told < diagnostics->count && all.length < PROBLEM_MAX_BYTES - 512; told++) {
        const Pb__Diagnostic *item = diagnostics->items[told];
        text_printf(&all, "%s%s:", told > 0 ? "\n" : "", item->file);
        if (item->line > 0) { // a file that cannot be read has no place
            text_printf(&all, "%u:%u:", item->line, item->column);
        }
        text_printf(&all, " %.*s", MISTAKE_SHOWN_BYTES, item->message);
    }
    const size_t left = diagnostics->count - told + diagnostics->dropped;
    if (left > 0) {
        text_printf(&all, "\n%s: and %zu more mistakes", path, left);
    }
    const char *problem = arena_string(arena, text_string(&all));
    text_free(&all);
    return problem;
}

const struct panther_plugin *declared_load(const char *path, struct arena *arena, const char **problem)
{
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, path);
    const struct document *document = document_read(path, arena, &diagnostics);
    if (document == NULL) {
        *problem = all_mistakes(&diagnostics, path, arena);
        return NULL;
    }
    return driver_plugin(document, arena);
}
