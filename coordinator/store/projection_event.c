// Rows of what instances report: case results, metrics, streams, artifacts, states. A case result is the fast path: one row, one
// per metric, and a look at the instance's running case.
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/verdict.h"
#include "coordinator/store/projection.h"
#include "coordinator/store/schema.h"

static const char CASE_INSERT[] = "INSERT INTO cases(id, run, trial, instance, number, service, name, verdict, reason, text, duration_ns,"
                                  " metrics) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
static const char METRIC_INSERT[] = "INSERT INTO metrics(id, run, trial, service, case_name, name, value, unit, better)"
                                    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)";
static const char FINDING_SEEN[] =
    "INSERT INTO findings(id, changed, run, signature, title, service, case_name, sightings, first_trial, last_trial)"
    " VALUES(?1, ?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?7) ON CONFLICT(run, signature) DO UPDATE SET changed = excluded.changed,"
    " sightings = sightings + 1, last_trial = excluded.last_trial";
static const char SIGHTING_INSERT[] = "INSERT INTO sightings(id, run, trial, signature) VALUES(?, ?, ?, ?)";
static const char CASE_RUNNING[] = "UPDATE instances SET changed = ?, running_case = ? WHERE instance = ? AND generation = ?";
// No change is counted for the usual result, that of a case which was too short to be shown as running.
static const char CASE_NOT_RUNNING[] = "UPDATE instances SET changed = ?, running_case = '' WHERE instance = ? AND generation = ?"
                                       " AND running_case = ?";
static const char COMMAND_DONE[] = "UPDATE instances SET changed = ?1, state = ?2, text = CASE WHEN ?3 = '' THEN text ELSE ?3 END,"
                                   " endpoints = CASE WHEN ?4 = '' THEN endpoints ELSE ?4 END,"
                                   " version = CASE WHEN ?5 = '' THEN version ELSE ?5 END WHERE instance = ?6 AND generation = ?7";
static const char HOST_STATE[] =
    "UPDATE instances SET kernel = ?, architecture = ?, distribution = ?, cpus = ?, memory_bytes = ?, governor = ?,"
    " clock_source = ?, clock_sync = ?, clock_error_us = ?, interface = ?, offloads = ? WHERE instance = ?"
    " AND generation = ?";
static const char EXECUTE_OUTCOME[] =
    "UPDATE instances SET changed = ?, verdict = ?, reason = ?, text = ? WHERE instance = ? AND generation = ?";
static const char INSTANCE_STATE[] = "UPDATE instances SET changed = ?, state = ?, text = ?, running_case = '' WHERE instance = ?"
                                     " AND generation = ?";
static const char STREAM_BEGIN[] =
    "INSERT INTO streams(id, changed, run, trial, instance, generation, service, name, process, state)"
    " VALUES(?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'growing') ON CONFLICT(instance, generation, name) DO NOTHING";
static const char STREAM_PROCESSES[] = "SELECT count(*) FROM streams WHERE instance = ? AND generation = ? AND process = ?"
                                       " AND name LIKE '%.stdout'";
#define IS_REMOVED "state GLOB '" REMOVED_STATE "*'" // what comes again afterwards is not wanted either
static const char STREAM_END[] =
    "INSERT INTO streams(id, changed, run, trial, instance, generation, service, name, state, end_bytes, end_hash, dropped_bytes)"
    " VALUES(?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 'ended', ?8, ?9, ?10) ON CONFLICT(instance, generation, name) DO UPDATE SET"
    " changed = excluded.changed, state = CASE WHEN state = 'stored' OR " IS_REMOVED
    " THEN state ELSE 'ended' END, end_bytes = excluded.end_bytes,"
    " end_hash = excluded.end_hash, dropped_bytes = excluded.dropped_bytes";
static const char STREAM_GAP[] =
    "INSERT INTO streams(id, changed, run, trial, instance, generation, service, name, state, gaps)"
    " VALUES(?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 'growing', ?8) ON CONFLICT(instance, generation, name) DO UPDATE SET"
    " changed = excluded.changed, gaps = CASE gaps WHEN '' THEN excluded.gaps ELSE gaps || '; ' || excluded.gaps END";
