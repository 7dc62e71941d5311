// What a plugin would run with some options: asked of the plugin, in a process of its own, for a dry run somewhere. shell.c calls it.
#ifndef PANTHER_AGENT_SHELL_PLANS_H
#define PANTHER_AGENT_SHELL_PLANS_H

#include "agent/shell/catalogue.h"

struct plans;
struct plans *plans_new(struct loop *loop, struct reactor *reactor, struct children *children, const struct catalogue *catalogue,
                        const char *host_program);
void plans_free(struct plans **plans);
// Answered by AGENT_INPUT_PLANNED.
void plans_ask(struct plans *plans, uint64_t session, const Pb__PlanPlugin *asked);

#endif
