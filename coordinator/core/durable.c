// The fold: journal records -> durable state. Called live for every record a step decides, and on replay: nothing else may change this
// state, so that replay gives back exactly what was (P7).
#include "coordinator/core/durable.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/message.h"
#include "coordinator/core/durable_fold.h"
#include "coordinator/experiment/experiment.h"

static const char *const trial_names[] = {"initializing", "starting", "running", "stopping", "cleaning", "ended"};
static const uint32_t trial_next[] = {
    [TRIAL_INITIALIZING] = LIFECYCLE_TO(TRIAL_STARTING) | LIFECYCLE_TO(TRIAL_STOPPING),
    [TRIAL_STARTING] = LIFECYCLE_TO(TRIAL_RUNNING) | LIFECYCLE_TO(TRIAL_STOPPING),
    [TRIAL_RUNNING] = LIFECYCLE_TO(TRIAL_STOPPING),
    [TRIAL_STOPPING] = LIFECYCLE_TO(TRIAL_CLEANING),
    [TRIAL_CLEANING] = LIFECYCLE_TO(TRIAL_ENDED),
    [TRIAL_ENDED] = 0,
};
const struct lifecycle trial_lifecycle = {"trial", TRIAL_STATES, trial_names, trial_next, LIFECYCLE_TO(TRIAL_ENDED)};

static const char *const instance_names[] = {"placed",   "initializing", "initialized", "starting", "ready", "running",
                                             "finished", "stopping",     "stopped",     "cleaning", "ended"};
#define ANY_TIME (LIFECYCLE_TO(INSTANCE_STOPPING) | LIFECYCLE_TO(INSTANCE_CLEANING) | LIFECYCLE_TO(INSTANCE_ENDED))
static const uint32_t instance_next[] = {
    [INSTANCE_PLACED] = LIFECYCLE_TO(INSTANCE_INITIALIZING) | LIFECYCLE_TO(INSTANCE_ENDED),
    [INSTANCE_INITIALIZING] = LIFECYCLE_TO(INSTANCE_INITIALIZED) | ANY_TIME,
    [INSTANCE_INITIALIZED] = LIFECYCLE_TO(INSTANCE_STARTING) | ANY_TIME,
    [INSTANCE_STARTING] = LIFECYCLE_TO(INSTANCE_READY) | ANY_TIME,
    [INSTANCE_READY] = LIFECYCLE_TO(INSTANCE_RUNNING) | ANY_TIME,
    [INSTANCE_RUNNING] = LIFECYCLE_TO(INSTANCE_FINISHED) | ANY_TIME,
    [INSTANCE_FINISHED] = LIFECYCLE_TO(INSTANCE_RUNNING) | ANY_TIME,
    [INSTANCE_STOPPING] = LIFECYCLE_TO(INSTANCE_STOPPED) | LIFECYCLE_TO(INSTANCE_ENDED),
    [INSTANCE_STOPPED] = LIFECYCLE_TO(INSTANCE_CLEANING) | LIFECYCLE_TO(INSTANCE_ENDED),
    [INSTANCE_CLEANING] = LIFECYCLE_TO(INSTANCE_ENDED) | LIFECYCLE_TO(INSTANCE_PLACED), // its next generation
    [INSTANCE_ENDED] = 0,
};
const struct lifecycle instance_lifecycle = {"instance", INSTANCE_STATES, instance_names, instance_next, LIFECYCLE_TO(INSTANCE_ENDED)};

void outcome_clear(struct outcome *outcome)
{
    free(outcome->text);
    *outcome = (struct outcome){0};
}

void outcome_worsen(struct outcome *outcome, int verdict, int reason, const char *text)
{
    if (!verdict_is_worse(verdict, outcome->verdict)) {
        return;
    }
    outcome_clear(outcome);
    *outcome = (struct outcome){verdict, reason, memory_string(text ? text : "")};
}

// ---- making and freeing

static void map_free_with(struct map **map, void (*release)(void *value))
{
    if (!*map) {
        return;
    }
    for (struct map_entry *entry = map_first(*map); entry; entry = map_next(*map, entry)) {
        release(entry->value);
    }
    map_free(map);
}

static void key_free(void *value)
{
    struct key_entry *key = value;
    free(key->name);
    free(key->public_key);
    free(key->added_by);
    free(key->enroll_for);
    free(key);
}

