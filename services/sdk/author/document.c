#include "services/sdk/author/document.h"

#include <ctype.h>
#include <string.h>

#include "common/system/file.h"

static bool is_fence(const char *line)
{
    line += strspn(line, " ");
    return strncmp(line, "```", 3) == 0 || strncmp(line, "~~~", 3) == 0;
}

int document_read(struct document *document, const char *path, struct arena *arena, struct panther_error *error)
{
    CLEANUP_FREE char *text = NULL;
    size_t bytes, capacity = 1;
    bool in_code = false;
    int problem = file_read(path, DOCUMENT_MAX_BYTES, &text, &bytes, error);
    if (problem < 0)
        return problem;
    for (const char *at = text; *at; at++)
        capacity += *at == '\n';
    *document = (struct document){arena_string(arena, path), ARENA_ARRAY(arena, char *, capacity), ARENA_ARRAY(arena, bool, capacity), 0};
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, "\n");
        char *line = arena_string_bytes(arena, at, length);
        bool fence = is_fence(line);
        document->lines[document->count] = line;
        document->is_code[document->count++] = in_code || fence;
        in_code = in_code != fence;
        at += length + (at[length] == '\n');
    }
    return 0;
}

size_t document_heading(const struct document *document, const char *heading)
{
    for (size_t i = 0; i < document->count; i++)
        if (!document->is_code[i] && strcmp(document->lines[i], heading) == 0)
            return i + 1;
    return 0;
}

// As code hosts make it of a heading: lower case, blanks become hyphens, other signs go.
static bool fits_anchor(const char *heading, const char *anchor)
{
    heading += strspn(heading, "#");
    heading += strspn(heading, " ");
    for (; *heading; heading++) {
        unsigned char sign = (unsigned char)*heading;
        if (sign < 0x80 && !isalnum(sign) && sign != ' ' && sign != '-' && sign != '_')
            continue;
        char wanted = sign == ' ' ? '-' : (char)tolower(sign);
        if (*anchor++ != wanted)
            return false;
    }
    return *anchor == '\0';
}

size_t document_anchor(const struct document *document, const char *anchor)
{
    for (size_t i = 0; i < document->count; i++)
        if (!document->is_code[i] && document->lines[i][0] == '#' && fits_anchor(document->lines[i], anchor))
            return i + 1;
    return 0;
}
