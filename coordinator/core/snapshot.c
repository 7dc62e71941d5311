// The durable state as a sequence of messages, and back. Nothing is decided here: a field is written and read again. Parts borrow from
// the live state while they are handed over.
#include "coordinator/core/snapshot.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/message.h"
#include "coordinator/core/durable_fold.h"

// A field that is added to the durable state and not here would be lost by a start from a snapshot. These remind of it, unless it fell into
// padding; what core_print shows is compared by the tests.
#if defined __x86_64__
static_assert(sizeof(struct durable) == 208, "save and load the new field here, then count again");
static_assert(sizeof(struct key_entry) == 56 && sizeof(struct agent_identity) == 72 && sizeof(struct test_progress) == 32, "likewise");
static_assert(sizeof(struct run) == 120, "save and load the new field here, then count again");
static_assert(sizeof(struct trial) == 152, "save and load the new field here, then count again");
static_assert(sizeof(struct instance) == 376, "save and load the new field here, then count again");
#endif

struct saver {
    core_part_fn *callback;
    void *context;
    struct arena *arena; // of the part at hand
};

#define NEW_IN(arena, type, prefix)                                                                                                        \
    ({                                                                                                                                     \
        type *message_ = ARENA_NEW((arena), type);                                                                                         \
        prefix##__init(message_);                                                                                                          \
        message_;                                                                                                                          \
    })
// PART(saver, key, KEY, SnapshotKey): a new part in the arena, its body to be filled
#define PART(saver, field, KIND, type, prefix)                                                                                             \
    ({                                                                                                                                     \
        arena_reset((saver)->arena);                                                                                                       \
        Pb__SnapshotPart *part_ = NEW_IN((saver)->arena, Pb__SnapshotPart, pb__snapshot_part);                                             \
        part_->body_case = PB__SNAPSHOT_PART__BODY_##KIND;                                                                                 \
        part_->field = NEW_IN((saver)->arena, type, prefix);                                                                               \
        part_;                                                                                                                             \
    })

static void hand_over(const struct saver *saver, const Pb__SnapshotPart *part)
{
    saver->callback(saver->context, part);
}

static uint64_t *numbers_of(const struct saver *saver, const struct map *map, size_t *count)
{
    uint64_t *numbers = ARENA_ARRAY(saver->arena, uint64_t, map_count(map) + 1);
    *count = 0;
    for (struct map_entry *entry = map_first(map); entry; entry = map_next(map, entry)) {
        numbers[(*count)++] = map_entry_number(entry);
    }
    return numbers;
}

static Pb__Outcome *outcome_of(const struct saver *saver, const struct outcome *outcome)
{
    Pb__Outcome *saved = NEW_IN(saver->arena, Pb__Outcome, pb__outcome);
    saved->verdict = (Pb__Verdict)outcome->verdict;
    saved->reason = (Pb__Reason)outcome->reason;
    saved->text = outcome->text ? outcome->text : saved->text;
    return saved;
}

static void outcome_load(struct outcome *outcome, const Pb__Outcome *saved)
{
    if (saved) {
        outcome_worsen(outcome, (int)saved->verdict, (int)saved->reason, saved->text);
    }
}

// ---- who is known

static void save_head(const struct saver *saver, const struct durable *durable)
{
    Pb__SnapshotPart *part = PART(saver, head, HEAD, Pb__SnapshotHead, pb__snapshot_head);
    Pb__SnapshotHead *head = part->head;
    head->store_id = arena_string(saver->arena, durable->store_id);
    head->incarnation = durable->incarnation;
    head->last_run = durable->last_run;
    head->pinned = numbers_of(saver, durable->pinned, &head->n_pinned);
    head->last_trial = durable->last_trial;
    head->last_instance = durable->last_instance;
    head->records = durable->records;
    head->steady_ns = durable->steady_ns;
    head->wall_ns = durable->wall_ns;
    head->home = arena_string(saver->arena, durable->home ? durable->home : "");
    head->lost = ARENA_ARRAY(saver->arena, Pb__LostLife *, durable->lost_count + 1);
    for (size_t i = 0; i < durable->lost_count; i++) {
        const struct lost_life *lost = &durable->lost[i];
        Pb__LostLife *saved = head->lost[head->n_lost++] = NEW_IN(saver->arena, Pb__LostLife, pb__lost_life);
        saved->incarnation = lost->incarnation;
        saved->next_incarnation = lost->next_incarnation;
        saved->instance = lost->instance;
        saved->next_instance = lost->next_instance;
    }
    hand_over(saver, part);
}

