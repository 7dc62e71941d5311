// Reading metric rules, and taking numbers by them.
#include "services/sdk/declared/metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "services/sdk/declared/pattern.h"
#include "services/sdk/handle.h"

static_assert(sizeof(((struct metrics_found *)0)->items) / sizeof(struct metric_found) == METRICS_PER_CASE_MAX, "one place for each");

enum { STATISTIC_SHARE, STATISTIC_LEAST, STATISTIC_MOST, STATISTIC_MEAN, STATISTIC_SUM, STATISTIC_COUNT };
static const struct {
    const char *name;
    int kind;
    double share;
} statistics[] = {
    {"p50", STATISTIC_SHARE, 0.5},  {"p75", STATISTIC_SHARE, 0.75},   {"p90", STATISTIC_SHARE, 0.9}, {"p95", STATISTIC_SHARE, 0.95},
    {"p99", STATISTIC_SHARE, 0.99}, {"p999", STATISTIC_SHARE, 0.999}, {"min", STATISTIC_LEAST, 0},   {"max", STATISTIC_MOST, 0},
    {"mean", STATISTIC_MEAN, 0},    {"sum", STATISTIC_SUM, 0},        {"count", STATISTIC_COUNT, 0},
};
#define STATISTICS (sizeof statistics / sizeof *statistics)

// ---- reading

static void read_statistics(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct metric_rule *rule = member;
    const char *names[STATISTICS + 1] = {NULL};
    for (size_t i = 0; i < STATISTICS; i++) {
        names[i] = statistics[i].name;
    }
    if (!is_list(reading, value, key->name)) {
        return;
    }
    rule->statistics = ARENA_ARRAY(reading->arena, int, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        const struct key word = {.name = key->name, .words = names};
        int index = -1;
        read_word(reading, value->items[i], &word, &index);
        if (index >= 0) {
            rule->statistics[rule->statistic_count++] = index;
        }
    }
}

static void read_units(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct metric_rule *rule = member;
    if (!is_map(reading, value, key->name)) {
        return;
    }
    rule->units = ARENA_ARRAY(reading->arena, struct metric_unit, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct metric_unit *unit = &rule->units[rule->unit_count++];
        unit->name = value->keys[i];
        read_number(reading, value->items[i], &(const struct key){.name = "a unit"}, &unit->scale);
    }
}

static void read_column(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct metric_rule *rule = member;
    const char *text = text_of(reading, value, key->name);
    if (text == NULL || (integer_parse(text, &rule->column) && rule->column > 0)) {
        return;
    }
    if (rule->column < 0 || strcmp(text, "0") == 0) {
        MISTAKE(reading, value, "columns are counted from 1");
    }
    rule->column = 0;
    rule->column_name = text;
}

static void read_separator(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = NULL;
    read_any_text(reading, value, key, &text);
    if (text != NULL && strlen(text) != 1) {
        MISTAKE(reading, value, "separator is one character (a blank stands for any number of blanks and tabs)");
    } else if (text != NULL) {
        *(const char **)member = text;
    }
}

static const char *const better_names[] = {"neither", "higher", "lower", NULL};
static const char *const stream_names[] = {"stdout", "stderr", NULL};
static const struct key metric_keys[] = {
    KEY("name", read_name, offsetof(struct metric_rule, name), .required = true),
    KEY("when", read_when, offsetof(struct metric_rule, when)),
    KEY("unit", read_any_text, offsetof(struct metric_rule, unit), .required = true),
    KEY("better", read_word, offsetof(struct metric_rule, better), .words = better_names),
    KEY("scale", read_number, offsetof(struct metric_rule, scale)),
    KEY("match", read_pattern, offsetof(struct metric_rule, match), .allowed = REFERENCES_RUN),
    KEY("stream", read_word, offsetof(struct metric_rule, stream), .words = stream_names),
    KEY("file", read_template, offsetof(struct metric_rule, file), .allowed = REFERENCES_RUN),
    KEY("units", read_units, 0),
    KEY("column", read_column, 0),
    KEY("separator", read_separator, offsetof(struct metric_rule, separator)),
    KEY("header", read_boolean, offsetof(struct metric_rule, header)),
    KEY("statistics", read_statistics, 0),
};

