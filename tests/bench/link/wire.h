// Two ends of a wire, each in a network namespace: panther-link's, or a bare veth pair, which is the yardstick. For bench_link.
#ifndef PANTHER_TESTS_BENCH_LINK_WIRE_H
#define PANTHER_TESTS_BENCH_LINK_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/error.h"

struct wire {
    pid_t link;       // panther-link; 0: a veth pair
    pid_t holders[2]; // whose namespaces the ends are in
    char folder[64];  // of panther-link
};

// Once, first: this process comes to own namespaces.
int wires_begin(struct panther_error *error);
int wire_veth(struct wire *wire, struct panther_error *error);
// program: panther-link. delay: "10ms", or NULL.
int wire_link(struct wire *wire, const char *program, const char *delay, bool capture, struct panther_error *error);
void wire_end(struct wire *wire);
// Bound to 10.77.0.1 (end 0) or 10.77.0.2 (end 1). type: SOCK_DGRAM or SOCK_STREAM. It gives up after some seconds without data.
int wire_socket(const struct wire *wire, int end, int type, uint16_t port, struct panther_error *error);
int wire_connect(int fd, int end, uint16_t port, struct panther_error *error);

#endif
