#include "agent/host/phase.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/host/backend.h"
#include "agent/host/loader.h"
#include "agent/host/probe.h"
#include "common/base/limits.h"
#include "common/schema/diagnostics.h"
#include "common/system/file.h"
#include "services/sdk/description.h"

const char *phase_refusal(const struct phase *phase, Pb__HostRequest__BodyCase kind)
{
    switch (kind) {
    case PB__HOST_REQUEST__BODY_INITIALIZE:
        return phase->state == PHASE_NEW ? NULL : "it is initialized already";
    case PB__HOST_REQUEST__BODY_START:
        return phase->state == PHASE_INITIALIZED ? NULL : "start needs an initialized instance that was not started before";
    case PB__HOST_REQUEST__BODY_RUN_CASE:
    case PB__HOST_REQUEST__BODY_EXECUTE:
        return phase->state == PHASE_STARTED ? NULL : "the instance is not started";
    case PB__HOST_REQUEST__BODY_STOP:
    case PB__HOST_REQUEST__BODY_CLEANUP:
        return NULL;
    default:
        return "it is no command";
    }
}

static int say(struct phase *phase, int result, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int say(struct phase *phase, int result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(phase->text, sizeof(phase->text), format, arguments);
    va_end(arguments);
    return result;
}

// What a function of the plugin returned -> 0, or a failure with a text.
static int judge(struct phase *phase, const char *function, int returned)
{
    const struct panther_service *service = phase->host->service;
    if (returned == 0) {
        return 0;
    }
    if (service->failure[0] != '\0') {
        return say(phase, PANTHER_FAILED, "%s", service->failure);
    }
    switch (returned) {
    case PANTHER_TIMED_OUT:
        return say(phase, PANTHER_FAILED, "%s ran out of time", function);
    case PANTHER_CANCELLED:
        return say(phase, PANTHER_FAILED, "%s was cancelled", function);
    default:
        return say(phase, PANTHER_FAILED, "%s returned %d and gave no reason", function, returned);
    }
}

// ---- initialize

// Before the work folder is entered: a relative path is only right until then.
static const char *folder_of(const char *plugin_path, struct arena *arena)
{
    char path[PATH_MAX];
    if (realpath(plugin_path, path) == NULL) {
        return NULL;
    }
    *strrchr(path, '/') = '\0';
    return arena_string(arena, path[0] != '\0' ? path : "/");
}

static int load(struct phase *phase, const Pb__GuardSpec *spec)
{
    struct panther_error error = {0};
    const char *problem = NULL;
    const struct panther_plugin *plugin = loader_load(spec->plugin_path, phase->arena, &problem);
    if (plugin == NULL) {
        return say(phase, PANTHER_FAILED, "%s", problem);
    }
    const char *folder = folder_of(spec->plugin_path, phase->arena);
    const char *missing = loader_missing_program(plugin, phase->arena);
    if (missing != NULL) {
        return say(phase, PANTHER_FAILED, "program %s, which %s needs, is not installed on this host", missing, plugin->name);
    }
    if (folder_make(spec->work_path, 0755, &error) < 0) {
        return say(phase, PANTHER_FAILED, "%s", error.message);
    }
    if (chdir(spec->work_path) < 0) {
        return say(phase, PANTHER_FAILED, "cannot enter the work folder %s", spec->work_path);
    }
    struct panther_service *service = handle_new(plugin, spec, &host_backend, phase->host);
    service->plugin_folder = folder;
    if (handle_settings(service, &error) < 0) {
        handle_free(&service);
        return say(phase, PANTHER_FAILED, "%s", error.message);
    }
    pthread_mutex_lock(&phase->host->lock);
    phase->host->plugin = plugin;
    phase->host->service = service;
    pthread_mutex_unlock(&phase->host->lock);
    return 0;
}

static void index_cases(struct phase *phase)
{
    const struct panther_tester *tester = phase->host->plugin->tester;
    phase->cases = map_new();
    for (size_t i = 0; tester != NULL && tester->cases != NULL && i < CASES_MAX && tester->cases[i].name != NULL; i++) {
        map_put_text(phase->cases, tester->cases[i].name, (void *)(uintptr_t)&tester->cases[i]);
    }
}

int phase_initialize(struct phase *phase, const Pb__GuardSpec *spec)
{
    phase->spec = spec;
    phase->state = PHASE_BROKEN;
    open_files_note(&phase->before);
    int result = load(phase, spec);
    if (result < 0) {
        return result;
    }
    struct panther_service *service = phase->host->service;
    const struct panther_plugin *plugin = phase->host->plugin;
    index_cases(phase);
    handle_begin(service, false);
    if (plugin->initialize != NULL) {
        result = judge(phase, "initialize", plugin->initialize(service, service->settings));
    }
    if (result < 0) {
        return result;
    }
    // what a package manager says of the host's own program is not true of one that was sent
    if (spec->initialize->program != NULL) {
        snprintf(phase->version, sizeof(phase->version), "file %.*s", HASH_SHOWN_BYTES, spec->initialize->program->hash);
    } else {
        snprintf(phase->version, sizeof(phase->version), "%s", loader_version(plugin, phase->arena));
    }
    phase->state = PHASE_INITIALIZED;
    return 0;
}

// ---- start

int phase_start(struct phase *phase)
{
    struct panther_service *service = phase->host->service;
    const struct panther_plugin *plugin = phase->host->plugin;
    int result = 0;
    phase->state = PHASE_BROKEN;
    handle_begin(service, false);
    if (plugin->start != NULL) {
        result = judge(phase, "start", plugin->start(service));
    }
    if (result == 0) {
        result = probe_until_ready(phase->host, service, phase->text, sizeof(phase->text));
    }
    if (result == 0) {
        phase->state = PHASE_STARTED;
    }
    return result;
}

// ---- cases

static void unknown_case(struct panther_service *service, const char *name)
{
    const struct panther_case *cases = service->plugin->tester != NULL ? service->plugin->tester->cases : NULL;
    struct arena *arena = arena_new(0);
    const char **names = ARENA_ARRAY(arena, const char *, CASES_MAX);
    size_t count = 0;
    while (cases != NULL && count < CASES_MAX && cases[count].name != NULL) {
        names[count] = cases[count].name;
        count++;
    }
    const char *near = suggest(name, names, count);
    panther_result(service, PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "%s has no case \"%s\"%s%s%s", service->plugin->name, name,
                   near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
    arena_free(&arena);
}

static void run_known_case(struct phase *phase, const struct panther_case *test_case)
{
    struct panther_service *service = phase->host->service;
    const int returned = judge(phase, "run_test", service->plugin->tester->run_test(service, test_case));
    if (returned != 0 && (!service->result.is_set || service->result.verdict <= PANTHER_PASS)) {
        panther_result(service, PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "%s", phase->text);
    } else if (!service->result.is_set) {
        panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "the tester gave no result");
    }
}

void phase_case(struct phase *phase, const char *name, bool unlisted)
{
    struct panther_service *service = phase->host->service;
    const struct panther_plugin *plugin = phase->host->plugin;
    const struct panther_case unlisted_case = {.name = name, .summary = "a case that is not in the table"};
    const struct panther_case *test_case = unlisted ? &unlisted_case : map_get_text(phase->cases, name);
    if (test_case == NULL || plugin->tester == NULL || plugin->tester->run_test == NULL) {
        unknown_case(service, name);
    } else {
        run_known_case(phase, test_case);
    }
}

// ---- execute

// A tester without execute: its cases one after the other; the worst is the outcome.
static void execute_cases(struct phase *phase)
{
    struct panther_service *service = phase->host->service;
    struct handle_result *worst = NEW(struct handle_result);
    for (const struct panther_case *test_case = service->plugin->tester->cases; test_case->name != NULL; test_case++) {
        handle_begin(service, true);
        run_known_case(phase, test_case);
        for (size_t i = 0; i < service->metric_count; i++) {
            service->metrics[i].case_name = (char *)(uintptr_t)test_case->name;
            backend_metric(phase->host, &service->metrics[i]);
        }
        if (!worst->is_set || service->result.verdict > worst->verdict) {
            *worst = service->result;
            snprintf(worst->text, sizeof(worst->text), "%s: %.3000s", test_case->name, service->result.text);
        }
        if (panther_is_cancelled(service)) {
            break;
        }
    }
    service->result = *worst;
    free(worst);
}

int phase_execute(struct phase *phase)
{
    struct panther_service *service = phase->host->service;
    const struct panther_plugin *plugin = phase->host->plugin;
    handle_begin(service, false);
    if (plugin->execute == NULL) {
        if (plugin->kind == PANTHER_TESTER) {
            execute_cases(phase);
        }
        return 0;
    }
    const int result = judge(phase, "execute", plugin->execute(service));
    if (result == 0 && plugin->kind == PANTHER_TESTER && !service->result.is_set) {
        panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "the tester gave no result");
    }
    return result;
}

