// Reads assertions: exit, metric bounds, output.
#include "coordinator/experiment/assertions.h"

#include <string.h>

#include "common/base/units.h"
#include "common/schema/patterns.h"
#include "coordinator/experiment/evidence.h"
#include "coordinator/experiment/gates.h"
#include "coordinator/experiment/timeline.h"

static const char *const streams[] = {"stdout", "stderr", NULL};
const struct document_key assertions_output_keys[] = {
    DOCUMENT_KEY("present", TEXT, .help = "some line has this text"), DOCUMENT_KEY("absent", TEXT, .help = "no line has this text"),
    DOCUMENT_KEY("matches", TEXT, .help = "a line matches this pattern; true: the text above is one"),
    DOCUMENT_KEY("stream", CHOICE, .choices = streams), DOCUMENT_END};
const struct document_key assertions_keys[] = {
    DOCUMENT_KEY("service", TEXT, .help = "whose"),
    DOCUMENT_KEY("exit", TEXT, .help = "clean, or a status"),
    DOCUMENT_KEY("metric", TEXT, .help = "SERVICE.NAME"),
    DOCUMENT_KEY("at_least", REAL, .help = "of a metric"),
    DOCUMENT_KEY("at_most", REAL, .help = "of a metric"),
    DOCUMENT_KEY("no_worse_than", CHOICE, .choices = gates_against, .help = "its mean over the repetitions; a gate of the run"),
    DOCUMENT_KEY("by", REAL, .help = "of no_worse_than: a share of the mean that is no news; 5%"),
    DOCUMENT_KEY("confidence", REAL, .help = "of no_worse_than; 95%"),
    DOCUMENT_KEY("output", MAP, .keys = assertions_output_keys),
    DOCUMENT_KEY("capture", CHOICE, .choices = evidence_states),
    DOCUMENT_KEY("artifact", MAP, .keys = evidence_artifact_keys, .or_text = true),
    DOCUMENT_KEY("finding", MAP, .keys = evidence_finding_keys, .or_text = true),
    DOCUMENT_KEY("since", MAP, .keys = timeline_after_keys, .help = "looks only at what was later"),
    DOCUMENT_KEY("until", MAP, .keys = timeline_after_keys, .help = "looks only at what was earlier"),
    DOCUMENT_KEY("during", TEXT, .help = "an entry of the timeline"),
    DOCUMENT_LATER("case"),
    DOCUMENT_LATER("over"),
    DOCUMENT_LATER("count"),
    DOCUMENT_END};

#define TEXT(...) arena_printf(document->arena, __VA_ARGS__)

// ---- exit: clean, or a status

static void read_exit(const struct document *document, const struct value *value, Pb__Assertion *assertion)
{
    Pb__ExitAssertion *body = ARENA_NEW(document->arena, Pb__ExitAssertion);
    pb__exit_assertion__init(body);
    assertion->body_case = PB__ASSERTION__BODY_EXIT;
    assertion->exit = body;
    const char *text = document_text(document, value, "exit");
    uint64_t status = 0;
    if (!text)
        return;
    body->clean = strcmp(text, "clean") == 0;
    if (!body->clean && (!unsigned_parse(text, &status) || status > 255))
        document_error(document, value, "exit must be \"clean\" (the plugin's own rule) or a status from 0 to 255, not \"%.80s\"", text);
    body->status = (int32_t)status;
    assertion->text = TEXT("%s: exit %s", assertion->service, text);
}

// ---- metric: SERVICE.NAME with bounds

static bool read_bound(const struct document *document, const struct value *value, const char *what, double *bound)
{
    const char *text = document_constant(document, value, what);
    uint64_t other;
    if (!text)
        return false;
    if (ratio_parse(text, bound) || float_parse(text, bound))
        return true;
    if (duration_parse_ns(text, &other) || size_parse_bytes(text, &other))
        document_error(document, value, "%s: \"%.80s\" has a unit; write the number in the unit of the metric", what, text);
    else
        document_error(document, value, "%s: \"%.80s\" is not a number or a percentage", what, text);
    return false;
}

