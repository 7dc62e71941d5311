// See rules.h.
#include "agent/guard/rules.h"

#include <stdlib.h>
#include <string.h>

#include "agent/guard/events.h"
#include "agent/guard/pattern.h"
#include "agent/guard/printable.h"
#include "common/base/limits.h"
#include "common/base/memory.h"

// What a person reads of a line that matched.
#define MATCHED_LINE_MAX_BYTES 1024
// Watches that have not seen their line: a plugin has one or two for its readiness.
#define WATCHES_MAX 64

struct rule {
    uint32_t id;
    uint64_t told; // matches of a stream that are told one by one
    const char *stream;
    struct pattern *pattern;
};

struct watch {
    uint32_t number, process;
    char *stream;
    struct pattern *pattern; // NULL: has seen its line
};

struct rules {
    struct events *events;
    line_seen_fn *line_seen;
    void *context;
    struct rule *rules;
    size_t rule_count;
    struct watch watches[WATCHES_MAX];
    size_t watch_count;
};

struct match {
    uint64_t count, last_offset;
    char *last_line;
};

struct rule_matches {
    struct rules *rules;
    char *stream;
    uint32_t process;
    bool is_apart;         // nothing in it is compared
    struct match *matches; // beside the rules
};

static bool is_of(const char *wanted, const char *stream)
{
    size_t wanted_bytes = strlen(wanted), stream_bytes = strlen(stream);
    return wanted_bytes <= stream_bytes && strcmp(stream + stream_bytes - wanted_bytes, wanted) == 0;
}

static void forget_watches(struct rules *rules)
{
    size_t kept = 0;
    for (size_t i = 0; i < rules->watch_count; i++) {
        if (rules->watches[i].pattern)
            rules->watches[kept++] = rules->watches[i];
        else
            free(rules->watches[i].stream);
    }
    rules->watch_count = kept;
}

int rules_new(struct rules **out, const Pb__GuardSpec *spec, struct events *events, line_seen_fn *line_seen, void *context,
              struct panther_error *error)
{
    struct rules *rules = NEW(struct rules);
    *rules = (struct rules){.events = events, .line_seen = line_seen, .context = context};
    const Pb__Initialize *initialize = spec->initialize;
    rules->rules = memory_new((initialize->n_output_rules + 1) * sizeof *rules->rules);
    for (size_t i = 0; i < initialize->n_output_rules; i++) {
        const Pb__OutputRule *rule = initialize->output_rules[i];
        struct rule *mine = &rules->rules[rules->rule_count];
        *mine = (struct rule){.id = rule->id, .told = rule->every ? MATCHES_TOLD_MAX : 1, .stream = rule->stream};
        int problem = pattern_new(&mine->pattern, rule->pattern, rule->is_regex, error);
        if (problem < 0) {
            rules_free(&rules);
            return problem;
        }
        rules->rule_count++;
    }
    *out = rules;
    return 0;
}

void rules_free(struct rules **pointer)
{
    struct rules *rules = *pointer;
    if (!rules)
        return;
    for (size_t i = 0; i < rules->rule_count; i++)
        pattern_free(&rules->rules[i].pattern);
    for (size_t i = 0; i < rules->watch_count; i++)
        pattern_free(&rules->watches[i].pattern);
    forget_watches(rules);
    free(rules->rules);
    free(rules);
    *pointer = NULL;
}

int rules_add_watch(struct rules *rules, const Pb__WatchLine *watch, struct panther_error *error)
{
    forget_watches(rules);
    if (rules->watch_count == WATCHES_MAX)
        return error_set(error, PANTHER_ELIMIT, "more than %d lines are waited for at once", WATCHES_MAX);
    struct watch *mine = &rules->watches[rules->watch_count];
    *mine = (struct watch){.number = watch->watch, .process = watch->process};
    int problem = pattern_new(&mine->pattern, watch->pattern, watch->is_regex, error);
    if (problem < 0)
        return problem;
    mine->stream = memory_string(watch->stream);
    rules->watch_count++;
    return 0;
}

