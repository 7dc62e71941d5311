// The yardstick: what libzmq alone needs for as many peers. A ROUTER with CURVE and a ZAP thread that says yes, in a process of its own;
// as many DEALERs in another. It shares no code with the product.
#ifndef PANTHER_TESTS_BENCH_SWARM_FAN_H
#define PANTHER_TESTS_BENCH_SWARM_FAN_H

#include <stdint.h>

#include "common/base/error.h"

struct fan_result {
    double handshakes_s; // from the first connect to the last handshake, as the ROUTER's monitor tells it
    double handshakes_per_s;
    double bytes_per_peer;      // of the ROUTER's process, when each peer has sent and got one message
    double bytes_per_peer_worn; // when each has sent and got `messages`
};
// Forks: call it before the process has threads. libzmq keeps a queue in chunks of 256 messages: 600 wear both of each direction.
int fan_run(uint32_t peers, unsigned messages, struct fan_result *result, struct panther_error *error);

#endif
