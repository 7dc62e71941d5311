// Rows of trials, their instances and assertions.
#include <string.h>

#include "common/base/memory.h"
#include "common/base/verdict.h"
#include "coordinator/store/projection.h"

static const char TRIAL_INSERT[] = "INSERT INTO trials(id, changed, trial, run, name, cell, test, combination, repetition, attempt, state,"
                                   " hosts, started_wall_ns, started_steady_ns)"
                                   " VALUES(?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'starting', ?10, ?11, ?12)";
static const char CELL_START[] =
    "INSERT INTO cells(id, changed, run, name, test, combination, repetition, state, attempts, started_wall_ns, started_steady_ns)"
    " VALUES(?1, ?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7, ?8, ?9)"
    " ON CONFLICT(name) DO UPDATE SET changed = excluded.changed, state = 'running', attempts = excluded.attempts";
static const char RUN_START[] = "UPDATE runs SET changed = ?, started = started + ?, state = CASE state WHEN 'accepted' THEN 'running'"
                                " ELSE state END WHERE run = ?";
static const char INSTANCE_INSERT[] = "INSERT INTO instances(id, changed, instance, generation, run, trial, service, plugin, agent,"
                                      " is_tester, state) VALUES(?1, ?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, 'placed')";
// What is held has its verdict; its end by TrialStopping is none.
static const char TRIAL_STOP[] =
    "UPDATE trials SET changed = ?1, state = 'stopping', verdict = CASE state WHEN 'held' THEN verdict ELSE ?2 END,"
    " reason = CASE state WHEN 'held' THEN reason ELSE ?3 END, text = CASE state WHEN 'held' THEN text ELSE ?4 END WHERE trial = ?5";
static const char TRIAL_HOLD[] = "UPDATE trials SET changed = ?, state = 'held', verdict = ?, reason = ?, text = ? WHERE trial = ?";
static const char CELL_HOLD[] = "UPDATE cells SET changed = ?, state = 'held', verdict = ?, reason = ?, text = ?"
                                " WHERE name = (SELECT cell FROM trials WHERE trial = ?)";
static const char TRIAL_END[] =
    "UPDATE trials SET changed = ?, state = 'ended', verdict = ?, reason = ?, text = ?, ended_wall_ns = ?, ended_steady_ns = ?,"
    " done = (SELECT count(*) FROM cases WHERE cases.trial = trials.trial) WHERE trial = ?";
static const char ASSERTION_INSERT[] = "INSERT INTO assertions(id, run, trial, service, assertion, verdict, reason, text, observed)"
                                       " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)";
static const char UNFINISHED_INSERT[] = "INSERT INTO cases(id, run, trial, instance, number, service, name, verdict, reason, text, metrics)"
                                        " VALUES(?, ?, ?, ?, 0, ?, ?, ?, ?, ?, '')";
static const char COMMAND_STATE[] = "UPDATE instances SET changed = ?, state = ? WHERE instance = ? AND generation = ?";
static const char GENERATION_INSERT[] =
    "INSERT INTO instances(id, changed, instance, generation, run, trial, service, plugin, agent, is_tester, state)"
    " SELECT ?1, ?1, instance, ?3, run, trial, service, plugin, agent, is_tester, ?4 FROM instances WHERE instance = ?2"
    " ORDER BY generation DESC LIMIT 1";
static const char CASES_PLANNED[] =
    "UPDATE instances SET changed = ?, state = 'running', cases = cases + ? WHERE instance = ? AND generation = ?";
static const char TRIAL_CASES[] = "UPDATE trials SET changed = ?, state = 'running', cases = cases + ? WHERE trial = ?";
static const char INSTANCE_LOST[] = "UPDATE instances SET changed = ?, state = 'lost', text = ?, running_case = '' WHERE instance = ?"
                                    " AND generation = ?";

static void append_hosts(struct text *text, const Pb__TrialStarted *trial)
{
    for (size_t i = 0; i < trial->n_services; i++)
        text_printf(text, "%s%s=%s", i ? " " : "", trial->services[i]->service, trial->services[i]->agent);
}

static int insert_instances(struct projection *projection, const Pb__TrialStarted *trial, struct panther_error *error)
{
    int result = 0;
    for (size_t i = 0; i < trial->n_services && result >= 0; i++) {
        const Pb__PlacedService *placed = trial->services[i];
        result =
            PROJECT(projection, INSTANCE_INSERT, error, CHANGE(projection), INTEGER(placed->instance), INTEGER(trial->run),
                    INTEGER(trial->trial), TEXT(placed->service), TEXT(placed->plugin), TEXT(placed->agent), INTEGER(placed->is_tester));
    }
    return result;
}

// "r142/load/nginx,20ms/2#1" -> "r142/load/nginx,20ms/2"
static char *cell_name(const Pb__TrialStarted *trial)
{
    char *cell = memory_string(trial->name);
    char *mark = strrchr(cell, '#');
    if (mark)
        *mark = '\0';
    return cell;
}

static int start_cell(struct projection *projection, const Pb__TrialStarted *trial, const char *cell, struct panther_error *error)
{
    const Pb__CellPlan *plan = trial->plan;
    int result = PROJECT(projection, CELL_START, error, CHANGE(projection), INTEGER(trial->run), TEXT(cell), TEXT(plan->test),
                         TEXT(plan->combination), INTEGER(plan->repetition), INTEGER(trial->attempt), INTEGER(projection->wall_ns),
                         INTEGER(projection->steady_ns));
    if (result < 0)
        return result;
    return PROJECT(projection, RUN_START, error, CHANGE(projection), INTEGER(trial->attempt <= 1), INTEGER(trial->run));
}

