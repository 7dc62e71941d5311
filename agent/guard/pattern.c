// Patterns of output rules and line watches.
#include "agent/guard/pattern.h"

#include <regex.h>
#include <string.h>

#include "common/base/memory.h"

struct pattern {
    char *text;
    size_t bytes;
    bool is_regex;
    regex_t regex;
};

int pattern_new(struct pattern **out, const char *text, bool is_regex, struct panther_error *error)
{
    struct pattern *pattern = NEW(struct pattern);
    // REG_STARTEND needs offsets, so no REG_NOSUB.
    int problem = is_regex ? regcomp(&pattern->regex, text, REG_EXTENDED) : 0;
    if (problem != 0) {
        char reason[128];
        regerror(problem, &pattern->regex, reason, sizeof reason);
        free(pattern);
        return error_set(error, PANTHER_EINVALID, "the pattern \"%s\" is not an extended regular expression: %s", text, reason);
    }
    pattern->text = memory_string(text);
    pattern->bytes = strlen(text);
    pattern->is_regex = is_regex;
    *out = pattern;
    return 0;
}

void pattern_free(struct pattern **pattern)
{
    if (!*pattern)
        return;
    if ((*pattern)->is_regex)
        regfree(&(*pattern)->regex);
    free((*pattern)->text);
    free(*pattern);
    *pattern = NULL;
}

bool pattern_matches(const struct pattern *pattern, const char *line, size_t bytes)
{
    if (!pattern->is_regex)
        return memmem(line, bytes, pattern->text, pattern->bytes) != NULL;
    // By offsets: a line of output may hold NUL bytes and need not end with one.
    regmatch_t span = {.rm_so = 0, .rm_eo = (regoff_t)bytes};
    return regexec(&pattern->regex, line, 1, &span, REG_STARTEND) == 0;
}
