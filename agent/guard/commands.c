// See commands.h.
#include "agent/guard/commands.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/system/loop.h"

#define NANOSECONDS_PER_MS 1000000ULL
// The host cancels at the deadline; a plugin that listens has come back by now, one that does not never will.
#define OVERDUE_GRACE_MS 2000
// When the coordinator gives none; the host takes the same.
#define PHASE_DEFAULT_MS 10000
#define CASE_DEFAULT_MS 60000

struct commands {
    const Pb__Initialize *initialize;
    struct loop_source *timer;
    command_overdue_fn *overdue;
    void *context;
    struct command open[COMMANDS_OPEN_MAX]; // [first, first + count), around the end
    size_t first, count;
    uint32_t last_number;
    uint64_t due_ns; // of the first one; 0: not running
};

static uint32_t given_or(uint32_t ms, uint32_t otherwise)
{
    return ms > 0 ? ms : otherwise;
}

static uint32_t timeout_of(const Pb__Initialize *initialize, const Pb__Command *command)
{
    switch (command->body_case) {
    case PB__COMMAND__BODY_INITIALIZE:
        return given_or(initialize->initialize_ms, PHASE_DEFAULT_MS);
    case PB__COMMAND__BODY_START:
        return given_or(initialize->start_ms, PHASE_DEFAULT_MS);
    case PB__COMMAND__BODY_RUN_CASE:
        return given_or(command->run_case->timeout_ms, CASE_DEFAULT_MS);
    case PB__COMMAND__BODY_EXECUTE:
        return given_or(command->execute->timeout_ms, CASE_DEFAULT_MS);
    case PB__COMMAND__BODY_STOP: // stop() and, within the same time again, TERM and KILL to what it left
        return 2 * given_or(initialize->stop_ms, PHASE_DEFAULT_MS);
    default:
        return given_or(initialize->stop_ms, PHASE_DEFAULT_MS);
    }
}

static void timer_elapsed(void *context)
{
    struct commands *commands = context;
    commands->due_ns = 0;
    if (commands->count > 0)
        commands->overdue(commands->context, &commands->open[commands->first]);
}

struct commands *commands_new(struct loop *loop, const Pb__Initialize *initialize, command_overdue_fn *overdue, void *context)
{
    struct commands *commands = NEW(struct commands);
    commands->initialize = initialize;
    commands->overdue = overdue;
    commands->context = context;
    commands->timer = loop_timer(loop, timer_elapsed, commands);
    return commands;
}

static void set_due(struct commands *commands, uint64_t due_ns)
{
    commands->due_ns = due_ns;
    loop_timer_set(commands->timer, due_ns);
}

static void begin_first(struct commands *commands)
{
    uint64_t given_ms = commands->open[commands->first].timeout_ms + (uint64_t)OVERDUE_GRACE_MS;
    set_due(commands, commands->count == 0 ? 0 : clock_boottime_ns() + given_ms * NANOSECONDS_PER_MS);
}

bool command_is_beside(const Pb__Command *command)
{
    return command->body_case == PB__COMMAND__BODY_FAULT || command->body_case == PB__COMMAND__BODY_RUN;
}

int commands_take(struct commands *commands, const Pb__Command *command, struct panther_error *error)
{
    if (command->number <= commands->last_number)
        return error_set(error, PANTHER_EEXISTS, "command %u was taken before", command->number);
    // As agent/core/intake.c: a stop, a case that was prepared, and who says so, may leave out cases that were numbered and never sent.
    bool may_skip = command->after_gap || command->body_case == PB__COMMAND__BODY_STOP ||
                    (command->body_case == PB__COMMAND__BODY_RUN_CASE && command->run_case->n_peers > 0);
    if (command->number != commands->last_number + 1 && !may_skip)
        return error_set(error, PANTHER_ESTATE, "command %u came after %u", command->number, commands->last_number);
    if (command_is_beside(command)) {
        commands->last_number = command->number;
        return 0;
    }
    if (commands->count == COMMANDS_OPEN_MAX)
        return error_set(error, PANTHER_ELIMIT, "%d commands are open already", COMMANDS_OPEN_MAX);
    struct command *mine = &commands->open[(commands->first + commands->count++) % COMMANDS_OPEN_MAX];
    *mine = (struct command){
        .number = command->number,
        .kind = command->body_case,
        .name = command->body_case == PB__COMMAND__BODY_RUN_CASE ? memory_string(command->run_case->name) : NULL,
        .timeout_ms = timeout_of(commands->initialize, command),
    };
    commands->last_number = command->number;
    if (commands->count == 1)
        begin_first(commands);
    return 0;
}

const struct command *commands_first(const struct commands *commands)
{
    return commands->count > 0 ? &commands->open[commands->first] : NULL;
}

static struct command *at(const struct commands *commands, size_t index)
{
    return (struct command *)(uintptr_t)&commands->open[(commands->first + index) % COMMANDS_OPEN_MAX];
}

// Numbers are given without gaps, but answers may leave some.
static size_t index_of(const struct commands *commands, uint32_t number)
{
    for (size_t i = 0; i < commands->count; i++)
        if (at(commands, i)->number == number)
            return i;
    return commands->count;
}

const struct command *commands_find(const struct commands *commands, uint32_t number)
{
    size_t index = index_of(commands, number);
    return index < commands->count ? at(commands, index) : NULL;
}

void commands_answered(struct commands *commands, uint32_t number)
{
    size_t index = index_of(commands, number);
    INVARIANT(index < commands->count);
    free(at(commands, index)->name);
    for (size_t i = index; i > 0; i--)
        *at(commands, i) = *at(commands, i - 1);
    commands->first = (commands->first + 1) % COMMANDS_OPEN_MAX;
    commands->count--;
    if (index == 0)
        begin_first(commands);
}

uint32_t commands_last_number(const struct commands *commands)
{
    return commands->last_number;
}

void commands_hurry(struct commands *commands)
{
    uint64_t given_ms = given_or(commands->initialize->stop_ms, PHASE_DEFAULT_MS) + (uint64_t)OVERDUE_GRACE_MS;
    uint64_t due_ns = clock_boottime_ns() + given_ms * NANOSECONDS_PER_MS;
    if (commands->due_ns > due_ns)
        set_due(commands, due_ns);
}

void commands_hold(struct commands *commands, bool on)
{
    if (on)
        set_due(commands, 0);
    else
        begin_first(commands);
}

const char *command_phase(const struct command *command)
{
    switch (command ? command->kind : PB__COMMAND__BODY__NOT_SET) {
    case PB__COMMAND__BODY_INITIALIZE:
        return "initialize";
    case PB__COMMAND__BODY_START:
        return "start";
    case PB__COMMAND__BODY_RUN_CASE:
        return "run_case";
    case PB__COMMAND__BODY_EXECUTE:
        return "execute";
    case PB__COMMAND__BODY_STOP:
        return "stop";
    case PB__COMMAND__BODY_CLEANUP:
        return "cleanup";
    case PB__COMMAND__BODY_FAULT:
        return "fault";
    case PB__COMMAND__BODY_RUN:
        return "run";
    default:
        return "";
    }
}

void commands_free(struct commands **pointer)
{
    struct commands *commands = *pointer;
    if (!commands)
        return;
    for (size_t i = 0; i < commands->count; i++)
        free(at(commands, i)->name);
    loop_remove(&commands->timer);
    free(commands);
    *pointer = NULL;
}
