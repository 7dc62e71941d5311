// The place of one service in the network: addresses, the TAP device that the switch reads, and who holds the namespace open.
#ifndef PANTHER_AGENT_ENVIRONMENT_LINK_PLACE_H
#define PANTHER_AGENT_ENVIRONMENT_LINK_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/error.h"

#define PLACE_DEVICE "eth0"
#define PLACE_MTU 1500
#define PLACE_MAC_BYTES 6
#define PLACE_PREFIX_IPV4 16
#define PLACE_PREFIX_IPV6 64
#define PLACE_FRAME_MAX_BYTES 2048 // a frame of the MTU, with room: the kernel says when one is longer

struct place {
    const char *service;
    uint8_t mac[PLACE_MAC_BYTES];
    uint8_t ipv4[4], other4[4], ipv6[16], other6[16]; // other: where a NAT moves its flows
    pid_t holder;
    uint64_t holder_start;
    int tap; // -1: none yet
};

// By its number alone, so that the same experiment has the same addresses everywhere.
void place_number(struct place *place, size_t number, const char *service);
// What its service is told to listen at: IPv4 where there is some.
void place_address(const struct place *place, bool ipv4, char *text, size_t bytes);

// ---- namespaces.c
// Once, first: this process comes to own network namespaces, in a user namespace of its own where it may not make one otherwise.
int namespaces_own(struct panther_error *error);
// A namespace for each, held open by a process that dies with this one.
int namespaces_make(struct place *places, size_t count, bool ipv4, bool ipv6, struct panther_error *error);
// The file `namespaces`: SERVICE PID STARTTIME ADDRESS, a line each.
int namespaces_write(const char *path, const struct place *places, size_t count, bool ipv4, struct panther_error *error);
uint64_t namespaces_not_read(const struct place *place); // frames that the kernel dropped because they were not read in time
void namespaces_end(struct place *places, size_t count);

// ---- netlink.c, in a namespace: its device and lo up, its addresses, where the others are.
int netlink_configure(const struct place *places, size_t count, size_t own, bool ipv4, bool ipv6, struct panther_error *error);

#endif
