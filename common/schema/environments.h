// The execution environments: what a program can be started under, in the order in which they are composed, with their options, the
// factor by which they lengthen deadlines, and what cannot be together. For `check`, placement, deadlines and the guard.
#ifndef PANTHER_COMMON_SCHEMA_ENVIRONMENTS_H
#define PANTHER_COMMON_SCHEMA_ENVIRONMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "panther/v1/agent.pb-c.h"
#include "panther/v1/environment.pb-c.h"
#include "panther/v1/plugin.pb-c.h"

// In the order of composition, outermost first: limits hold for all that follows; what is last is nearest to the program.
enum environment_kind {
    ENVIRONMENT_LIMITS,
    ENVIRONMENT_SANDBOX,
    ENVIRONMENT_PERF,
    ENVIRONMENT_STRACE,
    ENVIRONMENT_GDB,
    ENVIRONMENT_MEMCHECK,
    ENVIRONMENT_HELGRIND,
    ENVIRONMENT_CALLGRIND,
    ENVIRONMENT_MASSIF,
    ENVIRONMENT_GPERF_CPU,
    ENVIRONMENT_GPERF_HEAP,
    ENVIRONMENT_ASAN,
    ENVIRONMENT_UBSAN,
    ENVIRONMENT_TSAN,
    ENVIRONMENTS
};

// Whoever waits longer than that waits for a program that hangs.
#define ENVIRONMENT_FACTOR_MAX 100

struct environment_option {
    const char *name;
    Pb__OptionType type;
    const char *default_value; // "": none
    double minimum, maximum;   // both 0: any
    const char *const *choices;
    const char *help;
};

struct environment_type {
    enum environment_kind kind;
    const char *name;
    uint32_t factor; // deadlines of a service under it, times this
    const char *summary;
    const struct environment_option *options;
    size_t option_count;
};

extern const struct environment_type environment_types[ENVIRONMENTS]; // by kind
const struct environment_type *environment_named(const char *name);   // NULL: there is none
const char *environment_nearest(const char *name);                    // for "did you mean"; NULL: nothing is near
// What schema_check takes.
const Pb__OptionDescription *const *environment_options(const struct environment_type *type, struct arena *arena, size_t *count);

// Two environments of one service: why they cannot be together (a phrase: "both are ptrace of the same process"), or NULL. Their options
// may be unchecked.
const char *environments_conflict(const Pb__ExecutionEnvironment *left, const Pb__ExecutionEnvironment *right);
// Of all that one service is started under: their product, at most ENVIRONMENT_FACTOR_MAX; unknown types count 1.
uint32_t environments_factor(Pb__ExecutionEnvironment *const *environments, size_t count);
// A deadline of that service.
uint32_t environments_deadline_ms(Pb__ExecutionEnvironment *const *environments, size_t count, uint32_t ms);

// What a host lacks for them: "strace is not installed" (in the arena), or NULL. Presences are Hello's: of every type, and of an option
// that not every host can do as "limits.cpu". A type that is not among them the host cannot do.
const char *environments_unusable(Pb__ExecutionEnvironment *const *environments, size_t count, Pb__EnvironmentPresence *const *presences,
                                  size_t presence_count, struct arena *arena);

// Of networks: a host whose agent says that it cannot make one. NULL: it can, or nothing was said.
#define ENVIRONMENT_EMULATED "network.emulated"
#define ENVIRONMENT_NETEM "network.netem" // of a lab, for conditions that conditions_need_netem
const char *environments_refused(const char *type, Pb__EnvironmentPresence *const *presences, size_t presence_count);

// The value of an option, else its default; "" when it has none.
const char *environment_value(const Pb__ExecutionEnvironment *environment, const char *option);

#endif
