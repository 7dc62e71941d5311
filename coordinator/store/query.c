// A page of a table.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "coordinator/store/query_table.h"
#include "coordinator/store/record_text.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/submission_text.h"

// A page is a control frame with room to spare, and short enough that the next reader soon has its turn.
#define PAGE_BYTES_MAX (1024 * 1024)
#define PAGE_ROWS_MAX 2000
static_assert(PAGE_BYTES_MAX + TEXT_MAX_BYTES * QUERY_COLUMNS_MAX < CONTROL_FRAME_MAX_BYTES, "a page and its last row fit a frame");
// A submission is one row, with a text, files, overrides and cells.
#define SUBMISSION_UNPACK_MAX_BYTES (2 * UNPACK_MAX_BYTES)
// Tag and length of a value, a row.
#define VALUE_OVERHEAD_BYTES 4

struct page {
    struct arena *arena;
    Pb__Row **rows;
    size_t count, capacity, bytes, limit;
    size_t columns;
};

// Room for one row more, grown in the arena.
static Pb__Row *page_row(struct page *page)
{
    if (page->count == page->capacity) {
        size_t capacity = page->capacity ? page->capacity * 2 : 64;
        Pb__Row **rows = ARENA_ARRAY(page->arena, Pb__Row *, capacity);
        if (!rows)
            return NULL;
        if (page->count)
            memcpy(rows, page->rows, page->count * sizeof *rows);
        page->rows = rows;
        page->capacity = capacity;
    }
    Pb__Row *row = ARENA_NEW(page->arena, Pb__Row);
    char **values = ARENA_ARRAY(page->arena, char *, page->columns);
    if (!row || !values)
        return NULL;
    pb__row__init(row);
    row->values = values;
    row->n_values = page->columns;
    return row;
}

static bool row_set(struct page *page, Pb__Row *row, size_t column, const char *value)
{
    row->values[column] = arena_string(page->arena, value);
    page->bytes += strlen(value) + VALUE_OVERHEAD_BYTES;
    return row->values[column] != NULL;
}

static bool fill_row(struct page *page, Pb__Row *row, struct statement *statement)
{
    for (size_t i = 0; i < page->columns; i++)
        if (!row_set(page, row, i, statement_text(statement, (int)i + 1)))
            return false;
    return true;
}

// An event's command, or the command itself; 0: of none.
static uint32_t command_number(const Pb__Record *record, uint32_t *generation)
{
    const Pb__Event *event = record->body_case == PB__RECORD__BODY_INSTANCE_EVENT ? record->instance_event->event : NULL;
    if (record->body_case == PB__RECORD__BODY_COMMAND_ISSUED) {
        *generation = record->command_issued->command->generation;
        return record->command_issued->command->number;
    }
    if (record->body_case == PB__RECORD__BODY_CASES_RELEASED) {
        *generation = record->cases_released->generation;
        return record->cases_released->first_number;
    }
    *generation = event ? event->generation : 0;
    return !event                                             ? 0
           : event->body_case == PB__EVENT__BODY_COMMAND_DONE ? event->command_done->number
           : event->body_case == PB__EVENT__BODY_CASE_STARTED ? event->case_started->number
           : event->body_case == PB__EVENT__BODY_CASE_RESULT  ? event->case_result->number
                                                              : 0;
}

// boottime_ns, received_ns, clock_offset_ns, clock_error_ns, instance, generation, number
static bool fill_clocks(struct page *page, Pb__Row *row, const Pb__Record *record, const char *instance)
{
    char values[7][24] = {"", "", "", "", "", "", ""};
    const Pb__InstanceEvent *kept = record && record->body_case == PB__RECORD__BODY_INSTANCE_EVENT ? record->instance_event : NULL;
    uint32_t generation = 0, number = record ? command_number(record, &generation) : 0;
    if (kept && kept->received_ns) {
        snprintf(values[0], sizeof values[0], "%" PRIu64, kept->event->boottime_ns);
        snprintf(values[1], sizeof values[1], "%" PRIu64, kept->received_ns);
    }
    if (kept && kept->clock_error_ns) {
        snprintf(values[2], sizeof values[2], "%" PRId64, kept->clock_offset_ns);
        snprintf(values[3], sizeof values[3], "%" PRIu64, kept->clock_error_ns);
    }
    snprintf(values[4], sizeof values[4], "%.23s", instance);
    snprintf(values[5], sizeof values[5], "%u", generation);
    snprintf(values[6], sizeof values[6], "%u", number);
    bool fits = true;
    for (size_t i = 0; i < 7 && fits; i++)
        fits = row_set(page, row, 7 + i, values[i]);
    return fits;
}

