// A server and links in one loop, which write down what they hear.
#ifndef PANTHER_TESTS_UNIT_BUS_FIXTURE_H
#define PANTHER_TESTS_UNIT_BUS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/bus/bus.h"

#define PATIENCE_MS 20000 // a probe that is not true by then never will be

struct keys {
    char public_key[BUS_KEY_TEXT_BYTES], secret_key[BUS_KEY_TEXT_BYTES];
};

struct lab {
    struct loop *loop;
    struct bus_server *server;
    struct keys keys;
    bool echo; // send everything back
    size_t messages, gone, unframed;
    bus_route last_route, gone_route;
    char last_key[BUS_KEY_TEXT_BYTES], last_why[128];
    struct text heard; // "hello;" per message, payload after a slash
};

struct host {
    struct lab *lab;
    struct bus_link *link;
    bool up, lost;
    size_t ups, losses, messages;
    char why[640];
    struct text heard;
    struct bus_link **free_on_up, **free_on_message, **free_on_lost; // set: the callback frees the link
};

extern const struct bus_server_callbacks lab_callbacks;

// On a loopback address of this process alone, so that a port that a test left for a moment is still free when it comes back.
#define ENDPOINT_BYTES 64
void own_endpoint(char endpoint[ENDPOINT_BYTES], unsigned port);
void lab_begin(struct lab *lab, size_t queue_bytes_max);
void lab_end(struct lab *lab);
void lab_server(struct lab *lab, const char *endpoint, size_t queue_bytes_max);
struct keys keys_new(bool allowed);

void host_open(struct host *host, struct lab *lab, const char *endpoint, const struct keys *keys, const char *server_key);
void host_connect(struct host *host, struct lab *lab); // with a new allowed key, and waits until it is up
void host_say(struct host *host, const char *text);
void host_close(struct host *host);

// Runs the loop until the condition holds; fails the test when it never does.
#define WAIT_FOR(lab, condition)                                                                                                           \
    do {                                                                                                                                   \
        uint64_t deadline_ns = clock_boottime_ns() + PATIENCE_MS * UINT64_C(1000000);                                                      \
        while (!(condition)) {                                                                                                             \
            if (clock_boottime_ns() > deadline_ns)                                                                                         \
                fail_msg("never happened: %s", #condition);                                                                                \
            loop_run_once((lab)->loop, 100);                                                                                               \
        }                                                                                                                                  \
    } while (0)
// For what must not happen: lets the loop run for a while.
void lab_run_for(struct lab *lab, unsigned milliseconds);

#endif