int project_trial_started(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__TrialStarted *trial = record->trial_started;
    const Pb__CellPlan *plan = trial->plan;
    CLEANUP_FREE char *cell = cell_name(trial);
    struct text hosts = {0};
    append_hosts(&hosts, trial);
    int result = PROJECT(projection, TRIAL_INSERT, error, CHANGE(projection), INTEGER(trial->trial), INTEGER(trial->run), TEXT(trial->name),
                         TEXT(cell), TEXT(plan->test), TEXT(plan->combination), INTEGER(plan->repetition), INTEGER(trial->attempt),
                         TEXT(text_string(&hosts)), INTEGER(projection->wall_ns), INTEGER(projection->steady_ns));
    text_free(&hosts);
    if (result >= 0)
        result = start_cell(projection, trial, cell, error);
    return result < 0 ? result : insert_instances(projection, trial, error);
}

int project_trial_stopping(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__TrialStopping *trial = record->trial_stopping;
    const Pb__Outcome *outcome = trial->outcome;
    return PROJECT(projection, TRIAL_STOP, error, CHANGE(projection), OUTCOME(outcome), INTEGER(trial->trial));
}

// Its cell has a verdict from here on, though it ends when what is held does.
int project_trial_held(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__TrialHeld *held = record->trial_held;
    const Pb__Outcome *outcome = held->verdict->outcome;
    int result = PROJECT(projection, TRIAL_HOLD, error, CHANGE(projection), OUTCOME(outcome), INTEGER(held->trial));
    return result < 0 ? result : PROJECT(projection, CELL_HOLD, error, CHANGE(projection), OUTCOME(outcome), INTEGER(held->trial));
}

static int insert_assertions(struct projection *projection, const Pb__TrialEnded *trial, struct panther_error *error)
{
    int result = 0;
    for (size_t i = 0; i < trial->n_assertions && result >= 0; i++) {
        const Pb__AssertionResult *assertion = trial->assertions[i];
        const Pb__Outcome *outcome = assertion->outcome;
        result = PROJECT(projection, ASSERTION_INSERT, error, CHANGE(projection), INTEGER(projection->run), INTEGER(trial->trial),
                         TEXT(assertion->service), TEXT(assertion->text), OUTCOME(outcome), TEXT(assertion->observed));
    }
    return result;
}

static int insert_unfinished(struct projection *projection, const Pb__TrialEnded *trial, struct panther_error *error)
{
    int result = 0;
    for (size_t i = 0; i < trial->n_unfinished && result >= 0; i++) {
        const Pb__CaseOutcome *unfinished = trial->unfinished[i];
        const Pb__Outcome *outcome = unfinished->outcome;
        result = PROJECT(projection, UNFINISHED_INSERT, error, CHANGE(projection), INTEGER(projection->run), INTEGER(trial->trial),
                         INTEGER(unfinished->instance), TEXT(unfinished->service), TEXT(unfinished->name), OUTCOME(outcome));
    }
    return result;
}

int project_trial_ended(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__TrialEnded *trial = record->trial_ended;
    const Pb__Outcome *outcome = trial->outcome;
    int result = insert_assertions(projection, trial, error);
    if (result >= 0)
        result = insert_unfinished(projection, trial, error);
    if (result < 0)
        return result;
    return PROJECT(projection, TRIAL_END, error, CHANGE(projection), OUTCOME(outcome), INTEGER(projection->wall_ns),
                   INTEGER(projection->steady_ns), INTEGER(trial->trial));
}

// ---- instances

static const char *state_after(const Pb__Command *command)
{
    switch (command->body_case) {
    case PB__COMMAND__BODY_INITIALIZE:
        return "initializing";
    case PB__COMMAND__BODY_START:
        return "starting";
    case PB__COMMAND__BODY_STOP:
        return "stopping";
    case PB__COMMAND__BODY_CLEANUP:
        return "cleaning";
    default:
        return "running";
    }
}

int project_command_issued(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__Command *command = record->command_issued->command;
    if (command->body_case == PB__COMMAND__BODY_FAULT || command->body_case == PB__COMMAND__BODY_RUN)
        return 0; // done beside the service: it stays what it is
    const char *state = state_after(command);
    int64_t changed = projection_change(projection);
    int result =
        PROJECT(projection, COMMAND_STATE, error, INTEGER(changed), TEXT(state), INTEGER(command->instance), INTEGER(command->generation));
    if (result != 0)
        return result;
    // the first command of a new generation
    return PROJECT(projection, GENERATION_INSERT, error, INTEGER(changed), INTEGER(command->instance), INTEGER(command->generation),
                   TEXT(state));
}

int project_cases_released(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__CasesReleased *released = record->cases_released;
    int result = PROJECT(projection, CASES_PLANNED, error, CHANGE(projection), INTEGER(released->n_cases), INTEGER(released->instance),
                         INTEGER(released->generation));
    if (result < 0)
        return result;
    return PROJECT(projection, TRIAL_CASES, error, CHANGE(projection), INTEGER(released->n_cases), INTEGER(released->trial));
}

int project_instance_lost(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__InstanceLost *lost = record->instance_lost;
    return PROJECT(projection, INSTANCE_LOST, error, CHANGE(projection), TEXT(lost->text), INTEGER(lost->instance),
                   INTEGER(lost->generation));
}
