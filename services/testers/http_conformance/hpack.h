// Header compression of HTTP/2 (RFC 7541): a full decoder for what a server sends, and the few representations that we send ourselves.
// Pure; what it reads comes from the server under test. h2_client.c calls it, and a fuzz target.
#ifndef HTTP_CONFORMANCE_HPACK_H
#define HTTP_CONFORMANCE_HPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPACK_TABLE_BYTES 4096                     // SETTINGS_HEADER_TABLE_SIZE's default: we never change it
#define HPACK_ENTRIES_MAX (HPACK_TABLE_BYTES / 32) // each entry counts 32 bytes at least (RFC 7541, 4.1)
#define HPACK_TEXT_MAX_BYTES 65536                 // a name or a value

struct hpack_text {
    char *data; // may hold anything, NUL too
    size_t bytes;
};

struct hpack_entry {
    struct hpack_text name, value;
};

struct hpack_table {
    struct hpack_entry entries[HPACK_ENTRIES_MAX]; // newest first
    size_t count, bytes, limit;
};

void hpack_table_init(struct hpack_table *table);
void hpack_table_free(struct hpack_table *table);

// Called for each field of a block; its texts live until it returns.
typedef void hpack_field_fn(void *context, const char *name, size_t name_bytes, const char *value, size_t value_bytes);
// A whole field block. NULL, or what is wrong with it (static): then the connection is over.
const char *hpack_decode(struct hpack_table *table, const uint8_t *data, size_t bytes, hpack_field_fn *field, void *context);

// ---- what we send

struct hpack_block {
    size_t bytes;
    uint8_t data[4096];
};

enum hpack_index {
    HPACK_NOT_INDEXED = 0x00,
    HPACK_INDEXED = 0x40, // goes into the peer's table
};

// Literal name and value, no Huffman code. What does not fit is left out: requests here are short.
void hpack_put(struct hpack_block *block, enum hpack_index index, const char *name, const char *value);
void hpack_put_bytes(struct hpack_block *block, const void *data, size_t bytes);
// An entry of the static (1..61) or dynamic (62..) table.
void hpack_put_index(struct hpack_block *block, uint32_t index);

#endif
