// Frames of HTTP/2 (RFC 9113, 4 and 6): reading their headers, writing them. Pure. h2_client.c calls it, and a fuzz target.
#ifndef HTTP_CONFORMANCE_FRAME_H
#define HTTP_CONFORMANCE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER_BYTES 9
#define FRAME_DEFAULT_MAX_BYTES 16384 // RFC 9113, 6.5.2: we never raise it

enum frame_type {
    FRAME_DATA,
    FRAME_HEADERS,
    FRAME_PRIORITY,
    FRAME_RST_STREAM,
    FRAME_SETTINGS,
    FRAME_PUSH_PROMISE,
    FRAME_PING,
    FRAME_GOAWAY,
    FRAME_WINDOW_UPDATE,
    FRAME_CONTINUATION,
    FRAME_UNKNOWN = 0xbb, // nobody has it
};

enum { FLAG_END_STREAM = 0x1, FLAG_ACK = 0x1, FLAG_END_HEADERS = 0x4, FLAG_PADDED = 0x8, FLAG_PRIORITY = 0x20 };

enum setting {
    SETTING_HEADER_TABLE_SIZE = 1,
    SETTING_ENABLE_PUSH = 2,
    SETTING_MAX_CONCURRENT_STREAMS = 3,
    SETTING_INITIAL_WINDOW_SIZE = 4,
    SETTING_MAX_FRAME_SIZE = 5,
    SETTING_MAX_HEADER_LIST_SIZE = 6,
};

enum h2_error {
    H2_NO_ERROR,
    H2_PROTOCOL_ERROR,
    H2_INTERNAL_ERROR,
    H2_FLOW_CONTROL_ERROR,
    H2_SETTINGS_TIMEOUT,
    H2_STREAM_CLOSED,
    H2_FRAME_SIZE_ERROR,
    H2_REFUSED_STREAM,
    H2_CANCEL,
    H2_COMPRESSION_ERROR,
};

struct frame {
    uint32_t bytes; // of the payload
    uint8_t type, flags;
    uint32_t stream;
    const uint8_t *payload;
};

// The frame at the start of data. 0: it is not whole yet; -1: it is longer than max_bytes; else its bytes with the header.
int64_t frame_read(const uint8_t *data, size_t bytes, uint32_t max_bytes, struct frame *frame);
// The header alone, into FRAME_HEADER_BYTES.
void frame_write_header(uint8_t *data, uint32_t bytes, uint8_t type, uint8_t flags, uint32_t stream);

uint32_t frame_number(const uint8_t *data); // four bytes, most significant first
void frame_put_number(uint8_t *data, uint32_t number);
// Without padding and, of HEADERS, without priority. False: the lengths do not fit (RFC 9113, 6.1, 6.2).
bool frame_content(const struct frame *frame, const uint8_t **content, size_t *bytes);

const char *frame_name(uint8_t type);
const char *h2_error_name(uint32_t code);

#endif
