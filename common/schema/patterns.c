// Checks patterns before anybody else compiles the same text with the same library (REG_EXTENDED).
#include "common/schema/patterns.h"

#include <regex.h>
#include <string.h>

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

// What can be left out costs time and memory by the square of how often it stands there, so it weighs more than a character.
#define OPTION_WEIGHT 4

// The weight of the expression as the library writes it out: x+ becomes xx*, x{m,n} n times x, and what is nested is multiplied. An open
// group's weight waits on the stack.
struct written {
    unsigned long outer[PATTERN_MAX_BYTES];
    size_t depth;
    unsigned long length; // of the innermost open group
    unsigned long last;   // of what a repetition would repeat
};

static void write_one(struct written *written)
{
    written->last = 1;
    written->length++;
}

// Of x* and x?, which take what stands before them along.
static void write_option(struct written *written)
{
    written->last += OPTION_WEIGHT;
    written->length += OPTION_WEIGHT;
}

static void write_again(struct written *written, unsigned long copies)
{
    written->length += written->last * (copies - 1);
    written->last *= copies;
}

static void open_group(struct written *written)
{
    written->outer[written->depth++] = written->length;
    written->length = written->last = 1;
}

static void close_group(struct written *written)
{
    written->last = written->length;
    written->length += written->outer[--written->depth];
}

// What stands at the cursor; returns how often a {m,n} repeats, else 1.
static unsigned long write_next(struct written *written, const char **cursor)
{
    char character = *(*cursor)++;
    if (character == '{') {
        unsigned long repeats = repeats_at(cursor);
        write_again(written, repeats + 1); // x{m,} is m times x, and x*
        return repeats;
    }
    if (character == '+')
        write_again(written, 2);
    else if (character == '*' || character == '?' || character == '|')
        write_option(written);
    else if (character == '(')
        open_group(written);
    else if (character == ')' && written->depth > 0)
        close_group(written);
    else
        write_one(written);
    if (character == '\\' && **cursor)
        ++*cursor;
    else if (character == '[')
        *cursor = skip_bracket(*cursor);
    return 1;
}

static bool repeats_what_is_before(char character)
{
    return character == '+' || character == '*' || character == '?' || character == '{';
}

static const char *costly(const char *pattern)
{
    struct written written = {.last = 1};
    unsigned long repeats = 1;
    bool is_behind_repeat = false;
    for (const char *cursor = pattern; *cursor;) {
        const bool is_repeat = repeats_what_is_before(*cursor);
        if (is_repeat && is_behind_repeat)
            return "has two repetitions behind each other (such as ++ or +?), which POSIX leaves undefined";
        is_behind_repeat = is_repeat;
        if (*cursor == '\\' && cursor[1] >= '1' && cursor[1] <= '9')
            return "has a back-reference, which POSIX extended expressions do not have";
        repeats *= write_next(&written, &cursor);
        if (repeats > PATTERN_REPEATS_MAX)
            return "repeats too often: all its {m,n} multiplied must stay below 1000";
        if (written.length > PATTERN_WRITTEN_MAX || written.last > PATTERN_WRITTEN_MAX)
            return "grows too large when its repeats are written out; use fewer of + * ? {m,n} within each other";
    }
    return NULL;
}
_Static_assert(PATTERN_REPEATS_MAX == 1000, "the message above says it");

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