// ---- stop and cleanup

static int end_what_runs(struct phase *phase, int result)
{
    const size_t left = backend_end_all(phase->host);
    if (left > 0 && result == 0) {
        return say(phase, PANTHER_FAILED, "%zu processes still run", left);
    }
    return result;
}

// Twice is harmless, and so is one after a failed start: then there are no results, but the plugin's stop is called all the same.
int phase_stop(struct phase *phase)
{
    struct panther_service *service = phase->host->service;
    const struct panther_plugin *plugin = phase->host->plugin;
    int result = 0, results = 0;
    if (service == NULL || phase->state >= PHASE_STOPPED) {
        return 0;
    }
    handle_begin(service, true);
    if (phase->state == PHASE_STARTED && plugin->tester != NULL && plugin->tester->get_test_results != NULL) {
        results = judge(phase, "get_test_results", plugin->tester->get_test_results(service));
    }
    phase->state = PHASE_STOPPED;
    if (plugin->stop != NULL) {
        result = judge(phase, "stop", plugin->stop(service));
    }
    // what the plugin left gets the same time again, even when the plugin took too long
    host_give_time(phase->host, phase->spec->initialize->stop_ms);
    result = end_what_runs(phase, result);
    return result < 0 ? result : results;
}

// No failure: the process ends, and they with it.
static int tell_open_files(struct phase *phase)
{
    char text[1024];
    const size_t count = open_files_since(&phase->before, text, sizeof(text));
    return count == 0 ? 0 : say(phase, 0, "%zu descriptors are still open after cleanup: %s", count, text);
}

int phase_cleanup(struct phase *phase)
{
    struct panther_service *service = phase->host->service;
    const struct panther_plugin *plugin = phase->host->plugin;
    int result = 0;
    if (service == NULL || phase->state == PHASE_CLEANED) {
        return 0;
    }
    phase->state = PHASE_CLEANED;
    handle_begin(service, false);
    if (plugin->cleanup != NULL) {
        result = judge(phase, "cleanup", plugin->cleanup(service));
    }
    result = end_what_runs(phase, result);
    build_locks_release(service);
    return result < 0 ? result : tell_open_files(phase);
}
