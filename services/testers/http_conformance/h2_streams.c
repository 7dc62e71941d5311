// Cases of HTTP/2: streams, their identifiers and states, frames on streams where they must not be.
#include "cases.h"
#include "h2_expect.h"

#include <inttypes.h>
#include <string.h>

#define MULTIPLEXED 20

void case_h2_get(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (h2 && h2_expect_file(h2, h2_send_get(h2)))
        run_pass(run, "%" PRIu64 " bytes", run->settings->size);
}

void case_h2_head(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block;
    if (!h2)
        return;
    h2_put_request(h2, &block, "HEAD", run_path(run, run->settings->size));
    struct h2_stream *stream = h2_new_stream(h2, true);
    h2_send(h2, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, stream->id, block.data, block.bytes);
    enum arrival arrival = h2_wait_stream(h2, stream, UINT64_MAX);
    if (!stream->has_ended)
        run_failed(run, "no response: %s", stream->is_reset ? h2_error_name(stream->reset_code) : arrival_text(arrival));
    else if (stream->status == 200 && stream->has_length && stream->length != run->settings->size)
        run_violation(run, "content-length is %" PRIu64 ", GET would have %" PRIu64, stream->length, run->settings->size);
    run_pass(run, "status %u, no content", stream->status);
}

void case_h2_multiplexing(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    h2->gives_window = true;
    unsigned count = h2->peer_max_streams < MULTIPLEXED ? h2->peer_max_streams : MULTIPLEXED;
    struct h2_stream *streams[MULTIPLEXED];
    for (unsigned i = 0; i < count; i++)
        streams[i] = h2_send_get(h2);
    for (unsigned i = 0; i < count; i++)
        if (!h2_expect_file(h2, streams[i]))
            return;
    run_pass(run, "%u streams at once", count);
}

// Streams that are held open by a window of 0, until one is too many.
void case_h2_too_many_streams(struct run *run)
{
    struct h2 *h2 = h2_open(run, &(const struct h2_setting){SETTING_INITIAL_WINDOW_SIZE, 0}, 1);
    struct h2_stream *last = NULL;
    if (!h2)
        return;
    if (h2->peer_max_streams >= H2_STREAMS_MAX) {
        run_not_applicable(run, "the server sets no limit that can be reached");
        return;
    }
    for (uint32_t i = 0; i < h2->peer_max_streams; i++)
        last = h2_send_get(h2);
    if (last && h2_stream_is_over(last)) {
        run_not_applicable(run, "the streams do not stay open");
        return;
    }
    h2_expect_stream_error(h2, h2_send_get(h2), H2_REFUSED_STREAM);
}

// ---- identifiers

static void wrong_stream_id(struct run *run, bool after_another, uint32_t id)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block;
    if (!h2)
        return;
    if (after_another) {
        h2->next_stream = 5;
        if (!h2_expect_file(h2, h2_send_get(h2)))
            return;
    }
    h2_put_request(h2, &block, "GET", run_path(run, run->settings->size));
    // what the server answers there is not to be judged as on an idle stream
    h2->next_stream = id;
    h2_send_block(h2, &block, FLAG_END_STREAM);
    h2_expect_connection_error(h2, H2_PROTOCOL_ERROR);
}

void case_h2_even_stream(struct run *run)
{
    wrong_stream_id(run, false, 2);
}

void case_h2_lower_stream(struct run *run)
{
    wrong_stream_id(run, true, 3);
}

static void wrong_frame(struct run *run, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t bytes,
                        enum h2_error code)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    h2_send(h2, type, flags, stream, payload, bytes);
    h2_expect_connection_error(h2, code);
}

void case_h2_headers_on_0(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block;
    if (!h2)
        return;
    h2_put_request(h2, &block, "GET", run_path(run, run->settings->size));
    h2_send(h2, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 0, block.data, block.bytes);
    h2_expect_connection_error(h2, H2_PROTOCOL_ERROR);
}

void case_h2_data_on_0(struct run *run)
{
    wrong_frame(run, FRAME_DATA, FLAG_END_STREAM, 0, "panther", 7, H2_PROTOCOL_ERROR);
}

void case_h2_rst_on_0(struct run *run)
{
    wrong_frame(run, FRAME_RST_STREAM, 0, 0, "\0\0\0\10", 4, H2_PROTOCOL_ERROR);
}

void case_h2_priority_on_0(struct run *run)
{
    wrong_frame(run, FRAME_PRIORITY, 0, 0, "\0\0\0\0\20", 5, H2_PROTOCOL_ERROR);
}

// ---- states

void case_h2_data_on_idle(struct run *run)
{
    wrong_frame(run, FRAME_DATA, FLAG_END_STREAM, 1, "panther", 7, H2_PROTOCOL_ERROR);
}