static const char STREAM_MISSING[] = "UPDATE streams SET changed = ?, state = 'missing' WHERE id = (SELECT id FROM streams"
                                     " WHERE instance = ? AND generation = ? AND state = 'growing' ORDER BY id LIMIT 1)";
static const char STREAM_STORED[] =
    "INSERT INTO streams(id, changed, run, trial, instance, generation, service, name, state, size_bytes, hash)"
    " VALUES(?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 'stored', ?8, ?9) ON CONFLICT(instance, generation, name) DO UPDATE SET"
    " changed = excluded.changed, state = CASE WHEN " IS_REMOVED
    " THEN state ELSE 'stored' END, size_bytes = excluded.size_bytes, hash = excluded.hash";
static const char ARTIFACT_READY[] =
    "INSERT INTO artifacts(id, changed, run, trial, instance, generation, service, name, kind, state, size_bytes, hash)"
    " VALUES(?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'announced', ?9, ?10) ON CONFLICT(instance, generation, name) DO UPDATE SET"
    " changed = excluded.changed, kind = excluded.kind";
static const char ARTIFACT_STORED[] =
    "INSERT INTO artifacts(id, changed, run, trial, instance, generation, service, name, state, size_bytes, hash)"
    " VALUES(?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 'stored', ?8, ?9) ON CONFLICT(instance, generation, name) DO UPDATE SET"
    " changed = excluded.changed, state = CASE WHEN " IS_REMOVED
    " THEN state ELSE 'stored' END, size_bytes = excluded.size_bytes, hash = excluded.hash";
static const char ARTIFACT_CUT[] =
    "INSERT INTO artifacts(id, changed, run, trial, instance, generation, service, name, state, size_bytes, hash)"
    " VALUES(?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '') ON CONFLICT(instance, generation, name) DO NOTHING";
static const char SERVICE_OF[] = "SELECT service FROM instances WHERE instance = ? LIMIT 1";

// ---- cases and metrics

static const char *better_name(Pb__Better better)
{
    return better == PB__BETTER__BETTER_HIGHER ? "higher" : better == PB__BETTER__BETTER_LOWER ? "lower" : "";
}

static int insert_metric(struct projection *projection, const Pb__Event *event, const Pb__Metric *metric, const char *case_name,
                         struct panther_error *error)
{
    return PROJECT(projection, METRIC_INSERT, error, CHANGE(projection), INTEGER(projection->run), INTEGER(projection->trial),
                   TEXT(event->service), TEXT(case_name), TEXT(metric->name), REAL(metric->value), TEXT(metric->unit),
                   TEXT(better_name(metric->better)));
}

static int insert_metrics(struct projection *projection, const Pb__Event *event, Pb__Metric *const *metrics, size_t count,
                          const char *case_name, struct panther_error *error)
{
    int result = 0;
    for (size_t i = 0; i < count && result >= 0; i++)
        result = insert_metric(projection, event, metrics[i], case_name ? case_name : metrics[i]->case_name, error);
    return result;
}

// "req_per_s=54321 1/s p99=1.2 ms"
static void append_metrics(struct text *text, Pb__Metric *const *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_printf(text, "%s%s=%.6g%s%s", i ? " " : "", metrics[i]->name, metrics[i]->value, metrics[i]->unit[0] ? " " : "",
                    metrics[i]->unit);
}

static int insert_findings(struct projection *projection, const Pb__Event *event, Pb__Finding *const *findings, size_t count,
                           const char *case_name, struct panther_error *error)
{
    int result = 0;
    for (size_t i = 0; i < count && result >= 0; i++) {
        result = PROJECT(projection, FINDING_SEEN, error, CHANGE(projection), INTEGER(projection->run), TEXT(findings[i]->signature),
                         TEXT(findings[i]->title), TEXT(event->service), TEXT(case_name), INTEGER(projection->trial));
        if (result >= 0)
            result = PROJECT(projection, SIGHTING_INSERT, error, CHANGE(projection), INTEGER(projection->run), INTEGER(projection->trial),
                             TEXT(findings[i]->signature));
    }
    return result;
}