static void agent_free(void *value)
{
    struct agent_identity *agent = value;
    free(agent->name);
    free(agent->host_id);
    free(agent->boot_id);
    free(agent->epoch);
    map_free(&agent->placed);
    free(agent);
}

static void submission_free(void *value)
{
    struct submission *submission = value;
    free(submission->content_hash);
    free(submission);
}

static void skipped_free(void *value)
{
    outcome_clear(value);
    free(value);
}

static void instance_free(struct instance *instance)
{
    if (!instance) {
        return;
    }
    free(instance->agent);
    free(instance->description_hash);
    message_free(instance->open);
    message_free(instance->initialize);
    message_free(instance->initialized);
    free(instance->profile);
    free(instance->wanted_profile);
    message_free(instance->executed);
    message_free(instance->conditions);
    map_free_with(&instance->skipped, skipped_free);
    for (uint32_t i = 0; i < instance->case_count; i++) {
        free(instance->cases[i]);
    }
    free(instance->cases);
    for (size_t i = 0; i < instance->capability_count; i++) {
        free(instance->capabilities[i]);
    }
    free(instance->capabilities);
    free(instance->case_verdicts);
    free(instance->case_numbers);
    map_free_with(&instance->beside, message_free);
    map_free_with(&instance->sightings, sighting_free);
    map_free_with(&instance->metrics, free);
    map_free(&instance->matches);
    map_free(&instance->processes);
    outcome_clear(&instance->outcome);
    free(instance);
}

void durable_trial_free(void *value)
{
    struct trial *trial = value;
    entries_free(trial);
    for (size_t i = 0; i < trial->instance_count; i++) {
        instance_free(trial->instances[i]);
    }
    free(trial->instances);
    free(trial->name);
    outcome_clear(&trial->outcome);
    message_free(trial->plan);
    message_free(trial->held);
    free(trial);
}

static void run_free(void *value)
{
    struct run *run = value;
    for (size_t i = 0; i < run->experiment->n_tests; i++) {
        map_free(&run->tests[i].skipped);
        free(run->tests[i].tallies);
    }
    free(run->tests);
    map_free_with(&run->retries, free);
    free(run->key);
    free(run->cancel_why);
    message_free(run->experiment);
    free(run);
}

struct durable *durable_new(void)
{
    struct durable *durable = NEW(struct durable);
    durable->keys = map_new();
    durable->keys_by_public = map_new();
    durable->agents = map_new();
    durable->descriptions = map_new();
    durable->submissions = map_new();
    durable->runs = map_new();
    durable->trials = map_new();
    durable->instances = map_new();
    durable->pinned = map_new();
    return durable;
}

void durable_free(struct durable **pointer)
{
    struct durable *durable = *pointer;
    if (!durable) {
        return;
    }
    map_free(&durable->pinned);
    map_free(&durable->instances);
    map_free_with(&durable->trials, durable_trial_free);
    map_free_with(&durable->runs, run_free);
    map_free_with(&durable->submissions, submission_free);
    map_free_with(&durable->descriptions, message_free);
    map_free_with(&durable->agents, agent_free);
    map_free(&durable->keys_by_public);
    map_free_with(&durable->keys, key_free);
    free(durable->home);
    free(durable->lost);
    free(durable->impossible);
    free(durable);
    *pointer = NULL;
}

void durable_refuse(struct durable *durable, const char *format, ...)
{
    if (durable->impossible) {
        return;
    }
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    durable->impossible = memory_string(text);
}

// ---- keys and agents

struct key_entry *durable_key_put(struct durable *durable, const Pb__KeyRecord *record, int64_t wall_ns)
{
    struct key_entry *key = NEW(struct key_entry);
    *key = (struct key_entry){.name = memory_string(record->name),
                              .public_key = memory_string(record->public_key),
                              .added_by = memory_string(record->added_by),
                              .enroll_for = memory_string(record->enroll_for),
                              .role = (int)record->role,
                              .added_wall_ns = wall_ns};
    struct key_entry *old = map_put_text(durable->keys, record->name, key);
    if (old) {
        map_remove_text(durable->keys_by_public, old->public_key);
        key_free(old);
    }
    map_put_text(durable->keys_by_public, key->public_key, key);
    return key;
}

