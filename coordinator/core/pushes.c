// A plugin's folder goes to agents (`panther-coord plugins push`), or is taken back. Nothing of it is durable: the agents keep what they
// have, and the client asks again, with the same token, until all have answered; who came back meanwhile is asked anew. So a push survives
// any end of the coordinator or of an agent in its middle.
#include <stdio.h>
#include <string.h>

#include "coordinator/core/state.h"

// Pushes that are remembered; the oldest is forgotten, and its client begins again.
#define PUSHES_MAX 16
// Of one host's reason: with the largest lab the reply still is below a control frame.
#define PUSH_TEXT_BYTES 256
#define PUSH_HOSTS_MAX 10000
// A coordinator that has just started does not call an agent away that was here before: it has not had the time to come back.
#define PUSH_RETURN_MS 30000
static_assert(PUSH_HOSTS_MAX * (PUSH_TEXT_BYTES + NAME_MAX_BYTES + 16) < CONTROL_FRAME_MAX_BYTES, "all hosts fit into a reply");

struct push_row {
    char *agent;
    uint64_t session; // that was asked; 0: none yet
    bool answered;
    Pb__PlacedState placed;
    char text[PUSH_TEXT_BYTES];
};

struct push {
    uint64_t number;
    char token[ID128_TEXT_BYTES];
    char *name, *hash;
    struct push_row *rows;
    size_t count, capacity;
    uint32_t unknown_labels;
};

struct pushes {
    struct push items[PUSHES_MAX];
    uint64_t last; // number
};

struct pushes *pushes_new(void)
{
    return NEW(struct pushes);
}

static void forget(struct push *push)
{
    for (size_t i = 0; i < push->count; i++) {
        free(push->rows[i].agent);
    }
    free(push->rows);
    free(push->name);
    free(push->hash);
    *push = (struct push){0};
}

void pushes_free(struct pushes **pointer)
{
    for (size_t i = 0; i < PUSHES_MAX; i++) {
        forget(&(*pointer)->items[i]);
    }
    free(*pointer);
    *pointer = NULL;
}

// ---- which agents

