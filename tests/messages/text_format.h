// Messages as text, so that a test shows what it sends:
//   instance: 1 generation: 1 number: 2 run_case { name: "throughput" timeout_ms: 60000 }
// Repeated fields are repeated; enums are numbers or names; "a"*5000 is a long string; ~ is a hole (NULL).
#ifndef PANTHER_TESTS_MESSAGES_TEXT_FORMAT_H
#define PANTHER_TESTS_MESSAGES_TEXT_FORMAT_H

#include <protobuf-c/protobuf-c.h>

struct arena;

// Aborts with the place when the text does not fit the descriptor: a mistake in a test.
void *message_parse(const ProtobufCMessageDescriptor *descriptor, const char *text, struct arena *arena);

#endif
