// The only place that packs, unpacks and checks protobuf. Every message that comes from outside passes an ..._invalid().
#ifndef PANTHER_COMMON_WIRE_WIRE_H
#define PANTHER_COMMON_WIRE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/memory.h"
#include "panther/v1/bulk.pb-c.h"
#include "panther/v1/envelope.pb-c.h"
#include "panther/v1/guard.pb-c.h"
#include "panther/v1/journal.pb-c.h"
#include "panther/v1/snapshot.pb-c.h"

// Any message. Packing cannot fail; the buffer is freed by the caller, or is in the arena.
size_t wire_packed_bytes(const void *message);
uint8_t *wire_pack(const void *message, struct arena *arena, size_t *bytes); // arena NULL: heap
// An Envelope of Events from events that are packed already: an outbox sends what it keeps without unpacking it.
struct wire_bytes {
    const void *data;
    size_t bytes;
};
uint8_t *wire_pack_events(uint32_t version, uint64_t session, const char *epoch, uint64_t first, const struct wire_bytes *packed,
                          size_t count, struct arena *arena, size_t *bytes);
// Unpacks into the arena; NULL on garbage or when the arena's cap is passed. No check of meaning.
void *wire_unpack(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t bytes, struct arena *arena);

// From outside: limit, unpack, version where there is one, ..._invalid(). On failure error says which (PANTHER_ELIMIT,
// PANTHER_EPROTOCOL, PANTHER_EVERSION) and nothing is returned.
Pb__Envelope *wire_envelope(const void *data, size_t bytes, struct arena *arena, struct panther_error *error);
Pb__BulkEnvelope *wire_bulk(const void *data, size_t bytes, struct arena *arena, struct panther_error *error);
Pb__GuardRequest *wire_guard_request(const void *data, size_t bytes, struct arena *arena, struct panther_error *error);
Pb__GuardNotice *wire_guard_notice(const void *data, size_t bytes, struct arena *arena, struct panther_error *error);
Pb__HostRequest *wire_host_request(const void *data, size_t bytes, struct arena *arena, struct panther_error *error);
Pb__HostNotice *wire_host_notice(const void *data, size_t bytes, struct arena *arena, struct panther_error *error);
Pb__Event *wire_event(const void *data, size_t bytes, struct arena *arena, struct panther_error *error);
Pb__Record *wire_record(const void *data, size_t bytes, struct arena *arena, struct panther_error *error);
Pb__GuardSpec *wire_guard_spec(const void *data, size_t bytes, struct arena *arena, struct panther_error *error);
Pb__PluginDescription *wire_description(const void *data, size_t bytes, struct arena *arena, struct panther_error *error);

// NULL: valid; else a static reason. One per message; nested ones call each other.
const char *envelope_invalid(const Pb__Envelope *envelope);
const char *bulk_envelope_invalid(const Pb__BulkEnvelope *envelope);
const char *guard_request_invalid(const Pb__GuardRequest *request);
const char *guard_notice_invalid(const Pb__GuardNotice *notice);
const char *host_request_invalid(const Pb__HostRequest *request);
const char *host_notice_invalid(const Pb__HostNotice *notice);
const char *event_invalid(const Pb__Event *event);
const char *command_invalid(const Pb__Command *command);
const char *record_invalid(const Pb__Record *record);
const char *snapshot_part_invalid(const Pb__SnapshotPart *part);
const char *guard_spec_invalid(const Pb__GuardSpec *spec);
const char *plugin_description_invalid(const Pb__PluginDescription *description);

// BLAKE2b-256 in lower-case hex (libsodium), of bytes, of a packed message, or bit by bit.
#define HASH_TEXT_BYTES 65
void hash_bytes(const void *data, size_t bytes, char text[HASH_TEXT_BYTES]);
void hash_message(const void *message, char text[HASH_TEXT_BYTES]);
struct hasher;
struct hasher *hasher_new(void);
void hasher_add(struct hasher *hasher, const void *data, size_t bytes);
void hasher_end(struct hasher **hasher, char text[HASH_TEXT_BYTES]); // frees; text may be NULL
// The state so far, without ending it.
void hasher_peek(const struct hasher *hasher, char text[HASH_TEXT_BYTES]);

#endif
