// Peers and driven services as plugins see them, made from Initialize.
#ifndef PANTHER_SERVICES_SDK_PEER_H
#define PANTHER_SERVICES_SDK_PEER_H

#include "common/base/memory.h"
#include "panther/service.h"
#include "panther/v1/instance.pb-c.h"

struct panther_peer *peer_of(const Pb__Peer *wire, struct arena *arena);
struct panther_peer **peer_list(const Pb__Initialize *initialize, struct arena *arena, size_t *count);

#endif
