// A snapshot as a file: a header and parts, each `length, u32 little-endian | packed message`, and at the end the hash of all before.
// A file of its own, not rows: it is replaced whole, away from the writer's log, and whoever wants none removes it.
#include <stdio.h>
#include <string.h>

#include "common/system/file.h"
#include "coordinator/store/store.h"

// Counts up whenever a program makes another state of the same records: older snapshots are then replayed instead.
#define SNAPSHOT_FORMAT 1
// Twenty thousand live trials (TRIALS_LIVE_MAX) of some 20 KiB each; more is not read into memory.
#define SNAPSHOT_MAX_BYTES (512u * 1024 * 1024)
#define LENGTH_BYTES 4
#define HASH_BYTES (HASH_TEXT_BYTES - 1)

static char *path_of(const char *folder)
{
    return path_join(folder, "snapshot");
}

// ---- writing

struct snapshot_file {
    struct text bytes;
};

static void add_message(struct snapshot_file *file, const void *message)
{
    size_t bytes;
    uint8_t *data = wire_pack(message, NULL, &bytes);
    const uint8_t length[LENGTH_BYTES] = {(uint8_t)bytes, (uint8_t)(bytes >> 8), (uint8_t)(bytes >> 16), (uint8_t)(bytes >> 24)};
    INVARIANT(bytes <= UINT32_MAX);
    text_append_bytes(&file->bytes, length, sizeof length);
    text_append_bytes(&file->bytes, data, bytes);
    free(data);
}

struct snapshot_file *snapshot_file_new(const struct store_position *position, const char *version)
{
    struct snapshot_file *file = NEW(struct snapshot_file);
    struct store_position copy = *position;
    Pb__SnapshotHeader header = PB__SNAPSHOT_HEADER__INIT;
    header.format = SNAPSHOT_FORMAT;
    header.version = (char *)(uintptr_t)version;
    header.sequence = copy.sequence;
    header.link = (ProtobufCBinaryData){sizeof copy.link, copy.link};
    add_message(file, &header);
    return file;
}

void snapshot_file_add(struct snapshot_file *file, const Pb__SnapshotPart *part)
{
    add_message(file, part);
}

bool snapshot_file_equal(const struct snapshot_file *left, const struct snapshot_file *right)
{
    return left->bytes.length == right->bytes.length && memcmp(left->bytes.data, right->bytes.data, left->bytes.length) == 0;
}

void snapshot_file_free(struct snapshot_file **file)
{
    if (!*file)
        return;
    text_free(&(*file)->bytes);
    free(*file);
    *file = NULL;
}

int snapshot_file_write(struct snapshot_file *file, const char *folder, struct panther_error *error)
{
    CLEANUP_FREE char *path = path_of(folder);
    char hash[HASH_TEXT_BYTES];
    size_t length = file->bytes.length;
    hash_bytes(file->bytes.data, length, hash);
    text_append(&file->bytes, hash);
    int result = file_write_atomic(path, file->bytes.data, file->bytes.length, 0600, error);
    file->bytes.length = length;
    return result;
}

// ---- reading

struct reading {
    const char *path;
    const uint8_t *at, *end;
    struct arena *arena; // of the part at hand
};

static int damaged(const struct reading *reading, const char *why, struct panther_error *error)
{
    return error_set(error, PANTHER_EINVALID, "%s: %s", reading->path, why);
}

// The next message; NULL: what is left is none.
static void *next_message(struct reading *reading, const ProtobufCMessageDescriptor *descriptor)
{
    if (reading->end - reading->at < LENGTH_BYTES)
        return NULL;
    const uint8_t *at = reading->at;
    size_t bytes = (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
    if ((size_t)(reading->end - at) - LENGTH_BYTES < bytes)
        return NULL;
    reading->at = at + LENGTH_BYTES + bytes;
    arena_reset(reading->arena);
    return wire_unpack(descriptor, at + LENGTH_BYTES, bytes, reading->arena);
}

static int read_header(struct reading *reading, const char *version, struct store_position *position, struct panther_error *error)
{
    const Pb__SnapshotHeader *header = next_message(reading, &pb__snapshot_header__descriptor);
    if (!header)
        return damaged(reading, "it has no header", error);
    if (header->format != SNAPSHOT_FORMAT || strcmp(header->version, version) != 0)
        return error_set(error, PANTHER_EVERSION, "%s is of version %.40s (format %u), this program is version %s (format %u)",
                         reading->path, header->version, header->format, version, SNAPSHOT_FORMAT);
    if (header->link.len != STORE_LINK_BYTES)
        return damaged(reading, "its header has no hash", error);
    position->sequence = header->sequence;
    memcpy(position->link, header->link.data, STORE_LINK_BYTES);
    return 0;
}

static int read_parts(struct reading *reading, snapshot_part_fn *callback, void *context, struct panther_error *error)
{
    while (reading->at < reading->end) {
        const Pb__SnapshotPart *part = next_message(reading, &pb__snapshot_part__descriptor);
        const char *why = part ? snapshot_part_invalid(part) : "a part cannot be unpacked";
        if (!why)
            why = callback(context, part);
        if (why)
            return damaged(reading, why, error);
    }
    return 0;
}

static int read_all(struct reading *reading, const char *data, size_t bytes, const char *version, snapshot_part_fn *callback, void *context,
                    struct store_position *position, struct panther_error *error)
{
    char hash[HASH_TEXT_BYTES];
    if (bytes < HASH_BYTES)
        return damaged(reading, "it is too short", error);
    hash_bytes(data, bytes - HASH_BYTES, hash);
    if (memcmp(hash, data + bytes - HASH_BYTES, HASH_BYTES) != 0)
        return damaged(reading, "its hash is not right", error);
    reading->at = (const uint8_t *)data;
    reading->end = reading->at + bytes - HASH_BYTES;
    int result = read_header(reading, version, position, error);
    return result < 0 ? result : read_parts(reading, callback, context, error);
}

int snapshot_file_read(const char *folder, const char *version, snapshot_part_fn *callback, void *context, struct store_position *position,
                       struct panther_error *error)
{
    CLEANUP_FREE char *path = path_of(folder);
    if (!file_exists(path))
        return error_set(error, PANTHER_ENOTFOUND, "there is no %s", path);
    char *data;
    size_t bytes;
    int result = file_read(path, SNAPSHOT_MAX_BYTES, &data, &bytes, error);
    if (result < 0)
        return result;
    struct store_position found = {0};
    struct reading reading = {.path = path, .arena = arena_new(0)};
    result = read_all(&reading, data, bytes, version, callback, context, &found, error);
    arena_free(&reading.arena);
    free(data);
    if (result == 0)
        *position = found;
    return result;
}
