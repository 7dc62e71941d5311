// The code is canonical: in the order of length, then of symbol, each code is the one before plus one. So the lengths say all.
#include "huffman.h"

#define SYMBOLS 257 // the last one is EOS
#define LONGEST 30

static const uint8_t lengths[SYMBOLS] = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, // 0x00
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, // 0x10
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,  // 0x20
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, // 0x30
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  // 0x40
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,  // 0x50
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  // 0x60
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28, // 0x70
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, // 0x80
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, // 0x90
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, // 0xa0
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, // 0xb0
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, // 0xc0
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, // 0xd0
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, // 0xe0
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, // 0xf0
    30,                                                             // EOS
};

// Per length: the first code, how many there are, and where their symbols begin.
static struct {
    uint32_t first[LONGEST + 1];
    uint16_t count[LONGEST + 1], begin[LONGEST + 1];
    uint16_t symbols[SYMBOLS];
    bool is_made;
} code;

static void make_code(void)
{
    uint32_t next = 0;
    uint16_t filled = 0;
    for (unsigned length = 1; length <= LONGEST; length++) {
        next <<= 1;
        code.first[length] = next;
        code.begin[length] = filled;
        for (uint16_t symbol = 0; symbol < SYMBOLS; symbol++)
            if (lengths[symbol] == length)
                code.symbols[filled++] = symbol;
        code.count[length] = (uint16_t)(filled - code.begin[length]);
        next += code.count[length];
    }
    code.is_made = true;
}

bool huffman_decode(const uint8_t *data, size_t bytes, char *text, size_t text_bytes, size_t *length)
{
    uint32_t bits = 0;
    unsigned count = 0; // of bits read since the last symbol
    if (!code.is_made)
        make_code();
    *length = 0;
    for (size_t i = 0; i < bytes * 8; i++) {
        bits = bits << 1 | (data[i / 8] >> (7 - i % 8) & 1);
        count++;
        if (count > LONGEST)
            return false;
        if (bits < code.first[count] || bits - code.first[count] >= code.count[count])
            continue;
        uint16_t symbol = code.symbols[code.begin[count] + bits - code.first[count]];
        if (symbol == SYMBOLS - 1 || *length == text_bytes)
            return false;
        text[(*length)++] = (char)symbol;
        bits = count = 0;
    }
    return count < 8 && bits == (1U << count) - 1;
}
