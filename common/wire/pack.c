// Packing cannot fail: the message is ours, and memory that ends is a panic.
#include "common/base/error.h"
#include "common/wire/wire.h"

size_t wire_packed_bytes(const void *message)
{
    return protobuf_c_message_get_packed_size(message);
}

uint8_t *wire_pack(const void *message, struct arena *arena, size_t *bytes)
{
    size_t size = wire_packed_bytes(message);
    uint8_t *data = arena == NULL ? memory_grow(NULL, size, 1) : arena_allocate(arena, size);
    if (data == NULL)
        PANIC("a message of %zu bytes is packed into an arena with too small a cap", size);
    size_t packed = protobuf_c_message_pack(message, data);
    INVARIANT(packed == size);
    *bytes = size;
    return data;
}
