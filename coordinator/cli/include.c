#include "coordinator/cli/include.h"

#include <assert.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/system/file.h"
#include "common/system/yaml.h"
#include "coordinator/experiment/document.h"

// While trees of several files are joined, the line of a value also says which file it stands in.
#define LINES_MAX (1U << 21) // more than a text of EXPERIMENT_TEXT_MAX_BYTES can have
static_assert(EXPERIMENT_TEXT_MAX_BYTES < LINES_MAX, "the file's number stands above the line");

struct reading {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *files[INCLUDE_FILES_MAX]; // as messages name them
    char real[INCLUDE_FILES_MAX][PATH_MAX];
    size_t count;
    size_t open[INCLUDE_DEPTH_MAX]; // the files that include this one
    size_t depth;
    size_t bytes;
    const char *key; // that names files: messages begin with it
};

static void problem(const struct reading *reading, const struct value *at, const char *what, const char *name)
{
    struct diagnostics *diagnostics = reading->diagnostics;
    diagnostics->file = reading->files[at->line / LINES_MAX];
    diagnostics_error(diagnostics, at->line % LINES_MAX, at->column, "%s: \"%.200s\" %s", reading->key, name, what);
    diagnostics->file = reading->files[0];
}

static void mark(struct value *value, unsigned number)
{
    value->line += number * LINES_MAX;
    for (size_t i = 0; i < value->count; i++) {
        mark(value->items[i], number);
        if (value->kind == VALUE_MAP) {
            value->key_places[i]->line += number * LINES_MAX;
        }
    }
}

static char *beside(const struct reading *reading, const char *file, const char *name)
{
    return *name == '/' ? arena_string(reading->arena, name)
                        : arena_printf(reading->arena, "%s/%s", dirname(arena_string(reading->arena, file)), name);
}

// Files are named relative to the file that names them; together, to the first.
static void move_files(const struct reading *reading, struct value *document, const char *name)
{
    struct value *files = value_get(document, "files");
    const char *folder = dirname(arena_string(reading->arena, name));
    for (size_t i = 0; files && files->kind == VALUE_MAP && i < files->count; i++) {
        struct value *path = files->items[i];
        if (path->kind == VALUE_SCALAR && *path->text != '/' && strcmp(folder, ".") != 0) {
            path->text = arena_printf(reading->arena, "%s/%s", folder, path->text);
        }
    }
}

static struct value *join(const struct reading *reading, struct value *below, struct value *above)
{
    struct value *tests = below ? value_get(below, "tests") : NULL, *more = value_get(above, "tests");
    struct value *joined = below ? document_merge(reading->arena, below, above) : above;
    if (!tests || !more || tests->kind != VALUE_LIST || more->kind != VALUE_LIST) {
        return joined;
    }
    struct value *all = value_list(reading->arena, more->line, more->column);
    for (size_t i = 0; i < tests->count; i++) {
        value_list_add(reading->arena, all, tests->items[i]);
    }
    for (size_t i = 0; i < more->count; i++) {
        value_list_add(reading->arena, all, more->items[i]);
    }
    value_map_put(reading->arena, joined, "tests", all);
    return joined;
}

static struct value *read_included(struct reading *reading, const struct value *name, const char *from, const char *written);
static void put_all_expected(struct reading *reading, struct value *document, const char *from);

// The document on top of the files that it includes.
static struct value *with_included(struct reading *reading, struct value *document, const char *path, const char *written)
{
    const struct value *include = document->kind == VALUE_MAP ? value_get(document, "include") : NULL;
    struct value *below = NULL;
    put_all_expected(reading, document, path);
    size_t count = value_is_null(include) ? 0 : include->kind == VALUE_LIST ? include->count : 1;
    for (size_t i = 0; i < count; i++) {
        const struct value *name = include->kind == VALUE_LIST ? include->items[i] : include;
        if (name->kind != VALUE_SCALAR) {
            problem(reading, name, "takes paths of files", value_kind_name(name));
            continue;
        }
        struct value *included = read_included(reading, name, path, written);
        below = included ? join(reading, below, included) : below;
    }
    return below ? join(reading, below, document) : document;
}

static bool is_open(const struct reading *reading, const char *real)
{
    for (size_t i = 0; i < reading->depth; i++) {
        if (strcmp(reading->real[reading->open[i]], real) == 0) {
            return true;
        }
    }
    return false;
}

