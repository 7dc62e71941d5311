#include "coordinator/cli/repeat.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/identity.h"
#include "coordinator/cli/explain.h"

char *repeat_origin(const char *cell, uint32_t times, struct arena *arena)
{
    struct full_name name = {0};
    if (full_name_parse(cell, &name, NULL) || name.repetition == 0) {
        return arena_string(arena, cell);
    }
    uint32_t repetition = times > 1 ? (name.repetition - 1) / times + 1 : name.repetition;
    return arena_printf(arena, "%s/%s%s%u", name.test, name.combination, *name.combination ? "/" : "", repetition);
}

// ---- the submission

static char *text_of(const json_t *object, const char *key, struct arena *arena)
{
    const json_t *value = json_object_get(object, key);
    return arena_string(arena, json_is_string(value) ? json_string_value(value) : "");
}

static void read_files(const json_t *files, struct arena *arena, Pb__Submit *submit)
{
    submit->files = ARENA_ARRAY(arena, Pb__FileReference *, json_array_size(files) + 1);
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *from = json_array_get(files, i);
        Pb__FileReference *file = submit->files[submit->n_files++] = ARENA_NEW(arena, Pb__FileReference);
        pb__file_reference__init(file);
        file->name = text_of(from, "name", arena);
        file->path = text_of(from, "path", arena);
        file->hash = text_of(from, "hash", arena);
        file->size_bytes = (uint64_t)json_integer_value(json_object_get(from, "size_bytes"));
        file->folder = json_is_true(json_object_get(from, "folder"));
    }
}

static char *text_at(const json_t *array, size_t index, struct arena *arena)
{
    const json_t *value = json_array_get(array, index);
    return arena_string(arena, json_is_string(value) ? json_string_value(value) : "");
}

static void read_overrides(const json_t *overrides, struct arena *arena, Pb__Submit *submit)
{
    submit->overrides = ARENA_ARRAY(arena, Pb__Override *, json_array_size(overrides) + 1);
    for (size_t i = 0; i < json_array_size(overrides); i++) {
        Pb__Override *override = submit->overrides[submit->n_overrides++] = ARENA_NEW(arena, Pb__Override);
        pb__override__init(override);
        override->path = text_at(json_array_get(overrides, i), 0, arena);
        override->value = text_at(json_array_get(overrides, i), 1, arena);
    }
}

static void read_labels(const json_t *labels, struct arena *arena, Pb__Submit *submit)
{
    submit->labels = ARENA_ARRAY(arena, Pb__Label *, json_array_size(labels) + 1);
    for (size_t i = 0; i < json_array_size(labels); i++) {
        Pb__Label *label = submit->labels[submit->n_labels++] = ARENA_NEW(arena, Pb__Label);
        pb__label__init(label);
        label->name = text_at(json_array_get(labels, i), 0, arena);
        label->value = text_at(json_array_get(labels, i), 1, arena);
    }
}

static void read_cells(const json_t *cells, struct arena *arena, Pb__Rerun *rerun)
{
    rerun->cells = ARENA_ARRAY(arena, char *, json_array_size(cells) + 1);
    for (size_t i = 0; i < json_array_size(cells); i++) {
        rerun->cells[rerun->n_cells++] = text_at(cells, i, arena);
    }
}

static json_t *column(const struct table *rows, const char *name)
{
    const char *text = table_value(rows, 0, name);
    return text ? json_loads(text, 0, NULL) : NULL;
}

static void read_submission(struct repeat *repeat, const struct table *rows, struct arena *arena)
{
    json_t *files = column(rows, "files"), *overrides = column(rows, "overrides"), *labels = column(rows, "labels"),
           *cells = column(rows, "cells");
    const char *times = table_value(rows, 0, "times");
    pb__submit__init(&repeat->submit);
    pb__rerun__init(&repeat->rerun);
    repeat->submit.file_name = arena_string(arena, table_value(rows, 0, "file"));
    repeat->submit.text = arena_string(arena, table_value(rows, 0, "text"));
    repeat->submit.rerun = &repeat->rerun;
    read_files(files, arena, &repeat->submit);
    read_overrides(overrides, arena, &repeat->submit);
    read_labels(labels, arena, &repeat->submit);
    read_cells(cells, arena, &repeat->rerun);
    repeat->times_before = times ? (uint32_t)strtoul(times, NULL, 10) : 1;
    repeat->run = memory_string(table_value(rows, 0, "run"));
    json_decref(files);
    json_decref(overrides);
    json_decref(labels);
    json_decref(cells);
}

