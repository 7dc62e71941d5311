// Start of a process: pipes, trampoline, name, and the answer once its program runs.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/environment/execution/execution.h"
#include "agent/environment/execution/plan.h"
#include "agent/guard/environment.h"
#include "agent/guard/events.h"
#include "agent/guard/processes_state.h"
#include "agent/guard/streams.h"
#include "agent/guard/trampoline.h"
#include "common/base/message.h"
#include "common/system/loop.h"

// Alive at once in one instance: a server with helpers, or a tester's clients.
#define PROCESSES_MAX 256

// beside: the command that it would run for.
static void answer(struct processes *processes, uint32_t token, uint32_t beside, const struct process *process, const char *problem)
{
    if (beside) {
        processes->callbacks.beside(processes->context, beside, process ? process->number : 0, NULL, problem);
        return;
    }
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
        stream_read_from(process->streams[i], *fds[i], process->request->want_output, process_stream_ended, process);
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
void process_look_at_status(struct process *process)
{
    char problem[512];
    int status = trampoline_status(process->status_fd, problem, sizeof problem);
    if (status < 0)
        return;
    loop_remove(&process->status_source);
    process_close(&process->status_fd);
    // Killed before it came to its exec: the status pipe ended without a word.
    process->running = status == 0;
    if (!process->running) {
        answer(process->all, process->request->token, process->beside, NULL, problem);
        return;
    }
    if (!process->beside) {
        tell_start(process);
        process_apply_faults(process);
    }
    open_streams(process);
    answer(process->all, process->request->token, process->beside, process, NULL);
}

static void status_ready(void *context, int fd, uint32_t events)
{
    (void)fd, (void)events;
    process_look_at_status(context);
}

// "nginx", the second time "nginx.2". Both are remembered, so that a process that is called "nginx.2" by itself finds another name.
static void name_process(struct process *process)
{
    struct map *names = process->all->names;
    const char *name = process->request->name;
    uintptr_t count = (uintptr_t)map_get_text(names, name);
    do {
        count++;
        if (count == 1)
            snprintf(process->stem, sizeof process->stem, "%s", name);
        else
            snprintf(process->stem, sizeof process->stem, "%s.%lu", name, (unsigned long)count);
    } while (map_get_text(names, process->stem));
    map_put_text(names, name, (void *)count);
    if (count > 1)
        map_put_text(names, process->stem, (void *)(uintptr_t)1);
}

static const char *folder_of(const struct processes *processes, const Pb__SpawnRequest *request, struct arena *arena)
{
    const char *folder = request->working_directory;
    if (!*folder)
        return processes->work;
    return *folder == '/' ? folder : arena_printf(arena, "%s/%s", processes->work, folder);
}

// What the execution environment makes of it; a command beside the service is not what it looks at.
static int prepare(struct process *process, struct trampoline *trampoline, struct arena *arena, struct panther_error *error)
{
    struct execution_start start = {
        .name = process->request->name,
        .stem = process->stem,
        .number = process->number,
        .argv = trampoline->argv,
        .environment = trampoline->environment,
        .plan = "",
        .tools_fd = -1,
    };
    int problem = process->beside ? 0 : execution_prepare(process->all->execution, arena, &start, &process->run, error);
    trampoline->argv = start.argv;
    trampoline->environment = start.environment;
    trampoline->plan = start.plan;
    trampoline->tools_fd = start.tools_fd;
    return problem;
}

static bool plan_has_sandbox(const char *plan)
{
    return plan && (strncmp(plan, PLAN_SANDBOX, strlen(PLAN_SANDBOX)) == 0 || strstr(plan, "\n" PLAN_SANDBOX));
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
        .clock_offset_ns = process->beside ? 0 : process->all->clock_offset_ns,
        .channel_fd = -1,
        .stdout_fd = stdout_fd,
        .stderr_fd = stderr_fd,
    };
    int problem = prepare(process, &trampoline, arena, error);
    process->is_apart = trampoline.clock_offset_ns != 0 || plan_has_sandbox(trampoline.plan);
    if (problem == 0)
        problem = trampoline_spawn(&trampoline, &process->pid, &process->pidfd, &process->status_fd, error);
    process_close(&trampoline.tools_fd);
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
    process_close(&out[1]);
    process_close(&err[1]);
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

static struct process *add_process(struct processes *processes, const Pb__SpawnRequest *request, uint32_t beside)
{
    struct process *process = NEW(struct process);
    process->all = processes;
    process->request = MESSAGE_COPY(request, NULL);
    process->beside = beside;
    process->number = processes->last_number + 1;
    process->pidfd = process->status_fd = process->stdout_fd = process->stderr_fd = -1;
    process->timer = loop_timer(processes->loop, process_timer_elapsed, process);
    process->next = processes->first;
    if (processes->first)
        processes->first->previous = process;
    processes->first = process;
    processes->count++;
    return process;
}

static void spawn(struct processes *processes, const Pb__SpawnRequest *request, uint32_t beside)
{
    const char *problem = refusal(processes, request);
    if (problem) {
        answer(processes, request->token, beside, NULL, problem);
        return;
    }
    struct panther_error error;
    struct process *process = add_process(processes, request, beside);
    name_process(process);
    if (start_with_pipes(process, &error) < 0) {
        process_free(process);
        answer(processes, request->token, beside, NULL, error.message);
        return;
    }
    processes->last_number++;
    process->status_source = loop_watch(processes->loop, process->status_fd, EPOLLIN, status_ready, process);
}

void processes_spawn(struct processes *processes, const Pb__SpawnRequest *request)
{
    spawn(processes, request, 0);
}

void processes_spawn_beside(struct processes *processes, const Pb__SpawnRequest *request, uint32_t command)
{
    spawn(processes, request, command);
}
