// See client.h.
#include "tests/simulation/client.h"

#include <string.h>

#include "common/wire/wire.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/world.h"

#define ASK_AGAIN_NS (4 * NS_PER_S)
#define WAY_LEAST_US 200
#define WAY_MOST_US 3000
#define REQUESTS_MAX 64

struct request {
    struct world *world;
    uint64_t number, route;
    bool is_submit, is_done;
    Pb__Submit submit;
    Pb__Request message;
    const Pb__Experiment *experiment;
    char hash[HASH_TEXT_BYTES];
    uint64_t run; // as answered
};

struct client {
    struct request *requests[REQUESTS_MAX];
    size_t count;
    uint64_t routes, runs;
};

struct client *client_new(struct world *world)
{
    return ARENA_NEW(world->arena, struct client);
}

uint64_t client_runs(const struct world *world)
{
    return world->client->runs;
}

const char *client_waits_for(const struct world *world)
{
    const struct client *client = world->client;
    for (size_t i = 0; i < client->count; i++)
        if (!client->requests[i]->is_done)
            return client->requests[i]->is_submit ? "a submission that is not answered" : "a request that is not answered";
    return NULL;
}

// Each time on a connection of its own.
static void ask(void *context)
{
    struct request *request = context;
    struct world *world = request->world;
    if (request->is_done)
        return;
    request->route = CLIENT_ROUTES + ++world->client->routes;
    if (request->is_submit)
        coordinator_submit(world, request->route, request->number, &request->submit, request->experiment, request->hash);
    else
        coordinator_request(world, request->route, &request->message);
    agenda_add(&world->agenda, world->now_ns + ASK_AGAIN_NS, ask, request);
}

static struct request *request_new(struct world *world)
{
    struct client *client = world->client;
    if (client->count == REQUESTS_MAX)
        return NULL;
    struct request *request = client->requests[client->count++] = ARENA_NEW(world->arena, struct request);
    request->world = world;
    request->number = client->count;
    agenda_add(&world->agenda, world->now_ns + world_delay_ns(&world->dice.network, WAY_LEAST_US, WAY_MOST_US), ask, request);
    return request;
}

void client_submit(struct world *world, const struct experiment_wish *wish)
{
    struct request *request = request_new(world);
    if (!request)
        return;
    request->is_submit = true;
    request->experiment = experiment_wished(wish, world->arena);
    pb__submit__init(&request->submit);
    request->submit.file_name = arena_string(world->arena, "lab.yaml");
    request->submit.key = arena_printf(world->arena, "key-%llu", (unsigned long long)request->number);
    hash_message(request->experiment, request->hash);
    TRACE(world, "ann", "submits %u cells with %u cases", wish->cells, wish->cases);
}

void client_submit_again(struct world *world)
{
    const struct client *client = world->client;
    const struct request *before = NULL;
    for (size_t i = 0; i < client->count; i++)
        if (client->requests[i]->is_submit)
            before = client->requests[i];
    struct request *request = before ? request_new(world) : NULL;
    if (!request)
        return;
    world_saw(world, RARITY_SUBMIT_REPEATED);
    request->is_submit = true;
    request->experiment = before->experiment;
    request->submit = before->submit;
    memcpy(request->hash, before->hash, sizeof request->hash);
    TRACE(world, "ann", "submits again with %s", request->submit.key);
}

void client_cancel(struct world *world, uint64_t run)
{
    struct request *request = request_new(world);
    if (!request)
        return;
    world_saw(world, RARITY_CANCELLED);
    TRACE(world, "ann", "cancels r%llu", (unsigned long long)run);
    Pb__Cancel *cancel = ARENA_NEW(world->arena, Pb__Cancel);
    pb__cancel__init(cancel);
    cancel->run = arena_printf(world->arena, "r%llu", (unsigned long long)run);
    pb__request__init(&request->message);
    request->message.number = request->number;
    request->message.body_case = PB__REQUEST__BODY_CANCEL;
    request->message.cancel = cancel;
}

void client_release(struct world *world, uint64_t run)
{
    struct request *request = request_new(world);
    if (!request)
        return;
    world_saw(world, RARITY_RELEASED);
    TRACE(world, "ann", "releases what is held of r%llu", (unsigned long long)run);
    Pb__Release *release = ARENA_NEW(world->arena, Pb__Release);
    pb__release__init(release);
    release->name = arena_printf(world->arena, "r%llu", (unsigned long long)run);
    pb__request__init(&request->message);
    request->message.number = request->number;
    request->message.body_case = PB__REQUEST__BODY_RELEASE;
    request->message.release = release;
}

void client_drain(struct world *world, const char *agent, bool off)
{
    struct request *request = request_new(world);
    if (!request)
        return;
    TRACE(world, "ann", "%s %s", off ? "resumes" : "drains", agent);
    Pb__Drain *drain = ARENA_NEW(world->arena, Pb__Drain);
    pb__drain__init(drain);
    drain->agent = arena_string(world->arena, agent);
    drain->off = off;
    pb__request__init(&request->message);
    request->message.number = request->number;
    request->message.body_case = PB__REQUEST__BODY_DRAIN;
    request->message.drain = drain;
}

// ---- answers

// One key is one run, however often it is asked for.
static void check_same_run(struct world *world, const struct request *request)
{
    const struct client *client = world->client;
    for (size_t i = 0; i < client->count && !world->may_be_restored; i++) {
        const struct request *other = client->requests[i];
        if (other != request && other->is_submit && other->run && strcmp(other->submit.key, request->submit.key) == 0 &&
            other->run != request->run)
            world_fail(world, "P3 the same key is the same run", "%s is r%llu, and was r%llu", request->submit.key,
                       (unsigned long long)request->run, (unsigned long long)other->run);
    }
}

static void submitted(struct request *request, const Pb__Submitted *answer)
{
    struct world *world = request->world;
    request->is_done = true; // also when no host has room for it, ever
    if (!answer->accepted)
        return;
    request->run = answer->run;
    if (world->client->runs < answer->run)
        world->client->runs = answer->run;
    check_same_run(world, request);
}

static void refused(struct request *request, const Pb__Refused *refusal)
{
    if (refusal->code == PB__REFUSAL_CODE__REFUSAL_CODE_NO_SPACE)
        world_saw(request->world, RARITY_SUBMIT_REFUSED); // asked again
    else
        request->is_done = true;
}

void client_hears(struct world *world, uint64_t route, const Pb__Envelope *envelope)
{
    const struct client *client = world->client;
    for (size_t i = 0; i < client->count; i++) {
        struct request *request = client->requests[i];
        if (request->route != route || envelope->body_case != PB__ENVELOPE__BODY_REPLY)
            continue;
        if (envelope->reply->body_case == PB__REPLY__BODY_SUBMITTED)
            submitted(request, envelope->reply->submitted);
        else if (envelope->reply->body_case == PB__REPLY__BODY_REFUSED)
            refused(request, envelope->reply->refused);
        else
            request->is_done = true;
    }
}
