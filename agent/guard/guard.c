// From begin to end: takes the folder, starts the host, runs the loop.
#include "agent/guard/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/guard/cgroup.h"
#include "agent/guard/enter_network.h"
#include "agent/guard/network_file.h"
#include "agent/guard/sent_program.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/process.h"
#include "common/wire/wire.h"

#define SPEC_MAX_BYTES CONTROL_FRAME_MAX_BYTES
#define GRACE_DEFAULT_MS 2000
// TERM, grace, KILL and the sweep must fit into what the coordinator waits after a lease.
#define GRACE_MAX_MS (KILL_LADDER_MS - 1500)
// Copies of output that the host has not read: beyond, its processes feel it.
#define HOST_QUEUE_MAX_BYTES (1024 * 1024)

static const char *const state_names[] = {"serving", "hostless", "ending", "ended"};
static const uint32_t state_next[] = {
    [GUARD_SERVING] = LIFECYCLE_TO(GUARD_HOSTLESS) | LIFECYCLE_TO(GUARD_ENDING),
    [GUARD_HOSTLESS] = LIFECYCLE_TO(GUARD_ENDING),
    [GUARD_ENDING] = LIFECYCLE_TO(GUARD_ENDED),
    [GUARD_ENDED] = 0,
};
const struct lifecycle guard_lifecycle = {
    .noun = "guard", .count = 4, .names = state_names, .next = state_next, .final = LIFECYCLE_TO(GUARD_ENDED)};

bool guard_has_host(const struct guard *guard)
{
    return guard->state == GUARD_SERVING;
}

uint32_t guard_grace_ms(const struct guard *guard)
{
    uint32_t stop_ms = guard->spec->initialize->stop_ms;
    if (stop_ms == 0)
        return GRACE_DEFAULT_MS;
    return stop_ms < GRACE_MAX_MS ? stop_ms : GRACE_MAX_MS;
}

uint32_t guard_stop_grace_ms(const struct guard *guard)
{
    uint32_t stop_ms = guard->spec->initialize->stop_ms;
    return guard->execution && stop_ms > 0 ? stop_ms : guard_grace_ms(guard);
}

// ---- what the agent says

static void fill_state(void *context, Pb__GuardState *state)
{
    const struct guard *guard = context;
    state->instance = guard->spec->instance;
    state->generation = guard->spec->generation;
    state->last_command = commands_last_number(guard->commands);
    state->spool_bytes = events_bytes(guard->events);
    state->lease_expires_ns = lease_expires_ns(guard->lease);
}

static void agent_received(void *context, const Pb__GuardRequest *request)
{
    struct guard *guard = context;
    switch (request->body_case) {
    case PB__GUARD_REQUEST__BODY_COMMAND:
        guard_take_command(guard, request->command);
        break;
    case PB__GUARD_REQUEST__BODY_CASES:
        guard_take_cases(guard, request->cases);
        break;
    case PB__GUARD_REQUEST__BODY_LEASE:
        lease_extend(guard->lease, request->lease->expires_ns);
        break;
    case PB__GUARD_REQUEST__BODY_DISCARD:
        guard_end(guard, PB__END_CAUSE__END_CAUSE_CLEANED, request->discard->why);
        break;
    case PB__GUARD_REQUEST__BODY_SHELL:
        shells_turn(guard->shells, request->shell);
        break;
    case PB__GUARD_REQUEST__BODY_STATUS:
        guard_ask_status(guard);
        break;
    default:
        break; // acknowledged: the spool of one instance is kept whole until its folder goes
    }
}

static void shell_answers(void *context, Pb__ShellAnswer *answer)
{
    const struct guard *guard = context;
    agent_link_shell(guard->agent, answer);
}

static void spool_grown(void *context, uint64_t bytes, uint64_t sequence)
{
    struct guard *guard = context;
    if (guard->agent)
        agent_link_spool_grown(guard->agent, bytes, sequence);
}

static void spool_failed(void *context, const struct panther_error *error)
{
    guard_abandon(context, error->message);
}

// ---- what the system says

static void child_ended(void *context, int signal_number)
{
    (void)signal_number;
    guard_reap(context);
}

static void told_to_end(void *context, int signal_number)
{
    char text[64];
    snprintf(text, sizeof text, "panther-guard was told to end by SIG%s", sigabbrev_np(signal_number));
    guard_end(context, PB__END_CAUSE__END_CAUSE_GUARD_LOST, text);
}

static void lease_ended(void *context)
{
    guard_end(context, PB__END_CAUSE__END_CAUSE_LEASE, "the lease ran out");
}

