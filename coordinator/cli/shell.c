// panther-coord shell TRIAL/SERVICE [-- COMMAND ARG...]: inside of a service of a trial that runs or is held. On a terminal the shell has
// one, too; in a pipeline it has pipes. The guard of the service runs and records it; this is its keyboard and screen.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/identity.h"
#include "coordinator/cli/captures.h"
#include "coordinator/cli/explain.h"
#include "coordinator/cli/follow.h"
#include "coordinator/cli/shell_turns.h"

#define NS_PER_MS UINT64_C(1000000)
// A coordinator that does not answer a turn at all: longer than it waits for an agent.
#define TURN_MS (SHELL_WAIT_MAX_MS + 5000)
// As long as a guard keeps a shell whose client is away.
#define AWAY_MS 30000
#define AGAIN_MS 200
// For the last word, when somebody leaves.
#define LEAVE_MS 1000

struct shell {
    struct client client;
    const char *scope;
    char **argv;
    size_t argc;
    char *trial, *service;
    struct shell_turns turns;
    struct shell_escape escape;
    bool is_terminal, is_raw, leaves;
    struct termios before;
    int events_fd, signals_fd; // events_fd: keyboard and signals
    bool watches_keys, keys_are_a_file;
    uint64_t heard_ns;
    int status;
    bool is_over;
};

// ---- options

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct shell *shell = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &shell->client;
        return 0;
    case ARGP_KEY_ARG:
        if (!shell->scope) {
            shell->scope = argument;
            return 0;
        }
        shell->argv = state->argv + state->next - 1;
        shell->argc = (size_t)(state->argc - state->next + 1);
        state->next = state->argc;
        return 0;
    case ARGP_KEY_END:
        if (!shell->scope) {
            argp_error(state, "inside of what? shell TRIAL/SERVICE");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int find_service(struct shell *shell)
{
    struct full_name name;
    struct panther_error error = {0};
    if (full_name_parse(shell->scope, &name, &error) < 0 || !*name.service || *name.stream) {
        fprintf(stderr, "panther-coord: \"%s\" is not a service of a trial such as r12/load/2#1/server\n", shell->scope);
        return EXIT_USAGE;
    }
    struct table *trial = NULL;
    struct evidence evidence = {.client = &shell->client};
    CLEANUP_FREE char *scope = captures_trial(shell->scope);
    int status = explain_find_trial(&evidence, scope, &trial);
    if (!status) {
        shell->trial = memory_string(table_value(trial, 0, "name"));
        shell->service = memory_string(name.service);
    }
    table_free(&trial);
    return status;
}

// ---- terminal

static void read_size(struct shell *shell)
{
    struct winsize size;
    if (shell->is_terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) {
        shell->turns.rows = size.ws_row;
        shell->turns.columns = size.ws_col;
    }
}

static void become_raw(struct shell *shell)
{
    struct termios raw;
    shell->is_raw = shell->is_terminal && tcgetattr(STDIN_FILENO, &shell->before) == 0;
    if (shell->is_raw) {
        raw = shell->before;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    }
}

static void become_cooked(struct shell *shell)
{
    if (shell->is_raw) {
        tcsetattr(STDIN_FILENO, TCSADRAIN, &shell->before);
    }
    shell->is_raw = false;
}

static void over(struct shell *shell, int status)
{
    become_cooked(shell);
    shell->status = shell->is_over ? shell->status : status;
    shell->is_over = true;
}

// ---- keyboard and signals

static void open_events(struct shell *shell)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    shell->signals_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    shell->events_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = shell->signals_fd};
    if (shell->signals_fd < 0 || shell->events_fd < 0 || epoll_ctl(shell->events_fd, EPOLL_CTL_ADD, shell->signals_fd, &event) < 0) {
        PANIC("no descriptors: %s", strerror(errno));
    }
}

static void watch_keys(struct shell *shell, bool wanted)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = STDIN_FILENO};
    if (wanted == shell->watches_keys || shell->keys_are_a_file) {
        return;
    }
    if (epoll_ctl(shell->events_fd, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, STDIN_FILENO, &event) == 0) {
        shell->watches_keys = wanted;
    } else {
        shell->keys_are_a_file = true; // always there
    }
}

