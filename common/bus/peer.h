// The connections of one server: found by route, by libzmq's identity frame, and by descriptor. Internal to common/bus.
// libzmq tells a ROUTER nothing when a peer leaves; its monitor tells the descriptor, and each message tells from which
// descriptor it came. So the two are joined here, and an entry lives exactly as long as its connection.
#ifndef PANTHER_COMMON_BUS_PEER_H
#define PANTHER_COMMON_BUS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "common/bus/bus.h"

// What libzmq makes for a peer that does not name itself: a zero byte and a number that grows with each connection. A peer that
// names itself is refused: it could take over the name of another after that one's loss.
#define PEER_IDENTITY_BYTES 5

struct peer_queued {
    struct peer_queued *next;
    zmq_msg_t data, payload;
    bool has_payload;
    size_t bytes;
};

struct peer {
    bus_route route;
    uint8_t identity[PEER_IDENTITY_BYTES];
    int fd;          // libzmq's; only looked at and shut down
    uint64_t cookie; // the kernel's number of that socket: a descriptor is used again, this is not
    char public_key[BUS_KEY_TEXT_BYTES];
    bool closed;      // refused from now on; what it sends is dropped
    bool owner_knows; // closed by the owner: it hears no on_gone
    bool leaving;     // its connection has ended; what it sent before is still being read
    uint64_t cut_ns;  // when a closed peer's connection is cut
    struct peer_queued *first, *last;
    size_t queued_bytes;
    struct peer_list *list;       // the one list of the server that it is in: blocked, closing, leaving; NULL: none
    struct peer *next, *previous; // in it
};

struct peer_list {
    struct peer *first, *last;
};
// Out of the list that it is in, to the end of another (NULL: none).
void peer_list_move(struct peer *peer, struct peer_list *list);

struct peer_table;
struct peer_table *peer_table_new(void);
void peer_table_free(struct peer_table **table); // and all peers

// A new connection that sent its first message.
struct peer *peer_add(struct peer_table *table, const uint8_t identity[PEER_IDENTITY_BYTES], int fd, const char *public_key);
void peer_remove(struct peer_table *table, struct peer **peer);
struct peer *peer_by_identity(const struct peer_table *table, const void *identity, size_t bytes);
struct peer *peer_by_route(const struct peer_table *table, bus_route route);
size_t peer_count(const struct peer_table *table);

struct peer *peer_by_descriptor(const struct peer_table *table, int fd);
// What the monitor said: accepted, ended. Live is what is between.
void peer_descriptor_accepted(struct peer_table *table, int fd);
void peer_descriptor_ended(struct peer_table *table, int fd);
bool peer_descriptor_is_live(const struct peer_table *table, int fd);

// Takes both messages (payload may be NULL).
void peer_queue_add(struct peer *peer, zmq_msg_t *data, zmq_msg_t *payload);
void peer_queue_drop_first(struct peer *peer);
void peer_queue_clear(struct peer *peer);
// Ends the TCP connection, if the descriptor is still this peer's.
void peer_cut(struct peer *peer);

#endif
