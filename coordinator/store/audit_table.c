// The tables that clients read, row by row beside those that the journal makes.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/store/audit_inside.h"
#include "coordinator/store/schema.h"

// Differences that are told of one table: more of them have one cause.
#define TOLD_MAX 10

#define ROWS_OF(table) "SELECT * FROM " table " WHERE ?1 = 0 OR run = ?1 ORDER BY id"

static const struct {
    const char *name, *sql;
} tables[] = {
    {"runs", ROWS_OF("runs")},
    {"tests", "SELECT (run << 20) + test AS id, * FROM tests WHERE ?1 = 0 OR run = ?1 ORDER BY run, test"},
    {"cells", ROWS_OF("cells")},
    {"trials", ROWS_OF("trials")},
    {"instances", ROWS_OF("instances")},
    {"cases", ROWS_OF("cases")},
    {"metrics", ROWS_OF("metrics")},
    {"assertions", ROWS_OF("assertions")},
    {"findings", ROWS_OF("findings")},
    {"gates", ROWS_OF("gates")},
    {"sightings", ROWS_OF("sightings")},
    {"streams", ROWS_OF("streams")},
    {"artifacts", ROWS_OF("artifacts")},
};

struct comparison {
    struct audit *audit;
    const char *table;
    struct statement *is, *should; // the store's row, the journal's
    bool has_is, has_should;
    size_t told;
};

static int64_t id_of(struct statement *row)
{
    return statement_integer(row, 0);
}

static struct audited_run *run_of(const struct comparison *comparison, struct statement *row)
{
    for (int i = 0; i < statement_column_count(row); i++)
        if (strcmp(statement_column_name(row, i), "run") == 0)
            return map_get_number(comparison->audit->runs, (uint64_t)statement_integer(row, i));
    return NULL;
}

static void tell(struct comparison *comparison, struct statement *row, const char *text)
{
    char place[96];
    struct audited_run *run = run_of(comparison, row);
    snprintf(place, sizeof place, "table %s, row of record %" PRId64, comparison->table, id_of(row) >> CHANGE_SHIFT);
    if (comparison->told++ < TOLD_MAX || !run)
        audit_find(comparison->audit, run, place, "%s", text);
    else
        run->result->findings++;
}

static void compare_values(struct comparison *comparison)
{
    struct text differences = {0};
    for (int i = 0; i < statement_column_count(comparison->should); i++) {
        const char *is = statement_text(comparison->is, i), *should = statement_text(comparison->should, i);
        if (strcmp(is, should) != 0)
            text_printf(&differences, "%s%s is \"%.80s\", the journal says \"%.80s\"", differences.length ? "; " : "",
                        statement_column_name(comparison->should, i), is, should);
    }
    if (differences.length)
        tell(comparison, comparison->should, text_string(&differences));
    text_free(&differences);
}

static int step_is(struct comparison *comparison, struct panther_error *error)
{
    int result = statement_step(comparison->is, error);
    comparison->has_is = result == 1;
    return result;
}

static int step_should(struct comparison *comparison, struct panther_error *error)
{
    int result = statement_step(comparison->should, error);
    comparison->has_should = result == 1;
    return result;
}

// Both are in the order of their ids.
static int compare_row(struct comparison *comparison, struct panther_error *error)
{
    bool only_is = comparison->has_is && (!comparison->has_should || id_of(comparison->is) < id_of(comparison->should));
    bool only_should = comparison->has_should && (!comparison->has_is || id_of(comparison->should) < id_of(comparison->is));
    if (only_is) {
        tell(comparison, comparison->is, "the journal does not make this row");
        return step_is(comparison, error);
    }
    if (only_should) {
        tell(comparison, comparison->should, "the row is not there");
        return step_should(comparison, error);
    }
    compare_values(comparison);
    int result = step_is(comparison, error);
    return result < 0 ? result : step_should(comparison, error);
}

static struct statement *rows_of(const struct audit *audit, struct database *database, const char *sql)
{
    struct statement *statement = database_statement(database, sql);
    statement_bind_integer(statement, 1, (int64_t)audit->wanted);
    return statement;
}

static int compare_table(struct audit *audit, const char *name, const char *sql, struct panther_error *error)
{
    struct comparison comparison = {.audit = audit, .table = name};
    comparison.is = rows_of(audit, audit->store, sql);
    comparison.should = rows_of(audit, audit->rebuilt, sql);
    int result = step_is(&comparison, error);
    if (result >= 0)
        result = step_should(&comparison, error);
    while (result >= 0 && (comparison.has_is || comparison.has_should))
        result = compare_row(&comparison, error);
    statement_reset(comparison.is);
    statement_reset(comparison.should);
    return result < 0 ? result : 0;
}

int audit_tables(struct audit *audit, struct panther_error *error)
{
    int result = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && result == 0; i++)
        result = compare_table(audit, tables[i].name, tables[i].sql, error);
    return result;
}
