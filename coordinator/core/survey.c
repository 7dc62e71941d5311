// "What lives in the lab, and should it?": one question to every agent at a time, its answers judged as they come, and a reply to all who
// asked when the last agent has answered or has been waited for long enough. Nothing of it is durable.
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

#define NS_PER_MS UINT64_C(1000000)
// An agent that lives answers within milliseconds, on a busy host within a second.
#define SURVEY_MS 3000
// The next question to the agents at the earliest: looking at every process of a host is not free, and asking is everybody's right.
#define SURVEY_PACE_MS 500
// Clients that wait for an answer; more are told to come back.
#define SURVEY_ASKERS_MAX 64
// Rows of one reply: bounded by its frame. Those that are no orphans leave a quarter to those that are.
#define SURVEY_ROWS_MAX_BYTES (3 * 1024 * 1024)
#define SURVEY_WANTED_MAX_BYTES (SURVEY_ROWS_MAX_BYTES / 4 * 3)
static_assert(SURVEY_ROWS_MAX_BYTES < CONTROL_FRAME_MAX_BYTES, "rows fit into a reply, with the names of silent agents");
// Of one row beside its texts: numbers and tags.
#define ROW_BYTES 64

struct survey_asker {
    uint64_t route, request;
    bool orphans;
};

struct survey {
    uint64_t number;   // 0: none has been asked yet
    uint64_t asked_ns; // of the last question
    bool running;
    struct map *silent;                                                        // name of an agent that has not answered -> present
    struct survey_asker askers[SURVEY_ASKERS_MAX], waiting[SURVEY_ASKERS_MAX]; // of the running one, of the next
    size_t asker_count, waiting_count;
    Pb__ProcessRow **rows; // heap
    size_t row_count, row_capacity, row_bytes;
    uint64_t left_out;
};

struct survey *survey_new(void)
{
    struct survey *survey = NEW(struct survey);
    survey->silent = map_new();
    return survey;
}

static void forget_rows(struct survey *survey)
{
    for (size_t i = 0; i < survey->row_count; i++) {
        message_free(survey->rows[i]);
    }
    survey->row_count = survey->row_bytes = 0;
    survey->left_out = 0;
}

void survey_free(struct survey **pointer)
{
    struct survey *survey = *pointer;
    *pointer = NULL;
    forget_rows(survey);
    free(survey->rows);
    map_free(&survey->silent);
    free(survey);
}

// ---- what is wanted

// What an instance that is being cleared away still has is no orphan: its lease bounds it, and the agent watches that.
static const char *orphan(const struct instance *instance, const Pb__HostProcess *process)
{
    if (*process->stray) {
        return process->stray;
    }
    bool is_wanted = instance && instance->state != INSTANCE_ENDED;
    return is_wanted || process->ending ? "" : "no trial wants it";
}

static struct instance *instance_of(const struct core *core, const char *agent, const Pb__HostProcess *process)
{
    struct instance *instance = process->instance ? map_get_number(core->durable->instances, process->instance) : NULL;
    return instance && instance->generation == process->generation && strcmp(instance->agent, agent) == 0 ? instance : NULL;
}

static void add_row(struct core *core, const char *agent, const Pb__HostProcess *process)
{
    struct survey *survey = core->survey;
    struct arena *arena = core->effects->arena;
    const struct instance *instance = instance_of(core, agent, process);
    Pb__ProcessRow *row = NEW_MESSAGE(core, Pb__ProcessRow, pb__process_row);
    row->host = arena_string(arena, agent);
    row->trial = arena_string(arena, instance ? instance->trial->name : "");
    row->service = arena_string(arena, instance ? instance->service : "");
    row->instance = process->instance;
    row->generation = process->generation;
    row->pid = process->pid;
    row->name = process->name;
    row->started_wall_ns = core->event->wall_ns - (int64_t)(process->age_ms * NS_PER_MS);
    row->state = instance && holds_is_held(instance->trial) ? arena_printf(arena, "%s, held", process->state) : process->state;
    row->orphan = arena_string(arena, orphan(instance, process));
    size_t bytes = ROW_BYTES + strlen(row->host) + strlen(row->trial) + strlen(row->service) + strlen(row->name) + strlen(row->state) +
                   strlen(row->orphan);
    if (survey->row_bytes + bytes > (*row->orphan ? SURVEY_ROWS_MAX_BYTES : SURVEY_WANTED_MAX_BYTES)) {
        survey->left_out++;
        return;
    }
    survey->row_bytes += bytes;
    APPEND(survey->rows, survey->row_count, survey->row_capacity) = MESSAGE_COPY(row, NULL);
}

// ---- asking

static void ask(struct core *core)
{
    struct survey *survey = core->survey;
    survey->running = true;
    survey->number++;
    survey->asked_ns = core->event->now_ns;
    memcpy(survey->askers, survey->waiting, survey->waiting_count * sizeof *survey->waiting);
    survey->asker_count = survey->waiting_count;
    survey->waiting_count = 0;
    for (struct map_entry *entry = map_first(core->agents); entry; entry = map_next(core->agents, entry)) {
        const struct agent_live *agent = entry->value;
        if (!agent_live_is_connected(agent)) {
            continue;
        }
        map_put_text(survey->silent, agent->name, survey);
        // Prompt: it changes nothing, and is wanted most when the disk is full.
        Pb__Envelope *envelope = core_send_prompt(core, agent->route, agent->session);
        envelope->body_case = PB__ENVELOPE__BODY_SURVEY;
        envelope->survey = NEW_MESSAGE(core, Pb__Survey, pb__survey);
        envelope->survey->number = survey->number;
    }
}

