// From a name to a scope. What is not found is answered with what there is, so that the next try is right.
#include "coordinator/store/scope.h"

#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"

// Names in "there is: ...": what fits a line.
#define OFFERED_MAX "8"

static const char RUN[] = "SELECT id, ifnull(last, 9223372036854775807) FROM runs WHERE run = ?";
static const char NEWEST_RUN[] = "SELECT ifnull(max(run), 0) FROM runs";
static const char TEST[] = "SELECT 1 FROM tests WHERE run = ? AND name = ?";
static const char TESTS[] = "SELECT name FROM tests WHERE run = ? ORDER BY test LIMIT " OFFERED_MAX;
static const char COMBINATION[] = "SELECT 1 FROM trials WHERE run = ? AND test = ? AND combination = ? LIMIT 1";
static const char CELL[] = "SELECT 1 FROM cells WHERE name = ?";
static const char CELLS[] = "SELECT name FROM cells WHERE +run = ? AND test = ? ORDER BY id LIMIT " OFFERED_MAX;
static const char TRIAL[] = "SELECT 1 FROM trials WHERE run = ? AND test = ? AND combination = ? AND repetition = ? AND attempt = ?";
static const char TRIALS[] = "SELECT name FROM trials WHERE run = ? AND test = ? AND combination = ? AND repetition = ?"
                             " ORDER BY attempt LIMIT " OFFERED_MAX;
static const char SERVICES[] = "SELECT DISTINCT service FROM instances WHERE trial IN (SELECT trial FROM trials WHERE run = ? AND test = ?"
                               " AND combination = ? AND repetition = ?) ORDER BY instance";
static const char SERVICE[] = "SELECT 1 FROM instances WHERE trial IN (SELECT trial FROM trials WHERE run = ?1 AND test = ?2"
                              " AND combination = ?3 AND repetition = ?4 AND (?6 = 0 OR attempt = ?6)) AND service = ?5 LIMIT 1";

bool scope_names_service(const struct scope *scope)
{
    return scope->name.service[0] != '\0';
}

// Binds as many of run, test, combination, repetition as the statement's level has.
static struct statement *bind(struct database *database, const char *sql, const struct full_name *name, int parts)
{
    struct statement *statement = database_statement(database, sql);
    statement_bind_integer(statement, 1, (int64_t)name->run);
    if (parts > 1)
        statement_bind_text(statement, 2, name->test);
    if (parts > 2)
        statement_bind_text(statement, 3, name->combination);
    if (parts > 3)
        statement_bind_integer(statement, 4, name->repetition);
    return statement;
}

// 1: there is a row.
static int has_row(struct statement *statement, struct panther_error *error)
{
    int result = statement_step(statement, error);
    statement_reset(statement);
    return result;
}

static int not_found(struct statement *offered, const struct full_name *name, const char *what, struct panther_error *error)
{
    char text[FULL_NAME_MAX_BYTES];
    full_name_format(name, text, sizeof text);
    struct text list = {0};
    while (statement_step(offered, NULL) == 1)
        text_printf(&list, "%s%s", list.length ? ", " : "", statement_text(offered, 0));
    statement_reset(offered);
    int result =
        error_set(error, PANTHER_ENOTFOUND, "%.200s: %s; there is: %.240s", text, what, list.length ? text_string(&list) : "nothing yet");
    text_free(&list);
    return result;
}

static int newest_run(struct database *database, uint64_t *run, struct panther_error *error)
{
    struct statement *statement = database_statement(database, NEWEST_RUN);
    int result = statement_step(statement, error);
    if (result == 1)
        *run = (uint64_t)statement_integer(statement, 0);
    statement_reset(statement);
    return result < 0 ? result : 0;
}

