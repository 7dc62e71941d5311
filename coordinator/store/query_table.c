// Columns and filters. A run's rows are a range of ids and are filtered ("+" keeps SQLite from sorting them through an index); a
// cell's or trial's rows are found by the index on trial.
#include "coordinator/store/query_table.h"

#include <string.h>

// By the journal's own clock, whatever the wall clock did meanwhile; records of older programs have none.
#define DURATION_MS                                                                                                                        \
    "CASE WHEN t.started_steady_ns > 0 THEN (t.ended_steady_ns - t.started_steady_ns) / 1000000"                                           \
    " WHEN t.ended_wall_ns > t.started_wall_ns THEN (t.ended_wall_ns - t.started_wall_ns) / 1000000 END"
#define OF_RUN "+t.run = ?4"
#define TRIALS_OF "(SELECT trial FROM trials WHERE run = ?4 AND test = ?5"
#define OF_TEST OF_RUN " AND +t.trial IN " TRIALS_OF ")"
#define OF_COMBINATION OF_RUN " AND +t.trial IN " TRIALS_OF " AND combination = ?6)"
// trial > 0 lets SQLite use the journal's partial index
#define OF_CELL "t.trial > 0 AND t.trial IN " TRIALS_OF " AND combination = ?6 AND repetition = ?7)"
#define OF_TRIAL "t.trial > 0 AND t.trial IN " TRIALS_OF " AND combination = ?6 AND repetition = ?7 AND attempt = ?8)"
#define SEEN_IN OF_RUN " AND t.signature IN (SELECT signature FROM sightings AS s WHERE s.run = ?4 AND s.trial IN "
#define BY_TRIAL                                                                                                                           \
    {                                                                                                                                      \
        NULL, OF_RUN, OF_TEST, OF_COMBINATION, OF_CELL, OF_TRIAL                                                                           \
    }
#define OF_SERVICE "t.service = ?9"
#define JOIN_TRIAL " LEFT JOIN trials AS n ON n.trial = t.trial"
#define OUTCOME                                                                                                                            \
    {"verdict", "t.verdict"}, {"reason", "t.reason"},                                                                                      \
    {                                                                                                                                      \
        "text", "t.text"                                                                                                                   \
    }
#define TIMES                                                                                                                              \
    {"started_wall_ns", "t.started_wall_ns"}, {"ended_wall_ns", "t.ended_wall_ns"},                                                        \
    {                                                                                                                                      \
        "duration_ms", DURATION_MS                                                                                                         \
    }

#define JOURNAL_COLUMNS                                                                                                                    \
    {"sequence", "t.sequence"}, {"wall_ns", "''"}, {"agent", "(SELECT agent FROM instances AS i WHERE i.instance = t.instance LIMIT 1)"},  \
        {"trial", "ifnull(n.name, CASE WHEN t.run > 0 THEN 'r' || t.run END)"},                                                            \
        {"service", "(SELECT service FROM instances AS i WHERE i.instance = t.instance LIMIT 1)"}, {"kind", "''"},                         \
    {                                                                                                                                      \
        "text", "t.payload"                                                                                                                \
    }

