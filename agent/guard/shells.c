// The table of shells and the turns of their clients. Who is away for longer than a while comes back to no shell.
#include "agent/guard/shells.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/guard/events.h"
#include "agent/guard/shells_state.h"
#include "agent/guard/streams.h"
#include "agent/guard/trampoline.h"
#include "common/system/loop.h"

#define NS_PER_MS UINT64_C(1000000)
// Without a turn of its client: a coordinator that is restarted, a laptop that changes its network.
#define SHELL_GONE_MS 30000
// Without a byte in or out: somebody went home.
#define SHELL_IDLE_MS (3600 * 1000)
// Between HUP and KILL.
#define SHELL_GRACE_MS 500
// Of what runs in it, in a note.
#define COMMAND_SHOWN_BYTES 512

static uint64_t earlier_of(uint64_t a, uint64_t b)
{
    return a && (!b || a < b) ? a : b;
}

static void set_timer(const struct shell *shell)
{
    uint64_t due = shell->heard_ns + SHELL_GONE_MS * NS_PER_MS;
    due = shell->pid && !shell->kill_ns ? earlier_of(due, shell->busy_ns + SHELL_IDLE_MS * NS_PER_MS) : due;
    due = shell->call ? earlier_of(due, shell->answer_by_ns) : due;
    if (shell->kill_ns)
        due = shell->call ? earlier_of(shell->kill_ns, shell->answer_by_ns) : shell->kill_ns;
    loop_timer_set(shell->timer, due);
}

// ---- answers

static void send(const struct shells *shells, uint64_t call, Pb__ShellTurned *turned)
{
    Pb__ShellAnswer answer;
    pb__shell_answer__init(&answer);
    answer.number = call;
    answer.shell = turned->shell;
    answer.turned = turned;
    shells->answer(shells->context, &answer);
}

static void refuse(const struct shells *shells, const Pb__ShellCall *call, const char *why)
{
    Pb__ShellTurned turned;
    CLEANUP_FREE char *text = memory_string(why);
    pb__shell_turned__init(&turned);
    turned.shell = call->turn->shell;
    turned.refused = text;
    turned.ended = true;
    send(shells, call->number, &turned);
}

static void answer(struct shell *shell)
{
    Pb__ShellTurned turned;
    pb__shell_turned__init(&turned);
    size_t bytes = shell->unread.length < SHELL_PIECE_MAX_BYTES ? shell->unread.length : SHELL_PIECE_MAX_BYTES;
    turned.shell = shell->id;
    turned.input_taken = shell->input_taken;
    turned.output_offset = shell->unread_offset;
    turned.output.data = (uint8_t *)shell->unread.data;
    turned.output.len = bytes;
    turned.ended = shell->ended && bytes == shell->unread.length;
    turned.status = shell->end.status;
    turned.signal = shell->end.signal;
    turned.refused = shell->refused;
    uint64_t call = shell->call;
    shell->call = 0;
    shell->is_short = shell->is_first = false;
    send(shell->all, call, &turned);
}

void shell_speaks(struct shell *shell)
{
    bool has_room = shell->is_short && shell->input_bytes < SHELL_INPUT_MAX_BYTES;
    bool has_begun = shell->is_first && shell->runs;
    if (shell->call && (shell->unread.length > 0 || shell->ended || has_room || has_begun))
        answer(shell);
    set_timer(shell);
}

// ---- end

static void forget(struct shell *shell)
{
    struct shells *all = shell->all;
    all->over[all->over_next++ % SHELLS_REMEMBERED] = shell->id;
    loop_remove(&shell->timer);
    text_free(&shell->unread);
    memset(shell, 0, sizeof *shell);
    shell->all = all;
}

static void end(struct shell *shell, const char *why)
{
    if (!shell->pid || shell->kill_ns)
        return;
    shell->why = why;
    kill(-shell->pid, SIGHUP);
    kill(-shell->pid, SIGCONT); // one that is stopped hears nothing
    shell->kill_ns = clock_boottime_ns() + SHELL_GRACE_MS * NS_PER_MS;
    set_timer(shell);
}

