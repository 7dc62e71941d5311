// What a hostile server sends to dns_conformance, mqtt_suite and coap_suite. The first byte chooses the parser. What was read has to lie
// inside of the bytes: it is touched.
#include "services/testers/coap_suite/message.h"
#include "services/testers/dns_conformance/message.h"
#include "services/testers/mqtt_suite/packet.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void touch(const uint8_t *bytes, size_t size)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
}

static void dns(const uint8_t *data, size_t size)
{
    static struct dns_message message;
    char text[64];
    if (dns_read(data, size, &message) != NULL)
        return;
    for (size_t i = 0; i < message.record_count; i++) {
        const struct dns_record *record = &message.records[i];
        touch(data + record->at, record->bytes);
        dns_name_text(&record->name, text, sizeof text);
        if (record->name.size == 0 || record->name.size > DNS_NAME_MAX_BYTES || record->at + record->bytes > size)
            abort();
    }
    (void)dns_rcode(&message);
    (void)dns_answer(&message, DNS_A, NULL);
    if (message.has_question && !dns_same_name(&message.name, &message.name))
        abort();
}

static void mqtt(unsigned version, const uint8_t *data, size_t size)
{
    struct mqtt_packet packet;
    uint32_t length;
    size_t used;
    if (size < 2 || mqtt_read_length(data + 1, size - 1, &length, &used) != 1 || length > size - 1 - used)
        return;
    if (mqtt_read(version, data[0], data + 1 + used, length, &packet) != NULL)
        return;
    touch(packet.topic.bytes, packet.topic.size);
    touch(packet.payload.bytes, packet.payload.size);
    touch(packet.codes.bytes, packet.codes.size);
    (void)mqtt_type_name(packet.type);
}

static void coap(const uint8_t *data, size_t size)
{
    struct coap_message message;
    uint32_t value;
    if (coap_read(data, size, &message) != NULL)
        return;
    touch(message.token, message.token_size);
    for (size_t i = 0; i < message.option_count; i++)
        touch(message.options[i].bytes, message.options[i].size);
    touch(message.payload, message.payload_size);
    (void)coap_number(&message, COAP_BLOCK2, &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t *copy = malloc(size > 1 ? size - 1 : 1); // of its own size, so that a read behind it is seen
    if (!copy)
        return 0;
    memcpy(copy, data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        dns(copy, size - 1);
        break;
    case 1:
        mqtt(MQTT_V311, copy, size - 1);
        break;
    case 2:
        mqtt(MQTT_V5, copy, size - 1);
        break;
    default:
        coap(copy, size - 1);
    }
    free(copy);
    return 0;
}