static const char *load_head(struct durable *durable, const Pb__SnapshotHead *head)
{
    snprintf(durable->store_id, sizeof durable->store_id, "%s", head->store_id);
    durable->incarnation = head->incarnation;
    durable->last_run = head->last_run;
    for (size_t i = 0; i < head->n_pinned; i++) {
        durable_pin(durable, head->pinned[i], PB__PIN__PIN_ON);
    }
    durable->last_trial = head->last_trial;
    durable->last_instance = head->last_instance;
    durable->records = head->records;
    durable->steady_ns = head->steady_ns;
    durable->wall_ns = head->wall_ns;
    free(durable->home);
    durable->home = *head->home ? memory_string(head->home) : NULL;
    for (size_t i = 0; i < head->n_lost; i++) {
        const Pb__LostLife *lost = head->lost[i];
        durable_life_put(durable, (struct lost_life){lost->incarnation, lost->next_incarnation, lost->instance, lost->next_instance});
    }
    return NULL;
}

static void save_keys(const struct saver *saver, const struct durable *durable)
{
    for (struct map_entry *entry = map_first(durable->keys); entry; entry = map_next(durable->keys, entry)) {
        const struct key_entry *key = entry->value;
        Pb__SnapshotPart *part = PART(saver, key, KEY, Pb__SnapshotKey, pb__snapshot_key);
        Pb__KeyRecord *record = part->key->key = NEW_IN(saver->arena, Pb__KeyRecord, pb__key_record);
        record->name = key->name;
        record->role = (Pb__Role)key->role;
        record->public_key = key->public_key;
        record->added_by = key->added_by;
        record->enroll_for = key->enroll_for;
        part->key->added_wall_ns = key->added_wall_ns;
        part->key->revoked = key->revoked;
        hand_over(saver, part);
    }
}

static const char *load_key(struct durable *durable, const Pb__SnapshotKey *saved)
{
    if (!saved->key) {
        return "a key without its record";
    }
    durable_key_put(durable, saved->key, saved->added_wall_ns)->revoked = saved->revoked;
    return NULL;
}

// What is placed on an agent follows from the instances.
static void save_agents(const struct saver *saver, const struct durable *durable)
{
    for (struct map_entry *entry = map_first(durable->agents); entry; entry = map_next(durable->agents, entry)) {
        const struct agent_identity *agent = entry->value;
        Pb__SnapshotPart *part = PART(saver, agent, AGENT, Pb__AgentSeen, pb__agent_seen);
        part->agent->name = agent->name;
        part->agent->host_id = agent->host_id;
        part->agent->boot_id = agent->boot_id;
        part->agent->epoch = agent->epoch;
        part->agent->last_seen = agent->last_seen;
        hand_over(saver, part);
        if (agent->is_drained) {
            part = PART(saver, drained, DRAINED, Pb__AgentDrained, pb__agent_drained);
            part->drained->name = agent->name;
            hand_over(saver, part);
        }
    }
}

static void save_descriptions(const struct saver *saver, const struct durable *durable)
{
    for (struct map_entry *entry = map_first(durable->descriptions); entry; entry = map_next(durable->descriptions, entry)) {
        Pb__SnapshotPart *part = PART(saver, description, DESCRIPTION, Pb__DescribedPlugin, pb__described_plugin);
        part->description->hash = arena_string(saver->arena, entry->key);
        part->description->description = entry->value;
        hand_over(saver, part);
    }
}

static void save_submissions(const struct saver *saver, const struct durable *durable)
{
    for (struct map_entry *entry = map_first(durable->submissions); entry; entry = map_next(durable->submissions, entry)) {
        const struct submission *submission = entry->value;
        Pb__SnapshotPart *part = PART(saver, submission, SUBMISSION, Pb__SnapshotSubmission, pb__snapshot_submission);
        part->submission->key = arena_string(saver->arena, entry->key);
        part->submission->run = submission->run;
        part->submission->content_hash = submission->content_hash;
        hand_over(saver, part);
    }
}

static const char *load_submission(struct durable *durable, const Pb__SnapshotSubmission *saved)
{
    durable_submission_put(durable, saved->key, saved->run, saved->content_hash);
    return NULL;
}

