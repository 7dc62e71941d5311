// MQTT control packets: reading what a server sent, bounded and without trust, and writing what a client sends, right or wrong. Pure; the
// client, the cases and the fuzz target call it. Sections are those of MQTT 3.1.1 (OASIS Standard, 29 October 2014).
#ifndef MQTT_PACKET_H
#define MQTT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT
};
#define MQTT_BODY_MAX_BYTES (128U * 1024) // of a packet from the server: the largest message that the cases publish is 60 KB
#define MQTT_OUT_MAX_BYTES (64U * 1024)
#define MQTT_LENGTH_MAX_BYTES 4 // of the remaining length (2.2.3)
#define MQTT_V311 4
#define MQTT_V5 5

struct mqtt_text {
    const uint8_t *bytes;
    size_t size;
};

// What is not in a packet of its type is 0.
struct mqtt_packet {
    unsigned type, flags; // upper and lower half of the first byte
    bool dup, retain;     // of PUBLISH
    unsigned qos;
    unsigned id;
    bool session_present;   // of CONNACK
    unsigned code;          // of CONNACK; in version 5 of every acknowledgement
    struct mqtt_text topic; // of PUBLISH
    struct mqtt_text payload;
    struct mqtt_text codes; // of SUBACK, one byte each
};

// The remaining length at bytes (2.2.3). 1: read, *used bytes long; 0: more bytes are needed; -1: it is longer than four bytes.
int mqtt_read_length(const uint8_t *bytes, size_t size, uint32_t *length, size_t *used);
// first: the first byte of the packet; body: what follows the length. NULL: it is well-formed; else what is wrong with it.
const char *mqtt_read(unsigned version, uint8_t first, const uint8_t *body, size_t size, struct mqtt_packet *packet);
const char *mqtt_type_name(unsigned type);

// A packet to send: begin, put, finish (which writes the length in front).
struct mqtt_out {
    uint8_t bytes[MQTT_OUT_MAX_BYTES];
    size_t size;
};
void mqtt_begin(struct mqtt_out *out, unsigned type, unsigned flags);
void mqtt_put(struct mqtt_out *out, const void *bytes, size_t size); // what does not fit is a programmer's error
void mqtt_put_byte(struct mqtt_out *out, unsigned value);
void mqtt_put_u16(struct mqtt_out *out, unsigned value);
void mqtt_put_text(struct mqtt_out *out, const char *text);
void mqtt_finish(struct mqtt_out *out);

struct mqtt_connect {
    unsigned level; // 0: that of 3.1.1
    const char *client_id;
    bool is_kept; // clean session 0
    unsigned keep_alive;
    const char *will_topic, *will_payload; // NULL: no will
    unsigned will_qos;
    bool will_retain;
    unsigned extra_flags;
};
void mqtt_write_connect(struct mqtt_out *out, const struct mqtt_connect *connect);

#endif
