// From outside to a message one may read: limit, unpack within a budget, version, meaning. In this order, so that a peer of
// another version hears about the version and not about a field.
#include <string.h>

#include "common/base/limits.h"
#include "common/wire/check.h"
#include "common/wire/unpack.h"
#include "common/wire/wire.h"

static void *take_whole(const ProtobufCMessageDescriptor *descriptor, const char *noun, size_t max_bytes, size_t budget_bytes,
                        const void *data, size_t bytes, struct arena *arena, struct panther_error *error)
{
    if (bytes > max_bytes) {
        error_set(error, PANTHER_ELIMIT, "%s of %zu bytes is over the limit of %zu", noun, bytes, max_bytes);
        return NULL;
    }
    bool over_budget;
    void *message = unpack_within(descriptor, data, bytes, arena, budget_bytes, &over_budget);
    if (message == NULL && over_budget)
        error_set(error, PANTHER_ELIMIT, "%s of %zu bytes would take more than %zu in memory", noun, bytes, budget_bytes);
    else if (message == NULL)
        error_set(error, PANTHER_EPROTOCOL, "%s is not a %s message", noun, descriptor->short_name);
    return message;
}

static void *take(const ProtobufCMessageDescriptor *descriptor, const char *noun, size_t max_bytes, size_t budget_bytes, const void *data,
                  size_t bytes, struct arena *arena, struct panther_error *error)
{
    void *message = take_whole(descriptor, noun, max_bytes, budget_bytes, data, bytes, arena, error);
    if (message != NULL)
        drop_unknown_fields(message);
    return message;
}

// A description is believed when it hashes to the name it travels under. Cores cannot hash, so it is done here, and before fields
// of a newer plugin ABI are dropped: they are part of the hash.
static const char *false_description(const Pb__Envelope *envelope)
{
    if (envelope->body_case != PB__ENVELOPE__BODY_DESCRIPTIONS || envelope->descriptions == NULL)
        return NULL;
    const Pb__Descriptions *descriptions = envelope->descriptions;
    for (size_t i = 0; i < descriptions->n_descriptions; i++) {
        char hash[HASH_TEXT_BYTES];
        REFUSE(descriptions->descriptions[i]->description == NULL, "described.description is missing");
        hash_message(descriptions->descriptions[i]->description, hash);
        REFUSE(strcmp(hash, descriptions->descriptions[i]->hash) != 0, "described.hash is not that of its description");
    }
    return NULL;
}

// N talks with N-1 and N+1. Version 0 is one that was never set, also while N is 1.
static bool is_spoken(const char *noun, uint32_t version, uint32_t ours, struct panther_error *error)
{
    if (version != 0 && version + 1 >= ours && version <= ours + 1)
        return true;
    error_set(error, PANTHER_EVERSION, "%s has version %u; this is version %u and talks with %u to %u", noun, version, ours,
              ours > 1 ? ours - 1 : 1, ours + 1);
    return false;
}

static bool is_valid(const char *noun, const char *reason, struct panther_error *error)
{
    if (reason == NULL)
        return true;
    error_set(error, PANTHER_EPROTOCOL, "%s is not valid: %s", noun, reason);
    return false;
}

Pb__Envelope *wire_envelope(const void *data, size_t bytes, struct arena *arena, struct panther_error *error)
{
    const char *noun = "control frame";
    Pb__Envelope *envelope =
        take_whole(&pb__envelope__descriptor, noun, CONTROL_FRAME_MAX_BYTES, UNPACK_MAX_BYTES, data, bytes, arena, error);
    if (envelope == NULL || !is_spoken(noun, envelope->version, PROTOCOL_VERSION, error))
        return NULL;
    if (!is_valid(noun, false_description(envelope), error))
        return NULL;
    drop_unknown_fields(&envelope->base);
    return is_valid(noun, envelope_invalid(envelope), error) ? envelope : NULL;
}

Pb__BulkEnvelope *wire_bulk(const void *data, size_t bytes, struct arena *arena, struct panther_error *error)
{
    const char *noun = "bulk frame";
    Pb__BulkEnvelope *envelope =
        take(&pb__bulk_envelope__descriptor, noun, BULK_ENVELOPE_MAX_BYTES, UNPACK_MAX_BYTES, data, bytes, arena, error);
    if (envelope == NULL || !is_spoken(noun, envelope->version, PROTOCOL_VERSION, error))
        return NULL;
    return is_valid(noun, bulk_envelope_invalid(envelope), error) ? envelope : NULL;
}