// ---- runs

static void save_tallies(const struct saver *saver, Pb__SnapshotProgress *saved, const Pb__Test *test, const struct tally *tallies)
{
    saved->tallies = ARENA_ARRAY(saver->arena, uint32_t, tallies ? 3 * test->combinations : 1);
    for (uint64_t i = 0; tallies && i < test->combinations; i++) {
        saved->tallies[saved->n_tallies++] = tallies[i].ended;
        saved->tallies[saved->n_tallies++] = tallies[i].passed;
        saved->tallies[saved->n_tallies++] = tallies[i].failed;
    }
}

static void load_tallies(struct tally *tallies, const Pb__Test *test, const Pb__SnapshotProgress *saved)
{
    for (uint64_t i = 0; tallies && i < test->combinations && 3 * i + 2 < saved->n_tallies; i++) {
        tallies[i] = (struct tally){saved->tallies[3 * i], saved->tallies[3 * i + 1], saved->tallies[3 * i + 2]};
    }
}

static Pb__SnapshotProgress **progress_of(const struct saver *saver, const struct run *run)
{
    Pb__SnapshotProgress **tests = ARENA_ARRAY(saver->arena, Pb__SnapshotProgress *, run->experiment->n_tests + 1);
    for (size_t i = 0; i < run->experiment->n_tests; i++) {
        tests[i] = NEW_IN(saver->arena, Pb__SnapshotProgress, pb__snapshot_progress);
        tests[i]->cells = run->tests[i].cells;
        tests[i]->cursor = run->tests[i].cursor;
        tests[i]->skipped = numbers_of(saver, run->tests[i].skipped, &tests[i]->n_skipped);
        save_tallies(saver, tests[i], run->experiment->tests[i], run->tests[i].tallies);
    }
    return tests;
}

static Pb__SnapshotRetry **retries_of(const struct saver *saver, const struct run *run, size_t *count)
{
    Pb__SnapshotRetry **retries = ARENA_ARRAY(saver->arena, Pb__SnapshotRetry *, map_count(run->retries) + 1);
    *count = 0;
    for (struct map_entry *entry = map_first(run->retries); entry; entry = map_next(run->retries, entry)) {
        const struct cell_retry *retry = entry->value;
        Pb__SnapshotRetry *saved = retries[(*count)++] = NEW_IN(saver->arena, Pb__SnapshotRetry, pb__snapshot_retry);
        saved->test = retry->test;
        saved->cell = retry->cell;
        saved->attempts = retry->attempts;
    }
    return retries;
}

static void save_run(const struct saver *saver, const struct run *run)
{
    Pb__SnapshotPart *part = PART(saver, run, RUN, Pb__SnapshotRun, pb__snapshot_run);
    Pb__SnapshotRun *saved = part->run;
    saved->run = run->number;
    saved->key = run->key;
    saved->experiment = run->experiment;
    saved->cells = run->cells;
    saved->cells_ended = run->cells_ended;
    saved->n_counts = VERDICT_ERROR + 1;
    saved->counts = ARENA_ARRAY(saver->arena, uint64_t, saved->n_counts);
    memcpy(saved->counts, run->counts, sizeof run->counts);
    saved->n_tests = run->experiment->n_tests;
    saved->tests = progress_of(saver, run);
    saved->retries = retries_of(saver, run, &saved->n_retries);
    saved->cancelled = run->cancelled;
    saved->cancel_why = run->cancel_why ? run->cancel_why : saved->cancel_why;
    hand_over(saver, part);
}

static void load_progress(struct run *run, const Pb__SnapshotRun *saved)
{
    for (size_t i = 0; i < saved->n_tests; i++) {
        struct test_progress *progress = &run->tests[i];
        progress->cursor = saved->tests[i]->cursor;
        load_tallies(progress->tallies, run->experiment->tests[i], saved->tests[i]);
        for (size_t j = 0; j < saved->tests[i]->n_skipped; j++) {
            map_put_number(progress->skipped, saved->tests[i]->skipped[j], progress);
        }
    }
    for (size_t i = 0; i < saved->n_retries; i++) {
        run_retry_put(run, saved->retries[i]->test, saved->retries[i]->cell, saved->retries[i]->attempts);
    }
}