// What an event is about, and what it says in numbers: the stream and when its bytes were read, the artifact and its own times, the metric
// and its value.
static void subject_of(const Pb__Event *event, const char **subject, struct text *times, char value[32])
{
    if (event->body_case == PB__EVENT__BODY_STREAM_END) {
        *subject = event->stream_end->stream;
        for (size_t i = 0; i < event->stream_end->n_read_times; i++)
            text_printf(times, "%s%" PRIu64, i ? " " : "", event->stream_end->read_times[i]);
    } else if (event->body_case == PB__EVENT__BODY_ARTIFACT_READY) {
        *subject = event->artifact_ready->path;
        if (event->artifact_ready->changed_wall_ns)
            text_printf(times, "%" PRId64 " %" PRId64, event->artifact_ready->created_wall_ns, event->artifact_ready->changed_wall_ns);
    } else if (event->body_case == PB__EVENT__BODY_METRIC) {
        *subject = event->metric->name;
        snprintf(value, 32, "%.15g", event->metric->value);
    }
}

// host_wall_ns, subject, times, value
static bool fill_subject(struct page *page, Pb__Row *row, const Pb__Record *record)
{
    const Pb__Event *event = record && record->body_case == PB__RECORD__BODY_INSTANCE_EVENT ? record->instance_event->event : NULL;
    char wall[24] = "", value[32] = "";
    const char *subject = "";
    struct text times = {0};
    if (event) {
        snprintf(wall, sizeof wall, "%" PRId64, event->wall_ns);
        subject_of(event, &subject, &times, value);
    }
    bool fits = row_set(page, row, 14, wall) && row_set(page, row, 15, subject) && row_set(page, row, 16, text_string(&times)) &&
                row_set(page, row, 17, value);
    text_free(&times);
    return fits;
}

// sequence, wall_ns, agent, trial, service, kind, text; of a timeline, the clocks and what an event is about
static bool fill_event_row(struct page *page, Pb__Row *row, struct statement *statement)
{
    size_t bytes;
    const void *payload = statement_blob(statement, 7, &bytes);
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    const Pb__Record *record = wire_unpack(&pb__record__descriptor, payload, bytes, arena);
    struct text line = {0};
    char wall[24] = "";
    if (record) {
        record_text(record, &line);
        snprintf(wall, sizeof wall, "%" PRId64, record->wall_ns);
    }
    bool fits = true;
    for (size_t i = 0; i < 5 && fits; i++)
        fits = row_set(page, row, i, i == 1 ? wall : statement_text(statement, (int)i + 1));
    fits = fits && row_set(page, row, 5, record ? record_kind(record) : "damaged") && row_set(page, row, 6, text_string(&line));
    if (fits && page->columns > 7)
        fits = fill_clocks(page, row, record, statement_text(statement, 12)) && fill_subject(page, row, record);
    text_free(&line);
    arena_free(&arena);
    return fits;
}

// run, file, text, files, overrides, labels, cells, times, rerun_of
static bool fill_submission(struct page *page, Pb__Row *row, struct statement *statement)
{
    size_t bytes;
    const void *payload = statement_blob(statement, (int)page->columns, &bytes);
    struct arena *arena = arena_new(SUBMISSION_UNPACK_MAX_BYTES);
    const Pb__Record *record = wire_unpack(&pb__record__descriptor, payload, bytes, arena);
    const Pb__RunAccepted *run = record && record->body_case == PB__RECORD__BODY_RUN_ACCEPTED ? record->run_accepted : NULL;
    struct text json[4] = {0};
    bool fits = run != NULL;
    if (run) {
        submission_files(run->experiment, &json[0]);
        submission_overrides(run, &json[1]);
        submission_labels(run, &json[2]);
        submission_cells(run->rerun, &json[3]);
        fits = row_set(page, row, 0, statement_text(statement, 1)) && row_set(page, row, 1, run->file_name) &&
               row_set(page, row, 2, run->text);
    }
    for (size_t i = 0; i < 4; i++) {
        fits = fits && row_set(page, row, 3 + i, text_string(&json[i]));
        text_free(&json[i]);
    }
    const char *times = arena_printf(page->arena, "%u", run && run->rerun && run->rerun->times ? run->rerun->times : 1);
    fits = fits && row_set(page, row, 7, times) && row_set(page, row, 8, run->rerun ? run->rerun->of : "");
    arena_free(&arena);
    return fits && page->bytes < CONTROL_FRAME_MAX_BYTES - PAGE_BYTES_MAX;
}

static bool page_is_full(const struct page *page)
{
    return page->count == page->limit || page->bytes >= PAGE_BYTES_MAX;
}

