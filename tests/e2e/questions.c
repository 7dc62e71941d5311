// What tests ask: commands with their output, rows of -o json, and what the journal says.
#include <stdio.h>
#include <string.h>

#include "common/system/file.h"
#include "tests/e2e/fixture.h"

#define ARGUMENTS_MAX 24
#define COMMAND_MS 60000 // a command that waits for a run has a test's patience; others end by themselves after 10 s
#define FILE_MAX_BYTES (64u * 1024 * 1024)

// ---- files

const char *lab_path(struct lab *lab, const char *format, ...)
{
    va_list arguments;
    struct text text = {0};
    char name[512];
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    text_printf(&text, "%s%s%s", name[0] == '/' ? "" : lab->root, name[0] == '/' ? "" : "/", name);
    const char *path = arena_string(lab->arena, text_string(&text));
    text_free(&text);
    return path;
}

const char *lab_write(struct lab *lab, const char *name, const char *text)
{
    const char *path = lab_path(lab, "%s", name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
    return path;
}

const char *lab_read(struct lab *lab, const char *path)
{
    char *data = NULL;
    if (file_read(path, FILE_MAX_BYTES, &data, NULL, NULL) < 0)
        return "";
    const char *text = arena_string(lab->arena, data);
    free(data);
    return text;
}

bool lab_log_has(struct lab *lab, const struct child *child, const char *text)
{
    return strstr(lab_read(lab, child->err), text) != NULL;
}

// ---- commands

static struct child *start(struct lab *lab, va_list arguments, const char *more, const char *more_value)
{
    const char *argv[ARGUMENTS_MAX] = {PANTHER_BIN "/panther-coord"};
    size_t count = 1;
    char name[32];
    for (const char *argument; (argument = va_arg(arguments, const char *));) {
        assert_true(count + 3 < ARGUMENTS_MAX);
        argv[count++] = argument;
    }
    if (more) {
        argv[count++] = more;
        argv[count++] = more_value;
    }
    snprintf(name, sizeof name, "command-%u", ++lab->commands);
    struct child *child = children_start(lab->root, name, argv);
    assert_non_null(child);
    return child;
}

struct child *lab_start(struct lab *lab, ...)
{
    va_list arguments;
    va_start(arguments, lab);
    struct child *child = start(lab, arguments, NULL, NULL);
    va_end(arguments);
    return child;
}

int lab_wait(struct lab *lab, struct child *child)
{
    (void)lab;
    LAB_UNTIL_MS(lab, COMMAND_MS, child_has_ended(child));
    return child->status;
}

static struct output finish(struct lab *lab, struct child *child)
{
    int status = lab_wait(lab, child);
    struct output output = {status, lab_read(lab, child->out), lab_read(lab, child->err)};
    child_forget(child);
    return output;
}

struct output lab_run(struct lab *lab, ...)
{
    va_list arguments;
    va_start(arguments, lab);
    struct child *child = start(lab, arguments, NULL, NULL);
    va_end(arguments);
    return finish(lab, child);
}

// ---- rows

json_t *lab_parse(struct lab *lab, const char *text)
{
    json_error_t error;
    json_t *document = json_loads(text, 0, &error);
    if (!document)
        fail_msg("no JSON: %s in: %s", error.text, text);
    json_array_append_new(lab->documents, document);
    return document;
}

json_t *lab_rows(struct lab *lab, ...)
{
    va_list arguments;
    va_start(arguments, lab);
    struct child *child = start(lab, arguments, "-o", "json");
    va_end(arguments);
    struct output output = finish(lab, child);
    if (output.status)
        fail_msg("status %d: %s", output.status, output.err);
    json_t *rows = lab_parse(lab, output.out);
    if (json_is_object(rows)) { // one answer: as one row
        json_t *row = rows;
        rows = json_array();
        json_array_append(rows, row);
        json_array_append_new(lab->documents, rows);
    }
    assert_true(json_is_array(rows));
    return rows;
}

const char *row_text(const json_t *row, const char *column)
{
    const char *text = json_string_value(json_object_get(row, column));
    return text ? text : "";
}

json_int_t row_number(const json_t *row, const char *column)
{
    const json_t *value = json_object_get(row, column);
    if (!json_is_integer(value))
        fail_msg("%s is no whole number", column);
    return json_integer_value(value);
}

json_t *row_where(json_t *rows, const char *column, const char *value)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        if (strcmp(row_text(row, column), value) == 0)
            return row;
    }
    return NULL;
}

// ---- what a run is about

struct child *lab_submit(struct lab *lab, const char *experiment)
{
    size_t runs = json_array_size(lab_rows(lab, "runs", NULL));
    const char *path = lab_write(lab, arena_printf(lab->arena, "experiment-%zu.yaml", runs + 1), experiment);
    struct child *submit = lab_start(lab, "submit", path, "--wait", NULL);
    LAB_UNTIL(lab, child_has_ended(submit) || json_array_size(lab_rows(lab, "runs", NULL)) > runs);
    if (json_array_size(lab_rows(lab, "runs", NULL)) == runs)
        fail_msg("submit ended with status %d: %s", submit->status, lab_read(lab, submit->err));
    return submit;
}

json_t *lab_cell(struct lab *lab, const char *name)
{
    json_t *cell = row_where(lab_rows(lab, "results", name, NULL), "name", name);
    if (!cell)
        fail_msg("there is no cell %s", name);
    return cell;
}

size_t lab_count_events(struct lab *lab, const char *scope, const char *kind)
{
    json_t *events = lab_rows(lab, "events", scope, NULL), *event;
    size_t index, count = 0;
    json_array_foreach(events, index, event)
    {
        count += strcmp(row_text(event, "kind"), kind) == 0;
    }
    return count;
}

const char *lab_event_text(struct lab *lab, const char *scope, const char *kind, const char *holding)
{
    json_t *events = lab_rows(lab, "events", scope, NULL), *event;
    size_t index;
    const char *found = NULL;
    json_array_foreach(events, index, event)
    {
        if (strcmp(row_text(event, "kind"), kind) == 0 && strstr(row_text(event, "text"), holding))
            found = row_text(event, "text");
    }
    return found;
}

pid_t lab_process(struct lab *lab, const char *service, const char *process)
{
    const char *start_of = arena_printf(lab->arena, "process %s (pid ", process);
    const char *text = lab_event_text(lab, service, "process_started", start_of);
    return text ? (pid_t)strtol(strstr(text, "(pid ") + strlen("(pid "), NULL, 10) : 0;
}

json_int_t lab_counter(struct lab *lab, const char *name)
{
    const char *what = arena_printf(lab->arena, "counter %s", name);
    json_t *row = row_where(lab_rows(lab, "status", NULL), "what", what);
    return row ? row_number(row, "value") : 0;
}