static void timer_elapsed(void *context)
{
    struct shell *shell = context;
    uint64_t now_ns = clock_boottime_ns();
    if (shell->call && now_ns >= shell->answer_by_ns)
        answer(shell);
    if (shell->kill_ns && now_ns >= shell->kill_ns) {
        shell_kill_all(shell);
        shell->kill_ns = now_ns + SHELL_GRACE_MS * NS_PER_MS;
    }
    bool is_gone = now_ns >= shell->heard_ns + SHELL_GONE_MS * NS_PER_MS;
    if (is_gone && !shell->pid) {
        forget(shell);
        return;
    }
    if (is_gone)
        end(shell, "its client went away");
    else if (now_ns >= shell->busy_ns + SHELL_IDLE_MS * NS_PER_MS)
        end(shell, "nothing was typed or printed for an hour");
    set_timer(shell);
}

static void note_end(const struct shell *shell)
{
    char how[32];
    if (shell->end.signal)
        snprintf(how, sizeof how, "SIG%s", sigabbrev_np(shell->end.signal));
    else
        snprintf(how, sizeof how, "exit status %d", shell->end.status);
    events_note(shell->all->place.events, "shell.%u of %s is over: %s%s%s", shell->number, shell->by, how,
                shell->why ? "; it was ended: " : "", shell->why ? shell->why : "");
}

static void look_at_status(struct shell *shell)
{
    char problem[sizeof shell->refused];
    int status = trampoline_status(shell->status_fd, problem, sizeof problem);
    if (status < 0)
        return;
    loop_remove(&shell->status_source);
    close(shell->status_fd);
    shell->status_fd = -1;
    if (status == 1)
        memcpy(shell->refused, problem, sizeof problem);
    shell->runs = status == 0;
    if (shell->runs)
        shell_open(shell);
    shell_speaks(shell);
}

static void status_ready(void *context, int fd, uint32_t events)
{
    (void)fd, (void)events;
    look_at_status(context);
}

bool shells_ended(struct shells *shells, const struct process_end *ended)
{
    for (size_t i = 0; i < SHELLS_MAX; i++) {
        struct shell *shell = &shells->shells[i];
        if (!shell->pid || shell->pid != ended->pid)
            continue;
        if (shell->status_fd >= 0)
            look_at_status(shell);
        shell_kill_all(shell);
        shell->pid = 0;
        shell->kill_ns = 0;
        close(shell->pidfd);
        shell->ended = true;
        shell->end = *ended;
        shell_close(shell);
        note_end(shell);
        if (shell->is_closed)
            forget(shell);
        else
            shell_speaks(shell);
        return true;
    }
    return false;
}

// ---- turns

static struct shell *find(struct shells *shells, uint64_t id)
{
    for (size_t i = 0; i < SHELLS_MAX; i++)
        if (shells->shells[i].id == id)
            return &shells->shells[i];
    return NULL;
}

static const char *refusal(struct shells *shells, const Pb__ShellTurn *turn)
{
    bool is_over = false;
    for (size_t i = 0; i < SHELLS_REMEMBERED; i++)
        is_over |= shells->over[i] == turn->shell;
    if (is_over || !turn->begin)
        return "this shell is over";
    if (shells->closed)
        return shells->closed;
    return find(shells, 0) ? NULL : "4 shells are open in this service already";
}

static void note_begin(const struct shell *shell, const Pb__ShellBegin *begin)
{
    struct text text = {0};
    for (size_t i = 0; i < begin->n_argv && text.length < COMMAND_SHOWN_BYTES; i++)
        text_printf(&text, "%s%.*s", i ? " " : "", COMMAND_SHOWN_BYTES, begin->argv[i]);
    events_note(shell->all->place.events, "%s is inside: shell.%u%s%s", shell->by, shell->number, text.length ? ": " : "",
                text_string(&text));
    text_free(&text);
}

