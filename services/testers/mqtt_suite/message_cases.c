// Cases about messages: QoS, order, wildcards, retained ones.
#include "cases.h"

#include <stdio.h>
#include <string.h>

// Two clients; the first has subscribed.
static bool open_pair(struct mqtt *mqtt, const char *filter, unsigned qos)
{
    return mqtt_connect(mqtt, &mqtt->clients[0], "sub") && mqtt_subscribe(mqtt, &mqtt->clients[0], filter, qos) &&
           mqtt_connect(mqtt, &mqtt->clients[1], "pub");
}

static void pass_on(struct mqtt *mqtt, const char *payload, unsigned qos, unsigned subscribed_qos)
{
    const char *topic = mqtt_topic(mqtt, "t");
    if (open_pair(mqtt, topic, subscribed_qos) && mqtt_publish(mqtt, &mqtt->clients[1], topic, payload, qos, false))
        mqtt_gets(mqtt, &mqtt->clients[0], topic, payload, qos < subscribed_qos ? qos : subscribed_qos);
}

void mqtt_case_qos0(struct mqtt *mqtt)
{
    pass_on(mqtt, "zero", 0, 0);
}

void mqtt_case_qos1(struct mqtt *mqtt)
{
    pass_on(mqtt, "one", 1, 1);
}

void mqtt_case_qos2(struct mqtt *mqtt)
{
    pass_on(mqtt, "two", 2, 2);
}

void mqtt_case_lower_qos(struct mqtt *mqtt)
{
    const char *topic = mqtt_topic(mqtt, "t");
    if (open_pair(mqtt, topic, 1) && mqtt_publish(mqtt, &mqtt->clients[1], topic, "a", 2, false) &&
        mqtt_gets(mqtt, &mqtt->clients[0], topic, "a", 1) && mqtt_publish(mqtt, &mqtt->clients[1], topic, "b", 0, false))
        mqtt_gets(mqtt, &mqtt->clients[0], topic, "b", 0);
}

void mqtt_case_large(struct mqtt *mqtt)
{
    static char payload[60001];
    for (size_t i = 0; i + 1 < sizeof payload; i++)
        payload[i] = (char)('a' + i % 26);
    pass_on(mqtt, payload, 1, 1);
}

// What stands behind it on the same connections has come, so what has not come before will not come.
static bool gets_only(struct mqtt *mqtt, const char *marker_topic)
{
    return mqtt_publish(mqtt, &mqtt->clients[1], marker_topic, "marker", 1, false) &&
           mqtt_gets(mqtt, &mqtt->clients[0], marker_topic, "marker", 1);
}

// The PUBLISH is sent twice before the PUBREL: method A and method B of 4.3.3 both deliver it once.
void mqtt_case_exactly_once(struct mqtt *mqtt)
{
    static struct mqtt_out out;
    struct mqtt_client *publisher = &mqtt->clients[1];
    const char *topic = mqtt_topic(mqtt, "t/once"), *marker = mqtt_topic(mqtt, "t/marker");
    unsigned id = 77;
    if (!open_pair(mqtt, mqtt_topic(mqtt, "t/+"), 1))
        return;
    for (unsigned i = 0; i < 2; i++) {
        mqtt_begin(&out, MQTT_PUBLISH, 4 | i << 3);
        mqtt_put_text(&out, topic);
        mqtt_put_u16(&out, id);
        mqtt_put(&out, "once", 4);
        mqtt_finish(&out);
        if (!mqtt_send(mqtt, publisher, out.bytes, out.size) || !mqtt_expect(mqtt, publisher, MQTT_PUBREC))
            return;
    }
    if (!mqtt_send(mqtt, publisher, (uint8_t[]){0x62, 2, 0, (uint8_t)id}, 4) || !mqtt_expect(mqtt, publisher, MQTT_PUBCOMP) ||
        !mqtt_gets(mqtt, &mqtt->clients[0], topic, "once", 1))
        return;
    if (!mqtt_publish(mqtt, publisher, marker, "marker", 1, false) || !mqtt_expect(mqtt, &mqtt->clients[0], MQTT_PUBLISH))
        return;
    const struct mqtt_text *payload = &mqtt->clients[0].packet.payload;
    if (payload->size == 4 && memcmp(payload->bytes, "once", 4) == 0)
        mqtt_violates(mqtt, "a message of QoS 2 was delivered twice");
}

