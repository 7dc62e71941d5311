// start and stop of an IUT: pre_run, the processes that run on, readiness; their end, post_run.
#include <stdio.h>

#include "services/sdk/declared/driver.h"
#include "services/sdk/declared/invocation.h"
#include "services/sdk/handle.h"

static int refuse(struct scope *scope, const char *what)
{
    return panther_fail(scope->service, "%s: %s", what, scope->problem);
}

// ---- readiness

static void declare(const struct ready_rule *rule, struct scope *scope, const char *text)
{
    const int port = rule->kind <= READY_HTTP ? scope->ports[rule->port] : 0;
    switch (rule->kind) {
    case READY_TCP:
        panther_ready_tcp(scope->service, port);
        break;
    case READY_UDP:
        panther_ready_udp(scope->service, port);
        break;
    case READY_HTTP:
        panther_ready_http(scope->service, port, text, (int)rule->status);
        break;
    case READY_LINE:
        panther_ready_line(scope->service, rule->stream, PANTHER_SUBSTRING, text);
        break;
    case READY_MATCH:
        panther_ready_line(scope->service, rule->stream, PANTHER_REGEX, text);
        break;
    case READY_FILE:
        panther_ready_file(scope->service, text);
        break;
    }
}

// Before anything is spawned: lines must not be missed.
static int declare_readiness(struct scope *scope)
{
    for (size_t i = 0; i < scope->document->ready_count; i++) {
        const struct ready_rule *rule = &scope->document->ready[i];
        if (!condition_holds(rule->when, scope)) {
            continue;
        }
        const char *text = rule->text != NULL ? template_text(rule->text, scope) : "/";
        if (text == NULL) {
            return refuse(scope, "ready");
        }
        if (rule->kind <= READY_HTTP && scope->ports[rule->port] <= 0) {
            return panther_fail(scope->service, "ready: the condition of port %s does not hold; give this readiness the same one",
                                scope->document->ports[rule->port].name);
        }
        declare(rule, scope, text);
    }
    return 0;
}

// ---- start

static const struct stop_rule *stop_of(const struct command *command)
{
    return command->has_stop ? &command->stop : &driver.document->stop;
}

static int spawn_all(struct scope *scope)
{
    const struct commands *run = &scope->document->phases[PHASE_RUN];
    driver.processes = ARENA_ARRAY(scope->service->arena, int, run->count + 1);
    for (size_t i = 0; i < run->count; i++) {
        const struct command *command = &run->items[i];
        if (command->finishes || !condition_holds(command->when, scope)) {
            continue;
        }
        driver.processes[i] = invocation_spawn(command, stop_of(command), scope, false);
        if (driver.processes[i] < 0) {
            return driver.processes[i];
        }
    }
    return 0;
}

int driver_start(struct panther_service *service)
{
    struct scope scope = driver_scope(service, NULL);
    int result = invocation_run_all(&scope.document->phases[PHASE_PRE_RUN], &scope, "pre_run");
    result = result == 0 ? log_watch_begin(service) : result;
    result = result == 0 ? declare_readiness(&scope) : result;
    return result == 0 ? spawn_all(&scope) : result;
}

// ---- stop

// What declares no grace is ended by the host, with its own.
static void end_processes(struct panther_service *service)
{
    const struct commands *run = &driver.document->phases[PHASE_RUN];
    const bool has_post_run = driver.document->phases[PHASE_POST_RUN].count > 0;
    for (size_t i = run->count; driver.processes != NULL && i-- > 0;) {
        const uint64_t grace_ms = stop_of(&run->items[i])->grace_ms;
        if (driver.processes[i] > 0 && (grace_ms > 0 || has_post_run)) {
            panther_end(service, driver.processes[i], grace_ms);
        }
    }
}

int driver_stop(struct panther_service *service)
{
    struct scope scope = driver_scope(service, NULL);
    end_processes(service);
    log_watch_judge(service);
    // after a failed start there is nothing that post_run could look at
    return driver.processes != NULL ? invocation_run_all(&scope.document->phases[PHASE_POST_RUN], &scope, "post_run") : 0;
}
