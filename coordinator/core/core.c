// The step: one event in, effects out. Dispatches to sessions (agents), requests (clients), runs and trials.
#include "coordinator/core/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/snapshot.h"
#include "coordinator/core/state.h"

// ---- effects

void effects_begin(struct core_effects *effects)
{
    *effects = (struct core_effects){.arena = arena_new(0)};
}

void effects_clear(struct core_effects *effects)
{
    arena_reset(effects->arena);
    effects->record_count = effects->send_count = effects->closed_count = effects->ticket_count = effects->gated_count = 0;
}

void effects_end(struct core_effects *effects)
{
    arena_free(&effects->arena);
    free(effects->records);
    free(effects->sends);
    free(effects->closed);
    free(effects->tickets);
    free(effects->gated);
    *effects = (struct core_effects){0};
}

Pb__Record *core_record(struct core *core)
{
    Pb__Record *record = NEW_MESSAGE(core, Pb__Record, pb__record);
    record->format = JOURNAL_FORMAT;
    record->wall_ns = core->event->wall_ns;
    record->steady_ns = core->steady_ns + (core->event->now_ns - core->start_ns);
    return record;
}

// Agents stand on the roster by what is placed on them.
static void refile(struct core *core, const Pb__Record *record)
{
    switch (record->body_case) {
    case PB__RECORD__BODY_TRIAL_STARTED:
        for (size_t i = 0; i < record->trial_started->n_services; i++) {
            roster_refile(core, record->trial_started->services[i]->agent);
        }
        break;
    case PB__RECORD__BODY_INSTANCE_EVENT:
        if (record->instance_event->event->body_case == PB__EVENT__BODY_INSTANCE_ENDED) {
            roster_refile(core, record->instance_event->agent);
        }
        break;
    case PB__RECORD__BODY_INSTANCE_LOST:
        roster_refile(core, record->instance_lost->agent);
        break;
    default: // TrialEnded names no agents: see runs.c
        break;
    }
}

void core_emit(struct core *core, Pb__Record *record)
{
    struct core_effects *effects = core->effects;
    APPEND(effects->records, effects->record_count, effects->record_capacity) = record;
    const char *impossible = durable_apply(core->durable, record);
    if (impossible) {
        PANIC("%s", impossible);
    }
    refile(core, record);
}

static Pb__Envelope *send_new(struct core *core, uint64_t route, uint64_t session, bool urgent, bool prompt)
{
    struct core_effects *effects = core->effects;
    Pb__Envelope *envelope = NEW_MESSAGE(core, Pb__Envelope, pb__envelope);
    envelope->version = PROTOCOL_VERSION;
    envelope->session = session;
    APPEND(effects->sends, effects->send_count, effects->send_capacity) =
        (struct core_send){.route = route, .envelope = envelope, .urgent = urgent, .prompt = prompt};
    return envelope;
}

Pb__Envelope *core_send(struct core *core, uint64_t route, uint64_t session)
{
    return send_new(core, route, session, false, false);
}

Pb__Envelope *core_send_urgent(struct core *core, uint64_t route, uint64_t session)
{
    return send_new(core, route, session, true, false);
}

Pb__Envelope *core_send_prompt(struct core *core, uint64_t route, uint64_t session)
{
    return send_new(core, route, session, false, true);
}

Pb__Reply *core_reply(struct core *core, uint64_t route, uint64_t request)
{
    Pb__Envelope *envelope = core_send(core, route, 0);
    envelope->body_case = PB__ENVELOPE__BODY_REPLY;
    envelope->reply = NEW_MESSAGE(core, Pb__Reply, pb__reply);
    envelope->reply->number = request;
    return envelope->reply;
}

Pb__Reply *core_reply_urgent(struct core *core, uint64_t route, uint64_t request)
{
    Pb__Reply *reply = core_reply(core, route, request);
    core->effects->sends[core->effects->send_count - 1].urgent = true;
    return reply;
}

