// Requests to a CoAP server and what comes back, with deadlines and retransmission, and the checks that hold for every answer. The cases
// call it.
#ifndef COAP_EXCHANGE_H
#define COAP_EXCHANGE_H

#include "message.h"

#include <panther/plugin.h>

struct coap_suite { // the options
    const char *readable;
    const char *writable;
    const char *missing;
    uint64_t timeout;
    uint64_t silence;
    int64_t tries;
};

// A running case: one socket, one answer at a time.
struct coap {
    struct panther_service *service;
    const struct coap_suite *settings;
    const struct panther_endpoint *endpoint;
    const char *section; // "RFC 7252 5.8": of the running case
    bool is_judged;      // a failure was told
    int socket;          // below 0: none yet
    unsigned last_id, last_token, runs;
    uint8_t token[COAP_TOKEN_MAX_BYTES]; // of the latest request
    size_t token_size;
    uint8_t bytes[65536];
    size_t size;
    struct coap_message reply; // points into bytes
};

enum coap_arrival { COAP_ARRIVED, COAP_SILENT, COAP_NOT_THERE, COAP_STOPPED };

// Each of these tells the verdict when it returns false.
bool coap_violates(struct coap *coap, const char *format, ...) __attribute__((format(printf, 2, 3))); // a MUST is broken
bool coap_differs(struct coap *coap, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool coap_open(struct coap *coap); // a socket of its own: another client
bool coap_send(struct coap *coap, const void *bytes, size_t size);
// The next datagram, as it is (bytes, size). True: *arrival is COAP_ARRIVED or COAP_SILENT.
bool coap_wait(struct coap *coap, uint64_t timeout_ms, enum coap_arrival *arrival);
// The next message with the token of the latest request, read and, when it is confirmable, acknowledged. Others are passed by.
bool coap_response(struct coap *coap, uint64_t timeout_ms, enum coap_arrival *arrival);
// Sends a request (again, while it is not answered, when it is confirmable) and gets its response.
bool coap_request(struct coap *coap, const struct coap_out *out);
bool coap_has_code(struct coap *coap, unsigned code);
bool coap_is_alive(struct coap *coap, const char *after);

unsigned coap_next_id(struct coap *coap);
// Begins a request with a new id and a new token of four bytes.
void coap_begin_request(struct coap *coap, struct coap_out *out, unsigned type, unsigned method);
bool coap_get(struct coap *coap, const char *path);
bool coap_put_text(struct coap *coap, const char *path, const char *text); // created or changed
bool coap_delete(struct coap *coap, const char *path);
bool coap_has_payload(struct coap *coap, const char *text);
const char *coap_writable(struct coap *coap); // of this run of the case alone
const char *coap_code_text(struct coap *coap, unsigned code);

#endif
