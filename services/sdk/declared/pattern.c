#include "services/sdk/declared/pattern.h"

#include "common/schema/patterns.h"
#include "services/sdk/declared/scope.h"

bool pattern_compile(const struct template *pattern, struct scope *scope, regex_t *regex)
{
    const char *text = template_text(pattern, scope);
    // what stands in the file was judged when it was read; what an option put in was not
    const bool is_judged = template_is_literal(pattern);
    if (text == NULL || (!is_judged && patterns_refusal(text, true, scope->arena) != NULL)) {
        return false;
    }
    return regcomp(regex, text, REG_EXTENDED | REG_NEWLINE) == 0;
}
