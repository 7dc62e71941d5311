// A network of panther-link's for a test: the program, sockets in the namespaces that it makes, its control line, its capture.
#ifndef PANTHER_TESTS_INTEGRATION_LINK_NETWORK_H
#define PANTHER_TESTS_INTEGRATION_LINK_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NETWORK_PLACES_MAX 4
#define NETWORK_LIMIT_MS 20000 // for whatever has to come

struct network {
    char folder[64];
    pid_t link;
    size_t place_count;
    struct {
        char service[64], address[64];
        pid_t holder;
        uint64_t holder_start;
    } places[NETWORK_PLACES_MAX];
};

// False: this machine has no network namespaces for us, or no TAP devices; `why` says it.
bool network_is_possible(char *why, size_t bytes);
// plan: what network.json says. Fails the test when it does not come up.
void network_start(struct network *network, const char *plan);
// Its exit status after SIGTERM, or what it came to by itself; 128 + the signal that killed it.
int network_stop(struct network *network);
int network_wait(struct network *network);
// Also after a failed test: nothing is left.
void network_remove(struct network *network);
int network_socket(const struct network *network, const char *service, int family, int type);  // in the namespace of the service
void network_ask(const struct network *network, const char *line, char *answer, size_t bytes); // link.control
void network_must(const struct network *network, const char *line);                            // it is answered with ok
char *network_file(const struct network *network, const char *name, size_t *bytes);            // freed by the caller

// ---- numbered datagrams

#define DATAGRAM_NUMBERS 4096
struct arrivals {
    unsigned count[DATAGRAM_NUMBERS]; // by their number
    size_t total;
};
int datagram_socket(const struct network *network, const char *service, int family, uint16_t port); // bound to the place's address
void datagram_send(int fd, const struct network *network, const char *to, int family, uint16_t port, uint32_t number, size_t bytes);
// Until so many have come in all.
void datagrams_receive(int fd, struct arrivals *arrivals, size_t total);

// ---- what the capture says of them

struct captured {
    unsigned out[DATAGRAM_NUMBERS], in[DATAGRAM_NUMBERS]; // at the first place, at the second
    bool dropped[DATAGRAM_NUMBERS];                       // a comment says so
    size_t packets;
    bool whole;
};
void capture_read(const struct network *network, uint16_t port, struct captured *captured);

#endif
