// See processes.h. All children are reaped in one place (guard.c, SIGCHLD); pidfds send signals that cannot reach a stranger.
#include "agent/guard/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/guard/environment.h"
#include "agent/guard/events.h"
#include "agent/guard/streams.h"
#include "agent/guard/trampoline.h"
#include "common/base/identity.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/base/message.h"
#include "common/system/loop.h"

// Alive at once in one instance: a server with helpers, or a tester's clients.
#define PROCESSES_MAX 256
#define DEFAULT_GRACE_MS 2000
// After a process has ended others may still hold its output open. First they may end by themselves, then they are killed, then
// the stream is ended over their heads.
#define DRAIN_MS 500
#define NANOSECONDS_PER_MS 1000000ULL
#define NAME_AND_NUMBER_BYTES (NAME_MAX_BYTES + 16)

enum drain_step { DRAIN_NOT_YET, DRAIN_WAITING, DRAIN_KILLED };

struct process {
    struct processes *all;
    struct process *previous, *next;
    Pb__SpawnRequest *request; // a copy
    uint32_t number;
    char stem[NAME_AND_NUMBER_BYTES]; // of its streams: "nginx", "nginx.2"
    pid_t pid;
    int pidfd, status_fd, stdout_fd, stderr_fd;
    struct loop_source *status_source, *timer;
    struct stream *streams[2]; // NULL: not open yet, or at its end
    char *tails[2];            // stdout's, stderr's
    bool running;              // the program runs (else the trampoline still does)
    bool ended, end_expected, killing;
    enum drain_step drain;
    struct process_end end;
};

struct processes {
    struct loop *loop;
    struct events *events;
    struct streams *streams;
    const char *work, *marker, *cgroup;
    struct processes_callbacks callbacks;
    void *context;
    struct process *first;
    size_t count;
    uint32_t last_number, killed;
    bool ends_expected;
    struct map *names; // name -> how many so far, as a pointer-sized number
};

struct processes *processes_new(struct loop *loop, struct events *events, struct streams *streams, const char *work, const char *marker,
                                const char *cgroup, const struct processes_callbacks *callbacks, void *context)
{
    struct processes *processes = NEW(struct processes);
    *processes = (struct processes){.loop = loop,
                                    .events = events,
                                    .streams = streams,
                                    .work = work,
                                    .marker = marker,
                                    .cgroup = cgroup,
                                    .callbacks = *callbacks,
                                    .context = context,
                                    .names = map_new()};
    return processes;
}

static int stop_signal(const struct process *process)
{
    return process->request->stop_signal > 0 ? process->request->stop_signal : SIGTERM;
}

// ---- end of a process