void core_refuse(struct core *core, uint64_t route, uint64_t request, int code, uint32_t retry_after_ms, const char *format, ...)
{
    char text[PANTHER_ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    Pb__Refused *refused = NEW_MESSAGE(core, Pb__Refused, pb__refused);
    refused->code = (Pb__RefusalCode)code;
    refused->text = arena_string(core->effects->arena, text);
    refused->retry_after_ms = retry_after_ms;
    refused->request = request;
    Pb__Envelope *envelope = core_send_urgent(core, route, 0);
    if (request) {
        envelope->body_case = PB__ENVELOPE__BODY_REPLY;
        envelope->reply = NEW_MESSAGE(core, Pb__Reply, pb__reply);
        envelope->reply->number = request;
        envelope->reply->body_case = PB__REPLY__BODY_REFUSED;
        envelope->reply->refused = refused;
    } else {
        envelope->body_case = PB__ENVELOPE__BODY_REFUSED;
        envelope->refused = refused;
    }
    core_count(core, "refused");
}

void core_close(struct core *core, uint64_t route)
{
    struct core_effects *effects = core->effects;
    APPEND(effects->closed, effects->closed_count, effects->closed_capacity) = route;
}

Pb__Outcome *core_outcome(struct core *core, int verdict, int reason, const char *text)
{
    Pb__Outcome *outcome = NEW_MESSAGE(core, Pb__Outcome, pb__outcome);
    outcome->verdict = (Pb__Verdict)verdict;
    outcome->reason = (Pb__Reason)reason;
    outcome->text = arena_string(core->effects->arena, text ? text : "");
    return outcome;
}

struct instance_link *core_instance_link(struct core *core, const struct instance *instance)
{
    struct instance_link *link = map_get_number(core->instance_links, instance->id);
    if (!link) {
        link = NEW(struct instance_link);
        map_put_number(core->instance_links, instance->id, link);
    }
    return link;
}

bool core_builds(const struct core *core, const struct instance *instance)
{
    const Pb__PluginDescription *description = map_get_text(core->durable->descriptions, instance->description_hash);
    return description && description->builds;
}

// What is compiled is not the trial's time: the first of a thousand trials would not end otherwise.
static uint64_t work_ms(const struct core *core, const struct trial *trial)
{
    const Pb__Timeouts *timeouts = trial->plan->timeouts;
    const uint64_t trial_ms = environments_trial_ms(trial, timeouts->trial_ms, core->effects->arena);
    for (size_t i = 0; i < trial->instance_count; i++) {
        if (core_builds(core, trial->instances[i])) {
            return trial_ms + timeouts->build_ms;
        }
    }
    return trial_ms;
}

struct trial_link *core_trial_link(struct core *core, const struct trial *trial)
{
    struct trial_link *link = map_get_number(core->trial_links, trial->id);
    if (!link) {
        link = NEW(struct trial_link);
        link->deadline_ns = core->event->now_ns + work_ms(core, trial) * 1000000;
        map_put_number(core->trial_links, trial->id, link);
    }
    return link;
}

bool core_trial_is_over(struct core *core, const struct trial *trial)
{
    const struct trial_link *link = core_trial_link(core, trial);
    return link->wind_down_ns && core->event->now_ns > link->wind_down_ns;
}

uint64_t core_lease_until(const struct core *core, const struct instance *instance)
{
    return core->event->now_ns + ((uint64_t)instance->trial->lease_ms + KILL_LADDER_MS) * 1000000;
}

// ---- life

struct core *core_new(const struct core_options *options)
{
    struct core *core = NEW(struct core);
    core->options = *options;
    core->version = memory_string(options->version ? options->version : "");
    core->endpoint = memory_string(options->endpoint ? options->endpoint : "");
    core->server_key = memory_string(options->server_key ? options->server_key : "");
    core->options.heartbeat_ms = options->heartbeat_ms ? options->heartbeat_ms : HEARTBEAT_MS;
    core->options.case_window = options->case_window ? options->case_window : CASES_IN_FLIGHT_MAX;
    core->durable = durable_new();
    core->agents = map_new();
    core->routes = map_new();
    core->roster = roster_new();
    core->presences = map_new();
    core->instance_links = map_new();
    core->trial_links = map_new();
    core->run_links = map_new();
    core->survey = survey_new();
    core->passed = passed_new();
    core->shells = shells_new();
    core->pushes = pushes_new();
    core->counters = map_new();
    core->cases = map_new();
    return core;
}

static void map_free_values(struct map **map)
{
    for (struct map_entry *entry = map_first(*map); entry; entry = map_next(*map, entry)) {
        free(entry->value);
    }
    map_free(map);
}

static void agent_live_free(struct core *core, struct agent_live *agent)
{
    message_free(agent->hello);
    presences_clear(core, agent);
    free(agent);
}

void core_free(struct core **pointer)
{
    struct core *core = *pointer;
    if (!core) {
        return;
    }
    for (struct map_entry *entry = map_first(core->agents); entry; entry = map_next(core->agents, entry)) {
        agent_live_free(core, entry->value);
    }
    map_free(&core->agents);
    map_free(&core->routes);
    map_free(&core->presences);
    roster_free(&core->roster);
    map_free_values(&core->instance_links);
    map_free_values(&core->trial_links);
    map_free_values(&core->run_links);
    survey_free(&core->survey);
    passed_free(&core->passed);
    shells_free(&core->shells);
    pushes_free(&core->pushes);
    map_free_values(&core->counters);
    for (struct map_entry *entry = map_first(core->cases); entry; entry = map_next(core->cases, entry)) {
        struct map *cases = entry->value;
        map_free(&cases);
    }
    map_free(&core->cases);
    durable_free(&core->durable);
    free(core->space_why);
    message_free(core->disk);
    free(core->version);
    free(core->endpoint);
    free(core->server_key);
    free(core);
    *pointer = NULL;
}

const char *core_replay(struct core *core, const Pb__Record *record)
{
    INVARIANT(!core->started);
    return durable_apply(core->durable, record);
}

void core_save(const struct core *core, core_part_fn *callback, void *context)
{
    snapshot_save(core->durable, callback, context);
}

const char *core_load(struct core *core, const Pb__SnapshotPart *part)
{
    INVARIANT(!core->started);
    return snapshot_load(core->durable, part);
}

// What one life of a store may give away behind the back of its copies: a restart each minute for two years.
#define LIFE_INCARNATIONS (UINT64_C(1) << 20)
#define LIFE_INSTANCES (UINT64_C(1) << 32)

// After replay nobody knows what lives out there: every live instance may have a lease that was granted just before the end.
static void store_opened(struct core *core, const struct core_event *event)
{
    core->started = true;
    core->start_ns = event->now_ns;
    // While nobody was here only the wall clock knows how long it was, as far as it can be believed.
    int64_t away_ns = event->wall_ns - core->durable->wall_ns;
    core->steady_ns = core->durable->steady_ns + (core->durable->steady_ns == 0 || away_ns < 1 ? 1 : (uint64_t)away_ns);
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_STORE_OPENED;
    record->store_opened = NEW_MESSAGE(core, Pb__StoreOpened, pb__store_opened);
    const char *store_id = *core->durable->store_id ? core->durable->store_id : event->store_id;
    record->store_opened->store_id = arena_string(core->effects->arena, store_id);
    record->store_opened->home = arena_string(core->effects->arena, event->home ? event->home : "");
    bool is_copy = core->durable->home && *record->store_opened->home && strcmp(core->durable->home, event->home) != 0;
    record->store_opened->incarnation = core->durable->incarnation + (is_copy ? LIFE_INCARNATIONS : 1);
    record->store_opened->next_instance = is_copy ? core->durable->last_instance + LIFE_INSTANCES : 0;
    record->store_opened->version = core->version;
    core_emit(core, record);
    for (struct map_entry *entry = map_first(core->durable->instances); entry; entry = map_next(core->durable->instances, entry)) {
        struct instance *instance = entry->value;
        core_instance_link(core, instance)->lease_until_ns = core_lease_until(core, instance);
    }
    core->placement_due = true;
}

static void content_stored(struct core *core, const struct core_event *event)
{
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_CONTENT_STORED;
    record->content_stored = MESSAGE_COPY(event->content, core->effects->arena);
    core_emit(core, record);
    struct core_effects *effects = core->effects;
    APPEND(effects->tickets, effects->ticket_count, effects->ticket_capacity) = event->ticket;
}

static bool admission_is_open(const struct core *core)
{
    return !core->is_full && !core->is_low;
}

// Time for which nothing could be placed is no time in which a cell found no host.
static void forgive_queues(struct core *core)
{
    for (struct map_entry *entry = map_first(core->run_links); entry; entry = map_next(core->run_links, entry)) {
        struct run_link *link = entry->value;
        link->known_since_ns = link->waiting_since_ns = core->event->now_ns;
    }
}

static void space_changed(struct core *core, const struct core_event *event)
{
    bool was_open = admission_is_open(core);
    core->is_full = event->is_full;
    core->is_low = event->is_low;
    free(core->space_why);
    core->space_why = memory_string(event->why ? event->why : "");
    message_free(core->disk);
    core->disk = event->disk ? MESSAGE_COPY(event->disk, NULL) : NULL;
    if (!was_open && admission_is_open(core)) {
        forgive_queues(core);
        core->placement_due = true;
    }
}

static void message_dispatch(struct core *core)
{
    switch (core->event->role) {
    case PB__ROLE__ROLE_AGENT:
        sessions_message(core);
        break;
    case PB__ROLE__ROLE_OPERATOR:
    case PB__ROLE__ROLE_VIEWER:
        requests_message(core);
        break;
    case PB__ROLE__ROLE_ENROLL:
        keys_enroll(core);
        break;
    default:
        core_refuse(core, core->event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, 0, "this key has no role here");
        core_close(core, core->event->route);
    }
}

void core_step(struct core *core, const struct core_event *event, struct core_effects *effects)
{
    core->event = event;
    core->effects = effects;
    switch (event->kind) {
    case CORE_TICK:
        sessions_tick(core);
        trials_tick(core);
        survey_tick(core);
        passed_tick(core);
        shells_tick(core);
        break;
    case CORE_MESSAGE:
        message_dispatch(core);
        break;
    case CORE_GONE:
        sessions_gone(core, event->route);
        break;
    case CORE_SUBMIT:
        requests_submit(core);
        break;
    case CORE_CONTENT:
        content_stored(core, event);
        break;
    case CORE_RETENTION:
        annotations_retention(core);
        break;
    case CORE_GATES:
        runs_gated(core, event->run, event->gates);
        break;
    case CORE_SPACE:
        space_changed(core, event);
        break;
    case CORE_STORE_OPENED:
        store_opened(core, event);
        break;
    default:
        PANIC("event of kind %d", (int)event->kind);
    }
    runs_schedule(core);
    core->event = NULL;
    core->effects = NULL;
}

// ---- questions of the shell

bool core_key(const struct core *core, const char *public_key, const char **name, int *role)
{
    const struct key_entry *key = map_get_text(core->durable->keys_by_public, public_key);
    if (!key || key->revoked) {
        return false;
    }
    *name = key->name;
    *role = key->role;
    return true;
}

void core_keys(const struct core *core, core_key_fn *callback, void *context)
{
    for (struct map_entry *entry = map_first(core->durable->keys); entry; entry = map_next(core->durable->keys, entry)) {
        const struct key_entry *key = entry->value;
        if (!key->revoked) {
            callback(context, key->public_key, key->name, key->role);
        }
    }
}

static int by_name(const void *left, const void *right)
{
    const Pb__PluginDescription *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

// Of several descriptions with one name: one that a connected agent has, else the one learnt last.
size_t core_plugins(const struct core *core, const Pb__PluginDescription ***items, struct arena *arena)
{
    struct map *names = map_new();
    for (struct map_entry *entry = map_first(core->durable->descriptions); entry; entry = map_next(core->durable->descriptions, entry)) {
        Pb__PluginDescription *description = entry->value;
        map_put_text(names, description->name, description);
    }
    for (struct map_entry *entry = map_first(core->agents); entry; entry = map_next(core->agents, entry)) {
        const struct agent_live *agent = entry->value;
        for (size_t i = 0; i < agent->presence_count && agent->route; i++) {
            const Pb__PluginDescription *description = presence_description(core, agent->presences[i]);
            if (description) {
                map_put_text(names, description->name, (void *)(uintptr_t)description);
            }
        }
    }
    size_t count = 0;
    *items = ARENA_ARRAY(arena, const Pb__PluginDescription *, map_count(names) + 1);
    for (struct map_entry *entry = map_first(names); entry; entry = map_next(names, entry)) {
        (*items)[count++] = entry->value;
    }
    map_free(&names);
    qsort(*items, count, sizeof **items, by_name);
    return count;
}

uint64_t core_last_run(const struct core *core)
{
    return core->durable->last_run;
}

bool core_is_idle(const struct core *core)
{
    return map_count(core->durable->runs) == 0;
}

void core_print(const struct core *core, struct text *out)
{
    durable_print(core->durable, out);
}

static uint64_t *counter_of(struct core *core, const char *counter)
{
    uint64_t *value = map_get_text(core->counters, counter);
    if (!value) {
        value = NEW(uint64_t);
        map_put_text(core->counters, counter, value);
    }
    return value;
}

void core_count(struct core *core, const char *counter)
{
    ++*counter_of(core, counter);
}

void core_counter_set(struct core *core, const char *counter, uint64_t value)
{
    *counter_of(core, counter) = value;
}
