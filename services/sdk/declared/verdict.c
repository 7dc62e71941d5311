// Reading verdict rules; judge.c tries them.
#include "services/sdk/declared/verdict.h"

#include <stdio.h>
#include <string.h>

#include "common/base/units.h"

#define EXIT_STATUS_MAX 255

// ---- reading

static void add_status(struct reading *reading, const struct value *value, struct verdict_rule *rule)
{
    const char *text = text_of(reading, value, "exit");
    int64_t number = 0;
    if (text == NULL) {
        return;
    }
    if (!integer_parse(text, &number) || number < 0 || number > EXIT_STATUS_MAX) {
        MISTAKE(reading, value, "exit is a status from 0 to %d, a list of them, or any, not \"%.80s\"", EXIT_STATUS_MAX, text);
        return;
    }
    rule->statuses[rule->status_count++] = (int)number;
}

static void read_exit(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct verdict_rule *rule = member;
    (void)key;
    rule->exit = EXIT_STATUSES;
    if (value->kind == VALUE_SCALAR && strcmp(value->text, "any") == 0) {
        rule->exit = EXIT_ANY;
        return;
    }
    const bool is_several = value->kind == VALUE_LIST;
    const size_t count = is_several ? value->count : 1;
    rule->statuses = ARENA_ARRAY(reading->arena, int, count + 1);
    for (size_t i = 0; i < count; i++) {
        add_status(reading, is_several ? value->items[i] : value, rule);
    }
}

static void read_rule_signal(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct verdict_rule *rule = member;
    rule->asks_signal = true;
    if (value->kind != VALUE_SCALAR || strcmp(value->text, "any") != 0) {
        read_signal(reading, value, key, &rule->signal);
    }
}

static void read_timeout(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct verdict_rule *rule = member;
    rule->asks_timeout = true;
    read_boolean(reading, value, key, &rule->timeout);
}

#define TEXT_KEYS(MEMBER)                                                                                                                  \
    KEY("present", read_template, offsetof(struct MEMBER, present), .allowed = REFERENCES_RUN),                                            \
        KEY("absent", read_template, offsetof(struct MEMBER, absent), .allowed = REFERENCES_RUN),                                          \
        KEY("matches", read_pattern, offsetof(struct MEMBER, matches), .allowed = REFERENCES_RUN),                                         \
        KEY("lacks", read_pattern, offsetof(struct MEMBER, lacks), .allowed = REFERENCES_RUN)

static const struct key text_keys[] = {TEXT_KEYS(text_rule)};

static void read_text_rule(struct reading *reading, const struct value *value, const struct key *key, struct text_rule *rule)
{
    KEYS_READ(reading, value, key->name, text_keys, rule);
    if (value->kind == VALUE_MAP && value->count == 0) {
        MISTAKE(reading, value, "%s asks for present, absent, matches or lacks", key->name);
    }
}

static void read_stdout(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct verdict_rule *rule = member;
    rule->asks_standard_output = true;
    read_text_rule(reading, value, key, &rule->standard_output);
}

static void read_stderr(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct verdict_rule *rule = member;
    rule->asks_standard_error = true;
    read_text_rule(reading, value, key, &rule->standard_error);
}

static void read_output(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct verdict_rule *rule = member;
    rule->asks_output = true;
    read_text_rule(reading, value, key, &rule->output);
}

static void read_exists(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct verdict_rule *rule = member;
    rule->asks_file_exists = true;
    read_boolean(reading, value, key, &rule->file_exists);
}

static const struct key file_keys[] = {
    KEY("path", read_template, offsetof(struct verdict_rule, file_path), .required = true, .allowed = REFERENCES_RUN),
    KEY("exists", read_exists, 0),
    KEY("present", read_template, offsetof(struct verdict_rule, file.present), .allowed = REFERENCES_RUN),
    KEY("absent", read_template, offsetof(struct verdict_rule, file.absent), .allowed = REFERENCES_RUN),
    KEY("matches", read_pattern, offsetof(struct verdict_rule, file.matches), .allowed = REFERENCES_RUN),
    KEY("lacks", read_pattern, offsetof(struct verdict_rule, file.lacks), .allowed = REFERENCES_RUN),
};

