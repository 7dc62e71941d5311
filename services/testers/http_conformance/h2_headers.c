// Cases of HTTP/2: field blocks in several frames, HPACK, and requests that are malformed (RFC 9113, 8.1.1 to 8.3).
#include "cases.h"
#include "h2_expect.h"

#include <string.h>

// ---- CONTINUATION

void case_h2_continuation(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block;
    if (!h2)
        return;
    h2_put_request(h2, &block, "GET", run_path(run, run->settings->size));
    struct h2_stream *stream = h2_new_stream(h2, false);
    size_t part = block.bytes / 3;
    h2_send(h2, FRAME_HEADERS, FLAG_END_STREAM, stream->id, block.data, part);
    h2_send(h2, FRAME_CONTINUATION, 0, stream->id, block.data + part, part);
    h2_send(h2, FRAME_CONTINUATION, 0, stream->id, NULL, 0);
    h2_send(h2, FRAME_CONTINUATION, FLAG_END_HEADERS, stream->id, block.data + 2 * part, block.bytes - 2 * part);
    if (h2_expect_file(h2, stream))
        run_pass(run, "a field block in four frames");
}

// HEADERS without END_HEADERS, then a frame that is no CONTINUATION of it.
static void broken_block(struct run *run, uint8_t type, uint8_t flags, uint32_t stream_id, const void *payload, size_t bytes)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block;
    if (!h2)
        return;
    h2_put_request(h2, &block, "GET", run_path(run, run->settings->size));
    struct h2_stream *stream = h2_new_stream(h2, false);
    h2_send(h2, FRAME_HEADERS, FLAG_END_STREAM, stream->id, block.data, block.bytes / 2);
    h2_send(h2, type, flags, stream_id, payload, bytes);
    h2_send(h2, FRAME_CONTINUATION, FLAG_END_HEADERS, stream->id, block.data + block.bytes / 2, block.bytes - block.bytes / 2);
    h2_expect_connection_error(h2, H2_PROTOCOL_ERROR);
}

void case_h2_interrupted_block(struct run *run)
{
    broken_block(run, FRAME_DATA, FLAG_END_STREAM, 1, "panther", 7);
}

void case_h2_unknown_in_block(struct run *run)
{
    broken_block(run, FRAME_UNKNOWN, 0, 1, "panther", 7);
}

void case_h2_continuation_alone(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    h2_send_get(h2);
    h2_send(h2, FRAME_CONTINUATION, FLAG_END_HEADERS, 1, NULL, 0);
    h2_expect_connection_error(h2, H2_PROTOCOL_ERROR);
}

// ---- HPACK

void case_h2_hpack_table(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block = {0};
    if (!h2)
        return;
    // into the table, then by index: the newest entry is 62
    hpack_put(&block, HPACK_INDEXED, ":method", "GET");
    hpack_put(&block, HPACK_INDEXED, ":scheme", run->tls ? "https" : "http");
    hpack_put(&block, HPACK_INDEXED, ":path", run_path(run, run->settings->size));
    hpack_put(&block, HPACK_INDEXED, ":authority", panther_endpoint_text(run->service, run->endpoint));
    bool first = h2_expect_file(h2, h2_send_block(h2, &block, FLAG_END_STREAM));
    block.bytes = 0;
    for (uint32_t index = 65; index >= 62; index--)
        hpack_put_index(&block, index);
    if (first && h2_expect_file(h2, h2_send_block(h2, &block, FLAG_END_STREAM)))
        run_pass(run, "the second request came by index");
}

static void wrong_block(struct run *run, const void *data, size_t bytes)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block;
    if (!h2)
        return;
    h2_put_request(h2, &block, "GET", run_path(run, run->settings->size));
    hpack_put_bytes(&block, data, bytes);
    h2_send_block(h2, &block, FLAG_END_STREAM);
    h2_expect_connection_error(h2, H2_COMPRESSION_ERROR);
}

void case_h2_hpack_index(struct run *run)
{
    wrong_block(run, "\xff\x80\x01", 3); // indexed, 255: no such entry
}

void case_h2_hpack_index_0(struct run *run)
{
    wrong_block(run, "\x80", 1);
}

void case_h2_hpack_huffman(struct run *run)
{
    wrong_block(run, "\0\1x\x84\xff\xff\xff\xff", 8); // a value that begins with EOS
}

void case_h2_hpack_string(struct run *run)
{
    wrong_block(run, "\0\1x\x20y", 5); // 32 bytes are named, one is there
}