static int case_result(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    const Pb__CaseResult *done = event->case_result;
    const Pb__Outcome *outcome = done->outcome;
    struct text metrics = {0};
    append_metrics(&metrics, done->metrics, done->n_metrics);
    int result = PROJECT(projection, CASE_INSERT, error, CHANGE(projection), INTEGER(projection->run), INTEGER(projection->trial),
                         INTEGER(event->instance), INTEGER(done->number), TEXT(event->service), TEXT(done->name), OUTCOME(outcome),
                         INTEGER(done->duration_ns), TEXT(text_string(&metrics)));
    text_free(&metrics);
    if (result >= 0)
        result = insert_metrics(projection, event, done->metrics, done->n_metrics, done->name, error);
    if (result >= 0)
        result = insert_findings(projection, event, done->findings, done->n_findings, done->name, error);
    if (result < 0)
        return result;
    return PROJECT(projection, CASE_NOT_RUNNING, error, CHANGE(projection), INTEGER(event->instance), INTEGER(event->generation),
                   TEXT(done->name));
}

static int case_started(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    return PROJECT(projection, CASE_RUNNING, error, CHANGE(projection), TEXT(event->case_started->name), INTEGER(event->instance),
                   INTEGER(event->generation));
}

// ---- the instance's life

static void append_endpoints(struct text *text, const Pb__CommandDone *done)
{
    static const char *const transports[] = {"", "/tcp", "/udp", "/tcp+udp"};
    for (size_t i = 0; i < done->n_endpoints; i++) {
        const Pb__Endpoint *endpoint = done->endpoints[i];
        bool is_ipv6 = strchr(endpoint->address, ':') != NULL;
        unsigned transport = (unsigned)endpoint->transport < 4 ? (unsigned)endpoint->transport : 0;
        text_printf(text, "%s%s=%s%s%s:%u%s", i ? " " : "", endpoint->name, is_ipv6 ? "[" : "", endpoint->address, is_ipv6 ? "]" : "",
                    endpoint->port, transports[transport]);
    }
}

static const char *state_after(const Pb__CommandDone *done)
{
    static const struct {
        const char *phase, *state;
    } states[] = {{"initialize", "initialized"}, {"start", "ready"}, {"execute", "executed"}, {"stop", "stopped"}, {"cleanup", "cleaned"}};
    if (done->status != PB__COMMAND_STATUS__COMMAND_STATUS_OK)
        return "failed";
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(states[i].phase, done->phase) == 0)
            return states[i].state;
    return "running";
}

static int begin_stream(struct projection *projection, const Pb__Event *event, const char *name, const char *process,
                        struct panther_error *error)
{
    return PROJECT(projection, STREAM_BEGIN, error, CHANGE(projection), INTEGER(projection->run), INTEGER(projection->trial),
                   INTEGER(event->instance), INTEGER(event->generation), TEXT(event->service), TEXT(name), TEXT(process));
}

// The host is there: so are its two streams.
static int host_state(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    const Pb__HostState *host = event->command_done->host;
    return PROJECT(projection, HOST_STATE, error, TEXT(host->kernel), TEXT(host->architecture), TEXT(host->distribution),
                   INTEGER(host->cpus), INTEGER(host->memory_bytes), TEXT(host->governor), TEXT(host->clock_source),
                   TEXT(host->clock_is_synchronised ? "yes" : "no"), INTEGER(host->clock_error_us), TEXT(host->interface),
                   TEXT(host->offloads), INTEGER(event->instance), INTEGER(event->generation));
}

static int initialized(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    int result = begin_stream(projection, event, "plugin.log", "", error);
    return result < 0 ? result : begin_stream(projection, event, "host.stderr", "", error);
}

