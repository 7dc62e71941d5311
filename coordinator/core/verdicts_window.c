// Assertions on what was seen how often (captures, files, findings), and on what was seen in a window of the timeline (output, metrics,
// findings). Called by verdicts.c. A window's ends are moments of some host, which another host's clock knows to within an error.
#include <stdio.h>
#include <string.h>

#include "coordinator/core/state.h"

#define NS_PER_MS UINT64_C(1000000)

// What is at its edges may be inside or not.
struct window {
    struct moment_range since, until; // until.to_ns UINT64_MAX: to the end
};

// What was seen by all instances that the assertion is about.
struct seen {
    uint64_t inside, at_edges;        // of those with a value that counts
    uint64_t kept_inside, kept_edges; // of those that break a bound
    double least, most;               // of what is inside
    bool is_cut;                      // something that may have been inside is not here
    const char *missing;              // why not all was seen; NULL: all was
};

// ---- where a window begins and ends

static const struct moment *moment_of(const struct trial *trial, const Pb__Moment *named)
{
    if (!*named->entry) {
        return &trial->zero;
    }
    const struct entry *entry = trial_entry(trial, named->entry);
    return !entry ? NULL : named->end ? &entry->end : &entry->start;
}

// NULL, or why it is not known in the clock of this host.
static const char *edge(struct core *core, const struct trial *trial, const Pb__Moment *named, const char *agent,
                        struct moment_range *range)
{
    struct arena *arena = core->effects->arena;
    const struct moment *moment = moment_of(trial, named);
    if (!moment || !moment->agent) {
        return arena_printf(arena, "the window's moment has not come: %s of %s", named->end ? "the end" : "the start",
                            *named->entry ? named->entry : "the timeline");
    }
    if (!moment_here(core, moment, agent, range)) {
        return arena_printf(arena, "the clocks of %s and %s were not compared", moment->agent, agent);
    }
    range->from_ns += named->plus_ms * NS_PER_MS;
    range->to_ns += named->plus_ms * NS_PER_MS;
    return NULL;
}

static const char *window_open(struct core *core, const struct trial *trial, const Pb__Window *asked, const char *agent,
                               struct window *window)
{
    *window = (struct window){.until = {UINT64_MAX, UINT64_MAX}};
    const char *problem = asked && asked->since ? edge(core, trial, asked->since, agent, &window->since) : NULL;
    if (!problem && asked && asked->until) {
        problem = edge(core, trial, asked->until, agent, &window->until);
    }
    return problem;
}

static bool is_unknown(const struct core *core, const char *agent)
{
    const struct agent_live *live = sessions_agent(core, agent);
    return !live || !live->clock_is_known;
}

static bool edge_is_unknown(const struct core *core, const struct instance *instance, const Pb__Moment *named)
{
    const struct moment *moment = named ? moment_of(instance->trial, named) : NULL;
    return moment && moment->agent && strcmp(moment->agent, instance->agent) != 0 &&
           (is_unknown(core, moment->agent) || is_unknown(core, instance->agent));
}

static bool window_is_unknown(const struct core *core, const struct trial *trial, const Pb__Assertion *assertion)
{
    for (size_t i = 0; assertion->window && i < trial->instance_count; i++) {
        const struct instance *instance = trial->instances[i];
        bool is_meant = !*assertion->service || strcmp(assertion->service, instance->service) == 0;
        if (is_meant &&
            (edge_is_unknown(core, instance, assertion->window->since) || edge_is_unknown(core, instance, assertion->window->until))) {
            return true;
        }
    }
    return false;
}

bool verdicts_wait_for_clocks(struct core *core, struct trial *trial)
{
    const struct trial_link *link = core_trial_link(core, trial);
    bool waits = false;
    for (size_t i = 0; i < trial->plan->n_assertions; i++) {
        waits |= window_is_unknown(core, trial, trial->plan->assertions[i]);
    }
    for (size_t i = 0; waits && i < trial->instance_count; i++) {
        waits &= !verdicts_missing(trial->instances[i]); // else it would not change anything
    }
    return waits && !trial->held && !trial->cancelled && (!link->wind_down_ns || core->event->now_ns < link->wind_down_ns);
}

