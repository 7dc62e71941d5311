// Follows what the server sends. Each kind of frame has a function; all that a server MUST NOT do is said here.
#include "h2_client.h"

#include "h1_message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct h2_stream *h2_stream(struct h2 *h2, uint32_t id)
{
    for (size_t i = 0; i < h2->stream_count; i++)
        if (h2->streams[i].id == id)
            return &h2->streams[i];
    return NULL;
}

bool h2_stream_is_over(const struct h2_stream *stream)
{
    return stream->has_ended || stream->is_reset;
}

// The stream of a frame that only belongs on one that we have opened. NULL: the run has a verdict.
static struct h2_stream *open_stream(struct h2 *h2, const struct frame *frame)
{
    struct h2_stream *stream = h2_stream(h2, frame->stream);
    if (!stream)
        h2_broke(h2, "5.1", "the server sent %s on stream %" PRIu32 ", which is idle", frame_name(frame->type), frame->stream);
    else if (h2_stream_is_over(stream) && frame->type != FRAME_RST_STREAM && frame->type != FRAME_WINDOW_UPDATE)
        h2_broke(h2, "5.1", "the server sent %s on stream %" PRIu32 " behind its end", frame_name(frame->type), frame->stream);
    else
        return stream;
    return NULL;
}

// ---- DATA

static void end_stream(struct h2 *h2, struct h2_stream *stream)
{
    stream->has_ended = true;
    if (!stream->has_head)
        h2_broke(h2, "8.1", "stream %" PRIu32 " ended without a final response", stream->id);
    else if (stream->has_length && !stream->is_head && stream->status != 304 && stream->length != stream->data_bytes)
        h2_broke(h2, "8.1.1", "content-length is %" PRIu64 ", %" PRIu64 " bytes came", stream->length, stream->data_bytes);
}

static void give_window(struct h2 *h2, struct h2_stream *stream, uint32_t bytes)
{
    if (!h2->gives_window || bytes == 0)
        return;
    h2_send_window_update(h2, NULL, bytes);
    if (!h2_stream_is_over(stream))
        h2_send_window_update(h2, stream, bytes);
}

static void on_data(struct h2 *h2, const struct frame *frame)
{
    const uint8_t *content;
    size_t bytes;
    struct h2_stream *stream = open_stream(h2, frame);
    if (!stream)
        return;
    if (!frame_content(frame, &content, &bytes)) {
        h2_broke(h2, "6.1", "DATA has more padding than bytes");
        return;
    }
    h2->window -= frame->bytes;
    stream->window -= frame->bytes;
    if (frame->bytes > 0 && (h2->window < 0 || stream->window < 0))
        h2_broke(h2, "6.9.1", "the server sent %" PRId64 " bytes more than the window of the %s allows",
                 -(h2->window < 0 ? h2->window : stream->window), h2->window < 0 ? "connection" : "stream");
    if (!stream->has_head)
        h2_broke(h2, "8.1", "DATA came before the response's HEADERS");
    if (stream->is_head && bytes > 0)
        h2_broke(h2, "8.1", "the response to HEAD has content");
    if (stream->difference < 0)
        stream->difference = run_difference(h2->run, stream->data_bytes, content, bytes);
    stream->data_bytes += bytes;
    if (frame->flags & FLAG_END_STREAM)
        end_stream(h2, stream);
    give_window(h2, stream, frame->bytes);
}

// ---- HEADERS

struct block_reader {
    struct h2 *h2;
    struct h2_stream *stream;
    bool any_regular;
    unsigned status;
    bool has_length;
    uint64_t length;
};

static bool is_connection_specific(const char *name, size_t bytes)
{
    static const char *const names[] = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (bytes == strlen(names[i]) && memcmp(name, names[i], bytes) == 0)
            return true;
    return false;
}

static void on_pseudo(struct block_reader *reader, const char *name, size_t name_bytes, const char *value, size_t value_bytes)
{
    uint64_t status;
    if (name_bytes != 7 || memcmp(name, ":status", 7) != 0)
        h2_broke(reader->h2, "8.3", "a response has the pseudo-header field %.*s", (int)name_bytes, name);
    else if (reader->stream->has_head)
        h2_broke(reader->h2, "8.1", "a pseudo-header field stands in trailers");
    else if (reader->any_regular)
        h2_broke(reader->h2, "8.3", ":status stands behind a regular field");
    else if (reader->status != 0)
        h2_broke(reader->h2, "8.3", "there are two :status");
    else if (value_bytes != 3 || !h1_number(value, 3, &status) || status < 100)
        h2_broke(reader->h2, "8.3.2", ":status is \"%.*s\"", (int)value_bytes, value);
    else
        reader->status = (unsigned)status;
}