static int read_page(struct page *page, const struct query_table *table, struct statement *statement, Pb__Rows *rows,
                     struct panther_error *error)
{
    int result;
    while ((result = statement_step(statement, error)) == 1) {
        if (page_is_full(page)) {
            rows->more = true;
            break;
        }
        Pb__Row *row = page_row(page);
        if (!row || !(table->is_submission ? fill_submission : table->is_journal ? fill_event_row : fill_row)(page, row, statement)) {
            result = error_set(error, PANTHER_ELIMIT, "the page is larger than its memory; ask for fewer rows");
            break;
        }
        page->rows[page->count++] = row;
        page->bytes += VALUE_OVERHEAD_BYTES;
        rows->next = (uint64_t)statement_integer(statement, 0);
    }
    statement_reset(statement);
    rows->rows = page->rows;
    rows->n_rows = page->count;
    return result < 0 ? result : 0;
}

static void bind_scope(struct statement *statement, const struct scope *scope)
{
    const struct full_name *name = &scope->name;
    int count = statement_parameter_count(statement);
    if (count >= QUERY_RUN)
        statement_bind_integer(statement, QUERY_RUN, (int64_t)name->run);
    if (count >= QUERY_TEST)
        statement_bind_text(statement, QUERY_TEST, name->test);
    if (count >= QUERY_COMBINATION)
        statement_bind_text(statement, QUERY_COMBINATION, name->combination);
    if (count >= QUERY_REPETITION)
        statement_bind_integer(statement, QUERY_REPETITION, name->repetition);
    if (count >= QUERY_ATTEMPT)
        statement_bind_integer(statement, QUERY_ATTEMPT, name->attempt);
    if (count >= QUERY_SERVICE)
        statement_bind_text(statement, QUERY_SERVICE, name->service);
    if (count >= QUERY_CELL)
        statement_bind_text(statement, QUERY_CELL, scope->cell);
}

static int64_t cursor_of(uint64_t cursor)
{
    return cursor > INT64_MAX ? INT64_MAX : (int64_t)cursor;
}

static struct statement *prepare(struct store_reader *reader, const Pb__Query *query, const struct query_table *table,
                                 const struct scope *scope, size_t limit)
{
    int64_t after = cursor_of(query->after), until = INT64_MAX;
    if (!query->changed || !table->has_changes) {
        // a run's rows: nothing before its acceptance, nothing after its last record
        int64_t first = table->is_journal ? scope->first >> CHANGE_SHIFT : scope->first;
        after = after < first - 1 ? first - 1 : after;
        until = !table->is_journal || scope->last == INT64_MAX ? scope->last : scope->last >> CHANGE_SHIFT;
    }
    struct statement *statement = database_statement(reader->database, query_sql(reader, query->table, scope, query->changed));
    statement_bind_integer(statement, QUERY_AFTER, after);
    statement_bind_integer(statement, QUERY_UNTIL, until);
    statement_bind_integer(statement, QUERY_LIMIT, (int64_t)limit + 1); // one more: is there more?
    bind_scope(statement, scope);
    return statement;
}

static Pb__Rows *rows_new(const struct query_table *table, const struct scope *scope, struct page *page)
{
    Pb__Rows *rows = ARENA_NEW(page->arena, Pb__Rows);
    char **columns = ARENA_ARRAY(page->arena, char *, QUERY_COLUMNS_MAX);
    char *name = arena_allocate(page->arena, FULL_NAME_MAX_BYTES);
    if (!rows || !columns || !name)
        return NULL;
    pb__rows__init(rows);
    while (table->columns[page->columns].name) {
        columns[page->columns] = arena_string(page->arena, table->columns[page->columns].name);
        if (!columns[page->columns++])
            return NULL;
    }
    rows->columns = columns;
    rows->n_columns = page->columns;
    if (scope->kind != SCOPE_ALL)
        full_name_format(&scope->name, name, FULL_NAME_MAX_BYTES);
    rows->scope = name;
    return rows;
}

int store_query(struct store_reader *reader, const Pb__Query *query, struct arena *arena, Pb__Rows **out, struct panther_error *error)
{
    const struct query_table *table = query_table(query->table);
    if (!table)
        return error_set(error, PANTHER_EINVALID, "there is no table %d", (int)query->table);
    struct scope scope;
    int result = scope_resolve(reader->database, query->scope, &scope, error);
    if (result < 0)
        return result;
    struct page page = {.arena = arena, .limit = query->limit && query->limit < PAGE_ROWS_MAX ? query->limit : PAGE_ROWS_MAX};
    Pb__Rows *rows = rows_new(table, &scope, &page);
    if (!rows)
        return error_set(error, PANTHER_ELIMIT, "no memory for a page");
    rows->next = query->after;
    result = read_page(&page, table, prepare(reader, query, table, &scope, page.limit), rows, error);
    if (result == 0)
        *out = rows;
    return result;
}
