// Processes that end, the plugin's death, the lease, the kill ladder, and the guard's own end. See guard.h.
#include <string.h>

#include "common/base/limits.h"
#include "common/wire/wire.h"
#include "tests/simulation/guard_inside.h"

#define SIGKILL_NUMBER 9
#define SIGSEGV_NUMBER 11
#define GRACE_MAX_MS (KILL_LADDER_MS - 1500) // as agent/guard has it
#define PLUGIN_LEAVES_MOST_US 1000000

static const char DEATH[] = "the plugin host died";

// ---- processes

bool guard_any_process(const struct guard *guard)
{
    for (size_t i = 0; i < guard->process_count; i++)
        if (guard->processes[i].lives)
            return true;
    return false;
}

static void crash_is_due(void *context)
{
    struct process *process = context;
    if (process->guard->stage == GUARD_SERVING && process->lives)
        guard_process_dies(process->guard);
}

struct process *guard_start_process(struct guard *guard, const char *name, bool finishes)
{
    struct world *world = guard->world;
    if (guard->process_count == GUARD_PROCESSES_MAX)
        return NULL;
    struct process *process = &guard->processes[guard->process_count++];
    *process = (struct process){.guard = guard, .number = (uint32_t)guard->process_count, .name = name, .lives = true};
    process->expectation = finishes ? PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED : PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED;
    process->end = (struct timer){.call = guard_process_is_over, .context = process};
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_PROCESS_STARTED);
    event->process_started = ARENA_NEW(world->arena, Pb__ProcessStarted);
    pb__process_started__init(event->process_started);
    event->process_started->process = process->number;
    event->process_started->pid = 1000 + process->number;
    event->process_started->name = arena_string(world->arena, name);
    guard_say(guard, event);
    if (!finishes && faults_strike(world, RARITY_PROCESS_CRASH))
        agenda_add(&world->agenda, world->now_ns + dice_between(&world->dice.work, 0, 3 * NS_PER_S), crash_is_due, process);
    return process;
}

static void end_stream(struct guard *guard, const struct process *process, const char *suffix)
{
    struct arena *arena = guard->world->arena;
    char hash[HASH_TEXT_BYTES];
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_STREAM_END);
    Pb__StreamEnd *end = event->stream_end = ARENA_NEW(arena, Pb__StreamEnd);
    pb__stream_end__init(end);
    end->stream = process->number > 1 ? arena_printf(arena, "%s.%u.%s", process->name, process->number, suffix)
                                      : arena_printf(arena, "%s.%s", process->name, suffix);
    hash_bytes(end->stream, strlen(end->stream), hash);
    end->hash = arena_string(arena, hash);
    end->length_bytes = 1000;
    if (faults_strike(guard->world, RARITY_STREAM_DROPPED)) {
        end->dropped_bytes = 500;
        guard->has_dropped = true;
    }
    guard_say(guard, event);
}

static void report_exit(struct guard *guard, const struct process *process)
{
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_PROCESS_EXITED);
    Pb__ProcessExited *exited = event->process_exited = ARENA_NEW(guard->world->arena, Pb__ProcessExited);
    pb__process_exited__init(exited);
    exited->process = process->number;
    exited->name = arena_string(guard->world->arena, process->name);
    exited->signal = process->signal;
    exited->status = process->signal ? -1 : process->fails ? 3 : 0;
    exited->expectation = process->expectation;
    bool by_fault = process->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FAULT;
    exited->clean = by_fault || (!process->signal && !process->fails);
    if (!exited->clean)
        guard->has_unclean_exit = true;
    if (process->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED) {
        guard->has_crashed = true;
        guard_spoil(guard, "a process died");
    }
    guard_say(guard, event);
}

static void match_output(struct guard *guard, const Pb__OutputRule *rule)
{
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_OUTPUT_MATCH);
    event->output_match = ARENA_NEW(guard->world->arena, Pb__OutputMatch);
    pb__output_match__init(event->output_match);
    event->output_match->rule = rule->id;
    event->output_match->stream = arena_string(guard->world->arena, "srv.stderr");
    event->output_match->line = arena_string(guard->world->arena, "AddressSanitizer: heap-use-after-free");
    event->output_match->count = guard->match_count;
    guard_say(guard, event);
}