static void read_keys(struct shell *shell)
{
    char data[4096], kept[sizeof data + 1];
    size_t room = shell_turns_room(&shell->turns);
    room = room < sizeof kept ? room : sizeof kept;
    ssize_t got = room > 1 ? read(STDIN_FILENO, data, room - 1) : -1;
    if (got > 0) {
        size_t bytes = (size_t)got;
        bool leaves = false;
        if (shell->is_terminal) {
            bytes = shell_escape_pass(&shell->escape, data, bytes, kept, &leaves);
        } else {
            memcpy(kept, data, bytes);
        }
        shell_turns_type(&shell->turns, kept, bytes);
        shell->leaves |= leaves;
    } else if (got == 0 || (room > 1 && errno != EINTR && errno != EAGAIN)) {
        shell_turns_type_end(&shell->turns);
    }
}

static void read_signals(struct shell *shell)
{
    struct signalfd_siginfo signal_info;
    while (read(shell->signals_fd, &signal_info, sizeof signal_info) == sizeof signal_info) {
        if (signal_info.ssi_signo == SIGWINCH) {
            read_size(shell);
        } else {
            shell->leaves = true;
        }
    }
}

static void look_at_events(struct shell *shell)
{
    struct epoll_event events[2];
    int count = epoll_wait(shell->events_fd, events, 2, 0);
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == STDIN_FILENO) {
            read_keys(shell);
        } else {
            read_signals(shell);
        }
    }
    while (shell->keys_are_a_file && shell_turns_room(&shell->turns) > 1) {
        read_keys(shell);
    }
    watch_keys(shell, shell_turns_room(&shell->turns) > 1);
}

// ---- turns

static int send_turn(struct shell *shell, Pb__ShellTurn *turn, struct panther_error *error)
{
    Pb__Shell asked = PB__SHELL__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    asked.trial = shell->trial;
    asked.service = shell->service;
    asked.turn = turn;
    request.body_case = PB__REQUEST__BODY_SHELL;
    request.shell = &asked;
    return bus_call_send(shell->client.call, &request, error);
}

static bool write_out(const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t put = write(STDOUT_FILENO, data, bytes);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        data += put > 0 ? put : 0;
        bytes -= put > 0 ? (size_t)put : 0;
    }
    return true;
}

static void take_turned(struct shell *shell, const Pb__ShellTurned *turned)
{
    size_t bytes;
    if (*turned->refused) {
        over(shell, EXIT_FAIL);
        fprintf(stderr, "panther-coord: %s/%s: %s\n", shell->trial, shell->service, turned->refused);
        return;
    }
    shell->heard_ns = clock_boottime_ns();
    const uint8_t *data = shell_turns_take(&shell->turns, turned, &bytes);
    shell->leaves |= !write_out(data, bytes);
    if (shell->turns.ended) {
        over(shell, turned->signal ? 128 + turned->signal : turned->status);
    }
}

// Nobody can say how it goes on: in a moment perhaps.
static void try_again(struct shell *shell, const char *why)
{
    if (!shell->turns.is_begun || clock_boottime_ns() - shell->heard_ns >= AWAY_MS * NS_PER_MS) {
        over(shell, EXIT_UNREACHABLE);
        fprintf(stderr, "panther-coord: %s/%s cannot be reached: %s\n", shell->trial, shell->service, why);
        return;
    }
    wait_ms(AGAIN_MS);
}

static void take_reply(struct shell *shell, const Pb__Reply *reply)
{
    bool is_said = reply->body_case == PB__REPLY__BODY_SHELL_SAID;
    if (is_said && reply->shell_said->turned) {
        take_turned(shell, reply->shell_said->turned);
    } else if (is_said) {
        shell_turns_unanswered(&shell->turns);
        try_again(shell, reply->shell_said->why);
    } else if (reply->body_case != PB__REPLY__BODY_REFUSED) {
        shell_turns_lost(&shell->turns);
        try_again(shell, "the coordinator does not answer what was asked");
    } else if (reply->refused->code == PB__REFUSAL_CODE__REFUSAL_CODE_BUSY) {
        shell_turns_lost(&shell->turns);
        try_again(shell, reply->refused->text);
    } else {
        over(shell, EXIT_FAIL);
        client_refused(reply->refused);
    }
}

