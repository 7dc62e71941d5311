// Reads the rules of a test that hold for all of its cells.
#include "coordinator/experiment/rules.h"

#include <string.h>

#include "common/base/units.h"
#include "common/base/verdict.h"
#include "coordinator/experiment/limits.h"

// ---- repeat

static const char *const orders[] = {"interleave", "sequential", "shuffle", NULL}; // as in Pb__Order
static const char *const untils[] = {"confident", NULL};
const struct document_key rules_seed_keys[] = {DOCUMENT_KEY("first", NUMBER, .help = "of the first repetition"),
                                               DOCUMENT_KEY("paired", BOOLEAN, .help = "one seed in all combinations"), DOCUMENT_END};
const struct document_key rules_repeat_keys[] = {
    DOCUMENT_KEY("times", NUMBER),
    DOCUMENT_KEY("seeds", MAP, .keys = rules_seed_keys),
    DOCUMENT_KEY("order", CHOICE, .choices = orders),
    DOCUMENT_KEY("until", CHOICE, .choices = untils, .help = "in place of times"),
    DOCUMENT_KEY("at_most", NUMBER, .help = "of until: repetitions"),
    DOCUMENT_KEY("at_least", NUMBER, .help = "of until: repetitions; 5"),
    DOCUMENT_KEY("pass_rate", REAL, .help = "of until: what the rate shall be known to be above or below"),
    DOCUMENT_KEY("confidence", REAL, .help = "of until; 95%"),
    DOCUMENT_END};

static void read_seeds(const struct document *document, const struct value *seeds, Pb__Test *test)
{
    const uint64_t seed_max = (UINT64_C(1) << SEED_FIRST_BITS) - 1 - REPEAT_TIMES_MAX;
    bool paired = false;
    if (!document_is_map(document, seeds, "seeds"))
        return;
    document_check_keys(document, seeds, rules_seed_keys, "seeds");
    document_number(document, document_get(seeds, "first"), "the first seed", 0, seed_max, &test->seed_first);
    document_boolean(document, document_get(seeds, "paired"), "paired", &paired);
    test->seeds_paired = paired;
}

static void read_order(const struct document *document, const struct value *order, Pb__Test *test)
{
    const char *text = document_text(document, order, "order");
    size_t known = 0;
    while (text && orders[known] && strcmp(orders[known], text) != 0)
        known++;
    if (text && !orders[known])
        document_error(document, order, "the order is interleave, sequential or shuffle, not \"%.80s\"%s", text,
                       document_hint(document, text, orders, 3));
    else if (text && known != PB__ORDER__ORDER_INTERLEAVE && test->repeat_until)
        document_error(document, order, "until: confident repeats all combinations by turns: its order is interleave");
    else if (text)
        test->order = (Pb__Order)known;
}

// A share strictly between none and all: at its ends nothing can be known.
static void read_share(const struct document *document, const struct value *value, const char *what, double *share)
{
    const char *text = document_constant(document, value, what);
    double read;
    if (!text)
        return;
    if (ratio_parse(text, &read) && read > 0 && read < 1)
        *share = read;
    else
        document_error(document, value, "%s: \"%.80s\" is not a share between 0%% and 100%%", what, text);
}

// Fewer repetitions than this say little, whatever the interval says.
#define REPEAT_AT_LEAST 5
#define REPEAT_CONFIDENCE 0.95

static void read_until(const struct document *document, const struct value *repeat, uint64_t *times, Pb__Test *test)
{
    static const char *const parts[] = {"at_most", "at_least", "pass_rate", "confidence"};
    const struct value *until = document_get(repeat, "until");
    uint64_t at_least = REPEAT_AT_LEAST;
    for (size_t i = 0; !until && i < sizeof parts / sizeof *parts; i++)
        if (document_get(repeat, parts[i]))
            document_error(document, document_get(repeat, parts[i]), "%s belongs to `until: confident`", parts[i]);
    const char *text = until ? document_text(document, until, "until") : NULL;
    if (!text)
        return;
    if (strcmp(text, "confident") != 0)
        document_error(document, until, "until: \"%.80s\" is not known; confident is", text);
    if (!document_get(repeat, "at_most") || !document_get(repeat, "pass_rate"))
        document_error(document, until, "until needs at_most and pass_rate: `{until: confident, at_most: 50, pass_rate: 95%%}`");
    if (document_get(repeat, "times"))
        document_error(document, document_get(repeat, "times"), "times and until: one of both");
    Pb__RepeatUntil *rule = test->repeat_until = ARENA_NEW(document->arena, Pb__RepeatUntil);
    pb__repeat_until__init(rule);
    rule->pass_rate = rule->confidence = REPEAT_CONFIDENCE;
    document_number(document, document_get(repeat, "at_most"), "at_most", 1, REPEAT_TIMES_MAX, times);
    document_number(document, document_get(repeat, "at_least"), "at_least", 1, REPEAT_TIMES_MAX, &at_least);
    read_share(document, document_get(repeat, "pass_rate"), "pass_rate", &rule->pass_rate);
    read_share(document, document_get(repeat, "confidence"), "confidence", &rule->confidence);
    if (document_get(repeat, "at_least") && document_get(repeat, "at_most") && at_least > *times)
        document_error(document, document_get(repeat, "at_least"), "at_least is above at_most");
    rule->at_least = (uint32_t)at_least;
}