void mqtt_case_suback(struct mqtt *mqtt)
{
    static struct mqtt_out out;
    struct mqtt_client *client = &mqtt->clients[0];
    if (!mqtt_connect(mqtt, client, "sub"))
        return;
    mqtt_begin(&out, MQTT_SUBSCRIBE, 2);
    mqtt_put_u16(&out, 513);
    for (unsigned qos = 0; qos < 3; qos++) {
        mqtt_put_text(&out, mqtt_topic(mqtt, qos == 0 ? "a" : qos == 1 ? "b" : "c"));
        mqtt_put_byte(&out, qos);
    }
    mqtt_finish(&out);
    if (!mqtt_send(mqtt, client, out.bytes, out.size) || !mqtt_expect(mqtt, client, MQTT_SUBACK))
        return;
    const struct mqtt_packet *packet = &client->packet;
    if (packet->id != 513)
        mqtt_violates(mqtt, "SUBACK has the packet identifier %u instead of 513", packet->id);
    else if (packet->codes.size != 3)
        mqtt_violates(mqtt, "SUBACK has %zu return codes for three filters", packet->codes.size);
    else if (memcmp(packet->codes.bytes, (uint8_t[]){0, 1, 2}, 3) != 0)
        mqtt_differs(mqtt, "SUBACK grants %u, %u, %u instead of 0, 1, 2", packet->codes.bytes[0], packet->codes.bytes[1],
                     packet->codes.bytes[2]);
}

void mqtt_case_unsubscribe(struct mqtt *mqtt)
{
    static struct mqtt_out out;
    struct mqtt_client *client = &mqtt->clients[0];
    const char *topic = mqtt_topic(mqtt, "t"), *marker = mqtt_topic(mqtt, "marker");
    if (!open_pair(mqtt, topic, 1) || !mqtt_subscribe(mqtt, client, marker, 1))
        return;
    mqtt_begin(&out, MQTT_UNSUBSCRIBE, 2);
    mqtt_put_u16(&out, 99);
    mqtt_put_text(&out, topic);
    mqtt_finish(&out);
    if (!mqtt_send(mqtt, client, out.bytes, out.size) || !mqtt_expect(mqtt, client, MQTT_UNSUBACK))
        return;
    if (client->packet.id != 99)
        mqtt_violates(mqtt, "UNSUBACK has the packet identifier %u instead of 99", client->packet.id);
    else if (mqtt_publish(mqtt, &mqtt->clients[1], topic, "gone", 1, false) &&
             mqtt_publish(mqtt, &mqtt->clients[1], marker, "marker", 1, false) && mqtt_expect(mqtt, client, MQTT_PUBLISH) &&
             client->packet.payload.size == 4)
        mqtt_violates(mqtt, "a message came after UNSUBACK");
}

void mqtt_case_order(struct mqtt *mqtt)
{
    const char *topic = mqtt_topic(mqtt, "t");
    char payload[16];
    bool going = open_pair(mqtt, topic, 1);
    for (unsigned i = 0; i < 100 && going; i++) {
        snprintf(payload, sizeof payload, "%u", i);
        going = mqtt_publish(mqtt, &mqtt->clients[1], topic, payload, 1, false);
    }
    for (unsigned i = 0; i < 100 && going; i++) {
        snprintf(payload, sizeof payload, "%u", i);
        going = mqtt_gets(mqtt, &mqtt->clients[0], topic, payload, 1);
    }
}

void mqtt_case_wildcards(struct mqtt *mqtt)
{
    static const struct {
        const char *filter, *matches[3], *misses[3];
    } filters[] = {
        {"a/+/c", {"a/b/c", "a//c", NULL}, {"a/c", "a/b/b/c", "a/b/c/d"}},
        {"a/#", {"a/b", "a/b/c/d", "a"}, {"b/a", "ab", NULL}},
        {"+/+", {"a/b", "/b", "a/"}, {"a", "a/b/c", NULL}},
    };
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        const char *base = panther_format(mqtt->service, "%zu", i);
        const char *marker = mqtt_topic(mqtt, panther_format(mqtt->service, "marker/x/y/%s", base));
        if (!open_pair(mqtt, mqtt_topic(mqtt, panther_format(mqtt->service, "%s/%s", base, filters[i].filter)), 1) ||
            !mqtt_subscribe(mqtt, &mqtt->clients[0], marker, 1))
            return;
        for (size_t k = 0; k < 3; k++) {
            const char *matching = filters[i].matches[k], *missing = filters[i].misses[k];
            const char *topic = mqtt_topic(mqtt, panther_format(mqtt->service, "%s/%s", base, matching ? matching : ""));
            if (missing && !mqtt_publish(mqtt, &mqtt->clients[1], mqtt_topic(mqtt, panther_format(mqtt->service, "%s/%s", base, missing)),
                                         "no match", 1, false))
                return;
            if (matching && (!mqtt_publish(mqtt, &mqtt->clients[1], topic, matching, 1, false) ||
                             !mqtt_gets(mqtt, &mqtt->clients[0], topic, matching, 1)))
                return;
        }
        if (!gets_only(mqtt, marker))
            return;
    }
}

