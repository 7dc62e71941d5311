// See lab.h. An htb at the root of the device with a class per peer: what no filter sends into a class passes by it unshaped, so nothing
// but the peers' packets is touched. What a class delays or loses is a netem below it. A partition is a table of nft that drops what
// arrives from the peer: at the receiver, as a packet that its own host may not send would be an error there (EPERM) and not a loss.
#include <ctype.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "agent/environment/lab/lab.h"
#include "agent/environment/lab/probe.h"

#define HANDLE "1f00:" // ours, so that a root qdisc that somebody else made is never taken away
#define CLASS_FIRST 0x10
#define RATE_UNBOUNDED_BITS 100000000000ULL
#define QUEUE_DEFAULT_PACKETS 1000

struct shaped {
    char *now; // its class and qdisc, as commands; NULL: it has none
    bool is_cut;
};

struct lab_shape {
    const struct lab_network *network;
    char device[LAB_DEVICE_BYTES];
    bool has_root;
    struct shaped *peers;
};

struct lab_shape *lab_shape_new(const struct lab_network *network, const char *device)
{
    struct lab_shape *shape = NEW(struct lab_shape);
    shape->network = network;
    snprintf(shape->device, sizeof shape->device, "%s", device);
    shape->peers = memory_new((network->peer_count + 1) * sizeof *shape->peers);
    return shape;
}

void lab_shape_free(struct lab_shape **pointer)
{
    struct lab_shape *shape = *pointer;
    if (!shape)
        return;
    for (size_t i = 0; i < shape->network->peer_count; i++)
        free(shape->peers[i].now);
    free(shape->peers);
    free(shape);
    *pointer = NULL;
}

// ---- tc

static void put_share(struct text *text, const char *name, double share)
{
    if (share > 0)
        text_printf(text, " %s %.4f%%", name, share * 100);
}

// Bursts are a Gilbert model: r = 1 / mean length, p so that the mean share is as wanted.
static void put_loss(struct text *text, const struct conditions *conditions)
{
    if (conditions->burst <= 1 || conditions->loss <= 0 || conditions->loss >= 1) {
        put_share(text, "loss", conditions->loss);
        return;
    }
    double leave = 1.0 / conditions->burst, enter = conditions->loss * leave / (1 - conditions->loss);
    text_printf(text, " loss gemodel %.4f%% %.4f%%", enter * 100, leave * 100);
}

static void put_netem(struct text *text, const struct conditions *conditions)
{
    text_append(text, " netem");
    if (conditions->delay_ms || conditions->jitter_ms)
        text_printf(text, " delay %ums", conditions->delay_ms);
    if (conditions->jitter_ms)
        text_printf(text, " %ums", conditions->jitter_ms);
    put_loss(text, conditions);
    put_share(text, "duplicate", conditions->duplicate);
    put_share(text, "corrupt", conditions->corrupt);
    put_share(text, "reorder", conditions->reorder);
}

static char *class_commands(const struct lab_shape *shape, size_t peer, const struct conditions *conditions)
{
    struct text text = {0};
    unsigned number = CLASS_FIRST + (unsigned)peer;
    uint64_t rate = conditions->rate_bits ? conditions->rate_bits : RATE_UNBOUNDED_BITS;
    text_printf(&text, "class replace dev %s parent " HANDLE " classid " HANDLE "%x htb rate %llubit quantum 1514\n", shape->device, number,
                (unsigned long long)rate);
    text_printf(&text, "qdisc replace dev %s parent " HANDLE "%x handle %x:", shape->device, number, 0x1f00 + number);
    if (conditions_need_netem(conditions))
        put_netem(&text, conditions);
    else
        text_append(&text, " pfifo");
    text_printf(&text, " limit %u\n", conditions->queue_packets ? conditions->queue_packets : QUEUE_DEFAULT_PACKETS);
    return text.data;
}

static void put_filter(struct text *tc, const struct lab_shape *shape, size_t index)
{
    const struct lab_peer *peer = &shape->network->peers[index];
    text_printf(tc, "filter add dev %s parent " HANDLE " protocol %s prio %d u32 match %s dst %s/%d flowid " HANDLE "%x\n", shape->device,
                peer->is_ipv6 ? "ipv6" : "ip", peer->is_ipv6 ? 2 : 1, peer->is_ipv6 ? "ip6" : "ip", peer->address, peer->is_ipv6 ? 128 : 32,
                CLASS_FIRST + (unsigned)index);
}

// `down` is dropped by who would receive it; a rate or delay besides stays.
static bool is_shaped(const struct conditions *conditions)
{
    return conditions_need_netem(conditions) || conditions->rate_bits || conditions->queue_packets;
}

static void plan_class(struct lab_shape *shape, size_t index, const struct conditions *conditions, struct text *tc)
{
    struct shaped *peer = &shape->peers[index];
    if (!peer->now && !is_shaped(conditions))
        return;
    if (!shape->has_root)
        text_printf(tc, "qdisc add dev %s root handle " HANDLE " htb\n", shape->device);
    shape->has_root = true;
    char *wanted = class_commands(shape, index, conditions);
    if (peer->now && strcmp(peer->now, wanted) == 0) {
        free(wanted);
        return;
    }
    text_append(tc, wanted);
    if (!peer->now)
        put_filter(tc, shape, index);
    free(peer->now);
    peer->now = wanted;
}

