// Cases about what a server has to refuse: wrong versions, packets out of place, malformed packets. After each a new client is served.
#include "cases.h"

#include <string.h>

// Bytes on a connection that is accepted already close it.
static void closes_after(struct mqtt *mqtt, const void *bytes, size_t size, const char *what)
{
    struct mqtt_client *client = &mqtt->clients[0];
    if (mqtt_connect(mqtt, client, "bad") && mqtt_send(mqtt, client, bytes, size) && mqtt_is_closed(mqtt, client, what))
        mqtt_is_alive(mqtt, what);
}

// A CONNECT that is to be refused: with a CONNACK of this code (0: of none at all), then the connection is closed.
static void is_refused(struct mqtt *mqtt, const struct mqtt_connect *connect, unsigned code, const char *what)
{
    static struct mqtt_out out;
    struct mqtt_client *client = &mqtt->clients[0];
    mqtt_write_connect(&out, connect);
    if (!mqtt_dial(mqtt, client) || !mqtt_send(mqtt, client, out.bytes, out.size))
        return;
    if (code != 0) {
        if (!mqtt_expect(mqtt, client, MQTT_CONNACK))
            return;
        if (client->packet.code == 0 || client->packet.session_present) {
            mqtt_violates(mqtt, "%s was answered with CONNACK code %u, Session Present %d", what, client->packet.code,
                          client->packet.session_present);
            return;
        }
        if (client->packet.code != code) {
            mqtt_violates(mqtt, "%s was refused with code %u instead of %u", what, client->packet.code, code);
            return;
        }
    }
    if (mqtt_is_closed(mqtt, client, what))
        mqtt_is_alive(mqtt, what);
}

void mqtt_case_empty_id_kept(struct mqtt *mqtt)
{
    is_refused(mqtt, &(struct mqtt_connect){.client_id = "", .is_kept = true}, 2, "an empty client id without a clean session");
}

void mqtt_case_wrong_level(struct mqtt *mqtt)
{
    is_refused(mqtt, &(struct mqtt_connect){.level = 99, .client_id = mqtt_id(mqtt, "new")}, 1, "protocol level 99");
}

void mqtt_case_connect_flags(struct mqtt *mqtt)
{
    is_refused(mqtt, &(struct mqtt_connect){.client_id = mqtt_id(mqtt, "flag"), .extra_flags = 1}, 0, "a CONNECT with its reserved flag");
}

void mqtt_case_no_connect(struct mqtt *mqtt)
{
    static const uint8_t ping[] = {MQTT_PINGREQ << 4, 0};
    struct mqtt_client *client = &mqtt->clients[0];
    if (mqtt_dial(mqtt, client) && mqtt_send(mqtt, client, ping, sizeof ping) && mqtt_is_closed(mqtt, client, "PINGREQ before CONNECT"))
        mqtt_is_alive(mqtt, "PINGREQ before CONNECT");
}

void mqtt_case_second_connect(struct mqtt *mqtt)
{
    static struct mqtt_out out;
    mqtt_write_connect(&out, &(struct mqtt_connect){.client_id = mqtt_id(mqtt, "bad")});
    closes_after(mqtt, out.bytes, out.size, "a second CONNECT");
}

void mqtt_case_reserved_flags(struct mqtt *mqtt)
{
    static const uint8_t subscribe[] = {MQTT_SUBSCRIBE << 4, 6, 0, 1, 0, 1, 'a', 0};
    closes_after(mqtt, subscribe, sizeof subscribe, "a SUBSCRIBE with flags 0");
}

void mqtt_case_reserved_type(struct mqtt *mqtt)
{
    static const uint8_t zero[] = {0x00, 0}, fifteen[] = {0xf0, 0};
    closes_after(mqtt, zero, sizeof zero, "a packet of type 0");
    if (!mqtt->is_judged)
        closes_after(mqtt, fifteen, sizeof fifteen, "a packet of type 15");
}

void mqtt_case_qos3(struct mqtt *mqtt)
{
    static const uint8_t publish[] = {MQTT_PUBLISH << 4 | 6, 6, 0, 1, 'a', 0, 1, 'x'};
    closes_after(mqtt, publish, sizeof publish, "a PUBLISH of QoS 3");
}

// 3.3.2.1 forbids the client to send it; a server may close the connection or drop the message, but nobody may get it.
void mqtt_case_wildcard_topic(struct mqtt *mqtt)
{
    static struct mqtt_out out;
    struct mqtt_client *subscriber = &mqtt->clients[0], *bad = &mqtt->clients[2];
    const char *marker = mqtt_topic(mqtt, "marker");
    if (!mqtt_connect(mqtt, subscriber, "sub") || !mqtt_subscribe(mqtt, subscriber, mqtt_topic(mqtt, "#"), 1) ||
        !mqtt_connect(mqtt, bad, "bad"))
        return;
    mqtt_begin(&out, MQTT_PUBLISH, 0);
    mqtt_put_text(&out, mqtt_topic(mqtt, "+"));
    mqtt_put(&out, "x", 1);
    mqtt_finish(&out);
    if (!mqtt_send(mqtt, bad, out.bytes, out.size))
        return;
    (void)mqtt_receive(mqtt, bad, mqtt->settings->silence);
    if (mqtt_connect(mqtt, &mqtt->clients[1], "pub") && mqtt_publish(mqtt, &mqtt->clients[1], marker, "marker", 1, false))
        mqtt_gets(mqtt, subscriber, marker, "marker", 1);
}

void mqtt_case_null_topic(struct mqtt *mqtt)
{
    static const uint8_t publish[] = {MQTT_PUBLISH << 4, 6, 0, 3, 'a', 0, 'b', 'x'};
    closes_after(mqtt, publish, sizeof publish, "a topic with a null character");
}

void mqtt_case_bad_length(struct mqtt *mqtt)
{
    static const uint8_t publish[] = {MQTT_PUBLISH << 4, 0xff, 0xff, 0xff, 0xff, 0x01};
    closes_after(mqtt, publish, sizeof publish, "a remaining length of five bytes");
}

void mqtt_case_cut_packet(struct mqtt *mqtt)
{
    static const uint8_t publish[] = {MQTT_PUBLISH << 4, 4, 0, 200, 'a', 'b'};
    closes_after(mqtt, publish, sizeof publish, "a topic that is longer than its packet");
}

void mqtt_case_empty_subscribe(struct mqtt *mqtt)
{
    static const uint8_t subscribe[] = {MQTT_SUBSCRIBE << 4 | 2, 2, 0, 1};
    closes_after(mqtt, subscribe, sizeof subscribe, "a SUBSCRIBE without a filter");
}