static void on_field(void *context, const char *name, size_t name_bytes, const char *value, size_t value_bytes)
{
    struct block_reader *reader = context;
    if (name_bytes > 0 && name[0] == ':') {
        on_pseudo(reader, name, name_bytes, value, value_bytes);
        return;
    }
    reader->any_regular = true;
    for (size_t i = 0; i < name_bytes; i++)
        if ((unsigned char)name[i] <= 0x20 || (unsigned char)name[i] >= 0x7f || (name[i] >= 'A' && name[i] <= 'Z') || name[i] == ':') {
            h2_broke(reader->h2, "8.2.1", "the field name \"%.*s\" has a character that it MUST NOT have", (int)name_bytes, name);
            return;
        }
    if (memchr(value, '\0', value_bytes) || memchr(value, '\r', value_bytes) || memchr(value, '\n', value_bytes))
        h2_broke(reader->h2, "8.2.1", "the value of %.*s has NUL, CR or LF", (int)name_bytes, name);
    if (is_connection_specific(name, name_bytes))
        h2_broke(reader->h2, "8.2.2", "the response has the connection-specific field %.*s", (int)name_bytes, name);
    if (name_bytes == 14 && memcmp(name, "content-length", 14) == 0) {
        reader->has_length = h1_number(value, value_bytes, &reader->length);
        if (!reader->has_length)
            h2_broke(reader->h2, "8.1.1", "content-length is \"%.*s\"", (int)value_bytes, value);
    }
}

static void on_block(struct h2 *h2, struct h2_stream *stream)
{
    struct block_reader reader = {.h2 = h2, .stream = stream};
    const char *problem = hpack_decode(&h2->table, h2->block, h2->block_bytes, on_field, &reader);
    bool is_last = h2->block_flags & FLAG_END_STREAM;
    h2->block_stream = 0;
    if (problem) {
        h2_broke(h2, "4.3", "a field block cannot be decoded: %s", problem);
        return;
    }
    if (!stream->has_head && reader.status == 0)
        h2_broke(h2, "8.3.2", "the response has no :status");
    if (stream->has_head && !is_last)
        h2_broke(h2, "8.1", "a second header section is no trailer section: it does not end the stream");
    if (!stream->has_head && reader.status >= 200) {
        stream->has_head = true;
        stream->status = reader.status;
        stream->has_length = reader.has_length;
        stream->length = reader.length;
    }
    if (is_last)
        end_stream(h2, stream);
}

static void add_to_block(struct h2 *h2, struct h2_stream *stream, const uint8_t *content, size_t bytes, bool is_end)
{
    if (bytes > sizeof(h2->block) - h2->block_bytes) {
        run_failed(h2->run, "a response's field block is larger than 64 KiB");
        return;
    }
    memcpy(h2->block + h2->block_bytes, content, bytes);
    h2->block_bytes += bytes;
    if (is_end)
        on_block(h2, stream);
}

static void on_headers(struct h2 *h2, const struct frame *frame)
{
    const uint8_t *content;
    size_t bytes;
    struct h2_stream *stream = open_stream(h2, frame);
    if (!stream)
        return;
    if (!frame_content(frame, &content, &bytes)) {
        h2_broke(h2, "6.2", "HEADERS has more padding than bytes");
        return;
    }
    h2->block_stream = frame->stream;
    h2->block_flags = frame->flags;
    h2->block_bytes = 0;
    add_to_block(h2, stream, content, bytes, frame->flags & FLAG_END_HEADERS);
}

static void on_continuation(struct h2 *h2, const struct frame *frame)
{
    struct h2_stream *stream = h2_stream(h2, frame->stream);
    if (h2->block_stream == 0 || !stream)
        h2_broke(h2, "6.10", "CONTINUATION follows no field block");
    else
        add_to_block(h2, stream, frame->payload, frame->bytes, frame->flags & FLAG_END_HEADERS);
}