static void apply_key_revoked(struct durable *durable, const Pb__KeyRevokedRecord *record)
{
    struct key_entry *key = map_get_text(durable->keys, record->name);
    if (key) {
        key->revoked = true;
    }
}

struct agent_identity *durable_agent(struct durable *durable, const char *name)
{
    struct agent_identity *agent = map_get_text(durable->agents, name);
    if (!agent) {
        agent = NEW(struct agent_identity);
        agent->name = memory_string(name);
        agent->host_id = memory_string("");
        agent->boot_id = memory_string("");
        agent->epoch = memory_string("");
        agent->placed = map_new();
        map_put_text(durable->agents, name, agent);
    }
    return agent;
}

static void replace_text(char **place, const char *text)
{
    free(*place);
    *place = memory_string(text);
}

void durable_agent_seen(struct durable *durable, const Pb__AgentSeen *record)
{
    struct agent_identity *agent = durable_agent(durable, record->name);
    bool other_outbox = *agent->epoch && strcmp(agent->epoch, record->epoch) != 0;
    for (struct map_entry *entry = map_first(agent->placed); entry && other_outbox; entry = map_next(agent->placed, entry)) {
        struct instance *instance = entry->value;
        instance->heard |= instance->state != INSTANCE_PLACED; // nobody knows what it had to say
    }
    bool other_host = *agent->host_id && strcmp(agent->host_id, record->host_id) != 0;
    for (struct map_entry *entry = map_first(agent->placed); entry && other_host; entry = map_next(agent->placed, entry)) {
        ((struct instance *)entry->value)->elsewhere = true;
    }
    replace_text(&agent->host_id, record->host_id);
    replace_text(&agent->boot_id, record->boot_id);
    replace_text(&agent->epoch, record->epoch);
    agent->last_seen = record->last_seen;
}

void durable_description_put(struct durable *durable, const Pb__DescribedPlugin *described)
{
    message_free(map_put_text(durable->descriptions, described->hash, MESSAGE_COPY(described->description, NULL)));
}

void durable_agent_drained(struct durable *durable, const Pb__AgentDrained *record)
{
    durable_agent(durable, record->name)->is_drained = !record->off;
}

// ---- runs

struct run *durable_run_put(struct durable *durable, uint64_t number, const char *key, const Pb__Experiment *experiment, uint64_t cells)
{
    struct run *run = NEW(struct run);
    run->number = number;
    run->key = memory_string(key);
    run->experiment = MESSAGE_COPY(experiment, NULL);
    run->cells = cells;
    run->retries = map_new();
    run->tests = memory_new(sizeof *run->tests * run->experiment->n_tests);
    for (size_t i = 0; i < run->experiment->n_tests; i++) {
        const Pb__Test *test = run->experiment->tests[i];
        run->tests[i].cells = experiment_cells(test);
        run->tests[i].skipped = map_new();
        run->tests[i].tallies = test->repeat_until ? memory_new(sizeof *run->tests[i].tallies * test->combinations) : NULL;
    }
    map_put_number(durable->runs, run->number, run);
    return run;
}

// A key is for who did not hear the answer and asks again. The oldest one whose run has ended goes first.
static void forget_a_submission(struct durable *durable)
{
    for (struct map_entry *entry = map_first(durable->submissions); entry; entry = map_next(durable->submissions, entry)) {
        struct submission *submission = entry->value;
        if (!map_get_number(durable->runs, submission->run)) {
            map_remove_text(durable->submissions, entry->key);
            submission_free(submission);
            return;
        }
    }
}

void durable_submission_put(struct durable *durable, const char *key, uint64_t run, const char *content_hash)
{
    struct submission *submission = NEW(struct submission);
    submission->run = run;
    submission->content_hash = memory_string(content_hash);
    struct submission *old = map_put_text(durable->submissions, key, submission);
    if (old) {
        submission_free(old);
    }
    if (map_count(durable->submissions) > SUBMISSIONS_KEPT_MAX) {
        forget_a_submission(durable);
    }
}

