// What holds on the links: the rules the network began with, and over them one layer after the other, each with a name (a fault of the
// timeline, "case"). Read from JSON with the words of an experiment. Pure but for the JSON library; switch.c asks, control.c changes.
#ifndef PANTHER_AGENT_ENVIRONMENT_LINK_RULES_H
#define PANTHER_AGENT_ENVIRONMENT_LINK_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/schema/conditions.h"

#define RULES_LAYERS_MAX 64      // faults that hold at once
#define RULES_PER_LAYER_MAX 4096 // every ordered pair of the services of a trial
#define RULES_TEXT_MAX_BYTES (1024 * 1024)

struct rules;

// network.json, what the guard says that the network shall be.
struct network_plan {
    char **services;
    size_t service_count;
    uint64_t seed;
    bool ipv4, ipv6, capture;
    uint32_t snaplen;             // 0: whole packets
    uint64_t capture_limit_bytes; // 0: CAPTURE_LIMIT_BYTES
    struct rules *rules;
};
int network_plan_read(const char *text, size_t bytes, struct network_plan *plan, struct panther_error *error);
void network_plan_free(struct network_plan *plan);

enum request_kind { REQUEST_LAYER, REQUEST_END, REQUEST_FLUSH };
// One line of link.control. REQUEST_LAYER and _END have changed the rules: `touches` then says of which directions.
int rules_request(struct rules *rules, const char *line, size_t bytes, enum request_kind *kind, struct panther_error *error);
bool rules_touched(const struct rules *rules, const char *from, const char *to); // by the last request
void rules_conditions(const struct rules *rules, const char *from, const char *to, struct conditions *conditions);

#endif
