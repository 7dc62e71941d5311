// See line.h.
#include "line.h"

#include <stdlib.h>
#include <string.h>

bool line_split(const char *text, size_t bytes, struct line *line)
{
    size_t field = 0, begin = 0;
    for (size_t i = 0; i <= bytes; i++) {
        if (i < bytes && text[i] != '|') {
            continue;
        }
        if (field == FIELD_COUNT) {
            return false;
        }
        line->fields[field] = text + begin;
        line->bytes[field++] = i - begin;
        begin = i + 1;
    }
    return field == FIELD_COUNT;
}

bool line_number(const struct line *line, enum field field, size_t index, unsigned long long *number)
{
    const char *at = line->fields[field], *end = at + line->bytes[field];
    char text[24];
    for (; index > 0 && at < end; index--) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        at = comma != NULL ? comma + 1 : end;
    }
    const char *comma = memchr(at, ',', (size_t)(end - at));
    const size_t bytes = (size_t)((comma != NULL ? comma : end) - at);
    if (bytes == 0 || bytes >= sizeof(text)) {
        return false;
    }
    memcpy(text, at, bytes);
    text[bytes] = '\0';
    char *rest;
    *number = strtoull(text, &rest, 0);
    return *rest == '\0';
}

size_t line_count(const struct line *line, enum field field, unsigned long long wanted)
{
    unsigned long long number;
    size_t count = 0;
    for (size_t i = 0; line_number(line, field, i, &number); i++) {
        count += number == wanted;
    }
    return count;
}

bool line_has(const struct line *line, enum field field, unsigned long long wanted)
{
    return line_count(line, field, wanted) > 0;
}

size_t line_count_long(const struct line *line, unsigned long long type, unsigned long long type_v2)
{
    const bool is_v2 = line_has(line, VERSION, QUIC_V2) || line_has(line, VERSION, QUIC_V2_DRAFT);
    return line_count(line, LONG_TYPE, is_v2 ? type_v2 : type) + line_count(line, LONG_TYPE_V2, type_v2);
}