static void apply_run_accepted(struct durable *durable, const Pb__RunAccepted *record)
{
    FOLD_NEEDS(durable, record->run > durable->last_run, "run %" PRIu64 " is accepted after run %" PRIu64, record->run, durable->last_run);
    durable_run_put(durable, record->run, record->key, record->experiment, record->cells);
    durable->last_run = record->run;
    if (*record->key) {
        durable_submission_put(durable, record->key, record->run, record->content_hash);
    }
}

static void apply_run_cancelled(struct durable *durable, const Pb__RunCancelled *record)
{
    struct run *run = map_get_number(durable->runs, record->run);
    if (run) {
        run->cancelled = true;
        replace_text(&run->cancel_why, record->why);
    }
}

bool run_cell_is_pending(const struct run *run, uint32_t test, uint64_t cell)
{
    const struct test_progress *progress = &run->tests[test];
    return cell >= progress->cursor ? cell < progress->cells : map_get_number(progress->skipped, cell) != NULL;
}

void run_cell_leaves_queue(struct run *run, uint32_t test, uint64_t cell)
{
    struct test_progress *progress = &run->tests[test];
    for (; progress->cursor <= cell; progress->cursor++) {
        if (progress->cursor < cell) {
            map_put_number(progress->skipped, progress->cursor, progress);
        }
    }
    map_remove_number(progress->skipped, cell);
}

bool run_has_cell(const struct run *run, uint32_t test, uint64_t cell)
{
    return test < run->experiment->n_tests && cell < run->tests[test].cells;
}

static void run_retry_key(char text[48], uint32_t test, uint64_t cell)
{
    snprintf(text, 48, "%u/%llu", test, (unsigned long long)cell);
}

void run_retry_put(struct run *run, uint32_t test, uint64_t cell, uint32_t attempts)
{
    struct cell_retry *retry = NEW(struct cell_retry);
    *retry = (struct cell_retry){test, cell, attempts};
    char key[48];
    run_retry_key(key, test, cell);
    free(map_put_text(run->retries, key, retry));
}

void run_retry_forget(struct run *run, uint32_t test, uint64_t cell)
{
    char key[48];
    run_retry_key(key, test, cell);
    free(map_remove_text(run->retries, key));
}

// It has not been started, or all its attempts so far have ended.
static bool run_cell_waits(const struct run *run, uint32_t test, uint64_t cell)
{
    char key[48];
    run_retry_key(key, test, cell);
    return run_cell_is_pending(run, test, cell) || map_get_text(run->retries, key);
}

static void tally_cell(struct run *run, const Pb__CellEnded *record)
{
    const Pb__Test *test = run->experiment->tests[record->test];
    struct tally *tally = run->tests[record->test].tallies;
    if (tally) {
        tally += record->cell % test->combinations;
        tally->ended++;
        tally->passed += record->outcome->verdict == VERDICT_PASS;
        tally->failed += record->outcome->verdict == VERDICT_FAIL;
    }
}

static void apply_cell_ended(struct durable *durable, const Pb__CellEnded *record)
{
    struct run *run = map_get_number(durable->runs, record->run);
    FOLD_NEEDS(durable, run, "a cell of run %" PRIu64 " ends, which is not open", record->run);
    FOLD_NEEDS(durable, run_has_cell(run, record->test, record->cell), "run %" PRIu64 " has no cell %" PRIu64 " of test %u", record->run,
               record->cell, record->test);
    FOLD_NEEDS(durable, run_cell_waits(run, record->test, record->cell),
               "cell %" PRIu64 " of test %u of run %" PRIu64 " ends twice, or too early", record->cell, record->test, record->run);
    FOLD_NEEDS(durable, (unsigned)record->outcome->verdict <= VERDICT_ERROR, "%d is no verdict", (int)record->outcome->verdict);
    if (run_cell_is_pending(run, record->test, record->cell)) {
        run_cell_leaves_queue(run, record->test, record->cell);
    }
    run_retry_forget(run, record->test, record->cell);
    run->cells_ended++;
    tally_cell(run, record);
    run->counts[record->outcome->verdict]++;
}

static void apply_run_ended(struct durable *durable, const Pb__RunEnded *record)
{
    struct run *run = map_get_number(durable->runs, record->run);
    FOLD_NEEDS(durable, run, "run %" PRIu64 " ends, which is not open", record->run);
    FOLD_NEEDS(durable, run->live_trials == 0, "run %" PRIu64 " ends before its trials", record->run);
    map_remove_number(durable->runs, record->run);
    run_free(run);
}