static void close_if_open(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void free_process(struct process *process)
{
    struct processes *all = process->all;
    if (process->previous)
        process->previous->next = process->next;
    else
        all->first = process->next;
    if (process->next)
        process->next->previous = process->previous;
    all->count--;
    loop_remove(&process->status_source);
    loop_remove(&process->timer);
    close_if_open(&process->status_fd);
    close_if_open(&process->stdout_fd);
    close_if_open(&process->stderr_fd);
    close_if_open(&process->pidfd);
    free(process->tails[0]);
    free(process->tails[1]);
    message_free(process->request);
    free(process);
}

static Pb__ExitExpectation expectation(const struct process *process)
{
    if (process->end_expected || process->all->ends_expected)
        return PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED;
    // A client that was meant to end by itself did not mean to end by a signal.
    if (process->request->finishes && process->end.signal == 0)
        return PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED;
    return PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED;
}

static bool is_clean(const struct process *process, Pb__ExitExpectation expected)
{
    const struct process_end *end = &process->end;
    if (expected == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED)
        return false;
    for (size_t i = 0; i < process->request->n_clean_statuses; i++)
        if (end->signal == 0 && process->request->clean_statuses[i] == end->status)
            return true;
    bool by_stop_signal = end->signal == stop_signal(process) || end->status == 128 + stop_signal(process);
    if (process->request->clean_on_term && expected == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED && by_stop_signal)
        return true;
    return end->signal == 0 && end->status == 0;
}

static void tell_exit(struct process *process)
{
    Pb__ProcessExited exited;
    static char nothing[] = "";
    pb__process_exited__init(&exited);
    char *tails[2] = {process->tails[0] ? process->tails[0] : nothing, process->tails[1] ? process->tails[1] : nothing};
    exited.process = process->number;
    exited.name = process->stem;
    exited.status = process->end.status;
    exited.signal = process->end.signal;
    exited.core_dumped = process->end.core_dumped;
    exited.expectation = expectation(process);
    exited.clean = is_clean(process, exited.expectation);
    exited.tail = *tails[1] ? tails[1] : tails[0];
    exited.user_us = process->end.user_us;
    exited.system_us = process->end.system_us;
    exited.max_rss_bytes = process->end.max_rss_bytes;
    EVENT_ADD(process->all->events, PROCESS_EXITED, process_exited, &exited);
    Pb__HostProcessExited word;
    pb__host_process_exited__init(&word);
    word.process = process->number;
    word.status = process->end.status;
    word.signal = process->end.signal;
    process->all->callbacks.exited(process->all->context, &word);
}

static void finish_if_drained(struct process *process)
{
    struct processes *all = process->all;
    if (!process->ended || process->streams[0] || process->streams[1])
        return;
    if (process->running)
        tell_exit(process);
    free_process(process);
    if (all->count == 0)
        all->callbacks.all_gone(all->context);
}

static void stream_ended(void *context, struct stream *stream)
{
    struct process *process = context;
    int index = process->streams[1] == stream;
    INVARIANT(process->streams[index] == stream);
    process->streams[index] = NULL;
    process->tails[index] = stream_tail(stream);
    finish_if_drained(process);
}

static void set_timer(struct process *process, uint64_t delay_ms)
{
    loop_timer_set(process->timer, clock_boottime_ns() + delay_ms * NANOSECONDS_PER_MS);
}

static void end_streams(struct process *process)
{
    static const char why[] = "its process has ended, others still hold it open";
    struct stream *streams[2] = {process->streams[0], process->streams[1]};
    for (int i = 0; i < 2; i++) // the last one frees the process
        if (streams[i])
            stream_end(streams[i], why);
}

static const char *process_marker(const struct process *process, struct arena *arena)
{
    return arena_printf(arena, "PANTHER_PROCESS=%u", process->number);
}

static bool is_among(pid_t pid, const struct process_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->pids[i] == pid)
            return true;
    return false;
}

size_t leftovers_kill(pid_t group, const char *marker)
{
    struct process_list ours = {0}, marked = {0};
    size_t killed = 0;
    process_descendants(getpid(), &ours);
    if (marker)
        processes_with_environment(marker, &marked);
    for (size_t i = 0; i < ours.count; i++)
        if ((getpgid(ours.pids[i]) == group || is_among(ours.pids[i], &marked)) && kill(ours.pids[i], SIGKILL) == 0)
            killed++;
    process_list_free(&ours);
    process_list_free(&marked);
    return killed;
}

static void kill_leftovers(struct process *process)
{
    struct arena *arena = arena_new(0);
    size_t killed = leftovers_kill(process->pid, process_marker(process, arena));
    arena_free(&arena);
    process->all->killed += (uint32_t)killed;
    if (killed > 0)
        events_note(process->all->events, "%s has ended; %zu processes that it left behind were killed", process->stem, killed);
}

// ---- ladder

static void send_to_group(struct process *process, int signal_number)
{
    // It is our child and not yet reaped, so the number still means its group.
    if (!process->ended && kill(-process->pid, signal_number) < 0)
        errno = 0;
}

static void timer_elapsed(void *context)
{
    struct process *process = context;
    if (!process->ended) {
        process->all->killed++;
        send_to_group(process, SIGKILL);
    } else if (process->drain == DRAIN_WAITING) {
        process->drain = DRAIN_KILLED;
        set_timer(process, DRAIN_MS);
        kill_leftovers(process);
    } else {
        end_streams(process);
    }
}

static void begin_ladder(struct process *process, uint32_t grace_ms)
{
    process->end_expected = true;
    if (process->ended || process->killing)
        return;
    process->killing = true;
    send_to_group(process, stop_signal(process));
    send_to_group(process, SIGCONT); // a stopped process gets its signal only when it goes on
    set_timer(process, grace_ms ? grace_ms : DEFAULT_GRACE_MS);
}

