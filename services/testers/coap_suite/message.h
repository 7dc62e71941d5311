// CoAP messages (RFC 7252 section 3): reading what a server sent, bounded and without trust, and writing what a client sends. Pure; the
// exchange, the cases and the fuzz target call it.
#ifndef COAP_MESSAGE_H
#define COAP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COAP_TOKEN_MAX_BYTES 8
#define COAP_OPTIONS_MAX 64 // kept of one message: answers have less than ten
#define COAP_OUT_MAX_BYTES 1280

enum coap_type { COAP_CON = 0, COAP_NON = 1, COAP_ACK = 2, COAP_RST = 3 };
#define COAP_CODE(CLASS, DETAIL) ((CLASS) << 5 | (DETAIL))
#define COAP_CLASS(CODE) ((CODE) >> 5)
enum coap_code {
    COAP_EMPTY = 0,
    COAP_GET = 1,
    COAP_POST = 2,
    COAP_PUT = 3,
    COAP_DELETE = 4,
    COAP_CREATED = COAP_CODE(2, 1),
    COAP_DELETED = COAP_CODE(2, 2),
    COAP_CHANGED = COAP_CODE(2, 4),
    COAP_CONTENT = COAP_CODE(2, 5),
    COAP_CONTINUE = COAP_CODE(2, 31),
    COAP_BAD_REQUEST = COAP_CODE(4, 0),
    COAP_BAD_OPTION = COAP_CODE(4, 2),
    COAP_NOT_FOUND = COAP_CODE(4, 4),
    COAP_NOT_ALLOWED = COAP_CODE(4, 5),
    COAP_NOT_ACCEPTABLE = COAP_CODE(4, 6),
    COAP_NO_PROXY = COAP_CODE(5, 5)
};
enum coap_option_number {
    COAP_OBSERVE = 6,
    COAP_URI_PATH = 11,
    COAP_CONTENT_FORMAT = 12,
    COAP_ACCEPT = 17,
    COAP_BLOCK2 = 23,
    COAP_BLOCK1 = 27,
    COAP_PROXY_URI = 35,
    COAP_UNKNOWN_ELECTIVE = 65000, // from the range for experiments (12.2); even: elective
    COAP_UNKNOWN_CRITICAL = 65001
};

struct coap_option {
    unsigned number;
    const uint8_t *bytes;
    size_t size;
};

// Points into the bytes that it was read from.
struct coap_message {
    unsigned type, code, id;
    const uint8_t *token;
    size_t token_size;
    size_t option_count; // at most COAP_OPTIONS_MAX
    struct coap_option options[COAP_OPTIONS_MAX];
    const uint8_t *payload;
    size_t payload_size;
};

// NULL: it is well-formed; else what is wrong with it.
const char *coap_read(const uint8_t *bytes, size_t size, struct coap_message *message);
const struct coap_option *coap_find(const struct coap_message *message, unsigned number); // the first one; NULL: none
// The value of an option that is a number (3.2). False: there is none, or it is longer than four bytes.
bool coap_number(const struct coap_message *message, unsigned number, uint32_t *value);

struct coap_out {
    uint8_t bytes[COAP_OUT_MAX_BYTES];
    size_t size;
    unsigned last_option;
};
void coap_begin(struct coap_out *out, unsigned type, unsigned code, unsigned id, const void *token, size_t token_size);
void coap_put(struct coap_out *out, const void *bytes, size_t size); // what does not fit is a programmer's error
// Options in the order of their numbers.
void coap_put_option(struct coap_out *out, unsigned number, const void *bytes, size_t size);
void coap_put_number(struct coap_out *out, unsigned number, uint32_t value);
void coap_put_path(struct coap_out *out, const char *path); // a/b: an option each
void coap_put_payload(struct coap_out *out, const void *bytes, size_t size);

#endif
