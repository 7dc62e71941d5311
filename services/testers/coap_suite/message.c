// CoAP messages: reading and writing, see message.h.
#include "message.h"

#include <assert.h>
#include <string.h>

struct reader {
    const uint8_t *bytes;
    size_t size, at;
};

// A nibble of an option's first byte, with its extension (3.1).
static const char *take_extended(struct reader *reader, unsigned nibble, uint32_t *value)
{
    size_t width = nibble == 13 ? 1 : nibble == 14 ? 2 : 0;
    if (nibble == 15)
        return "an option with the reserved delta or length 15 (RFC 7252 3.1)";
    if (reader->size - reader->at < width)
        return "an option that is cut off";
    *value = nibble;
    if (width == 1)
        *value = 13U + reader->bytes[reader->at];
    else if (width == 2)
        *value = 269U + ((uint32_t)reader->bytes[reader->at] << 8 | reader->bytes[reader->at + 1]);
    reader->at += width;
    return NULL;
}

static const char *take_option(struct reader *reader, uint32_t *number, struct coap_option *option)
{
    uint32_t delta, length;
    uint8_t first = reader->bytes[reader->at++];
    const char *problem = take_extended(reader, first >> 4, &delta);
    if (!problem)
        problem = take_extended(reader, first & 15, &length);
    if (problem)
        return problem;
    if (reader->size - reader->at < length)
        return "an option that is longer than the message";
    *number += delta;
    if (*number > 65535)
        return "an option number above 65535 (RFC 7252 12.2)";
    *option = (struct coap_option){*number, reader->bytes + reader->at, length};
    reader->at += length;
    return NULL;
}

static const char *read_options(struct reader *reader, struct coap_message *message)
{
    uint32_t number = 0;
    struct coap_option spare; // those beyond the ones that are kept are checked all the same
    while (reader->at < reader->size && reader->bytes[reader->at] != 0xff) {
        bool is_kept = message->option_count < COAP_OPTIONS_MAX;
        const char *problem = take_option(reader, &number, is_kept ? &message->options[message->option_count] : &spare);
        if (problem)
            return problem;
        message->option_count += is_kept;
    }
    if (reader->at == reader->size)
        return NULL;
    reader->at++;
    message->payload = reader->bytes + reader->at;
    message->payload_size = reader->size - reader->at;
    return message->payload_size > 0 ? NULL : "a payload marker without a payload (RFC 7252 3)";
}

const char *coap_read(const uint8_t *bytes, size_t size, struct coap_message *message)
{
    struct reader reader = {bytes, size, 4};
    if (size < 4)
        return "less than four bytes (RFC 7252 3)";
    *message = (struct coap_message){.type = bytes[0] >> 4 & 3,
                                     .code = bytes[1],
                                     .id = (unsigned)bytes[2] << 8 | bytes[3],
                                     .token = bytes + 4,
                                     .token_size = bytes[0] & 15};
    if (bytes[0] >> 6 != 1)
        return "a version other than 1 (RFC 7252 3)";
    if (message->token_size > COAP_TOKEN_MAX_BYTES)
        return "a token of more than 8 bytes (RFC 7252 3)";
    if (size - 4 < message->token_size)
        return "a token that is cut off";
    if (message->code == COAP_EMPTY)
        return size == 4 ? NULL : "bytes behind the id of an Empty message (RFC 7252 4.1)";
    reader.at += message->token_size;
    return read_options(&reader, message);
}

const struct coap_option *coap_find(const struct coap_message *message, unsigned number)
{
    for (size_t i = 0; i < message->option_count; i++)
        if (message->options[i].number == number)
            return &message->options[i];
    return NULL;
}

bool coap_number(const struct coap_message *message, unsigned number, uint32_t *value)
{
    const struct coap_option *option = coap_find(message, number);
    if (!option || option->size > 4)
        return false;
    *value = 0;
    for (size_t i = 0; i < option->size; i++)
        *value = *value << 8 | option->bytes[i];
    return true;
}

void coap_put(struct coap_out *out, const void *bytes, size_t size)
{
    assert(size <= sizeof out->bytes - out->size);
    if (size > 0) // nothing may be at no address
        memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static void put_byte(struct coap_out *out, unsigned value)
{
    coap_put(out, &(uint8_t){(uint8_t)value}, 1);
}

void coap_begin(struct coap_out *out, unsigned type, unsigned code, unsigned id, const void *token, size_t token_size)
{
    out->size = 0;
    out->last_option = 0;
    put_byte(out, 0x40U | type << 4 | (unsigned)token_size);
    put_byte(out, code);
    put_byte(out, id >> 8 & 255);
    put_byte(out, id & 255);
    coap_put(out, token, token_size);
}

static unsigned nibble_of(size_t value)
{
    return value < 13 ? (unsigned)value : value < 269 ? 13 : 14;
}

static void put_extended(struct coap_out *out, size_t value)
{
    if (value >= 269)
        put_byte(out, (unsigned)(value - 269) >> 8);
    if (value >= 13)
        put_byte(out, (unsigned)(value - (value < 269 ? 13 : 269)) & 255);
}

void coap_put_option(struct coap_out *out, unsigned number, const void *bytes, size_t size)
{
    assert(number >= out->last_option);
    size_t delta = number - out->last_option;
    put_byte(out, nibble_of(delta) << 4 | nibble_of(size));
    put_extended(out, delta);
    put_extended(out, size);
    coap_put(out, bytes, size);
    out->last_option = number;
}

void coap_put_number(struct coap_out *out, unsigned number, uint32_t value)
{
    uint8_t bytes[4];
    size_t size = 0;
    for (int shift = 24; shift >= 0; shift -= 8)
        if (size > 0 || value >> shift)
            bytes[size++] = (uint8_t)(value >> shift);
    coap_put_option(out, number, bytes, size);
}

void coap_put_path(struct coap_out *out, const char *path)
{
    while (*path) {
        size_t length = strcspn(path, "/");
        if (length > 0)
            coap_put_option(out, COAP_URI_PATH, path, length);
        path += length + (path[length] == '/');
    }
}

void coap_put_payload(struct coap_out *out, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    put_byte(out, 0xff);
    coap_put(out, bytes, size);
}