static void send_turns(struct shell *shell)
{
    Pb__ShellTurn turn;
    struct panther_error error = {0};
    while (!shell->is_over && shell_turns_next(&shell->turns, &turn)) {
        if (send_turn(shell, &turn, &error)) {
            shell_turns_lost(&shell->turns);
            try_again(shell, error.message);
            return;
        }
    }
}

static void go_on(struct shell *shell)
{
    Pb__Reply *reply = NULL;
    struct panther_error error = {0};
    uint64_t began_ns = clock_boottime_ns();
    arena_reset(shell->client.arena);
    send_turns(shell);
    if (shell->is_over) {
        return;
    }
    if (bus_call_next(shell->client.call, shell->events_fd, TURN_MS, shell->client.arena, &reply, &error)) {
        shell_turns_lost(&shell->turns);
        try_again(shell, error.message);
    } else if (reply) {
        take_reply(shell, reply);
    } else if (clock_boottime_ns() - began_ns >= TURN_MS * NS_PER_MS) {
        shell_turns_lost(&shell->turns);
        try_again(shell, "the coordinator does not answer");
    }
}

// Its guard is told, so that it does not wait for us; it would end and forget it a while later by itself.
static void say_bye(struct shell *shell)
{
    Pb__ShellTurn turn = PB__SHELL_TURN__INIT;
    Pb__Reply *reply = NULL;
    turn.shell = shell->turns.shell;
    turn.input_offset = shell->turns.typed_offset;
    turn.output_offset = shell->turns.output_offset;
    turn.close = true;
    int result = send_turn(shell, &turn, NULL);
    for (unsigned left = shell->turns.under_way + 1; left > 0 && !result; left--) {
        result = bus_call_next(shell->client.call, -1, LEAVE_MS, shell->client.arena, &reply, NULL);
        result = reply ? result : PANTHER_ETIMEOUT;
    }
}

static int run(struct shell *shell)
{
    const char *terminal = getenv("TERM");
    Pb__ShellBegin begin = PB__SHELL_BEGIN__INIT;
    int status = find_service(shell);
    if (status) {
        return status;
    }
    shell->is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    begin.argv = shell->argv;
    begin.n_argv = shell->argc;
    begin.is_terminal = shell->is_terminal;
    begin.terminal = (char *)(uintptr_t)(terminal ? terminal : "");
    shell->turns.begin = &begin;
    shell->turns.shell = random_u64() | 1;
    shell->heard_ns = clock_boottime_ns();
    open_events(shell);
    read_size(shell);
    if (shell->is_terminal) {
        fprintf(stderr, "panther-coord: inside %s/%s; it is recorded; ~. at the beginning of a line ends it\n", shell->trial,
                shell->service);
    }
    become_raw(shell);
    while (!shell->is_over && !shell->leaves) {
        look_at_events(shell);
        go_on(shell);
    }
    if (!shell->is_over) {
        over(shell, EXIT_FAIL);
        fprintf(stderr, "panther-coord: left; the shell is ended\n");
    }
    if (shell->turns.is_begun || shell->turns.under_way > 0) {
        say_bye(shell);
    }
    close(shell->events_fd);
    close(shell->signals_fd);
    return shell->status;
}

int cli_shell(int argc, char **argv)
{
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        NULL,
        parse,
        "TRIAL/SERVICE [-- COMMAND ARG...]",
        "Opens a shell, or runs a command, in the place of a service of a trial that runs or is held: in its namespaces, its work folder "
        "and its "
        "environment. What is printed and typed is recorded.\vOn a terminal the shell has one, too, and `~.` at the beginning of a line "
        "ends it; "
        "`echo ip addr | panther-coord shell TRIAL/SERVICE` works as well. The exit status is that of the command.",
        children,
        NULL,
        NULL};
    struct shell *shell = NEW(struct shell);
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, shell);
    int status = run(shell);
    free(shell->trial);
    free(shell->service);
    client_close(&shell->client);
    free(shell);
    return status;
}
