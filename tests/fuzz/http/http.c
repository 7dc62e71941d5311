// What the tester http_conformance reads from a server under test: responses of HTTP/1.1, field blocks, frames. The first byte says which.
#include "services/testers/http_conformance/frame.h"
#include "services/testers/http_conformance/h1_message.h"
#include "services/testers/http_conformance/hpack.h"
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

// What is taken is within the input, and a response that is whole stays whole when more comes behind it (unless the end is its end).
static void response(const char *data, size_t size, bool ended, const char *method)
{
    struct h1_response first, again;
    const char *problem;
    enum h1_state state = h1_parse(data, size, ended, method, &first, &problem);
    must((state == H1_INVALID) == (problem != NULL));
    if (state != H1_COMPLETE)
        return;
    must(first.head_bytes <= first.consumed && first.consumed <= size && first.body_bytes <= size - first.head_bytes);
    char *body = malloc(first.body_bytes + 1);
    h1_copy_body(data, &first, body);
    free(body);
    if (!first.until_close)
        must(h1_parse(data, first.consumed, false, method, &again, &problem) == H1_COMPLETE && again.consumed == first.consumed);
}

static void field(void *context, const char *name, size_t name_bytes, const char *value, size_t value_bytes)
{
    size_t *sum = context;
    for (size_t i = 0; i < name_bytes; i++)
        *sum += (unsigned char)name[i];
    for (size_t i = 0; i < value_bytes; i++)
        *sum += (unsigned char)value[i];
}

// Blocks of up to 64 bytes, one after the other, on one table; it never grows above its limit.
static void blocks(const uint8_t *data, size_t size)
{
    struct hpack_table table;
    size_t sum = 0;
    hpack_table_init(&table);
    while (size > 0) {
        size_t bytes = 1 + data[0] % 64;
        bytes = bytes < size ? bytes : size;
        if (hpack_decode(&table, data + 1, bytes - 1, field, &sum))
            break;
        must(table.bytes <= table.limit && table.limit <= HPACK_TABLE_BYTES && table.count <= HPACK_ENTRIES_MAX);
        data += bytes;
        size -= bytes;
    }
    hpack_table_free(&table);
}

static void frames(const uint8_t *data, size_t size)
{
    struct frame frame;
    int64_t used;
    while ((used = frame_read(data, size, FRAME_DEFAULT_MAX_BYTES, &frame)) > 0) {
        const uint8_t *content;
        size_t bytes;
        must((size_t)used <= size);
        if (frame_content(&frame, &content, &bytes))
            must(content >= frame.payload && content + bytes <= frame.payload + frame.bytes);
        must(frame_name(frame.type) && h2_error_name(frame.stream));
        data += used;
        size -= (size_t)used;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] & 1)
        response((const char *)data + 1, size - 1, data[0] & 2, data[0] & 4 ? "HEAD" : "GET");
    else if (data[0] & 2)
        blocks(data + 1, size - 1);
    else
        frames(data + 1, size - 1);
    return 0;
}
