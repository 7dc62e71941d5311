// Everything that comes from outside through common/wire. The first byte of an input says as what it is read. Beside not crashing:
// what was accepted must be accepted again when it is packed again, be equal to itself, and have stayed within the cap.
#include <string.h>

#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/wire/wire.h"
#include "tests/fuzz/fuzz.h"

typedef void *decode(const void *data, size_t bytes, struct arena *arena, struct panther_error *error);

#define DECODE(name)                                                                                                                       \
    static void *name(const void *data, size_t bytes, struct arena *arena, struct panther_error *error)                                    \
    {                                                                                                                                      \
        return wire_##name(data, bytes, arena, error);                                                                                     \
    }
DECODE(envelope)
DECODE(bulk)
DECODE(guard_request)
DECODE(guard_notice)
DECODE(host_request)
DECODE(host_notice)
DECODE(event)
DECODE(record)
DECODE(guard_spec)
DECODE(description)

static decode *const decoders[] = {envelope,    bulk,  guard_request, guard_notice, host_request,
                                   host_notice, event, record,        guard_spec,   description};
#define DECODERS (sizeof decoders / sizeof *decoders)

// A description of a newer plugin was hashed with fields that are dropped here: packed again it would be refused.
static bool loses_its_hash(const ProtobufCMessage *message)
{
    return message->descriptor == &pb__envelope__descriptor &&
           ((const Pb__Envelope *)(const void *)message)->body_case == PB__ENVELOPE__BODY_DESCRIPTIONS;
}

static void check_accepted(decode *again, const ProtobufCMessage *message)
{
    struct panther_error error = {0};
    struct arena *arena = arena_new(0);
    size_t bytes;
    uint8_t *packed = wire_pack(message, arena, &bytes);
    if (!loses_its_hash(message)) {
        const void *second = again(packed, bytes, arena, &error);
        if (second == NULL)
            PANIC("accepted once and refused when packed again: %s", error.message);
        INVARIANT(message_equal(message, second));
    }
    void *copy = message_copy(message, NULL);
    INVARIANT(message_equal(message, copy));
    message_free(copy);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    decode *decoder = decoders[data[0] % DECODERS];
    struct arena *arena = arena_new(0);
    struct panther_error error = {0};
    uint8_t *frame = memory_grow(NULL, size - 1, 1); // its end is where reading must stop
    memcpy(frame, data + 1, size - 1);
    const ProtobufCMessage *message = decoder(frame, size - 1, arena, &error);
    free(frame);
    INVARIANT((message == NULL) == (error.code != 0));
    INVARIANT(arena_used_bytes(arena) <= (size_t)2 * UNPACK_MAX_BYTES + 4096);
    if (message != NULL)
        check_accepted(decoder, message);
    arena_free(&arena);
    return 0;
}
