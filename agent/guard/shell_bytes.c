// Input and output of a shell: what is typed goes in once and in order, what is printed is recorded and kept until the client has it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "agent/guard/shells_state.h"
#include "agent/guard/streams.h"
#include "common/system/loop.h"

// In one round, so that a program that prints without end leaves time for the instance.
#define READS_PER_ROUND_MAX 8
// What is left in a terminal or a pipe whose program has ended: some times what they hold.
#define READS_AT_END_MAX 64

// ---- output

static void close_output(struct shell *shell)
{
    loop_remove(&shell->output_source);
    if (shell->output_fd >= 0)
        close(shell->output_fd);
    shell->output_fd = -1;
}

// 1: read something; 0: there is nothing now; -1: at its end. A terminal without programs says EIO.
static int read_once(struct shell *shell)
{
    static char buffer[SHELL_PIECE_MAX_BYTES];
    ssize_t got;
    do
        got = read(shell->output_fd, buffer, sizeof buffer);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got <= 0)
        return -1;
    stream_write(shell->output_record, buffer, (size_t)got);
    text_append_bytes(&shell->unread, buffer, (size_t)got);
    shell->busy_ns = clock_boottime_ns();
    return 1;
}

static void output_ready(void *context, int fd, uint32_t events)
{
    struct shell *shell = context;
    (void)fd, (void)events;
    int result = 1;
    for (int i = 0; i < READS_PER_ROUND_MAX && result == 1 && shell->unread.length < SHELL_UNREAD_MAX_BYTES; i++)
        result = read_once(shell);
    if (result < 0)
        close_output(shell); // its end comes with its process
    else if (shell->unread.length >= SHELL_UNREAD_MAX_BYTES)
        loop_remove(&shell->output_source);
    shell_speaks(shell);
}

static void watch_output(struct shell *shell)
{
    if (shell->output_fd >= 0 && !shell->output_source && shell->unread.length < SHELL_UNREAD_MAX_BYTES)
        shell->output_source = loop_watch(shell->all->place.loop, shell->output_fd, EPOLLIN, output_ready, shell);
}

void shell_acknowledge(struct shell *shell, uint64_t offset)
{
    if (offset <= shell->unread_offset || offset > shell->unread_offset + shell->unread.length)
        return;
    size_t bytes = (size_t)(offset - shell->unread_offset);
    shell->unread_offset = offset;
    shell->unread.length -= bytes;
    memmove(shell->unread.data, shell->unread.data + bytes, shell->unread.length);
    if (shell->runs)
        watch_output(shell);
}

// ---- input

static void close_input(struct shell *shell)
{
    loop_remove(&shell->input_source);
    if (shell->input_fd >= 0)
        close(shell->input_fd);
    shell->input_fd = -1;
}

// A program that reads no more: what is typed for it goes nowhere, as in front of any shell.
static void lose_input(struct shell *shell)
{
    close_input(shell);
    shell->input_bytes = 0;
}

static void write_input(struct shell *shell)
{
    ssize_t put = 0;
    while (shell->input_bytes > 0 && shell->input_fd >= 0) {
        put = write(shell->input_fd, shell->input, shell->input_bytes);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            break;
        shell->input_bytes -= (size_t)put;
        memmove(shell->input, shell->input + put, shell->input_bytes);
    }
    if (put < 0 && errno != EAGAIN)
        lose_input(shell);
    // The end of a terminal's input is a character that somebody types.
    if (shell->input_bytes == 0 && shell->input_ends && !shell->is_terminal)
        close_input(shell);
}

static void input_ready(void *context, int fd, uint32_t events);

static void watch_input(struct shell *shell)
{
    if (shell->input_bytes == 0)
        loop_remove(&shell->input_source);
    else if (shell->input_fd >= 0 && !shell->input_source)
        shell->input_source = loop_watch(shell->all->place.loop, shell->input_fd, EPOLLOUT, input_ready, shell);
}

static void input_ready(void *context, int fd, uint32_t events)
{
    struct shell *shell = context;
    (void)fd, (void)events;
    write_input(shell);
    watch_input(shell);
    if (shell->is_short)
        shell_speaks(shell);
}

static size_t room_for(const struct shell *shell, size_t bytes)
{
    size_t room = shell->input_fd < 0 && shell->runs ? bytes : SHELL_INPUT_MAX_BYTES - shell->input_bytes;
    return bytes < room ? bytes : room;
}

size_t shell_take(struct shell *shell, const Pb__ShellTurn *turn)
{
    if (turn->input_offset > shell->input_taken || shell->ended)
        return 0; // what comes before it was lost, or found no room: the client says it again
    uint64_t known = shell->input_taken - turn->input_offset;
    if (known > turn->input.len)
        return 0; // said again, late
    size_t wanted = turn->input.len - (size_t)known, taken = room_for(shell, wanted);
    const uint8_t *data = taken > 0 ? turn->input.data + known : NULL;
    if (taken > 0 && (shell->input_fd >= 0 || !shell->runs)) {
        memcpy(shell->input + shell->input_bytes, data, taken);
        shell->input_bytes += taken;
    }
    if (taken > 0 && shell->input_record)
        stream_write(shell->input_record, data, taken);
    shell->input_taken += taken;
    shell->input_ends |= turn->input_ends && taken == wanted;
    if (taken > 0)
        shell->busy_ns = clock_boottime_ns();
    if (shell->runs) {
        write_input(shell);
        watch_input(shell);
    }
    return taken;
}

// ---- both

void shell_resize(struct shell *shell, uint32_t rows, uint32_t columns)
{
    const struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    shell->rows = rows;
    shell->columns = columns;
    if (shell->is_terminal && rows && columns && shell->output_fd >= 0)
        (void)ioctl(shell->output_fd, TIOCSWINSZ, &size); // a size that is not taken harms nobody
}

void shell_open(struct shell *shell)
{
    watch_output(shell);
    write_input(shell);
    watch_input(shell);
}

void shell_close(struct shell *shell)
{
    for (int i = 0; i < READS_AT_END_MAX && shell->output_fd >= 0 && shell->output_record && read_once(shell) == 1; i++) {
    }
    close_output(shell);
    lose_input(shell);
    struct stream *records[] = {shell->output_record, shell->input_record};
    shell->output_record = shell->input_record = NULL;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
        if (records[i])
            stream_end(records[i], NULL);
}