static void read_file(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct verdict_rule *rule = member;
    rule->asks_file = true;
    KEYS_READ(reading, value, key->name, file_keys, rule);
}

// ---- metrics and results

static void read_bound(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const struct template **bound = member;
    double number = 0;
    read_template(reading, value, key, bound);
    if (*bound != NULL && template_is_literal(*bound) && !float_parse(template_source(*bound), &number)) {
        MISTAKE(reading, value, "%s is a number, not \"%.80s\"", key->name, template_source(*bound));
    }
}

static const struct key bound_keys[] = {
    KEY("at_least", read_bound, offsetof(struct metric_bound, at_least), .allowed = REFERENCES_RUN),
    KEY("at_most", read_bound, offsetof(struct metric_bound, at_most), .allowed = REFERENCES_RUN),
    KEY("above", read_bound, offsetof(struct metric_bound, above), .allowed = REFERENCES_RUN),
    KEY("below", read_bound, offsetof(struct metric_bound, below), .allowed = REFERENCES_RUN),
};

static void read_metric(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct verdict_rule *rule = member;
    if (!is_map(reading, value, key->name)) {
        return;
    }
    rule->bounds = ARENA_ARRAY(reading->arena, struct metric_bound, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct metric_bound *bound = &rule->bounds[rule->bound_count++];
        bound->name = value->keys[i];
        if (!metric_is_known(reading->document, bound->name)) {
            MISTAKE(reading, value->key_places[i], "there is no metric \"%.80s\"", bound->name);
        }
        KEYS_READ(reading, value->items[i], "a bound", bound_keys, bound);
    }
}

static const char *const results_words[] = {"pass", "fail", "any", NULL}; // in the order of enum results_wanted

static void read_rule_results(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const struct key word = {.name = key->name, .words = results_words};
    struct verdict_rule *rule = member;
    int index = -1;
    read_word(reading, value, &word, &index);
    rule->results = (enum results_wanted)(index + 1);
    if (reading->document->results == NULL) {
        MISTAKE(reading, value, "a rule asks for results, but there is no key \"results\" in this file");
    }
}

static const char *const verdict_names[] = {"none", "pass", "inconc", "fail", "error", NULL};
static const char *const reason_names[] = {"none",      "timeout",   "lost",  "killed",     "cancelled",      "unsupported",
                                           "assertion", "violation", "crash", "incomplete", "infrastructure", NULL};

static const struct key rule_keys[] = {
    KEY("when", read_when, offsetof(struct verdict_rule, when)),
    KEY("exit", read_exit, 0),
    KEY("signal", read_rule_signal, 0),
    KEY("timeout", read_timeout, 0),
    KEY("stdout", read_stdout, 0),
    KEY("stderr", read_stderr, 0),
    KEY("output", read_output, 0),
    KEY("file", read_file, 0),
    KEY("metric", read_metric, 0),
    KEY("results", read_rule_results, 0),
    KEY("verdict", read_word, offsetof(struct verdict_rule, verdict), .required = true, .words = verdict_names),
    KEY("reason", read_word, offsetof(struct verdict_rule, reason), .words = reason_names),
    KEY("text", read_template, offsetof(struct verdict_rule, text), .allowed = REFERENCES_RUN | REFERENCES_METRIC),
};

void read_verdict(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    if (!is_list(reading, value, key->name)) {
        return;
    }
    struct verdict_rules *rules = ARENA_NEW(reading->arena, struct verdict_rules);
    rules->items = ARENA_ARRAY(reading->arena, struct verdict_rule, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        KEYS_READ(reading, value->items[i], "a verdict rule", rule_keys, &rules->items[rules->count++]);
    }
    *(struct verdict_rules **)member = rules;
}
