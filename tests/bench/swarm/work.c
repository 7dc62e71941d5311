#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/verdict.h"

#define NS_PER_MS UINT64_C(1000000)
#define TEXT(literal) ((char *)(uintptr_t)(literal))

void work_begin(struct work *work, struct board *board)
{
    *work = (struct work){.board = board};
}

static void instance_clear(struct work_instance *instance)
{
    free(instance->cases);
    *instance = (struct work_instance){0};
}

void work_end(struct work *work)
{
    for (size_t i = 0; i < work->instance_count; i++)
        instance_clear(&work->instances[i]);
    for (size_t i = 0; i < work->event_count; i++)
        free((void *)(uintptr_t)work->events[i].data);
    free(work->events);
}

uint64_t work_last(const struct work *work)
{
    return work->acknowledged + work->event_count;
}

// ---- what is said

static void say(struct work *work, struct work_instance *instance, Pb__Event *event)
{
    event->instance = instance->id;
    event->generation = instance->generation;
    event->sequence = ++instance->sequence;
    event->boottime_ns = clock_boottime_ns();
    event->wall_ns = clock_wall_ns();
    event->service = instance->service;
    struct wire_bytes packed;
    packed.data = wire_pack(event, NULL, &packed.bytes);
    APPEND(work->events, work->event_count, work->event_capacity) = packed;
    instance->outbox_last = work_last(work);
}

static void say_done(struct work *work, struct work_instance *instance, uint32_t number, const char *phase)
{
    Pb__Event event = PB__EVENT__INIT;
    Pb__CommandDone done = PB__COMMAND_DONE__INIT;
    done.number = number;
    done.status = PB__COMMAND_STATUS__COMMAND_STATUS_OK;
    done.phase = TEXT(phase);
    event.body_case = PB__EVENT__BODY_COMMAND_DONE;
    event.command_done = &done;
    say(work, instance, &event);
}

static void say_result(struct work *work, struct work_instance *instance, const struct work_case *one, int verdict, int reason)
{
    Pb__Event event = PB__EVENT__INIT;
    Pb__Outcome outcome = PB__OUTCOME__INIT;
    outcome.verdict = (Pb__Verdict)verdict;
    outcome.reason = (Pb__Reason)reason;
    Pb__CaseResult result = PB__CASE_RESULT__INIT;
    result.number = one->number;
    result.name = TEXT(one->name);
    result.outcome = &outcome;
    result.duration_ns = work->board->case_ms * NS_PER_MS;
    event.body_case = PB__EVENT__BODY_CASE_RESULT;
    event.case_result = &result;
    say(work, instance, &event);
    atomic_fetch_add(&work->board->results, 1);
}

static void say_ended(struct work *work, struct work_instance *instance, Pb__EndCause cause)
{
    Pb__Event event = PB__EVENT__INIT;
    Pb__InstanceEnded ended = PB__INSTANCE_ENDED__INIT;
    ended.cause = cause;
    event.body_case = PB__EVENT__BODY_INSTANCE_ENDED;
    event.instance_ended = &ended;
    say(work, instance, &event);
    instance->ended = true;
}

// ---- time: the case at hand takes case_ms, and a lease runs

static bool has_cases(const struct work_instance *instance)
{
    return !instance->ended && instance->next_case < instance->case_count;
}

static void schedule(struct work *work)
{
    work->due_ns = work->case_ns;
    for (size_t i = 0; i < work->instance_count; i++) {
        const struct work_instance *instance = &work->instances[i];
        if (!instance->ended && (work->due_ns == 0 || instance->lease_ns < work->due_ns))
            work->due_ns = instance->lease_ns;
    }
}

static void begin_cases(struct work *work)
{
    bool any = false;
    for (size_t i = 0; i < work->instance_count; i++)
        any |= has_cases(&work->instances[i]);
    if (any && work->case_ns == 0)
        work->case_ns = clock_boottime_ns() + work->board->case_ms * NS_PER_MS;
}

static void end_cases(struct work *work)
{
    work->case_ns = 0;
    for (size_t i = 0; i < work->instance_count; i++) {
        struct work_instance *instance = &work->instances[i];
        if (has_cases(instance))
            say_result(work, instance, &instance->cases[instance->next_case++], VERDICT_PASS, REASON_UNSPECIFIED);
    }
    begin_cases(work);
}

void work_tick(struct work *work)
{
    uint64_t now_ns = clock_boottime_ns();
    for (size_t i = 0; i < work->instance_count; i++)
        if (!work->instances[i].ended && now_ns >= work->instances[i].lease_ns)
            say_ended(work, &work->instances[i], PB__END_CAUSE__END_CAUSE_LEASE);
    if (work->case_ns && now_ns >= work->case_ns)
        end_cases(work);
    schedule(work);
}

// ---- what is heard

static struct work_instance *find(struct work *work, uint64_t id, uint32_t generation)
{
    for (size_t i = 0; i < work->instance_count; i++)
        if (work->instances[i].id == id && work->instances[i].generation == generation)
            return &work->instances[i];
    return NULL;
}