// Keys that belong to one of the two ways.
static const struct {
    const char *name;
    bool of_column;
} ways[] = {{"stream", false}, {"units", false}, {"separator", true}, {"header", true}, {"statistics", true}};

static void check_way(struct reading *reading, const struct value *value, const struct metric_rule *rule)
{
    const bool is_column = rule->match == NULL;
    if ((value_get(value, "match") != NULL) == (value_get(value, "column") != NULL)) {
        MISTAKE(reading, value, "a metric has either match or column");
        return;
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const struct value *other = value_get(value, ways[i].name);
        if (other != NULL && ways[i].of_column != is_column) {
            MISTAKE(reading, other, "%s belongs to %s", ways[i].name, ways[i].of_column ? "column" : "match");
        }
    }
    if (is_column && (rule->file == NULL || rule->statistic_count == 0)) {
        MISTAKE(reading, value, "a column needs a file and statistics");
    }
    if (!is_column && rule->file != NULL && value_get(value, "stream") != NULL) {
        MISTAKE(reading, value_get(value, "stream"), "a match is looked for in a stream or in a file");
    }
    if (rule->column_name != NULL && !rule->header) {
        MISTAKE(reading, value_get(value, "column"), "a column by its name needs header: true");
    }
}

void read_metrics(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    size_t told = 0;
    if (!is_list(reading, value, key->name)) {
        return;
    }
    struct metric_rules *rules = ARENA_NEW(reading->arena, struct metric_rules);
    rules->items = ARENA_ARRAY(reading->arena, struct metric_rule, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct metric_rule *rule = &rules->items[rules->count];
        *rule = (struct metric_rule){.name = "", .scale = 1, .separator = ","};
        if (KEYS_READ(reading, value->items[i], "a metric", metric_keys, rule)) {
            check_way(reading, value->items[i], rule);
            rules->count++;
        }
        told += rule->statistic_count > 0 ? rule->statistic_count : 1;
    }
    if (told > METRICS_PER_CASE_MAX) {
        MISTAKE(reading, value, "more than %d metrics, with their statistics", METRICS_PER_CASE_MAX);
    }
    *(struct metric_rules **)member = rules;
}

static bool names(const struct metric_rule *rule, const char *name)
{
    const size_t bytes = strlen(rule->name);
    if (rule->statistic_count == 0) {
        return strcmp(rule->name, name) == 0;
    }
    for (size_t i = 0; strncmp(rule->name, name, bytes) == 0 && name[bytes] == '_' && i < rule->statistic_count; i++) {
        if (strcmp(name + bytes + 1, statistics[rule->statistics[i]].name) == 0) {
            return true;
        }
    }
    return false;
}

bool metric_is_known(const struct document *document, const char *name)
{
    for (size_t i = 0; document->metrics != NULL && i < document->metrics->count; i++) {
        if (names(&document->metrics->items[i], name)) {
            return true;
        }
    }
    return false;
}

// ---- by match

static bool scale_of(const struct metric_rule *rule, const char *text, const regmatch_t *unit, double *scale)
{
    *scale = rule->scale;
    for (size_t i = 0; i < rule->unit_count; i++) {
        const size_t bytes = strlen(rule->units[i].name);
        if (unit->rm_so >= 0 && (size_t)(unit->rm_eo - unit->rm_so) == bytes &&
            strncmp(text + unit->rm_so, rule->units[i].name, bytes) == 0) {
            *scale = rule->scale * rule->units[i].scale;
            return true;
        }
    }
    return rule->unit_count == 0;
}

#define NUMBER_MAX_BYTES 64

static bool number_of(const struct metric_rule *rule, const char *text, const regmatch_t places[3], double *number)
{
    char digits[NUMBER_MAX_BYTES];
    double scale = 1;
    const regmatch_t *group = &places[1];
    if (group->rm_so < 0 || group->rm_eo - group->rm_so >= NUMBER_MAX_BYTES) {
        return false;
    }
    snprintf(digits, sizeof(digits), "%.*s", (int)(group->rm_eo - group->rm_so), text + group->rm_so);
    if (!float_parse(digits, number) || !scale_of(rule, text, &places[2], &scale)) {
        return false;
    }
    *number *= scale;
    return isfinite(*number);
}