static const char *load_run(struct durable *durable, const Pb__SnapshotRun *saved)
{
    if (!saved->experiment || saved->n_tests != saved->experiment->n_tests || saved->n_counts != VERDICT_ERROR + 1) {
        return "a run that is not whole";
    }
    struct run *run = durable_run_put(durable, saved->run, saved->key, saved->experiment, saved->cells);
    run->cells_ended = saved->cells_ended;
    memcpy(run->counts, saved->counts, sizeof run->counts);
    load_progress(run, saved);
    run->cancelled = saved->cancelled;
    run->cancel_why = saved->cancelled ? memory_string(saved->cancel_why) : NULL;
    return NULL;
}

// ---- trials

static Pb__SnapshotMoment *moment_of(const struct saver *saver, const struct moment *moment)
{
    if (!moment->agent) {
        return NULL;
    }
    Pb__SnapshotMoment *saved = NEW_IN(saver->arena, Pb__SnapshotMoment, pb__snapshot_moment);
    saved->agent = arena_string(saver->arena, moment->agent);
    saved->boottime_ns = moment->boottime_ns;
    return saved;
}

static Pb__SnapshotEntry *entry_of(const struct saver *saver, const struct entry *entry)
{
    Pb__SnapshotEntry *saved = NEW_IN(saver->arena, Pb__SnapshotEntry, pb__snapshot_entry);
    saved->issued = entry->issued;
    saved->begun = entry->begun;
    saved->ended = entry->ended;
    saved->failed = entry->failed;
    saved->text = entry->text ? entry->text : saved->text;
    saved->start = moment_of(saver, &entry->start);
    saved->end = moment_of(saver, &entry->end);
    saved->generation = entry->generation;
    saved->steps = ARENA_ARRAY(saver->arena, Pb__SnapshotStep *, entry->step_count + 1);
    for (size_t i = 0; i < entry->step_count; i++) {
        Pb__SnapshotStep *step = saved->steps[saved->n_steps++] = NEW_IN(saver->arena, Pb__SnapshotStep, pb__snapshot_step);
        step->instance = entry->steps[i].instance;
        step->number = entry->steps[i].number;
        step->began = entry->steps[i].began;
        step->ended = entry->steps[i].ended;
    }
    return saved;
}

static void save_entries(const struct saver *saver, Pb__SnapshotTrial *saved, const struct trial *trial)
{
    saved->zero = moment_of(saver, &trial->zero);
    saved->entries = ARENA_ARRAY(saver->arena, Pb__SnapshotEntry *, trial->plan->n_timeline + 1);
    for (size_t i = 0; i < trial->plan->n_timeline; i++) {
        saved->entries[saved->n_entries++] = entry_of(saver, &trial->entries[i]);
    }
}

// Agents are known for ever, so their names can be borrowed.
static struct moment load_moment(struct durable *durable, const Pb__SnapshotMoment *saved)
{
    return saved ? (struct moment){durable_agent(durable, saved->agent)->name, saved->boottime_ns} : (struct moment){0};
}

static void load_entry(struct durable *durable, struct entry *entry, const Pb__SnapshotEntry *saved)
{
    entry->issued = saved->issued;
    entry->begun = saved->begun;
    entry->ended = saved->ended;
    entry->failed = saved->failed;
    entry->text = *saved->text ? memory_string(saved->text) : NULL;
    entry->start = load_moment(durable, saved->start);
    entry->end = load_moment(durable, saved->end);
    entry->generation = saved->generation;
    for (size_t i = 0; i < saved->n_steps; i++) {
        APPEND(entry->steps, entry->step_count, entry->step_capacity) =
            (struct entry_step){saved->steps[i]->instance, saved->steps[i]->number, saved->steps[i]->began, saved->steps[i]->ended};
    }
}

static void save_trial(const struct saver *saver, const struct trial *trial)
{
    Pb__SnapshotPart *part = PART(saver, trial, TRIAL, Pb__SnapshotTrial, pb__snapshot_trial);
    Pb__SnapshotTrial *saved = part->trial;
    saved->trial = trial->id;
    saved->run = trial->run->number;
    saved->test = trial->test;
    saved->cell = trial->cell;
    saved->attempt = trial->attempt;
    saved->name = trial->name;
    saved->plan = trial->plan;
    saved->lease_ms = trial->lease_ms;
    saved->state = trial->state;
    saved->cancelled = trial->cancelled;
    saved->outcome = outcome_of(saver, &trial->outcome);
    saved->instances = (uint32_t)trial->instance_count;
    saved->held = trial->held;
    saved->hold_over = trial->hold_over;
    save_entries(saver, saved, trial);
    hand_over(saver, part);
}

