// RFC 7541, section by section: integers (5.1), strings (5.2), the tables (2.3), the representations (6).
#include "hpack.h"

#include "huffman.h"

#include <stdlib.h>
#include <string.h>

#define STATIC_ENTRIES 61
#define ENTRY_OVERHEAD_BYTES 32

// Appendix A
static const struct {
    const char *name, *value;
} static_table[STATIC_ENTRIES] = {
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
};

// ---- the dynamic table

void hpack_table_init(struct hpack_table *table)
{
    memset(table, 0, sizeof(*table));
    table->limit = HPACK_TABLE_BYTES;
}

static void evict_to(struct hpack_table *table, size_t bytes)
{
    while (table->count > 0 && table->bytes > bytes) {
        struct hpack_entry *oldest = &table->entries[--table->count];
        table->bytes -= oldest->name.bytes + oldest->value.bytes + ENTRY_OVERHEAD_BYTES;
        free(oldest->name.data);
        free(oldest->value.data);
    }
}

void hpack_table_free(struct hpack_table *table)
{
    evict_to(table, 0);
}

static struct hpack_text copy_text(const char *data, size_t bytes)
{
    struct hpack_text text = {malloc(bytes + 1), bytes};
    if (!text.data)
        abort();
    memcpy(text.data, data, bytes);
    text.data[bytes] = '\0';
    return text;
}

// Takes the texts. One that is larger than the table empties it (4.4).
static void insert(struct hpack_table *table, struct hpack_text name, struct hpack_text value)
{
    size_t bytes = name.bytes + value.bytes + ENTRY_OVERHEAD_BYTES;
    evict_to(table, bytes > table->limit ? 0 : table->limit - bytes);
    if (bytes > table->limit) {
        free(name.data);
        free(value.data);
        return;
    }
    memmove(table->entries + 1, table->entries, table->count * sizeof(table->entries[0]));
    table->entries[0] = (struct hpack_entry){name, value};
    table->count++;
    table->bytes += bytes;
}

// ---- reading

struct reader {
    const uint8_t *at, *end;
};

static bool read_integer(struct reader *reader, unsigned prefix_bits, uint32_t *number)
{
    uint32_t mask = (1U << prefix_bits) - 1;
    if (reader->at == reader->end)
        return false;
    uint64_t value = *reader->at++ & mask;
    if (value == mask)
        for (unsigned shift = 0;; shift += 7) {
            if (reader->at == reader->end || shift > 28)
                return false;
            uint8_t byte = *reader->at++;
            value += (uint64_t)(byte & 0x7f) << shift;
            if (!(byte & 0x80))
                break;
        }
    *number = (uint32_t)value;
    return value <= UINT32_MAX;
}

// Into text, to be freed. NULL: done; else what is wrong.
static const char *read_string(struct reader *reader, struct hpack_text *text)
{
    uint32_t length;
    bool is_coded = reader->at < reader->end && *reader->at & 0x80;
    if (!read_integer(reader, 7, &length) || length > (size_t)(reader->end - reader->at))
        return "a string is longer than its field block (RFC 7541, 5.2)";
    const uint8_t *data = reader->at;
    reader->at += length;
    if (length > HPACK_TEXT_MAX_BYTES)
        return "a string is longer than 64 KiB";
    if (!is_coded) {
        *text = copy_text((const char *)data, length);
        return NULL;
    }
    size_t room = (size_t)length * 8 / 5 + 1; // no code is shorter than 5 bits
    text->data = malloc(room + 1);
    if (!text->data)
        abort();
    if (!huffman_decode(data, length, text->data, room, &text->bytes)) {
        free(text->data);
        text->data = NULL;
        return "a string's Huffman code is wrong (RFC 7541, 5.2)";
    }
    text->data[text->bytes] = '\0';
    return NULL;
}

// The entry at an index, as copies. False: there is none.
static bool look_up(const struct hpack_table *table, uint32_t index, struct hpack_text *name, struct hpack_text *value)
{
    if (index >= 1 && index <= STATIC_ENTRIES) {
        *name = copy_text(static_table[index - 1].name, strlen(static_table[index - 1].name));
        *value = copy_text(static_table[index - 1].value, strlen(static_table[index - 1].value));
        return true;
    }
    if (index == 0 || index - STATIC_ENTRIES > table->count)
        return false;
    const struct hpack_entry *entry = &table->entries[index - STATIC_ENTRIES - 1];
    *name = copy_text(entry->name.data, entry->name.bytes);
    *value = copy_text(entry->value.data, entry->value.bytes);
    return true;
}