static const struct query_table tables[READER_TABLES] =
    {
        [PB__TABLE__TABLE_RUNS] =
            {
                .from = "runs AS t",
                .has_changes = true,
                .filters = {NULL, "t.run = ?4", "t.run = ?4", "t.run = ?4", "t.run = ?4", "t.run = ?4"},
                .columns = {{"name", "'r' || t.run"},
                            {"experiment", "t.experiment"},
                            {"state", "t.state"},
                            OUTCOME,
                            {"cells_count", "t.cells"},
                            {"started_count", "t.started"},
                            {"done_count", "t.done"},
                            {"pass_count", "t.pass"},
                            {"fail_count", "t.fail"},
                            {"inconc_count", "t.inconc"},
                            {"error_count", "t.error"},
                            {"none_count", "t.none"},
                            TIMES,
                            {"by", "t.by"},
                            {"labels", "t.labels"},
                            {"file", "t.file_name"},
                            {"gate", "t.gate"},
                            {"gate_text", "t.gate_text"},
                            {"baseline", "t.baseline"},
                            {"rerun_of", "t.rerun"},
                            {"is_part", "t.is_part"},
                            {"tags", "t.tags"},
                            {"pinned", "t.pinned"},
                            {"notes_count", "t.notes"}},
            },
        [PB__TABLE__TABLE_NOTES] =
            {
                .from = "notes AS t",
                .filters = {NULL, OF_RUN, OF_RUN, OF_RUN, OF_RUN, OF_RUN},
                .columns = {{"run", "'r' || t.run"},
                            {"trial", "t.trial"},
                            {"text", "t.text"},
                            {"by", "t.by"},
                            {"written_wall_ns", "t.written_wall_ns"}},
            },
        // made from the record that accepted the run, which stands in the last column's place
        [PB__TABLE__TABLE_SUBMISSIONS] =
            {
                .from = "runs AS r JOIN journal AS t ON t.sequence = (r.id >> 20)",
                .is_journal = true,
                .is_submission = true,
                .filters = {NULL, OF_RUN, OF_RUN, OF_RUN, OF_RUN, OF_RUN},
                .columns = {{"run", "'r' || t.run"},
                            {"file", "''"},
                            {"text", "''"},
                            {"files", "''"},
                            {"overrides", "''"},
                            {"labels", "''"},
                            {"cells", "''"},
                            {"times", "''"},
                            {"rerun_of", "t.payload"}},
            },
        [PB__TABLE__TABLE_GATES] =
            {
                .from = "gates AS t",
                .filters = {NULL, OF_RUN, OF_RUN " AND t.test = ?5", OF_RUN " AND t.test = ?5", OF_RUN " AND t.test = ?5",
                            OF_RUN " AND t.test = ?5"},
                .columns = {{"run", "'r' || t.run"},
                            {"test", "t.test"},
                            {"gate", "t.gate"},
                            {"kind", "t.kind"},
                            {"name", "t.name"},
                            {"verdict", "t.verdict"},
                            {"before", "t.before"},
                            {"after", "t.after"},
                            {"text", "t.text"}},
            },
        [PB__TABLE__TABLE_CELLS] =
            {
                .from = "cells AS t",
                .has_changes = true,
                .filters = {NULL, "t.run = ?4", "t.run = ?4 AND t.test = ?5", "t.run = ?4 AND t.test = ?5 AND t.combination = ?6",
                            "t.name = ?10", "t.name = ?10"},
                .columns = {{"name", "t.name"},
                            {"run", "'r' || t.run"},
                            {"test", "t.test"},
                            {"combination", "t.combination"},
                            {"repetition", "t.repetition"},
                            {"state", "t.state"},
                            OUTCOME,
                            {"attempts_count", "t.attempts"},
                            TIMES},
            },
        [PB__TABLE__TABLE_TRIALS] =
            {
                .from = "trials AS t",
                .has_changes = true,
                .filters = {NULL, OF_RUN, OF_RUN " AND t.test = ?5", OF_RUN " AND t.test = ?5 AND t.combination = ?6",
                            "t.run = ?4 AND t.test = ?5 AND t.combination = ?6 AND t.repetition = ?7",
                            "t.run = ?4 AND t.test = ?5 AND t.combination = ?6 AND t.repetition = ?7 AND t.attempt = ?8"},
                .columns = {{"name", "t.name"},
                            {"cell", "t.cell"},
                            {"attempt", "t.attempt"},
                            {"state", "t.state"},
                            OUTCOME,
                            {"hosts", "t.hosts"},
                            {"cases_count", "t.cases"},
                            {"done_count", "ifnull(t.done, (SELECT count(*) FROM cases WHERE cases.trial = t.trial))"},
                            TIMES},
            },
        [PB__TABLE__TABLE_INSTANCES] =
            {
                .from = "instances AS t" JOIN_TRIAL,
                .has_changes = true,
                .filters = BY_TRIAL,
                .service_filter = OF_SERVICE,
                .columns = {{"instance", "t.instance"},
                            {"generation", "t.generation"},
                            {"trial", "n.name"},
                            {"service", "t.service"},
                            {"plugin", "t.plugin"},
                            {"version", "t.version"},
                            {"agent", "t.agent"},
                            {"kind", "CASE t.is_tester WHEN 1 THEN 'tester' ELSE 'iut' END"},
                            {"state", "t.state"},
                            OUTCOME,
                            {"endpoints", "t.endpoints"},
                            {"cases_count", "t.cases"},
                            {"running_case", "t.running_case"},
                            {"kernel", "t.kernel"},
                            {"architecture", "t.architecture"},
                            {"distribution", "t.distribution"},
                            {"cpus", "ifnull(t.cpus, '')"},
                            {"memory_bytes", "ifnull(t.memory_bytes, '')"},
                            {"governor", "t.governor"},
                            {"clock_source", "t.clock_source"},
                            {"clock_sync", "t.clock_sync"},
                            {"clock_error_us", "ifnull(t.clock_error_us, '')"},
                            {"interface", "t.interface"},
                            {"offloads", "t.offloads"}},
            },
        [PB__TABLE__TABLE_CASES] =
            {
                .from = "cases AS t" JOIN_TRIAL,
                .filters = BY_TRIAL,
                .service_filter = OF_SERVICE,
                .columns = {{"trial", "n.name"},
                            {"service", "t.service"},
                            {"case", "t.name"},
                            OUTCOME,
                            {"duration_ns", "t.duration_ns"},
                            {"metrics", "t.metrics"},
                            {"number", "t.number"}},
            },
        [PB__TABLE__TABLE_METRICS] =
            {
                .from = "metrics AS t" JOIN_TRIAL,
                .filters = BY_TRIAL,
                .service_filter = OF_SERVICE,
                .columns = {{"trial", "n.name"},
                            {"service", "t.service"},
                            {"case", "t.case_name"},
                            {"metric", "t.name"},
                            {"value", "t.value"},
                            {"unit", "t.unit"},
                            {"better", "t.better"}},
            },
        [PB__TABLE__TABLE_ARTIFACTS] =
            {
                .from = "artifacts AS t" JOIN_TRIAL,
                .has_changes = true,
                .filters = BY_TRIAL,
                .service_filter = OF_SERVICE,
                .columns = {{"name", "n.name || '/' || t.service || '/' || t.name"},
                            {"trial", "n.name"},
                            {"service", "t.service"},
                            {"artifact", "t.name"},
                            {"kind", "t.kind"},
                            {"state", "t.state"},
                            {"size_bytes", "t.size_bytes"},
                            {"hash", "t.hash"},
                            {"instance", "t.instance"},
                            {"generation", "t.generation"},
                            {"host", "ifnull((SELECT agent FROM instances AS i WHERE i.instance = t.instance LIMIT 1), '')"}},
            },
        [PB__TABLE__TABLE_STREAMS] =
            {
                .from = "streams AS t" JOIN_TRIAL,
                .has_changes = true,
                .filters = BY_TRIAL,
                .service_filter = OF_SERVICE,
                .columns = {{"name", "n.name || '/' || t.service || '/' || t.name"},
                            {"trial", "n.name"},
                            {"service", "t.service"},
                            {"stream", "t.name"},
                            {"state", "t.state"},
                            {"size_bytes", "ifnull(t.size_bytes, t.end_bytes - t.dropped_bytes)"},
                            {"dropped_bytes", "t.dropped_bytes"},
                            {"gaps", "t.gaps"},
                            {"hash", "t.hash"},
                            {"instance", "t.instance"},
                            {"generation", "t.generation"},
                            {"host", "ifnull((SELECT agent FROM instances AS i WHERE i.instance = t.instance LIMIT 1), '')"}},
            },
        [PB__TABLE__TABLE_ASSERTIONS] =
            {
                .from = "assertions AS t" JOIN_TRIAL,
                .filters = BY_TRIAL,
                .service_filter = OF_SERVICE,
                .columns =
                    {{"trial", "n.name"}, {"service", "t.service"}, {"assertion", "t.assertion"}, OUTCOME, {"observed", "t.observed"}},
            },
        [PB__TABLE__TABLE_FINDINGS] =
            {
                .from = "findings AS t LEFT JOIN trials AS f ON f.trial = t.first_trial LEFT JOIN trials AS l ON l.trial = t.last_trial",
                .has_changes = true,
                .filters = {NULL, OF_RUN, SEEN_IN TRIALS_OF "))", SEEN_IN TRIALS_OF " AND combination = ?6))",
                            SEEN_IN TRIALS_OF " AND combination = ?6 AND repetition = ?7))",
                            SEEN_IN TRIALS_OF " AND combination = ?6 AND repetition = ?7 AND attempt = ?8))"},
                .service_filter = OF_SERVICE,
                .columns = {{"signature", "t.signature"},
                            {"title", "t.title"},
                            {"run", "'r' || t.run"},
                            {"service", "t.service"},
                            {"case", "t.case_name"},
                            {"sightings_count", "t.sightings"},
                            {"first_trial", "f.name"},
                            {"last_trial", "l.name"}},
            },
        // kind and text are made from the payload, which stands in the last column's place
        [PB__TABLE__TABLE_EVENTS] =
            {
                .from = "journal AS t" JOIN_TRIAL,
                .is_journal = true,
                .filters = BY_TRIAL,
                .service_filter = "(SELECT service FROM instances AS i WHERE i.instance = t.instance LIMIT 1) = ?9",
                .columns = {JOURNAL_COLUMNS},
            },
        [PB__TABLE__TABLE_TIMELINE] =
            {
                .from = "journal AS t" JOIN_TRIAL,
                .is_journal = true,
                .filters = BY_TRIAL,
                .service_filter = "(SELECT service FROM instances AS i WHERE i.instance = t.instance LIMIT 1) = ?9",
                .columns = {JOURNAL_COLUMNS,
                            {"boottime_ns", "''"},
                            {"received_ns", "''"},
                            {"clock_offset_ns", "''"},
                            {"clock_error_ns", "''"},
                            {"instance", "t.instance"},
                            {"generation", "''"},
                            {"number", "''"},
                            {"host_wall_ns", "''"},
                            {"subject", "''"},
                            {"times", "''"},
                            {"value", "''"}},
            },
};