static struct process *find(struct processes *processes, uint32_t number)
{
    for (struct process *process = processes->first; process; process = process->next)
        if (process->number == number)
            return process;
    return NULL;
}

static bool ends_by_default(int signal_number)
{
    return signal_number == SIGKILL || signal_number == SIGTERM || signal_number == SIGINT || signal_number == SIGQUIT;
}

void processes_signal(struct processes *processes, const Pb__SignalRequest *request)
{
    struct process *process = find(processes, request->process);
    if (!process || process->ended)
        return; // it ended while the request was on its way
    if (request->kill_ladder) {
        begin_ladder(process, request->grace_ms);
        return;
    }
    if (ends_by_default(request->signal) || request->signal == stop_signal(process))
        process->end_expected = true;
    if (process_signal(process->pidfd, request->signal) == PANTHER_ESYSTEM)
        events_note(processes->events, "signal %d could not be sent to %s", request->signal, process->stem);
}

void processes_expect_end(struct processes *processes)
{
    processes->ends_expected = true;
}

void processes_stop_all(struct processes *processes, uint32_t grace_ms)
{
    for (struct process *process = processes->first; process; process = process->next)
        begin_ladder(process, grace_ms);
}

bool processes_any(const struct processes *processes)
{
    return processes->first != NULL;
}

uint32_t processes_killed(const struct processes *processes)
{
    return processes->killed;
}

// ---- start

static void answer(struct processes *processes, uint32_t token, const struct process *process, const char *problem)
{
    Pb__SpawnAnswer message;
    CLEANUP_FREE char *text = memory_string(problem ? problem : "");
    pb__spawn_answer__init(&message);
    message.token = token;
    message.problem = text;
    if (process) {
        message.process = process->number;
        message.pid = (uint32_t)process->pid;
    }
    processes->callbacks.spawned(processes->context, &message);
}

static void open_streams(struct process *process)
{
    static const char *const suffixes[2] = {"stdout", "stderr"};
    int *fds[2] = {&process->stdout_fd, &process->stderr_fd};
    for (int i = 0; i < 2; i++) {
        CLEANUP_FREE char *name = memory_printf("%s.%s", process->stem, suffixes[i]);
        process->streams[i] = stream_open(process->all->streams, name, process->number);
        stream_read_from(process->streams[i], *fds[i], process->request->want_output, stream_ended, process);
        *fds[i] = -1;
    }
}

static void tell_start(struct process *process)
{
    Pb__ProcessStarted started;
    pb__process_started__init(&started);
    started.process = process->number;
    started.pid = (uint32_t)process->pid;
    started.n_argv = process->request->n_argv;
    started.argv = process->request->argv;
    started.name = process->stem;
    EVENT_ADD(process->all->events, PROCESS_STARTED, process_started, &started);
}

// Its program runs, or could not be run: then the trampoline ends by itself and nothing is told of it but the answer.
static void look_at_status(struct process *process)
{
    char problem[512];
    int status = trampoline_status(process->status_fd, problem, sizeof problem);
    if (status < 0)
        return;
    loop_remove(&process->status_source);
    close_if_open(&process->status_fd);
    // Killed before it came to its exec: the status pipe ended without a word.
    process->running = status == 0;
    if (!process->running) {
        answer(process->all, process->request->token, NULL, problem);
        return;
    }
    tell_start(process);
    open_streams(process);
    answer(process->all, process->request->token, process, NULL);
}

static void status_ready(void *context, int fd, uint32_t events)
{
    (void)fd, (void)events;
    look_at_status(context);
}

// "nginx", the second time "nginx.2".
static void name_process(struct process *process)
{
    struct map *names = process->all->names;
    const char *name = process->request->name;
    uintptr_t count = (uintptr_t)map_get_text(names, name) + 1;
    map_put_text(names, name, (void *)count);
    CLEANUP_FREE char *stem = count == 1 ? memory_string(name) : memory_printf("%s.%lu", name, (unsigned long)count);
    INVARIANT(strlen(stem) < sizeof process->stem);
    memcpy(process->stem, stem, strlen(stem) + 1);
}

static const char *folder_of(const struct processes *processes, const Pb__SpawnRequest *request, struct arena *arena)
{
    const char *folder = request->working_directory;
    if (!*folder)
        return processes->work;
    return *folder == '/' ? folder : arena_printf(arena, "%s/%s", processes->work, folder);
}

