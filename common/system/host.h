// What this host is and how it is set: what explains a measurement long after. Read by the agent for its Hello, and by each guard when its
// instance is initialised. What cannot be told is empty or 0.
#ifndef PANTHER_COMMON_SYSTEM_HOST_H
#define PANTHER_COMMON_SYSTEM_HOST_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_TEXT_BYTES 256

struct host_facts {
    char kernel[HOST_TEXT_BYTES]; // "Linux 6.1.0-18-amd64"
    char architecture[HOST_TEXT_BYTES], distribution[HOST_TEXT_BYTES];
    uint32_t cpus;
    uint64_t memory_bytes;
};
void host_facts_read(struct host_facts *facts);

struct host_settings {
    char governor[HOST_TEXT_BYTES]; // of all cpus: "performance", or "performance 6, powersave 2"; empty: the kernel sets no frequencies
    char clock_source[HOST_TEXT_BYTES]; // "tsc"
    bool clock_is_synchronised;         // somebody (NTP, PTP) keeps the wall clock right
    uint64_t clock_error_us;            // at most, as far as the kernel knows
    char interface[HOST_TEXT_BYTES];    // with the address, in this network namespace: "eth0 (virtio_net, mtu 1500)"
    char offloads[HOST_TEXT_BYTES];     // that are on there: "tso gso gro"
};
// address: numeric, of a service; or empty.
void host_settings_read(const char *address, struct host_settings *settings);

#endif
