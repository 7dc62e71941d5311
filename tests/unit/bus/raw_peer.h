// A peer that does not use our link: libzmq without our manners, and plain TCP.
#ifndef PANTHER_TESTS_UNIT_BUS_RAW_PEER_H
#define PANTHER_TESTS_UNIT_BUS_RAW_PEER_H

#include "fixture.h"

struct raw_options {
    const struct keys *keys; // NULL: no CURVE
    const char *user;        // PLAIN
    const char *identity;
    int receive_limit; // 0: libzmq's
};
void *raw_open(struct lab *lab, const struct raw_options *options);
void raw_send(void *socket, const void *data, size_t bytes, bool more);
// Whole messages, one after another, until nothing comes for 200 ms; returns how many.
size_t raw_read_all(struct lab *lab, void *socket, size_t expected);
void raw_close(void **socket);
int tcp_open(struct lab *lab);
void raw_end(void);

#endif