// Runs before the events of the round are synced, so that what it adds goes with them.
static int after_round(void *context)
{
    struct guard *guard = context;
    bool choked = events_are_choked(guard->events);
    streams_pause(guard->streams, choked);
    streams_pause_copies(guard->streams, host_link_queued_bytes(guard->host) > HOST_QUEUE_MAX_BYTES);
    host_link_pause(guard->host, choked);
    bool more = guard->state < GUARD_ENDING && guard_flow(guard);
    if (guard_has_host(guard))
        guard_watch_case(guard);
    return guard->state == GUARD_ENDING ? guard_ending(guard) : more;
}

// ---- begin

static int read_spec(struct guard *guard, struct panther_error *error)
{
    CLEANUP_FREE char *data = NULL;
    size_t bytes;
    int problem = file_read("spec", SPEC_MAX_BYTES, &data, &bytes, error);
    if (problem < 0)
        return problem;
    guard->spec = wire_guard_spec(data, bytes, guard->arena, error);
    if (!guard->spec)
        return error ? error->code : PANTHER_EPROTOCOL;
    if (!*guard->spec->work_path) {
        CLEANUP_FREE char *here = get_current_dir_name();
        guard->spec->work_path = arena_printf(guard->arena, "%s/work", here);
    }
    char boot[BOOT_ID_BYTES];
    boot_id(boot);
    if (*guard->spec->boot_id && strcmp(guard->spec->boot_id, boot) != 0)
        return error_set(error, PANTHER_ESTATE, "the host was rebooted since this instance was made");
    return 0;
}

// A folder is for one guard, ever: a second one would be a second live generation.
static int take_folder(const char *folder, struct panther_error *error)
{
    int lock_fd; // held until the process ends
    if (chdir(folder) < 0)
        return error_system(error, errno, "cannot enter %s", folder);
    int problem = folder_lock(".", &lock_fd, error);
    if (problem < 0)
        return problem;
    if (file_exists("guard.pid") || file_exists("spool") || file_exists("exit"))
        return error_set(error, PANTHER_EEXISTS, "a guard has run in %s before", folder);
    return 0;
}

static int write_identity(struct panther_error *error)
{
    char boot[BOOT_ID_BYTES], text[128];
    uint64_t ticks = 0;
    boot_id(boot);
    process_start_time(getpid(), &ticks);
    int length = snprintf(text, sizeof text, "%d\n%llu\n%s\n", (int)getpid(), (unsigned long long)ticks, boot);
    return file_write_atomic("guard.pid", text, (size_t)length, 0600, error);
}

static int make_folders(const struct guard *guard, struct panther_error *error)
{
    int problem = folder_make("streams", 0700, error);
    return problem < 0 ? problem : folder_make(guard->spec->work_path, 0755, error);
}

static void become_reaper(struct guard *guard)
{
    static const int ending_signals[] = {SIGTERM, SIGINT};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    loop_signal(guard->loop, SIGCHLD, child_ended, guard);
    for (size_t i = 0; i < sizeof ending_signals / sizeof *ending_signals; i++)
        loop_signal(guard->loop, ending_signals[i], told_to_end, guard);
}

static void choose_cgroup(struct guard *guard)
{
    const char *wanted = guard->spec->cgroup;
    guard->cgroup = cgroup_make(wanted) ? wanted : "";
    if (*wanted && !*guard->cgroup)
        events_note(guard->events, "the cgroup %s could not be made: processes are found by group and marker", wanted);
}

static void open_parts(struct guard *guard)
{
    const Pb__GuardSpec *spec = guard->spec;
    choose_cgroup(guard);
    guard->commands = commands_new(guard->loop, spec->initialize, guard_host_overdue, guard);
    guard->artifacts = artifacts_new(guard->events, spec->work_path, spec->reserve_bytes);
    guard->ports = ports_new(spec->address, spec->port_first, spec->port_count);
    guard->lease = lease_new(guard->loop, spec->lease_expires_ns, lease_ended, guard);
    guard->case_timer = loop_timer(guard->loop, guard_case_shows, guard);
}

static int open_observation(struct guard *guard, struct panther_error *error)
{
    struct panther_error rules_error;
    int problem = events_open(&guard->events, guard->loop, guard->spec, "spool", spool_grown, spool_failed, guard, error);
    if (problem < 0)
        return problem;
    problem = streams_new(&guard->streams, guard->loop, guard->events, guard->spec, &guard_streams_callbacks, guard, &rules_error);
    if (problem < 0) {
        // An assertion that cannot be checked must not look as if it held: the instance does not start.
        guard->spec->initialize->n_output_rules = 0;
        problem = streams_new(&guard->streams, guard->loop, guard->events, guard->spec, &guard_streams_callbacks, guard, error);
        guard->death.text = arena_string(guard->arena, rules_error.message);
    }
    return problem;
}

static int listen_for_agents(struct guard *guard, struct panther_error *error)
{
    static const struct agent_link_callbacks callbacks = {fill_state, agent_received};
    int problem = write_identity(error);
    if (problem == 0)
        problem = agent_link_listen(&guard->agent, guard->loop, "guard.sock", guard->streams, &callbacks, guard, error);
    return problem;
}

