// A client reads what a trial captures while it is written: each of its questions is passed to the agent, and the answer to it. Nothing of
// it is durable; whoever hears nothing asks again.
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

// An agent that lives answers within milliseconds, on a busy host within a second.
#define CAPTURE_ANSWER_MS 3000

static Pb__Captured *reply_to(struct core *core, uint64_t route, uint64_t request)
{
    Pb__Reply *reply = core_reply_urgent(core, route, request);
    reply->body_case = PB__REPLY__BODY_CAPTURED;
    return reply->captured = NEW_MESSAGE(core, Pb__Captured, pb__captured);
}

// There is nothing now: ask again.
static void say_nothing(struct core *core, uint64_t route, uint64_t request)
{
    reply_to(core, route, request);
}

// ---- which there are

static void name_sources(struct core *core, Pb__Captured *captured, const struct trial *trial)
{
    captured->sources = ARENA_ARRAY(core->effects->arena, Pb__CaptureSource *, trial->instance_count + 1);
    for (size_t i = 0; i < trial->instance_count; i++) {
        const struct instance *instance = trial->instances[i];
        if (*instance->agent) {
            Pb__CaptureSource *source = NEW_MESSAGE(core, Pb__CaptureSource, pb__capture_source);
            source->service = arena_string(core->effects->arena, instance->service);
            source->host = arena_string(core->effects->arena, instance->agent);
            source->is_network = instance_plan(instance)->is_network;
            captured->sources[captured->n_sources++] = source;
        }
    }
}

// ---- asking

static const struct instance *find_instance(const struct trial *trial, const char *service)
{
    for (size_t i = 0; i < trial->instance_count; i++) {
        if (strcmp(trial->instances[i]->service, service) == 0) {
            return trial->instances[i];
        }
    }
    return NULL;
}

static void ask(struct core *core, uint64_t request, const struct agent_live *agent, const struct instance *instance,
                const Pb__Capture *capture)
{
    uint64_t number = passed_add(core, request, agent, CAPTURE_ANSWER_MS, say_nothing);
    if (!number) {
        return;
    }
    // Prompt: it changes nothing, and is wanted also when the disk is full.
    Pb__Envelope *envelope = core_send_prompt(core, agent->route, agent->session);
    envelope->body_case = PB__ENVELOPE__BODY_READ_CAPTURE;
    Pb__ReadCapture *read = envelope->read_capture = NEW_MESSAGE(core, Pb__ReadCapture, pb__read_capture);
    read->number = number;
    read->instance = instance->id;
    read->generation = instance->generation;
    read->file = arena_string(core->effects->arena, capture->file);
    read->offset = capture->offset;
}

void captures_request(struct core *core, uint64_t request, const Pb__Capture *capture)
{
    const struct trial *trial = trials_find(core, capture->trial);
    if (!trial || !*capture->service) {
        Pb__Captured *captured = reply_to(core, core->event->route, request);
        captured->over = !trial;
        if (trial) {
            name_sources(core, captured, trial);
        }
        return;
    }
    const struct instance *instance = find_instance(trial, capture->service);
    const struct agent_live *agent = instance ? sessions_agent(core, instance->agent) : NULL;
    bool is_over = !instance || instance->state == INSTANCE_ENDED;
    if (is_over || !agent || !agent_live_is_connected(agent)) {
        reply_to(core, core->event->route, request)->over = is_over;
        return;
    }
    ask(core, request, agent, instance, capture);
}

void captures_answered(struct core *core, const struct agent_live *agent, const Pb__CaptureRead *read)
{
    struct passed_question question;
    if (passed_take(core, agent, read->number, &question)) {
        reply_to(core, question.route, question.request)->piece = MESSAGE_COPY(read, core->effects->arena);
    }
}
