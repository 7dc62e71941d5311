// The fold of what assertions read beside metrics and exits of a whole trial: matches, findings and files, and of assertions with a window
// the moments of what they count. Called by durable_event.c for every event of an instance.
#include <fnmatch.h>
#include <regex.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "coordinator/core/durable_fold.h"

// Moments that are kept for one assertion of one instance: a metric every 100 ms for some minutes. Behind them a window is not judged.
#define SAMPLES_KEPT_MAX 4096
// Only whether a signature matches is asked.
#define REGEX_FLAGS (REG_EXTENDED | REG_NOSUB)

void sighting_free(void *value)
{
    struct sighting *sighting = value;
    free(sighting->samples);
    free(sighting);
}

static struct sighting *sighting_of(const struct instance *instance, uint32_t rule)
{
    struct sighting *sighting = map_get_number(instance->sightings, rule);
    if (!sighting) {
        sighting = NEW(struct sighting);
        map_put_number(instance->sightings, rule, sighting);
    }
    return sighting;
}

static void sighting_cut(struct sighting *sighting, uint64_t from_ns)
{
    sighting->cut_ns = sighting->cut && sighting->cut_ns < from_ns ? sighting->cut_ns : from_ns;
    sighting->cut = true;
}

static void sight(const struct instance *instance, uint32_t index, uint64_t boottime_ns, double value)
{
    struct sighting *sighting = sighting_of(instance, index + 1);
    sighting->most = sighting->count && sighting->most > value ? sighting->most : value;
    sighting->count++;
    if (!instance->trial->plan->assertions[index]->window) {
        return;
    }
    if (sighting->sample_count == SAMPLES_KEPT_MAX) {
        sighting_cut(sighting, sighting->samples[SAMPLES_KEPT_MAX - 1].boottime_ns);
        return;
    }
    APPEND(sighting->samples, sighting->sample_count, sighting->sample_capacity) = (struct sighting_sample){boottime_ns, value};
}

static bool is_of(const Pb__Assertion *assertion, const struct instance *instance, Pb__Assertion__BodyCase kind)
{
    return assertion->body_case == kind && (!*assertion->service || strcmp(assertion->service, instance->service) == 0);
}

static void see_match(const struct instance *instance, const Pb__OutputMatch *match, uint64_t boottime_ns)
{
    const Pb__CellPlan *plan = instance->trial->plan;
    if (match->rule == 0 || match->rule > plan->n_assertions ||
        !is_of(plan->assertions[match->rule - 1], instance, PB__ASSERTION__BODY_OUTPUT)) {
        return;
    }
    if (match->count <= MATCHES_TOLD_MAX) {
        sight(instance, match->rule - 1, boottime_ns, 1);
        return;
    }
    // The last one, told at the end of the stream: those between were not told, from the last sample of any stream on at the latest.
    struct sighting *sighting = sighting_of(instance, match->rule);
    sighting_cut(sighting, sighting->sample_count ? sighting->samples[0].boottime_ns : 0);
}

static void see_metrics(const struct instance *instance, Pb__Metric *const *metrics, size_t count, uint64_t boottime_ns)
{
    const Pb__CellPlan *plan = instance->trial->plan;
    for (uint32_t i = 0; count && i < plan->n_assertions && !instance->trial->cancelled; i++) {
        const Pb__Assertion *assertion = plan->assertions[i];
        for (size_t m = 0; assertion->window && is_of(assertion, instance, PB__ASSERTION__BODY_METRIC) && m < count; m++) {
            if (strcmp(metrics[m]->name, assertion->metric->name) == 0) {
                sight(instance, i, boottime_ns, metrics[m]->value);
            }
        }
    }
}

static void see_findings(const struct instance *instance, Pb__Finding *const *findings, size_t count, uint64_t boottime_ns)
{
    const Pb__CellPlan *plan = instance->trial->plan;
    for (uint32_t i = 0; count && i < plan->n_assertions; i++) {
        if (!is_of(plan->assertions[i], instance, PB__ASSERTION__BODY_FINDING)) {
            continue;
        }
        const char *pattern = plan->assertions[i]->finding->signature;
        regex_t regex;
        if (regcomp(&regex, *pattern ? pattern : ".*", REGEX_FLAGS) != 0) {
            continue; // it was checked when the experiment was accepted
        }
        for (size_t f = 0; f < count; f++) {
            if (regexec(&regex, findings[f]->signature, 0, NULL, 0) == 0) {
                sight(instance, i, boottime_ns, 1);
            }
        }
        regfree(&regex);
    }
}

// An IUT may write any file that ends in .pcap: a capture is what is declared as one.
static void see_artifact(const struct instance *instance, const Pb__ArtifactReady *artifact, uint64_t boottime_ns)
{
    const Pb__CellPlan *plan = instance->trial->plan;
    for (uint32_t i = 0; i < plan->n_assertions; i++) {
        const Pb__Assertion *assertion = plan->assertions[i];
        if (is_of(assertion, instance, PB__ASSERTION__BODY_ARTIFACT) && fnmatch(assertion->artifact->path, artifact->path, 0) == 0) {
            sight(instance, i, boottime_ns, (double)artifact->size_bytes);
        } else if (is_of(assertion, instance, PB__ASSERTION__BODY_CAPTURE) && strcmp(artifact->kind, "pcap") == 0 && artifact->size_bytes) {
            sight(instance, i, boottime_ns, (double)artifact->size_bytes);
        }
    }
}

void sightings_event(struct instance *instance, const Pb__Event *event)
{
    Pb__Metric *metric = event->body_case == PB__EVENT__BODY_METRIC ? event->metric : NULL;
    const Pb__CaseResult *result = event->case_result;
    const Pb__CommandDone *done = event->command_done;
    switch (event->body_case) {
    case PB__EVENT__BODY_OUTPUT_MATCH:
        see_match(instance, event->output_match, event->boottime_ns);
        break;
    case PB__EVENT__BODY_METRIC:
        see_metrics(instance, &metric, 1, event->boottime_ns);
        break;
    case PB__EVENT__BODY_CASE_RESULT:
        see_metrics(instance, result->metrics, result->n_metrics, event->boottime_ns);
        see_findings(instance, result->findings, result->n_findings, event->boottime_ns);
        break;
    case PB__EVENT__BODY_COMMAND_DONE:
        see_metrics(instance, done->metrics, done->n_metrics, event->boottime_ns);
        see_findings(instance, done->findings, done->n_findings, event->boottime_ns);
        break;
    case PB__EVENT__BODY_ARTIFACT_READY:
        see_artifact(instance, event->artifact_ready, event->boottime_ns);
        break;
    default:
        break;
    }
}
