// Names and order of verdicts and reasons.
#include "common/base/verdict.h"

#include <string.h>

static const char *const verdicts[] = {
    [VERDICT_NONE] = "none", [VERDICT_PASS] = "pass", [VERDICT_INCONC] = "inconc", [VERDICT_FAIL] = "fail", [VERDICT_ERROR] = "error",
};

static const char *const reasons[] = {
    [REASON_UNSPECIFIED] = "",
    [REASON_TIMEOUT] = "timeout",
    [REASON_LOST] = "lost",
    [REASON_KILLED] = "killed",
    [REASON_CANCELLED] = "cancelled",
    [REASON_UNSUPPORTED] = "unsupported",
    [REASON_ASSERTION] = "assertion",
    [REASON_VIOLATION] = "violation",
    [REASON_CRASH] = "crash",
    [REASON_INCOMPLETE] = "incomplete",
    [REASON_INFRASTRUCTURE] = "infrastructure",
};

#define COUNT(names) ((int)(sizeof(names) / sizeof *(names)))

const char *verdict_name(int verdict)
{
    return verdict >= 0 && verdict < COUNT(verdicts) ? verdicts[verdict] : "invalid";
}

static bool find(const char *const *names, int first, int count, const char *text, int *found)
{
    for (int i = first; i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            *found = i;
            return true;
        }
    }
    return false;
}

bool verdict_parse(const char *text, int *verdict)
{
    return find(verdicts, 0, COUNT(verdicts), strcmp(text, "inconclusive") == 0 ? "inconc" : text, verdict);
}

const char *reason_name(int reason)
{
    return reason >= 0 && reason < COUNT(reasons) ? reasons[reason] : "invalid";
}

bool reason_parse(const char *text, int *reason)
{
    return find(reasons, 1, COUNT(reasons), text, reason);
}

bool verdict_is_worse(int verdict, int than)
{
    return verdict > than;
}
