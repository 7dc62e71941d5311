#include "services/sdk/declared/results.h"

#include <stdio.h>
#include <string.h>

// Names of failed entries in a verdict's text: what a person reads; the report is an output.
#define NAMES_SHOWN 8

// ---- reading

static void read_file(struct reading *reading, const struct value *value, const struct key *key, struct results_rule *rule,
                      enum results_kind kind)
{
    rule->kind = kind;
    read_template(reading, value, &(const struct key){.name = key->name, .allowed = REFERENCES_RUN}, &rule->file);
}

static void read_junit(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    read_file(reading, value, key, member, RESULTS_JUNIT);
}

static void read_tap(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    read_file(reading, value, key, member, RESULTS_TAP);
}

static void read_json(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    read_file(reading, value, key, member, RESULTS_JSON);
}

static const struct key results_keys[] = {
    KEY("junit", read_junit, 0),
    KEY("tap", read_tap, 0),
    KEY("json", read_json, 0),
    KEY("entry", read_template, offsetof(struct results_rule, entry), .allowed = REFERENCES_RUN),
    KEY("list", read_text, offsetof(struct results_rule, form.list)),
    KEY("name", read_text, offsetof(struct results_rule, form.name)),
    KEY("status", read_text, offsetof(struct results_rule, form.status)),
    KEY("passed", read_texts, offsetof(struct results_rule, form.passed)),
    KEY("failed", read_texts, offsetof(struct results_rule, form.failed)),
};

static void check_results(struct reading *reading, const struct value *value, const struct results_rule *rule)
{
    static const char *const formats[] = {"junit", "tap", "json"}, *const of_json[] = {"list", "name", "status", "passed", "failed"};
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        count += value_get(value, formats[i]) != NULL;
    }
    if (count != 1) {
        MISTAKE(reading, value, "results has one of junit, tap, json");
    }
    for (size_t i = 0; i < sizeof of_json / sizeof *of_json; i++) {
        const struct value *other = value_get(value, of_json[i]);
        if (other != NULL && rule->kind != RESULTS_JSON) {
            MISTAKE(reading, other, "%s belongs to json", of_json[i]);
        }
    }
}

static const char *const passed_words[] = {"pass", "passed", "ok", "success", "true", NULL};
static const char *const failed_words[] = {"fail", "failed", "failure", "error", "false", NULL};

void read_results(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct results_rule *rule = ARENA_NEW(reading->arena, struct results_rule);
    rule->form = (struct json_form){.name = "name", .status = "status", .passed = passed_words, .failed = failed_words};
    if (KEYS_READ(reading, value, key->name, results_keys, rule)) {
        check_results(reading, value, rule);
    }
    *(struct results_rule **)member = rule;
}

// ---- the list

void report_add(struct report *report, const char *group, const char *name, enum report_status status)
{
    if (report->count == REPORT_ENTRIES_MAX) {
        report->problem = "it has more than 100,000 entries";
        return;
    }
    APPEND(report->items, report->count, report->capacity) = (struct report_entry){name, group, status};
}

void report_free(struct report *report)
{
    free(report->items);
    report->items = NULL;
    report->count = report->capacity = 0;
}

// ---- taking

// "name" or "class.name"
static bool is_wanted(const struct report_entry *entry, const char *wanted)
{
    if (wanted == NULL || strcmp(entry->name, wanted) == 0) {
        return true;
    }
    const size_t bytes = strlen(entry->group);
    return bytes > 0 && strncmp(wanted, entry->group, bytes) == 0 && wanted[bytes] == '.' && strcmp(wanted + bytes + 1, entry->name) == 0;
}

static const char *names_of_failed(const struct report *report, const char *wanted, size_t failed)
{
    struct text all = {0};
    size_t shown = 0;
    for (size_t i = 0; i < report->count && shown < NAMES_SHOWN; i++) {
        const struct report_entry *entry = &report->items[i];
        if (entry->status == REPORT_FAILED && is_wanted(entry, wanted)) {
            text_printf(&all, "%s%.200s", shown > 0 ? ", " : "", entry->name);
            shown++;
        }
    }
    if (failed > shown) {
        text_printf(&all, " and %zu more", failed - shown);
    }
    const char *text = arena_string(report->arena, text_string(&all));
    text_free(&all);
    return text;
}

static void count_entries(const struct report *report, const char *wanted, struct results_found *found)
{
    for (size_t i = 0; i < report->count; i++) {
        if (is_wanted(&report->items[i], wanted)) {
            found->passed += report->items[i].status == REPORT_PASSED;
            found->failed += report->items[i].status == REPORT_FAILED;
            found->skipped += report->items[i].status == REPORT_SKIPPED;
        }
    }
    found->failed_names = names_of_failed(report, wanted, found->failed);
}

static const char *text_of_report(const struct results_rule *rule, struct evidence *evidence, size_t *bytes)
{
    const char *path = template_text(rule->file, evidence->scope);
    if (path != NULL && strcmp(path, "-") == 0) {
        *bytes = evidence->standard_output_bytes;
        return evidence->standard_output;
    }
    return path != NULL ? panther_read_file(evidence->scope->service, path, bytes) : NULL;
}

void results_take(struct evidence *evidence, struct results_found *found)
{
    const struct results_rule *rule = evidence->scope->document->results;
    struct report report = {.arena = evidence->scope->arena};
    size_t bytes = 0;
    *found = (struct results_found){.failed_names = ""};
    const char *text = rule != NULL ? text_of_report(rule, evidence, &bytes) : NULL;
    if (text == NULL) {
        found->problem = "there is no report";
        return;
    }
    switch (rule->kind) {
    case RESULTS_JUNIT:
        report_read_junit(&report, text);
        break;
    case RESULTS_TAP:
        report_read_tap(&report, text);
        break;
    case RESULTS_JSON:
        report_read_json(&report, text, bytes, &rule->form);
        break;
    }
    found->is_read = true;
    found->problem = report.problem;
    const char *wanted = rule->entry != NULL ? template_text(rule->entry, evidence->scope) : NULL;
    if (rule->entry == NULL || wanted != NULL) {
        count_entries(&report, wanted, found);
    }
    report_free(&report);
}

void results_forget(struct scope *scope)
{
    const struct results_rule *rule = scope->document->results;
    evidence_forget_file(scope, rule != NULL ? rule->file : NULL);
}