static void apply_instance_event(struct durable *durable, const Pb__InstanceEvent *record)
{
    struct agent_identity *agent = durable_agent(durable, record->agent);
    if (strcmp(agent->epoch, record->epoch) == 0) {
        agent->last_seen = record->sequence;
    }
    if (record->stale) {
        return;
    }
    struct instance *instance = map_get_number(durable->instances, record->event->instance);
    FOLD_NEEDS(durable, instance && instance->state != INSTANCE_ENDED, "instance %" PRIu64 " reports, which is not live",
               record->event->instance);
    event_fold(durable, instance, record->event);
}

void durable_pin(struct durable *durable, uint64_t run, Pb__Pin pin)
{
    if (pin == PB__PIN__PIN_ON) {
        map_put_number(durable->pinned, run, durable->pinned);
    } else if (pin == PB__PIN__PIN_OFF) {
        map_remove_number(durable->pinned, run);
    }
}

const char *durable_apply(struct durable *durable, const Pb__Record *record)
{
    durable->records++;
    durable->steady_ns = record->steady_ns;
    durable->wall_ns = record->wall_ns;
    switch (record->body_case) {
    case PB__RECORD__BODY_STORE_OPENED:
        fold_store_opened(durable, record->store_opened);
        break;
    case PB__RECORD__BODY_KEY_ADDED:
        durable_key_put(durable, record->key_added, record->wall_ns);
        break;
    case PB__RECORD__BODY_KEY_REVOKED:
        apply_key_revoked(durable, record->key_revoked);
        break;
    case PB__RECORD__BODY_AGENT_SEEN:
        durable_agent_seen(durable, record->agent_seen);
        break;
    case PB__RECORD__BODY_DESCRIPTION:
        durable_description_put(durable, record->description);
        break;
    case PB__RECORD__BODY_RUN_ACCEPTED:
        apply_run_accepted(durable, record->run_accepted);
        break;
    case PB__RECORD__BODY_RUN_CANCELLED:
        apply_run_cancelled(durable, record->run_cancelled);
        break;
    case PB__RECORD__BODY_TRIAL_STARTED:
        fold_trial_started(durable, record->trial_started);
        break;
    case PB__RECORD__BODY_COMMAND_ISSUED:
        fold_command_issued(durable, record->command_issued);
        break;
    case PB__RECORD__BODY_CASES_RELEASED:
        fold_cases_released(durable, record->cases_released);
        break;
    case PB__RECORD__BODY_INSTANCE_EVENT:
        apply_instance_event(durable, record->instance_event);
        break;
    case PB__RECORD__BODY_TIMELINE_MARK:
        fold_timeline_mark(durable, record->timeline_mark);
        break;
    case PB__RECORD__BODY_INSTANCE_RENEWED:
        fold_instance_renewed(durable, record->instance_renewed);
        break;
    case PB__RECORD__BODY_INSTANCE_LOST:
        fold_instance_lost(durable, record->instance_lost);
        break;
    case PB__RECORD__BODY_TRIAL_HELD:
        fold_trial_held(durable, record->trial_held);
        break;
    case PB__RECORD__BODY_TRIAL_STOPPING:
        fold_trial_stopping(durable, record->trial_stopping);
        break;
    case PB__RECORD__BODY_TRIAL_ENDED:
        fold_trial_ended(durable, record->trial_ended);
        break;
    case PB__RECORD__BODY_CELL_ENDED:
        apply_cell_ended(durable, record->cell_ended);
        break;
    case PB__RECORD__BODY_RUN_ENDED:
        apply_run_ended(durable, record->run_ended);
        break;
    case PB__RECORD__BODY_AGENT_DRAINED:
        durable_agent_drained(durable, record->agent_drained);
        break;
    case PB__RECORD__BODY_RUN_ANNOTATED:
        durable_pin(durable, record->run_annotated->run, record->run_annotated->pin);
        break;
    case PB__RECORD__BODY_EVIDENCE_REMOVED:
    case PB__RECORD__BODY_CONTENT_STORED:
        break; // for the projections only
    case PB__RECORD__BODY__NOT_SET:
    default:
        durable_refuse(durable, "a record of kind %d", (int)record->body_case);
    }
    return durable->impossible;
}
