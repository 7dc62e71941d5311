// The services that a tester drives, as one case has them: a later generation than initialize knew, with a profile of its own.
#ifndef PANTHER_SERVICES_SDK_CASE_PEER_H
#define PANTHER_SERVICES_SDK_CASE_PEER_H

#include "panther/service.h"

// What the running case knows of that peer, else the peer itself.
const struct panther_peer *case_peer_now(const struct panther_service *service, const struct panther_peer *peer);

#endif
