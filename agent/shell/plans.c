// See plans.h.
#include "agent/shell/plans.h"

#include <stdio.h>

#include "agent/shell/question.h"
#include "common/base/limits.h"
#include "common/base/memory.h"

// At once: a dry run asks one after the other, and few people make one.
#define PLANS_MAX 8
// Loading a plugin and printing some lines; less than the coordinator waits.
#define PLAN_MS 6000

struct plan {
    struct plans *plans;
    struct question *question; // NULL: free
    uint64_t session, number;
};

struct plans {
    struct loop *loop;
    struct reactor *reactor;
    struct children *children;
    const struct catalogue *catalogue;
    const char *host_program;
    struct plan plans[PLANS_MAX];
};

struct plans *plans_new(struct loop *loop, struct reactor *reactor, struct children *children, const struct catalogue *catalogue,
                        const char *host_program)
{
    struct plans *plans = NEW(struct plans);
    *plans = (struct plans){loop, reactor, children, catalogue, host_program, {{0}}};
    return plans;
}

void plans_free(struct plans **address)
{
    struct plans *plans = *address;
    for (size_t i = 0; plans && i < PLANS_MAX; i++)
        question_free(&plans->plans[i].question);
    free(plans);
    *address = NULL;
}

static void answer(struct plans *plans, uint64_t session, uint64_t number, const char *text, size_t bytes, const char *problem)
{
    struct arena *arena = reactor_arena(plans->reactor);
    Pb__PluginPlanned *planned = ARENA_NEW(arena, Pb__PluginPlanned);
    pb__plugin_planned__init(planned);
    planned->number = number;
    planned->text = arena_printf(arena, "%.*s", (int)bytes, text ? text : "");
    planned->problem = arena_printf(arena, "%.*s", QUESTION_COMPLAINT_MAX_BYTES, problem ? problem : "");
    struct agent_input input = {.kind = AGENT_INPUT_PLANNED};
    input.planned.session = session;
    input.planned.answer = planned;
    reactor_later(plans->reactor, &input);
}

static void on_answer(void *context, const void *data, size_t bytes, const char *why)
{
    struct plan *plan = context;
    bool is_short = bytes < PLAN_TEXT_MAX_BYTES;
    answer(plan->plans, plan->session, plan->number, data, is_short ? bytes : 0, is_short ? why : "its commands are too long to be told");
    question_free(&plan->question);
}

static struct plan *free_one(struct plans *plans)
{
    for (size_t i = 0; i < PLANS_MAX; i++)
        if (!plans->plans[i].question)
            return &plans->plans[i];
    return NULL;
}

static void ask(struct plans *plans, struct plan *plan, const char *path, const Pb__PlanPlugin *asked)
{
    struct panther_error error = {0};
    const char **argv = memory_new((asked->n_options + 4) * sizeof *argv);
    size_t count = 0;
    argv[count++] = plans->host_program;
    argv[count++] = "--plan";
    argv[count++] = path;
    for (size_t i = 0; i < asked->n_options; i++)
        argv[count++] = asked->options[i];
    if (question_ask(&plan->question, plans->loop, plans->children, argv, PLAN_MS, on_answer, plan, &error) < 0)
        answer(plans, plan->session, plan->number, NULL, 0, error.message);
    free(argv);
}

void plans_ask(struct plans *plans, uint64_t session, const Pb__PlanPlugin *asked)
{
    const char *path = catalogue_path(plans->catalogue, asked->plugin);
    struct plan *plan = path ? free_one(plans) : NULL;
    if (!plan) {
        answer(plans, session, asked->number, NULL, 0, path ? "too many are asked at once: ask again" : "this host has no such plugin");
        return;
    }
    *plan = (struct plan){.plans = plans, .session = session, .number = asked->number};
    ask(plans, plan, path, asked);
}