const struct query_table *query_table(Pb__Table table)
{
    if ((unsigned)table >= READER_TABLES || !tables[table].from)
        return NULL;
    return &tables[table];
}

static char *make_sql(const struct query_table *table, const struct scope *scope, bool by_change)
{
    const char *cursor = table->is_journal ? "t.sequence" : by_change && table->has_changes ? "t.changed" : "t.id";
    struct text sql = {0};
    text_printf(&sql, "SELECT %s", cursor);
    for (const struct query_column *column = table->columns; column->name; column++)
        text_printf(&sql, ", %s", column->sql);
    text_printf(&sql, " FROM %s WHERE %s > ?1 AND %s <= ?2", table->from, cursor, cursor);
    if (table->filters[scope->kind])
        text_printf(&sql, " AND %s", table->filters[scope->kind]);
    if (scope_names_service(scope) && table->service_filter)
        text_printf(&sql, " AND %s", table->service_filter);
    text_printf(&sql, " ORDER BY %s LIMIT ?3", cursor);
    return sql.data;
}

const char *query_sql(struct store_reader *reader, Pb__Table table, const struct scope *scope, bool by_change)
{
    size_t index = (((size_t)table * (SCOPE_TRIAL + 1) + (size_t)scope->kind) * 2 + scope_names_service(scope)) * 2 + by_change;
    if (!reader->sql[index])
        reader->sql[index] = make_sql(&tables[table], scope, by_change);
    return reader->sql[index];
}
