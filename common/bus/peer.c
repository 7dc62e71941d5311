// The connections of one server, found by route, identity and descriptor; and the queue of a peer that reads slowly.
#include "common/bus/peer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/map.h"
#include "common/base/memory.h"

// A route is the serial number of the connection above the 32 bits that libzmq counts, so that one map serves both ways.
#define ROUTE_SERIAL_SHIFT 32

struct descriptor {
    bool live;
    struct peer *peer;
};

struct peer_table {
    struct map *peers; // by the number in the identity frame
    uint32_t serial;
    struct descriptor *descriptors; // [descriptor_capacity], by descriptor
    size_t descriptor_capacity;
};

static uint32_t identity_number(const uint8_t identity[PEER_IDENTITY_BYTES])
{
    uint32_t number;
    memcpy(&number, identity + 1, sizeof number);
    return number;
}

struct peer_table *peer_table_new(void)
{
    struct peer_table *table = NEW(struct peer_table);
    table->peers = map_new();
    return table;
}

static void peer_free(struct peer *peer)
{
    peer_queue_clear(peer);
    free(peer);
}

void peer_table_free(struct peer_table **table)
{
    if (!*table)
        return;
    for (struct map_entry *entry = map_first((*table)->peers); entry; entry = map_next((*table)->peers, entry))
        peer_free(entry->value);
    map_free(&(*table)->peers);
    free((*table)->descriptors);
    free(*table);
    *table = NULL;
}

static struct descriptor *descriptor_at(struct peer_table *table, int fd)
{
    INVARIANT(fd >= 0);
    size_t index = (size_t)fd;
    if (index >= table->descriptor_capacity) {
        size_t capacity = table->descriptor_capacity ? table->descriptor_capacity : 64;
        while (capacity <= index)
            capacity *= 2;
        table->descriptors = memory_grow(table->descriptors, capacity, sizeof *table->descriptors);
        memset(table->descriptors + table->descriptor_capacity, 0, (capacity - table->descriptor_capacity) * sizeof *table->descriptors);
        table->descriptor_capacity = capacity;
    }
    return &table->descriptors[index];
}

// 0: not a TCP socket any more.
static uint64_t socket_cookie(int fd)
{
    uint64_t cookie = 0;
    socklen_t bytes = sizeof cookie;
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &bytes) == 0 ? cookie : 0;
}

struct peer *peer_add(struct peer_table *table, const uint8_t identity[PEER_IDENTITY_BYTES], int fd, const char *public_key)
{
    INVARIANT(!peer_by_identity(table, identity, PEER_IDENTITY_BYTES));
    struct peer *peer = NEW(struct peer);
    memcpy(peer->identity, identity, PEER_IDENTITY_BYTES);
    peer->route = (uint64_t)++table->serial << ROUTE_SERIAL_SHIFT | identity_number(identity);
    peer->fd = fd;
    peer->cookie = socket_cookie(fd);
    memcpy(peer->public_key, public_key, sizeof peer->public_key);
    map_put_number(table->peers, identity_number(identity), peer);
    descriptor_at(table, fd)->peer = peer;
    return peer;
}

void peer_remove(struct peer_table *table, struct peer **peer)
{
    peer_list_move(*peer, NULL);
    struct descriptor *descriptor = descriptor_at(table, (*peer)->fd);
    if (descriptor->peer == *peer)
        descriptor->peer = NULL;
    map_remove_number(table->peers, identity_number((*peer)->identity));
    peer_free(*peer);
    *peer = NULL;
}

struct peer *peer_by_identity(const struct peer_table *table, const void *identity, size_t bytes)
{
    return bytes == PEER_IDENTITY_BYTES ? map_get_number(table->peers, identity_number(identity)) : NULL;
}

struct peer *peer_by_route(const struct peer_table *table, bus_route route)
{
    struct peer *peer = map_get_number(table->peers, (uint32_t)route);
    return peer && peer->route == route ? peer : NULL;
}

size_t peer_count(const struct peer_table *table)
{
    return map_count(table->peers);
}

void peer_descriptor_accepted(struct peer_table *table, int fd)
{
    descriptor_at(table, fd)->live = true;
}

void peer_descriptor_ended(struct peer_table *table, int fd)
{
    *descriptor_at(table, fd) = (struct descriptor){0};
}

bool peer_descriptor_is_live(const struct peer_table *table, int fd)
{
    return fd >= 0 && (size_t)fd < table->descriptor_capacity && table->descriptors[fd].live;
}

struct peer *peer_by_descriptor(const struct peer_table *table, int fd)
{
    return fd >= 0 && (size_t)fd < table->descriptor_capacity ? table->descriptors[fd].peer : NULL;
}

void peer_list_move(struct peer *peer, struct peer_list *list)
{
    struct peer_list *old = peer->list;
    if (old) {
        *(peer->previous ? &peer->previous->next : &old->first) = peer->next;
        *(peer->next ? &peer->next->previous : &old->last) = peer->previous;
    }
    peer->list = list;
    peer->next = NULL;
    peer->previous = list ? list->last : NULL;
    if (list) {
        *(list->last ? &list->last->next : &list->first) = peer;
        list->last = peer;
    }
}

void peer_queue_add(struct peer *peer, zmq_msg_t *data, zmq_msg_t *payload)
{
    struct peer_queued *queued = NEW(struct peer_queued);
    zmq_msg_init(&queued->data);
    zmq_msg_move(&queued->data, data);
    zmq_msg_init(&queued->payload);
    if (payload)
        zmq_msg_move(&queued->payload, payload);
    queued->has_payload = payload != NULL;
    queued->bytes = zmq_msg_size(&queued->data) + zmq_msg_size(&queued->payload) + sizeof *queued;
    peer->queued_bytes += queued->bytes;
    if (peer->last)
        peer->last->next = queued;
    else
        peer->first = queued;
    peer->last = queued;
}

void peer_queue_drop_first(struct peer *peer)
{
    struct peer_queued *queued = peer->first;
    INVARIANT(queued);
    peer->first = queued->next;
    if (!peer->first)
        peer->last = NULL;
    peer->queued_bytes -= queued->bytes;
    zmq_msg_close(&queued->data);
    zmq_msg_close(&queued->payload);
    free(queued);
}

void peer_queue_clear(struct peer *peer)
{
    while (peer->first)
        peer_queue_drop_first(peer);
}

void peer_cut(struct peer *peer)
{
    // libzmq's thread may close the descriptor at any time, and the kernel may give it to somebody else. Between these two
    // lines that would hit another connection, which would merely have to connect again.
    if (peer->cookie && socket_cookie(peer->fd) == peer->cookie)
        shutdown(peer->fd, SHUT_RDWR);
}
