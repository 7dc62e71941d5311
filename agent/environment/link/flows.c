// See flows.h. Sets of eight: a flow that is new takes the place of the one of its set that was silent longest.
#include "agent/environment/link/flows.h"

#include <string.h>

#include "common/base/memory.h"

#define SETS 128
#define WAYS 8
// Flows with a new source are looked for one by one when an answer comes.
#define REBOUND_MAX 256
#define PORT_FIRST 40000U // above what the kernel and servers choose from here by default; 20,000 to draw from
#define PORT_COUNT 20000U

struct flow {
    struct packet_end source, destination, other; // other: its source now, if rebound
    uint64_t began_ns, seen_ns;
    uint8_t transport, version;
    bool taken, rebound;
    unsigned epoch; // of the condition that struck it last
};

struct flows {
    struct flow table[SETS][WAYS];
    struct flow *rebound[REBOUND_MAX];
    size_t rebound_count;
};

struct flows *flows_new(void)
{
    return NEW(struct flows);
}

void flows_free(struct flows **flows)
{
    free(*flows);
    *flows = NULL;
}

static bool same_end(const struct packet_end *left, const struct packet_end *right)
{
    return left->port == right->port && memcmp(left->address, right->address, sizeof left->address) == 0;
}

static size_t set_of(const struct packet_end *source, const struct packet_end *destination)
{
    uint64_t hash = (uint64_t)source->port << 16 | destination->port;
    for (size_t i = 0; i < sizeof source->address; i++)
        hash = hash * 31 + source->address[i] + 7ULL * destination->address[i];
    return (hash ^ hash >> 7 ^ hash >> 17) % SETS;
}

static bool is_flow(const struct flow *flow, const struct packet_parts *parts, const struct packet_end *source,
                    const struct packet_end *destination)
{
    return flow->taken && flow->transport == parts->transport && flow->version == parts->version && same_end(&flow->source, source) &&
           same_end(&flow->destination, destination);
}

static struct flow *find(struct flows *flows, const struct packet_parts *parts, const struct packet_end *source,
                         const struct packet_end *destination)
{
    struct flow *set = flows->table[set_of(source, destination)];
    for (size_t i = 0; i < WAYS; i++)
        if (is_flow(&set[i], parts, source, destination))
            return &set[i];
    return NULL;
}

static void forget_rebound(struct flows *flows, const struct flow *flow)
{
    for (size_t i = 0; i < flows->rebound_count; i++)
        if (flows->rebound[i] == flow)
            flows->rebound[i--] = flows->rebound[--flows->rebound_count];
}

static struct flow *add(struct flows *flows, const struct packet_parts *parts, const struct packet_end *source,
                        const struct packet_end *destination, uint64_t now_ns)
{
    struct flow *set = flows->table[set_of(source, destination)], *chosen = &set[0];
    for (size_t i = 1; i < WAYS && chosen->taken; i++)
        if (!set[i].taken || set[i].seen_ns < chosen->seen_ns)
            chosen = &set[i];
    if (chosen->rebound)
        forget_rebound(flows, chosen);
    *chosen = (struct flow){.source = *source,
                            .destination = *destination,
                            .began_ns = now_ns,
                            .transport = (uint8_t)parts->transport,
                            .version = (uint8_t)parts->version,
                            .taken = true};
    return chosen;
}

static bool is_struck(const struct flow *flow, uint64_t now_ns, const struct flows_rebind *rebind)
{
    if (rebind->nat == CONDITION_NAT_NONE || flow->epoch == rebind->epoch)
        return false;
    return rebind->after_ns == 0 ? flow->began_ns < rebind->begun_ns : now_ns - flow->began_ns >= rebind->after_ns;
}

static bool is_in_use(const struct flows *flows, const struct flow *flow, const struct packet_end *source)
{
    for (size_t i = 0; i < flows->rebound_count; i++)
        if (flows->rebound[i] != flow && flows->rebound[i]->transport == flow->transport && same_end(&flows->rebound[i]->other, source))
            return true;
    return false;
}

// An address changes to the other one, and back when it is struck again; a port to one that no other flow was given.
static bool strike(struct flows *flows, struct flow *flow, const struct flows_rebind *rebind, uint64_t chance)
{
    const struct packet_end before = flow->rebound ? flow->other : flow->source;
    if (!flow->rebound && flows->rebound_count == REBOUND_MAX)
        return false;
    flow->epoch = rebind->epoch;
    flow->other = before;
    if (rebind->nat == CONDITION_NAT_ADDRESS) {
        const uint8_t *other = flow->version == 4 ? rebind->other4 : rebind->other6;
        size_t bytes = flow->version == 4 ? 4 : 16;
        bool has_it = memcmp(before.address, other, bytes) == 0;
        memcpy(flow->other.address, has_it ? flow->source.address : other, bytes);
    } else {
        do
            flow->other.port = (uint16_t)(PORT_FIRST + chance++ % PORT_COUNT);
        while (flow->other.port == before.port || is_in_use(flows, flow, &flow->other));
    }
    if (!flow->rebound)
        flows->rebound[flows->rebound_count++] = flow;
    flow->rebound = true;
    return true;
}

bool flows_leave(struct flows *flows, uint8_t *frame, const struct packet_parts *parts, uint64_t now_ns, const struct flows_rebind *rebind,
                 uint64_t chance, bool *rebound)
{
    struct packet_end source, destination;
    *rebound = false;
    if (!parts->has_ports)
        return false;
    packet_ends(frame, parts, &source, &destination);
    struct flow *flow = find(flows, parts, &source, &destination);
    if (!flow)
        flow = add(flows, parts, &source, &destination, now_ns);
    flow->seen_ns = now_ns;
    if (is_struck(flow, now_ns, rebind))
        *rebound = strike(flows, flow, rebind, chance);
    if (flow->rebound)
        packet_put_source(frame, parts, &flow->other);
    return flow->rebound;
}

enum flows_way flows_return(struct flows *flows, uint8_t *frame, const struct packet_parts *parts)
{
    struct packet_end source, destination;
    if (!parts->has_ports)
        return FLOWS_STRANGER;
    packet_ends(frame, parts, &source, &destination);
    for (size_t i = 0; i < flows->rebound_count; i++) {
        const struct flow *flow = flows->rebound[i];
        if (flow->transport == parts->transport && flow->version == parts->version && same_end(&flow->other, &destination) &&
            same_end(&flow->destination, &source)) {
            packet_put_destination(frame, parts, &flow->source);
            return FLOWS_CHANGED;
        }
    }
    const struct flow *flow = find(flows, parts, &destination, &source);
    return !flow ? FLOWS_STRANGER : flow->rebound ? FLOWS_GONE : FLOWS_KNOWN;
}
