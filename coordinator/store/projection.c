// The table of projecting functions and what they share. A record that cannot be projected is an error that ends the program:
// the journal would otherwise say one thing and the tables another.
#include "coordinator/store/projection.h"

#include "common/base/verdict.h"
#include "coordinator/store/schema.h"

static project_fn *const table[] = {
    [PB__RECORD__BODY_RUN_ACCEPTED] = project_run_accepted,     [PB__RECORD__BODY_RUN_CANCELLED] = project_run_cancelled,
    [PB__RECORD__BODY_RUN_ENDED] = project_run_ended,           [PB__RECORD__BODY_CELL_ENDED] = project_cell_ended,
    [PB__RECORD__BODY_TRIAL_STARTED] = project_trial_started,   [PB__RECORD__BODY_TRIAL_STOPPING] = project_trial_stopping,
    [PB__RECORD__BODY_TRIAL_ENDED] = project_trial_ended,       [PB__RECORD__BODY_COMMAND_ISSUED] = project_command_issued,
    [PB__RECORD__BODY_CASES_RELEASED] = project_cases_released, [PB__RECORD__BODY_INSTANCE_EVENT] = project_instance_event,
    [PB__RECORD__BODY_INSTANCE_LOST] = project_instance_lost,   [PB__RECORD__BODY_CONTENT_STORED] = project_content_stored,
    [PB__RECORD__BODY_RUN_ANNOTATED] = project_run_annotated,   [PB__RECORD__BODY_EVIDENCE_REMOVED] = project_evidence_removed,
    [PB__RECORD__BODY_TRIAL_HELD] = project_trial_held,
};

int64_t projection_change(struct projection *projection)
{
    INVARIANT(projection->ordinal < UINT32_C(1) << CHANGE_SHIFT);
    return (int64_t)(projection->sequence << CHANGE_SHIFT | projection->ordinal++);
}

static struct statement *bind(struct projection *projection, const char *sql, const struct value_bound *values, size_t count)
{
    struct statement *statement = database_statement(projection->database, sql);
    for (size_t i = 0; i < count; i++) {
        int index = (int)i + 1;
        if (values[i].type == BOUND_INTEGER)
            statement_bind_integer(statement, index, values[i].integer);
        else if (values[i].type == BOUND_REAL)
            statement_bind_real(statement, index, values[i].real);
        else
            statement_bind_text(statement, index, values[i].text);
    }
    return statement;
}

int projection_execute(struct projection *projection, const char *sql, struct panther_error *error, const struct value_bound *values,
                       size_t count)
{
    int result = statement_run(bind(projection, sql, values, count), error);
    return result < 0 ? result : (int)database_changes(projection->database);
}

int projection_number(struct projection *projection, const char *sql, int64_t *number, struct panther_error *error,
                      const struct value_bound *values, size_t count)
{
    struct statement *statement = bind(projection, sql, values, count);
    int result = statement_step(statement, error);
    if (result >= 0)
        *number = result == 1 ? statement_integer(statement, 0) : 0;
    statement_reset(statement);
    return result < 0 ? result : 0;
}

const char *outcome_verdict(const Pb__Outcome *outcome)
{
    return verdict_name(outcome ? (int)outcome->verdict : VERDICT_NONE);
}

const char *outcome_reason(const Pb__Outcome *outcome)
{
    return reason_name(outcome ? (int)outcome->reason : REASON_UNSPECIFIED);
}

// ---- what a record is about

static const char RUN_OF_TRIAL[] = "SELECT run FROM trials WHERE trial = ?";
static const char RUN_EXTEND[] = "UPDATE runs SET last = ? WHERE run = ? AND last IS NOT NULL";
static const char TRIAL_OF_INSTANCE[] = "SELECT trial FROM instances WHERE instance = ? LIMIT 1";

static int find_run(struct projection *projection, struct panther_error *error)
{
    size_t slot = projection->trial % TRIALS_REMEMBERED;
    if (projection->remembered[slot].trial != projection->trial) {
        int64_t run = 0;
        int result = projection_number(projection, RUN_OF_TRIAL, &run, error, &INTEGER(projection->trial), 1);
        if (result < 0 || run == 0)
            return result;
        projection->remembered[slot].trial = projection->trial;
        projection->remembered[slot].run = (uint64_t)run;
    }
    projection->run = projection->remembered[slot].run;
    return 0;
}

