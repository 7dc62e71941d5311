// The plugins of this host: every *.so of the plugin folders is described once per file (cached by its hash) in a process of its
// own, and probed when the core asks for it. The agent itself never loads one.
#ifndef PANTHER_AGENT_SHELL_CATALOGUE_H
#define PANTHER_AGENT_SHELL_CATALOGUE_H

#include "agent/shell/children.h"
#include "agent/shell/reactor.h"

struct catalogue;
struct catalogue *catalogue_new(struct loop *loop, struct reactor *reactor, struct children *children, const char *host_program,
                                const char *const *folders, size_t folder_count);
void catalogue_free(struct catalogue **catalogue);
void catalogue_scan(struct catalogue *catalogue);  // then AGENT_INPUT_CATALOGUE
void catalogue_probe(struct catalogue *catalogue); // the same, with versions

#endif
