// A plugin's README: what its reader must find there, and its table of options, which is made from the plugin's own description.
#include <stdio.h>
#include <string.h>

#include "common/system/file.h"
#include "services/sdk/author/docs.h"

static const char begin_mark[] = "<!-- options -->", end_mark[] = "<!-- /options -->";

// As the guide's template has them: purpose, options and examples, integration, testing.
static const char *const sections[] = {"## Purpose and capabilities", "## Options", "## Example", "## Integration",
                                       "## Testing and troubleshooting"};

static void check_sections(struct docs *docs, const struct document *document)
{
    size_t last = 0;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        size_t line = document_heading(document, sections[i]);
        if (line == 0)
            docs_problem(docs, document->path, document->count, "there is no section \"%s\"", sections[i]);
        else if (line < last)
            docs_problem(docs, document->path, line, "the section \"%s\" stands too early", sections[i]);
        last = line > last ? line : last;
    }
    if (document->count == 0 || strncmp(document->lines[0], "# ", 2) != 0)
        docs_problem(docs, document->path, 1, "the first line must be the title: # NAME");
}

// A vertical line would begin the next column.
static char *escape(const char *text, struct arena *arena)
{
    struct text escaped = {0};
    for (; *text; text++)
        text_printf(&escaped, *text == '|' ? "\\|" : "%c", *text);
    char *copy = arena_string(arena, text_string(&escaped));
    text_free(&escaped);
    return copy;
}

static char *row_of(const Pb__OptionDescription *option, struct arena *arena)
{
    const char *value = option->required         ? "(required)"
                        : *option->default_value ? arena_printf(arena, "`%s`", escape(option->default_value, arena))
                                                 : "";
    const char *unit = *option->unit ? arena_printf(arena, " (%s)", option->unit) : "";
    return arena_printf(arena, "| `%s` | %s |%s%s | %s%s |", option->name, author_option_type(option, arena), *value ? " " : "", value,
                        escape(option->help, arena), unit);
}

static size_t make_table(const Pb__PluginDescription *description, char ***rows, struct arena *arena)
{
    size_t count = 0;
    *rows = ARENA_ARRAY(arena, char *, description->n_options + 2);
    if (description->n_options == 0) {
        (*rows)[count++] = arena_string(arena, "It has no options.");
        return count;
    }
    (*rows)[count++] = arena_string(arena, "| option | type | default | meaning |");
    (*rows)[count++] = arena_string(arena, "|---|---|---|---|");
    for (size_t i = 0; i < description->n_options; i++)
        (*rows)[count++] = row_of(description->options[i], arena);
    return count;
}

static int rewrite(struct docs *docs, const struct document *document, size_t first, size_t last, char **rows, size_t count)
{
    struct text text = {0};
    struct panther_error error = {0};
    for (size_t i = 0; i < first; i++)
        text_printf(&text, "%s\n", document->lines[i]);
    for (size_t i = 0; i < count; i++)
        text_printf(&text, "%s\n", rows[i]);
    for (size_t i = last; i < document->count; i++)
        text_printf(&text, "%s\n", document->lines[i]);
    int problem = file_write_atomic(document->path, text.data, text.length, 0644, &error);
    if (problem < 0)
        docs_problem(docs, document->path, first, "%s", error.message);
    else
        docs->written++;
    text_free(&text);
    return problem;
}

static void check_rows(struct docs *docs, const struct document *document, size_t first, size_t last, char **rows, size_t count)
{
    size_t there = last - first;
    for (size_t i = 0; i < count || i < there; i++) {
        const char *wanted = i < count ? rows[i] : NULL, *found = i < there ? document->lines[first + i] : NULL;
        if (wanted && found && strcmp(wanted, found) == 0)
            continue;
        docs_problem(docs, document->path, first + i + 1,
                     "the options are not the plugin's (`panther-plugin docs --write` makes them): %s%s",
                     wanted ? "should be " : "should not be there: ", wanted ? wanted : found);
        return; // what follows is shifted
    }
}

static void check_options(struct docs *docs, const struct document *document, const Pb__PluginDescription *description)
{
    char **rows;
    size_t first = document_heading(document, begin_mark), last = document_heading(document, end_mark);
    size_t count = make_table(description, &rows, docs->arena);
    if (first == 0 || last < first + 1) {
        docs_problem(docs, document->path, document_heading(document, "## Options"),
                     "the table of options must stand between the lines %s and %s", begin_mark, end_mark);
        return;
    }
    last--; // lines [first, last) are between the marks
    bool is_same = last - first == count;
    for (size_t i = 0; is_same && i < count; i++)
        is_same = strcmp(document->lines[first + i], rows[i]) == 0;
    if (is_same)
        return;
    if (docs->write)
        rewrite(docs, document, first, last, rows, count);
    else
        check_rows(docs, document, first, last, rows, count);
}

void docs_check_plugin(struct docs *docs, const struct document *document, const char *plugin_path)
{
    struct panther_error error = {0};
    docs->plugin_files++;
    check_sections(docs, document);
    Pb__PluginDescription *description = author_describe(plugin_path, docs->arena, &error);
    if (description)
        check_options(docs, document, description);
    else
        docs_problem(docs, document->path, 1, "its plugin does not load: %s", error.message);
}
