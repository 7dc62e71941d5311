// bulk.proto: chunks of streams, artifacts and files.
#include "common/wire/check.h"

// What is put is named by its instance, or, for a blob, by its hash alone.
static const char *put_name_check(const Pb__PutChunk *put)
{
    if (put->kind == PB__BULK_KIND__BULK_KIND_BLOB) {
        REFUSE(!is_hash(put->hash), "put_chunk.hash of a blob is not a hash");
        return NULL;
    }
    REFUSE(put->instance == 0, "put_chunk.instance is not set");
    REFUSE(put->generation == 0, "put_chunk.generation is not set");
    bool is_stream = put->kind == PB__BULK_KIND__BULK_KIND_STREAM;
    REFUSE(is_stream && !is_stream_name(put->name), "put_chunk.name of a stream is not a file name");
    REFUSE(!is_stream && !is_inner_path(put->name), "put_chunk.name of an artifact leaves its folder");
    return NULL;
}

// Pairs of what read_marks.h knows.
static bool are_read_times(size_t count, const uint64_t *times)
{
    bool is_right = count % 2 == 0 && count <= 2 * READ_MARKS_MAX;
    for (size_t i = 2; is_right && i < count; i += 2) {
        is_right = times[i] > times[i - 2] && times[i + 1] >= times[i - 1];
    }
    return is_right;
}

static const char *put_chunk_check(const Pb__PutChunk *put)
{
    REFUSE(put->kind == PB__BULK_KIND__BULK_KIND_UNSPECIFIED, "put_chunk.kind is not set");
    NESTED(put_name_check(put));
    REFUSE(!is_hash_or_empty(put->hash), "put_chunk.hash is not a hash");
    REFUSE(put->last && is_empty(put->hash), "put_chunk.last without a hash");
    REFUSE(put->last && put->offset > put->total_bytes, "put_chunk.last with an offset behind the end");
    REFUSE(!are_read_times(put->n_read_times, put->read_times), "put_chunk.read_times are too many, not two each, or go back");
    return NULL;
}

static const char *chunk_check(const Pb__Chunk *chunk)
{
    REFUSE(!are_read_times(chunk->n_read_times, chunk->read_times), "chunk.read_times are too many, not two each, or go back");
    return NULL;
}

static const char *get_chunk_check(const Pb__GetChunk *get)
{
    REFUSE(is_empty(get->stream) == is_empty(get->hash), "get_chunk asks for both a stream and a hash, or for neither");
    REFUSE(!is_within(get->stream, FULL_NAME_MAX_BYTES + PATH_MAX_BYTES), "get_chunk.stream is too long");
    REFUSE(!is_hash_or_empty(get->hash), "get_chunk.hash is not a hash");
    return NULL;
}

static const char *bulk_refused_check(const Pb__BulkRefused *refused)
{
    bool is_known =
        refused->code <= INT32_MAX && protobuf_c_enum_descriptor_get_value(&pb__refusal_code__descriptor, (int)refused->code) != NULL;
    REFUSE(!is_known || refused->code == PB__REFUSAL_CODE__REFUSAL_CODE_UNSPECIFIED, "bulk_refused.code is not known");
    REFUSE(!is_within(refused->text, TEXT_MAX_BYTES), "bulk_refused.text is too long");
    return NULL;
}

static const char *hashes_check(size_t count, char *const *hashes)
{
    REFUSE(!are_hashes(count, hashes, HASHES_MAX), "blobs: too many, or not hashes");
    return NULL;
}

const char *bulk_envelope_invalid(const Pb__BulkEnvelope *envelope)
{
    NESTED(unsound(envelope));
    REFUSE(envelope->version == 0, "bulk.version is not set");
    REFUSE(envelope->number == 0, "bulk.number is not set");
    switch (envelope->body_case) {
    case PB__BULK_ENVELOPE__BODY_PUT_CHUNK:
        return put_chunk_check(envelope->put_chunk);
    case PB__BULK_ENVELOPE__BODY_GET_CHUNK:
        return get_chunk_check(envelope->get_chunk);
    case PB__BULK_ENVELOPE__BODY_CHUNK:
        return chunk_check(envelope->chunk);
    case PB__BULK_ENVELOPE__BODY_REFUSED:
        return bulk_refused_check(envelope->refused);
    case PB__BULK_ENVELOPE__BODY_HAVE_BLOBS:
        return hashes_check(envelope->have_blobs->n_hashes, envelope->have_blobs->hashes);
    case PB__BULK_ENVELOPE__BODY_MISSING_BLOBS:
        return hashes_check(envelope->missing_blobs->n_hashes, envelope->missing_blobs->hashes);
    default: // put_answer: numbers that mean what they are
        return NULL;
    }
}
