// References of a document: to the sources that it speaks of, and to other documents.
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/units.h"
#include "common/system/file.h"
#include "services/sdk/author/docs.h"

#define SOURCE_MAX_BYTES ((size_t)64 * 1024 * 1024)

static size_t lines_of(const char *path)
{
    CLEANUP_FREE char *text = NULL;
    size_t bytes, count = 0;
    if (file_read(path, SOURCE_MAX_BYTES, &text, &bytes, NULL) < 0)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        count += text[i] == '\n' || i + 1 == bytes;
    return count;
}

static bool leaves_root(const char *path)
{
    return path[0] == '/' || strcmp(path, "..") == 0 || strncmp(path, "../", 3) == 0 || strstr(path, "/../") != NULL;
}

// "first" or "first-last", from 1.
static bool read_range(const char *text, uint64_t *first, uint64_t *last)
{
    char number[32];
    size_t length = strcspn(text, "-");
    if (length >= sizeof number)
        return false;
    snprintf(number, sizeof number, "%.*s", (int)length, text);
    *last = 0;
    if (!unsigned_parse(number, first) || (text[length] && !unsigned_parse(text + length + 1, last)))
        return false;
    *last = text[length] ? *last : *first;
    return *first >= 1 && *last >= *first;
}

static void check_source(struct docs *docs, const struct document *document, size_t line, char *reference)
{
    char *colon = strrchr(reference, ':');
    uint64_t first = 0, last = 0;
    docs->references++;
    if (colon) {
        *colon = '\0';
        if (!read_range(colon + 1, &first, &last)) {
            docs_problem(docs, document->path, line, "src: \"%s\" is no range of lines such as 12 or 12-40", colon + 1);
            return;
        }
    }
    const char *path = arena_printf(docs->arena, "%s/%s", docs->root, reference);
    if (leaves_root(reference))
        docs_problem(docs, document->path, line, "src: %s leaves the tree: write it relative to %s", reference, docs->root);
    else if (!file_exists(path))
        docs_problem(docs, document->path, line, "src: %s is not there", reference);
    else if (last > lines_of(path))
        docs_problem(docs, document->path, line, "src: %s has %zu lines, not %llu", reference, lines_of(path), (unsigned long long)last);
}

// Between two ` of its line: an example, not a reference.
static bool is_quoted(const char *line, const char *at)
{
    bool quoted = false;
    for (; line < at; line++)
        quoted = quoted != (*line == '`');
    return quoted;
}

static void check_sources(struct docs *docs, const struct document *document, size_t index)
{
    static const char begin[] = "<!-- src:";
    for (const char *at = document->lines[index]; (at = strstr(at, begin)) != NULL;) {
        bool quoted = is_quoted(document->lines[index], at);
        at += sizeof begin - 1;
        at += strspn(at, " ");
        if (quoted)
            continue;
        const char *end = strstr(at, "-->");
        if (!end) {
            docs_problem(docs, document->path, index + 1, "src: the reference is not closed by -->");
            return;
        }
        size_t length = (size_t)(end - at);
        while (length > 0 && at[length - 1] == ' ')
            length--;
        check_source(docs, document, index + 1, arena_string_bytes(docs->arena, at, length));
        at = end;
    }
}

// ---- links

static char *folder_of(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_string_bytes(arena, path, (size_t)(slash - path)) : arena_string(arena, ".");
}

static bool is_elsewhere(const char *target)
{
    return strstr(target, "://") != NULL || strncmp(target, "mailto:", 7) == 0;
}

static bool is_markdown(const char *path)
{
    size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".md") == 0;
}

static void check_link(struct docs *docs, const struct document *document, size_t line, char *target)
{
    struct document other = *document;
    char *anchor = strchr(target, '#');
    if (is_elsewhere(target))
        return;
    docs->references++;
    if (anchor)
        *anchor++ = '\0';
    if (*target) {
        const char *path = arena_printf(docs->arena, "%s/%s", folder_of(document->path, docs->arena), target);
        if (!file_exists(path)) {
            docs_problem(docs, document->path, line, "the link to %s leads nowhere", target);
            return;
        }
        if (!anchor || !is_markdown(path) || document_read(&other, path, docs->arena, NULL) < 0)
            return;
    }
    if (anchor && document_anchor(&other, anchor) == 0)
        docs_problem(docs, document->path, line, "%s has no heading for #%s", *target ? target : "this file", anchor);
}

// [text](target), not inside `code`.
static void check_links(struct docs *docs, const struct document *document, size_t index)
{
    for (const char *at = document->lines[index]; *at; at++) {
        if (strncmp(at, "](", 2) != 0 || is_quoted(document->lines[index], at))
            continue;
        at += 2;
        size_t length = strcspn(at, ") ");
        if (at[length] == ')')
            check_link(docs, document, index + 1, arena_string_bytes(docs->arena, at, length));
    }
}

void docs_check_references(struct docs *docs, const struct document *document)
{
    for (size_t i = 0; i < document->count; i++) {
        if (document->is_code[i])
            continue;
        check_sources(docs, document, i);
        check_links(docs, document, i);
        if (strstr(document->lines[i], "TODO:"
                                       "VERIFY"))
            docs_problem(docs, document->path, i + 1,
                         "a TODO:"
                         "VERIFY is left: verify it, or take the sentence out");
    }
}
