// Copies of protobuf-c messages, driven by their descriptors: what outlives a batch is copied with this.
#ifndef PANTHER_COMMON_BASE_MESSAGE_H
#define PANTHER_COMMON_BASE_MESSAGE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

// Deep copy; into the arena when one is given, else on the heap (message_free releases). Unknown fields are not copied.
void *message_copy(const void *message, struct arena *arena);
// The comma makes an rvalue, which drops const: a copy is the caller's to change.
#define MESSAGE_COPY(message, arena) ((__typeof__((void)0, *(message)) *)message_copy((message), (arena)))
// Releases a heap copy; accepts NULL.
void message_free(void *message);
// Field by field equality (unset string = "").
bool message_equal(const void *left, const void *right);
// At least what packing it takes, and not much more: for whoever has to keep below a frame and may not pack.
size_t message_bytes_at_most(const void *message);

#endif