Pb__GuardRequest *wire_guard_request(const void *data, size_t bytes, struct arena *arena, struct panther_error *error)
{
    const char *noun = "request to a guard";
    Pb__GuardRequest *request =
        take(&pb__guard_request__descriptor, noun, GUARD_PACKET_MAX_BYTES, UNPACK_MAX_BYTES, data, bytes, arena, error);
    if (request == NULL)
        return NULL;
    if (request->body_case == PB__GUARD_REQUEST__BODY_ATTACH && request->attach != NULL &&
        !is_spoken(noun, request->attach->version, GUARD_PROTOCOL_VERSION, error))
        return NULL;
    return is_valid(noun, guard_request_invalid(request), error) ? request : NULL;
}

Pb__GuardNotice *wire_guard_notice(const void *data, size_t bytes, struct arena *arena, struct panther_error *error)
{
    const char *noun = "notice of a guard";
    Pb__GuardNotice *notice =
        take(&pb__guard_notice__descriptor, noun, GUARD_PACKET_MAX_BYTES, UNPACK_MAX_BYTES, data, bytes, arena, error);
    if (notice == NULL)
        return NULL;
    if (notice->body_case == PB__GUARD_NOTICE__BODY_STATE && notice->state != NULL &&
        !is_spoken(noun, notice->state->version, GUARD_PROTOCOL_VERSION, error))
        return NULL;
    return is_valid(noun, guard_notice_invalid(notice), error) ? notice : NULL;
}

// Guard and host are started by the same agent from the same folder, so there is no version between them.
Pb__HostRequest *wire_host_request(const void *data, size_t bytes, struct arena *arena, struct panther_error *error)
{
    const char *noun = "request to a plugin host";
    Pb__HostRequest *request =
        take(&pb__host_request__descriptor, noun, GUARD_PACKET_MAX_BYTES, UNPACK_MAX_BYTES, data, bytes, arena, error);
    return request != NULL && is_valid(noun, host_request_invalid(request), error) ? request : NULL;
}

Pb__HostNotice *wire_host_notice(const void *data, size_t bytes, struct arena *arena, struct panther_error *error)
{
    const char *noun = "notice of a plugin host";
    Pb__HostNotice *notice = take(&pb__host_notice__descriptor, noun, GUARD_PACKET_MAX_BYTES, UNPACK_MAX_BYTES, data, bytes, arena, error);
    return notice != NULL && is_valid(noun, host_notice_invalid(notice), error) ? notice : NULL;
}

Pb__Event *wire_event(const void *data, size_t bytes, struct arena *arena, struct panther_error *error)
{
    const char *noun = "event";
    Pb__Event *event = take(&pb__event__descriptor, noun, EVENT_MAX_BYTES, UNPACK_MAX_BYTES, data, bytes, arena, error);
    return event != NULL && is_valid(noun, event_invalid(event), error) ? event : NULL;
}

Pb__Record *wire_record(const void *data, size_t bytes, struct arena *arena, struct panther_error *error)
{
    const char *noun = "journal record";
    Pb__Record *record = take(&pb__record__descriptor, noun, RECORD_MAX_BYTES, RECORD_UNPACK_MAX_BYTES, data, bytes, arena, error);
    if (record == NULL || !is_spoken(noun, record->format, JOURNAL_FORMAT, error))
        return NULL;
    return is_valid(noun, record_invalid(record), error) ? record : NULL;
}

Pb__GuardSpec *wire_guard_spec(const void *data, size_t bytes, struct arena *arena, struct panther_error *error)
{
    const char *noun = "guard spec";
    Pb__GuardSpec *spec = take(&pb__guard_spec__descriptor, noun, GUARD_PACKET_MAX_BYTES, UNPACK_MAX_BYTES, data, bytes, arena, error);
    if (spec == NULL || !is_spoken(noun, spec->version, GUARD_PROTOCOL_VERSION, error))
        return NULL;
    return is_valid(noun, guard_spec_invalid(spec), error) ? spec : NULL;
}

Pb__PluginDescription *wire_description(const void *data, size_t bytes, struct arena *arena, struct panther_error *error)
{
    const char *noun = "plugin description";
    Pb__PluginDescription *description =
        take(&pb__plugin_description__descriptor, noun, DESCRIPTION_MAX_BYTES, UNPACK_MAX_BYTES, data, bytes, arena, error);
    return description != NULL && is_valid(noun, plugin_description_invalid(description), error) ? description : NULL;
}
