// The execution environments of the instance: opened at its begin, told at its stop.
#include <string.h>

#include "agent/guard/guard.h"
#include "common/wire/wire.h"

// A CommandDone holds as many, the plugin's own included (common/wire/check_instance.c).
#define FINDINGS_TOLD_MAX 64

static void note(void *context, const char *text)
{
    struct guard *guard = context;
    events_note(guard->events, "%s", text);
}

static const char *folder_of(struct guard *guard, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_string_bytes(guard->arena, path, (size_t)(slash - path)) : "";
}

void guard_open_execution(struct guard *guard)
{
    const Pb__GuardSpec *spec = guard->spec;
    const struct execution_settings settings = {
        .initialize = spec->initialize,
        .work = spec->work_path,
        .state = spec->state_path,
        .plugin_path = folder_of(guard, spec->plugin_path),
        .marker = guard->marker,
        .cgroup = guard->cgroup,
    };
    guard->execution = execution_new(guard->loop, &settings, note, guard);
    processes_use(guard->processes, guard->execution);
    const char *pattern, *kind;
    for (size_t i = 0; (pattern = execution_artifacts(guard->execution, i, &kind)); i++) {
        Pb__DeclareArtifact declared;
        pb__declare_artifact__init(&declared);
        declared.path = arena_string(guard->arena, pattern);
        declared.kind = arena_string(guard->arena, kind);
        declared.pattern = true;
        artifacts_declare(guard->artifacts, &declared, NULL);
    }
}

static void tell_metrics(struct guard *guard, const struct report *report)
{
    for (size_t i = 0; i < report->metric_count; i++) {
        Pb__Metric metric;
        pb__metric__init(&metric);
        metric.name = arena_string(guard->arena, report->metrics[i].name);
        metric.value = report->metrics[i].value;
        metric.unit = arena_string(guard->arena, report->metrics[i].unit);
        EVENT_ADD(guard->events, METRIC, metric, &metric);
    }
}

static void add_findings(struct guard *guard, Pb__CommandDone *done, const struct report *report)
{
    Pb__Finding **findings = ARENA_ARRAY(guard->arena, Pb__Finding *, done->n_findings + report->finding_count);
    for (size_t i = 0; i < done->n_findings; i++)
        findings[i] = done->findings[i];
    for (size_t i = 0; i < report->finding_count && done->n_findings < FINDINGS_TOLD_MAX; i++) {
        Pb__Finding *finding = findings[done->n_findings++] = ARENA_NEW(guard->arena, Pb__Finding);
        pb__finding__init(finding);
        finding->signature = arena_string(guard->arena, report->findings[i].signature);
        finding->title = arena_string(guard->arena, report->findings[i].title);
    }
    done->findings = findings;
}

const Pb__CommandDone *guard_tell_execution(struct guard *guard, const Pb__CommandDone *done)
{
    if (!guard->execution || guard->execution_told)
        return done;
    const struct report *report = execution_report(guard->execution);
    guard->execution_told = true;
    tell_metrics(guard, report);
    for (size_t i = 0; i < report->finding_count; i++)
        events_note(guard->events, "finding: %s", report->findings[i].title);
    if (report->findings_left_out > 0)
        events_note(guard->events, "%zu more findings of the execution environment are not told", report->findings_left_out);
    if (!done)
        return NULL;
    Pb__CommandDone *longer = ARENA_NEW(guard->arena, Pb__CommandDone);
    *longer = *done;
    add_findings(guard, longer, report);
    return longer;
}
