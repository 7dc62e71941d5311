// See direction.h. The order of what is done: down, drop_nth, loss; NAT, ECN, corruption; queue and rate; delay. So a packet that is lost
// takes no time on the wire.
#include "agent/environment/link/direction.h"

#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"

#define NS_PER_MS 1000000ULL

const char *drop_name(enum drop drop)
{
    static const char *const names[DROPS] = {"", "down", "drop_nth", "loss", "queue", "nat", "memory", "device"};
    return names[drop];
}

void direction_begin(struct direction *direction, uint64_t seed, const struct conditions *conditions, uint64_t now_ns)
{
    direction->conditions = *conditions;
    direction->begun_ns = now_ns;
    direction->first_ns = 0;
    direction->epoch++;
    direction->last_due_ns = 0;
    wire_clear(&direction->own);
    if (direction->flows == NULL)
        direction->flows = flows_new();
    fates_begin(&direction->fates, seed, direction->from, direction->to);
}

void direction_free(struct direction *direction)
{
    flows_free(&direction->flows);
    wire_free(&direction->own);
    *direction = (struct direction){0};
}

void direction_dropped(struct direction *direction, enum drop drop)
{
    direction->counts.dropped[drop]++;
}

void direction_delivered(struct direction *direction, size_t bytes)
{
    direction->counts.delivered++;
    direction->counts.delivered_bytes += bytes;
}

// ---- one packet

// An answer goes back by the flow that it answers; else the packet belongs to a flow of its sender.
static bool translate(struct direction *direction, struct direction *back, uint8_t *frame, const struct packet_parts *parts,
                      const struct flows_rebind *rebind, uint64_t now_ns, uint64_t chance, bool *rebound)
{
    enum flows_way way = flows_return(back->flows, frame, parts);
    if (way == FLOWS_STRANGER)
        flows_leave(direction->flows, frame, parts, now_ns, rebind, chance, rebound);
    return way != FLOWS_GONE;
}

// The wire is dead for a while: a matter of time, like the rate, and not of the seed.
static bool is_dark(struct direction *direction, uint64_t now_ns)
{
    const struct conditions *conditions = &direction->conditions;
    if (direction->first_ns == 0)
        direction->first_ns = now_ns;
    uint64_t from_ns = direction->first_ns + conditions->down_after_ms * NS_PER_MS;
    return now_ns >= from_ns && now_ns < from_ns + conditions->down_for_ms * NS_PER_MS;
}

static enum drop drop_of(const struct fate *fate, bool is_dark)
{
    static const enum drop drops[] = {[FATE_ARRIVES] = DROP_NONE, [FATE_DOWN] = DROP_DOWN, [FATE_NTH] = DROP_NTH, [FATE_LOST] = DROP_LOSS};
    return is_dark ? DROP_DOWN : drops[fate->end];
}

static void change(const struct direction *direction, const struct fate *fate, uint8_t *frame, const struct packet_parts *parts,
                   struct passage *passage)
{
    if (direction->conditions.ecn == CONDITION_ECN_CLEAR)
        passage->cleared = packet_clear_ecn(frame, parts);
    else if (fate->mark)
        passage->marked = packet_mark_congestion(frame, parts);
    if (fate->corrupt)
        passage->corrupted = packet_corrupt(frame, parts, fate->chance);
    passage->duplicate = fate->duplicate;
}

static void put_time(struct direction *direction, const struct fate *fate, uint64_t left_ns, struct passage *passage)
{
    passage->due_ns = left_ns + fate->delay_ns;
    if (passage->due_ns < direction->last_due_ns) // jitter alone overtakes nobody
        passage->due_ns = direction->last_due_ns;
    passage->hold = fate->reorder && direction->held == NULL;
    if (!passage->hold)
        direction->last_due_ns = passage->due_ns;
}

static void count(struct direction *direction, const struct passage *passage)
{
    struct direction_counts *counts = &direction->counts;
    counts->duplicated += passage->duplicate;
    counts->corrupted += passage->corrupted;
    counts->marked += passage->marked;
    counts->rebound += passage->rebound;
}

static bool transmit(struct direction *direction, size_t bytes, uint64_t now_ns, uint64_t *done_ns)
{
    const struct conditions *conditions = &direction->conditions;
    struct wire *wire = conditions->shared && direction->shared != NULL ? direction->shared : &direction->own;
    return wire_transmit(wire, bytes, conditions->rate_bits, conditions->queue_packets, now_ns, done_ns);
}

struct passage direction_pass(struct direction *direction, struct direction *back, uint8_t *frame, size_t bytes,
                              const struct packet_parts *parts, const uint8_t *other4, const uint8_t *other6, uint64_t now_ns)
{
    const struct fate fate = fates_next(&direction->fates, &direction->conditions);
    const struct flows_rebind rebind = {.nat = direction->conditions.nat,
                                        .begun_ns = direction->begun_ns,
                                        .after_ns = direction->conditions.nat_after_ms * NS_PER_MS,
                                        .epoch = direction->epoch,
                                        .other4 = other4,
                                        .other6 = other6};
    struct passage passage = {.number = fate.number, .drop = drop_of(&fate, is_dark(direction, now_ns))};
    uint64_t left_ns;
    direction->counts.sent++;
    direction->counts.sent_bytes += bytes;
    // A NAT stands before the wire: it sees what is lost behind it.
    if (!translate(direction, back, frame, parts, &rebind, now_ns, fate.chance, &passage.rebound) && passage.drop == DROP_NONE)
        passage.drop = DROP_NAT;
    if (passage.drop == DROP_NONE)
        change(direction, &fate, frame, parts, &passage);
    if (passage.drop == DROP_NONE && !transmit(direction, bytes, now_ns, &left_ns))
        passage = (struct passage){.number = fate.number, .drop = DROP_QUEUE, .rebound = passage.rebound};
    if (passage.drop == DROP_NONE)
        put_time(direction, &fate, left_ns, &passage);
    else
        direction_dropped(direction, passage.drop);
    count(direction, &passage);
    return passage;
}

bool passage_text(const struct passage *passage, const struct direction *direction, char *text, size_t bytes)
{
    char what[128] = "";
    if (passage->drop != DROP_NONE)
        snprintf(what, sizeof what, "dropped: %s", drop_name(passage->drop));
    else
        snprintf(what, sizeof what, "%s%s%s%s%s%s", passage->corrupted ? ", corrupted" : "", passage->duplicate ? ", duplicated" : "",
                 passage->hold ? ", to be overtaken" : "", passage->marked ? ", marked" : "", passage->cleared ? ", ECN cleared" : "",
                 passage->rebound ? ", another source" : "");
    const char *begin = what + (what[0] == ',' ? 2 : 0);
    if (*begin)
        snprintf(text, bytes, "%s, packet %llu of %.64s to %.64s", begin, (unsigned long long)passage->number, direction->from,
                 direction->to);
    return *begin != '\0';
}
