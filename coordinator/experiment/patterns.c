// Checks patterns before the guards compile the same text with the same library (REG_EXTENDED).
#include "coordinator/experiment/patterns.h"

#include <regex.h>
#include <string.h>

#include "coordinator/experiment/limits.h"

#define DIGITS "0123456789"

// Behind "[": to and with the "]" that closes it. A "]" that stands first is a member, and so is everything in [:alpha:].
static const char *skip_bracket(const char *cursor)
{
    if (*cursor == '^')
        cursor++;
    if (*cursor == ']')
        cursor++;
    while (*cursor && *cursor != ']') {
        char kind = cursor[1];
        const char *end = NULL;
        if (*cursor == '[' && (kind == ':' || kind == '.' || kind == '='))
            end = strstr(cursor + 2, (const char[]){kind, ']', '\0'});
        cursor = end ? end + 2 : cursor + 1;
    }
    return *cursor ? cursor + 1 : cursor;
}

static unsigned long number_at(const char **cursor)
{
    unsigned long number = 0;
    for (; **cursor && strchr(DIGITS, **cursor); ++*cursor)
        if (number <= PATTERN_REPEATS_MAX)
            number = number * 10 + (unsigned long)(**cursor - '0');
    return number;
}

// Behind "{": the larger of m and n, at least 1.
static unsigned long repeats_at(const char **cursor)
{
    unsigned long from = number_at(cursor);
    if (**cursor == ',')
        ++*cursor;
    unsigned long to = number_at(cursor);
    unsigned long larger = from > to ? from : to;
    return larger ? larger : 1;
}

// How much longer the written-out expression may get: repeats count as if all were nested, which is never too little.
static const char *costly(const char *pattern)
{
    unsigned long repeats = 1;
    for (const char *cursor = pattern; *cursor;) {
        char character = *cursor++;
        if (character == '\\' && *cursor >= '1' && *cursor <= '9')
            return "has a back-reference, which POSIX extended expressions do not have";
        if (character == '\\' && *cursor)
            cursor++;
        else if (character == '[')
            cursor = skip_bracket(cursor);
        else if (character == '{')
            repeats *= repeats_at(&cursor);
        if (repeats > PATTERN_REPEATS_MAX)
            return "repeats too often: all its {m,n} multiplied must stay below 1000";
    }
    return NULL;
}
static_assert(PATTERN_REPEATS_MAX == 1000, "the message above says it");

static const char *regex_refusal(const char *pattern, struct arena *arena)
{
    const char *reason = costly(pattern);
    if (reason)
        return reason;
    regex_t regex;
    int code = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
    if (code == 0) {
        regfree(&regex);
        return NULL;
    }
    char message[160];
    regerror(code, &regex, message, sizeof message);
    return arena_printf(arena, "is not a POSIX extended regular expression: %s", message);
}

const char *patterns_refusal(const char *pattern, bool is_regex, struct arena *arena)
{
    if (pattern[0] == '\0')
        return "is empty, and so is in every line";
    if (strlen(pattern) > PATTERN_MAX_BYTES)
        return arena_printf(arena, "is longer than %d bytes", PATTERN_MAX_BYTES);
    if (strchr(pattern, '\n'))
        return "holds a line break, but lines are looked at one by one";
    return is_regex ? regex_refusal(pattern, arena) : NULL;
}
