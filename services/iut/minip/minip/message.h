// A message of minip, the ping-pong protocol of this folder's README: one UDP datagram. For minip_server and minip_client.
#ifndef MINIP_MESSAGE_H
#define MINIP_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define MINIP_VERSION 1
#define MINIP_HEADER_BYTES 14
#define MINIP_PAYLOAD_MAX 1024 // with the header well below every path's MTU
#define MINIP_MESSAGE_MAX (MINIP_HEADER_BYTES + MINIP_PAYLOAD_MAX)

enum minip_type {
    MINIP_HELLO = 1,
    MINIP_WELCOME = 2,
    MINIP_PING = 3,
    MINIP_PONG = 4,
    MINIP_BYE = 5,
    MINIP_GOODBYE = 6,
    MINIP_ERROR = 7,
};

// The payload of an ERROR is one byte.
enum minip_error {
    MINIP_ERROR_TYPE = 1,     // no such type
    MINIP_ERROR_VERSION = 2,  // no such version
    MINIP_ERROR_SESSION = 3,  // no such session
    MINIP_ERROR_SEQUENCE = 4, // neither the next nor the last one
    MINIP_ERROR_FULL = 5,     // no room for another session
};

struct minip_message {
    uint8_t version;
    uint8_t type;
    uint32_t session;
    uint32_t sequence;
    uint16_t payload_bytes;
    const uint8_t *payload; // in the datagram that was read, or the writer's own
};

// 0, or -1: the datagram is malformed (too short, another magic, a length that is not that of the payload).
int minip_read(const uint8_t *datagram, size_t bytes, struct minip_message *message);
// The same, believing the length that the header says: what the variant vulnerable does.
int minip_read_gullible(const uint8_t *datagram, size_t bytes, struct minip_message *message);
// Returns the datagram's bytes.
size_t minip_write(const struct minip_message *message, uint8_t datagram[MINIP_MESSAGE_MAX]);

#endif
