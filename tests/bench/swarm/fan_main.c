// The yardstick of bench_swarm alone: `bench_fan [PEERS [MESSAGES]]`.
#include <stdio.h>
#include <stdlib.h>

#include "fan.h"

int main(int argc, char **argv)
{
    unsigned long peers = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000, messages = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    struct fan_result result;
    struct panther_error error = {0};
    if (fan_run((uint32_t)peers, (unsigned)messages, &result, &error) < 0) {
        fprintf(stderr, "bench_fan: %s\n", error.message);
        return 1;
    }
    printf("{\"bench\":\"fan\",\"peers\":%lu,\"handshakes_s\":%.2f,\"handshakes_per_s\":%.0f,\"bytes_per_peer\":%.0f,"
           "\"messages\":%lu,\"bytes_per_peer_worn\":%.0f}\n",
           peers, result.handshakes_s, result.handshakes_per_s, result.bytes_per_peer, messages, result.bytes_per_peer_worn);
    return 0;
}
