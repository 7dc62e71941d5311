#include "coordinator/cli/shell_turns.h"

#include <string.h>

size_t shell_turns_room(const struct shell_turns *turns)
{
    return turns->typed_ends ? 0 : SHELL_TYPED_MAX_BYTES - turns->typed_bytes;
}

void shell_turns_type(struct shell_turns *turns, const void *data, size_t bytes)
{
    memcpy(turns->typed + turns->typed_bytes, data, bytes);
    turns->typed_bytes += bytes;
}

void shell_turns_type_end(struct shell_turns *turns)
{
    turns->typed_ends = true;
}

static bool has_news(const struct shell_turns *turns)
{
    bool is_resized = turns->rows != turns->sent_rows || turns->columns != turns->sent_columns;
    return turns->sent_bytes < turns->typed_bytes || (turns->typed_ends && !turns->end_is_sent) || is_resized;
}

bool shell_turns_next(struct shell_turns *turns, Pb__ShellTurn *turn)
{
    bool may_overtake = turns->is_begun && turns->under_way < SHELL_TURNS_AT_ONCE && has_news(turns);
    if (turns->ended || (turns->under_way > 0 && !may_overtake)) {
        return false;
    }
    size_t left = turns->typed_bytes - turns->sent_bytes, bytes = left < SHELL_PIECE_MAX_BYTES ? left : SHELL_PIECE_MAX_BYTES;
    pb__shell_turn__init(turn);
    turn->shell = turns->shell;
    turn->begin = turns->is_begun ? NULL : turns->begin;
    turn->rows = turns->sent_rows = turns->rows;
    turn->columns = turns->sent_columns = turns->columns;
    turn->input_offset = turns->typed_offset + turns->sent_bytes;
    turn->input.data = turns->typed + turns->sent_bytes;
    turn->input.len = bytes;
    turn->input_ends = turns->end_is_sent = turns->typed_ends && bytes == left;
    turn->output_offset = turns->output_offset;
    turn->wait_ms = SHELL_WAIT_MAX_MS;
    turns->sent_bytes += bytes;
    turns->under_way++;
    return true;
}

static void take_typed(struct shell_turns *turns, uint64_t taken)
{
    if (taken <= turns->typed_offset || taken > turns->typed_offset + turns->typed_bytes) {
        return;
    }
    size_t bytes = (size_t)(taken - turns->typed_offset);
    turns->typed_offset = taken;
    turns->typed_bytes -= bytes;
    turns->sent_bytes = turns->sent_bytes > bytes ? turns->sent_bytes - bytes : 0;
    memmove(turns->typed, turns->typed + bytes, turns->typed_bytes);
}

void shell_turns_unanswered(struct shell_turns *turns)
{
    turns->under_way -= turns->under_way > 0;
    if (turns->under_way == 0) {
        shell_turns_lost(turns); // what was not taken of all that was sent is sent again
    }
}

void shell_turns_lost(struct shell_turns *turns)
{
    turns->under_way = 0;
    turns->sent_bytes = 0;
}

const uint8_t *shell_turns_take(struct shell_turns *turns, const Pb__ShellTurned *turned, size_t *bytes)
{
    *bytes = 0;
    if (turned->shell != turns->shell) {
        return NULL;
    }
    turns->is_begun = true;
    take_typed(turns, turned->input_taken);
    shell_turns_unanswered(turns);
    uint64_t known = turned->output_offset < turns->output_offset ? turns->output_offset - turned->output_offset : 0;
    if (known > turned->output.len || turned->output_offset > turns->output_offset) {
        return NULL; // an older answer; or one behind what was lost, which does not happen: output waits for us
    }
    turns->ended |= turned->ended != 0;
    *bytes = turned->output.len - (size_t)known;
    turns->output_offset += *bytes;
    return *bytes ? turned->output.data + known : NULL;
}

// ---- escape

size_t shell_escape_pass(struct shell_escape *escape, const char *data, size_t bytes, char *out, bool *leaves)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++) {
        char key = data[i];
        if (escape->is_held && key == '.') {
            *leaves = true;
            return count;
        }
        if (escape->is_held && key != '~') {
            out[count++] = '~';
        }
        bool is_escape = !escape->is_within && !escape->is_held && key == '~';
        if (!is_escape) {
            out[count++] = key;
        }
        escape->is_held = is_escape;
        escape->is_within = !is_escape && key != '\r' && key != '\n';
    }
    return count;
}
