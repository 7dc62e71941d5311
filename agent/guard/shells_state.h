// What the parts of shells.h share: shells.c (turns and answers), shell_start.c (begin), shell_bytes.c (input and output).
#ifndef PANTHER_AGENT_GUARD_SHELLS_STATE_H
#define PANTHER_AGENT_GUARD_SHELLS_STATE_H

#include "agent/guard/shells.h"
#include "common/base/identity.h"
#include "common/base/limits.h"
#include "common/base/memory.h"

// At once in one instance: what a few people look at.
#define SHELLS_MAX 4
// Typed, and not read by the program yet: what a pipe holds.
#define SHELL_INPUT_MAX_BYTES (64 * 1024)
static_assert(SHELL_INPUT_MAX_BYTES >= SHELL_PIECE_MAX_BYTES, "a piece fits when nothing waits");
// Printed, and not fetched by the client yet: beyond it the program waits, as in front of a terminal that was stopped.
#define SHELL_UNREAD_MAX_BYTES (256 * 1024)

struct shell {
    struct shells *all;
    uint64_t id;     // the client's number; 0: this place is free
    unsigned number; // of its streams
    char by[NAME_MAX_BYTES];
    pid_t pid; // 0: nothing of it lives
    int pidfd, status_fd, input_fd, output_fd;
    struct loop_source *status_source, *input_source, *output_source, *timer;
    struct stream *output_record, *input_record; // NULL: none, or at its end
    bool is_terminal, runs;                      // runs: its program does, not the trampoline any more
    uint32_t rows, columns;

    char input[SHELL_INPUT_MAX_BYTES];
    size_t input_bytes;
    uint64_t input_taken; // in all
    bool input_ends;
    struct text unread;
    uint64_t unread_offset; // of its first byte in all that was printed

    uint64_t call;         // the turn that waits for its answer; 0: none
    uint64_t answer_by_ns; // at the latest
    bool is_short;         // it has more input than there was room for
    bool is_first;         // told as soon as it runs: then there may be a second turn
    uint64_t heard_ns, busy_ns;
    uint64_t kill_ns;      // 0: it is not being ended
    const char *why;       // it is ended by us
    bool ended, is_closed; // is_closed: nobody asks for its end
    struct process_end end;
    char refused[512]; // it never began
};

// Numbers of shells that are over: a turn that comes late begins none of them again.
#define SHELLS_REMEMBERED 16

struct shells {
    struct shells_place place;
    shell_answer_fn *answer;
    void *context;
    const char *closed; // why none begins any more
    unsigned last_number;
    uint64_t over[SHELLS_REMEMBERED];
    size_t over_next;
    struct shell shells[SHELLS_MAX];
};

// shells.c
void shell_speaks(struct shell *shell); // something is to be told: answers a turn that waits
// shell_start.c
int shell_start(struct shell *shell, const Pb__ShellBegin *begin, struct panther_error *error);
void shell_kill_all(struct shell *shell); // and what it left behind
// shell_bytes.c
void shell_open(struct shell *shell); // input and output flow from here on
void shell_resize(struct shell *shell, uint32_t rows, uint32_t columns);
size_t shell_take(struct shell *shell, const Pb__ShellTurn *turn); // how much of its input there was room for
void shell_acknowledge(struct shell *shell, uint64_t offset);      // the client has all before
void shell_close(struct shell *shell);                             // reads what is there, and ends its records

#endif
