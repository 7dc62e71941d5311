// Questions of clients that are passed to an agent and answered by it, once: what is captured, what a plugin would run. Nothing of them is
// durable; who hears nothing for some seconds is told so and asks again. captures.c and plans.c call it.
#include <string.h>

#include "coordinator/core/state.h"

#define NS_PER_MS UINT64_C(1000000)

// On their way; a client has one. Their answers together are as much as may wait in the links for them.
#define PASSED_MAX 64
static_assert(PASSED_MAX * CAPTURE_PIECE_MAX_BYTES <= 16 * 1024 * 1024, "answers are bounded");
static_assert(PLAN_TEXT_MAX_BYTES <= CAPTURE_PIECE_MAX_BYTES, "the largest answer is a piece of a capture");

struct passed {
    uint64_t last;
    struct passed_question questions[PASSED_MAX];
};

struct passed *passed_new(void)
{
    return NEW(struct passed);
}

void passed_free(struct passed **passed)
{
    free(*passed);
    *passed = NULL;
}

static struct passed_question *find(struct core *core, uint64_t number)
{
    for (size_t i = 0; i < PASSED_MAX; i++) {
        if (core->passed->questions[i].number == number) {
            return &core->passed->questions[i];
        }
    }
    return NULL;
}

uint64_t passed_add(struct core *core, uint64_t request, const struct agent_live *agent, uint32_t patience_ms, passed_silent_fn *silent)
{
    struct passed_question *question = find(core, 0);
    if (!question) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY, patience_ms,
                    "%d questions to agents are on their way already", PASSED_MAX);
        return 0;
    }
    *question = (struct passed_question){.number = ++core->passed->last,
                                         .route = core->event->route,
                                         .request = request,
                                         .until_ns = core->event->now_ns + patience_ms * NS_PER_MS,
                                         .silent = silent};
    memcpy(question->agent, agent->name, strlen(agent->name) + 1);
    return question->number;
}

bool passed_take(struct core *core, const struct agent_live *agent, uint64_t number, struct passed_question *taken)
{
    struct passed_question *question = number ? find(core, number) : NULL;
    if (!question || strcmp(question->agent, agent->name) != 0) {
        core_count(core, "stale_answers");
        return false;
    }
    *taken = *question;
    *question = (struct passed_question){0};
    return true;
}

void passed_tick(struct core *core)
{
    for (size_t i = 0; i < PASSED_MAX; i++) {
        struct passed_question question = core->passed->questions[i];
        if (question.number && core->event->now_ns >= question.until_ns) {
            core->passed->questions[i] = (struct passed_question){0};
            question.silent(core, question.route, question.request);
        }
    }
}
