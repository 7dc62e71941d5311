// Cases about connections and sessions: connecting, wills, take-over, kept sessions, keep alive, version 5.
#include "cases.h"

#include <string.h>

#define PIECE_PAUSE_MS 2 // so that each byte is a segment

void mqtt_case_connect(struct mqtt *mqtt)
{
    if (mqtt_connect(mqtt, &mqtt->clients[0], "client") && mqtt->clients[0].packet.session_present)
        mqtt_violates(mqtt, "Session Present is 1 for a clean session");
}

void mqtt_case_pieces(struct mqtt *mqtt)
{
    static struct mqtt_out out;
    struct mqtt_client *client = &mqtt->clients[0];
    bool going = mqtt_dial(mqtt, client);
    mqtt_write_connect(&out, &(struct mqtt_connect){.client_id = mqtt_id(mqtt, "client")});
    for (size_t i = 0; i < out.size && going; i++) {
        going = mqtt_send(mqtt, client, out.bytes + i, 1);
        panther_pause(mqtt->service, PIECE_PAUSE_MS);
    }
    if (going && mqtt_expect(mqtt, client, MQTT_CONNACK) && client->packet.code != 0)
        mqtt_differs(mqtt, "a good CONNECT was refused with code %u", client->packet.code);
}

void mqtt_case_ping(struct mqtt *mqtt)
{
    static const uint8_t ping[] = {MQTT_PINGREQ << 4, 0};
    if (mqtt_connect(mqtt, &mqtt->clients[0], "client") && mqtt_send(mqtt, &mqtt->clients[0], ping, sizeof ping))
        mqtt_expect(mqtt, &mqtt->clients[0], MQTT_PINGRESP);
}

// ---- wills

static bool connect_with_will(struct mqtt *mqtt, const char *topic, bool retain)
{
    return mqtt_connect_as(
        mqtt, &mqtt->clients[2],
        &(struct mqtt_connect){
            .client_id = mqtt_id(mqtt, "mortal"), .will_topic = topic, .will_payload = "last words", .will_qos = 1, .will_retain = retain});
}

void mqtt_case_will(struct mqtt *mqtt)
{
    const char *topic = mqtt_topic(mqtt, "will");
    if (!mqtt_connect(mqtt, &mqtt->clients[0], "sub") || !mqtt_subscribe(mqtt, &mqtt->clients[0], topic, 1) ||
        !connect_with_will(mqtt, topic, false))
        return;
    mqtt_hang_up(&mqtt->clients[2]);
    mqtt_gets(mqtt, &mqtt->clients[0], topic, "last words", 1);
}

// The DISCONNECT is done with when the server has closed the connection (3.14.4), and then the marker is sent.
void mqtt_case_will_withheld(struct mqtt *mqtt)
{
    static const uint8_t disconnect[] = {MQTT_DISCONNECT << 4, 0};
    const char *topic = mqtt_topic(mqtt, "will"), *marker = mqtt_topic(mqtt, "marker");
    struct mqtt_client *subscriber = &mqtt->clients[0], *mortal = &mqtt->clients[2];
    if (!mqtt_connect(mqtt, subscriber, "sub") || !mqtt_subscribe(mqtt, subscriber, topic, 1) ||
        !mqtt_subscribe(mqtt, subscriber, marker, 1) || !connect_with_will(mqtt, topic, false) ||
        !mqtt_send(mqtt, mortal, disconnect, sizeof disconnect))
        return;
    (void)mqtt_receive(mqtt, mortal, mqtt->settings->silence);
    mqtt_hang_up(mortal);
    if (!mqtt_connect(mqtt, &mqtt->clients[1], "pub") || !mqtt_publish(mqtt, &mqtt->clients[1], marker, "marker", 1, false) ||
        !mqtt_expect(mqtt, subscriber, MQTT_PUBLISH))
        return;
    if (subscriber->packet.payload.size == strlen("last words"))
        mqtt_violates(mqtt, "the will was published after DISCONNECT");
}

