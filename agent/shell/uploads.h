// What instances leave: streams while they grow, artifacts when they are ready. Per instance, until the coordinator has all of it
// or does not want it. Nothing here is durable: after a restart the spools are read again, and the coordinator says what it has.
#ifndef PANTHER_AGENT_SHELL_UPLOADS_H
#define PANTHER_AGENT_SHELL_UPLOADS_H

#include "agent/shell/bulk.h"
#include "panther/v1/guard.pb-c.h"

struct uploads;
typedef void uploaded_fn(void *context, uint64_t instance, uint32_t generation);
struct uploads *uploads_new(struct loop *loop, struct bulk *bulk, uploaded_fn *callback, void *context);
void uploads_free(struct uploads **uploads);
void uploads_add(struct uploads *uploads, uint64_t instance, uint32_t generation, const char *folder);
void uploads_grown(struct uploads *uploads, uint64_t instance, uint32_t generation, const Pb__StreamsGrown *streams);
void uploads_event(struct uploads *uploads, uint64_t instance, uint32_t generation, const Pb__Event *event); // StreamEnd, ArtifactReady
void uploads_gone(struct uploads *uploads, uint64_t instance, uint32_t generation);                          // nothing grows any more
void uploads_forget(struct uploads *uploads, uint64_t instance, uint32_t generation);

#endif