// ---- what is in it

static bool is_bad(const Pb__Assertion *assertion, double value)
{
    const Pb__MetricAssertion *bound = assertion->metric;
    return assertion->body_case == PB__ASSERTION__BODY_METRIC &&
           ((bound->has_at_least && value < bound->at_least) || (bound->has_at_most && value > bound->at_most));
}

static void count_sample(struct seen *tally, const struct window *window, const Pb__Assertion *assertion,
                         const struct sighting_sample *sample)
{
    uint64_t at_ns = sample->boottime_ns;
    if (at_ns < window->since.from_ns || at_ns > window->until.to_ns) {
        return;
    }
    bool bad = is_bad(assertion, sample->value);
    if (at_ns < window->since.to_ns || at_ns > window->until.from_ns) {
        tally->at_edges++;
        tally->kept_edges += bad;
        return;
    }
    tally->least = tally->inside && tally->least < sample->value ? tally->least : sample->value;
    tally->most = tally->inside && tally->most > sample->value ? tally->most : sample->value;
    tally->inside++;
    tally->kept_inside += bad;
}

static void tally_window(struct core *core, const struct instance *instance, const Pb__Assertion *assertion,
                         const struct sighting *sighting, struct seen *tally)
{
    struct window window;
    const char *problem = window_open(core, instance->trial, assertion->window, instance->agent, &window);
    if (problem) {
        tally->missing = problem;
        return;
    }
    for (uint32_t i = 0; sighting && i < sighting->sample_count; i++) {
        count_sample(tally, &window, assertion, &sighting->samples[i]);
    }
    tally->is_cut |= sighting && sighting->cut && sighting->cut_ns <= window.until.to_ns;
}

static void tally_all(const struct sighting *sighting, struct seen *tally)
{
    if (sighting && sighting->count) {
        tally->most = tally->inside && tally->most > sighting->most ? tally->most : sighting->most;
        tally->inside += sighting->count;
    }
}

// A network that captures leaves a file, also of no packets: where there is none, or an empty one, it was removed or cut.
static bool capture_is_missing(const Pb__Assertion *assertion, const struct instance *instance, const struct sighting *sighting)
{
    const Pb__Network *network = instance->trial->plan->network;
    bool captures = instance_plan(instance)->is_network && network && !network->no_capture;
    return assertion->body_case == PB__ASSERTION__BODY_CAPTURE && captures && !(sighting && sighting->count);
}

// Files that were not kept, and output that was not read, may be what was looked for.
static const char *not_seen(const Pb__Assertion *assertion, const struct instance *instance, const struct sighting *sighting)
{
    bool of_files = assertion->body_case == PB__ASSERTION__BODY_CAPTURE || assertion->body_case == PB__ASSERTION__BODY_ARTIFACT;
    const char *missing = verdicts_missing(instance);
    return missing                                                                        ? missing
           : of_files && instance->files_cut                                              ? "not every file was kept"
           : capture_is_missing(assertion, instance, sighting)                            ? "the capture is gone, or empty"
           : assertion->body_case == PB__ASSERTION__BODY_OUTPUT && instance->gap_bytes    ? "not all of the output was read"
           : assertion->body_case == PB__ASSERTION__BODY_METRIC && instance->metrics_lost ? "not every metric was kept"
                                                                                          : NULL;
}

static void tally_trial(struct core *core, const struct trial *trial, const Pb__Assertion *assertion, uint32_t rule, struct seen *tally)
{
    for (size_t i = 0; i < trial->instance_count; i++) {
        const struct instance *instance = trial->instances[i];
        if (*assertion->service && strcmp(assertion->service, instance->service) != 0) {
            continue;
        }
        const struct sighting *sighting = map_get_number(instance->sightings, rule);
        const char *missing = not_seen(assertion, instance, sighting);
        tally->missing = tally->missing ? tally->missing : missing;
        if (assertion->window) {
            tally_window(core, instance, assertion, sighting, tally);
        } else {
            tally_all(sighting, tally);
        }
    }
}

