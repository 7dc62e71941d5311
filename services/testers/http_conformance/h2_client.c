// Sends the preface, frames and requests.
#include "h2_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#define SETTINGS_MAX 8 // of one frame of ours

bool h2_broke(struct h2 *h2, const char *section, const char *format, ...)
{
    char text[RUN_TEXT_BYTES], rfc[32];
    const char *own = h2->run->section;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(rfc, sizeof(rfc), "RFC 9113, %s", section);
    h2->run->section = rfc;
    run_violation(h2->run, "%s", text);
    h2->run->section = own;
    return false;
}

// ---- frames

void h2_cork(struct h2 *h2)
{
    h2->is_corked = true;
    h2->held_bytes = 0;
}

void h2_uncork(struct h2 *h2)
{
    h2->is_corked = false;
    connection_send(h2->connection, h2->held, h2->held_bytes);
}

bool h2_send(struct h2 *h2, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t bytes)
{
    if (h2->is_corked && bytes + FRAME_HEADER_BYTES <= sizeof(h2->held) - h2->held_bytes) {
        uint8_t *at = h2->held + h2->held_bytes;
        frame_write_header(at, (uint32_t)bytes, type, flags, stream);
        if (bytes > 0)
            memcpy(at + FRAME_HEADER_BYTES, payload, bytes);
        h2->held_bytes += FRAME_HEADER_BYTES + bytes;
        return true;
    }
    uint8_t *frame = malloc(FRAME_HEADER_BYTES + bytes);
    if (!frame)
        abort();
    frame_write_header(frame, (uint32_t)bytes, type, flags, stream);
    if (bytes > 0)
        memcpy(frame + FRAME_HEADER_BYTES, payload, bytes);
    bool is_sent = connection_send(h2->connection, frame, FRAME_HEADER_BYTES + bytes);
    free(frame);
    return is_sent;
}

static size_t put_settings(uint8_t *payload, const struct h2_setting *settings, size_t count)
{
    for (size_t i = 0; i < count && i < SETTINGS_MAX; i++) {
        payload[6 * i] = (uint8_t)(settings[i].id >> 8);
        payload[6 * i + 1] = (uint8_t)settings[i].id;
        frame_put_number(payload + 6 * i + 2, settings[i].value);
    }
    return count * 6;
}

// New streams have the new window at once: the server reads SETTINGS before their HEADERS. Older ones when it has acknowledged.
void h2_send_settings(struct h2 *h2, const struct h2_setting *settings, size_t count)
{
    uint8_t payload[6 * SETTINGS_MAX];
    for (size_t i = 0; i < count; i++)
        if (settings[i].id == SETTING_INITIAL_WINDOW_SIZE && settings[i].value <= H2_WINDOW_MAX) {
            h2->pending_change = (int64_t)settings[i].value - h2->initial_window;
            h2->pending_last = h2->next_stream - 2;
            h2->initial_window = settings[i].value;
        }
    h2->settings_sent++;
    h2_send(h2, FRAME_SETTINGS, 0, 0, payload, put_settings(payload, settings, count));
}

void h2_send_number(struct h2 *h2, uint8_t type, uint32_t stream, uint32_t number)
{
    uint8_t payload[4];
    frame_put_number(payload, number);
    h2_send(h2, type, 0, stream, payload, sizeof(payload));
}

void h2_send_window_update(struct h2 *h2, struct h2_stream *stream, uint32_t increment)
{
    *(stream ? &stream->window : &h2->window) += increment;
    h2_send_number(h2, FRAME_WINDOW_UPDATE, stream ? stream->id : 0, increment);
}

void h2_send_ping(struct h2 *h2)
{
    h2->pings_sent++;
    h2_send(h2, FRAME_PING, 0, 0, "panther!", 8);
}

// ---- requests

