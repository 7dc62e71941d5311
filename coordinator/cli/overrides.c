#include "coordinator/cli/overrides.h"

#include <string.h>

#include "common/base/memory.h"

static Pb__Override *next(struct overrides *overrides, const char *option, const struct argp_state *state)
{
    if (overrides->count == OVERRIDES_MAX) {
        argp_error(state, "%s may be given %d times", option, OVERRIDES_MAX);
        return NULL;
    }
    Pb__Override *override = &overrides->items[overrides->count];
    pb__override__init(override);
    overrides->list[overrides->count++] = override;
    return override;
}

void overrides_add(struct overrides *overrides, char *argument, const struct argp_state *state)
{
    char *equals = strchr(argument, '=');
    if (!equals || equals == argument) {
        argp_error(state, "--set %s: use PATH=VALUE, such as tests.load.repeat.times=5", argument);
        return;
    }
    Pb__Override *override = next(overrides, "--set", state);
    if (override) {
        *equals = 0;
        override->path = argument;
        override->value = equals + 1;
    }
}

static void put(struct overrides *overrides, const char *option, char *path, char *value, const struct argp_state *state)
{
    Pb__Override *override = next(overrides, option, state);
    if (!override) {
        free(path);
        return;
    }
    override->path = overrides->owned[overrides->count - 1] = path;
    override->value = value;
}

void overrides_add_only(struct overrides *overrides, char *argument, const struct argp_state *state)
{
    char *rest;
    for (char *part = strtok_r(argument, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(part, '=');
        if (!equals || equals == part || strchr(part, '.')) {
            argp_error(state, "--only %s: use NAME=VALUE,... with axes, services, case or test", part);
            return;
        }
        *equals = 0;
        put(overrides, "--only", memory_printf("only.%s", part), equals + 1, state);
    }
}

void overrides_add_repeat(struct overrides *overrides, char *argument, const struct argp_state *state)
{
    put(overrides, "--repeat", memory_string("tests.*.repeat.times"), argument, state);
}

void overrides_free(struct overrides *overrides)
{
    for (size_t i = 0; i < overrides->count; i++) {
        free(overrides->owned[i]);
    }
}