static int find_trial(struct projection *projection, struct panther_error *error)
{
    int64_t trial = 0;
    int result = projection_number(projection, TRIAL_OF_INSTANCE, &trial, error, &INTEGER(projection->instance), 1);
    projection->trial = (uint64_t)trial;
    return result;
}

static void set_subject(struct projection *projection, uint64_t run, uint64_t trial, uint64_t instance)
{
    projection->run = run;
    projection->trial = trial;
    projection->instance = instance;
}

static void read_subject(struct projection *projection, const Pb__Record *record)
{
    switch (record->body_case) {
    case PB__RECORD__BODY_RUN_ACCEPTED:
        return set_subject(projection, record->run_accepted->run, 0, 0);
    case PB__RECORD__BODY_RUN_CANCELLED:
        return set_subject(projection, record->run_cancelled->run, 0, 0);
    case PB__RECORD__BODY_RUN_ENDED:
        return set_subject(projection, record->run_ended->run, 0, 0);
    case PB__RECORD__BODY_RUN_ANNOTATED:
        return set_subject(projection, record->run_annotated->run, 0, 0);
    case PB__RECORD__BODY_EVIDENCE_REMOVED:
        return set_subject(projection, record->evidence_removed->run, 0, 0);
    case PB__RECORD__BODY_CELL_ENDED:
        return set_subject(projection, record->cell_ended->run, 0, 0);
    case PB__RECORD__BODY_TRIAL_STARTED:
        return set_subject(projection, record->trial_started->run, record->trial_started->trial, 0);
    case PB__RECORD__BODY_TRIAL_STOPPING:
        return set_subject(projection, 0, record->trial_stopping->trial, 0);
    case PB__RECORD__BODY_TRIAL_HELD:
        return set_subject(projection, 0, record->trial_held->trial, 0);
    case PB__RECORD__BODY_TRIAL_ENDED:
        return set_subject(projection, 0, record->trial_ended->trial, 0);
    case PB__RECORD__BODY_COMMAND_ISSUED:
        return set_subject(projection, 0, record->command_issued->trial, record->command_issued->command->instance);
    case PB__RECORD__BODY_CASES_RELEASED:
        return set_subject(projection, 0, record->cases_released->trial, record->cases_released->instance);
    case PB__RECORD__BODY_INSTANCE_EVENT:
        return set_subject(projection, 0, record->instance_event->trial, record->instance_event->event->instance);
    case PB__RECORD__BODY_INSTANCE_LOST:
        return set_subject(projection, 0, record->instance_lost->trial, record->instance_lost->instance);
    case PB__RECORD__BODY_INSTANCE_RENEWED:
        return set_subject(projection, 0, record->instance_renewed->trial, record->instance_renewed->instance);
    case PB__RECORD__BODY_TIMELINE_MARK:
        return set_subject(projection, 0, record->timeline_mark->trial, 0);
    case PB__RECORD__BODY_CONTENT_STORED:
        return set_subject(projection, 0, 0, record->content_stored->instance);
    default:
        return set_subject(projection, 0, 0, 0);
    }
}

int projection_begin(struct projection *projection, uint64_t sequence, const Pb__Record *record, struct panther_error *error)
{
    projection->sequence = sequence;
    projection->wall_ns = record->wall_ns;
    projection->steady_ns = record->steady_ns;
    projection->ordinal = 0;
    read_subject(projection, record);
    int result = 0;
    if (projection->instance != 0 && projection->trial == 0)
        result = find_trial(projection, error);
    if (result == 0 && projection->trial != 0 && projection->run == 0)
        result = find_run(projection, error);
    return result;
}

// What comes after the end of a run moves the end of the run's rows. A result does not: it is the fast path, and a late one is stale.
static int extend_run(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    bool is_result = record->body_case == PB__RECORD__BODY_INSTANCE_EVENT && !record->instance_event->stale &&
                     record->instance_event->event->body_case == PB__EVENT__BODY_CASE_RESULT;
    if (projection->run == 0 || is_result)
        return 0;
    return PROJECT(projection, RUN_EXTEND, error, CHANGE(projection), INTEGER(projection->run));
}

int projection_apply(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    size_t kind = (size_t)record->body_case;
    int result = 0;
    if (kind < sizeof table / sizeof *table && table[kind]) // keys, agents, descriptions have no rows, only events
        result = table[kind](projection, record, error);
    if (result >= 0)
        result = extend_run(projection, record, error);
    return result < 0 ? result : 0;
}
