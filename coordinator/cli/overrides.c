#include "coordinator/cli/overrides.h"

#include <string.h>

void overrides_add(struct overrides *overrides, char *argument, const struct argp_state *state)
{
    char *equals = strchr(argument, '=');
    if (!equals || equals == argument) {
        argp_error(state, "--set %s: use PATH=VALUE, such as tests.load.repeat.times=5", argument);
        return;
    }
    if (overrides->count == OVERRIDES_MAX) {
        argp_error(state, "--set may be given %d times", OVERRIDES_MAX);
        return;
    }
    *equals = 0;
    Pb__Override *override = &overrides->items[overrides->count];
    pb__override__init(override);
    override->path = argument;
    override->value = equals + 1;
    overrides->list[overrides->count++] = override;
}