// The first match of a rule is told; of a rule that a window asks, every one.
void guard_prints_pattern(struct guard *guard)
{
    const Pb__Initialize *initialize = guard->spec->initialize;
    if (guard->match_count == GUARD_MATCHES_MAX)
        return;
    guard->matches_ns[guard->match_count++] = guard->world->now_ns;
    for (size_t i = 0; i < initialize->n_output_rules; i++)
        if (initialize->output_rules[i]->every || !guard->has_found_pattern)
            match_output(guard, initialize->output_rules[i]);
    guard->has_found_pattern = true;
}

void guard_process_is_over(void *context)
{
    struct process *process = context;
    struct guard *guard = process->guard;
    if (!process->lives)
        return;
    process->lives = false;
    agenda_stop(&process->end);
    if (!guard_runs(guard))
        return;
    if (process->signal == SIGSEGV_NUMBER)
        guard_prints_pattern(guard);
    end_stream(guard, process, "stdout");
    end_stream(guard, process, "stderr");
    report_exit(guard, process);
    if (process->errand)
        guard_errand_is_over(guard, process);
    if (guard->stage == GUARD_ENDING)
        guard_plugin_is_gone(guard);
    else
        guard_flow(guard);
}

void guard_process_dies(struct guard *guard)
{
    for (size_t i = 0; i < guard->process_count; i++) {
        struct process *process = &guard->processes[i];
        if (!process->lives || process->errand || timer_is_set(&process->end))
            continue;
        process->signal = SIGSEGV_NUMBER;
        guard_process_is_over(process);
        return;
    }
}

// The ladder: TERM, and KILL to what is left after the grace.
void guard_stop_processes(struct guard *guard)
{
    struct world *world = guard->world;
    uint32_t stop_ms = guard->spec->initialize->stop_ms;
    uint64_t grace_ns = (stop_ms < GRACE_MAX_MS ? stop_ms : GRACE_MAX_MS) * NS_PER_MS;
    for (size_t i = 0; i < guard->process_count; i++) {
        struct process *process = &guard->processes[i];
        if (!process->lives || timer_is_set(&process->end))
            continue;
        process->expectation = PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED;
        uint64_t takes_ns = world_delay_ns(&world->dice.work, world->pace.work_least_us, world->pace.work_most_us);
        if (faults_strike(world, RARITY_PROCESS_LATE_EXIT))
            takes_ns = dice_between(&world->dice.work, 0, 2 * grace_ns);
        if (takes_ns >= grace_ns) {
            takes_ns = grace_ns;
            process->signal = SIGKILL_NUMBER;
        }
        agenda_set(&world->agenda, &process->end, world->now_ns + takes_ns);
    }
}

// ---- the plugin

void guard_plugin_dies(struct guard *guard, int signal)
{
    if (guard->stage != GUARD_SERVING)
        return;
    const char *phase = guard_phase(guard);
    guard->plugin_lives = false;
    guard->has_crashed = true;
    guard->stage = GUARD_HOSTLESS;
    guard->death_signal = signal;
    guard->death_text = DEATH;
    guard->is_at_work = false;
    agenda_stop(&guard->work);
    guard_spoil(guard, DEATH);
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_HOST_DIED);
    event->host_died = ARENA_NEW(guard->world->arena, Pb__HostDied);
    pb__host_died__init(event->host_died);
    event->host_died->status = -1;
    event->host_died->signal = signal;
    event->host_died->phase = arena_string(guard->world->arena, phase);
    event->host_died->hung = guard->hung;
    guard_say(guard, event);
    guard_stop_processes(guard);
    guard_flow(guard);
}

// ---- the end

void guard_lease_is_over(void *context)
{
    struct guard *guard = context;
    if (guard->stage >= GUARD_ENDING || guard->stage == GUARD_STARTING)
        return;
    world_saw(guard->world, RARITY_LEASE_ENDED);
    guard_spoil(guard, "its lease ran out");
    guard_end(guard, PB__END_CAUSE__END_CAUSE_LEASE, "the lease ran out");
}

