// Messages by descriptor, for what must hold for all of them.
#ifndef PANTHER_TESTS_MESSAGES_FILL_H
#define PANTHER_TESTS_MESSAGES_FILL_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct arena;

// Every field set, two items in each list; of a oneof the member numbered `choice` (modulo their count), in nested messages too.
// Numbers and texts count up, so that no two fields hold the same.
void *message_fill(const ProtobufCMessageDescriptor *descriptor, unsigned choice, struct arena *arena);

// Calls visit for each field of the message and of all messages in it that has a value. visit may change the field.
void message_walk(void *message, void (*visit)(ProtobufCMessage *owner, const ProtobufCFieldDescriptor *field, void *context),
                  void *context);

// Every message type that can be reached from the root, the root included; at most `max`. Returns their count.
size_t message_types(const ProtobufCMessageDescriptor *root, const ProtobufCMessageDescriptor **types, size_t max);

#endif
