// A minip client's socket, for the checks: one message out, its answer in, again when none comes. Written from the protocol's text, not
// from the implementation that it judges.
#ifndef MINIP_TEST_LINK_H
#define MINIP_TEST_LINK_H

#include <panther/service.h>

#define PAYLOAD_MAX 1024
#define HEADER_BYTES 14
#define DATAGRAM_MAX (HEADER_BYTES + PAYLOAD_MAX)

enum type { HELLO = 1, WELCOME, PING, PONG, BYE, GOODBYE, ERROR };
enum error_code { NO_TYPE = 1, NO_VERSION, NO_SESSION, WRONG_SEQUENCE, FULL };

struct message {
    uint8_t version, type;
    uint32_t session, sequence;
    uint16_t payload_bytes;
    uint8_t payload[PAYLOAD_MAX];
};

struct link {
    int socket;
    uint64_t timeout_ms; // of one try
    int64_t tries;
    uint64_t sent, sent_again;
    uint8_t last[DATAGRAM_MAX + 1]; // the last answer: who asks twice may get it twice, later
    size_t last_bytes;
};

enum asked {
    ANSWERED,
    SILENT,    // no answer to any try
    MALFORMED, // what came is no message
    CUT_SHORT, // cancelled, or the case's time is up
};

// 0, or below 0 with the reason kept.
int link_open(struct panther_service *service, struct link *link, const struct panther_endpoint *endpoint);
// Before a message whose answer may be the last one, once more.
void link_forget(struct link *link);
void link_close(struct link *link);
void link_send(struct link *link, const struct message *message);
void link_send_bytes(struct link *link, const void *bytes, size_t count);
// The next datagram that is not the last one once more; waits at most this long.
enum asked link_receive(struct panther_service *service, struct link *link, uint64_t wait_ms, struct message *answer);
enum asked link_ask(struct panther_service *service, struct link *link, const struct message *message, struct message *answer);
// Writes it into the buffer; returns its bytes.
size_t message_write(const struct message *message, uint8_t datagram[DATAGRAM_MAX]);
const char *type_name(uint8_t type);

#endif