static const char *load_trial(struct durable *durable, const Pb__SnapshotTrial *saved)
{
    struct run *run = map_get_number(durable->runs, saved->run);
    if (!run || !saved->plan || saved->test >= run->experiment->n_tests || saved->instances != saved->plan->n_services ||
        saved->n_entries != saved->plan->n_timeline || saved->state >= TRIAL_STATES) {
        return "a trial that does not fit its run";
    }
    struct trial *trial = NEW(struct trial);
    trial->id = saved->trial;
    trial->durable = durable;
    trial->run = run;
    trial->test = saved->test;
    trial->cell = saved->cell;
    trial->attempt = saved->attempt;
    trial->name = memory_string(saved->name);
    trial->plan = MESSAGE_COPY(saved->plan, NULL);
    trial->lease_ms = saved->lease_ms;
    trial->state = saved->state;
    trial->cancelled = saved->cancelled;
    trial->held = saved->held ? MESSAGE_COPY(saved->held, NULL) : NULL;
    trial->hold_over = saved->hold_over;
    outcome_load(&trial->outcome, saved->outcome);
    entries_begin(trial);
    trial->zero = load_moment(durable, saved->zero);
    for (size_t i = 0; i < saved->n_entries; i++) {
        load_entry(durable, &trial->entries[i], saved->entries[i]);
    }
    trial->instance_count = saved->instances;
    trial->instances = memory_new(sizeof *trial->instances * saved->instances);
    map_put_number(durable->trials, trial->id, trial);
    run->live_trials++;
    return NULL;
}

// ---- instances

static Pb__SnapshotMetric **metrics_of(const struct saver *saver, const struct instance *instance, size_t *count)
{
    Pb__SnapshotMetric **metrics = ARENA_ARRAY(saver->arena, Pb__SnapshotMetric *, map_count(instance->metrics) + 1);
    *count = 0;
    for (struct map_entry *entry = map_first(instance->metrics); entry; entry = map_next(instance->metrics, entry)) {
        const struct metric_range *range = entry->value;
        Pb__SnapshotMetric *saved = metrics[(*count)++] = NEW_IN(saver->arena, Pb__SnapshotMetric, pb__snapshot_metric);
        saved->name = arena_string(saver->arena, entry->key);
        saved->least = range->least;
        saved->most = range->most;
        saved->count = range->count;
    }
    return metrics;
}

static Pb__Command **beside_of(const struct saver *saver, const struct instance *instance, size_t *count)
{
    Pb__Command **commands = ARENA_ARRAY(saver->arena, Pb__Command *, map_count(instance->beside) + 1);
    *count = 0;
    for (struct map_entry *entry = map_first(instance->beside); entry; entry = map_next(instance->beside, entry)) {
        commands[(*count)++] = entry->value;
    }
    return commands;
}

static Pb__SnapshotSighting *sighting_saved(const struct saver *saver, uint32_t rule, const struct sighting *sighting)
{
    Pb__SnapshotSighting *saved = NEW_IN(saver->arena, Pb__SnapshotSighting, pb__snapshot_sighting);
    saved->rule = rule;
    saved->count = sighting->count;
    saved->most = sighting->most;
    saved->cut = sighting->cut;
    saved->cut_ns = sighting->cut_ns;
    saved->samples = ARENA_ARRAY(saver->arena, Pb__SnapshotSample *, sighting->sample_count + 1);
    for (uint32_t i = 0; i < sighting->sample_count; i++) {
        Pb__SnapshotSample *sample = saved->samples[saved->n_samples++] = NEW_IN(saver->arena, Pb__SnapshotSample, pb__snapshot_sample);
        sample->boottime_ns = sighting->samples[i].boottime_ns;
        sample->value = sighting->samples[i].value;
    }
    return saved;
}

static void save_sightings(const struct saver *saver, Pb__SnapshotInstance *saved, const struct instance *instance)
{
    saved->sightings = ARENA_ARRAY(saver->arena, Pb__SnapshotSighting *, map_count(instance->sightings) + 1);
    for (struct map_entry *entry = map_first(instance->sightings); entry; entry = map_next(instance->sightings, entry)) {
        saved->sightings[saved->n_sightings++] = sighting_saved(saver, (uint32_t)map_entry_number(entry), entry->value);
    }
}

