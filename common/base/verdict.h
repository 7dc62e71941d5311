// TTCN-3 verdicts: none < pass < inconc < fail < error; they combine by taking the worst (EXPERIMENT language, "Verdicts").
#ifndef PANTHER_COMMON_BASE_VERDICT_H
#define PANTHER_COMMON_BASE_VERDICT_H

#include <stdbool.h>

#include "panther/v1/types.pb-c.h"

enum {
    VERDICT_NONE = PB__VERDICT__VERDICT_NONE,
    VERDICT_PASS = PB__VERDICT__VERDICT_PASS,
    VERDICT_INCONC = PB__VERDICT__VERDICT_INCONC,
    VERDICT_FAIL = PB__VERDICT__VERDICT_FAIL,
    VERDICT_ERROR = PB__VERDICT__VERDICT_ERROR,
    REASON_UNSPECIFIED = PB__REASON__REASON_UNSPECIFIED,
    REASON_TIMEOUT = PB__REASON__REASON_TIMEOUT,
    REASON_LOST = PB__REASON__REASON_LOST,
    REASON_KILLED = PB__REASON__REASON_KILLED,
    REASON_CANCELLED = PB__REASON__REASON_CANCELLED,
    REASON_UNSUPPORTED = PB__REASON__REASON_UNSUPPORTED,
    REASON_ASSERTION = PB__REASON__REASON_ASSERTION,
    REASON_VIOLATION = PB__REASON__REASON_VIOLATION,
    REASON_CRASH = PB__REASON__REASON_CRASH,
    REASON_INCOMPLETE = PB__REASON__REASON_INCOMPLETE,
    REASON_INFRASTRUCTURE = PB__REASON__REASON_INFRASTRUCTURE,
};

const char *verdict_name(int verdict);  // "pass"; "invalid" out of range
bool verdict_parse(const char *text, int *verdict);   // accepts "inconclusive"
const char *reason_name(int reason);    // "crash"; "" for unspecified
bool reason_parse(const char *text, int *reason);
// Is the second worse than the first? Of equal verdicts the first one found stays.
bool verdict_is_worse(int verdict, int than);

#endif