// ---- nft

// A device may be called what a table may not: what is no letter or digit is written as its number.
static char *table_name(const char *device)
{
    struct text text = {0};
    text_append(&text, "panther_lab_");
    for (; *device; device++)
        text_printf(&text, isalnum((unsigned char)*device) ? "%c" : "_%02x", (unsigned char)*device);
    return text.data;
}

static void put_table(struct text *nft, const struct lab_shape *shape)
{
    CLEANUP_FREE char *table = table_name(shape->device);
    text_printf(nft, "table inet %s {}\ndelete table inet %s\n", table, table);
    text_printf(nft, "table inet %s {\n  chain cut {\n    type filter hook prerouting priority raw; policy accept;\n", table);
    for (size_t i = 0; i < shape->network->peer_count; i++)
        if (shape->peers[i].is_cut)
            text_printf(nft, "    iifname \"%s\" %s saddr %s drop\n", shape->device, shape->network->peers[i].is_ipv6 ? "ip6" : "ip",
                        shape->network->peers[i].address);
    text_append(nft, "  }\n}\n");
}

// ---- both

int lab_shape_plan(struct lab_shape *shape, struct text *tc, struct text *nft, struct panther_error *error)
{
    bool cuts_change = false;
    for (size_t i = 0; i < shape->network->peer_count; i++) {
        struct conditions conditions;
        bool is_cut;
        int problem = lab_network_conditions(shape->network, i, &conditions, &is_cut, error);
        if (problem < 0)
            return problem;
        plan_class(shape, i, &conditions, tc);
        cuts_change = cuts_change || is_cut != shape->peers[i].is_cut;
        shape->peers[i].is_cut = is_cut;
    }
    if (cuts_change)
        put_table(nft, shape);
    return 0;
}

bool lab_shape_is_needed(struct lab_shape *shape)
{
    for (size_t i = 0; i < shape->network->peer_count; i++) {
        struct conditions conditions;
        bool is_cut;
        if (lab_network_conditions(shape->network, i, &conditions, &is_cut, NULL) == 0 && (is_cut || is_shaped(&conditions)))
            return true;
    }
    return false;
}

// What tc says of a missing module, in words that say what to do.
static int explain(const char *commands, struct panther_error *error)
{
    bool is_unknown = error && (strstr(error->message, "kind is unknown") || strstr(error->message, "qdisc not found"));
    if (is_unknown && strstr(commands, " netem"))
        return error_set(error, PANTHER_EUNAVAILABLE, LAB_NO_NETEM);
    if (error && (strstr(error->message, "xclusivity") || strstr(error->message, "NLM_F_REPLACE")))
        return error_set(error, PANTHER_EEXISTS, "the interface has a queueing discipline of its own, which is left alone");
    return error ? error->code : PANTHER_ESYSTEM;
}

void lab_shape_forget(struct lab_shape *shape)
{
    shape->has_root = false;
    for (size_t i = 0; i < shape->network->peer_count; i++) {
        free(shape->peers[i].now);
        shape->peers[i] = (struct shaped){0};
    }
}

int lab_shape_apply(struct lab_shape *shape, struct panther_error *error)
{
    static const char *const tc_argv[] = {"tc", "-batch", "-", NULL}, *const nft_argv[] = {"nft", "-f", "-", NULL};
    struct text tc = {0}, nft = {0};
    int problem = lab_shape_plan(shape, &tc, &nft, error);
    if (problem == 0 && tc.length > 0 && lab_command(tc_argv, tc.data, NULL, error) < 0)
        problem = explain(tc.data, error);
    if (problem == 0 && nft.length > 0)
        problem = lab_command(nft_argv, nft.data, NULL, error);
    text_free(&tc);
    text_free(&nft);
    return problem;
}

// ---- undo

static bool root_is_ours(const char *device)
{
    const char *argv[] = {"tc", "-json", "qdisc", "show", "dev", device, "root", NULL};
    struct text output = {0};
    json_t *qdiscs = lab_command(argv, NULL, &output, NULL) < 0 ? NULL : json_loads(text_string(&output), 0, NULL);
    const char *handle = json_string_value(json_object_get(json_array_get(qdiscs, 0), "handle"));
    bool is_ours = handle && strcmp(handle, HANDLE) == 0;
    json_decref(qdiscs);
    text_free(&output);
    return is_ours;
}

int lab_shape_undo(const char *device, struct panther_error *error)
{
    const char *tc_argv[] = {"tc", "qdisc", "del", "dev", device, "root", NULL}, *nft_argv[] = {"nft", "-f", "-", NULL};
    CLEANUP_FREE char *table = table_name(device);
    CLEANUP_FREE char *nft = memory_printf("table inet %s {}\ndelete table inet %s\n", table, table);
    int problem = if_nametoindex(device) != 0 && root_is_ours(device) ? lab_command(tc_argv, NULL, NULL, error) : 0;
    int cut = lab_command(nft_argv, nft, NULL, problem < 0 ? NULL : error);
    return problem < 0 ? problem : cut;
}