static void open_records(struct shell *shell)
{
    CLEANUP_FREE char *output = memory_printf("shell.%u.output", shell->number), *input = memory_printf("shell.%u.input", shell->number);
    shell->output_record = stream_open_apart(shell->all->place.streams, output);
    shell->input_record = shell->is_terminal ? NULL : stream_open_apart(shell->all->place.streams, input);
}

// NULL: refused, and told so.
static struct shell *begin(struct shells *shells, const Pb__ShellCall *call)
{
    const Pb__ShellTurn *turn = call->turn;
    struct panther_error error = {0};
    const char *why = refusal(shells, turn);
    if (why) {
        refuse(shells, call, why);
        return NULL;
    }
    struct shell *shell = find(shells, 0);
    *shell = (struct shell){.all = shells, .pidfd = -1, .status_fd = -1, .input_fd = -1, .output_fd = -1};
    shell->number = shells->last_number + 1;
    shell->rows = turn->rows;
    shell->columns = turn->columns;
    if (shell_start(shell, turn->begin, &error) < 0) {
        refuse(shells, call, error.message);
        return NULL;
    }
    shells->last_number++;
    shell->id = turn->shell;
    shell->is_first = true;
    snprintf(shell->by, sizeof shell->by, "%s", call->by);
    shell->busy_ns = clock_boottime_ns();
    shell->timer = loop_timer(shells->place.loop, timer_elapsed, shell);
    shell->status_source = loop_watch(shells->place.loop, shell->status_fd, EPOLLIN, status_ready, shell);
    open_records(shell);
    note_begin(shell, turn->begin);
    return shell;
}

static void take_turn(struct shell *shell, const Pb__ShellTurn *turn)
{
    uint32_t wait_ms = turn->wait_ms < SHELL_WAIT_MAX_MS ? turn->wait_ms : SHELL_WAIT_MAX_MS;
    uint64_t before = shell->input_taken;
    shell->heard_ns = clock_boottime_ns();
    shell->answer_by_ns = shell->heard_ns + wait_ms * NS_PER_MS;
    shell_acknowledge(shell, turn->output_offset);
    if (turn->rows != shell->rows || turn->columns != shell->columns)
        shell_resize(shell, turn->rows, turn->columns);
    shell_take(shell, turn);
    shell->is_short = shell->input_taken < turn->input_offset + turn->input.len;
    if (turn->close || (shell->is_short && shell->input_taken > before))
        answer(shell); // it hears from us what to say again
    else
        shell_speaks(shell);
    shell->is_closed |= turn->close;
    if (turn->close && !shell->pid)
        forget(shell);
    else if (turn->close)
        end(shell, "its client closed it");
    else
        set_timer(shell);
}

void shells_turn(struct shells *shells, const Pb__ShellCall *call)
{
    struct shell *shell = find(shells, call->turn->shell);
    if (!shell)
        shell = begin(shells, call);
    if (!shell)
        return;
    if (shell->call)
        answer(shell); // a turn takes the place of the one before
    shell->call = call->number;
    take_turn(shell, call->turn);
}

// ---- all

struct shells *shells_new(const struct shells_place *place, shell_answer_fn *answers, void *context)
{
    struct shells *shells = NEW(struct shells);
    shells->place = *place;
    shells->answer = answers;
    shells->context = context;
    return shells;
}

void shells_close(struct shells *shells, const char *why)
{
    shells->closed = shells->closed ? shells->closed : why;
    for (size_t i = 0; i < SHELLS_MAX; i++)
        if (shells->shells[i].id)
            end(&shells->shells[i], why);
}

bool shells_any(const struct shells *shells)
{
    bool any = false;
    for (size_t i = 0; i < SHELLS_MAX; i++)
        any |= shells->shells[i].pid != 0;
    return any;
}

void shells_free(struct shells **pointer)
{
    struct shells *shells = *pointer;
    if (!shells)
        return;
    for (size_t i = 0; i < SHELLS_MAX; i++) {
        struct shell *shell = &shells->shells[i];
        if (!shell->id)
            continue;
        loop_remove(&shell->status_source);
        loop_remove(&shell->input_source);
        loop_remove(&shell->output_source);
        forget(shell);
    }
    free(shells);
    *pointer = NULL;
}
