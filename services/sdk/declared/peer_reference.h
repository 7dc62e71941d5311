// The part of a reference behind drive. and need.: which service, which of its endpoints, what of it.
#ifndef PANTHER_SERVICES_SDK_DECLARED_PEER_REFERENCE_H
#define PANTHER_SERVICES_SDK_DECLARED_PEER_REFERENCE_H

#include "services/sdk/declared/reading.h"

struct scope;

enum peer_attribute {
    PEER_ADDRESS,
    PEER_PORT,
    PEER_ENDPOINT,
    PEER_SERVICE,
    PEER_HEX,
    PEER_DECIMAL,
    PEER_NAME,
    PEER_FOLDER,
    PEER_PROFILE,
    PEER_GENERATION
};
struct peer_part {
    const char *drive;   // NULL: need
    const char *service; // by its name; NULL: by its number
    size_t number;       // from 1
    const char *port;    // NULL: the first endpoint
    enum peer_attribute attribute;
};

// rest: "server.https.port". False: a mistake was told.
bool peer_part_of_drive(struct reading *reading, const char *rest, const struct value *place, struct peer_part *part);
bool peer_part_of_need(struct reading *reading, const char *rest, const struct value *place, struct peer_part *part);
const char *peer_part_text(const struct peer_part *part, struct scope *scope, const char **why); // NULL: why not

#endif
