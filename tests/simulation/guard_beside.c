// What a timeline does beside the plugin's calls: faults that hold until they are taken back, commands that run beside the service.
// agent/guard/faults.c and beside.c are the real ones. See guard.h.
#include <string.h>

#include "tests/simulation/guard_inside.h"

#define SIGKILL_NUMBER 9
// How much of an id is its name: "case 3" takes the place of "case 2" (agent/guard/faults.c).
#define KEY_END ' '

static char *text_of(const struct guard *guard, const char *text)
{
    return arena_string(guard->world->arena, text);
}

static void answer(struct guard *guard, uint32_t number, const char *phase, Pb__CommandStatus status, const char *text)
{
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_COMMAND_DONE);
    Pb__CommandDone *done = event->command_done = ARENA_NEW(guard->world->arena, Pb__CommandDone);
    pb__command_done__init(done);
    done->number = number;
    done->status = status;
    done->phase = text_of(guard, phase);
    done->text = text_of(guard, text);
    if (status != PB__COMMAND_STATUS__COMMAND_STATUS_OK)
        guard_spoil(guard, "what the timeline wanted could not be done");
    guard_say(guard, event);
}

// ---- faults

static void fault_ends(struct held_fault *fault, const char *why)
{
    struct guard *guard = fault->guard;
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_FAULT_ENDED);
    Pb__FaultEnded *ended = event->fault_ended = ARENA_NEW(guard->world->arena, Pb__FaultEnded);
    pb__fault_ended__init(ended);
    ended->number = fault->number;
    ended->id = text_of(guard, fault->id);
    ended->text = text_of(guard, why);
    fault->number = 0;
    agenda_stop(&fault->end);
    guard_say(guard, event);
}

static void fault_is_over(void *context)
{
    struct held_fault *fault = context;
    if (fault->number && guard_runs(fault->guard))
        fault_ends(fault, "");
}

static bool is_same_key(const char *left, const char *right)
{
    size_t bytes = strcspn(left, (const char[]){KEY_END, '\0'});
    return strcspn(right, (const char[]){KEY_END, '\0'}) == bytes && strncmp(left, right, bytes) == 0;
}

static struct held_fault *free_fault(struct guard *guard, const char *id)
{
    struct held_fault *found = NULL;
    for (size_t i = 0; i < GUARD_FAULTS_MAX; i++) {
        struct held_fault *fault = &guard->faults[i];
        if (fault->number && is_same_key(fault->id, id))
            fault_ends(fault, "another took its place");
        if (!fault->number && !found)
            found = fault;
    }
    return found;
}

static size_t kill_all(struct guard *guard)
{
    size_t count = 0;
    for (size_t i = 0; i < guard->process_count; i++) {
        struct process *process = &guard->processes[i];
        if (!process->lives || process->errand || timer_is_set(&process->end))
            continue;
        process->signal = SIGKILL_NUMBER;
        process->expectation = PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FAULT;
        count++;
    }
    return count;
}

static void struck_die(struct guard *guard)
{
    for (size_t i = 0; i < guard->process_count; i++) {
        struct process *process = &guard->processes[i];
        if (process->lives && process->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FAULT)
            guard_process_is_over(process);
    }
}

// NULL, or why it cannot be done.
static const char *strike(struct guard *guard, const Pb__Fault *request)
{
    if (faults_strike(guard->world, RARITY_FAULT_FAILS))
        return "the kernel has no such thing";
    if (strcmp(request->kind, "kill") == 0)
        return kill_all(guard) ? NULL : "none of its programs runs";
    if (strcmp(request->kind, "pause") == 0)
        return guard_any_process(guard) ? NULL : "none of its programs runs";
    return NULL;
}

static void say_began(struct guard *guard, const Pb__Command *command)
{
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_FAULT_BEGAN);
    Pb__FaultBegan *began = event->fault_began = ARENA_NEW(guard->world->arena, Pb__FaultBegan);
    pb__fault_began__init(began);
    began->number = command->number;
    began->id = text_of(guard, command->fault->id);
    began->kind = text_of(guard, command->fault->kind);
    guard_say(guard, event);
}

