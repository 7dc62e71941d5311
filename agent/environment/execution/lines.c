// See lines.h.
#include "agent/environment/execution/lines.h"

#include <string.h>

bool line_next(struct line_reader *reader)
{
    if (reader->at >= reader->end)
        return false;
    const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    size_t bytes = (size_t)((newline ? newline : reader->end) - reader->at), kept = 0;
    for (size_t i = 0; i < bytes && kept + 1 < sizeof reader->line; i++)
        if (reader->at[i] != '\0' && reader->at[i] != '\r')
            reader->line[kept++] = reader->at[i];
    reader->line[kept] = '\0';
    reader->whole = newline != NULL;
    reader->at = newline ? newline + 1 : reader->end;
    return true;
}

const char *line_past(const char *line, const char *beginning)
{
    size_t bytes = strlen(beginning);
    return strncmp(line, beginning, bytes) == 0 ? line + bytes : NULL;
}

const char *line_words(const char *line)
{
    return line + strspn(line, " \t");
}