static void load_sighting(struct instance *instance, const Pb__SnapshotSighting *saved)
{
    struct sighting *sighting = NEW(struct sighting);
    sighting->count = saved->count;
    sighting->most = saved->most;
    sighting->cut = saved->cut;
    sighting->cut_ns = saved->cut_ns;
    for (size_t i = 0; i < saved->n_samples; i++) {
        APPEND(sighting->samples, sighting->sample_count, sighting->sample_capacity) =
            (struct sighting_sample){saved->samples[i]->boottime_ns, saved->samples[i]->value};
    }
    struct sighting *old = map_put_number(instance->sightings, saved->rule, sighting);
    if (old) {
        sighting_free(old);
    }
}

static void save_work(const struct saver *saver, Pb__SnapshotInstance *saved, const struct instance *instance)
{
    saved->last_number = instance->last_number;
    saved->open = instance->open;
    saved->initialize = instance->initialize;
    saved->initialized = instance->initialized;
    saved->n_cases = instance->case_count;
    saved->cases = instance->cases;
    saved->case_verdicts.len = instance->case_count;
    saved->case_verdicts.data = instance->case_verdicts;
    saved->case_timeout_ms = instance->case_timeout_ms;
    saved->n_case_numbers = instance->case_count;
    saved->case_numbers = instance->case_numbers;
    saved->beside = beside_of(saver, instance, &saved->n_beside);
    saved->moved_ns = instance->moved_ns;
    saved->port = instance->port;
    saved->execute_number = instance->execute_number;
    saved->execute_answered = instance->execute_answered;
    saved->metrics = metrics_of(saver, instance, &saved->n_metrics);
}

static void save_evidence(const struct saver *saver, Pb__SnapshotInstance *saved, const struct instance *instance)
{
    saved->heard = instance->heard;
    saved->lost = instance->lost;
    saved->host_died = instance->host_died;
    saved->broken = instance->broken;
    saved->end_cause = (uint32_t)instance->end_cause;
    saved->processes_started = instance->processes_started;
    saved->processes = numbers_of(saver, instance->processes, &saved->n_processes);
    saved->streams_ended = instance->streams_ended;
    saved->exits_clean = instance->exits_clean;
    saved->exits = instance->exits.count;
    saved->exit_least = instance->exits.least;
    saved->exit_most = instance->exits.most;
    saved->gap_bytes = instance->gap_bytes;
    saved->matches = numbers_of(saver, instance->matches, &saved->n_matches);
    saved->outcome = outcome_of(saver, &instance->outcome);
    saved->any_fail = instance->any_fail;
    saved->files_cut = instance->files_cut;
    saved->metrics_lost = instance->metrics_lost;
    saved->last_event = instance->last_event;
    saved->elsewhere = instance->elsewhere;
}

static void save_generation(const struct saver *saver, Pb__SnapshotInstance *saved, const struct instance *instance)
{
    saved->profile = instance->profile;
    saved->wanted_generation = instance->wanted_generation;
    saved->wanted_profile = instance->wanted_profile;
    saved->incomplete_generation = instance->incomplete_generation;
    saved->for_tester = instance->for_tester;
    saved->for_case = instance->for_case;
    saved->cases_served = instance->cases_served;
    saved->executed = instance->executed;
    saved->conditions = instance->conditions;
    saved->conditions_hold = instance->conditions_hold;
    saved->skipped = ARENA_ARRAY(saver->arena, Pb__SnapshotSkipped *, map_count(instance->skipped) + 1);
    for (struct map_entry *entry = map_first(instance->skipped); entry; entry = map_next(instance->skipped, entry)) {
        Pb__SnapshotSkipped *skipped = saved->skipped[saved->n_skipped++] = NEW_IN(saver->arena, Pb__SnapshotSkipped, pb__snapshot_skipped);
        skipped->index = (uint32_t)map_entry_number(entry);
        skipped->outcome = outcome_of(saver, entry->value);
    }
}