// A file that `name` names: its tree, and its path and number in the reading. NULL: it cannot be had, which was reported.
static struct value *read_named(struct reading *reading, const struct value *name, const char *path, size_t *number)
{
    char *data = NULL;
    struct panther_error error = {0};
    char real[PATH_MAX];
    size_t bytes;
    if (!realpath(path, real) || file_read(path, EXPERIMENT_TEXT_MAX_BYTES, &data, &bytes, &error)) {
        problem(reading, name, *error.message ? error.message : "cannot be read: there is no such file", path);
        return NULL;
    }
    const char *wrong = is_open(reading, real)                               ? "includes itself"
                        : reading->depth == INCLUDE_DEPTH_MAX                ? "is included too deep"
                        : reading->count == INCLUDE_FILES_MAX                ? "is one file too many"
                        : reading->bytes + bytes > EXPERIMENT_TEXT_MAX_BYTES ? "makes the experiment larger than a megabyte"
                                                                             : NULL;
    if (wrong) {
        problem(reading, name, wrong, path);
        free(data);
        return NULL;
    }
    *number = reading->count++;
    reading->bytes += bytes;
    reading->files[*number] = path;
    memcpy(reading->real[*number], real, sizeof real);
    reading->diagnostics->file = path;
    struct value *document = yaml_read(data, bytes, reading->arena, reading->diagnostics);
    reading->diagnostics->file = reading->files[0];
    free(data);
    if (document) {
        mark(document, (unsigned)*number);
    }
    return document;
}

// `written`: the path of the including file as the first file would write it.
static struct value *read_included(struct reading *reading, const struct value *name, const char *from, const char *written)
{
    char *path = beside(reading, from, name->text), *as_written = beside(reading, written, name->text);
    size_t number;
    struct value *document = read_named(reading, name, path, &number);
    if (!document) {
        return NULL;
    }
    if (document->kind != VALUE_MAP) {
        problem(reading, name, "holds no map of an experiment's keys", path);
        return NULL;
    }
    move_files(reading, document, as_written);
    reading->open[reading->depth++] = number;
    struct value *joined = with_included(reading, document, path, as_written);
    reading->depth--;
    return joined;
}

// ---- known failures: `expect: {file: known-failures.yaml}`, a list of what would stand there

static const struct value *expected_file(const struct value *test)
{
    const struct value *expect = value_get(test, "expect");
    const struct value *file = value_get(expect, "file");
    return file && expect->count == 1 && file->kind == VALUE_SCALAR && !value_is_null(file) ? file : NULL;
}

// The list stands in the test from here on, each entry with its own place.
static void put_expected(struct reading *reading, struct value *test, const char *from)
{
    const struct value *name = expected_file(test);
    if (!name) {
        return; // what else stands there is read with all other keys
    }
    size_t number;
    char *path = beside(reading, from, name->text);
    reading->key = "expect";
    struct value *list = read_named(reading, name, path, &number);
    if (list && list->kind != VALUE_LIST) {
        problem(reading, name, "holds no list of known failures", path);
    } else if (list) {
        value_map_put(reading->arena, test, "expect", list);
    }
    reading->key = "include";
}

// The tests of a document, and what all of them stand on.
static size_t tests_of(const struct value *document)
{
    const struct value *tests = value_get(document, "tests");
    return tests && tests->kind == VALUE_LIST ? tests->count : 0;
}

static void put_all_expected(struct reading *reading, struct value *document, const char *from)
{
    struct value *tests = value_get(document, "tests");
    put_expected(reading, value_get(document, "defaults"), from);
    for (size_t i = 0; i < tests_of(document); i++) {
        put_expected(reading, tests->items[i], from);
    }
}

static bool names_files(const struct value *document)
{
    const struct value *tests = value_get(document, "tests");
    bool names = !value_is_null(value_get(document, "include")) || expected_file(value_get(document, "defaults"));
    for (size_t i = 0; i < tests_of(document) && !names; i++) {
        names = expected_file(tests->items[i]) != NULL;
    }
    return names;
}

// ---- the joined tree as a text: block style, one key or entry a line

struct writing {
    const struct reading *reading;
    struct text out;
    struct include_places *places;
    unsigned line;
};

static void keep_place(struct writing *writing, unsigned column, const struct value *value)
{
    struct include_places *places = writing->places;
    APPEND(places->items, places->count, places->capacity) = (struct include_place){
        writing->line, column, value->line % LINES_MAX, value->column, writing->reading->files[value->line / LINES_MAX]};
}

