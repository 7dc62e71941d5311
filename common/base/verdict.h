// TTCN-3 verdicts: none < pass < inconc < fail < error; they combine by taking the worst (EXPERIMENT language, "Verdicts").
#ifndef PANTHER_COMMON_BASE_VERDICT_H
#define PANTHER_COMMON_BASE_VERDICT_H

#include <stdbool.h>

#include "panther/v1/types.pb-c.h"

// Macros, not an enum of their own: comparing two enum types is a warning.
#define VERDICT_NONE PB__VERDICT__VERDICT_NONE
#define VERDICT_PASS PB__VERDICT__VERDICT_PASS
#define VERDICT_INCONC PB__VERDICT__VERDICT_INCONC
#define VERDICT_FAIL PB__VERDICT__VERDICT_FAIL
#define VERDICT_ERROR PB__VERDICT__VERDICT_ERROR
#define REASON_UNSPECIFIED PB__REASON__REASON_UNSPECIFIED
#define REASON_TIMEOUT PB__REASON__REASON_TIMEOUT
#define REASON_LOST PB__REASON__REASON_LOST
#define REASON_KILLED PB__REASON__REASON_KILLED
#define REASON_CANCELLED PB__REASON__REASON_CANCELLED
#define REASON_UNSUPPORTED PB__REASON__REASON_UNSUPPORTED
#define REASON_ASSERTION PB__REASON__REASON_ASSERTION
#define REASON_VIOLATION PB__REASON__REASON_VIOLATION
#define REASON_CRASH PB__REASON__REASON_CRASH
#define REASON_INCOMPLETE PB__REASON__REASON_INCOMPLETE
#define REASON_INFRASTRUCTURE PB__REASON__REASON_INFRASTRUCTURE

const char *verdict_name(int verdict);              // "pass"; "invalid" out of range
bool verdict_parse(const char *text, int *verdict); // accepts "inconclusive"
const char *reason_name(int reason);                // "crash"; "" for unspecified
bool reason_parse(const char *text, int *reason);
// Is the second worse than the first? Of equal verdicts the first one found stays.
bool verdict_is_worse(int verdict, int than);

#endif
