// A question to the server and what came back, over UDP or TCP, with deadlines; and the checks that hold for every answer. The cases call
// it.
#ifndef DNS_EXCHANGE_H
#define DNS_EXCHANGE_H

#include "message.h"

#include <panther/plugin.h>

struct dns_conformance { // the options
    const char *zone;
    const char *name;
    const char *address;
    const char *alias;
    const char *big;
    const char *missing;
    bool authoritative;
    uint64_t timeout;
    uint64_t silence;
    int64_t tries;
};

#define DNS_MESSAGE_MAX_BYTES 65535

struct dns_reply {
    size_t size;
    uint8_t bytes[DNS_MESSAGE_MAX_BYTES];
    struct dns_message message;
};

// A running case.
struct dns {
    struct panther_service *service;
    const struct dns_conformance *settings;
    const struct panther_endpoint *udp, *tcp; // tcp NULL: the same port as udp
    const char *section;                      // "RFC 1035 4.1.1": of the running case
    unsigned last_id;
    bool is_judged; // a failure was told
    struct dns_reply reply;
};

enum dns_arrival { DNS_ARRIVED, DNS_SILENT, DNS_NOT_THERE, DNS_CLOSED, DNS_STOPPED };

unsigned dns_next_id(struct dns *dns);
// www -> www.test.example. NULL is the zone itself. Options were checked in initialize.
struct dns_name dns_zone_name(const struct dns *dns, const char *label);

// The first datagram that comes back; sent again after each timeout_ms, `tries` times in all.
enum dns_arrival dns_exchange_udp(struct dns *dns, const void *query, size_t size, uint64_t timeout_ms, unsigned tries);
// The two halves of it; the caller closes the socket. -1: it could not be sent.
int dns_send_udp(struct dns *dns, const struct dns_query *query);
enum dns_arrival dns_receive_udp(struct dns *dns, int connection, uint64_t timeout_ms);
// -1: no connection
int dns_connect_tcp(struct dns *dns);
bool dns_send_tcp(struct dns *dns, int connection, const void *bytes, size_t size);
// One message with its length in front.
enum dns_arrival dns_receive_tcp(struct dns *dns, int connection, uint64_t timeout_ms);

// Each of these tells the verdict when it returns false.
bool dns_violates(struct dns *dns, const char *format, ...) __attribute__((format(printf, 2, 3))); // the text of a MUST is broken
bool dns_differs(struct dns *dns, const char *format, ...) __attribute__((format(printf, 2, 3)));  // it does not do what the case demands
bool dns_has_arrived(struct dns *dns, enum dns_arrival arrival);
// The reply is well-formed and belongs to this query: id, QR, opcode, RD, Z, and the question.
bool dns_is_answer_to(struct dns *dns, const struct dns_query *query);
bool dns_has_rcode(struct dns *dns, unsigned rcode);
// A whole good exchange over UDP.
bool dns_ask(struct dns *dns, const struct dns_query *query);
bool dns_ask_name(struct dns *dns, const char *label, unsigned type);
// The server still answers the usual question rightly.
bool dns_is_alive(struct dns *dns, const char *after);

#endif
