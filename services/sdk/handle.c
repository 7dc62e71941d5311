#include "services/sdk/handle.h"

#include <stdio.h>
#include <string.h>

#include "services/sdk/certificate.h"
#include "services/sdk/option_table.h"
#include "services/sdk/peer.h"

struct panther_service *handle_new(const struct panther_plugin *plugin, const Pb__GuardSpec *spec, const struct service_backend *backend,
                                   void *context)
{
    struct panther_service *service = NEW(struct panther_service);
    service->backend = backend;
    service->context = context;
    service->spec = spec;
    service->plugin = plugin;
    service->arena = arena_new(0);
    service->case_arena = arena_new(0);
    service->peers = peer_list(spec->initialize, service->arena, &service->peer_count);
    for (size_t i = 0; i < METRICS_PER_CASE_MAX; i++) {
        service->metric_list[i] = &service->metrics[i];
    }
    for (size_t i = 0; i < FINDINGS_PER_CASE_MAX; i++) {
        service->finding_list[i] = &service->findings[i];
    }
    return service;
}

void handle_free(struct panther_service **service)
{
    if (*service == NULL) {
        return;
    }
    build_locks_release(*service);
    authority_free(&(*service)->authority);
    arena_free(&(*service)->arena);
    arena_free(&(*service)->case_arena);
    free(*service);
    *service = NULL;
}

int handle_settings(struct panther_service *service, struct panther_error *error)
{
    const Pb__Initialize *initialize = service->spec->initialize;
    return option_table_settings(service->plugin, (const Pb__Setting *const *)initialize->settings, initialize->n_settings, service->arena,
                                 &service->settings, &service->checked, &service->checked_count, error);
}

void handle_begin(struct panther_service *service, bool is_case)
{
    service->in_case = is_case;
    service->metric_count = 0;
    service->finding_count = 0;
    service->result.is_set = false;
    service->result.after_cancel = false;
    service->result.text[0] = '\0';
    service->failure[0] = '\0';
    service->run_case = NULL;
    if (is_case) {
        arena_reset(service->case_arena);
    }
}

struct arena *handle_arena(struct panther_service *service)
{
    return service->in_case ? service->case_arena : service->arena;
}

char *handle_format(struct arena *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    INVARIANT(length >= 0);
    char *text = arena_allocate(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

// ---- who and where

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

const char *panther_service_name(const struct panther_service *service)
{
    return text_or_empty(service->spec->initialize->service);
}

const char *panther_trial_name(const struct panther_service *service)
{
    return text_or_empty(service->spec->initialize->trial_name);
}

const char *panther_role(const struct panther_service *service)
{
    return text_or_empty(service->spec->initialize->role);
}

const char *panther_protocol_name(const struct panther_service *service)
{
    return text_or_empty(service->spec->initialize->protocol_name);
}

const char *panther_protocol_version(const struct panther_service *service)
{
    return text_or_empty(service->spec->initialize->protocol_version);
}

const char *panther_own_address(const struct panther_service *service)
{
    return text_or_empty(service->spec->address);
}

uint64_t panther_seed(const struct panther_service *service)
{
    return service->spec->initialize->seed;
}

const void *panther_settings(const struct panther_service *service)
{
    return service->settings;
}

const char *panther_setting(const struct panther_service *service, const char *name)
{
    for (size_t i = 0; i < service->checked_count; i++) {
        const Pb__Setting *setting = service->checked[i];
        if (strcmp(setting->name, name) == 0) {
            return setting->n_values > 0 ? setting->values[0] : "";
        }
    }
    return option_table_has(service->plugin->options, name) ? "" : NULL;
}
