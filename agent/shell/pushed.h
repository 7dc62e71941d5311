// Plugins that an operator has pushed: STATE/pushed/HASH.folder holds one version, STATE/pushed/current/NAME is a link to the one that is
// used before an installed plugin of that name. A version is got by its hash, unpacked in a child, asked whether it works here, and only
// then does the link change, at once: so whatever ends the agent in the middle, the good one stays. An older version stays as long as an
// instance that began with it. Used by shell.c.
#ifndef PANTHER_AGENT_SHELL_PUSHED_H
#define PANTHER_AGENT_SHELL_PUSHED_H

#include "agent/shell/bulk.h"
#include "agent/shell/catalogue.h"

struct pushed;
struct pushed_place {
    struct loop *loop;
    struct reactor *reactor;
    struct children *children;
    struct bulk *bulk;
    const char *state, *host_program;
    bool allowed; // else every push is refused
};
struct pushed *pushed_new(const struct pushed_place *place);
void pushed_free(struct pushed **pushed);
const char *pushed_folder(const struct pushed *pushed);              // of plugins, for the catalogue
void pushed_use(struct pushed *pushed, struct catalogue *catalogue); // which is told when something changes; then tidies up
// Answered by AGENT_INPUT_PLACED, when the catalogue with it has been told.
void pushed_take(struct pushed *pushed, uint64_t session, const Pb__PlacePlugin *plugin);
void pushed_told(struct pushed *pushed);     // the catalogue was told, with versions
void pushed_released(struct pushed *pushed); // an instance has ended: an old version may go

#endif