// Command 1 is the Initialize of the specification: nobody sends it.
static void start_host(struct guard *guard)
{
    struct panther_error error;
    Pb__Command first;
    pb__command__init(&first);
    first.number = 1;
    first.body_case = PB__COMMAND__BODY_INITIALIZE;
    first.initialize = guard->spec->initialize;
    commands_take(guard->commands, &first, NULL);
    guard->plugin_log = stream_open(guard->streams, "plugin.log", 0);
    if (guard->death.text)
        guard_host_could_not_start(guard, guard->death.text);
    else if (clock_boottime_ns() >= guard->spec->lease_expires_ns) // a full disk kept the intent waiting: nothing may begin to live now
        guard_host_could_not_start(guard, "its lease had run out before it was started");
    else if (network_file_write(guard->spec, &error) < 0)
        guard_host_could_not_start(guard, error.message);
    else if (sent_program_place(guard->spec, &error) < 0)
        guard_host_could_not_start(guard, error.message);
    else if (host_link_start(&guard->host, guard->loop, guard->streams, guard->spec, guard->marker, guard->cgroup, &guard_host_callbacks,
                             guard, &error) < 0)
        guard_host_could_not_start(guard, error.message);
    else
        guard_host_started(guard);
}

// What the agent gave us, else our own: the agent's also names the host, so that agents that share a machine never sweep away each
// other's processes.
static const char *choose_marker(const struct guard *guard)
{
    char *own = arena_printf(guard->arena, "PANTHER_INSTANCE=%llu.%u", (unsigned long long)guard->spec->instance, guard->spec->generation);
    const char *given = getenv("PANTHER_INSTANCE");
    const char *id = strchr(own, '=') + 1;
    bool is_ours = given && strncmp(given, id, strlen(id)) == 0 && given[strlen(id)] == '@';
    return is_ours ? arena_printf(guard->arena, "PANTHER_INSTANCE=%s", given) : own;
}

int guard_open(struct guard **out, const char *folder, struct panther_error *error)
{
    struct guard *guard = NEW(struct guard);
    guard->arena = arena_new(0);
    guard->message_arena = arena_new(UNPACK_MAX_BYTES);
    guard->loop = loop_new();
    loop_after_round(guard->loop, after_round, guard);
    int problem = take_folder(folder, error);
    if (problem == 0)
        problem = read_spec(guard, error);
    struct panther_error no_network;
    bool is_placed = problem < 0 || network_enter(guard->spec, &no_network) == 0;
    if (problem == 0)
        problem = make_folders(guard, error);
    if (problem == 0)
        problem = open_observation(guard, error);
    if (problem == 0 && !is_placed)
        guard->death.text = arena_string(guard->arena, no_network.message);
    if (problem < 0) {
        guard_close(&guard);
        return problem;
    }
    guard->marker = choose_marker(guard);
    become_reaper(guard);
    open_parts(guard);
    guard->processes = processes_new(guard->loop, guard->events, guard->streams, guard->spec->work_path, guard->marker, guard->cgroup,
                                     &guard_processes_callbacks, guard);
    guard_open_execution(guard);
    guard->faults = faults_new(guard->loop, guard->events, guard->processes, guard->spec->work_path, guard->cgroup, guard->marker);
    guard->beside = beside_new(guard->loop, guard->events, guard->processes);
    const struct shells_place place = {.loop = guard->loop,
                                       .events = guard->events,
                                       .streams = guard->streams,
                                       .processes = guard->processes,
                                       .work = guard->spec->work_path,
                                       .marker = guard->marker,
                                       .cgroup = guard->cgroup};
    guard->shells = shells_new(&place, shell_answers, guard);
    problem = listen_for_agents(guard, error);
    if (problem < 0) {
        guard_close(&guard);
        return problem;
    }
    start_host(guard);
    *out = guard;
    return 0;
}

int guard_run(struct guard *guard)
{
    return loop_run(guard->loop);
}

void guard_close(struct guard **pointer)
{
    struct guard *guard = *pointer;
    if (!guard)
        return;
    host_link_free(&guard->host);
    agent_link_close(&guard->agent);
    shells_free(&guard->shells);
    beside_free(&guard->beside);
    faults_free(&guard->faults);
    processes_free(&guard->processes);
    execution_free(&guard->execution);
    artifacts_free(&guard->artifacts);
    ports_free(&guard->ports);
    lease_free(&guard->lease);
    commands_free(&guard->commands);
    streams_free(&guard->streams);
    events_close(&guard->events);
    loop_free(&guard->loop);
    arena_free(&guard->message_arena);
    arena_free(&guard->arena);
    message_free(guard->stopped);
    free(guard->cause_text);
    free(guard);
    *pointer = NULL;
}