static int execute_outcome(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    const Pb__Outcome *outcome = event->command_done->outcome;
    return PROJECT(projection, EXECUTE_OUTCOME, error, CHANGE(projection), OUTCOME(outcome), INTEGER(event->instance),
                   INTEGER(event->generation));
}

static int command_done(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    const Pb__CommandDone *done = event->command_done;
    if (strcmp(done->phase, "fault") == 0 || strcmp(done->phase, "run") == 0)
        return 0; // done beside the service: it stays what it is
    struct text endpoints = {0};
    append_endpoints(&endpoints, done);
    int result =
        PROJECT(projection, COMMAND_DONE, error, CHANGE(projection), TEXT(state_after(done)), TEXT(done->text),
                TEXT(text_string(&endpoints)), TEXT(done->implementation_version), INTEGER(event->instance), INTEGER(event->generation));
    text_free(&endpoints);
    if (result >= 0 && strcmp(done->phase, "initialize") == 0)
        result = initialized(projection, event, error);
    if (result >= 0 && done->host)
        result = host_state(projection, event, error);
    if (result >= 0 && done->outcome)
        result = execute_outcome(projection, event, error);
    if (result >= 0)
        result = insert_findings(projection, event, done->findings, done->n_findings, "", error);
    return result < 0 ? result : insert_metrics(projection, event, done->metrics, done->n_metrics, NULL, error);
}

static int set_state(struct projection *projection, const Pb__Event *event, const char *state, const char *text,
                     struct panther_error *error)
{
    return PROJECT(projection, INSTANCE_STATE, error, CHANGE(projection), TEXT(state), TEXT(text), INTEGER(event->instance),
                   INTEGER(event->generation));
}

static int host_died(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    const Pb__HostDied *died = event->host_died;
    char text[128];
    if (died->signal)
        snprintf(text, sizeof text, "plugin host killed by signal %d in %.60s%s", died->signal, died->phase,
                 died->hung ? " (it hung)" : "");
    else
        snprintf(text, sizeof text, "plugin host ended with status %d in %.60s", died->status, died->phase);
    return set_state(projection, event, "host died", text, error);
}

static int instance_ended(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    static const char *const states[] = {"ended", "ended", "lease ended", "guard lost", "rebooted", "refused"};
    unsigned cause = (unsigned)event->instance_ended->cause;
    int result = set_state(projection, event, cause < 6 ? states[cause] : "ended", event->instance_ended->text, error);
    while (result > 0) // one by one: each row gets a change of its own
        result = PROJECT(projection, STREAM_MISSING, error, CHANGE(projection), INTEGER(event->instance), INTEGER(event->generation));
    return result;
}

// ---- streams and artifacts

// The second process of a name has "name.2.stdout".
static int process_started(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    const char *process = event->process_started->name;
    const struct value_bound key[] = {INTEGER(event->instance), INTEGER(event->generation), TEXT(process)};
    int64_t before = 0;
    int result = projection_number(projection, STREAM_PROCESSES, &before, error, key, 3);
    for (int i = 0; i < 2 && result >= 0; i++) {
        const char *suffix = i == 0 ? "stdout" : "stderr";
        CLEANUP_FREE char *name =
            before == 0 ? memory_printf("%s.%s", process, suffix) : memory_printf("%s.%d.%s", process, (int)before + 1, suffix);
        result = begin_stream(projection, event, name, process, error);
    }
    return result;
}

static int stream_end(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    const Pb__StreamEnd *end = event->stream_end;
    return PROJECT(projection, STREAM_END, error, CHANGE(projection), INTEGER(projection->run), INTEGER(projection->trial),
                   INTEGER(event->instance), INTEGER(event->generation), TEXT(event->service), TEXT(end->stream),
                   INTEGER(end->length_bytes), TEXT(end->hash), INTEGER(end->dropped_bytes));
}

