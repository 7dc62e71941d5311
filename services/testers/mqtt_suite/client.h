// MQTT clients of a case: connections that send any bytes and read one packet at a time, with deadlines; and the checks that tell a
// verdict. The cases call it.
#ifndef MQTT_CLIENT_H
#define MQTT_CLIENT_H

#include "packet.h"

#include <panther/plugin.h>

struct mqtt_suite { // the options
    const char *prefix;
    uint64_t timeout;
    uint64_t silence;
    uint64_t slack;
};

#define MQTT_CLIENTS_MAX 4 // at once in one case

struct mqtt_client {
    int connection; // below 0: none
    unsigned version;
    unsigned last_id;
    uint8_t body[MQTT_BODY_MAX_BYTES];
    struct mqtt_packet packet; // the latest
};

// A running case.
struct mqtt {
    struct panther_service *service;
    const struct mqtt_suite *settings;
    const struct panther_endpoint *endpoint;
    const char *section; // "MQTT 3.1.1 3.2": of the running case
    unsigned runs;       // so that no case meets the topics of an earlier one
    bool is_judged;      // a failure was told
    struct mqtt_client clients[MQTT_CLIENTS_MAX];
};

enum mqtt_arrival { MQTT_ARRIVED, MQTT_SILENT, MQTT_CLOSED, MQTT_MALFORMED, MQTT_STOPPED };

// Each of these tells the verdict when it returns false.
bool mqtt_violates(struct mqtt *mqtt, const char *format, ...) __attribute__((format(printf, 2, 3))); // a MUST is broken
bool mqtt_differs(struct mqtt *mqtt, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool mqtt_dial(struct mqtt *mqtt, struct mqtt_client *client);
bool mqtt_send(struct mqtt *mqtt, struct mqtt_client *client, const void *bytes, size_t size);
bool mqtt_expect(struct mqtt *mqtt, struct mqtt_client *client, unsigned type); // the next packet
// Dials, connects and gets a CONNACK with code 0.
bool mqtt_connect_as(struct mqtt *mqtt, struct mqtt_client *client, const struct mqtt_connect *connect);
bool mqtt_connect(struct mqtt *mqtt, struct mqtt_client *client, const char *name); // a clean session without a will
bool mqtt_subscribe(struct mqtt *mqtt, struct mqtt_client *client, const char *filter, unsigned qos);
bool mqtt_publish(struct mqtt *mqtt, struct mqtt_client *client, const char *topic, const char *payload, unsigned qos, bool retain);
// The next packet is a PUBLISH of this topic and payload at this QoS, which is acknowledged.
bool mqtt_gets(struct mqtt *mqtt, struct mqtt_client *client, const char *topic, const char *payload, unsigned qos);
// The server closes the connection, without an answer or after one that says so.
bool mqtt_is_closed(struct mqtt *mqtt, struct mqtt_client *client, const char *after);
bool mqtt_is_alive(struct mqtt *mqtt, const char *after); // a new client is served

enum mqtt_arrival mqtt_receive(struct mqtt *mqtt, struct mqtt_client *client, uint64_t timeout_ms); // tells nothing
void mqtt_leave(struct mqtt *mqtt, struct mqtt_client *client);                                     // DISCONNECT and close
void mqtt_hang_up(struct mqtt_client *client);                                                      // close
const char *mqtt_topic(struct mqtt *mqtt, const char *name);                                        // of this run of the case alone
const char *mqtt_id(struct mqtt *mqtt, const char *name); // at most 23 letters and digits (3.1.3.1)

#endif