static int fetch_submission(struct repeat *repeat, struct evidence *evidence, struct arena *arena)
{
    struct table *rows = NULL;
    int status = evidence_table(evidence, PB__TABLE__TABLE_SUBMISSIONS, repeat->what, &rows);
    if (!status && (table_count(rows) != 1 || !table_value(rows, 0, "text"))) {
        fprintf(stderr, "panther-coord: %s: it is not known what it was made of\n", *repeat->what ? repeat->what : "the bundle");
        status = EXIT_FAIL;
    }
    if (!status) {
        read_submission(repeat, rows, arena);
    }
    table_free(&rows);
    return status;
}

// ---- which cells

static bool has_failed(const char *verdict)
{
    return strcmp(verdict, "fail") == 0 || strcmp(verdict, "inconc") == 0 || strcmp(verdict, "error") == 0;
}

static void keep(struct repeat *repeat, const struct table *rows, bool (*is_wanted)(const char *verdict))
{
    repeat->before = table_new((const char *const[]){"name", "verdict"}, 2);
    for (size_t row = 0; row < table_count(rows); row++) {
        const char *values[] = {table_value(rows, row, "name"), table_value(rows, row, "verdict")};
        if (!is_wanted || is_wanted(values[1])) {
            table_add(repeat->before, values);
        }
    }
}

static int pick_failed(struct repeat *repeat, struct arena *arena)
{
    size_t count = table_count(repeat->before);
    if (!count) {
        fprintf(stderr, "panther-coord: no cell of %s ended fail, inconc or error\n", repeat->run);
        return EXIT_FAIL;
    }
    repeat->rerun.cells = ARENA_ARRAY(arena, char *, count);
    repeat->rerun.n_cells = 0;
    for (size_t i = 0; i < count; i++) {
        repeat->rerun.cells[repeat->rerun.n_cells++] = repeat_origin(table_value(repeat->before, i, "name"), repeat->times_before, arena);
    }
    return 0;
}

static int read_cells_of(struct repeat *repeat, struct evidence *evidence, struct arena *arena)
{
    struct table *cells = NULL;
    int status = evidence_table(evidence, PB__TABLE__TABLE_CELLS, repeat->what, &cells);
    if (!status) {
        keep(repeat, cells, repeat->failed ? has_failed : NULL);
        repeat->rerun.of = repeat->run;
        status = repeat->failed ? pick_failed(repeat, arena) : 0;
    }
    table_free(&cells);
    return status;
}

static int read_trial(struct repeat *repeat, struct evidence *evidence, struct arena *arena)
{
    struct table *trial = NULL;
    int status = explain_find_trial(evidence, repeat->what, &trial);
    if (!status) {
        keep(repeat, trial, NULL);
        repeat->rerun.of = arena_string(arena, table_value(trial, 0, "name"));
        repeat->rerun.cells = ARENA_ARRAY(arena, char *, 1);
        repeat->rerun.cells[0] = repeat_origin(table_value(trial, 0, "cell"), repeat->times_before, arena);
        repeat->rerun.n_cells = 1;
    }
    table_free(&trial);
    return status;
}

int repeat_read(struct repeat *repeat, struct evidence *evidence, struct arena *arena)
{
    struct full_name name = {0};
    full_name_parse(repeat->what, &name, NULL);
    bool is_whole = *repeat->what && !*name.test;
    int status = fetch_submission(repeat, evidence, arena);
    if (status) {
        return status;
    }
    if (!is_whole && repeat->failed) {
        fprintf(stderr, "panther-coord: --failed chooses among the cells of a run; %s is one\n", *repeat->what ? repeat->what : "a bundle");
        return EXIT_USAGE;
    }
    status = is_whole ? read_cells_of(repeat, evidence, arena) : read_trial(repeat, evidence, arena);
    bool is_as_before = is_whole && !repeat->failed && !repeat->times;
    repeat->rerun.times = repeat->times ? repeat->times : is_as_before ? repeat->times_before : 1;
    return status;
}

void repeat_free(struct repeat *repeat)
{
    table_free(&repeat->before);
    free(repeat->run);
}
