// See wire.h.
#include "agent/environment/link/wire.h"

#include "common/base/memory.h"

#define BITS_PER_BYTE 8
#define NS_PER_S 1000000000ULL

void wire_clear(struct wire *wire)
{
    wire->free_ns = 0;
    wire->count = 0;
}

void wire_free(struct wire *wire)
{
    free(wire->leaving);
    *wire = (struct wire){0};
}

static void leave(struct wire *wire, uint64_t now_ns)
{
    while (wire->count > 0 && wire->leaving[wire->first] <= now_ns) {
        wire->first = (wire->first + 1) % wire->capacity;
        wire->count--;
    }
}

static void wait(struct wire *wire, uint64_t until_ns)
{
    if (wire->count == wire->capacity) {
        size_t old = wire->capacity, capacity = old > 0 ? old * 2 : 16;
        uint64_t *grown = memory_new(capacity * sizeof *grown);
        for (size_t i = 0; i < old; i++)
            grown[i] = wire->leaving[(wire->first + i) % old];
        free(wire->leaving);
        wire->leaving = grown;
        wire->capacity = capacity;
        wire->first = 0;
    }
    wire->leaving[(wire->first + wire->count++) % wire->capacity] = until_ns;
}

bool wire_transmit(struct wire *wire, size_t bytes, uint64_t rate_bits, uint32_t queue_packets, uint64_t now_ns, uint64_t *done_ns)
{
    *done_ns = now_ns;
    if (rate_bits == 0)
        return true;
    leave(wire, now_ns);
    if (wire->count >= (queue_packets > 0 ? queue_packets : WIRE_QUEUE_PACKETS))
        return false;
    uint64_t start_ns = wire->free_ns > now_ns ? wire->free_ns : now_ns;
    *done_ns = start_ns + bytes * BITS_PER_BYTE * NS_PER_S / rate_bits;
    wire->free_ns = *done_ns;
    wait(wire, *done_ns);
    return true;
}