void rules_read_repeat(const struct document *document, const struct value *repeat, Pb__Test *test)
{
    uint64_t times = 1;
    test->seed_first = 1;
    if (document_is_map(document, repeat, "repeat")) {
        document_check_keys(document, repeat, rules_repeat_keys, "repeat");
        document_number(document, document_get(repeat, "times"), "times", 1, REPEAT_TIMES_MAX, &times);
        read_until(document, repeat, &times, test);
        read_seeds(document, document_get(repeat, "seeds"), test);
        read_order(document, document_get(repeat, "order"), test);
    }
    test->repeat_times = (uint32_t)times;
}

// ---- timeouts

const struct document_key rules_timeout_keys[] = {
    DOCUMENT_KEY("queue", DURATION, .help = "until hosts are free; 1h"),
    DOCUMENT_KEY("build", DURATION, .help = "of a plugin that compiles; 30m"),
    DOCUMENT_KEY("ready", DURATION, .help = "from start to readiness; 20s"),
    DOCUMENT_KEY("case", DURATION, .help = "60s"),
    DOCUMENT_KEY("trial", DURATION, .help = "10m"),
    DOCUMENT_KEY("stop", DURATION, .help = "10s"),
    DOCUMENT_KEY("lease", DURATION, .help = "how long instances live without news from the coordinator; 30s"),
    DOCUMENT_END};

Pb__Timeouts *rules_read_timeouts(const struct document *document, const struct value *timeouts)
{
    Pb__Timeouts *result = ARENA_NEW(document->arena, Pb__Timeouts);
    pb__timeouts__init(result);
    result->queue_ms = QUEUE_MS;
    result->build_ms = BUILD_MS;
    result->ready_ms = READY_MS;
    result->case_ms = CASE_MS;
    result->trial_ms = TRIAL_MS;
    result->stop_ms = STOP_MS;
    result->lease_ms = LEASE_MS;
    if (!document_is_map(document, timeouts, "timeouts"))
        return result;
    document_check_keys(document, timeouts, rules_timeout_keys, "timeouts");
    document_duration(document, document_get(timeouts, "queue"), "queue", 1, TIMEOUT_MAX_MS, &result->queue_ms);
    document_duration(document, document_get(timeouts, "build"), "build", 1, TIMEOUT_MAX_MS, &result->build_ms);
    document_duration(document, document_get(timeouts, "ready"), "ready", 1, TIMEOUT_MAX_MS, &result->ready_ms);
    document_duration(document, document_get(timeouts, "case"), "case", 1, TIMEOUT_MAX_MS, &result->case_ms);
    document_duration(document, document_get(timeouts, "trial"), "trial", 1, TIMEOUT_MAX_MS, &result->trial_ms);
    document_duration(document, document_get(timeouts, "stop"), "stop", 1, TIMEOUT_MAX_MS, &result->stop_ms);
    document_duration(document, document_get(timeouts, "lease"), "lease", LEASE_MIN_MS, TIMEOUT_MAX_MS, &result->lease_ms);
    return result;
}

// ---- retry

const struct document_key rules_retry_keys[] = {DOCUMENT_KEY("reasons", TEXTS, .help = "infrastructure, lost, timeout, killed, incomplete"),
                                                DOCUMENT_KEY("times", NUMBER, .help = "further attempts"), DOCUMENT_END};

// A reason that only comes with a fail, or with somebody's wish, would never lead to a retry: a fail stays.
static bool may_be_retried(int reason)
{
    return reason == REASON_INFRASTRUCTURE || reason == REASON_LOST || reason == REASON_TIMEOUT || reason == REASON_KILLED ||
           reason == REASON_INCOMPLETE;
}

static void read_reason(const struct document *document, const struct value *value, Pb__RetryRule *rule)
{
    static const char *const names[] = {"infrastructure", "lost", "timeout", "killed", "incomplete"};
    int reason;
    if (!reason_parse(value->text, &reason))
        document_error(document, value, "there is no reason \"%.80s\"%s", value->text, document_hint(document, value->text, names, 5));
    else if (!may_be_retried(reason))
        document_error(document, value, "\"%s\" is never tried again; infrastructure, lost, timeout, killed and incomplete can be",
                       value->text);
    else
        rule->reasons[rule->n_reasons++] = (Pb__Reason)reason;
}

Pb__RetryRule *rules_read_retry(const struct document *document, const struct value *retry)
{
    Pb__RetryRule *rule = ARENA_NEW(document->arena, Pb__RetryRule);
    const struct value **texts;
    uint64_t times = 1;
    pb__retry_rule__init(rule);
    if (!document_is_map(document, retry, "retry"))
        return rule;
    document_check_keys(document, retry, rules_retry_keys, "retry");
    document_number(document, document_get(retry, "times"), "times", 0, RETRY_TIMES_MAX, &times);
    rule->times = (uint32_t)times;
    size_t count = document_texts(document, document_get(retry, "reasons"), "reasons", &texts);
    rule->reasons = ARENA_ARRAY(document->arena, Pb__Reason, count + 2);
    for (size_t i = 0; i < count; i++)
        read_reason(document, texts[i], rule);
    if (!document_get(retry, "reasons")) {
        rule->reasons[rule->n_reasons++] = (Pb__Reason)REASON_INFRASTRUCTURE;
        rule->reasons[rule->n_reasons++] = (Pb__Reason)REASON_LOST;
    }
    return rule;
}
