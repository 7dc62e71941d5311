// Prepared statements, one per SQL constant and handle, found by the constant's address.
#include "common/base/memory.h"
#include "common/database/handle.h"

struct statement *database_statement(struct database *database, const char *sql_constant)
{
    struct statement *statement = map_get_number(database->statements, (uint64_t)(uintptr_t)sql_constant);
    if (statement) {
        sqlite3_reset(statement->handle);
        sqlite3_clear_bindings(statement->handle);
        return statement;
    }
    statement = NEW(struct statement);
    statement->database = database;
    statement->sql = sql_constant;
    int code = sqlite3_prepare_v3(database->sqlite, sql_constant, -1, SQLITE_PREPARE_PERSISTENT, &statement->handle, NULL);
    if (code != SQLITE_OK)
        PANIC("%s: %s in: %s", database->path, sqlite3_errmsg(database->sqlite), sql_constant);
    map_put_number(database->statements, (uint64_t)(uintptr_t)sql_constant, statement);
    return statement;
}

void statement_free(struct statement **statement)
{
    sqlite3_finalize((*statement)->handle);
    free(*statement);
    *statement = NULL;
}

// A binding fails for an index that the SQL does not have: a programmer's error.
void statement_bind_integer(struct statement *statement, int index, int64_t value)
{
    int code = sqlite3_bind_int64(statement->handle, index, value);
    INVARIANT(code == SQLITE_OK);
}

void statement_bind_real(struct statement *statement, int index, double value)
{
    int code = sqlite3_bind_double(statement->handle, index, value);
    INVARIANT(code == SQLITE_OK);
}

void statement_bind_text(struct statement *statement, int index, const char *value)
{
    int code =
        value ? sqlite3_bind_text(statement->handle, index, value, -1, SQLITE_TRANSIENT) : sqlite3_bind_null(statement->handle, index);
    INVARIANT(code == SQLITE_OK);
}

void statement_bind_blob(struct statement *statement, int index, const void *value, size_t bytes)
{
    INVARIANT(bytes <= INT32_MAX);
    // A NULL pointer would bind NULL instead of an empty blob.
    int code = bytes ? sqlite3_bind_blob(statement->handle, index, value, (int)bytes, SQLITE_TRANSIENT)
                     : sqlite3_bind_zeroblob(statement->handle, index, 0);
    INVARIANT(code == SQLITE_OK);
}

int statement_step(struct statement *statement, struct panther_error *error)
{
    int code = sqlite3_step(statement->handle);
    if (code == SQLITE_ROW)
        return 1;
    if (code == SQLITE_DONE)
        return 0;
    int result = database_fail(statement->database, code, statement->sql, error);
    sqlite3_reset(statement->handle);
    return result;
}

int statement_run(struct statement *statement, struct panther_error *error)
{
    int result;
    do
        result = statement_step(statement, error);
    while (result == 1);
    sqlite3_reset(statement->handle);
    return result;
}

int64_t statement_integer(struct statement *statement, int column)
{
    return sqlite3_column_int64(statement->handle, column);
}

double statement_real(struct statement *statement, int column)
{
    return sqlite3_column_double(statement->handle, column);
}

const char *statement_text(struct statement *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement->handle, column);
    return text ? text : "";
}

const void *statement_blob(struct statement *statement, int column, size_t *bytes)
{
    const void *blob = sqlite3_column_blob(statement->handle, column);
    *bytes = (size_t)sqlite3_column_bytes(statement->handle, column);
    return blob;
}

int statement_parameter_count(struct statement *statement)
{
    return sqlite3_bind_parameter_count(statement->handle);
}

int statement_column_count(struct statement *statement)
{
    return sqlite3_column_count(statement->handle);
}

const char *statement_column_name(struct statement *statement, int column)
{
    return sqlite3_column_name(statement->handle, column);
}

void statement_reset(struct statement *statement)
{
    sqlite3_reset(statement->handle);
}
