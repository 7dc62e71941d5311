#include "coordinator/cli/capture_blocks.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

// draft-ietf-opsawg-pcapng. Numbers are in the byte order of the host that wrote them, which here is that of all hosts.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hosts of the other byte order are refused");
#define BLOCK_SECTION 0x0a0d0d0aU
#define BLOCK_INTERFACE 1U
#define BLOCK_PACKET_OLD 2U
#define BLOCK_PACKET_SIMPLE 3U
#define BLOCK_STATISTICS 5U
#define BLOCK_PACKET 6U
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define OPTION_COMMENT 1U
#define HEAD_BYTES 8U            // type, length
#define FRAME_BYTES 12U          // and the length again at its end
#define SECTION_BYTES 28U        // without options
#define INTERFACE_HEAD_BYTES 16U // up to its options
#define SECTION_LENGTH_AT 16U
// A packet of 256 KiB, the longest that programs capture, with its options; or a table of names.
#define BLOCK_MAX_BYTES (4U * 1024 * 1024)
#define INTERFACES_MAX 4096U // of a source, as of a host with as many namespaces
#define ORIGIN_MAX_BYTES 512U

struct capture_source {
    struct capture_blocks *blocks;
    char *origin;
    struct text rest;     // of a block that is not whole
    uint32_t *interfaces; // of its section -> of the one that comes out
    size_t count, capacity;
    bool has_section;
};

struct capture_blocks {
    struct capture_source **sources;
    size_t count, capacity;
    uint32_t interfaces;
    bool has_section;
};

struct capture_blocks *capture_blocks_new(void)
{
    return NEW(struct capture_blocks);
}

void capture_blocks_free(struct capture_blocks **pointer)
{
    struct capture_blocks *blocks = *pointer;
    for (size_t i = 0; i < blocks->count; i++) {
        text_free(&blocks->sources[i]->rest);
        free(blocks->sources[i]->origin);
        free(blocks->sources[i]->interfaces);
        free(blocks->sources[i]);
    }
    free(blocks->sources);
    free(blocks);
    *pointer = NULL;
}

struct capture_source *capture_blocks_source(struct capture_blocks *blocks, const char *origin)
{
    struct capture_source *source = NEW(struct capture_source);
    source->blocks = blocks;
    source->origin = memory_printf("%.*s", (int)ORIGIN_MAX_BYTES, origin);
    return APPEND(blocks->sources, blocks->count, blocks->capacity) = source;
}

size_t capture_blocks_end(struct capture_source *source)
{
    size_t left = source->rest.length;
    text_clear(&source->rest);
    source->has_section = false;
    return left;
}

