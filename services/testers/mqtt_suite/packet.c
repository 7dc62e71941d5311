// MQTT control packets: reading and writing, see packet.h.
#include "packet.h"

#include <assert.h>
#include <string.h>

struct reader {
    const uint8_t *bytes;
    size_t size, at;
};

static bool take_u16(struct reader *reader, unsigned *value)
{
    if (reader->size - reader->at < 2)
        return false;
    *value = (unsigned)reader->bytes[reader->at] << 8 | reader->bytes[reader->at + 1];
    reader->at += 2;
    return true;
}

static bool take_byte(struct reader *reader, unsigned *value)
{
    if (reader->at == reader->size)
        return false;
    *value = reader->bytes[reader->at++];
    return true;
}

int mqtt_read_length(const uint8_t *bytes, size_t size, uint32_t *length, size_t *used)
{
    *length = 0;
    for (size_t i = 0; i < MQTT_LENGTH_MAX_BYTES; i++) {
        if (i == size)
            return 0;
        *length |= (uint32_t)(bytes[i] & 127) << (7 * i);
        if (!(bytes[i] & 128)) {
            *used = i + 1;
            return 1;
        }
    }
    return -1;
}

// Properties of version 5: their length and that many bytes.
static const char *skip_properties(struct reader *reader)
{
    uint32_t length;
    size_t used;
    if (mqtt_read_length(reader->bytes + reader->at, reader->size - reader->at, &length, &used) != 1)
        return "the length of the properties is malformed";
    reader->at += used;
    if (reader->size - reader->at < length)
        return "the properties are cut off";
    reader->at += length;
    return NULL;
}

static const char *read_connack(unsigned version, struct reader *reader, struct mqtt_packet *packet)
{
    unsigned flags;
    if (!take_byte(reader, &flags) || !take_byte(reader, &packet->code))
        return "a CONNACK that is cut off (3.2.2)";
    if (flags > 1)
        return "reserved bits of the CONNACK flags are set (3.2.2.1)";
    packet->session_present = flags;
    if (version == MQTT_V5 && reader->at < reader->size)
        return skip_properties(reader);
    return NULL;
}

static const char *read_publish(unsigned version, struct reader *reader, struct mqtt_packet *packet)
{
    unsigned length;
    packet->dup = packet->flags & 8;
    packet->qos = packet->flags >> 1 & 3;
    packet->retain = packet->flags & 1;
    if (packet->qos == 3)
        return "a PUBLISH of QoS 3 (3.3.1.2)";
    if (!take_u16(reader, &length) || reader->size - reader->at < length)
        return "a PUBLISH whose topic is cut off (3.3.2.1)";
    packet->topic = (struct mqtt_text){reader->bytes + reader->at, length};
    if (memchr(packet->topic.bytes, '#', length) || memchr(packet->topic.bytes, '+', length))
        return "a PUBLISH whose topic has a wildcard (3.3.2.1)";
    reader->at += length;
    if (packet->qos > 0 && !take_u16(reader, &packet->id))
        return "a PUBLISH whose packet identifier is cut off (3.3.2.2)";
    if (packet->qos > 0 && packet->id == 0)
        return "a PUBLISH with the packet identifier 0 (2.3.1)";
    if (version == MQTT_V5) {
        const char *problem = skip_properties(reader);
        if (problem)
            return problem;
    }
    packet->payload = (struct mqtt_text){reader->bytes + reader->at, reader->size - reader->at};
    reader->at = reader->size;
    return NULL;
}

static const char *read_acknowledgement(unsigned version, struct reader *reader, struct mqtt_packet *packet)
{
    if (!take_u16(reader, &packet->id))
        return "an acknowledgement without a packet identifier (2.3.1)";
    if (version == MQTT_V5 && packet->type != MQTT_SUBACK && packet->type != MQTT_UNSUBACK) {
        if (take_byte(reader, &packet->code) && reader->at < reader->size)
            return skip_properties(reader);
        return NULL;
    }
    if (version == MQTT_V5) {
        const char *problem = skip_properties(reader);
        if (problem)
            return problem;
    }
    if (packet->type == MQTT_SUBACK || version == MQTT_V5) {
        packet->codes = (struct mqtt_text){reader->bytes + reader->at, reader->size - reader->at};
        reader->at = reader->size;
    }
    return NULL;
}