void h2_put_request(struct h2 *h2, struct hpack_block *block, const char *method, const char *path)
{
    block->bytes = 0;
    hpack_put(block, HPACK_NOT_INDEXED, ":method", method);
    hpack_put(block, HPACK_NOT_INDEXED, ":scheme", h2->run->tls ? "https" : "http");
    hpack_put(block, HPACK_NOT_INDEXED, ":path", path);
    hpack_put(block, HPACK_NOT_INDEXED, ":authority", panther_endpoint_text(h2->run->service, h2->run->endpoint));
}

struct h2_stream *h2_new_stream(struct h2 *h2, bool is_head)
{
    size_t number = h2->stream_count < H2_STREAMS_MAX ? h2->stream_count++ : H2_STREAMS_MAX - 1;
    struct h2_stream *stream = &h2->streams[number];
    *stream = (struct h2_stream){.id = h2->next_stream, .is_head = is_head, .window = h2->initial_window, .difference = -1};
    h2->next_stream += 2;
    return stream;
}

struct h2_stream *h2_send_block(struct h2 *h2, const struct hpack_block *block, uint8_t flags)
{
    struct h2_stream *stream = h2_new_stream(h2, false);
    h2_send(h2, FRAME_HEADERS, (uint8_t)(flags | FLAG_END_HEADERS), stream->id, block->data, block->bytes);
    return stream;
}

struct h2_stream *h2_send_get_path(struct h2 *h2, const char *path)
{
    struct hpack_block block;
    h2_put_request(h2, &block, "GET", path);
    return h2_send_block(h2, &block, FLAG_END_STREAM);
}

struct h2_stream *h2_send_get(struct h2 *h2)
{
    return h2_send_get_path(h2, run_path(h2->run, h2->run->settings->size));
}

// ---- opening

static void release_table(void *table)
{
    hpack_table_free(table);
}

static struct h2 *begin(struct run *run, struct connection *connection)
{
    struct h2 *h2 = run_memory(run, sizeof(*h2));
    hpack_table_init(&h2->table);
    run_at_end(run, release_table, &h2->table);
    h2->run = run;
    h2->connection = connection;
    h2->window = h2->initial_window = H2_DEFAULT_WINDOW;
    h2->peer_max_frame = FRAME_DEFAULT_MAX_BYTES;
    h2->peer_max_streams = UINT32_MAX;
    h2->peer_initial_window = H2_DEFAULT_WINDOW;
    h2->next_stream = 1;
    connection_send_text(connection, preface);
    return h2;
}

static struct h2 *await_settings(struct h2 *h2)
{
    struct run *run = h2->run;
    uint64_t deadline_ns = run_deadline_ns(run);
    h2->pending_change = 0; // no stream is older than our SETTINGS
    while (h2->settings_seen == 0 && !run_is_bad(run)) {
        enum arrival arrival = h2_step(h2, deadline_ns, NULL);
        if (arrival == ARRIVAL_SILENT)
            h2_broke(h2, "3.4", "the server sent no SETTINGS; its preface MUST be the first that it sends");
        else if (arrival != ARRIVAL_DATA)
            run_failed(run, "no HTTP/2 connection: %s", arrival_text(arrival));
    }
    return run_is_bad(run) ? NULL : h2;
}

struct h2 *h2_open(struct run *run, const struct h2_setting *settings, size_t count)
{
    struct connection *connection = connection_open(run, SPEECH_HTTP2);
    if (!connection)
        return NULL;
    struct h2_setting all[SETTINGS_MAX] = {{SETTING_ENABLE_PUSH, 0}};
    for (size_t i = 0; i < count && i + 1 < SETTINGS_MAX; i++)
        all[i + 1] = settings[i];
    struct h2 *h2 = begin(run, connection);
    h2_send_settings(h2, all, count + 1);
    return await_settings(h2);
}

struct h2 *h2_continue(struct run *run, struct connection *connection)
{
    struct h2 *h2 = begin(run, connection);
    h2_new_stream(h2, false);
    h2_send_settings(h2, &(const struct h2_setting){SETTING_ENABLE_PUSH, 0}, 1);
    return await_settings(h2);
}