// The service is what stands before the first dot; a metric's name may have dots itself.
static void read_metric_name(struct scope *scope, const struct value *value, Pb__Assertion *assertion)
{
    const struct document *document = &scope->document;
    const char *text = document_text(document, value, "metric");
    if (!text)
        return;
    const char *dot = strchr(text, '.');
    if (!dot || dot == text || dot[1] == '\0') {
        document_error(document, value, "metric must be SERVICE.NAME, such as load.success_ratio, not \"%.80s\"", text);
        return;
    }
    char *service = arena_string_bytes(document->arena, text, (size_t)(dot - text));
    if (assertion->service[0] && strcmp(assertion->service, service) != 0)
        document_error(document, value, "the metric is of \"%.80s\", but `service` says \"%.80s\"; the metric alone is enough", service,
                       assertion->service);
    else if (!assertion->service[0] && scope_check_service(scope, value, service, "metric"))
        assertion->service = service;
    assertion->metric->name = arena_string(document->arena, dot + 1);
}

static void read_metric(struct scope *scope, const struct value *map, Pb__Assertion *assertion)
{
    const struct document *document = &scope->document;
    Pb__MetricAssertion *body = ARENA_NEW(document->arena, Pb__MetricAssertion);
    pb__metric_assertion__init(body);
    assertion->body_case = PB__ASSERTION__BODY_METRIC;
    assertion->metric = body;
    const struct value *name = document_get(map, "metric"), *least = document_get(map, "at_least"), *most = document_get(map, "at_most");
    read_metric_name(scope, name, assertion);
    body->has_at_least = read_bound(document, least, "at_least", &body->at_least);
    body->has_at_most = read_bound(document, most, "at_most", &body->at_most);
    gates_read_metric(scope, map, assertion->service);
    if (!least && !most && !document_get(map, "no_worse_than"))
        document_error(document, map, "a metric needs at_least, at_most or no_worse_than");
    if (body->has_at_least && body->has_at_most && body->at_least > body->at_most)
        document_error(document, map, "at_least is more than at_most: no value can be both");
    assertion->text =
        TEXT("%s%s%s%s%s%s", name->text ? name->text : "", body->has_at_least ? " >= " : "", body->has_at_least ? least->text : "",
             body->has_at_least && body->has_at_most ? " and" : "", body->has_at_most ? " <= " : "", body->has_at_most ? most->text : "");
}

// ---- output: {present: TEXT} | {absent: TEXT} | {matches: REGEX}; `matches: true` makes present's or absent's text a regex

struct output {
    const struct value *present, *absent, *matches;
};

static const struct value *pattern_value(const struct document *document, const struct output *output, const struct value *map,
                                         bool *is_regex)
{
    const struct value *plain = output->present ? output->present : output->absent;
    if (output->present && output->absent) {
        document_error(document, map, "output is present or absent; write two assertions for two texts");
        return NULL;
    }
    if (plain) {
        document_boolean(document, output->matches, "matches, beside present or absent,", is_regex);
        return plain;
    }
    *is_regex = true;
    if (!output->matches)
        document_error(document, map, "output needs present, absent or matches");
    else if (output->matches->kind == VALUE_SCALAR && !output->matches->quoted && strcmp(output->matches->text, "true") == 0)
        document_error(document, output->matches,
                       "`matches: true` says that the text of present or absent is a regular expression; one of these "
                       "is missing");
    else
        return output->matches;
    return NULL;
}

static const char *read_stream(const struct document *document, const struct value *value)
{
    const char *text = document_text(document, value, "stream");
    if (!text || strcmp(text, "stdout") == 0 || strcmp(text, "stderr") == 0)
        return text ? text : "";
    document_error(document, value, "stream must be stdout or stderr, not \"%.80s\"%s", text, document_hint(document, text, streams, 2));
    return "";
}

static void report_pattern(const struct document *document, const struct value *place, const Pb__OutputAssertion *output)
{
    const char *reason = patterns_refusal(output->pattern, output->is_regex, document->arena);
    if (reason)
        document_error(document, place, "the pattern \"%.120s\" %s", output->pattern, reason);
}

static void read_pattern(struct scope *scope, const struct value *value, Pb__OutputAssertion *body)
{
    const char *text = document_text(&scope->document, value, "the pattern");
    if (!text)
        return;
    body->pattern = arena_string(scope->document.arena, text);
    scope_check(scope, text, value, SCOPE_AXES | SCOPE_CELL);
    if (!reference_is_in(text))
        report_pattern(&scope->document, value, body);
}

