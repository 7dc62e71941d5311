// One guard as the core sees it: attached, detached, gone; what it reports through its spool and what it is told.
#include <string.h>

#include "agent/core/state.h"

static Pb__GuardRequest *request(struct agent_core *core, const struct instance *instance, Pb__GuardRequest__BodyCase body, bool later)
{
    Pb__GuardRequest *message = ARENA_NEW(core->out->arena, Pb__GuardRequest);
    pb__guard_request__init(message);
    message->body_case = body;
    struct agent_effect *effect = later ? agent_effect_later(core, AGENT_EFFECT_GUARD) : agent_effect_add(core, AGENT_EFFECT_GUARD);
    effect->instance = instance->row.instance;
    effect->generation = instance->row.generation;
    effect->request = message;
    core->last_request = message;
    core->last_instance = instance;
    return message;
}

// ---- what it is told

static void start_list(struct agent_core *core, Pb__GuardRequest *message)
{
    Pb__GuardCases *cases = ARENA_NEW(core->out->arena, Pb__GuardCases);
    pb__guard_cases__init(cases);
    cases->cases = ARENA_ARRAY(core->out->arena, Pb__Command *, CASES_IN_FLIGHT_MAX);
    cases->cases[cases->n_cases++] = message->command;
    message->body_case = PB__GUARD_REQUEST__BODY_CASES;
    message->cases = cases;
}

// With what it knows of its peers one may fill a packet.
static bool is_large(const Pb__Command *run_case)
{
    return run_case->run_case->n_peers > 0;
}

// Cases that follow each other share a packet: the guard and its host are woken once for all of them.
static bool joined(struct agent_core *core, const struct instance *instance, Pb__Command *command)
{
    Pb__GuardRequest *message = core->last_request;
    if (!message || core->last_instance != instance || command->body_case != PB__COMMAND__BODY_RUN_CASE || is_large(command))
        return false;
    if (message->body_case == PB__GUARD_REQUEST__BODY_COMMAND && message->command->body_case == PB__COMMAND__BODY_RUN_CASE &&
        !is_large(message->command))
        start_list(core, message);
    if (message->body_case != PB__GUARD_REQUEST__BODY_CASES || message->cases->n_cases == CASES_IN_FLIGHT_MAX)
        return false;
    message->cases->cases[message->cases->n_cases++] = command;
    return true;
}

static void send_command(struct agent_core *core, struct instance *instance, const Pb__Command *command)
{
    Pb__Command *copy = MESSAGE_COPY(command, core->out->arena);
    instance->passed_command = command->number;
    if (!joined(core, instance, copy))
        request(core, instance, PB__GUARD_REQUEST__BODY_COMMAND, false)->command = copy;
}

// Passed on at once: the guard itself ignores repeats and knows its last number, so only Initialize needs its intent on disk first.
void agent_guard_command(struct agent_core *core, struct instance *instance, const Pb__Command *command)
{
    if (instance->state != INSTANCE_ATTACHED && instance->waiting_count == AGENT_COMMANDS_WAITING_MAX) {
        core->counters.commands_impossible++;
        agent_session_fail(core, "more commands than can be on their way to one instance");
        return;
    }
    instance->row.last_command = command->number;
    agent_instance_touch(core, instance);
    if (instance->state == INSTANCE_ATTACHED)
        send_command(core, instance, command);
    else
        instance->waiting[instance->waiting_count++] = message_copy(command, NULL);
}

static void send_lease(struct agent_core *core, struct instance *instance)
{
    Pb__GuardLease *lease = ARENA_NEW(core->out->arena, Pb__GuardLease);
    pb__guard_lease__init(lease);
    lease->expires_ns = instance->lease_ns;
    request(core, instance, PB__GUARD_REQUEST__BODY_LEASE, false)->lease = lease;
}

void agent_guard_lease(struct agent_core *core, struct instance *instance, uint64_t expires_ns)
{
    if (expires_ns <= instance->lease_ns)
        return;
    instance->lease_ns = expires_ns;
    if (instance->state == INSTANCE_ATTACHED)
        send_lease(core, instance);
}

static void send_discard(struct agent_core *core, struct instance *instance, const char *why)
{
    Pb__GuardDiscard *discard = ARENA_NEW(core->out->arena, Pb__GuardDiscard);
    pb__guard_discard__init(discard);
    discard->why = arena_string(core->out->arena, why);
    request(core, instance, PB__GUARD_REQUEST__BODY_DISCARD, false)->discard = discard;
}

