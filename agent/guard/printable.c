// See printable.h.
#include "agent/guard/printable.h"

#include <stdbool.h>

#include "common/base/memory.h"

static bool continues(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

// Length of the UTF-8 character that starts here, 0 when none does (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF).
static size_t character_bytes(const unsigned char *at, size_t left)
{
    if (at[0] < 0x80)
        return 1;
    if (left >= 2 && at[0] >= 0xc2 && at[0] <= 0xdf && continues(at[1]))
        return 2;
    if (left >= 3 && (at[0] & 0xf0) == 0xe0 && continues(at[1]) && continues(at[2]))
        return (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ? 0 : 3;
    if (left >= 4 && at[0] >= 0xf0 && at[0] <= 0xf4 && continues(at[1]) && continues(at[2]) && continues(at[3]))
        return (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f) ? 0 : 4;
    return 0;
}

char *printable(const char *bytes, size_t count, size_t max_bytes)
{
    const unsigned char *from = (const unsigned char *)bytes;
    struct text text = {0};
    for (size_t i = 0; i < count;) {
        size_t length = character_bytes(from + i, count - i);
        if (text.length + (length ? length : 1) > max_bytes)
            break;
        bool control = length == 1 && ((from[i] < ' ' && from[i] != '\n' && from[i] != '\t') || from[i] == 0x7f);
        if (length == 0 || control)
            text_append_bytes(&text, "?", 1);
        else
            text_append_bytes(&text, bytes + i, length);
        i += length ? length : 1;
    }
    return text.data ? text.data : memory_string("");
}
