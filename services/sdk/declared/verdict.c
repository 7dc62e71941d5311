// Reading and trying verdict rules.
#include "services/sdk/declared/verdict.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "services/sdk/declared/invocation.h"

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

// ---- trying

static bool matches(const struct template *pattern, const char *text, struct scope *scope)
{
    const char *expression = template_text(pattern, scope);
    regex_t regex;
    if (expression == NULL || regcomp(&regex, expression, REG_EXTENDED | REG_NEWLINE | REG_NOSUB) != 0) {
        return false;
    }
    const bool is_found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return is_found;
}

static bool contains(const struct template *part, const char *text, struct scope *scope)
{
    const char *wanted = template_text(part, scope);
    return wanted != NULL && strstr(text, wanted) != NULL;
}

static bool text_holds(const struct text_rule *rule, const char *text, struct scope *scope)
{
    return (rule->present == NULL || contains(rule->present, text, scope)) &&
           (rule->absent == NULL || !contains(rule->absent, text, scope)) &&
           (rule->matches == NULL || matches(rule->matches, text, scope)) && (rule->lacks == NULL || !matches(rule->lacks, text, scope));
}

static bool exit_holds(const struct verdict_rule *rule, const struct evidence *evidence)
{
    bool is_among = rule->exit == EXIT_ANY;
    for (size_t i = 0; i < rule->status_count; i++) {
        is_among = is_among || rule->statuses[i] == evidence->exit.status;
    }
    return evidence->has_ended && evidence->exit.signal == 0 && is_among;
}

static bool signal_holds(const struct verdict_rule *rule, const struct evidence *evidence)
{
    return evidence->has_ended && evidence->exit.signal != 0 && (rule->signal == 0 || rule->signal == evidence->exit.signal);
}

static bool file_holds(const struct verdict_rule *rule, struct evidence *evidence)
{
    struct scope *scope = evidence->scope;
    const char *path = template_text(rule->file_path, scope);
    const char *text = path != NULL ? panther_read_file(scope->service, path, NULL) : NULL;
    if (rule->asks_file_exists && rule->file_exists != (text != NULL)) {
        return false;
    }
    return text != NULL ? text_holds(&rule->file, text, scope) : rule->asks_file_exists && !rule->file_exists;
}

static bool output_holds(const struct verdict_rule *rule, struct evidence *evidence)
{
    const char *both = arena_printf(evidence->scope->arena, "%s\n%s", evidence->standard_output, evidence->standard_error);
    return text_holds(&rule->output, both, evidence->scope);
}

// How it ended is asked first: a rule that says nothing of a signal or of time does not hold for what was cut short.
static bool end_holds(const struct verdict_rule *rule, const struct evidence *evidence)
{
    const bool was_killed = evidence->has_ended && evidence->exit.signal != 0;
    if (was_killed && !rule->asks_signal) {
        return false;
    }
    if (evidence->is_timed_out && !rule->asks_timeout) {
        return false;
    }
    return (rule->exit == EXIT_NOT_ASKED || exit_holds(rule, evidence)) && (!rule->asks_signal || signal_holds(rule, evidence)) &&
           (!rule->asks_timeout || rule->timeout == evidence->is_timed_out);
}

static bool rule_holds(const struct verdict_rule *rule, struct evidence *evidence)
{
    struct scope *scope = evidence->scope;
    return condition_holds(rule->when, scope) && end_holds(rule, evidence) &&
           (!rule->asks_standard_output || text_holds(&rule->standard_output, evidence->standard_output, scope)) &&
           (!rule->asks_standard_error || text_holds(&rule->standard_error, evidence->standard_error, scope)) &&
           (!rule->asks_output || output_holds(rule, evidence)) && (!rule->asks_file || file_holds(rule, evidence));
}

static const struct verdict_rule *first_that_holds(const struct verdict_rules *rules, struct evidence *evidence)
{
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        if (rule_holds(&rules->items[i], evidence)) {
            return &rules->items[i];
        }
    }
    return NULL;
}

static int say_rule(const struct verdict_rule *rule, struct evidence *evidence)
{
    const char *text = rule->text != NULL ? template_text(rule->text, evidence->scope) : "";
    return panther_result(evidence->scope->service, (enum panther_verdict)rule->verdict, (enum panther_reason)rule->reason, "%s",
                          text != NULL ? text : evidence->scope->problem);
}

static int say_without_rule(struct evidence *evidence)
{
    struct panther_service *service = evidence->scope->service;
    if (evidence->is_timed_out) {
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "the tool was not done in time");
    }
    if (!evidence->has_ended) {
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no tool was run");
    }
    const char *end = invocation_end_text(evidence->scope->arena, &evidence->exit);
    if (evidence->exit.signal != 0) {
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_KILLED, "the tool %s", end);
    }
    return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no verdict rule holds; the tool %s: %s", end,
                          invocation_tail(evidence->scope, evidence->process));
}

int evidence_judge(struct evidence *evidence, const struct verdict_rules *first)
{
    if (evidence->is_cancelled) {
        return panther_result(evidence->scope->service, PANTHER_INCONC, PANTHER_REASON_CANCELLED, "cancelled");
    }
    const struct verdict_rule *rule = first_that_holds(first, evidence);
    rule = rule != NULL ? rule : first_that_holds(evidence->scope->document->verdict, evidence);
    return rule != NULL ? say_rule(rule, evidence) : say_without_rule(evidence);
}