void mqtt_case_will_retained(struct mqtt *mqtt)
{
    const char *topic = mqtt_topic(mqtt, "will");
    struct mqtt_client *subscriber = &mqtt->clients[0], *late = &mqtt->clients[1];
    if (!mqtt_connect(mqtt, subscriber, "sub") || !mqtt_subscribe(mqtt, subscriber, topic, 1) || !connect_with_will(mqtt, topic, true))
        return;
    mqtt_hang_up(&mqtt->clients[2]);
    if (!mqtt_gets(mqtt, subscriber, topic, "last words", 1) || !mqtt_connect(mqtt, late, "late") ||
        !mqtt_subscribe(mqtt, late, topic, 1) || !mqtt_gets(mqtt, late, topic, "last words", 1))
        return;
    if (!late->packet.retain)
        mqtt_violates(mqtt, "the kept will came with RETAIN = 0 (3.3.1.3)");
    else if (mqtt_connect(mqtt, &mqtt->clients[3], "clean"))
        mqtt_publish(mqtt, &mqtt->clients[3], topic, "", 1, true);
}

// ---- sessions

void mqtt_case_takeover(struct mqtt *mqtt)
{
    if (!mqtt_connect(mqtt, &mqtt->clients[0], "same") || !mqtt_connect(mqtt, &mqtt->clients[1], "same"))
        return;
    enum mqtt_arrival arrival = mqtt_receive(mqtt, &mqtt->clients[0], mqtt->settings->timeout);
    if (arrival == MQTT_SILENT)
        mqtt_violates(mqtt, "the first client of the same id stays connected");
    else if (arrival == MQTT_ARRIVED)
        mqtt_differs(mqtt, "%s came to the first client of the same id", mqtt_type_name(mqtt->clients[0].packet.type));
}

static bool resume(struct mqtt *mqtt, struct mqtt_client *client, bool is_kept)
{
    return mqtt_connect_as(mqtt, client, &(struct mqtt_connect){.client_id = mqtt_id(mqtt, "kept"), .is_kept = is_kept});
}

// Leaves and lets the server see it: the same id is not to meet its own old connection.
static void go_away(struct mqtt *mqtt, struct mqtt_client *client)
{
    static const uint8_t disconnect[] = {MQTT_DISCONNECT << 4, 0};
    if (mqtt_send(mqtt, client, disconnect, sizeof disconnect))
        (void)mqtt_receive(mqtt, client, mqtt->settings->silence);
    mqtt_hang_up(client);
}

// A session that was kept before is thrown away by a clean one.
void mqtt_case_clean_session(struct mqtt *mqtt)
{
    struct mqtt_client *client = &mqtt->clients[0];
    const char *topic = mqtt_topic(mqtt, "t"), *marker = mqtt_topic(mqtt, "marker");
    if (!resume(mqtt, client, true) || !mqtt_subscribe(mqtt, client, topic, 1))
        return;
    go_away(mqtt, client);
    if (mqtt->is_judged || !resume(mqtt, client, false))
        return;
    if (client->packet.session_present) {
        mqtt_violates(mqtt, "Session Present is 1 for a clean session (3.2.2.2)");
        return;
    }
    if (mqtt_subscribe(mqtt, client, marker, 1) && mqtt_connect(mqtt, &mqtt->clients[1], "pub") &&
        mqtt_publish(mqtt, &mqtt->clients[1], topic, "old", 1, false) &&
        mqtt_publish(mqtt, &mqtt->clients[1], marker, "marker", 1, false) && mqtt_expect(mqtt, client, MQTT_PUBLISH) &&
        client->packet.payload.size == 3)
        mqtt_violates(mqtt, "a clean session has a subscription of the one before");
}

static bool open_kept(struct mqtt *mqtt, const char *topic)
{
    struct mqtt_client *client = &mqtt->clients[0];
    if (!resume(mqtt, client, true))
        return false;
    if (client->packet.session_present)
        return mqtt_violates(mqtt, "Session Present is 1 for an id that was never there (3.2.2.2)");
    return mqtt_subscribe(mqtt, client, topic, 1);
}

static bool is_present(struct mqtt *mqtt)
{
    return mqtt->clients[0].packet.session_present || mqtt_violates(mqtt, "Session Present is 0 for a kept session (3.2.2.2)");
}

static void throw_away(struct mqtt *mqtt)
{
    mqtt_leave(mqtt, &mqtt->clients[0]);
    if (!mqtt->is_judged && resume(mqtt, &mqtt->clients[0], false))
        mqtt_leave(mqtt, &mqtt->clients[0]);
}

void mqtt_case_kept_session(struct mqtt *mqtt)
{
    struct mqtt_client *client = &mqtt->clients[0];
    const char *topic = mqtt_topic(mqtt, "t");
    if (!open_kept(mqtt, topic))
        return;
    go_away(mqtt, client);
    if (mqtt->is_judged || !mqtt_connect(mqtt, &mqtt->clients[1], "pub") ||
        !mqtt_publish(mqtt, &mqtt->clients[1], topic, "first", 1, false) ||
        !mqtt_publish(mqtt, &mqtt->clients[1], topic, "second", 1, false) || !resume(mqtt, client, true) || !is_present(mqtt))
        return;
    if (mqtt_gets(mqtt, client, topic, "first", 1))
        mqtt_gets(mqtt, client, topic, "second", 1);
    throw_away(mqtt);
}