static void read_output(struct scope *scope, const struct value *map, Pb__Assertion *assertion)
{
    const struct document *document = &scope->document;
    Pb__OutputAssertion *body = ARENA_NEW(document->arena, Pb__OutputAssertion);
    pb__output_assertion__init(body);
    assertion->body_case = PB__ASSERTION__BODY_OUTPUT;
    assertion->output = body;
    if (!document_is_map(document, map, "output"))
        return;
    document_check_keys(document, map, assertions_output_keys, "output");
    // a text may be null here: `absent: null` looks for the word, so what was written is taken as it is
    struct output output = {value_get(map, "present"), value_get(map, "absent"), value_get(map, "matches")};
    bool is_regex = false;
    const struct value *value = pattern_value(document, &output, map, &is_regex);
    body->absent = output.absent != NULL;
    body->is_regex = is_regex;
    body->stream = arena_string(document->arena, read_stream(document, document_get(map, "stream")));
    if (value)
        read_pattern(scope, value, body);
    assertion->text = TEXT("%s: %s %s \"%s\"%s%s", assertion->service, body->absent ? "no output" : "output",
                           body->is_regex ? "matches" : "has", body->pattern, body->stream[0] ? " in " : "", body->stream);
}

// ---- window: since, until, during

static void check_entry(struct scope *scope, const struct value *place, const Pb__Moment *moment)
{
    if (moment && moment->entry[0])
        timeline_find(scope, place, moment->entry);
}

static Pb__Moment *new_moment(const struct document *document)
{
    Pb__Moment *moment = ARENA_NEW(document->arena, Pb__Moment);
    pb__moment__init(moment);
    return moment;
}

static Pb__Moment *read_moment(struct scope *scope, const struct value *value, const char *noun)
{
    if (!value)
        return NULL;
    Pb__Moment *moment = new_moment(&scope->document);
    if (timeline_read_moment(&scope->document, value, noun, timeline_after_keys, moment) && !moment->entry[0] &&
        !document_get(value, "plus"))
        document_error(&scope->document, value, "%s needs start_of, end_of or plus", noun);
    check_entry(scope, value, moment);
    return moment;
}

static void read_during(struct scope *scope, const struct value *during, Pb__Window *window)
{
    const char *id = document_constant(&scope->document, during, "during");
    if (!id)
        return;
    window->since = new_moment(&scope->document);
    window->until = new_moment(&scope->document);
    window->since->entry = window->until->entry = arena_string(scope->document.arena, id);
    window->until->end = true;
    check_entry(scope, during, window->since);
}

static void read_window(struct scope *scope, const struct value *map, Pb__Assertion *assertion)
{
    const struct document *document = &scope->document;
    const struct value *since = document_get(map, "since"), *until = document_get(map, "until"), *during = document_get(map, "during");
    if (!since && !until && !during)
        return;
    Pb__Window *window = ARENA_NEW(document->arena, Pb__Window);
    pb__window__init(window);
    assertion->window = window;
    if (during && (since || until))
        document_error(document, map, "during says since and until at once; write one or the other");
    window->since = read_moment(scope, since, "since");
    window->until = read_moment(scope, until, "until");
    read_during(scope, during, window);
    switch (assertion->body_case) {
    case PB__ASSERTION__BODY_OUTPUT:
    case PB__ASSERTION__BODY_METRIC:
    case PB__ASSERTION__BODY_FINDING:
    case PB__ASSERTION__BODY__NOT_SET: // told before
        return;
    default:
        document_error(document, map, "exit, capture and artifact are of the whole trial: since, until and during belong to others");
    }
}

// ---- one assertion

static void read_service(struct scope *scope, const struct value *map, bool is_required, Pb__Assertion *assertion)
{
    const struct value *service = document_get(map, "service");
    const char *text = document_text(&scope->document, service, "service");
    if (!service && is_required)
        document_error(&scope->document, map, "the assertion needs a service");
    if (text && scope_check_service(scope, service, text, "service"))
        assertion->service = arena_string(scope->document.arena, text);
}