// ---- the connection

static void on_setting(struct h2 *h2, uint16_t id, uint32_t value)
{
    if (id == SETTING_ENABLE_PUSH && value != 0)
        h2_broke(h2, "6.5.2", "a server set ENABLE_PUSH to %" PRIu32, value);
    if (id == SETTING_INITIAL_WINDOW_SIZE && value > H2_WINDOW_MAX)
        h2_broke(h2, "6.5.2", "the server set INITIAL_WINDOW_SIZE to %" PRIu32, value);
    if (id == SETTING_MAX_FRAME_SIZE && (value < FRAME_DEFAULT_MAX_BYTES || value > 0xffffff))
        h2_broke(h2, "6.5.2", "the server set MAX_FRAME_SIZE to %" PRIu32, value);
    if (id == SETTING_MAX_CONCURRENT_STREAMS)
        h2->peer_max_streams = value;
    if (id == SETTING_INITIAL_WINDOW_SIZE)
        h2->peer_initial_window = value;
    if (id == SETTING_MAX_FRAME_SIZE)
        h2->peer_max_frame = value;
}

static void on_settings_acknowledged(struct h2 *h2)
{
    h2->settings_acknowledged++;
    if (h2->settings_acknowledged != h2->settings_sent)
        return;
    for (size_t i = 0; i < h2->stream_count; i++)
        if (h2->streams[i].id <= h2->pending_last)
            h2->streams[i].window += h2->pending_change;
    h2->pending_change = 0;
}

static void on_settings(struct h2 *h2, const struct frame *frame)
{
    bool is_ack = frame->flags & FLAG_ACK;
    if (frame->stream != 0 || frame->bytes % 6 != 0 || (is_ack && frame->bytes != 0)) {
        h2_broke(h2, "6.5", "SETTINGS of %" PRIu32 " bytes on stream %" PRIu32 "%s", frame->bytes, frame->stream,
                 is_ack ? " with ACK" : "");
        return;
    }
    if (is_ack) {
        on_settings_acknowledged(h2);
        return;
    }
    for (const uint8_t *at = frame->payload; at < frame->payload + frame->bytes; at += 6)
        on_setting(h2, (uint16_t)(at[0] << 8 | at[1]), frame_number(at + 2));
    h2->settings_seen++;
    h2_send(h2, FRAME_SETTINGS, FLAG_ACK, 0, NULL, 0);
}

static void on_ping(struct h2 *h2, const struct frame *frame)
{
    if (frame->stream != 0 || frame->bytes != 8)
        h2_broke(h2, "6.7", "PING of %" PRIu32 " bytes on stream %" PRIu32, frame->bytes, frame->stream);
    else if (!(frame->flags & FLAG_ACK))
        h2_send(h2, FRAME_PING, FLAG_ACK, 0, frame->payload, 8);
    else if (memcmp(frame->payload, "panther!", 8) != 0)
        h2_broke(h2, "6.7", "the answer to PING has another payload");
    else
        h2->pings_acknowledged++;
}

static void on_goaway(struct h2 *h2, const struct frame *frame)
{
    if (frame->stream != 0 || frame->bytes < 8) {
        h2_broke(h2, "6.8", "GOAWAY of %" PRIu32 " bytes on stream %" PRIu32, frame->bytes, frame->stream);
        return;
    }
    h2->has_goaway = true;
    h2->goaway_code = frame_number(frame->payload + 4);
}

static void on_reset(struct h2 *h2, const struct frame *frame)
{
    struct h2_stream *stream = open_stream(h2, frame);
    if (!stream)
        return;
    if (frame->bytes != 4) {
        h2_broke(h2, "6.4", "RST_STREAM of %" PRIu32 " bytes", frame->bytes);
        return;
    }
    stream->is_reset = true;
    stream->reset_code = frame_number(frame->payload);
}

static void on_window_update(struct h2 *h2, const struct frame *frame)
{
    if (frame->bytes != 4 || (frame_number(frame->payload) & H2_WINDOW_MAX) == 0)
        h2_broke(h2, "6.9", "WINDOW_UPDATE of %" PRIu32 " bytes%s", frame->bytes, frame->bytes == 4 ? " and an increment of 0" : "");
    else if (frame->stream != 0)
        open_stream(h2, frame);
}

