// A TCP relay of one connection on loopback. It can be held: then it reads and writes nothing, and both ends have a connection that is
// open and dead, as after a cable was pulled; let go again, all that waited arrives.
#ifndef PANTHER_TESTS_INTEGRATION_TRAPS_RELAY_H
#define PANTHER_TESTS_INTEGRATION_TRAPS_RELAY_H

#include <pthread.h>
#include <stdatomic.h>

struct relay {
    char endpoint[64];
    int listen_fd, near_fd, far_fd;
    unsigned target_port;
    atomic_bool is_held, is_quiet, ends;
    pthread_t thread;
};

void relay_begin(struct relay *relay, const char *target); // "tcp://127.0.0.1:7400"
void relay_hold(struct relay *relay);                      // nothing passes any more when it returns
void relay_let_go(struct relay *relay);
void relay_end(struct relay *relay);

#endif
