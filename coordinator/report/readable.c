#include "coordinator/report/readable.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" // U+FFFD
#define ESCAPED_BYTES 5            // \xNN and its end

static bool continues(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

// Bytes of the UTF-8 character that starts here and which it is; 0 when none does (RFC 3629: nothing overlong, no surrogates).
static size_t character(const unsigned char *at, size_t left, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80 ? 1 : (at[0] & 0xe0) == 0xc0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : (at[0] & 0xf8) == 0xf0 ? 4 : 0;
    if (length == 0 || length > left) {
        return 0;
    }
    *code = length == 1 ? at[0] : at[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (!continues(at[i])) {
            return 0;
        }
        *code = *code << 6 | (at[i] & 0x3fu);
    }
    bool sound = *code >= least[length] && *code <= 0x10ffff && (*code < 0xd800 || *code > 0xdfff);
    return sound ? length : 0;
}

// C0, DEL and C1: U+009B is ESC [ to a terminal. Marks that turn the direction of writing make a line say what it does not.
static bool commands_terminal(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

// The next piece of what is shown: a character or an escaped byte. Returns how many bytes were read.
static size_t next_piece(const unsigned char *at, size_t left, char piece[ESCAPED_BYTES], size_t *piece_bytes)
{
    uint32_t code;
    size_t length = character(at, left, &code);
    if (length == 0 || commands_terminal(code)) {
        *piece_bytes = (size_t)snprintf(piece, ESCAPED_BYTES, "\\x%02x", at[0]);
        return 1;
    }
    memcpy(piece, at, length);
    *piece_bytes = length;
    return length;
}

void readable_line(const char *value, char *line, size_t bytes)
{
    size_t left = strlen(value), used = 0;
    const unsigned char *at = (const unsigned char *)value;
    char piece[ESCAPED_BYTES];
    size_t piece_bytes;
    while (left > 0) {
        size_t step = 1;
        if (*at == '\n' || *at == '\t' || *at == '\r') {
            *piece = ' ';
            piece_bytes = 1;
        } else {
            step = next_piece(at, left, piece, &piece_bytes);
        }
        if (used + piece_bytes >= bytes) {
            break;
        }
        memcpy(line + used, piece, piece_bytes);
        used += piece_bytes;
        at += step;
        left -= step;
    }
    line[used] = 0;
}

void readable_append(struct text *text, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    char piece[ESCAPED_BYTES];
    size_t piece_bytes;
    while (bytes > 0) {
        size_t step = 1;
        if (*at == '\n' || *at == '\t') {
            text_append_bytes(text, at, 1);
        } else {
            step = next_piece(at, bytes, piece, &piece_bytes);
            text_append_bytes(text, piece, piece_bytes);
        }
        at += step;
        bytes -= step;
    }
}

char *readable_utf8(const void *data, size_t bytes)
{
    const unsigned char *at = data;
    struct text text = {0};
    uint32_t code;
    while (bytes > 0) {
        size_t length = character(at, bytes, &code);
        if (length && code) {
            text_append_bytes(&text, at, length);
        } else {
            text_append(&text, REPLACEMENT);
        }
        at += length ? length : 1;
        bytes -= length ? length : 1;
    }
    return text.data ? text.data : memory_string("");
}

static size_t columns_of(uint32_t code)
{
    // The large blocks of Unicode's EastAsianWidth W and F, and of emoji: near enough for a table.
    static const uint32_t wide[][2] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
                                       {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    if ((code >= 0x300 && code <= 0x36f) || (code >= 0x200b && code <= 0x200f) || (code >= 0xfe00 && code <= 0xfe0f)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        if (code >= wide[i][0] && code <= wide[i][1]) {
            return 2;
        }
    }
    return 1;
}

// Bytes of the text that fit into so many columns; *columns: how many they take.
static size_t fit(const char *line, size_t width, size_t *columns)
{
    size_t left = strlen(line), used = 0;
    *columns = 0;
    while (left > 0) {
        uint32_t code = 0;
        size_t length = character((const unsigned char *)line + used, left, &code);
        size_t step = length ? length : 1, takes = length ? columns_of(code) : 1;
        if (*columns + takes > width) {
            break;
        }
        *columns += takes;
        used += step;
        left -= step;
    }
    return used;
}

size_t readable_width(const char *line)
{
    size_t columns;
    fit(line, SIZE_MAX, &columns);
    return columns;
}

void readable_cut(char *line, size_t width)
{
    size_t columns;
    line[fit(line, width, &columns)] = 0;
}