void case_h2_hpack_table_size(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block = {0}, request;
    if (!h2)
        return;
    hpack_put_bytes(&block, "\x3f\xe1\xff\xff\x07", 5); // to 16 MiB - 1 + 31; no server's setting allows it
    h2_put_request(h2, &request, "GET", run_path(run, run->settings->size));
    hpack_put_bytes(&block, request.data, request.bytes);
    h2_send_block(h2, &block, FLAG_END_STREAM);
    h2_expect_connection_error(h2, H2_COMPRESSION_ERROR);
}

// ---- malformed requests

struct field {
    const char *name, *value;
};

// A GET of the small file, with its own four fields unless they are named in `without`, and more in front or behind.
static void malformed(struct run *run, const char *without, const struct field *front, const struct field *behind)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block = {0};
    if (!h2)
        return;
    const struct field own[] = {{":method", "GET"},
                                {":scheme", run->tls ? "https" : "http"},
                                {":path", run_path(run, run->settings->size)},
                                {":authority", panther_endpoint_text(run->service, run->endpoint)}};
    if (front)
        hpack_put(&block, HPACK_NOT_INDEXED, front->name, front->value);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (!without || strcmp(without, own[i].name) != 0)
            hpack_put(&block, HPACK_NOT_INDEXED, own[i].name, own[i].value);
    if (behind)
        hpack_put(&block, HPACK_NOT_INDEXED, behind->name, behind->value);
    h2_expect_malformed(h2, h2_send_block(h2, &block, FLAG_END_STREAM));
}

static void malformed_field(struct run *run, const char *name, const char *value)
{
    malformed(run, NULL, NULL, &(const struct field){name, value});
}

void case_h2_uppercase_name(struct run *run)
{
    malformed_field(run, "X-Panther", "1");
}

void case_h2_field_value(struct run *run)
{
    malformed_field(run, "x-panther", "1\r\nx-smuggled: 1");
}

void case_h2_connection_field(struct run *run)
{
    malformed_field(run, "connection", "keep-alive");
}

void case_h2_transfer_encoding(struct run *run)
{
    malformed_field(run, "transfer-encoding", "chunked");
}

void case_h2_te(struct run *run)
{
    malformed_field(run, "te", "gzip");
}

void case_h2_no_method(struct run *run)
{
    malformed(run, ":method", NULL, NULL);
}

void case_h2_no_scheme(struct run *run)
{
    malformed(run, ":scheme", NULL, NULL);
}

void case_h2_no_path(struct run *run)
{
    malformed(run, ":path", NULL, NULL);
}

void case_h2_empty_path(struct run *run)
{
    malformed(run, ":path", &(const struct field){":path", ""}, NULL);
}

void case_h2_two_paths(struct run *run)
{
    malformed(run, NULL, &(const struct field){":path", "/"}, NULL);
}

void case_h2_unknown_pseudo(struct run *run)
{
    malformed(run, NULL, &(const struct field){":panther", "1"}, NULL);
}

void case_h2_response_pseudo(struct run *run)
{
    malformed(run, NULL, &(const struct field){":status", "200"}, NULL);
}

void case_h2_pseudo_behind(struct run *run)
{
    malformed(run, NULL, &(const struct field){"x-panther", "1"}, NULL);
}

// A request whose response cannot end before the server has read all of it: its content has no window.
static struct h2 *open_blocked(struct run *run)
{
    return h2_open(run, &(const struct h2_setting){SETTING_INITIAL_WINDOW_SIZE, 0}, 1);
}

void case_h2_content_length(struct run *run)
{
    struct h2 *h2 = open_blocked(run);
    struct hpack_block block;
    if (!h2)
        return;
    h2_put_request(h2, &block, "POST", run_path(run, run->settings->size));
    hpack_put(&block, HPACK_NOT_INDEXED, "content-length", "3");
    h2_cork(h2);
    struct h2_stream *stream = h2_send_block(h2, &block, 0);
    h2_send(h2, FRAME_DATA, FLAG_END_STREAM, stream->id, "panther", 7);
    h2_uncork(h2);
    h2_expect_error_or_response(h2, stream);
}

void case_h2_trailers(struct run *run)
{
    struct h2 *h2 = open_blocked(run);
    struct hpack_block block;
    if (!h2)
        return;
    h2_put_request(h2, &block, "POST", run_path(run, run->settings->size));
    h2_cork(h2);
    struct h2_stream *stream = h2_send_block(h2, &block, 0);
    h2_send(h2, FRAME_DATA, 0, stream->id, "panther", 7);
    block.bytes = 0;
    hpack_put(&block, HPACK_NOT_INDEXED, ":path", "/");
    h2_send(h2, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, stream->id, block.data, block.bytes);
    h2_uncork(h2);
    h2_expect_stream_error(h2, stream, H2_PROTOCOL_ERROR);
}