static void follow(struct h2 *h2, const struct frame *frame)
{
    panther_log(h2->run->service, PANTHER_DEBUG, "came: %s, %" PRIu32 " bytes, flags 0x%x, stream %" PRIu32, frame_name(frame->type),
                frame->bytes, frame->flags, frame->stream);
    if (h2->settings_seen == 0 && (frame->type != FRAME_SETTINGS || frame->flags & FLAG_ACK))
        h2_broke(h2, "3.4", "the first frame is %s; the server's preface MUST be SETTINGS", frame_name(frame->type));
    else if (h2->block_stream != 0 && (frame->type != FRAME_CONTINUATION || frame->stream != h2->block_stream))
        h2_broke(h2, "4.3", "%s stands inside of a field block", frame_name(frame->type));
    else if (frame->type == FRAME_DATA)
        on_data(h2, frame);
    else if (frame->type == FRAME_HEADERS)
        on_headers(h2, frame);
    else if (frame->type == FRAME_CONTINUATION)
        on_continuation(h2, frame);
    else if (frame->type == FRAME_SETTINGS)
        on_settings(h2, frame);
    else if (frame->type == FRAME_PING)
        on_ping(h2, frame);
    else if (frame->type == FRAME_GOAWAY)
        on_goaway(h2, frame);
    else if (frame->type == FRAME_RST_STREAM)
        on_reset(h2, frame);
    else if (frame->type == FRAME_WINDOW_UPDATE)
        on_window_update(h2, frame);
    else if (frame->type == FRAME_PUSH_PROMISE)
        h2_broke(h2, "6.6", "the server pushes, though ENABLE_PUSH is 0");
}

enum arrival h2_step(struct h2 *h2, uint64_t deadline_ns, struct frame *frame)
{
    struct frame own;
    size_t bytes;
    if (!frame)
        frame = &own;
    for (;;) {
        const uint8_t *data = connection_data(h2->connection, &bytes);
        int64_t used = frame_read(data, bytes, FRAME_DEFAULT_MAX_BYTES, frame);
        if (used > 0) {
            uint8_t payload[FRAME_DEFAULT_MAX_BYTES]; // following it may read more, and move the buffer
            memcpy(payload, frame->payload, frame->bytes);
            frame->payload = payload;
            connection_take(h2->connection, (size_t)used);
            follow(h2, frame);
            frame->payload = NULL;
            return ARRIVAL_DATA;
        }
        if (used < 0) {
            h2_broke(h2, "4.2", "the server sent a frame of %" PRIu32 " bytes, more than SETTINGS_MAX_FRAME_SIZE", frame->bytes);
            return ARRIVAL_TOO_MUCH;
        }
        enum arrival arrival = connection_wait(h2->connection, deadline_ns);
        if (arrival != ARRIVAL_DATA)
            return arrival;
    }
}

// ---- waiting

enum arrival h2_wait_stream(struct h2 *h2, const struct h2_stream *stream, uint64_t bytes)
{
    enum arrival arrival = ARRIVAL_DATA;
    uint64_t deadline_ns = run_deadline_ns(h2->run);
    while (arrival == ARRIVAL_DATA && !h2_stream_is_over(stream) && stream->data_bytes < bytes && !run_is_bad(h2->run)) {
        uint64_t before = stream->data_bytes;
        arrival = h2_step(h2, deadline_ns, NULL);
        if (stream->data_bytes > before)
            deadline_ns = run_deadline_ns(h2->run);
    }
    return arrival;
}

bool h2_ping(struct h2 *h2)
{
    uint64_t deadline_ns = run_deadline_ns(h2->run);
    unsigned wanted = h2->pings_acknowledged + 1;
    h2_send_ping(h2);
    while (h2->pings_acknowledged < wanted && !run_is_bad(h2->run))
        if (h2_step(h2, deadline_ns, NULL) != ARRIVAL_DATA)
            return false;
    return !run_is_bad(h2->run);
}

void h2_settle(struct h2 *h2, uint64_t ms)
{
    uint64_t deadline_ns = panther_now_ns(h2->run->service) + ms * 1000000;
    while (h2_step(h2, deadline_ns, NULL) == ARRIVAL_DATA && !run_is_bad(h2->run))
        continue;
}
