// Where a failed requirement stands. Ivy's marker names file and line; what the requirement is called stands behind them, or as a label
// in the source, when that came along.
#include "ivy.h"

#include <stdio.h>
#include <string.h>

// The text between the marker's quotes.
static const char *quoted(struct panther_service *service, const char *marker)
{
    const char *begin = strchr(marker, '"'), *end = strrchr(marker, '"');
    return begin && end > begin ? panther_format(service, "%.*s", (int)(end - begin - 1), begin + 1) : marker;
}

static bool is_label(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

// "require [ack_range] conn_seen(scid)" -> "ack_range"; "" when there is none
static const char *label_of(struct panther_service *service, const char *line, const char *end)
{
    const char *open = memchr(line, '[', (size_t)(end - line));
    size_t length = 0;
    while (open && open + 1 + length < end && is_label(open[1 + length]))
        length++;
    return open && length > 0 && open[1 + length] == ']' ? panther_format(service, "%.*s", (int)length, open + 1) : "";
}

static const char *label_at(struct panther_service *service, const char *path, unsigned line_number)
{
    const char *line = panther_read_file(service, path, NULL);
    for (unsigned i = 1; line && i < line_number; i++) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return line ? label_of(service, line, line + strcspn(line, "\n")) : "";
}

static const char *label_in_source(struct panther_service *service, const struct test *test, const char *file, unsigned line_number)
{
    const struct ivy *settings = test->settings;
    const char *label = "", *source_name = settings->source ? strrchr(settings->source, '/') : NULL;
    if (settings->include)
        label = label_at(service, panther_format(service, "%s/%s", settings->include, file), line_number);
    if (label[0] == '\0' && source_name && strcmp(source_name + 1, file) == 0)
        label = label_at(service, settings->source, line_number);
    return label;
}

void place_read(struct panther_service *service, const struct test *test, const char *marker, struct place *place)
{
    char file[128];
    unsigned line_number;
    int read = 0;
    const char *text = quoted(service, marker);
    *place = (struct place){.text = text, .name = ""};
    if (sscanf(text, "%127[^:\" ]: line %u%n", file, &line_number, &read) != 2)
        return;
    place->text = panther_format(service, "%s:%u", file, line_number);
    place->name = text + read + strspn(text + read, ": ");
    if (place->name[0] == '\0')
        place->name = label_in_source(service, test, file, line_number);
}
