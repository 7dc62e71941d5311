// The commands that are not answered yet, in the order of their numbers. The host works on the first one; its deadline runs from
// when it became the first.
#ifndef PANTHER_AGENT_GUARD_COMMANDS_H
#define PANTHER_AGENT_GUARD_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/limits.h"
#include "panther/v1/instance.pb-c.h"

// Cases in flight, and the handful of others that may wait behind them.
#define COMMANDS_OPEN_MAX (CASES_IN_FLIGHT_MAX + 8)

struct command {
    uint32_t number;
    Pb__Command__BodyCase kind;
    char *name;          // of the case; else NULL
    uint32_t timeout_ms; // given to the plugin
};

struct loop;
struct commands;
// The host has not answered by the deadline and its grace: it hangs.
typedef void command_overdue_fn(void *context, const struct command *command);

struct commands *commands_new(struct loop *loop, const Pb__Initialize *initialize, command_overdue_fn *overdue, void *context);
void commands_free(struct commands **commands);
// PANTHER_EEXISTS: a repeat, to be ignored; PANTHER_ESTATE: a number was left out; PANTHER_ELIMIT: too many are open.
int commands_take(struct commands *commands, const Pb__Command *command, struct panther_error *error);
// Done by the guard beside what the host works on: its number is taken, but it waits for nobody and is answered by who does it.
bool command_is_beside(const Pb__Command *command);
const struct command *commands_first(const struct commands *commands); // NULL: none is open
const struct command *commands_find(const struct commands *commands, uint32_t number);
void commands_answered(struct commands *commands, uint32_t number);
uint32_t commands_last_number(const struct commands *commands);
// A Stop that cancels was taken: what runs now has only the time of a stop left.
void commands_hurry(struct commands *commands);
// The first one is held back by the guard itself (on), or is with the host from now on (off).
void commands_hold(struct commands *commands, bool on);
const char *command_phase(const struct command *command); // "run_case"

#endif