static size_t count_live(const struct work *work)
{
    size_t live = 0;
    for (size_t i = 0; i < work->instance_count; i++)
        live += !work->instances[i].ended;
    return live;
}

static struct work_instance *take_new(struct work *work, const Pb__Command *command)
{
    if (command->instance <= work->floor)
        return NULL; // late: it was here, and is forgotten
    if (command->body_case != PB__COMMAND__BODY_INITIALIZE || command->number != 1) {
        board_fault(work->board, "command %u to instance %llu, which nobody initialized", command->number,
                    (unsigned long long)command->instance);
        return NULL;
    }
    if (count_live(work) >= work->board->slots || work->instance_count == WORK_INSTANCES_MAX) {
        board_fault(work->board, "instance %llu is one more than there are slots", (unsigned long long)command->instance);
        return NULL;
    }
    struct work_instance *instance = &work->instances[work->instance_count++];
    *instance = (struct work_instance){.id = command->instance, .generation = command->generation};
    snprintf(instance->service, sizeof instance->service, "%s", command->initialize->service);
    return instance;
}

static void add_case(struct work *work, struct work_instance *instance, const Pb__Command *command)
{
    if (instance->next_case == instance->case_count)
        instance->next_case = instance->case_count = 0;
    struct work_case *one = &APPEND(instance->cases, instance->case_count, instance->case_capacity);
    one->number = command->number;
    snprintf(one->name, sizeof one->name, "%s", command->run_case->name);
    begin_cases(work);
}

static void cancel_cases(struct work *work, struct work_instance *instance)
{
    while (has_cases(instance))
        say_result(work, instance, &instance->cases[instance->next_case++], VERDICT_INCONC, REASON_CANCELLED);
}

static void obey(struct work *work, struct work_instance *instance, const Pb__Command *command, uint64_t stamp_ns)
{
    switch (command->body_case) {
    case PB__COMMAND__BODY_INITIALIZE:
        stamp_ns = command->initialize->lease_stamp_ns ? command->initialize->lease_stamp_ns : stamp_ns;
        instance->lease_ns = stamp_ns + command->initialize->lease_ms * NS_PER_MS;
        say_done(work, instance, command->number, "initialize");
        break;
    case PB__COMMAND__BODY_START:
        say_done(work, instance, command->number, "start");
        break;
    case PB__COMMAND__BODY_RUN_CASE:
        add_case(work, instance, command);
        break;
    case PB__COMMAND__BODY_STOP:
        cancel_cases(work, instance);
        say_done(work, instance, command->number, "stop");
        break;
    case PB__COMMAND__BODY_CLEANUP:
        say_done(work, instance, command->number, "cleanup");
        say_ended(work, instance, PB__END_CAUSE__END_CAUSE_CLEANED);
        break;
    default:
        board_fault(work->board, "a command of kind %d to the null tester", (int)command->body_case);
    }
}

void work_command(struct work *work, const Pb__Command *command, uint64_t stamp_ns)
{
    struct work_instance *instance = find(work, command->instance, command->generation);
    if (!instance)
        instance = take_new(work, command);
    if (!instance || instance->ended || command->number <= instance->last_command)
        return;
    if (command->number != instance->last_command + 1 && command->body_case != PB__COMMAND__BODY_STOP)
        board_fault(work->board, "command %u to instance %llu follows command %u", command->number, (unsigned long long)command->instance,
                    instance->last_command);
    instance->last_command = command->number;
    obey(work, instance, command, stamp_ns);
    schedule(work);
}

void work_discard(struct work *work, const Pb__Discard *discard)
{
    struct work_instance *instance = find(work, discard->instance, discard->generation);
    if (instance && !instance->ended)
        say_ended(work, instance, PB__END_CAUSE__END_CAUSE_CLEANED);
}

void work_grant(struct work *work, const Pb__LeaseGrant *grant, uint64_t stamp_ns)
{
    struct work_instance *instance = find(work, grant->instance, grant->generation);
    uint64_t until_ns = stamp_ns + grant->length_ms * NS_PER_MS;
    if (instance && !instance->ended && until_ns > instance->lease_ns)
        instance->lease_ns = until_ns;
}

static void forget_done(struct work *work)
{
    for (size_t i = work->instance_count; i > 0; i--) {
        struct work_instance *instance = &work->instances[i - 1];
        if (!instance->ended || instance->outbox_last > work->acknowledged)
            continue;
        work->floor = instance->id > work->floor ? instance->id : work->floor;
        instance_clear(instance);
        *instance = work->instances[--work->instance_count];
    }
}

void work_acknowledged(struct work *work, uint64_t last)
{
    if (last > work_last(work)) {
        board_fault(work->board, "event %llu is acknowledged, %llu is the last", (unsigned long long)last,
                    (unsigned long long)work_last(work));
        return;
    }
    size_t freed = last > work->acknowledged ? (size_t)(last - work->acknowledged) : 0;
    for (size_t i = 0; i < freed; i++)
        free((void *)(uintptr_t)work->events[i].data);
    work->event_count -= freed;
    if (work->event_count > 0) // else there may be no array yet
        memmove(work->events, work->events + freed, work->event_count * sizeof *work->events);
    work->acknowledged += freed;
    forget_done(work);
}
