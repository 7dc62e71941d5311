// Cases of HTTP/2: preface, SETTINGS, PING, GOAWAY, frames that are unknown or too large.
#include "cases.h"
#include "h1_client.h"
#include "h2_expect.h"

#include <inttypes.h>
#include <string.h>

// Opens, sends one frame that is wrong, and wants the connection to end.
static void wrong_frame(struct run *run, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t bytes,
                        enum h2_error code)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    h2_send(h2, type, flags, stream, payload, bytes);
    h2_expect_connection_error(h2, code);
}

static void wrong_setting(struct run *run, uint16_t id, uint32_t value, enum h2_error code)
{
    uint8_t payload[6] = {(uint8_t)(id >> 8), (uint8_t)id};
    frame_put_number(payload + 2, value);
    wrong_frame(run, FRAME_SETTINGS, 0, 0, payload, sizeof(payload), code);
}

void case_h2_preface(struct run *run)
{
    if (h2_open_plain(run))
        run_pass(run, "SETTINGS came first");
}

void case_h2_invalid_preface(struct run *run)
{
    struct connection *connection = connection_open(run, SPEECH_HTTP2);
    if (!connection)
        return;
    connection_send_text(connection, "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    uint8_t settings[FRAME_HEADER_BYTES];
    frame_write_header(settings, 0, FRAME_SETTINGS, 0, 0);
    connection_send(connection, settings, sizeof(settings));
    if (connection_closes(connection, run_deadline_ns(run)))
        run_pass(run, "the server closed the connection");
    else
        run_violation(run, "the server did not close the connection; a connection error PROTOCOL_ERROR MUST follow");
}

void case_h2_settings_ack(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    uint64_t deadline_ns = run_deadline_ns(run);
    while (h2 && h2->settings_acknowledged == 0 && !run_is_bad(run))
        if (h2_step(h2, deadline_ns, NULL) != ARRIVAL_DATA)
            run_violation(run, "SETTINGS were not acknowledged, which MUST be done as soon as possible");
    run_pass(run, "SETTINGS were acknowledged");
}

void case_h2_settings_length(struct run *run)
{
    wrong_frame(run, FRAME_SETTINGS, 0, 0, "\0\3\0\0\0", 5, H2_FRAME_SIZE_ERROR);
}

void case_h2_settings_ack_length(struct run *run)
{
    wrong_frame(run, FRAME_SETTINGS, FLAG_ACK, 0, "\0\3\0\0\0\1", 6, H2_FRAME_SIZE_ERROR);
}

void case_h2_settings_stream(struct run *run)
{
    wrong_frame(run, FRAME_SETTINGS, 0, 1, "\0\3\0\0\0\1", 6, H2_PROTOCOL_ERROR);
}

void case_h2_enable_push(struct run *run)
{
    wrong_setting(run, SETTING_ENABLE_PUSH, 2, H2_PROTOCOL_ERROR);
}

void case_h2_initial_window_size(struct run *run)
{
    wrong_setting(run, SETTING_INITIAL_WINDOW_SIZE, 0x80000000, H2_FLOW_CONTROL_ERROR);
}

void case_h2_max_frame_size(struct run *run)
{
    wrong_setting(run, SETTING_MAX_FRAME_SIZE, FRAME_DEFAULT_MAX_BYTES - 1, H2_PROTOCOL_ERROR);
}

void case_h2_unknown_setting(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    h2_send_settings(h2, &(const struct h2_setting){0xbabe, 0xffffffff}, 1);
    h2_expect_ignored(h2);
}

void case_h2_ping(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    if (h2_ping(h2))
        run_pass(run, "PING was answered");
    else
        run_violation(run, "PING was not answered, which MUST be");
}

void case_h2_ping_length(struct run *run)
{
    wrong_frame(run, FRAME_PING, 0, 0, "panther", 7, H2_FRAME_SIZE_ERROR);
}

void case_h2_ping_stream(struct run *run)
{
    wrong_frame(run, FRAME_PING, 0, 1, "panther!", 8, H2_PROTOCOL_ERROR);
}

void case_h2_goaway_stream(struct run *run)
{
    wrong_frame(run, FRAME_GOAWAY, 0, 1, "\0\0\0\0\0\0\0\0", 8, H2_PROTOCOL_ERROR);
}

void case_h2_push_promise(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    struct hpack_block block;
    if (!h2)
        return;
    uint8_t payload[4 + sizeof(block.data)] = {0, 0, 0, 2};
    h2_put_request(h2, &block, "GET", "/");
    memcpy(payload + 4, block.data, block.bytes);
    h2_send_get(h2);
    h2_send(h2, FRAME_PUSH_PROMISE, FLAG_END_HEADERS, 1, payload, 4 + block.bytes);
    h2_expect_connection_error(h2, H2_PROTOCOL_ERROR);
}

void case_h2_unknown_frame(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    h2_send(h2, FRAME_UNKNOWN, 0xff, 0, "panther", 7);
    h2_send(h2, FRAME_UNKNOWN, 0, h2->next_stream, NULL, 0);
    h2_expect_ignored(h2);
}

// The header alone is enough to see that it is too large; the rest is sent as well, for a server that reads it first.
void case_h2_oversize_frame(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    size_t bytes = (size_t)h2->peer_max_frame + 1;
    if (bytes > 0xffffff) {
        run_not_applicable(run, "the server takes frames of any size");
        return;
    }
    uint8_t *payload = run_memory(run, bytes);
    h2_send(h2, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1, payload, bytes);
    h2_expect_connection_error(h2, H2_FRAME_SIZE_ERROR);
}

// RFC 9113 has taken this way out; servers that still offer it declare h2c. One that does not switch may do so (RFC 9110, 7.8).
void case_h2_upgrade(struct run *run)
{
    struct connection *connection;
    struct h1_reply reply;
    if (run->tls) {
        run_not_applicable(run, "h2c is for connections without TLS");
        return;
    }
    // ENABLE_PUSH 0, in base64url
    const char *fields = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAIAAAAA\r\n";
    if (!h1_exchange(run, "GET", h1_request(run, "GET", run_path(run, run->settings->size), fields), &connection, &reply))
        return;
    if (reply.response.status != 101) {
        run_not_applicable(run, "status %u: the server does not switch, as it may", reply.response.status);
        return;
    }
    const char *upgrade = h1_value(run, &reply, "upgrade");
    if (!upgrade || strcmp(upgrade, "h2c") != 0) {
        run_violation(run, "101 with Upgrade: %s; h2c was asked for", upgrade ? upgrade : "(none)");
        return;
    }
    struct h2 *h2 = h2_continue(run, connection);
    if (h2 && h2_expect_file(h2, h2_stream(h2, 1)))
        run_pass(run, "101, and the file on stream 1");
}
