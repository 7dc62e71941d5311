// See place.h.
#include "agent/environment/link/place.h"

#include <arpa/inet.h>
#include <string.h>

void place_number(struct place *place, size_t number, const char *service)
{
    uint8_t last = (uint8_t)(number + 1); // SERVICES_PER_TEST_MAX fits
    *place = (struct place){
        .service = service,
        .mac = {0x02, 0x00, 10, 77, 0, last},
        .ipv4 = {10, 77, 0, last},
        .other4 = {10, 77, 1, last},
        .ipv6 = {0xfd, 0x00, 0, 0x77, [15] = last},
        .other6 = {0xfd, 0x00, 0, 0x77, [13] = 1, [15] = last},
        .tap = -1,
    };
}

void place_address(const struct place *place, bool ipv4, char *text, size_t bytes)
{
    const void *address = ipv4 ? (const void *)place->ipv4 : place->ipv6;
    if (!inet_ntop(ipv4 ? AF_INET : AF_INET6, address, text, (socklen_t)bytes))
        PANIC("an address does not fit into %zu bytes", bytes);
}