static void load_generation(struct instance *instance, const Pb__SnapshotInstance *saved)
{
    free(instance->profile);
    free(instance->wanted_profile);
    instance->profile = memory_string(saved->profile);
    instance->wanted_profile = memory_string(saved->wanted_profile);
    instance->wanted_generation = saved->wanted_generation;
    instance->incomplete_generation = saved->incomplete_generation;
    instance->for_tester = saved->for_tester;
    instance->for_case = saved->for_case;
    instance->cases_served = saved->cases_served;
    instance->executed = saved->executed ? MESSAGE_COPY(saved->executed, NULL) : NULL;
    instance->conditions = saved->conditions ? MESSAGE_COPY(saved->conditions, NULL) : NULL;
    instance->conditions_hold = saved->conditions_hold;
    for (size_t i = 0; i < saved->n_skipped; i++) {
        const Pb__Outcome *outcome = saved->skipped[i]->outcome;
        if (outcome) {
            instance_put_skipped(instance, saved->skipped[i]->index, (int)outcome->verdict, (int)outcome->reason, outcome->text);
        }
    }
}

static void save_instance(const struct saver *saver, const struct instance *instance)
{
    Pb__SnapshotPart *part = PART(saver, instance, INSTANCE, Pb__SnapshotInstance, pb__snapshot_instance);
    Pb__SnapshotInstance *saved = part->instance;
    saved->trial = instance->trial->id;
    saved->instance = instance->id;
    saved->generation = instance->generation;
    saved->index = instance->index;
    saved->is_tester = instance->is_tester;
    saved->agent = instance->agent;
    saved->description_hash = instance->description_hash;
    saved->capabilities = instance->capabilities;
    saved->n_capabilities = instance->capability_count;
    saved->state = instance->state;
    save_work(saver, saved, instance);
    save_evidence(saver, saved, instance);
    save_generation(saver, saved, instance);
    save_sightings(saver, saved, instance);
    hand_over(saver, part);
}

static void load_cases(struct instance *instance, const Pb__SnapshotInstance *saved)
{
    instance->case_count = (uint32_t)saved->n_cases;
    instance->case_timeout_ms = saved->case_timeout_ms;
    if (saved->n_cases) {
        instance->cases = memory_new(sizeof *instance->cases * saved->n_cases);
        instance->case_verdicts = memory_new(saved->n_cases);
        memcpy(instance->case_verdicts, saved->case_verdicts.data, saved->n_cases);
        instance->case_numbers = memory_new(sizeof *instance->case_numbers * saved->n_cases);
        memcpy(instance->case_numbers, saved->case_numbers, sizeof *instance->case_numbers * saved->n_cases);
    }
    for (size_t i = 0; i < saved->n_cases; i++) {
        instance->cases[i] = memory_string(saved->cases[i]);
        instance->cases_answered += instance->case_verdicts[i] != CASE_UNANSWERED;
    }
    while (instance->next_case < instance->case_count && instance->case_verdicts[instance->next_case] != CASE_UNANSWERED) {
        instance->next_case++;
    }
}

static void load_work(struct instance *instance, const Pb__SnapshotInstance *saved)
{
    instance->last_number = saved->last_number;
    instance->open = saved->open ? MESSAGE_COPY(saved->open, NULL) : NULL;
    instance->initialize = saved->initialize ? MESSAGE_COPY(saved->initialize, NULL) : NULL;
    instance->initialized = saved->initialized ? MESSAGE_COPY(saved->initialized, NULL) : NULL;
    load_cases(instance, saved);
    instance->moved_ns = saved->moved_ns;
    instance->port = saved->port;
    for (size_t i = 0; i < saved->n_beside; i++) {
        message_free(map_put_number(instance->beside, saved->beside[i]->number, MESSAGE_COPY(saved->beside[i], NULL)));
    }
    instance->execute_number = saved->execute_number;
    instance->execute_answered = saved->execute_answered;
    for (size_t i = 0; i < saved->n_metrics; i++) {
        struct metric_range *range = NEW(struct metric_range);
        *range = (struct metric_range){saved->metrics[i]->least, saved->metrics[i]->most, saved->metrics[i]->count};
        free(map_put_text(instance->metrics, saved->metrics[i]->name, range));
    }
}