// A literal: its name by index or as a string, then its value. Both are set when it returns NULL, neither else.
static const char *read_literal(struct hpack_table *table, struct reader *reader, unsigned prefix_bits, struct hpack_text *name,
                                struct hpack_text *value)
{
    uint32_t index;
    const char *problem = NULL;
    if (!read_integer(reader, prefix_bits, &index))
        return "an integer is cut short or too large (RFC 7541, 5.1)";
    if (index == 0)
        problem = read_string(reader, name);
    else if (look_up(table, index, name, value))
        free(value->data);
    else
        problem = "an index is in no table (RFC 7541, 2.3.3)";
    if (problem)
        return problem;
    problem = read_string(reader, value);
    if (problem)
        free(name->data);
    return problem;
}

static const char *read_size_update(struct hpack_table *table, struct reader *reader)
{
    uint32_t limit;
    if (!read_integer(reader, 5, &limit) || limit > HPACK_TABLE_BYTES)
        return "a table size update is above SETTINGS_HEADER_TABLE_SIZE (RFC 7541, 6.3)";
    table->limit = limit;
    evict_to(table, limit);
    return NULL;
}

// One representation that is a field.
static const char *read_field(struct hpack_table *table, struct reader *reader, hpack_field_fn *field, void *context)
{
    struct hpack_text name, value;
    uint8_t first = *reader->at;
    bool is_indexed = first & 0x80, is_inserted = !is_indexed && first & 0x40;
    const char *problem = NULL;
    uint32_t index;
    if (!is_indexed)
        problem = read_literal(table, reader, is_inserted ? 6 : 4, &name, &value);
    else if (!read_integer(reader, 7, &index) || !look_up(table, index, &name, &value))
        problem = "an index is in no table (RFC 7541, 2.3.3)";
    if (problem)
        return problem;
    field(context, name.data, name.bytes, value.data, value.bytes);
    if (is_inserted) {
        insert(table, name, value);
    } else {
        free(name.data);
        free(value.data);
    }
    return NULL;
}

const char *hpack_decode(struct hpack_table *table, const uint8_t *data, size_t bytes, hpack_field_fn *field, void *context)
{
    struct reader reader = {data, data + bytes};
    bool any_field = false;
    while (reader.at < reader.end) {
        bool is_update = (*reader.at & 0xe0) == 0x20;
        if (is_update && any_field)
            return "a table size update stands behind a field (RFC 7541, 4.2)";
        const char *problem = is_update ? read_size_update(table, &reader) : read_field(table, &reader, field, context);
        if (problem)
            return problem;
        any_field |= !is_update;
    }
    return NULL;
}

// ---- writing

void hpack_put_bytes(struct hpack_block *block, const void *data, size_t bytes)
{
    if (bytes > sizeof(block->data) - block->bytes)
        return;
    memcpy(block->data + block->bytes, data, bytes);
    block->bytes += bytes;
}

static void put_integer(struct hpack_block *block, uint8_t first, unsigned prefix_bits, uint32_t number)
{
    uint8_t mask = (uint8_t)((1U << prefix_bits) - 1), byte = (uint8_t)(first | (number < mask ? number : mask));
    hpack_put_bytes(block, &byte, 1);
    if (number < mask)
        return;
    for (number -= mask; number >= 0x80; number >>= 7) {
        byte = (uint8_t)(0x80 | (number & 0x7f));
        hpack_put_bytes(block, &byte, 1);
    }
    byte = (uint8_t)number;
    hpack_put_bytes(block, &byte, 1);
}

static void put_string(struct hpack_block *block, const char *text)
{
    put_integer(block, 0, 7, (uint32_t)strlen(text));
    hpack_put_bytes(block, text, strlen(text));
}

void hpack_put(struct hpack_block *block, enum hpack_index index, const char *name, const char *value)
{
    put_integer(block, (uint8_t)index, index == HPACK_INDEXED ? 6 : 4, 0);
    put_string(block, name);
    put_string(block, value);
}

void hpack_put_index(struct hpack_block *block, uint32_t index)
{
    put_integer(block, 0x80, 7, index);
}
