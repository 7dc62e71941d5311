// A server's state, shared by the half that reads (server.c) and the half that sends (server_send.c). Internal to common/bus.
#ifndef PANTHER_COMMON_BUS_SERVER_H
#define PANTHER_COMMON_BUS_SERVER_H

#include "common/bus/bus.h"
#include "common/bus/peer.h"

#define SERVER_ENDPOINT_BYTES 256

struct bus_server {
    struct loop *loop;
    void *router, *monitor;
    struct loop_source *router_source, *monitor_source, *check_timer, *retry_timer, *cut_timer;
    struct bus_server_callbacks callbacks;
    void *context;
    struct peer_table *peers;
    struct peer_list blocked, closing, leaving;
    size_t queue_bytes_max;
    char endpoint[SERVER_ENDPOINT_BYTES];
    struct bus_server_counters counters;
    bool reading; // inside server_read, which goes on until nothing is there
    bool check_is_set;
};

// After a send libzmq may have taken the signal for what can be read, so we look again before the loop waits.
void server_check_soon(struct bus_server *server);
// Sends on what waited for room.
void server_flush(struct bus_server *server);
// Timers of the sending half.
void server_on_retry(void *context);
void server_on_cut(void *context);

#endif