// A file that is not kept is a row too, with its size and the reason as its state.
static int artifact_cut(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    const Pb__Gap *lost = event->gap;
    CLEANUP_FREE char *state = memory_printf("not kept: %s", lost->reason);
    return PROJECT(projection, ARTIFACT_CUT, error, CHANGE(projection), INTEGER(projection->run), INTEGER(projection->trial),
                   INTEGER(event->instance), INTEGER(event->generation), TEXT(event->service), TEXT(lost->stream), TEXT(state),
                   INTEGER(lost->bytes));
}

static int gap(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    const Pb__Gap *lost = event->gap;
    if (lost->artifact)
        return artifact_cut(projection, event, error);
    CLEANUP_FREE char *text =
        memory_printf("%llu B at %llu: %s", (unsigned long long)lost->bytes, (unsigned long long)lost->offset, lost->reason);
    return PROJECT(projection, STREAM_GAP, error, CHANGE(projection), INTEGER(projection->run), INTEGER(projection->trial),
                   INTEGER(event->instance), INTEGER(event->generation), TEXT(event->service), TEXT(lost->stream), TEXT(text));
}

static int artifact_ready(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    const Pb__ArtifactReady *artifact = event->artifact_ready;
    return PROJECT(projection, ARTIFACT_READY, error, CHANGE(projection), INTEGER(projection->run), INTEGER(projection->trial),
                   INTEGER(event->instance), INTEGER(event->generation), TEXT(event->service), TEXT(artifact->path), TEXT(artifact->kind),
                   INTEGER(artifact->size_bytes), TEXT(artifact->hash));
}

static int service_of(struct projection *projection, uint64_t instance, char *service, size_t bytes, struct panther_error *error)
{
    struct statement *statement = database_statement(projection->database, SERVICE_OF);
    statement_bind_integer(statement, 1, (int64_t)instance);
    int result = statement_step(statement, error);
    snprintf(service, bytes, "%s", result == 1 ? statement_text(statement, 0) : "");
    statement_reset(statement);
    return result;
}

int project_content_stored(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__ContentStored *stored = record->content_stored;
    char service[128];
    int result = service_of(projection, stored->instance, service, sizeof service, error);
    if (result < 0)
        return result;
    return PROJECT(projection, stored->is_stream ? STREAM_STORED : ARTIFACT_STORED, error, CHANGE(projection), INTEGER(projection->run),
                   INTEGER(projection->trial), INTEGER(stored->instance), INTEGER(stored->generation), TEXT(service), TEXT(stored->name),
                   INTEGER(stored->size_bytes), TEXT(stored->hash));
}

// ---- by kind

static int metric(struct projection *projection, const Pb__Event *event, struct panther_error *error)
{
    return insert_metric(projection, event, event->metric, event->metric->case_name, error);
}

int project_instance_event(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    static const struct {
        int (*project)(struct projection *projection, const Pb__Event *event, struct panther_error *error);
        bool counts_when_stale; // evidence; results of a trial that has its verdict are events only
    } table[] = {
        [PB__EVENT__BODY_CASE_RESULT] = {case_result, false},
        [PB__EVENT__BODY_CASE_STARTED] = {case_started, false},
        [PB__EVENT__BODY_METRIC] = {metric, false},
        [PB__EVENT__BODY_COMMAND_DONE] = {command_done, false},
        [PB__EVENT__BODY_PROCESS_STARTED] = {process_started, true},
        [PB__EVENT__BODY_STREAM_END] = {stream_end, true},
        [PB__EVENT__BODY_GAP] = {gap, true},
        [PB__EVENT__BODY_ARTIFACT_READY] = {artifact_ready, true},
        [PB__EVENT__BODY_HOST_DIED] = {host_died, true},
        [PB__EVENT__BODY_INSTANCE_ENDED] = {instance_ended, true},
    };
    const Pb__Event *event = record->instance_event->event;
    bool is_stale = record->instance_event->stale;
    size_t kind = (size_t)event->body_case;
    if (kind >= sizeof table / sizeof *table || !table[kind].project || (is_stale && !table[kind].counts_when_stale))
        return 0;
    return table[kind].project(projection, event, error);
}
