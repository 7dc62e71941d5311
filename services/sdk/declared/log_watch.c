// Log rules: lines that mean something. Those of a server are watched by the guard while it runs, and judged when it is stopped; those of
// what runs to its end are looked for in its output.
#include <stdio.h>
#include <string.h>

#include "services/sdk/declared/driver.h"
#include "services/sdk/declared/pattern.h"
#include "services/sdk/handle.h"

static const struct {
    enum panther_verdict verdict;
    enum panther_reason reason;
    const char *says;
} meanings[] = {
    [LOG_CRASH] = {PANTHER_FAIL, PANTHER_REASON_CRASH, "crashed, as it says"},
    [LOG_INFRASTRUCTURE] = {PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "this host does not let it work, as it says"},
};

static void say(struct panther_service *service, const struct log_rule *rule, const char *line)
{
    if (rule->means == LOG_WARNING) {
        panther_log(service, PANTHER_WARNING, "%s", line);
    } else if (rule->means != LOG_READY) {
        panther_result(service, meanings[rule->means].verdict, meanings[rule->means].reason, "%s: %s: %s", panther_service_name(service),
                       meanings[rule->means].says, line);
    }
}

// ---- a server

int log_watch_begin(struct panther_service *service)
{
    struct scope scope = driver_scope(service, NULL);
    const struct document *document = driver.document;
    driver.watches = ARENA_ARRAY(service->arena, int, document->log_count + 1);
    for (size_t i = 0; i < document->log_count; i++) {
        const struct log_rule *rule = &document->log[i];
        if (!condition_holds(rule->when, &scope)) {
            continue;
        }
        const char *pattern = template_text(rule->pattern, &scope);
        const enum panther_match match = rule->is_regex ? PANTHER_REGEX : PANTHER_SUBSTRING;
        if (pattern == NULL) {
            return panther_fail(service, "log: %s", scope.problem);
        }
        if (rule->means == LOG_READY) {
            panther_ready_line(service, rule->stream, match, pattern);
            continue;
        }
        driver.watches[i] = panther_watch_line(service, rule->stream, match, pattern);
        if (driver.watches[i] < 0) {
            return driver.watches[i];
        }
    }
    return 0;
}

void log_watch_judge(struct panther_service *service)
{
    for (size_t i = 0; driver.watches != NULL && i < driver.document->log_count; i++) {
        const char *line = NULL;
        if (driver.watches[i] > 0 && panther_wait_line(service, driver.watches[i], 1, &line) == PANTHER_OK) {
            say(service, &driver.document->log[i], line);
        }
    }
}

// ---- what has ended

// The first line that matches, in the arena; NULL: none.
static const char *find_line(const char *text, const struct log_rule *rule, struct scope *scope)
{
    const char *substring = rule->is_regex ? NULL : template_text(rule->pattern, scope);
    regmatch_t place = {0, 0};
    regex_t regex;
    bool is_found = false;
    if (substring != NULL) {
        const char *at = strstr(text, substring);
        is_found = at != NULL;
        place.rm_so = is_found ? (regoff_t)(at - text) : 0;
    } else if (rule->is_regex && pattern_compile(rule->pattern, scope, &regex)) {
        is_found = regexec(&regex, text, 1, &place, 0) == 0;
        regfree(&regex);
    }
    if (!is_found) {
        return NULL;
    }
    const char *begin = text + place.rm_so;
    while (begin > text && begin[-1] != '\n') {
        begin--;
    }
    return arena_string_bytes(scope->arena, begin, strcspn(begin, "\n"));
}

static const char *line_of(const struct evidence *evidence, const struct log_rule *rule)
{
    struct scope *scope = evidence->scope;
    const char *line = NULL;
    if (!condition_holds(rule->when, scope)) {
        return NULL;
    }
    if (rule->stream == NULL || strstr(rule->stream, "stderr") == NULL) {
        line = find_line(evidence->standard_output, rule, scope);
    }
    if (line == NULL && (rule->stream == NULL || strstr(rule->stream, "stdout") == NULL)) {
        line = find_line(evidence->standard_error, rule, scope);
    }
    return line;
}

bool log_judge_output(struct evidence *evidence)
{
    const struct document *document = evidence->scope->document;
    struct panther_service *service = evidence->scope->service;
    bool is_said = false;
    for (size_t i = 0; i < document->log_count; i++) {
        const char *line = line_of(evidence, &document->log[i]);
        if (line != NULL) {
            say(service, &document->log[i], line);
            is_said = is_said || document->log[i].means == LOG_CRASH || document->log[i].means == LOG_INFRASTRUCTURE;
        }
    }
    return is_said;
}