static void refuse_bounds(const struct document *document, const struct value *map)
{
    static const char *const keys[] = {"at_least", "at_most", "no_worse_than", "by", "confidence"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (value_get(map, keys[i]))
            document_error(document, value_get(map, keys[i]), "%s belongs to a metric", keys[i]);
}

static void read_body(struct scope *scope, const struct value *map, const char *kind, Pb__Assertion *assertion)
{
    const struct value *value = document_get(map, kind);
    if (strcmp(kind, "exit") == 0)
        read_exit(&scope->document, value, assertion);
    else if (strcmp(kind, "metric") == 0)
        read_metric(scope, map, assertion);
    else if (strcmp(kind, "output") == 0)
        read_output(scope, value, assertion);
    else if (strcmp(kind, "capture") == 0)
        evidence_read_capture(&scope->document, value, assertion);
    else if (strcmp(kind, "artifact") == 0)
        evidence_read_artifact(&scope->document, value, assertion);
    else
        evidence_read_finding(&scope->document, value, assertion);
}

// A metric that is only held against a baseline says nothing of a trial.
static bool is_of_run(const struct document *document, const struct value *map, const Pb__Assertion *assertion)
{
    const struct value *no_worse = document_get(map, "no_worse_than");
    if (!no_worse || assertion->body_case != PB__ASSERTION__BODY_METRIC)
        return false;
    if (assertion->window)
        document_error(document, no_worse, "no_worse_than looks at whole trials: since, until and during do not go with it");
    return !assertion->metric->has_at_least && !assertion->metric->has_at_most;
}

static void read_assertion(struct scope *scope, const struct value *map)
{
    static const char *const kinds[] = {"exit", "output", "metric", "capture", "artifact", "finding"};
    const struct document *document = &scope->document;
    const char *kind = NULL;
    size_t count = 0;
    Pb__Assertion *assertion = ARENA_NEW(document->arena, Pb__Assertion);
    pb__assertion__init(assertion);
    assertion->line = map->line;
    assertion->column = map->column;
    document_check_keys(document, map, assertions_keys, "an assertion");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (document_get(map, kinds[i])) {
            kind = kinds[i];
            count++;
        }
    read_service(scope, map, document_get(map, "exit") || document_get(map, "output"), assertion);
    if (!document_get(map, "metric"))
        refuse_bounds(document, map);
    if (count > 1)
        document_error(document, map,
                       "one assertion is about one thing: exit, metric, output, capture, artifact or finding; write several entries");
    else if (!kind)
        document_error(document, map, "an assertion is about exit, metric, output, capture, artifact or finding");
    else
        read_body(scope, map, kind, assertion);
    read_window(scope, map, assertion);
    if (is_of_run(document, map, assertion))
        return;
    scope->test->assertions[scope->test->n_assertions++] = assertion;
}

// Rules for output travel to the guards in one packet.
static void check_size(const struct document *document, const struct value *assertions, const Pb__Test *test)
{
    size_t bytes = 0;
    for (size_t i = 0; i < test->n_assertions; i++)
        if (test->assertions[i]->body_case == PB__ASSERTION__BODY_OUTPUT)
            bytes += strlen(test->assertions[i]->output->pattern);
    if (bytes > PATTERNS_PER_TEST_MAX_BYTES)
        document_error(document, assertions, "the patterns of a test are longer than %d bytes together", PATTERNS_PER_TEST_MAX_BYTES);
}

void assertions_read(struct scope *scope, const struct value *assertions)
{
    const struct document *document = &scope->document;
    if (!document_is_list(document, assertions, "assertions"))
        return;
    if (assertions->count > ASSERTIONS_PER_TEST_MAX) {
        document_error(document, assertions, "a test has at most %d assertions", ASSERTIONS_PER_TEST_MAX);
        return;
    }
    scope->test->assertions = ARENA_ARRAY(document->arena, Pb__Assertion *, assertions->count);
    for (size_t i = 0; i < assertions->count; i++)
        if (document_is_map(document, assertions->items[i], "an assertion"))
            read_assertion(scope, assertions->items[i]);
    check_size(document, assertions, scope->test);
}

void assertions_check(const struct document *document, const Pb__Assertion *assertion)
{
    const struct value place = scope_place(assertion->line, assertion->column);
    if (assertion->output->pattern[0])
        report_pattern(document, &place, assertion->output);
}