static bool has_label(const struct agent_live *agent, const Pb__Label *label)
{
    for (size_t i = 0; i < agent->hello->n_labels; i++) {
        if (strcmp(agent->hello->labels[i]->name, label->name) == 0 && strcmp(agent->hello->labels[i]->value, label->value) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_labels(const struct agent_live *agent, const Pb__PushPlugin *asked)
{
    for (size_t i = 0; i < asked->n_labels; i++) {
        if (!has_label(agent, asked->labels[i])) {
            return false;
        }
    }
    return true;
}

static struct push_row *add_row(struct push *push, const char *agent)
{
    if (push->count == PUSH_HOSTS_MAX) {
        return NULL;
    }
    struct push_row *row = &APPEND(push->rows, push->count, push->capacity);
    *row = (struct push_row){.agent = memory_string(agent)};
    return row;
}

static void select_agent(struct core *core, struct push *push, const Pb__PushPlugin *asked, const char *name)
{
    const struct agent_live *agent = sessions_agent(core, name);
    if (agent ? has_labels(agent, asked) : asked->n_labels == 0) {
        add_row(push, name);
    } else if (!agent) {
        push->unknown_labels++;
    }
}

static bool is_agent(const struct core *core, const char *name)
{
    const struct key_entry *key = map_get_text(core->durable->keys, name);
    return key && key->role == PB__ROLE__ROLE_AGENT && !key->revoked;
}

static void select_named(struct core *core, struct push *push, const Pb__PushPlugin *asked, const char *name)
{
    if (is_agent(core, name)) {
        select_agent(core, push, asked, name);
        return;
    }
    struct push_row *row = add_row(push, name);
    if (row) {
        row->answered = true;
        row->placed = PB__PLACED_STATE__PLACED_STATE_REFUSED;
        snprintf(row->text, sizeof row->text, "there is no agent of this name");
    }
}

// Each once, however often it is named: an agent answers a push once.
static void select_all_named(struct core *core, struct push *push, const Pb__PushPlugin *asked)
{
    struct map *seen = map_new();
    for (size_t i = 0; i < asked->n_agents; i++) {
        if (!map_put_text(seen, asked->agents[i], push)) {
            select_named(core, push, asked, asked->agents[i]);
        }
    }
    map_free(&seen);
}

static void select_agents(struct core *core, struct push *push, const Pb__PushPlugin *asked)
{
    select_all_named(core, push, asked);
    for (struct map_entry *entry = map_first(core->durable->keys); entry && !asked->n_agents;
         entry = map_next(core->durable->keys, entry)) {
        const struct key_entry *key = entry->value;
        if (is_agent(core, key->name)) {
            select_agent(core, push, asked, key->name);
        }
    }
}

// ---- asking and answering

static void ask(struct core *core, const struct push *push, struct push_row *row, const struct agent_live *agent)
{
    struct arena *arena = core->effects->arena;
    row->session = agent->session;
    // Prompt: nothing of it is kept here.
    Pb__Envelope *envelope = core_send_prompt(core, agent->route, agent->session);
    envelope->body_case = PB__ENVELOPE__BODY_PLACE_PLUGIN;
    Pb__PlacePlugin *place = envelope->place_plugin = NEW_MESSAGE(core, Pb__PlacePlugin, pb__place_plugin);
    place->push = push->number;
    place->name = arena_string(arena, push->name);
    place->hash = arena_string(arena, push->hash);
}

static bool may_be_coming_back(const struct core *core, const char *agent)
{
    return !sessions_agent(core, agent) && map_get_text(core->durable->agents, agent) &&
           core->event->now_ns - core->start_ns < PUSH_RETURN_MS * UINT64_C(1000000);
}

static Pb__PushState row_state(struct core *core, const struct push *push, struct push_row *row)
{
    const struct agent_live *agent = sessions_agent(core, row->agent);
    if (row->answered) {
        return PB__PUSH_STATE__PUSH_STATE_ANSWERED;
    }
    if (!agent_live_is_connected(agent)) {
        return may_be_coming_back(core, row->agent) ? PB__PUSH_STATE__PUSH_STATE_PLACING : PB__PUSH_STATE__PUSH_STATE_AWAY;
    }
    if (row->session != agent->session) {
        ask(core, push, row, agent);
    }
    return PB__PUSH_STATE__PUSH_STATE_PLACING;
}

static void reply(struct core *core, uint64_t request, struct push *push)
{
    struct arena *arena = core->effects->arena;
    Pb__Reply *reply = core_reply_urgent(core, core->event->route, request);
    reply->body_case = PB__REPLY__BODY_PLUGIN_PUSH;
    Pb__PluginPush *answer = reply->plugin_push = NEW_MESSAGE(core, Pb__PluginPush, pb__plugin_push);
    answer->unknown_labels = push->unknown_labels;
    answer->hosts = ARENA_ARRAY(arena, Pb__PushedHost *, push->count + 1);
    for (size_t i = 0; i < push->count; i++) {
        struct push_row *row = &push->rows[i];
        Pb__PushedHost *host = answer->hosts[answer->n_hosts++] = NEW_MESSAGE(core, Pb__PushedHost, pb__pushed_host);
        host->agent = arena_string(arena, row->agent);
        host->state = row_state(core, push, row);
        host->placed = row->placed;
        host->text = arena_string(arena, host->state == PB__PUSH_STATE__PUSH_STATE_AWAY ? agent_live_state(sessions_agent(core, row->agent))
                                                                                        : row->text);
    }
}

static struct push *find(struct pushes *pushes, const char *token)
{
    for (size_t i = 0; i < PUSHES_MAX; i++) {
        if (strcmp(pushes->items[i].token, token) == 0) {
            return &pushes->items[i];
        }
    }
    return NULL;
}

static struct push *begin(struct core *core, const Pb__PushPlugin *asked)
{
    struct pushes *pushes = core->pushes;
    struct push *push = &pushes->items[++pushes->last % PUSHES_MAX];
    forget(push);
    push->number = pushes->last;
    snprintf(push->token, sizeof push->token, "%s", asked->token);
    push->name = memory_string(asked->name);
    push->hash = memory_string(asked->hash);
    select_agents(core, push, asked);
    return push;
}

void pushes_request(struct core *core, uint64_t request, const Pb__PushPlugin *asked)
{
    struct push *push = find(core->pushes, asked->token);
    if (push && (strcmp(push->name, asked->name) != 0 || strcmp(push->hash, asked->hash) != 0)) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_CONFLICT, 0,
                    "this token was used for another plugin: each push has its own");
        return;
    }
    reply(core, request, push ? push : begin(core, asked));
}

void pushes_placed(struct core *core, const struct agent_live *agent, const Pb__PluginPlaced *placed)
{
    struct push *push = &core->pushes->items[placed->push % PUSHES_MAX];
    for (size_t i = 0; push->number == placed->push && i < push->count; i++) {
        struct push_row *row = &push->rows[i];
        if (row->session == agent->session && strcmp(row->agent, agent->name) == 0) {
            row->answered = true;
            row->placed = placed->state;
            snprintf(row->text, sizeof row->text, "%s", placed->text);
            return;
        }
    }
    core_count(core, "stale_placements");
}
