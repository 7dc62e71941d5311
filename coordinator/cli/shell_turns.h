// The client's side of a shell: which turn is sent next, and what an answer means. What is typed is sent once and in order, and again from
// where the guard has it when an answer is lost; output comes once. shell.c feeds it.
#ifndef PANTHER_COORDINATOR_CLI_SHELL_TURNS_H
#define PANTHER_COORDINATOR_CLI_SHELL_TURNS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/limits.h"
#include "panther/v1/shell.pb-c.h"

// Typed, and not taken by the guard yet: as much as the guard holds for the program.
#define SHELL_TYPED_MAX_BYTES (64 * 1024)
// One that waits for output, and one with what was typed meanwhile.
#define SHELL_TURNS_AT_ONCE 2

struct shell_turns {
    uint64_t shell;
    Pb__ShellBegin *begin; // borrowed
    uint32_t rows, columns;
    // the rest is shell_turns.c's
    bool is_begun; // the guard has answered
    unsigned under_way;
    uint8_t typed[SHELL_TYPED_MAX_BYTES];
    size_t typed_bytes, sent_bytes; // sent: how much of typed is on its way
    uint64_t typed_offset;          // of typed[0] in all
    bool typed_ends, end_is_sent;
    uint32_t sent_rows, sent_columns;
    uint64_t output_offset;
    bool ended;
};

size_t shell_turns_room(const struct shell_turns *turns); // for what is typed; 0: nothing more now
void shell_turns_type(struct shell_turns *turns, const void *data, size_t bytes);
void shell_turns_type_end(struct shell_turns *turns);
// Fills in the next turn, which counts as sent; it points into turns. false: nothing is to be sent before an answer.
bool shell_turns_next(struct shell_turns *turns, Pb__ShellTurn *turn);
// What is new of an answer's output: points into it.
const uint8_t *shell_turns_take(struct shell_turns *turns, const Pb__ShellTurned *turned, size_t *bytes);
void shell_turns_unanswered(struct shell_turns *turns); // one came back without an answer
void shell_turns_lost(struct shell_turns *turns);       // none of those on their way is answered any more

// Finds ~. at the beginning of a line in what is typed, as ssh does; ~~ is one ~. Zeroed before: at the beginning of a line.
struct shell_escape {
    bool is_within, is_held; // a line has begun; a ~ is held back
};
// Copies what is meant for the shell; out has room for bytes + 1. *leaves: ~. was typed.
size_t shell_escape_pass(struct shell_escape *escape, const char *data, size_t bytes, char *out, bool *leaves);

#endif
