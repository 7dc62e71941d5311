// Reads HTTP/1.1 responses as strictly as RFC 9112 lets a server write them: what a server MUST NOT generate is a problem, named with
// its section. Pure: bytes in, a response out; nothing of the bytes is trusted. h1_client.c calls it, and a fuzz target.
#ifndef HTTP_CONFORMANCE_H1_MESSAGE_H
#define HTTP_CONFORMANCE_H1_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define H1_FIELDS_MAX 100          // more than any server sends in a response to a short request
#define H1_HEAD_MAX_BYTES 65536    // status line and header section
#define H1_BODY_MAX_BYTES 83886080 // what connection.h keeps

struct h1_text {
    const char *data;
    size_t bytes;
};

struct h1_field {
    struct h1_text name, value;
};

struct h1_response {
    unsigned minor, status; // HTTP/1.minor
    size_t field_count;
    struct h1_field fields[H1_FIELDS_MAX];
    size_t head_bytes;
    bool has_length, is_chunked, until_close; // how its end is found
    uint64_t length;                          // of has_length: what Content-Length says, also when there is no body
    size_t body_bytes;                        // decoded
    size_t consumed;                          // of the input
};

enum h1_state {
    H1_INCOMPLETE, // more bytes are needed
    H1_COMPLETE,
    H1_INVALID, // see problem
};

// The response at the start of `data`. method: of the request (it decides whether there is a body); ended: no more will come.
// Texts of the response point into data. problem: static.
enum h1_state h1_parse(const char *data, size_t bytes, bool ended, const char *method, struct h1_response *response, const char **problem);
// The decoded body of a complete response; body has room for body_bytes.
void h1_copy_body(const char *data, const struct h1_response *response, char *body);

// The only field of this name, or the first; NULL: none. Names in any case.
const struct h1_text *h1_find(const struct h1_response *response, const char *name);
size_t h1_count(const struct h1_response *response, const char *name);
bool h1_text_is(const struct h1_text *text, const char *other);                             // in any case; false for NULL
bool h1_has_token(const struct h1_response *response, const char *name, const char *token); // in a list: "Connection: a, close"
// "0".."18446744073709551615", nothing else.
bool h1_number(const char *data, size_t bytes, uint64_t *number);

#endif
