// Conditions of a network in one direction, as settings: an experiment's `network_environment`, the cases of a tester, service.yaml,
// panther-link and the lab's shaper all read them here, as a person writes them ("20ms", "0.1%").
#ifndef PANTHER_COMMON_SCHEMA_CONDITIONS_H
#define PANTHER_COMMON_SCHEMA_CONDITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/schema/diagnostics.h"
#include "panther/v1/environment.pb-c.h"
#include "panther/v1/plugin.pb-c.h"

#define CONDITION_DELAY_MAX_MS 60000   // one way; what waits is kept in memory
#define CONDITION_QUEUE_MAX 100000     // packets: with the largest of them 6 GB would be too much, a queue of tests is short
#define CONDITION_BURST_MAX 1000       // mean length of a burst of losses, in packets
#define CONDITION_DROPS_MAX 64         // numbers of packets in drop_nth
#define CONDITION_DROP_NTH_MAX 1000000 // beyond, a share says it better
#define CONDITION_RATE_MIN_BITS 1000   // per second: below, one packet takes longer than a trial
#define CONDITION_RATE_MAX_BITS 1e12   // exact as a double

enum condition {
    CONDITION_DELAY,
    CONDITION_JITTER,
    CONDITION_LOSS,
    CONDITION_BURST,
    CONDITION_DUPLICATE,
    CONDITION_CORRUPT,
    CONDITION_REORDER,
    CONDITION_RATE,
    CONDITION_QUEUE,
    CONDITION_SHARED,
    CONDITION_DROP_NTH,
    CONDITION_DOWN,
    CONDITION_DOWN_AFTER,
    CONDITION_DOWN_FOR,
    CONDITION_NAT_REBIND,
    CONDITION_NAT_AFTER,
    CONDITION_ECN,
    CONDITION_COUNT
};

enum condition_nat { CONDITION_NAT_NONE, CONDITION_NAT_PORT, CONDITION_NAT_ADDRESS };
enum condition_ecn { CONDITION_ECN_KEEP, CONDITION_ECN_CLEAR, CONDITION_ECN_MARK };

// All zero: a perfect wire. Shares are 0..1 of the packets of the direction.
struct conditions {
    uint32_t given;               // bits 1 << enum condition: what was set, also to nothing
    uint32_t delay_ms, jitter_ms; // delay +- jitter, evenly spread, never below 0
    double loss;                  // mean share
    uint32_t burst;               // mean length of the losses' bursts; 0 and 1: each packet by itself
    double duplicate, corrupt, reorder;
    uint64_t rate_bits;                     // per second; 0: unbounded
    uint32_t queue_packets;                 // that wait for the rate; 0: the link's own
    bool shared;                            // the rate and its queue are one for all directions of the network that share
    uint32_t drop_nth[CONDITION_DROPS_MAX]; // from 1, counted from when these conditions begin; rising
    size_t drop_count;
    bool down;
    uint32_t down_after_ms, down_for_ms; // counted from the first packet under these conditions; down_for 0: never
    enum condition_nat nat;
    uint32_t nat_after_ms; // age of a flow when its source changes; 0: flows that are there when the condition begins, at once
    enum condition_ecn ecn;
    double ecn_mark; // share of ECN-capable packets that get CE
};

// The table as options: what an editor, a schema and "did you mean" know. In the order of enum condition.
const Pb__OptionDescription *const *conditions_options(size_t *count);
bool conditions_has(const struct conditions *conditions, enum condition condition);
const char *conditions_name(enum condition condition); // "delay"
// In a lab the kernel's netem makes them; rate, queue and down need none.
bool conditions_need_netem(const struct conditions *conditions);

// Checks settings of a document; a value that still holds "$(" is taken unchecked. True: no mistake was added. `noun`: "a link".
bool conditions_check(const Pb__PlacedSetting *const *settings, size_t count, const char *noun, struct diagnostics *diagnostics);

// One setting on top of what is there; PANTHER_EINVALID leaves it as it was.
int conditions_put(struct conditions *conditions, const char *name, char *const *values, size_t count, struct panther_error *error);
// On top of what is there, key by key: begin with a zeroed one.
int conditions_read(const Pb__Setting *const *settings, size_t count, struct conditions *conditions, struct panther_error *error);
int conditions_read_placed(const Pb__PlacedSetting *const *settings, size_t count, struct conditions *conditions,
                           struct panther_error *error);
// What rules mean for the packets that `from` sends to `to`: an empty end means every service, later rules win, key by key.
int conditions_between(const Pb__LinkRule *const *rules, size_t count, const char *from, const char *to, struct conditions *conditions,
                       struct panther_error *error);

#endif
