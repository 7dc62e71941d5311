// How a message of minip lies in a datagram; all numbers are big-endian.
#include "message.h"

#include <string.h>

static uint32_t read_number(const uint8_t *bytes, unsigned count)
{
    uint32_t number = 0;
    for (unsigned i = 0; i < count; i++)
        number = number << 8 | bytes[i];
    return number;
}

static void write_number(uint8_t *bytes, unsigned count, uint32_t number)
{
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (uint8_t)(number >> 8 * (count - 1 - i));
}

int minip_read_gullible(const uint8_t *datagram, size_t bytes, struct minip_message *message)
{
    if (bytes < MINIP_HEADER_BYTES || datagram[0] != 'M' || datagram[1] != 'P')
        return -1;
    *message = (struct minip_message){
        .version = datagram[2],
        .type = datagram[3],
        .session = read_number(datagram + 4, 4),
        .sequence = read_number(datagram + 8, 4),
        .payload_bytes = (uint16_t)read_number(datagram + 12, 2),
        .payload = datagram + MINIP_HEADER_BYTES,
    };
    return 0;
}

int minip_read(const uint8_t *datagram, size_t bytes, struct minip_message *message)
{
    struct minip_message read;
    if (bytes > MINIP_MESSAGE_MAX || minip_read_gullible(datagram, bytes, &read) != 0 || read.payload_bytes != bytes - MINIP_HEADER_BYTES)
        return -1;
    *message = read;
    return 0;
}

size_t minip_write(const struct minip_message *message, uint8_t datagram[MINIP_MESSAGE_MAX])
{
    uint16_t payload_bytes = message->payload_bytes < MINIP_PAYLOAD_MAX ? message->payload_bytes : MINIP_PAYLOAD_MAX;
    datagram[0] = 'M';
    datagram[1] = 'P';
    datagram[2] = message->version;
    datagram[3] = message->type;
    write_number(datagram + 4, 4, message->session);
    write_number(datagram + 8, 4, message->sequence);
    write_number(datagram + 12, 2, payload_bytes);
    if (payload_bytes > 0)
        memmove(datagram + MINIP_HEADER_BYTES, message->payload, payload_bytes);
    return (size_t)MINIP_HEADER_BYTES + payload_bytes;
}
