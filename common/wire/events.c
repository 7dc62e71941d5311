// An Events envelope whose events are packed already, as an outbox keeps them: their bytes are copied as they stand. To protobuf-c
// they are unknown fields that carry the number of Events.events, which on the wire is the same.
#include <string.h>

#include "common/wire/wire.h"

#define EVENTS_FIELD 3      // Events.events
#define LENGTH_MAX_BYTES 10 // of a varint

static size_t varint(uint64_t number, uint8_t *out)
{
    size_t count = 0;
    for (; number >= 0x80; number >>= 7)
        out[count++] = (uint8_t)(number | 0x80);
    out[count++] = (uint8_t)number;
    return count;
}

// Tag apart, protobuf-c wants the length with the data.
static void fill(ProtobufCMessageUnknownField *field, const struct wire_bytes *event, struct arena *arena)
{
    uint8_t *data = arena_allocate(arena, LENGTH_MAX_BYTES + event->bytes);
    size_t prefix = varint(event->bytes, data);
    memcpy(data + prefix, event->data, event->bytes);
    field->tag = EVENTS_FIELD;
    field->wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    field->len = prefix + event->bytes;
    field->data = data;
}

uint8_t *wire_pack_events(uint32_t version, uint64_t session, const char *epoch, uint64_t first, const struct wire_bytes *packed,
                          size_t count, struct arena *arena, size_t *bytes)
{
    Pb__Envelope envelope;
    Pb__Events events;
    pb__envelope__init(&envelope);
    pb__events__init(&events);
    events.epoch = arena_string(arena, epoch);
    events.first = first;
    events.base.unknown_fields = ARENA_ARRAY(arena, ProtobufCMessageUnknownField, count);
    events.base.n_unknown_fields = (unsigned)count;
    for (size_t i = 0; i < count; i++)
        fill(&events.base.unknown_fields[i], &packed[i], arena);
    envelope.version = version;
    envelope.session = session;
    envelope.body_case = PB__ENVELOPE__BODY_EVENTS;
    envelope.events = &events;
    return wire_pack(&envelope, arena, bytes);
}