void mqtt_case_redelivery(struct mqtt *mqtt)
{
    struct mqtt_client *client = &mqtt->clients[0];
    const char *topic = mqtt_topic(mqtt, "t");
    if (!open_kept(mqtt, topic) || !mqtt_connect(mqtt, &mqtt->clients[1], "pub") ||
        !mqtt_publish(mqtt, &mqtt->clients[1], topic, "again", 1, false) || !mqtt_expect(mqtt, client, MQTT_PUBLISH))
        return;
    unsigned id = client->packet.id;
    mqtt_hang_up(client); // without a PUBACK
    if (!resume(mqtt, client, true) || !is_present(mqtt) || !mqtt_gets(mqtt, client, topic, "again", 1))
        return;
    if (!client->packet.dup)
        mqtt_violates(mqtt, "the message came again without DUP (3.3.1.1)");
    else if (client->packet.id != id)
        mqtt_violates(mqtt, "the message came again with the packet identifier %u instead of %u", client->packet.id, id);
    throw_away(mqtt);
}

void mqtt_case_keep_alive(struct mqtt *mqtt)
{
    enum { KEEP_ALIVE_S = 1 };
    struct mqtt_client *client = &mqtt->clients[0];
    if (!mqtt_connect_as(mqtt, client, &(struct mqtt_connect){.client_id = mqtt_id(mqtt, "idle"), .keep_alive = KEEP_ALIVE_S}))
        return;
    uint64_t began_ns = panther_now_ns(mqtt->service);
    enum mqtt_arrival arrival = mqtt_receive(mqtt, client, KEEP_ALIVE_S * 1500 + mqtt->settings->slack);
    uint64_t elapsed_ms = (panther_now_ns(mqtt->service) - began_ns) / 1000000;
    panther_metric(mqtt->service, "keep_alive_close", (double)elapsed_ms, "ms", PANTHER_NEITHER_IS_BETTER);
    if (arrival == MQTT_SILENT)
        mqtt_violates(mqtt, "a client of keep alive %d s that is silent is still connected after %u ms", KEEP_ALIVE_S,
                      (unsigned)elapsed_ms);
    else if (arrival == MQTT_STOPPED)
        (void)mqtt_expect(mqtt, client, MQTT_PINGRESP); // says why
    else if (arrival == MQTT_CLOSED && elapsed_ms < KEEP_ALIVE_S * 1000)
        mqtt_differs(mqtt, "a client of keep alive %d s was disconnected after %u ms", KEEP_ALIVE_S, (unsigned)elapsed_ms);
    else if (arrival == MQTT_ARRIVED)
        mqtt_differs(mqtt, "%s came to a client that is silent", mqtt_type_name(client->packet.type));
}

void mqtt_case_empty_id(struct mqtt *mqtt)
{
    mqtt_connect_as(mqtt, &mqtt->clients[0], &(struct mqtt_connect){.client_id = ""});
}

// ---- version 5

void mqtt_case_v5_connect(struct mqtt *mqtt)
{
    mqtt_connect_as(mqtt, &mqtt->clients[0], &(struct mqtt_connect){.level = MQTT_V5, .client_id = mqtt_id(mqtt, "five")});
}

void mqtt_case_v5_qos(struct mqtt *mqtt)
{
    const char *topic = mqtt_topic(mqtt, "t");
    struct mqtt_client *subscriber = &mqtt->clients[0], *publisher = &mqtt->clients[1];
    bool going = mqtt_connect_as(mqtt, subscriber, &(struct mqtt_connect){.level = MQTT_V5, .client_id = mqtt_id(mqtt, "sub")}) &&
                 mqtt_subscribe(mqtt, subscriber, topic, 2) &&
                 mqtt_connect_as(mqtt, publisher, &(struct mqtt_connect){.level = MQTT_V5, .client_id = mqtt_id(mqtt, "pub")});
    for (unsigned qos = 0; qos <= 2 && going; qos++)
        going = mqtt_publish(mqtt, publisher, topic, "five", qos, false) && mqtt_gets(mqtt, subscriber, topic, "five", qos);
}