void case_h2_rst_on_idle(struct run *run)
{
    wrong_frame(run, FRAME_RST_STREAM, 0, 1, "\0\0\0\10", 4, H2_PROTOCOL_ERROR);
}

void case_h2_window_update_on_idle(struct run *run)
{
    wrong_frame(run, FRAME_WINDOW_UPDATE, 0, 1, "\0\0\0\144", 4, H2_PROTOCOL_ERROR);
}

// A stream that we have ended and the server cannot end: it may not send content. NULL: the run has an outcome.
static struct h2_stream *half_closed(struct run *run, struct h2 **h2)
{
    *h2 = h2_open(run, &(const struct h2_setting){SETTING_INITIAL_WINDOW_SIZE, 0}, 1);
    if (!*h2)
        return NULL;
    struct h2_stream *stream = h2_send_get(*h2);
    // the header section may wait for content to go with (nginx over TLS), so that is not waited for
    bool is_alive = h2_ping(*h2);
    if (is_alive && !h2_stream_is_over(stream))
        return stream;
    run_incomplete(run, "%s: no stream could be held open (status %u)", run->section, stream->status);
    return NULL;
}

void case_h2_data_after_end(struct run *run)
{
    struct h2 *h2;
    struct h2_stream *stream = half_closed(run, &h2);
    if (!stream)
        return;
    h2_send(h2, FRAME_DATA, FLAG_END_STREAM, stream->id, "panther", 7);
    h2_expect_stream_error(h2, stream, H2_STREAM_CLOSED);
}

void case_h2_headers_after_end(struct run *run)
{
    struct h2 *h2;
    struct hpack_block block = {0};
    struct h2_stream *stream = half_closed(run, &h2);
    if (!stream)
        return;
    hpack_put(&block, HPACK_NOT_INDEXED, "x-panther", "1");
    h2_send(h2, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, stream->id, block.data, block.bytes);
    h2_expect_stream_error(h2, stream, H2_STREAM_CLOSED);
}

void case_h2_rst_length(struct run *run)
{
    struct h2 *h2;
    struct h2_stream *stream = half_closed(run, &h2);
    if (!stream)
        return;
    h2_send(h2, FRAME_RST_STREAM, 0, stream->id, "\0\0\0", 3);
    h2_expect_connection_error(h2, H2_FRAME_SIZE_ERROR);
}

void case_h2_priority_length(struct run *run)
{
    struct h2 *h2;
    struct h2_stream *stream = half_closed(run, &h2);
    if (!stream)
        return;
    h2_send(h2, FRAME_PRIORITY, 0, stream->id, "\0\0\0\0", 4);
    h2_expect_stream_error(h2, stream, H2_FRAME_SIZE_ERROR);
}

// ---- padding

// A request that has content, so that DATA may follow.
static struct h2_stream *with_content(struct h2 *h2)
{
    struct hpack_block block;
    h2_put_request(h2, &block, "POST", run_path(h2->run, h2->run->settings->size));
    return h2_send_block(h2, &block, 0);
}

void case_h2_data_padding(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    h2_cork(h2);
    struct h2_stream *stream = with_content(h2);
    h2_send(h2, FRAME_DATA, FLAG_PADDED | FLAG_END_STREAM, stream->id, "\10panther", 8);
    h2_uncork(h2);
    h2_expect_connection_error(h2, H2_PROTOCOL_ERROR);
}

void case_h2_headers_padding(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block;
    if (!h2)
        return;
    uint8_t payload[sizeof(block.data) + 1];
    h2_put_request(h2, &block, "GET", run_path(run, run->settings->size));
    payload[0] = (uint8_t)(block.bytes + 1);
    memcpy(payload + 1, block.data, block.bytes);
    struct h2_stream *stream = h2_new_stream(h2, false);
    h2_send(h2, FRAME_HEADERS, FLAG_PADDED | FLAG_END_HEADERS | FLAG_END_STREAM, stream->id, payload, block.bytes + 1);
    // "MUST be treated as a PROTOCOL_ERROR": of the connection or of the stream is not said
    h2_expect_stream_error(h2, stream, H2_PROTOCOL_ERROR);
}

// Right padding and the old priority are taken off.
void case_h2_padded_request(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block, request;
    if (!h2)
        return;
    h2_put_request(h2, &request, "GET", run_path(run, run->settings->size));
    block.bytes = 0;
    hpack_put_bytes(&block, "\12\0\0\0\0\17", 6);
    hpack_put_bytes(&block, request.data, request.bytes);
    hpack_put_bytes(&block, "\0\0\0\0\0\0\0\0\0\0", 10);
    struct h2_stream *stream = h2_new_stream(h2, false);
    h2_send(h2, FRAME_HEADERS, FLAG_PADDED | FLAG_PRIORITY | FLAG_END_HEADERS | FLAG_END_STREAM, stream->id, block.data, block.bytes);
    if (h2_expect_file(h2, stream))
        run_pass(run, "status 200");
}
