// The tables of a query: their columns and SQL. The columns are a promise to clients (README.md lists them).
#ifndef PANTHER_COORDINATOR_STORE_QUERY_TABLE_H
#define PANTHER_COORDINATOR_STORE_QUERY_TABLE_H

#include "coordinator/store/reader.h"

#define QUERY_COLUMNS_MAX 32

struct query_column {
    const char *name, *sql;
};

struct query_table {
    const char *from;   // the table that has the cursor is called t
    bool has_changes;   // else rows never change: the cursor by change is the one by creation
    bool is_journal;    // cursor: the sequence; rows are made from the payload
    bool is_submission; // and say what a run was made of
    const char *filters[SCOPE_TRIAL + 1];
    const char *service_filter;
    struct query_column columns[QUERY_COLUMNS_MAX]; // ends with a NULL name
};

const struct query_table *query_table(Pb__Table table); // NULL: no such table
// SELECT cursor, columns...; parameters: after, until, limit, run, test, combination, repetition, attempt, service, cell
enum query_parameter {
    QUERY_AFTER = 1,
    QUERY_UNTIL,
    QUERY_LIMIT,
    QUERY_RUN,
    QUERY_TEST,
    QUERY_COMBINATION,
    QUERY_REPETITION,
    QUERY_ATTEMPT,
    QUERY_SERVICE,
    QUERY_CELL
};
// The same address for the same question.
const char *query_sql(struct store_reader *reader, Pb__Table table, const struct scope *scope, bool by_change);

#endif