static int resolve_run(struct database *database, struct scope *scope, struct panther_error *error)
{
    uint64_t newest = 0;
    int result = newest_run(database, &newest, error);
    if (result < 0)
        return result;
    if (newest == 0)
        return error_set(error, PANTHER_ENOTFOUND, "there is no run yet");
    if (scope->name.is_last)
        scope->name.run = newest;
    scope->name.is_last = false;
    struct statement *statement = bind(database, RUN, &scope->name, 1);
    result = statement_step(statement, error);
    scope->first = result == 1 ? statement_integer(statement, 0) : 0;
    scope->last = result == 1 ? statement_integer(statement, 1) : 0;
    statement_reset(statement);
    if (result == 0)
        return error_set(error, PANTHER_ENOTFOUND, "there is no run r%llu; the newest is r%llu", (unsigned long long)scope->name.run,
                         (unsigned long long)newest);
    return result < 0 ? result : 0;
}

static int check_test(struct database *database, const struct full_name *name, struct panther_error *error)
{
    int result = has_row(bind(database, TEST, name, 2), error);
    return result == 0 ? not_found(bind(database, TESTS, name, 1), name, "the run has no such test", error) : result;
}

static int check_combination(struct database *database, const struct full_name *name, struct panther_error *error)
{
    int result = has_row(bind(database, COMBINATION, name, 3), error);
    return result == 0 ? not_found(bind(database, CELLS, name, 2), name, "no such cell has started", error) : result;
}

static int check_cell(struct database *database, const struct scope *scope, struct panther_error *error)
{
    struct statement *statement = database_statement(database, CELL);
    statement_bind_text(statement, 1, scope->cell);
    int result = has_row(statement, error);
    return result == 0 ? not_found(bind(database, CELLS, &scope->name, 2), &scope->name, "no such cell has started", error) : result;
}

static int check_trial(struct database *database, const struct full_name *name, struct panther_error *error)
{
    struct statement *statement = bind(database, TRIAL, name, 4);
    statement_bind_integer(statement, 5, name->attempt);
    int result = has_row(statement, error);
    return result == 0 ? not_found(bind(database, TRIALS, name, 4), name, "there was no such attempt", error) : result;
}

static int check_service(struct database *database, const struct full_name *name, struct panther_error *error)
{
    struct statement *statement = bind(database, SERVICE, name, 4);
    statement_bind_text(statement, 5, name->service);
    statement_bind_integer(statement, 6, name->attempt);
    int result = has_row(statement, error);
    return result == 0 ? not_found(bind(database, SERVICES, name, 4), name, "the trial has no such service", error) : result;
}

static enum scope_kind kind_of(const struct full_name *name)
{
    if (name->attempt)
        return SCOPE_TRIAL;
    if (name->repetition)
        return SCOPE_CELL;
    if (name->combination[0])
        return SCOPE_COMBINATION;
    return name->test[0] ? SCOPE_TEST : SCOPE_RUN;
}

static void set_cell(struct scope *scope)
{
    struct full_name cell = scope->name;
    cell.attempt = 0;
    cell.service[0] = cell.stream[0] = '\0';
    full_name_format(&cell, scope->cell, sizeof scope->cell);
}

int scope_resolve(struct database *database, const char *text, struct scope *scope, struct panther_error *error)
{
    *scope = (struct scope){.kind = SCOPE_ALL, .last = INT64_MAX};
    if (!text[0])
        return 0;
    int result = full_name_parse(text, &scope->name, error);
    if (result == 0)
        result = resolve_run(database, scope, error);
    if (result < 0)
        return result;
    scope->kind = kind_of(&scope->name);
    set_cell(scope);
    if (scope->kind >= SCOPE_TEST)
        result = check_test(database, &scope->name, error);
    if (result >= 0 && scope->kind == SCOPE_COMBINATION)
        result = check_combination(database, &scope->name, error);
    if (result >= 0 && scope->kind >= SCOPE_CELL)
        result = check_cell(database, scope, error);
    if (result >= 0 && scope->kind == SCOPE_TRIAL)
        result = check_trial(database, &scope->name, error);
    if (result >= 0 && scope_names_service(scope))
        result = check_service(database, &scope->name, error);
    return result < 0 ? result : 0;
}