static uint32_t number_at(const uint8_t *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

static void append_number(struct text *out, uint32_t number)
{
    text_append_bytes(out, &number, sizeof number);
}

// ---- one block

// A section has one head; that of the first source stands for all.
static int take_section(struct capture_source *source, const uint8_t *block, uint32_t bytes, struct text *out, struct panther_error *error)
{
    if (bytes < SECTION_BYTES || number_at(block + HEAD_BYTES) != BYTE_ORDER_MAGIC) {
        return error_set(error, PANTHER_EINVALID, "a section of another byte order, or cut");
    }
    source->has_section = true;
    source->count = 0;
    if (!source->blocks->has_section) {
        source->blocks->has_section = true;
        text_append_bytes(out, block, SECTION_LENGTH_AT);
        append_number(out, UINT32_MAX); // how long it will be is not known
        append_number(out, UINT32_MAX);
        text_append_bytes(out, block + SECTION_LENGTH_AT + 8, bytes - SECTION_LENGTH_AT - 8);
    }
    return 0;
}

// Its comment says which service of which host captured there: hosts name their interfaces alike.
static int take_interface(struct capture_source *source, const uint8_t *block, uint32_t bytes, struct text *out,
                          struct panther_error *error)
{
    static const uint8_t padding[4] = {0};
    uint32_t length = (uint32_t)strlen(source->origin), padded = (length + 3U) & ~3U;
    if (bytes < INTERFACE_HEAD_BYTES + 4 || source->count == INTERFACES_MAX) {
        return error_set(error, PANTHER_EINVALID, "an interface too short, or one too many");
    }
    APPEND(source->interfaces, source->count, source->capacity) = source->blocks->interfaces++;
    uint32_t options = bytes - INTERFACE_HEAD_BYTES - 4;
    uint32_t whole = bytes + 4 + padded + (options ? 0 : 4);
    append_number(out, BLOCK_INTERFACE);
    append_number(out, whole);
    text_append_bytes(out, block + HEAD_BYTES, INTERFACE_HEAD_BYTES - HEAD_BYTES);
    append_number(out, OPTION_COMMENT | length << 16);
    text_append_bytes(out, source->origin, length);
    text_append_bytes(out, padding, padded - length);
    text_append_bytes(out, block + INTERFACE_HEAD_BYTES, options);
    if (!options) {
        append_number(out, 0); // the end of options
    }
    append_number(out, whole);
    return 0;
}

static int take_packet(const struct capture_source *source, const uint8_t *block, uint32_t bytes, struct text *out,
                       struct panther_error *error)
{
    uint32_t interface = bytes >= FRAME_BYTES + 4 ? number_at(block + HEAD_BYTES) : UINT32_MAX;
    if (interface >= source->count) {
        return error_set(error, PANTHER_EINVALID, "a packet of interface %" PRIu32 ", which was not described", interface);
    }
    text_append_bytes(out, block, HEAD_BYTES);
    append_number(out, source->interfaces[interface]);
    text_append_bytes(out, block + HEAD_BYTES + 4, bytes - HEAD_BYTES - 4);
    return 0;
}

static int take_block(struct capture_source *source, const uint8_t *block, uint32_t bytes, struct text *out, struct panther_error *error)
{
    uint32_t type = number_at(block);
    if (type != BLOCK_SECTION && !source->has_section) {
        return error_set(error, PANTHER_EINVALID, "it does not begin as a pcapng file does");
    }
    switch (type) {
    case BLOCK_SECTION:
        return take_section(source, block, bytes, out, error);
    case BLOCK_INTERFACE:
        return take_interface(source, block, bytes, out, error);
    case BLOCK_PACKET:
    case BLOCK_STATISTICS:
        return take_packet(source, block, bytes, out, error);
    case BLOCK_PACKET_OLD:
    case BLOCK_PACKET_SIMPLE:
        return error_set(error, PANTHER_EINVALID, "a packet block of a kind that is not written any more");
    default: // names, secrets, what programs add: of no interface
        text_append_bytes(out, block, bytes);
        return 0;
    }
}

// ---- many

int capture_blocks_add(struct capture_source *source, const void *data, size_t bytes, struct text *out, struct panther_error *error)
{
    text_append_bytes(&source->rest, data, bytes);
    const uint8_t *at = (const uint8_t *)text_string(&source->rest);
    size_t left = source->rest.length;
    int result = 0;
    while (result == 0 && left >= HEAD_BYTES) {
        uint32_t length = number_at(at + 4);
        if (length < FRAME_BYTES || length % 4 != 0 || length > BLOCK_MAX_BYTES) {
            result = error_set(error, PANTHER_EINVALID, "a block of %" PRIu32 " bytes", length);
        } else if (left < length) {
            break;
        } else if (number_at(at + length - 4) != length) {
            result = error_set(error, PANTHER_EINVALID, "a block of two lengths");
        } else {
            result = take_block(source, at, length, out, error);
            at += length;
            left -= length;
        }
    }
    struct text rest = {0};
    text_append_bytes(&rest, at, left);
    text_free(&source->rest);
    source->rest = rest;
    return result;
}