void agent_guard_discard(struct agent_core *core, struct instance *instance, const char *why)
{
    instance->row.discarded = true;
    switch (instance->state) {
    case INSTANCE_WAITING:
    case INSTANCE_FETCHING:
        agent_refuse(core, instance, PB__END_CAUSE__END_CAUSE_REFUSED, why);
        return;
    case INSTANCE_ATTACHED:
        send_discard(core, instance, why);
        break;
    case INSTANCE_ENDED:
        agent_instance_touch(core, instance);
        agent_instance_forget_if_done(core, instance);
        return;
    default:
        break; // told when it is attached, or it ends before that
    }
    agent_instance_touch(core, instance);
}

void agent_guard_shell(struct agent_core *core, struct instance *instance, const Pb__ShellCall *call)
{
    request(core, instance, PB__GUARD_REQUEST__BODY_SHELL, false)->shell = MESSAGE_COPY(call, core->out->arena);
}

static void send_acknowledged(struct agent_core *core, struct instance *instance)
{
    Pb__SpoolAcknowledged *acknowledged = ARENA_NEW(core->out->arena, Pb__SpoolAcknowledged);
    pb__spool_acknowledged__init(acknowledged);
    acknowledged->sequence = instance->acknowledged = instance->row.spool_sequence;
    request(core, instance, PB__GUARD_REQUEST__BODY_ACKNOWLEDGED, true)->acknowledged = acknowledged;
}

// ---- coming and going

void agent_adopted(struct agent_core *core, struct instance *instance)
{
    if (!instance->adopting)
        return;
    instance->adopting = false;
    core->adopting--;
    agent_session_try(core);
}

static void drop_waiting(struct instance *instance)
{
    for (size_t i = 0; i < instance->waiting_count; i++)
        message_free(instance->waiting[i]);
    instance->waiting_count = 0;
}

static void pass_waiting(struct agent_core *core, struct instance *instance)
{
    for (size_t i = 0; i < instance->waiting_count; i++)
        if (instance->waiting[i]->number > instance->passed_command)
            send_command(core, instance, instance->waiting[i]);
    drop_waiting(instance);
}

// The guard knows best what it was given. What it never got and does not wait here went with its socket: the coordinator still has
// it, and gives it again to a new session.
static void agree_on_commands(struct agent_core *core, struct instance *instance, uint32_t guard_last)
{
    uint32_t first_waiting = instance->waiting_count > 0 ? instance->waiting[0]->number : instance->row.last_command + 1;
    bool may_skip = instance->waiting_count > 0 && agent_command_may_skip(instance->waiting[0]);
    bool is_lost = guard_last + 1 < first_waiting && !may_skip;
    instance->passed_command = guard_last;
    if (is_lost)
        drop_waiting(instance);
    if (is_lost || guard_last > instance->row.last_command) {
        instance->row.last_command = guard_last;
        agent_instance_touch(core, instance);
    }
    if (is_lost)
        agent_session_resume(core, "commands were lost on the way to a guard");
}

void agent_guard_attached(struct agent_core *core, struct instance *instance, const Pb__GuardState *state)
{
    if (instance->state != INSTANCE_SPAWNING && instance->state != INSTANCE_DETACHED)
        return;
    agent_instance_move(core, instance, INSTANCE_ATTACHED);
    agree_on_commands(core, instance, state->last_command > 1 ? state->last_command : 1);
    instance->lease_is_known = true;
    if (instance->lease_ns > state->lease_expires_ns)
        send_lease(core, instance);
    else
        instance->lease_ns = state->lease_expires_ns;
    if (instance->row.spool_sequence > 0)
        send_acknowledged(core, instance);
    pass_waiting(core, instance);
    if (instance->row.discarded)
        send_discard(core, instance, "nobody wants it");
    if (instance->adopting)
        agent_log(core, AGENT_LOG_INFO, "instance %llu.%u is adopted again", (unsigned long long)instance->row.instance,
                  instance->row.generation);
    agent_adopted(core, instance);
}

void agent_guard_detached(struct agent_core *core, struct instance *instance)
{
    if (instance->state == INSTANCE_ATTACHED)
        agent_instance_move(core, instance, INSTANCE_DETACHED);
}

void agent_guard_gone(struct agent_core *core, struct instance *instance, bool rebooted, const char *why)
{
    if (instance->state != INSTANCE_SPAWNING && instance->state != INSTANCE_ATTACHED && instance->state != INSTANCE_DETACHED)
        return;
    instance->rebooted = rebooted;
    free(instance->gone_why);
    instance->gone_why = memory_string(why ? why : "");
    agent_instance_move(core, instance, INSTANCE_SWEEPING);
    struct agent_effect *effect = agent_effect_add(core, AGENT_EFFECT_SWEEP);
    effect->instance = instance->row.instance;
    effect->generation = instance->row.generation;
    agent_adopted(core, instance);
}

