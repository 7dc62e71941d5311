// shell.proto: turns of a shell, from the client to the guard and back.
#include <string.h>

#include "common/wire/check.h"

#define TERMINAL_SIZE_MAX UINT16_MAX // what a kernel keeps
#define OFFSET_MAX (UINT64_MAX / 2)

static const char *begin_check(const Pb__ShellBegin *begin)
{
    size_t bytes = 0;
    REFUSE(begin->n_argv > ARGUMENTS_MAX, "shell.argv is too long");
    for (size_t i = 0; i < begin->n_argv; i++)
        bytes += strlen(begin->argv[i]) + 1;
    REFUSE(bytes > SHELL_ARGUMENTS_MAX_BYTES, "shell.argv is too long");
    REFUSE(begin->n_argv > 0 && is_empty(begin->argv[0]), "shell.argv names no program");
    REFUSE(!is_empty(begin->terminal) && !is_token(begin->terminal), "shell.terminal is not a name");
    return NULL;
}

const char *shell_turn_check(const Pb__ShellTurn *turn)
{
    REFUSE(turn->shell == 0, "shell.shell is not set");
    REFUSE(turn->rows > TERMINAL_SIZE_MAX || turn->columns > TERMINAL_SIZE_MAX, "shell.rows or columns are too many");
    REFUSE(turn->input.len > SHELL_PIECE_MAX_BYTES, "shell.input is too long");
    REFUSE(turn->input_offset > OFFSET_MAX, "shell.input_offset is out of range");
    return turn->begin ? begin_check(turn->begin) : NULL;
}

const char *shell_turned_check(const Pb__ShellTurned *turned)
{
    REFUSE(turned->shell == 0, "shell.shell is not set");
    REFUSE(turned->output.len > SHELL_PIECE_MAX_BYTES, "shell.output is too long");
    REFUSE(turned->output_offset > OFFSET_MAX, "shell.output_offset is out of range");
    REFUSE(!is_within(turned->refused, TEXT_MAX_BYTES), "shell.refused is too long");
    return NULL;
}

const char *shell_call_check(const Pb__ShellCall *call)
{
    REFUSE(call->number == 0, "shell_call.number is not set");
    REFUSE(call->instance == 0, "shell_call.instance is not set");
    REFUSE(call->generation == 0, "shell_call.generation is not set");
    REFUSE(!name_is_valid(call->by), "shell_call.by is not a name");
    REFUSE(call->turn == NULL, "shell_call.turn is missing");
    return shell_turn_check(call->turn);
}

const char *shell_answer_check(const Pb__ShellAnswer *answer)
{
    REFUSE(answer->number == 0, "shell_answer.number is not set");
    REFUSE(answer->shell == 0, "shell_answer.shell is not set");
    REFUSE(!is_within(answer->why, TEXT_MAX_BYTES), "shell_answer.why is too long");
    REFUSE(answer->turned && answer->turned->shell != answer->shell, "shell_answer.turned is of another shell");
    return answer->turned ? shell_turned_check(answer->turned) : NULL;
}
