// Ids and the names of runs, tests, cells, trials, services and streams.
#include "common/base/identity.h"

#include <stdio.h>
#include <string.h>

#include "common/base/units.h"

void id128_text(const uint8_t bytes[16], char text[ID128_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < 16; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[ID128_TEXT_BYTES - 1] = '\0';
}

bool id128_is_valid(const char *text)
{
    return text != NULL && strlen(text) == ID128_TEXT_BYTES - 1 && strspn(text, "0123456789abcdef") == ID128_TEXT_BYTES - 1;
}

#define NAME_FIRST "abcdefghijklmnopqrstuvwxyz0123456789"

bool name_is_valid(const char *name)
{
    if (name == NULL || name[0] == '\0' || strchr(NAME_FIRST, name[0]) == NULL)
        return false;
    size_t length = strnlen(name, NAME_MAX_BYTES);
    return length < NAME_MAX_BYTES && strspn(name, NAME_FIRST "._-") == length;
}

static bool has_ending(const char *text, size_t length, const char *ending)
{
    size_t bytes = strlen(ending);
    return length > bytes && strcmp(text + length - bytes, ending) == 0;
}

// A process may be called "shell", too: its streams end in "stdout" and "stderr".
bool stream_is_of_shell(const char *stream)
{
    size_t length = strlen(stream);
    return strncmp(stream, "shell.", 6) == 0 && (has_ending(stream, length, ".output") || has_ending(stream, length, ".input"));
}

// ---- full names

// Copies what stands before the next '/' and moves the cursor behind it; false when it is too long for any part.
static bool next_part(const char **cursor, char part[FULL_NAME_MAX_BYTES])
{
    size_t length = strcspn(*cursor, "/");
    if (length >= FULL_NAME_MAX_BYTES)
        return false;
    memcpy(part, *cursor, length);
    part[length] = '\0';
    *cursor += length;
    if (**cursor == '/')
        ++*cursor;
    return true;
}

static bool small_number(const char *text, uint32_t *number)
{
    uint64_t wide;
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text) || !unsigned_parse(text, &wide) || wide == 0 || wide > UINT32_MAX)
        return false;
    *number = (uint32_t)wide;
    return true;
}

// "2" or "2#1"
static bool repetition_parse(const char *part, struct full_name *name)
{
    char text[FULL_NAME_MAX_BYTES];
    snprintf(text, sizeof text, "%s", part);
    char *mark = strchr(text, '#');
    uint32_t attempt = 0, repetition;
    if (mark != NULL) {
        *mark = '\0';
        if (!small_number(mark + 1, &attempt))
            return false;
    }
    if (!small_number(text, &repetition))
        return false;
    name->repetition = repetition;
    name->attempt = attempt;
    return true;
}

static int run_parse(const char *part, struct full_name *name, struct panther_error *error)
{
    if (strcmp(part, "@last") == 0) {
        name->is_last = true;
        return 0;
    }
    uint64_t run;
    if (part[0] != 'r' || strspn(part + 1, "0123456789") != strlen(part + 1) || !unsigned_parse(part + 1, &run) || run == 0)
        return error_set(error, PANTHER_EINVALID, "\"%.80s\" is not a run; write r142 or @last", part);
    name->run = run;
    return 0;
}

// The part after the test is a repetition when it is a number, unless another number follows: then it is a combination whose
// only value is a number.
static int cell_parse(const char **cursor, struct full_name *name, struct panther_error *error)
{
    char part[FULL_NAME_MAX_BYTES], after[FULL_NAME_MAX_BYTES];
    if (!next_part(cursor, part))
        return error_set(error, PANTHER_ELIMIT, "a part of the name is longer than %d bytes", FULL_NAME_MAX_BYTES - 1);
    const char *ahead = *cursor;
    struct full_name probe = {0};
    bool number_follows = *ahead != '\0' && next_part(&ahead, after) && repetition_parse(after, &probe);
    if (!number_follows && repetition_parse(part, name))
        return 0;
    if (part[0] == '\0' || strchr(part, '#') != NULL)
        return error_set(error, PANTHER_EINVALID, "\"%.80s\" is not a combination such as nginx,20ms, nor a repetition such as 2 or 2#1",
                         part);
    snprintf(name->combination, sizeof name->combination, "%s", part);
    if (**cursor == '\0')
        return 0;
    if (!number_follows)
        return error_set(error, PANTHER_EINVALID, "after the combination \"%.80s\" comes a repetition, a number such as 2 or 2#1", part);
    name->repetition = probe.repetition;
    name->attempt = probe.attempt;
    *cursor = ahead;
    return 0;
}

static int service_parse(const char **cursor, struct full_name *name, struct panther_error *error)
{
    char part[FULL_NAME_MAX_BYTES];
    if (!next_part(cursor, part) || !name_is_valid(part))
        return error_set(error, PANTHER_EINVALID, "the name of a service has at most %d of a-z 0-9 . _ -", NAME_MAX_BYTES - 1);
    memcpy(name->service, part, strlen(part) + 1);
    if (strlen(*cursor) >= sizeof name->stream)
        return error_set(error, PANTHER_ELIMIT, "the name of a stream is longer than %d bytes", FULL_NAME_MAX_BYTES - 1);
    snprintf(name->stream, sizeof name->stream, "%s", *cursor);
    return 0;
}

int full_name_parse(const char *text, struct full_name *name, struct panther_error *error)
{
    struct full_name parsed = {0};
    char part[FULL_NAME_MAX_BYTES];
    const char *cursor = text;
    if (!next_part(&cursor, part))
        return error_set(error, PANTHER_ELIMIT, "the name is longer than %d bytes", FULL_NAME_MAX_BYTES - 1);
    int code = run_parse(part, &parsed, error);
    if (code == 0 && *cursor != '\0') {
        if (!next_part(&cursor, part) || !name_is_valid(part))
            return error_set(error, PANTHER_EINVALID, "the name of a test has at most %d of a-z 0-9 . _ -", NAME_MAX_BYTES - 1);
        memcpy(parsed.test, part, strlen(part) + 1);
    }
    if (code == 0 && *cursor != '\0')
        code = cell_parse(&cursor, &parsed, error);
    if (code == 0 && *cursor != '\0')
        code = service_parse(&cursor, &parsed, error);
    if (code == 0)
        *name = parsed;
    return code;
}

static size_t put(char *text, size_t text_bytes, size_t used, const char *separator, const char *part)
{
    if (used >= text_bytes)
        return used;
    int length = snprintf(text + used, text_bytes - used, "%s%s", separator, part);
    return length < 0 ? used : used + (size_t)length;
}

void full_name_format(const struct full_name *name, char *text, size_t text_bytes)
{
    char number[32];
    snprintf(number, sizeof number, "r%llu", (unsigned long long)name->run);
    size_t used = put(text, text_bytes, 0, "", name->is_last ? "@last" : number);
    if (name->test[0] != '\0')
        used = put(text, text_bytes, used, "/", name->test);
    if (name->combination[0] != '\0')
        used = put(text, text_bytes, used, "/", name->combination);
    if (name->repetition != 0) {
        snprintf(number, sizeof number, name->attempt != 0 ? "%u#%u" : "%u", name->repetition, name->attempt);
        used = put(text, text_bytes, used, "/", number);
    }
    if (name->service[0] != '\0')
        used = put(text, text_bytes, used, "/", name->service);
    if (name->stream[0] != '\0')
        put(text, text_bytes, used, "/", name->stream);
}
