// A command made ready to run: references replaced, conditional arguments decided.
#ifndef PANTHER_SERVICES_SDK_DECLARED_INVOCATION_H
#define PANTHER_SERVICES_SDK_DECLARED_INVOCATION_H

#include "services/sdk/declared/scope.h"

struct invocation {
    const char *name;               // of its streams
    const char *const *argv;        // ends with NULL
    const char *const *environment; // "NAME=value", ends with NULL
    const char *working_dir;        // NULL: the work folder
};

// All in the scope's arena. Below 0: a reference has no value, or too many arguments; the reason is in scope->problem.
int invocation_make(const struct command *command, struct scope *scope, struct invocation *invocation);
// "NAME=value" of the entries whose conditions hold, appended to a list with room; below 0 as above.
int invocation_environment(const struct environment *environment, struct scope *scope, const char **list, size_t *count);

// Spawned as a process that ends by itself, waited for, its output kept. Below 0 (and panther_fail was called): it did not end clean.
int invocation_run(const struct command *command, struct scope *scope, const char *phase);
// All of a phase whose conditions hold, one after the other; the first failure ends it.
int invocation_run_all(const struct commands *commands, struct scope *scope, const char *phase);
// As a process that runs on (a server, a helper of a tester): its number, or below 0.
int invocation_spawn(const struct command *command, const struct stop_rule *stop, struct scope *scope, bool finishes);
bool invocation_is_clean(const struct command *command, const struct panther_exit *end);
// "ended with status 3", "was ended by signal 9"
const char *invocation_end_text(struct arena *arena, const struct panther_exit *end);
// The last lines that a process printed, for a message: on stderr, else on stdout.
const char *invocation_tail(struct scope *scope, int process);

#endif
