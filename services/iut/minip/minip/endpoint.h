// What minip_server and minip_client have in common beside the messages: their variant, their randomness, their socket and the buffer
// that they receive into.
#ifndef MINIP_ENDPOINT_H
#define MINIP_ENDPOINT_H

#include "message.h"
#include <stdbool.h>

enum minip_variant { MINIP_FUNCTIONAL, MINIP_FLAKY, MINIP_FAILING, MINIP_VULNERABLE };

struct minip_endpoint {
    enum minip_variant variant;
    double share;    // of the messages that go wrong in the variant flaky
    uint64_t random; // state
    int socket;
    // MINIP_MESSAGE_MAX + 1 bytes, the last of a page behind which nothing is mapped: who reads past a datagram's end far enough crashes,
    // each time and at once.
    uint8_t *buffer;
};

// The options that both have: --address, --port, --variant, --share, --seed. Prints what is wrong and exits with 2.
struct minip_arguments {
    const char *address, *port;
    const char *count, *size, *timeout; // of the client
};
void minip_arguments_read(int argc, char *const *argv, struct minip_arguments *arguments, struct minip_endpoint *endpoint);
// Opens the socket: bound to the address, or connected to it.
void minip_open(struct minip_endpoint *endpoint, const struct minip_arguments *arguments, bool is_server);
// True: this message goes wrong. Which way: one of `ways`.
bool minip_goes_wrong(struct minip_endpoint *endpoint, unsigned ways, unsigned *way);

#endif
