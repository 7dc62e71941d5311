// What runs to its end and is judged: a case of a tester, the execution of an IUT whose command finishes.
#include <stdio.h>
#include <string.h>

#include "services/sdk/declared/driver.h"
#include "services/sdk/declared/invocation.h"
#include "services/sdk/handle.h"

// Of the time that a case has, what is left for ending its processes, reading their output and telling the result.
#define JUDGING_MS 500

struct running {
    const struct commands *commands;
    int *processes; // [commands->count]; 0: its condition does not hold
    bool tools_end; // every process ends by itself unless it says finishes: false; else only who says finishes: true
};

static bool is_tool(const struct running *running, size_t index)
{
    const struct command *command = &running->commands->items[index];
    return command->finishes || (running->tools_end && !command->finishes_is_set);
}

static const struct stop_rule *stop_of(const struct command *command)
{
    return command->has_stop ? &command->stop : &driver.document->stop;
}

// An IUT's own processes that run on were started in start.
static bool is_wanted(const struct running *running, size_t index, struct scope *scope)
{
    return (running->tools_end || is_tool(running, index)) && condition_holds(running->commands->items[index].when, scope);
}

static int spawn_all(struct running *running, struct scope *scope)
{
    running->processes = ARENA_ARRAY(scope->arena, int, running->commands->count + 1);
    for (size_t i = 0; i < running->commands->count; i++) {
        const struct command *command = &running->commands->items[i];
        if (!is_wanted(running, i, scope)) {
            continue;
        }
        running->processes[i] = invocation_spawn(command, stop_of(command), scope, true);
        if (running->processes[i] < 0) {
            return running->processes[i];
        }
    }
    return 0;
}

static void end_all(const struct running *running, struct panther_service *service)
{
    for (size_t i = running->commands->count; i-- > 0;) {
        if (running->processes[i] > 0) {
            panther_end(service, running->processes[i], stop_of(&running->commands->items[i])->grace_ms);
        }
    }
}

static uint64_t time_for(const struct command *command, struct panther_service *service)
{
    const uint64_t remaining = panther_remaining_ms(service);
    const uint64_t most = remaining > 2 * JUDGING_MS ? remaining - JUDGING_MS : remaining / 2 + 1;
    return command->timeout_ms > 0 && command->timeout_ms < most ? command->timeout_ms : most;
}

// The tool is the last one that ends by itself; those before it that do so are waited for as well.
static void wait_for_tools(const struct running *running, struct scope *scope, struct evidence *evidence)
{
    struct panther_service *service = scope->service;
    for (size_t i = 0; i < running->commands->count; i++) {
        if (running->processes[i] <= 0 || !is_tool(running, i)) {
            continue;
        }
        evidence->process = running->processes[i];
        const int result = panther_wait(service, evidence->process, time_for(&running->commands->items[i], service), &evidence->exit);
        evidence->has_ended = result == PANTHER_OK;
        evidence->is_timed_out = result == PANTHER_TIMED_OUT;
        evidence->is_cancelled = result == PANTHER_CANCELLED;
        if (result != PANTHER_OK) {
            return;
        }
    }
}

static void take_output(struct evidence *evidence, struct panther_service *service)
{
    evidence->standard_output = evidence->standard_error = "";
    if (evidence->process > 0) {
        const char *out = panther_output(service, evidence->process, PANTHER_STDOUT, &evidence->standard_output_bytes);
        const char *err = panther_output(service, evidence->process, PANTHER_STDERR, &evidence->standard_error_bytes);
        evidence->standard_output = evidence_printable(out, evidence->standard_output_bytes);
        evidence->standard_error = evidence_printable(err, evidence->standard_error_bytes);
    }
}

// Runs them, and takes what they leave. Below 0: they could not be run.
static int gather(struct running *running, struct scope *scope, struct evidence *evidence)
{
    const int result = spawn_all(running, scope);
    if (result == 0) {
        wait_for_tools(running, scope, evidence);
    }
    end_all(running, scope->service);
    take_output(evidence, scope->service);
    return result;
}

// ---- an IUT

// No rule, no verdict: then an end that was not declared clean is a failure of the execution.
static int judge_by_status(const struct running *running, struct evidence *evidence)
{
    struct scope *scope = evidence->scope;
    const struct command *command = NULL;
    for (size_t i = 0; i < running->commands->count; i++) {
        command = running->processes[i] == evidence->process ? &running->commands->items[i] : command;
    }
    if (evidence->process == 0 || command == NULL) {
        return 0;
    }
    if (evidence->is_cancelled) {
        return PANTHER_CANCELLED;
    }
    if (evidence->is_timed_out) {
        return panther_fail(scope->service, "the command was not done in time");
    }
    return invocation_is_clean(command, &evidence->exit)
               ? 0
               : panther_fail(scope->service, "the command %s: %s", invocation_end_text(scope->arena, &evidence->exit),
                              invocation_tail(scope, evidence->process));
}

int driver_execute(struct panther_service *service)
{
    struct scope scope = driver_scope(service, NULL);
    struct evidence evidence = {.scope = &scope};
    struct running running = {.commands = &driver.document->phases[PHASE_RUN]};
    const int result = gather(&running, &scope, &evidence);
    // in another role it has such a command; in this one there is nothing to execute, and nothing to judge
    if (result < 0 || evidence.process == 0 || log_judge_output(&evidence)) {
        return result;
    }
    return driver.document->verdict != NULL ? evidence_judge(&evidence, NULL) : judge_by_status(&running, &evidence);
}

// ---- a tester

static const struct case_rule *find_case(const char *name)
{
    const struct document *document = driver.document;
    for (size_t i = 0; i < document->case_count; i++) {
        if (strcmp(document->cases[i].name, name) == 0) {
            return &document->cases[i];
        }
    }
    return NULL;
}

static int run_and_judge(const struct case_rule *rule, struct scope *scope)
{
    struct evidence evidence = {.scope = scope};
    struct running running = {.commands = rule->run.count > 0 ? &rule->run : &driver.document->phases[PHASE_RUN], .tools_end = true};
    const int result = gather(&running, scope, &evidence);
    driver_tell_outputs(scope);
    if (result < 0) {
        return result;
    }
    return log_judge_output(&evidence) ? 0 : evidence_judge(&evidence, rule->verdict);
}

int driver_run_test(struct panther_service *service, const struct panther_case *test_case)
{
    const struct document *document = driver.document;
    const struct case_rule *rule = find_case(test_case->name);
    struct scope scope = driver_scope(service, test_case->name);
    if (rule == NULL) {
        return panther_fail(service, "there is no case \"%s\"", test_case->name);
    }
    evidence_forget(&scope, rule->verdict);
    int result = invocation_run_all(&document->phases[PHASE_PRE_RUN], &scope, "pre_run");
    if (result == 0) {
        result = run_and_judge(rule, &scope);
    }
    const int after = invocation_run_all(&document->phases[PHASE_POST_RUN], &scope, "post_run");
    return result != 0 ? result : after;
}