static bool last_match(const struct metric_rule *rule, const char *text, struct scope *scope, double *number)
{
    regmatch_t places[3];
    regex_t regex;
    bool is_found = false;
    if (!pattern_compile(rule->match, scope, &regex)) {
        return false;
    }
    for (int flags = 0; regexec(&regex, text, 3, places, flags) == 0; flags = text[-1] == '\n' ? 0 : REG_NOTBOL) {
        is_found = number_of(rule, text, places, number) || is_found;
        text += places[0].rm_eo + (places[0].rm_eo == places[0].rm_so);
        if (places[0].rm_eo == places[0].rm_so && text[-1] == '\0') {
            break;
        }
    }
    regfree(&regex);
    return is_found;
}

// ---- taking

static void tell(const struct metric_rule *rule, const char *name, const char *unit, double value, struct scope *scope,
                 struct metrics_found *found)
{
    if (found->count < METRICS_PER_CASE_MAX) {
        found->items[found->count++] = (struct metric_found){name, value};
        panther_metric(scope->service, name, value, unit, (enum panther_better)rule->better);
    }
}

static void take_match(const struct metric_rule *rule, struct evidence *evidence, struct metrics_found *found)
{
    struct scope *scope = evidence->scope;
    const char *text = rule->stream == 0 ? evidence->standard_output : evidence->standard_error;
    double number = 0;
    if (rule->file != NULL) {
        size_t bytes = 0;
        const char *path = template_text(rule->file, scope);
        text = path != NULL ? panther_read_file(scope->service, path, &bytes) : NULL;
        text = text != NULL ? evidence_printable(text, bytes) : NULL;
    }
    if (text != NULL && last_match(rule, text, scope, &number)) {
        tell(rule, rule->name, rule->unit, number, scope, found);
    }
}

static double statistic(const struct histogram *histogram, int index, double scale)
{
    const uint64_t count = histogram_count(histogram);
    switch (statistics[index].kind) {
    case STATISTIC_LEAST:
        return histogram_least(histogram) * scale;
    case STATISTIC_MOST:
        return histogram_most(histogram) * scale;
    case STATISTIC_MEAN:
        return histogram_sum(histogram) / (double)count * scale;
    case STATISTIC_SUM:
        return histogram_sum(histogram) * scale;
    case STATISTIC_COUNT:
        return (double)count;
    default:
        return histogram_percentile(histogram, statistics[index].share) * scale;
    }
}

static void take_column(const struct metric_rule *rule, struct evidence *evidence, struct metrics_found *found)
{
    struct scope *scope = evidence->scope;
    const char *path = template_text(rule->file, scope);
    const char *problem = "";
    struct histogram *histogram = histogram_new();
    if (path == NULL) {
        problem = scope->problem;
    } else {
        column_read(rule, panther_path(scope->service, "%s", path), histogram, &problem);
    }
    if (*problem != '\0') {
        panther_log(scope->service, PANTHER_WARNING, "metric %s: %s", rule->name, problem);
    }
    // of nothing there is only the count; of a file that could not be read to its end there is nothing: what is missing may be the worst
    for (size_t i = 0; *problem == '\0' && i < rule->statistic_count; i++) {
        const int index = rule->statistics[i];
        const bool is_count = statistics[index].kind == STATISTIC_COUNT;
        if (histogram_count(histogram) > 0 || is_count) {
            tell(rule, arena_printf(scope->arena, "%s_%s", rule->name, statistics[index].name), is_count ? "" : rule->unit,
                 statistic(histogram, index, rule->scale), scope, found);
        }
    }
    histogram_free(&histogram);
}

void metrics_take(struct evidence *evidence, struct metrics_found *found)
{
    const struct metric_rules *rules = evidence->scope->document->metrics;
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        const struct metric_rule *rule = &rules->items[i];
        if (!condition_holds(rule->when, evidence->scope)) {
            continue;
        }
        if (rule->match != NULL) {
            take_match(rule, evidence, found);
        } else {
            take_column(rule, evidence, found);
        }
    }
}

const double *metrics_value(const struct metrics_found *found, const char *name)
{
    for (size_t i = 0; i < found->count; i++) {
        if (strcmp(found->items[i].name, name) == 0) {
            return &found->items[i].value;
        }
    }
    return NULL;
}

void metrics_forget(struct scope *scope)
{
    const struct metric_rules *rules = scope->document->metrics;
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        evidence_forget_file(scope, rules->items[i].file);
    }
}