void mqtt_case_dollar(struct mqtt *mqtt)
{
    const char *topic = panther_format(mqtt->service, "$%s", mqtt_topic(mqtt, "t")), *marker = mqtt_topic(mqtt, "marker");
    struct mqtt_client *subscriber = &mqtt->clients[0];
    if (!open_pair(mqtt, "#", 1) || !mqtt_publish(mqtt, &mqtt->clients[1], topic, "hidden", 0, false) ||
        !mqtt_publish(mqtt, &mqtt->clients[1], marker, "marker", 1, false))
        return;
    // whatever else goes on at this server comes, too
    while (mqtt_expect(mqtt, subscriber, MQTT_PUBLISH)) {
        const struct mqtt_text *got = &subscriber->packet.topic;
        if (got->size > 0 && got->bytes[0] == '$') {
            mqtt_violates(mqtt, "\"#\" brought \"%.*s\"", (int)(got->size < 100 ? got->size : 100), (const char *)got->bytes);
            return;
        }
        if (got->size == strlen(marker) && memcmp(got->bytes, marker, got->size) == 0)
            return;
    }
}

// ---- retained messages

static bool has_retain(struct mqtt *mqtt, bool retain)
{
    return mqtt->clients[0].packet.retain == retain || mqtt_violates(mqtt, "the message came with RETAIN = %d", !retain);
}

static void forget(struct mqtt *mqtt, const char *topic)
{
    if (!mqtt->is_judged)
        mqtt_publish(mqtt, &mqtt->clients[1], topic, "", 1, true);
}

void mqtt_case_retained(struct mqtt *mqtt)
{
    const char *topic = mqtt_topic(mqtt, "t");
    if (mqtt_connect(mqtt, &mqtt->clients[1], "pub") && mqtt_publish(mqtt, &mqtt->clients[1], topic, "kept", 1, true) &&
        mqtt_connect(mqtt, &mqtt->clients[0], "sub") && mqtt_subscribe(mqtt, &mqtt->clients[0], topic, 1) &&
        mqtt_gets(mqtt, &mqtt->clients[0], topic, "kept", 1))
        has_retain(mqtt, true);
    forget(mqtt, topic);
}

void mqtt_case_retain_live(struct mqtt *mqtt)
{
    const char *topic = mqtt_topic(mqtt, "t");
    if (open_pair(mqtt, topic, 1) && mqtt_publish(mqtt, &mqtt->clients[1], topic, "kept", 1, true) &&
        mqtt_gets(mqtt, &mqtt->clients[0], topic, "kept", 1))
        has_retain(mqtt, false);
    forget(mqtt, topic);
}

void mqtt_case_retain_replaced(struct mqtt *mqtt)
{
    const char *topic = mqtt_topic(mqtt, "t"), *marker = mqtt_topic(mqtt, "marker");
    if (mqtt_connect(mqtt, &mqtt->clients[1], "pub") && mqtt_publish(mqtt, &mqtt->clients[1], topic, "first", 1, true) &&
        mqtt_publish(mqtt, &mqtt->clients[1], topic, "second", 1, true) && mqtt_connect(mqtt, &mqtt->clients[0], "sub") &&
        mqtt_subscribe(mqtt, &mqtt->clients[0], marker, 1) && mqtt_subscribe(mqtt, &mqtt->clients[0], topic, 1) &&
        mqtt_gets(mqtt, &mqtt->clients[0], topic, "second", 1))
        gets_only(mqtt, marker);
    forget(mqtt, topic);
}

void mqtt_case_retain_cleared(struct mqtt *mqtt)
{
    const char *topic = mqtt_topic(mqtt, "t"), *marker = mqtt_topic(mqtt, "marker");
    if (mqtt_connect(mqtt, &mqtt->clients[1], "pub") && mqtt_publish(mqtt, &mqtt->clients[1], topic, "kept", 1, true) &&
        mqtt_publish(mqtt, &mqtt->clients[1], topic, "", 1, true) && mqtt_connect(mqtt, &mqtt->clients[0], "sub") &&
        mqtt_subscribe(mqtt, &mqtt->clients[0], marker, 1) && mqtt_subscribe(mqtt, &mqtt->clients[0], topic, 1))
        gets_only(mqtt, marker);
}
