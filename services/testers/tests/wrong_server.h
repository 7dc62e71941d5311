// A server that is right, or wrong in the one way that its mode says: a python program beside a tester's tests, which prints its port, and
// then each mode that it was told on stdin. The tests of coap_suite, dns_conformance and mqtt_suite use it.
#ifndef PANTHER_SERVICES_TESTERS_TESTS_WRONG_SERVER_H
#define PANTHER_SERVICES_TESTERS_TESTS_WRONG_SERVER_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct server {
    pid_t pid;
    uint16_t port;
    FILE *said, *told;
};

struct server wrong_server(const char *program, const char *mode);
void say(struct server *server, const char *mode); // the mode from now on; returns when it holds
void end_server(const struct server *server);

#endif
