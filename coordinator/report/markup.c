#include "coordinator/report/markup.h"

#include <ctype.h>
#include <string.h>

#include "coordinator/report/readable.h"

// U+FFFE and U+FFFF are no characters of XML.
static bool is_noncharacter(const char *at, size_t left)
{
    return left >= 3 && memcmp(at, "\xef\xbf", 2) == 0 && ((unsigned char)at[2] == 0xbe || (unsigned char)at[2] == 0xbf);
}

void markup_append_bytes(struct text *out, const char *value, size_t bytes)
{
    struct text readable = {0};
    readable_append(&readable, value, bytes);
    const char *at = text_string(&readable);
    for (size_t i = 0; i < readable.length; i++) {
        switch (at[i]) {
        case '&':
            text_append(out, "&amp;");
            break;
        case '<':
            text_append(out, "&lt;");
            break;
        case '>':
            text_append(out, "&gt;");
            break;
        case '"':
            text_append(out, "&quot;");
            break;
        case '\'':
            text_append(out, "&#39;");
            break;
        default:
            if (is_noncharacter(at + i, readable.length - i)) {
                text_append(out, "\xef\xbf\xbd");
                i += 2;
            } else {
                text_append_bytes(out, at + i, 1);
            }
        }
    }
    text_free(&readable);
}

void markup_append(struct text *out, const char *value)
{
    markup_append_bytes(out, value, strlen(value));
}

void markup_append_script(struct text *out, const char *json)
{
    for (const char *at = json; *at; at++) {
        if (*at == '<') {
            text_append(out, "\\u003c");
        } else {
            text_append_bytes(out, at, 1);
        }
    }
}

void markup_append_link(struct text *out, const char *path)
{
    for (const unsigned char *at = (const unsigned char *)path; *at; at++) {
        if (*at < 0x80 && (isalnum(*at) || strchr("-._~/", *at))) {
            text_append_bytes(out, at, 1);
        } else {
            text_printf(out, "%%%02X", *at);
        }
    }
}
