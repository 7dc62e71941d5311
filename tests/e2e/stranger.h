// A peer without manners: libzmq with a key of its own choosing, and plain TCP.
#ifndef PANTHER_TESTS_E2E_STRANGER_H
#define PANTHER_TESTS_E2E_STRANGER_H

#include "common/bus/bus.h"
#include "tests/e2e/fixture.h"

// Connects to the coordinator's control port with the keys of this file.
void *stranger_open(struct lab *lab, const struct bus_peer_file *keys);
void stranger_send(void *socket, const void *data, size_t bytes, bool more);
// The next whole message within the patience of tests: its bytes; -1: none came while `until` was false.
int stranger_hears(void *socket, uint64_t wait_ms);
void stranger_close(void **socket);
void stranger_end(void); // after the last one
int stranger_tcp(struct lab *lab);

#endif
