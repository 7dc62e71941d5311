// A shell begins: pseudo terminal or pipes, environment, trampoline.
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/guard/environment.h"
#include "agent/guard/processes.h"
#include "agent/guard/shells_state.h"
#include "agent/guard/trampoline.h"

// Their ends: ours, and the program's.
struct ends {
    int input, output, program_input, program_output;
};

static void close_all(const struct ends *ends)
{
    const int fds[] = {ends->input, ends->output, ends->program_input, ends->program_output};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

// Input and output have a descriptor each, as with pipes, so that both are watched.
static int make_terminal(struct ends *ends, struct panther_error *error)
{
    ends->output = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends->output < 0 || grantpt(ends->output) < 0 || unlockpt(ends->output) < 0)
        return error_system(error, errno, "this host gives no pseudo terminal");
    ends->program_input = ioctl(ends->output, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends->program_input >= 0) {
        ends->program_output = fcntl(ends->program_input, F_DUPFD_CLOEXEC, 0);
        ends->input = fcntl(ends->output, F_DUPFD_CLOEXEC, 0);
    }
    if (ends->program_output < 0 || ends->input < 0)
        return error_system(error, errno, "this host gives no pseudo terminal");
    return 0;
}

static int make_pipes(struct ends *ends, struct panther_error *error)
{
    int input[2], output[2];
    if (pipe2(input, O_CLOEXEC) < 0)
        return error_system(error, errno, "cannot start a shell");
    ends->program_input = input[0];
    ends->input = input[1];
    if (pipe2(output, O_CLOEXEC) < 0)
        return error_system(error, errno, "cannot start a shell");
    ends->output = output[0];
    ends->program_output = output[1];
    return 0;
}

static const char *const *choose_argv(const Pb__ShellBegin *begin, struct arena *arena)
{
    const char **argv = ARENA_ARRAY(arena, const char *, begin->n_argv + 2);
    for (size_t i = 0; i < begin->n_argv; i++)
        argv[i] = begin->argv[i];
    if (begin->n_argv == 0)
        argv[0] = access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
    return argv;
}

static const char *marker_of(const struct shell *shell, struct arena *arena)
{
    return arena_printf(arena, "PANTHER_PROCESS=shell.%u", shell->number);
}

static const char *const *make_environment(const struct shell *shell, const Pb__ShellBegin *begin, struct arena *arena)
{
    static char name[] = "TERM";
    const struct shells_place *place = &shell->all->place;
    const Pb__SpawnRequest *service = processes_first(place->processes);
    size_t count = service ? service->n_environment : 0;
    Pb__EnvironmentEntry **entries = ARENA_ARRAY(arena, Pb__EnvironmentEntry *, count + 1), term;
    pb__environment_entry__init(&term);
    term.name = name;
    term.value = begin->terminal;
    for (size_t i = 0; i < count; i++)
        entries[i] = service->environment[i];
    if (shell->is_terminal && *begin->terminal)
        entries[count++] = &term;
    return environment_clean(arena, place->work, place->marker, marker_of(shell, arena), entries, count);
}

static int start_program(struct shell *shell, const Pb__ShellBegin *begin, const struct ends *ends, struct panther_error *error)
{
    struct arena *arena = arena_new(0);
    const struct trampoline trampoline = {
        .name = "a shell",
        .argv = choose_argv(begin, arena),
        .environment = make_environment(shell, begin, arena),
        .folder = shell->all->place.work,
        .cgroup = shell->all->place.cgroup,
        .like = processes_apart(shell->all->place.processes),
        .channel_fd = -1,
        .stdout_fd = ends->program_output,
        .stderr_fd = ends->program_output,
        .has_stdin = true,
        .stdin_fd = ends->program_input,
        .is_terminal = shell->is_terminal,
    };
    int problem = trampoline_spawn(&trampoline, &shell->pid, &shell->pidfd, &shell->status_fd, error);
    arena_free(&arena);
    return problem;
}

int shell_start(struct shell *shell, const Pb__ShellBegin *begin, struct panther_error *error)
{
    struct ends ends = {-1, -1, -1, -1};
    shell->is_terminal = begin->is_terminal;
    int problem = shell->is_terminal ? make_terminal(&ends, error) : make_pipes(&ends, error);
    if (problem == 0 && (fcntl(ends.input, F_SETFL, O_NONBLOCK) < 0 || fcntl(ends.output, F_SETFL, O_NONBLOCK) < 0))
        problem = error_system(error, errno, "cannot start a shell");
    shell->output_fd = ends.output;
    if (problem == 0 && shell->is_terminal)
        shell_resize(shell, shell->rows, shell->columns);
    if (problem == 0)
        problem = start_program(shell, begin, &ends, error);
    if (problem < 0) {
        shell->pid = 0;
        shell->output_fd = -1;
        close_all(&ends);
        return problem;
    }
    close(ends.program_input);
    close(ends.program_output);
    shell->input_fd = ends.input;
    return 0;
}

void shell_kill_all(struct shell *shell)
{
    struct arena *arena = arena_new(0);
    leftovers_kill(shell->pid, marker_of(shell, arena));
    arena_free(&arena);
}