// ---- what that says

static void say(struct observation *observation, int verdict, const char *text)
{
    *observation = (struct observation){verdict, text};
}

// Something that must, or must not, be there.
static void judge_presence(struct core *core, const struct trial *trial, bool absent, uint64_t found, const struct seen *tally,
                           struct observation *observation)
{
    struct arena *arena = core->effects->arena;
    const char *unsure = tally->missing     ? tally->missing
                         : tally->is_cut    ? "more was seen than is kept"
                         : tally->at_edges  ? "it was seen at an edge of the window, closer than the clocks of the hosts agree"
                         : trial->cancelled ? "the trial was cut short"
                                            : NULL;
    if (found) {
        say(observation, absent ? VERDICT_FAIL : VERDICT_PASS, arena_printf(arena, "found %llu times", (unsigned long long)found));
    } else if (unsure) {
        say(observation, VERDICT_INCONC, arena_printf(arena, "not found, but %s", unsure));
    } else {
        say(observation, absent ? VERDICT_PASS : VERDICT_FAIL, "not found");
    }
}

static void judge_bound(struct core *core, const struct trial *trial, const struct seen *tally, struct observation *observation)
{
    const char *text =
        arena_printf(core->effects->arena, "%.6g to %.6g in %llu values", tally->least, tally->most, (unsigned long long)tally->inside);
    if (tally->kept_inside) {
        say(observation, VERDICT_FAIL, text);
    } else if (tally->missing || tally->is_cut) {
        say(observation, VERDICT_INCONC, tally->missing ? tally->missing : "more values came than are kept");
    } else if (trial->cancelled) {
        say(observation, VERDICT_INCONC, "the trial was cut short");
    } else if (!tally->inside) {
        say(observation, VERDICT_INCONC, "the metric was not reported in the window");
    } else if (tally->kept_edges) {
        say(observation, VERDICT_INCONC, "a value at an edge of the window breaks the bound, closer than the clocks of the hosts agree");
    } else {
        say(observation, VERDICT_PASS, text);
    }
}

static void judge_artifact(struct core *core, const struct trial *trial, const Pb__ArtifactAssertion *asked, const struct seen *tally,
                           struct observation *observation)
{
    bool is_small = tally->inside && asked->has_at_least && tally->most < (double)asked->at_least_bytes;
    if (is_small && !asked->absent) {
        say(observation, VERDICT_FAIL, arena_printf(core->effects->arena, "the largest has %.0f bytes", tally->most));
        return;
    }
    judge_presence(core, trial, asked->absent, is_small ? 0 : tally->inside, tally, observation);
}

void verdicts_observe(struct core *core, const struct trial *trial, const Pb__Assertion *assertion, uint32_t rule,
                      struct observation *observation)
{
    struct seen tally = {0};
    tally_trial(core, trial, assertion, rule, &tally);
    switch (assertion->body_case) {
    case PB__ASSERTION__BODY_METRIC:
        judge_bound(core, trial, &tally, observation);
        break;
    case PB__ASSERTION__BODY_ARTIFACT:
        judge_artifact(core, trial, assertion->artifact, &tally, observation);
        break;
    case PB__ASSERTION__BODY_CAPTURE:
        judge_presence(core, trial, assertion->capture->absent, tally.inside, &tally, observation);
        break;
    case PB__ASSERTION__BODY_FINDING:
        judge_presence(core, trial, assertion->finding->absent, tally.inside, &tally, observation);
        break;
    case PB__ASSERTION__BODY_OUTPUT:
        judge_presence(core, trial, assertion->output->absent, tally.inside, &tally, observation);
        break;
    default:
        say(observation, VERDICT_INCONC, "an end is not asked for in a window");
    }
}