void guard_end(struct guard *guard, Pb__EndCause cause, const char *text)
{
    struct world *world = guard->world;
    if (guard->stage >= GUARD_ENDING)
        return;
    bool in_order = guard->open_count == 0 && cause == PB__END_CAUSE__END_CAUSE_CLEANED && !guard->is_discarded;
    if (!in_order)
        guard_spoil(guard, "it was ended");
    guard->stage = GUARD_ENDING;
    guard->cause = cause;
    guard->cause_text = text;
    agenda_stop(&guard->work);
    guard_close_beside(guard, text);
    guard_stop_processes(guard);
    uint32_t most_us = in_order ? world->pace.work_most_us : PLUGIN_LEAVES_MOST_US;
    agenda_set(&world->agenda, &guard->plugin_end, world->now_ns + world_delay_ns(&world->dice.work, world->pace.work_least_us, most_us));
}

// The last words, once nothing lives.
void guard_plugin_is_gone(void *context)
{
    struct guard *guard = context;
    if (guard->stage != GUARD_ENDING)
        return;
    if (!timer_is_set(&guard->plugin_end))
        guard->plugin_lives = false;
    if (guard_anything_lives(guard) || guard->has_said_end || timer_is_set(&guard->plugin_end))
        return;
    guard->has_said_end = true;
    Pb__Event *event = guard_event(guard, PB__EVENT__BODY_INSTANCE_ENDED);
    event->instance_ended = ARENA_NEW(guard->world->arena, Pb__InstanceEnded);
    pb__instance_ended__init(event->instance_ended);
    event->instance_ended->cause = guard->cause;
    event->instance_ended->text = arena_string(guard->world->arena, guard->cause_text);
    guard_say(guard, event);
}

void guard_go_if_synced(struct guard *guard)
{
    if (guard->stage != GUARD_ENDING || !guard->has_said_end || guard->synced < guard->spool_count)
        return;
    guard->stage = GUARD_ENDED;
    agenda_stop(&guard->lease);
    agent_guard_ended(guard->host, guard, "its guard ended with status 0");
}

static void stop_timers(struct guard *guard)
{
    agenda_stop(&guard->lease);
    agenda_stop(&guard->work);
    agenda_stop(&guard->sync);
    agenda_stop(&guard->start);
    agenda_stop(&guard->plugin_end);
    guard_stop_beside(guard);
    for (size_t i = 0; i < guard->process_count; i++)
        agenda_stop(&guard->processes[i].end);
}

static void all_die(struct guard *guard)
{
    guard->plugin_lives = false;
    for (size_t i = 0; i < guard->process_count; i++)
        guard->processes[i].lives = false;
}

// What it wrote is in the page cache and stays, what it could not write goes; its children die with it, save one that got away.
void guard_kill(struct guard *guard)
{
    if (!guard_runs(guard))
        return;
    TRACE(guard->world, guard_name(guard), "is killed");
    guard_loses_memory(guard);
    if (!guard->has_said_end)
        guard_spoil(guard, "its guard was killed");
    guard->stage = GUARD_KILLED;
    guard->killed_ns = guard->world->now_ns;
    stop_timers(guard);
    bool one_got_away =
        guard->has_folder && guard->process_count > 0 && guard->processes[0].lives && dice_chance(&guard->world->dice.work, 300);
    all_die(guard);
    if (one_got_away)
        guard->processes[0].lives = true;
    agent_guard_ended(guard->host, guard, "its guard was killed by signal 9");
}

uint32_t guard_sweep(struct guard *guard)
{
    uint32_t killed = guard->plugin_lives;
    for (size_t i = 0; i < guard->process_count; i++)
        killed += guard->processes[i].lives;
    if (killed || (guard_runs(guard) && !guard->has_said_end))
        guard_spoil(guard, "it was swept");
    if (killed)
        world_saw(guard->world, RARITY_SWEPT);
    if (guard_runs(guard))
        guard->stage = GUARD_KILLED;
    stop_timers(guard);
    all_die(guard);
    return killed;
}

void guard_power_off(struct guard *guard)
{
    if ((guard_runs(guard) && !guard->has_said_end) || guard_anything_lives(guard))
        guard_spoil(guard, "its host was rebooted");
    if (guard_runs(guard))
        guard->stage = GUARD_KILLED;
    stop_timers(guard);
    all_die(guard);
    guard_loses_power(guard);
}
