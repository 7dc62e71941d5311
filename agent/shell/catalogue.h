// The plugins of this host: whatever is a plugin in the plugin folders is described once per content (cached by its hash) in a process of
// its own, and probed when the core asks for it. The agent itself never loads one. The folders are looked at every second, so a plugin
// that is put there, changed or removed is seen by itself; one that stayed as it was keeps what is known of it.
#ifndef PANTHER_AGENT_SHELL_CATALOGUE_H
#define PANTHER_AGENT_SHELL_CATALOGUE_H

#include "agent/shell/children.h"
#include "agent/shell/reactor.h"

struct catalogue;
// told: the core knows all of it, with versions.
struct catalogue *catalogue_new(struct loop *loop, struct reactor *reactor, struct children *children, const char *host_program,
                                const char *const *folders, size_t folder_count, void (*told)(void *context), void *context);
void catalogue_free(struct catalogue **catalogue);
void catalogue_scan(struct catalogue *catalogue);  // what is new; then AGENT_INPUT_CATALOGUE
void catalogue_anew(struct catalogue *catalogue);  // the same, and versions and programs are looked at again
void catalogue_probe(struct catalogue *catalogue); // the same, with versions
// Of the plugin that is used here under this name; NULL: there is none. Valid until the next round of the loop.
const char *catalogue_path(const struct catalogue *catalogue, const char *name);

#endif