static bool may_ask(const struct core *core)
{
    const struct survey *survey = core->survey;
    return !survey->running && survey->waiting_count &&
           (!survey->number || core->event->now_ns - survey->asked_ns >= SURVEY_PACE_MS * NS_PER_MS);
}

// ---- answering

static void add_silent(struct core *core, Pb__Processes *reply, const char *name, const char *why)
{
    Pb__SilentAgent *silent = NEW_MESSAGE(core, Pb__SilentAgent, pb__silent_agent);
    silent->name = arena_string(core->effects->arena, name);
    silent->why = arena_string(core->effects->arena, why);
    reply->silent[reply->n_silent++] = silent;
}

static bool is_revoked(const struct core *core, const char *name)
{
    const struct key_entry *key = map_get_text(core->durable->keys, name);
    return key && key->revoked;
}

// Who did not answer, or was not asked: what lives there is not known.
static void name_silent(struct core *core, Pb__Processes *reply)
{
    reply->silent = ARENA_ARRAY(core->effects->arena, Pb__SilentAgent *, map_count(core->agents) + map_count(core->durable->keys) + 1);
    for (struct map_entry *entry = map_first(core->agents); entry; entry = map_next(core->agents, entry)) {
        const struct agent_live *agent = entry->value;
        if (!agent_live_is_connected(agent) && !is_revoked(core, agent->name)) {
            add_silent(core, reply, agent->name, agent_live_state(agent));
        } else if (map_get_text(core->survey->silent, agent->name)) {
            add_silent(core, reply, agent->name, "no answer");
        }
    }
    for (struct map_entry *entry = map_first(core->durable->keys); entry; entry = map_next(core->durable->keys, entry)) {
        const struct key_entry *key = entry->value;
        if (key->role == PB__ROLE__ROLE_AGENT && !key->revoked && !sessions_agent(core, key->name)) {
            add_silent(core, reply, key->name, agent_live_state(NULL));
        }
    }
}

static void reply_to(struct core *core, const struct survey_asker *asker)
{
    const struct survey *survey = core->survey;
    Pb__Reply *reply = core_reply_urgent(core, asker->route, asker->request);
    reply->body_case = PB__REPLY__BODY_PROCESSES;
    Pb__Processes *processes = reply->processes = NEW_MESSAGE(core, Pb__Processes, pb__processes);
    processes->left_out = survey->left_out;
    processes->processes = ARENA_ARRAY(core->effects->arena, Pb__ProcessRow *, survey->row_count + 1);
    for (size_t i = 0; i < survey->row_count; i++) {
        if (!asker->orphans || *survey->rows[i]->orphan) {
            processes->processes[processes->n_processes++] = MESSAGE_COPY(survey->rows[i], core->effects->arena);
        }
    }
    name_silent(core, processes);
}

static void conclude(struct core *core)
{
    struct survey *survey = core->survey;
    for (size_t i = 0; i < survey->asker_count; i++) {
        reply_to(core, &survey->askers[i]);
    }
    survey->running = false;
    survey->asker_count = 0;
    forget_rows(survey);
    map_free(&survey->silent);
    survey->silent = map_new();
}

// Who left meanwhile is not waited for.
static void forget_gone(struct core *core)
{
    struct map *silent = core->survey->silent;
    for (struct map_entry *entry = map_first(core->agents); entry && map_count(silent); entry = map_next(core->agents, entry)) {
        const struct agent_live *agent = entry->value;
        if (!agent_live_is_connected(agent)) {
            map_remove_text(silent, agent->name);
        }
    }
}

void survey_tick(struct core *core)
{
    const struct survey *survey = core->survey;
    if (survey->running) {
        forget_gone(core);
    }
    bool is_over = survey->running && core->event->now_ns - survey->asked_ns >= SURVEY_MS * NS_PER_MS;
    if (is_over || (survey->running && !map_count(survey->silent))) {
        conclude(core);
    }
    if (may_ask(core)) {
        ask(core);
    }
}

void survey_request(struct core *core, uint64_t request, const Pb__ListProcesses *list)
{
    struct survey *survey = core->survey;
    if (survey->waiting_count == SURVEY_ASKERS_MAX) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY, SURVEY_MS,
                    "%d others wait for the same answer already", SURVEY_ASKERS_MAX);
        return;
    }
    survey->waiting[survey->waiting_count++] = (struct survey_asker){core->event->route, request, list->orphans};
    survey_tick(core);
}

void survey_answered(struct core *core, const struct agent_live *agent, const Pb__Surveyed *surveyed)
{
    struct survey *survey = core->survey;
    if (!survey->running || surveyed->number != survey->number || !map_remove_text(survey->silent, agent->name)) {
        core_count(core, "stale_surveys");
        return;
    }
    survey->left_out += surveyed->left_out;
    for (size_t i = 0; i < surveyed->n_processes; i++) {
        add_row(core, agent->name, surveyed->processes[i]);
    }
    survey_tick(core);
}