static void new_line(struct writing *writing)
{
    text_append(&writing->out, "\n");
    writing->line++;
}

static void write_quoted(struct text *out, const char *text)
{
    text_append(out, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '\n') {
            text_append(out, "\\n");
        } else if (*c == '\t') {
            text_append(out, "\\t");
        } else {
            text_append(out, *c == '"' || *c == '\\' ? "\\" : "");
            text_append_bytes(out, c, 1);
        }
    }
    text_append(out, "\"");
}

static void write_value(struct writing *writing, const struct value *value, unsigned indent, unsigned column);

static void indent_by(struct writing *writing, unsigned indent)
{
    text_printf(&writing->out, "%*s", (int)indent, "");
}

static void write_entries(struct writing *writing, const struct value *value, unsigned indent)
{
    for (size_t i = 0; i < value->count; i++) {
        indent_by(writing, indent);
        keep_place(writing, indent + 1, value->kind == VALUE_MAP ? value->key_places[i] : value);
        size_t before = writing->out.length;
        if (value->kind == VALUE_MAP) {
            write_quoted(&writing->out, value->keys[i]);
            text_append(&writing->out, ":");
        } else {
            text_append(&writing->out, "-");
        }
        write_value(writing, value->items[i], indent + 1, indent + 1 + (unsigned)(writing->out.length - before));
    }
}

// column: where this line stands by now.
static void write_value(struct writing *writing, const struct value *value, unsigned indent, unsigned column)
{
    if (value->kind != VALUE_SCALAR && value->count > 0) {
        new_line(writing);
        write_entries(writing, value, indent);
        return;
    }
    text_append(&writing->out, " ");
    keep_place(writing, column + 1, value);
    if (value->kind == VALUE_SCALAR && (value->quoted || strpbrk(value->text, "\n\t"))) {
        write_quoted(&writing->out, value->text);
    } else {
        text_append(&writing->out, value->kind == VALUE_MAP ? "{}" : value->kind == VALUE_LIST ? "[]" : value->text);
    }
    new_line(writing);
}

static void write_document(struct writing *writing, struct value *document)
{
    struct value *without = value_map(writing->reading->arena, document->line, document->column);
    for (size_t i = 0; i < document->count; i++) {
        if (strcmp(document->keys[i], "include") == 0) {
            continue;
        }
        value_map_put(writing->reading->arena, without, document->keys[i], document->items[i]);
        without->key_places[without->count - 1] = document->key_places[i];
    }
    writing->line = 1;
    write_entries(writing, without, 0);
}

bool include_apply(const char *path, struct value **document, char **text, size_t *bytes, struct include_places *places,
                   struct arena *arena, struct diagnostics *diagnostics)
{
    if (!names_files(*document)) {
        return false;
    }
    struct reading *reading = memory_new(sizeof *reading);
    *reading = (struct reading){.arena = arena, .diagnostics = diagnostics, .count = 1, .depth = 1, .bytes = *bytes, .key = "include"};
    reading->files[0] = path;
    if (!realpath(path, reading->real[0])) {
        *reading->real[0] = '\0'; // standard input
    }
    struct value *joined = with_included(reading, *document, strcmp(path, "-") == 0 ? "stdin" : path, "here");
    struct writing writing = {.reading = reading, .places = places};
    if (!diagnostics->errors) {
        write_document(&writing, joined);
        free(*text);
        *bytes = writing.out.length;
        *text = memory_string(text_string(&writing.out));
        *document = yaml_read(*text, *bytes, arena, diagnostics);
    }
    text_free(&writing.out);
    free(reading);
    return true;
}

// Places rise, so the last one that is not behind the item's is the one that holds it.
void include_locate(const struct include_places *places, Pb__Diagnostic *item)
{
    const struct include_place *holder = NULL;
    for (size_t i = 0; i < places->count; i++) {
        const struct include_place *place = &places->items[i];
        if (place->line < item->line || (place->line == item->line && place->column <= item->column)) {
            holder = place;
        }
    }
    if (!holder || item->line == 0) {
        return;
    }
    item->file = (char *)(uintptr_t)holder->file;
    item->line = holder->from_line;
    item->column = holder->from_column;
}

void include_places_free(struct include_places *places)
{
    free(places->items);
    *places = (struct include_places){0};
}
