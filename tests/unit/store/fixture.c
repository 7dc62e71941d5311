#include "tests/unit/store/fixture.h"

#include <stdio.h>
#include <string.h>

#include "common/system/file.h"

static void check(struct fixture *fixture, int result)
{
    if (result < 0)
        fail_msg("%s", fixture->error.message);
}

void fixture_reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    check(fixture, store_open(&fixture->store, fixture->folder, true, NULL, NULL, NULL, &fixture->error));
}

void fixture_close(struct fixture *fixture)
{
    store_close(&fixture->store);
}

int fixture_begin(void **state)
{
    struct fixture *fixture = NEW(struct fixture);
    *state = fixture;
    snprintf(fixture->root, sizeof fixture->root, "/tmp/panther-store-XXXXXX");
    assert_non_null(mkdtemp(fixture->root));
    fixture->folder = path_join(fixture->root, "data");
    story_begin(&fixture->story);
    fixture_reopen(fixture);
    return 0;
}

int fixture_end(void **state)
{
    struct fixture *fixture = *state;
    fixture_close(fixture);
    check(fixture, folder_remove(fixture->root, &fixture->error));
    story_end(&fixture->story);
    free(fixture->folder);
    free(fixture);
    return 0;
}

void fixture_append(struct fixture *fixture)
{
    if (!store_append(fixture->store, fixture->story.records, fixture->story.count, &fixture->error))
        fail_msg("%s", fixture->error.message);
    fixture->story.count = 0;
}

static struct database *open_directly(struct fixture *fixture, enum database_mode mode)
{
    CLEANUP_FREE char *path = path_join(fixture->folder, "journal.db");
    struct database *database = NULL;
    check(fixture, database_open(&database, path, mode, NULL, 1, &fixture->error));
    return database;
}

static void dump_table(struct database *database, const char *table, struct text *text)
{
    CLEANUP_FREE char *sql = memory_printf("SELECT * FROM %s ORDER BY 1, 2, 3", table);
    struct statement *statement = database_statement(database, sql);
    text_printf(text, "== %s\n", table);
    while (statement_step(statement, NULL) == 1) {
        for (int i = 0; i < statement_column_count(statement); i++)
            if (strcmp(statement_column_name(statement, i), "payload") != 0 && strcmp(statement_column_name(statement, i), "hash") != 0)
                text_printf(text, "%s=%s|", statement_column_name(statement, i), statement_text(statement, i));
        text_append(text, "\n");
    }
    statement_reset(statement);
}

char *fixture_dump(struct fixture *fixture)
{
    static const char *const tables[] = {"journal", "runs",       "tests",   "cells",     "trials",   "instances", "cases",
                                         "metrics", "assertions", "streams", "artifacts", "findings", "sightings"};
    struct database *database = open_directly(fixture, DATABASE_READ_ONLY);
    struct text text = {0};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        dump_table(database, tables[i], &text);
        database_close(&database); // the SQL's address is used again
        database = open_directly(fixture, DATABASE_READ_ONLY);
    }
    database_close(&database);
    return text.data;
}

void fixture_execute(struct fixture *fixture, const char *sql)
{
    struct database *database = open_directly(fixture, DATABASE_READ_WRITE);
    check(fixture, database_execute(database, sql, &fixture->error));
    database_close(&database);
}

void fixture_tamper(struct fixture *fixture, const char *sql)
{
    fixture_close(fixture);
    fixture_execute(fixture, sql);
    check(fixture, store_open(&fixture->store, fixture->folder, false, NULL, NULL, NULL, &fixture->error));
}

Pb__Rows *fixture_query(struct fixture *fixture, Pb__Table table, const char *scope, uint64_t after, uint32_t limit, bool changed)
{
    struct store_reader *reader = NULL;
    check(fixture, store_reader_open(&reader, fixture->folder, &fixture->error));
    Pb__Query query;
    pb__query__init(&query);
    query.table = table;
    query.scope = arena_string(fixture->story.arena, scope);
    query.after = after;
    query.limit = limit;
    query.changed = changed;
    Pb__Rows *rows = NULL;
    fixture->error.code = store_query(reader, &query, fixture->story.arena, &rows, &fixture->error);
    store_reader_close(&reader);
    return rows;
}

const char *value(const Pb__Rows *rows, size_t row, const char *column)
{
    assert_non_null(rows);
    assert_true(row < rows->n_rows);
    for (size_t i = 0; i < rows->n_columns; i++)
        if (strcmp(rows->columns[i], column) == 0)
            return rows->rows[row]->values[i];
    fail_msg("there is no column %s", column);
    return "";
}