static void note_conditions(struct guard *guard, const Pb__Fault *request)
{
    bool is_of_case = is_same_key(request->id, "case");
    if (!is_of_case)
        return;
    bool any = request->n_links && request->links[0]->n_conditions && request->links[0]->conditions[0]->n_values;
    guard->case_delay = any ? text_of(guard, request->links[0]->conditions[0]->values[0]) : NULL;
}

static void begin_fault(struct guard *guard, const Pb__Command *command)
{
    const Pb__Fault *request = command->fault;
    struct held_fault *fault = guard->is_beside_closed ? NULL : free_fault(guard, request->id);
    const char *problem = !fault ? "the instance is stopped" : strike(guard, request);
    if (problem) {
        answer(guard, command->number, "fault", PB__COMMAND_STATUS__COMMAND_STATUS_FAILED, problem);
        return;
    }
    world_saw(guard->world, RARITY_FAULT_HELD);
    note_conditions(guard, request);
    *fault = (struct held_fault){.guard = guard, .number = command->number, .id = text_of(guard, request->id)};
    fault->end = (struct timer){.call = fault_is_over, .context = fault};
    say_began(guard, command);
    answer(guard, command->number, "fault", PB__COMMAND_STATUS__COMMAND_STATUS_OK, "");
    struck_die(guard);
    if (strcmp(request->kind, "kill") == 0)
        fault_ends(fault, "");
    else if (request->for_ms)
        agenda_set(&guard->world->agenda, &fault->end, guard->world->now_ns + request->for_ms * NS_PER_MS);
}

// ---- commands

static void run_is_due(void *context)
{
    struct process *process = context;
    if (process->lives && guard_runs(process->guard))
        guard_process_is_over(process);
}

static void begin_run(struct guard *guard, const Pb__Command *command)
{
    struct world *world = guard->world;
    if (guard->is_beside_closed) {
        answer(guard, command->number, "run", PB__COMMAND_STATUS__COMMAND_STATUS_REFUSED, "the instance is stopped");
        return;
    }
    struct process *process = guard_start_process(guard, "run", true);
    if (!process) {
        answer(guard, command->number, "run", PB__COMMAND_STATUS__COMMAND_STATUS_FAILED, "too many run already");
        return;
    }
    process->errand = command->number;
    process->fails = faults_strike(world, RARITY_RUN_FAILS);
    agenda_add(&world->agenda, world->now_ns + world_delay_ns(&world->dice.work, world->pace.work_least_us, world->pace.work_most_us),
               run_is_due, process);
}

void guard_errand_is_over(struct guard *guard, struct process *process)
{
    bool is_well = !process->fails && process->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED;
    uint32_t number = process->errand;
    process->errand = 0;
    answer(guard, number, "run", is_well ? PB__COMMAND_STATUS__COMMAND_STATUS_OK : PB__COMMAND_STATUS__COMMAND_STATUS_FAILED,
           is_well ? "" : "exit status 3");
}

// ---- both

void guard_begin_beside(struct guard *guard, const Pb__Command *command)
{
    if (command->body_case == PB__COMMAND__BODY_FAULT)
        begin_fault(guard, command);
    else
        begin_run(guard, command);
}

// From here on nothing begins, and what holds is taken back.
void guard_close_beside(struct guard *guard, const char *why)
{
    if (guard->is_beside_closed)
        return;
    guard->is_beside_closed = true;
    for (size_t i = 0; i < GUARD_FAULTS_MAX; i++)
        if (guard->faults[i].number)
            fault_ends(&guard->faults[i], why);
}

void guard_stop_beside(struct guard *guard)
{
    for (size_t i = 0; i < GUARD_FAULTS_MAX; i++)
        agenda_stop(&guard->faults[i].end);
}
