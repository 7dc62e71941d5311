// The cases of mqtt_suite: name, section of MQTT 3.1.1 (or 5.0), what is demanded. plugin.c makes its table of them; each is a function in
// one of the *_cases.c.
#ifndef MQTT_CASES_H
#define MQTT_CASES_H

#include "client.h"

#define MQTT_CASES(CASE)                                                                                                                   \
    CASE(connect, "MQTT 3.1.1 3.2", "a CONNECT is answered with CONNACK, code 0, no session present")                                      \
    CASE(pieces, "MQTT 3.1.1 4.2", "a CONNECT that comes byte by byte is answered")                                                        \
    CASE(ping, "MQTT 3.1.1 3.12", "PINGREQ is answered with PINGRESP")                                                                     \
    CASE(qos0, "MQTT 3.1.1 4.3.1", "a message of QoS 0 arrives")                                                                           \
    CASE(qos1, "MQTT 3.1.1 4.3.2", "a message of QoS 1 is acknowledged by PUBACK and arrives")                                             \
    CASE(qos2, "MQTT 3.1.1 4.3.3", "a message of QoS 2 goes through PUBREC, PUBREL, PUBCOMP on both sides")                                \
    CASE(exactly_once, "MQTT 3.1.1 4.3.3", "a message of QoS 2 that is sent again arrives once")                                           \
    CASE(lower_qos, "MQTT 3.1.1 3.8.4", "a message arrives at the lower of both QoS")                                                      \
    CASE(suback, "MQTT 3.1.1 3.8.4", "three filters in one SUBSCRIBE get three return codes in their order")                               \
    CASE(unsubscribe, "MQTT 3.1.1 3.10.4", "after UNSUBACK no more messages come")                                                         \
    CASE(order, "MQTT 3.1.1 4.6", "a hundred messages of QoS 1 arrive in their order")                                                     \
    CASE(large, "MQTT 3.1.1 2.2.3", "a message of 60000 bytes arrives whole")                                                              \
    CASE(wildcards, "MQTT 3.1.1 4.7.1", "+ is one level, # is all that follow")                                                            \
    CASE(dollar, "MQTT 3.1.1 4.7.2", "a filter that begins with a wildcard does not match topics that begin with $")                       \
    CASE(retained, "MQTT 3.1.1 3.3.1.3", "a retained message reaches a later subscriber with RETAIN = 1")                                  \
    CASE(retain_live, "MQTT 3.1.1 3.3.1.3", "a retained message reaches who has subscribed before with RETAIN = 0")                        \
    CASE(retain_replaced, "MQTT 3.1.1 3.3.1.3", "only the last retained message of a topic is kept")                                       \
    CASE(retain_cleared, "MQTT 3.1.1 3.3.1.3", "an empty retained message removes the one before")                                         \
    CASE(will, "MQTT 3.1.1 3.1.2.5", "the will is published when the connection is lost")                                                  \
    CASE(will_withheld, "MQTT 3.1.1 3.14.4", "the will is not published after DISCONNECT")                                                 \
    CASE(will_retained, "MQTT 3.1.1 3.1.2.7", "a will with Will Retain is kept")                                                           \
    CASE(takeover, "MQTT 3.1.1 3.1.4", "a second client of the same id ends the first one's connection")                                   \
    CASE(clean_session, "MQTT 3.1.1 3.1.2.4", "a clean session begins without subscriptions of an earlier one")                            \
    CASE(kept_session, "MQTT 3.1.1 3.1.2.4", "a kept session gets what was published at QoS 1 while it was away")                          \
    CASE(redelivery, "MQTT 3.1.1 4.4", "a message that was not acknowledged comes again, with DUP, when the session goes on")              \
    CASE(keep_alive, "MQTT 3.1.1 3.1.2.10", "a client that is silent for 1.5 times its keep alive is disconnected")                        \
    CASE(empty_id, "MQTT 3.1.1 3.1.3.1", "an empty client id with a clean session is taken")                                               \
    CASE(empty_id_kept, "MQTT 3.1.1 3.1.3.1", "an empty client id without a clean session is refused with code 2")                         \
    CASE(wrong_level, "MQTT 3.1.1 3.1.2.2", "an unknown protocol level is refused with code 1")                                            \
    CASE(no_connect, "MQTT 3.1.1 3.1", "a first packet that is no CONNECT closes the connection")                                          \
    CASE(second_connect, "MQTT 3.1.1 3.1", "a second CONNECT closes the connection")                                                       \
    CASE(connect_flags, "MQTT 3.1.1 3.1.2.3", "a CONNECT with its reserved flag closes the connection")                                    \
    CASE(reserved_flags, "MQTT 3.1.1 3.8.1", "a SUBSCRIBE with wrong reserved flags closes the connection")                                \
    CASE(reserved_type, "MQTT 3.1.1 2.2.1", "a packet of type 0 or 15 closes the connection")                                              \
    CASE(qos3, "MQTT 3.1.1 3.3.1.2", "a PUBLISH of QoS 3 closes the connection")                                                           \
    CASE(wildcard_topic, "MQTT 3.1.1 3.3.2.1", "a PUBLISH to a topic with a wildcard is not delivered")                                    \
    CASE(null_topic, "MQTT 3.1.1 1.5.3", "a topic with a null character closes the connection")                                            \
    CASE(bad_length, "MQTT 3.1.1 2.2.3", "a remaining length of five bytes closes the connection")                                         \
    CASE(cut_packet, "MQTT 3.1.1 4.8", "a PUBLISH whose topic is longer than the packet closes the connection")                            \
    CASE(empty_subscribe, "MQTT 3.1.1 3.8.3", "a SUBSCRIBE without a filter closes the connection")                                        \
    CASE(v5_connect, "MQTT 5.0 3.2", "a CONNECT of version 5 is answered with a CONNACK of version 5")                                     \
    CASE(v5_qos, "MQTT 5.0 4.3", "messages of QoS 0, 1 and 2 arrive in version 5")

#define MQTT_CASE_FUNCTION(NAME, SECTION, SUMMARY) void mqtt_case_##NAME(struct mqtt *mqtt);
MQTT_CASES(MQTT_CASE_FUNCTION)
#undef MQTT_CASE_FUNCTION

#endif