static void load_evidence(struct instance *instance, const Pb__SnapshotInstance *saved)
{
    instance->heard = saved->heard;
    instance->lost = saved->lost;
    instance->host_died = saved->host_died;
    instance->broken = saved->broken;
    instance->end_cause = (int)saved->end_cause;
    instance->processes_started = saved->processes_started;
    for (size_t i = 0; i < saved->n_processes; i++) {
        map_put_number(instance->processes, saved->processes[i], instance);
    }
    instance->streams_ended = saved->streams_ended;
    instance->exits_clean = saved->exits_clean;
    instance->exits = (struct exit_range){saved->exits, saved->exit_least, saved->exit_most};
    instance->gap_bytes = saved->gap_bytes;
    for (size_t i = 0; i < saved->n_matches; i++) {
        map_put_number(instance->matches, saved->matches[i], instance);
    }
    outcome_load(&instance->outcome, saved->outcome);
    instance->any_fail = saved->any_fail;
    instance->files_cut = saved->files_cut;
    instance->metrics_lost = saved->metrics_lost;
    instance->last_event = saved->last_event;
    instance->elsewhere = saved->elsewhere;
    for (size_t i = 0; i < saved->n_sightings; i++) {
        load_sighting(instance, saved->sightings[i]);
    }
}

static const char *load_instance(struct durable *durable, const Pb__SnapshotInstance *saved)
{
    struct trial *trial = map_get_number(durable->trials, saved->trial);
    if (!trial || saved->index >= trial->instance_count || trial->instances[saved->index] || saved->state >= INSTANCE_STATES ||
        saved->case_verdicts.len != saved->n_cases || saved->n_case_numbers != saved->n_cases) {
        return "an instance that does not fit its trial";
    }
    const Pb__PlacedService placed = {.agent = saved->agent,
                                      .instance = saved->instance,
                                      .is_tester = saved->is_tester,
                                      .description_hash = saved->description_hash,
                                      .capabilities = saved->capabilities,
                                      .n_capabilities = saved->n_capabilities};
    struct instance *instance = trial->instances[saved->index] = instance_new(durable, trial, &placed, saved->index);
    instance->generation = saved->generation;
    instance->state = saved->state;
    if (instance->state != INSTANCE_ENDED) {
        instance_enters_agent(durable, instance);
    }
    load_work(instance, saved);
    load_evidence(instance, saved);
    load_generation(instance, saved);
    return NULL;
}

// ---- all of it

static void save_trials(const struct saver *saver, const struct durable *durable)
{
    for (struct map_entry *entry = map_first(durable->trials); entry; entry = map_next(durable->trials, entry)) {
        const struct trial *trial = entry->value;
        save_trial(saver, trial);
        for (size_t i = 0; i < trial->instance_count; i++) {
            save_instance(saver, trial->instances[i]);
        }
    }
}

void snapshot_save(const struct durable *durable, core_part_fn *callback, void *context)
{
    struct saver saver = {.callback = callback, .context = context, .arena = arena_new(0)};
    save_head(&saver, durable);
    save_keys(&saver, durable);
    save_agents(&saver, durable);
    save_descriptions(&saver, durable);
    for (struct map_entry *entry = map_first(durable->runs); entry; entry = map_next(durable->runs, entry)) {
        save_run(&saver, entry->value);
    }
    save_trials(&saver, durable);
    save_submissions(&saver, durable); // behind the runs: one too many forgets that of a run that is not open
    arena_free(&saver.arena);
}

const char *snapshot_load(struct durable *durable, const Pb__SnapshotPart *part)
{
    switch (part->body_case) {
    case PB__SNAPSHOT_PART__BODY_HEAD:
        return load_head(durable, part->head);
    case PB__SNAPSHOT_PART__BODY_KEY:
        return load_key(durable, part->key);
    case PB__SNAPSHOT_PART__BODY_AGENT:
        durable_agent_seen(durable, part->agent);
        return NULL;
    case PB__SNAPSHOT_PART__BODY_DRAINED:
        durable_agent_drained(durable, part->drained);
        return NULL;
    case PB__SNAPSHOT_PART__BODY_DESCRIPTION:
        durable_description_put(durable, part->description);
        return NULL;
    case PB__SNAPSHOT_PART__BODY_SUBMISSION:
        return load_submission(durable, part->submission);
    case PB__SNAPSHOT_PART__BODY_RUN:
        return load_run(durable, part->run);
    case PB__SNAPSHOT_PART__BODY_TRIAL:
        return load_trial(durable, part->trial);
    case PB__SNAPSHOT_PART__BODY_INSTANCE:
        return load_instance(durable, part->instance);
    default:
        return "a part of a kind that is not known";
    }
}