static int start_program(struct process *process, int stdout_fd, int stderr_fd, struct panther_error *error)
{
    const Pb__SpawnRequest *request = process->request;
    struct arena *arena = arena_new(0);
    const char **argv = ARENA_ARRAY(arena, const char *, request->n_argv + 1);
    for (size_t i = 0; i < request->n_argv; i++)
        argv[i] = request->argv[i];
    struct trampoline trampoline = {
        .name = request->name,
        .argv = argv,
        .environment = environment_clean(arena, process->all->work, process->all->marker, process_marker(process, arena),
                                         request->environment, request->n_environment),
        .folder = folder_of(process->all, request, arena),
        .cgroup = process->all->cgroup,
        .channel_fd = -1,
        .stdout_fd = stdout_fd,
        .stderr_fd = stderr_fd,
    };
    int problem = trampoline_spawn(&trampoline, &process->pid, &process->pidfd, &process->status_fd, error);
    arena_free(&arena);
    return problem;
}

static int start_with_pipes(struct process *process, struct panther_error *error)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1}, problem = 0;
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
        problem = error_system(error, errno, "cannot start %s", process->request->name);
    else
        problem = start_program(process, out[1], err[1], error);
    process->stdout_fd = out[0];
    process->stderr_fd = err[0];
    close_if_open(&out[1]);
    close_if_open(&err[1]);
    return problem;
}

static const char *refusal(const struct processes *processes, const Pb__SpawnRequest *request)
{
    if (processes->count == PROCESSES_MAX)
        return "256 processes of this instance live already";
    if (!name_is_valid(request->name) || strcmp(request->name, "plugin") == 0 || strcmp(request->name, "host") == 0)
        return "the process needs a name of its own: a-z, 0-9, '.', '_' and '-'";
    return request->n_argv == 0 ? "there is no program to run" : NULL;
}

static struct process *add_process(struct processes *processes, const Pb__SpawnRequest *request)
{
    struct process *process = NEW(struct process);
    process->all = processes;
    process->request = MESSAGE_COPY(request, NULL);
    process->number = processes->last_number + 1;
    process->pidfd = process->status_fd = process->stdout_fd = process->stderr_fd = -1;
    process->timer = loop_timer(processes->loop, timer_elapsed, process);
    process->next = processes->first;
    if (processes->first)
        processes->first->previous = process;
    processes->first = process;
    processes->count++;
    return process;
}

void processes_spawn(struct processes *processes, const Pb__SpawnRequest *request)
{
    const char *problem = refusal(processes, request);
    if (problem) {
        answer(processes, request->token, NULL, problem);
        return;
    }
    struct panther_error error;
    struct process *process = add_process(processes, request);
    if (start_with_pipes(process, &error) < 0) {
        free_process(process);
        answer(processes, request->token, NULL, error.message);
        return;
    }
    processes->last_number++;
    name_process(process);
    process->status_source = loop_watch(processes->loop, process->status_fd, EPOLLIN, status_ready, process);
}

// ---- a child ended

// What it printed before its end is in the pipes now; what others may still print there is given DRAIN_MS.
static void drain(struct process *process)
{
    struct stream *streams[2] = {process->streams[0], process->streams[1]};
    process->drain = DRAIN_WAITING;
    set_timer(process, DRAIN_MS);
    // Draining the last stream may free the process: no look at it behind that.
    for (int i = 0; i < 2; i++)
        if (streams[i])
            stream_drain(streams[i]);
}

bool processes_ended(struct processes *processes, const struct process_end *end)
{
    struct process *process = processes->first;
    while (process && (process->pid != end->pid || process->ended))
        process = process->next;
    if (!process)
        return false;
    if (process->status_fd >= 0)
        look_at_status(process);
    process->ended = true;
    process->end = *end;
    if (process->streams[0] || process->streams[1])
        drain(process);
    else
        finish_if_drained(process);
    return true;
}

void processes_free(struct processes **pointer)
{
    struct processes *processes = *pointer;
    if (!processes)
        return;
    while (processes->first)
        free_process(processes->first);
    map_free(&processes->names);
    free(processes);
    *pointer = NULL;
}
