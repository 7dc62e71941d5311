// One question to panther-service: a short-lived process whose output is the answer.
#ifndef PANTHER_AGENT_SHELL_QUESTION_H
#define PANTHER_AGENT_SHELL_QUESTION_H

#include "agent/shell/children.h"
#include "common/base/error.h"

// A description of 64 options with help is some KiB.
#define QUESTION_ANSWER_MAX_BYTES (1024 * 1024)
#define QUESTION_COMPLAINT_MAX_BYTES 2048

struct question;
// data: what it printed, when it ended with status 0; else NULL, and why (its last line on stderr, a signal, a time-out).
typedef void question_answered_fn(void *context, const void *data, size_t bytes, const char *why);
// argv: of panther-service, NULL-terminated.
int question_ask(struct question **out, struct loop *loop, struct children *children, const char *const *argv, uint32_t timeout_ms,
                 question_answered_fn *callback, void *context, struct panther_error *error);
void question_free(struct question **question); // also in its callback; kills what still runs

#endif
