// Unpacking with a budget, private to common/wire.
#ifndef PANTHER_COMMON_WIRE_UNPACK_H
#define PANTHER_COMMON_WIRE_UNPACK_H

#include <stdbool.h>

#include "common/wire/wire.h"

// Like wire_unpack, but the message may take budget_bytes of the arena and no more (*over_budget tells a bomb from garbage), and
// fields that this version does not know are still in it.
void *unpack_within(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t bytes, struct arena *arena, size_t budget_bytes,
                    bool *over_budget);
// protobuf-c keeps the fields that it does not know and packs them again. Nobody here reads them, and what we journal must be
// what we understood: they are dropped. (Their memory stays in the arena and within its budget.)
void drop_unknown_fields(ProtobufCMessage *message);

#endif