// ---- one stream

struct rule_matches *rule_matches_new(struct rules *rules, const char *stream, uint32_t process)
{
    struct rule_matches *matches = NEW(struct rule_matches);
    matches->rules = rules;
    matches->stream = memory_string(stream);
    matches->process = process;
    matches->matches = memory_new((rules->rule_count + 1) * sizeof *matches->matches);
    return matches;
}

struct rule_matches *rule_matches_none(struct rules *rules, const char *stream)
{
    struct rule_matches *matches = rule_matches_new(rules, stream, 0);
    matches->is_apart = true;
    return matches;
}

static bool watch_covers(const struct watch *watch, const struct rule_matches *matches)
{
    if (!watch->pattern || matches->process == 0)
        return false; // what the host itself prints makes nobody ready
    return (watch->process == 0 || watch->process == matches->process) && is_of(watch->stream, matches->stream);
}

bool rule_matches_are_wanted(const struct rule_matches *matches)
{
    const struct rules *rules = matches->rules;
    if (matches->is_apart)
        return false;
    for (size_t i = 0; i < rules->rule_count; i++)
        if (is_of(rules->rules[i].stream, matches->stream))
            return true;
    for (size_t i = 0; i < rules->watch_count; i++)
        if (watch_covers(&rules->watches[i], matches))
            return true;
    return false;
}

static void tell_match(const struct rule_matches *matches, const struct rule *rule, const struct match *match)
{
    Pb__OutputMatch message;
    pb__output_match__init(&message);
    message.rule = rule->id;
    message.stream = matches->stream;
    message.offset = match->last_offset;
    message.line = match->last_line;
    message.count = match->count;
    EVENT_ADD(matches->rules->events, OUTPUT_MATCH, output_match, &message);
}

static void apply_rule(struct rule_matches *matches, size_t index, const char *line, size_t bytes, uint64_t offset)
{
    const struct rule *rule = &matches->rules->rules[index];
    struct match *match = &matches->matches[index];
    if (!is_of(rule->stream, matches->stream) || !pattern_matches(rule->pattern, line, bytes))
        return;
    match->count++;
    match->last_offset = offset;
    free(match->last_line);
    match->last_line = printable(line, bytes, MATCHED_LINE_MAX_BYTES);
    if (match->count <= rule->told)
        tell_match(matches, rule, match);
}

static void apply_watch(struct rule_matches *matches, struct watch *watch, const char *line, size_t bytes)
{
    if (!watch_covers(watch, matches) || !pattern_matches(watch->pattern, line, bytes))
        return;
    pattern_free(&watch->pattern);
    CLEANUP_FREE char *text = printable(line, bytes, MATCHED_LINE_MAX_BYTES);
    matches->rules->line_seen(matches->rules->context, watch->number, text);
}

void rule_matches_line(struct rule_matches *matches, const char *line, size_t bytes, uint64_t offset)
{
    struct rules *rules = matches->rules;
    if (matches->is_apart)
        return;
    for (size_t i = 0; i < rules->rule_count; i++)
        apply_rule(matches, i, line, bytes, offset);
    for (size_t i = 0; i < rules->watch_count; i++)
        apply_watch(matches, &rules->watches[i], line, bytes);
    forget_watches(rules);
}

void rule_matches_old_line(struct rule_matches *matches, const char *line, size_t bytes)
{
    struct rules *rules = matches->rules;
    if (rules->watch_count > 0)
        apply_watch(matches, &rules->watches[rules->watch_count - 1], line, bytes);
}

void rule_matches_end(struct rule_matches **pointer)
{
    struct rule_matches *matches = *pointer;
    if (!matches)
        return;
    for (size_t i = 0; i < matches->rules->rule_count; i++) {
        if (matches->matches[i].count > matches->rules->rules[i].told)
            tell_match(matches, &matches->rules->rules[i], &matches->matches[i]);
        free(matches->matches[i].last_line);
    }
    forget_watches(matches->rules);
    free(matches->matches);
    free(matches->stream);
    free(matches);
    *pointer = NULL;
}
