// Nine bytes in front of everything.
#include "frame.h"

uint32_t frame_number(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

void frame_put_number(uint8_t *data, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        data[i] = (uint8_t)(number >> (24 - 8 * i));
}

int64_t frame_read(const uint8_t *data, size_t bytes, uint32_t max_bytes, struct frame *frame)
{
    if (bytes < FRAME_HEADER_BYTES)
        return 0;
    *frame = (struct frame){
        .bytes = (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2],
        .type = data[3],
        .flags = data[4],
        .stream = frame_number(data + 5) & 0x7fffffff,
        .payload = data + FRAME_HEADER_BYTES,
    };
    if (frame->bytes > max_bytes)
        return -1;
    return bytes - FRAME_HEADER_BYTES < frame->bytes ? 0 : FRAME_HEADER_BYTES + (int64_t)frame->bytes;
}

void frame_write_header(uint8_t *data, uint32_t bytes, uint8_t type, uint8_t flags, uint32_t stream)
{
    data[0] = (uint8_t)(bytes >> 16);
    data[1] = (uint8_t)(bytes >> 8);
    data[2] = (uint8_t)bytes;
    data[3] = type;
    data[4] = flags;
    frame_put_number(data + 5, stream);
}

bool frame_content(const struct frame *frame, const uint8_t **content, size_t *bytes)
{
    size_t front = 0, padding = 0;
    if (frame->flags & FLAG_PADDED) {
        if (frame->bytes < 1)
            return false;
        padding = frame->payload[0];
        front = 1;
    }
    if (frame->type == FRAME_HEADERS && (frame->flags & FLAG_PRIORITY))
        front += 5;
    if (front + padding > frame->bytes)
        return false;
    *content = frame->payload + front;
    *bytes = frame->bytes - front - padding;
    return true;
}

const char *frame_name(uint8_t type)
{
    static const char *const names[] = {"DATA",         "HEADERS", "PRIORITY", "RST_STREAM",    "SETTINGS",
                                        "PUSH_PROMISE", "PING",    "GOAWAY",   "WINDOW_UPDATE", "CONTINUATION"};
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : "a frame of unknown type";
}

const char *h2_error_name(uint32_t code)
{
    static const char *const names[] = {"NO_ERROR",
                                        "PROTOCOL_ERROR",
                                        "INTERNAL_ERROR",
                                        "FLOW_CONTROL_ERROR",
                                        "SETTINGS_TIMEOUT",
                                        "STREAM_CLOSED",
                                        "FRAME_SIZE_ERROR",
                                        "REFUSED_STREAM",
                                        "CANCEL",
                                        "COMPRESSION_ERROR",
                                        "CONNECT_ERROR",
                                        "ENHANCE_YOUR_CALM",
                                        "INADEQUATE_SECURITY",
                                        "HTTP_1_1_REQUIRED"};
    return code < sizeof(names) / sizeof(names[0]) ? names[code] : "an unknown error code";
}