void agent_guard_never_spawned(struct agent_core *core, struct instance *instance)
{
    if (instance->state != INSTANCE_DETACHED)
        return;
    if (instance->row.ended) {
        instance->bulk_done = true; // a refused one: it never had a folder
        agent_end(core, instance);
        return;
    }
    agent_instance_move(core, instance, INSTANCE_WAITING);
    agent_adopted(core, instance);
    agent_place(core, instance);
}

// A guard that went without a word: nothing of it lives any more, now that it was swept, so the agent says so in its place.
static void report_lost(struct agent_core *core, struct instance *instance, uint32_t killed)
{
    const char *why = instance->rebooted ? "the host was rebooted" : instance->gone_why;
    Pb__Event *event = agent_outbox_event(core, instance, PB__EVENT__BODY_INSTANCE_ENDED);
    event->instance_ended = ARENA_NEW(core->out->arena, Pb__InstanceEnded);
    pb__instance_ended__init(event->instance_ended);
    event->instance_ended->cause = instance->rebooted ? PB__END_CAUSE__END_CAUSE_REBOOT : PB__END_CAUSE__END_CAUSE_GUARD_LOST;
    event->instance_ended->text = arena_string(core->out->arena, why);
    event->instance_ended->killed_processes = killed;
    agent_outbox_append_own(core, instance, event, why);
    instance->row.ended = true;
    agent_log(core, AGENT_LOG_WARNING, "instance %llu.%u is lost: %s", (unsigned long long)instance->row.instance, instance->row.generation,
              why);
}

void agent_guard_swept(struct agent_core *core, struct instance *instance, uint32_t killed)
{
    if (instance->state != INSTANCE_SWEEPING)
        return;
    if (!instance->row.ended)
        report_lost(core, instance, killed);
    agent_end(core, instance);
}

// ---- what it should have done

// 0: nothing to watch.
static uint64_t overdue_ns(const struct instance *instance)
{
    bool may_live = instance->state == INSTANCE_ATTACHED || instance->state == INSTANCE_DETACHED;
    return may_live && instance->lease_is_known && !instance->overdue_told ? instance->lease_ns + AGENT_OVERDUE_MS * NS_PER_MS : 0;
}

void agent_guard_tick(struct agent_core *core)
{
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        struct instance *instance = e->value;
        uint64_t due_ns = overdue_ns(instance);
        if (due_ns == 0 || core->input->now_ns < due_ns)
            continue;
        instance->overdue_told = true;
        agent_log(core, AGENT_LOG_ERROR, "the guard of instance %llu.%u outlived its lease: killed",
                  (unsigned long long)instance->row.instance, instance->row.generation);
        struct agent_effect *effect = agent_effect_add(core, AGENT_EFFECT_KILL_GUARD);
        effect->instance = instance->row.instance;
        effect->generation = instance->row.generation;
    }
}

uint64_t agent_guard_deadline(const struct agent_core *core)
{
    uint64_t earliest_ns = 0;
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        uint64_t due_ns = overdue_ns(e->value);
        if (due_ns && (earliest_ns == 0 || due_ns < earliest_ns))
            earliest_ns = due_ns;
    }
    return earliest_ns;
}

// ---- what it reports

static bool is_its_own(struct agent_core *core, const struct instance *instance, const Pb__Event *event)
{
    if (event->instance != instance->row.instance || event->generation != instance->row.generation) {
        core->counters.events_foreign++;
        return false;
    }
    if (event->sequence <= instance->row.spool_sequence) {
        core->counters.events_repeated++;
        return false;
    }
    return true;
}

// Often enough for a guard that would free what it need not keep, seldom enough that it is not woken for each case.
static bool acknowledgement_is_due(const struct instance *instance)
{
    return instance->row.ended || instance->row.spool_sequence - instance->acknowledged >= AGENT_ACKNOWLEDGE_EVENTS;
}

void agent_guard_spooled(struct agent_core *core, struct instance *instance, const struct agent_spooled *events, size_t count,
                         uint64_t offset)
{
    if (offset <= instance->row.spool_offset)
        return;
    for (size_t i = 0; i < count; i++) {
        const Pb__Event *event = events[i].event;
        if (!is_its_own(core, instance, event))
            continue;
        instance->row.spool_sequence = event->sequence;
        if (event->body_case == PB__EVENT__BODY_INSTANCE_ENDED)
            instance->row.ended = true;
        agent_outbox_append(core, instance, event, events[i].packed, events[i].bytes);
    }
    instance->row.spool_offset = offset;
    agent_instance_touch(core, instance);
    if (instance->state == INSTANCE_ATTACHED && acknowledgement_is_due(instance))
        send_acknowledged(core, instance);
}