static const char *read_body(unsigned version, struct reader *reader, struct mqtt_packet *packet)
{
    switch (packet->type) {
    case MQTT_CONNACK:
        return read_connack(version, reader, packet);
    case MQTT_PUBLISH:
        return read_publish(version, reader, packet);
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        return read_acknowledgement(version, reader, packet);
    case MQTT_PINGRESP:
        return NULL;
    case MQTT_DISCONNECT: // a server of version 5 may send one
        reader->at = reader->size;
        return version == MQTT_V5 ? NULL : "a DISCONNECT from a server (3.14)";
    default:
        return "a packet of a type that a server does not send (2.2.1)";
    }
}

const char *mqtt_read(unsigned version, uint8_t first, const uint8_t *body, size_t size, struct mqtt_packet *packet)
{
    struct reader reader = {body, size, 0};
    *packet = (struct mqtt_packet){.type = first >> 4, .flags = first & 15};
    const char *problem = read_body(version, &reader, packet);
    if (problem)
        return problem;
    if (packet->type != MQTT_PUBLISH && packet->flags != (packet->type == MQTT_PUBREL ? 2 : 0))
        return "reserved flags of the fixed header are not as 2.2.2 has them";
    return reader.at == size ? NULL : "bytes behind the end of the packet";
}

const char *mqtt_type_name(unsigned type)
{
    static const char *const names[] = {"type 0",    "CONNECT", "CONNACK",     "PUBLISH",  "PUBACK",  "PUBREC",   "PUBREL",     "PUBCOMP",
                                        "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "type 15"};
    return names[type & 15];
}

// The length is written behind its largest place and moved together with the body by finish.
void mqtt_begin(struct mqtt_out *out, unsigned type, unsigned flags)
{
    out->bytes[0] = (uint8_t)(type << 4 | flags);
    out->size = 1;
}

void mqtt_put(struct mqtt_out *out, const void *bytes, size_t size)
{
    assert(size + MQTT_LENGTH_MAX_BYTES <= sizeof out->bytes - out->size);
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

void mqtt_put_byte(struct mqtt_out *out, unsigned value)
{
    mqtt_put(out, &(uint8_t){(uint8_t)value}, 1);
}

void mqtt_put_u16(struct mqtt_out *out, unsigned value)
{
    mqtt_put_byte(out, value >> 8 & 255);
    mqtt_put_byte(out, value & 255);
}

void mqtt_put_text(struct mqtt_out *out, const char *text)
{
    mqtt_put_u16(out, (unsigned)strlen(text));
    mqtt_put(out, text, strlen(text));
}

void mqtt_finish(struct mqtt_out *out)
{
    uint8_t length[MQTT_LENGTH_MAX_BYTES];
    size_t left = out->size - 1, used = 0;
    do {
        length[used++] = (uint8_t)((left & 127) | (left > 127 ? 128 : 0));
        left >>= 7;
    } while (left > 0);
    memmove(out->bytes + 1 + used, out->bytes + 1, out->size - 1);
    memcpy(out->bytes + 1, length, used);
    out->size += used;
}

void mqtt_write_connect(struct mqtt_out *out, const struct mqtt_connect *connect)
{
    unsigned level = connect->level ? connect->level : MQTT_V311;
    unsigned flags = connect->extra_flags | (connect->is_kept ? 0 : 2);
    if (connect->will_topic)
        flags |= 4 | connect->will_qos << 3 | (connect->will_retain ? 32 : 0);
    mqtt_begin(out, MQTT_CONNECT, 0);
    mqtt_put_text(out, "MQTT");
    mqtt_put_byte(out, level);
    mqtt_put_byte(out, flags);
    mqtt_put_u16(out, connect->keep_alive);
    if (level == MQTT_V5)
        mqtt_put_byte(out, 0); // no properties
    mqtt_put_text(out, connect->client_id);
    if (connect->will_topic) {
        if (level == MQTT_V5)
            mqtt_put_byte(out, 0);
        mqtt_put_text(out, connect->will_topic);
        mqtt_put_text(out, connect->will_payload);
    }
    mqtt_finish(out);
}
