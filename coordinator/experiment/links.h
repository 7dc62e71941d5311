// Rules for links: what a network does to the packets that one service sends to another. In `network_environment` and in faults.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_LINKS_H
#define PANTHER_COORDINATOR_EXPERIMENT_LINKS_H

#include "coordinator/experiment/scope.h"

struct links {
    Pb__LinkRule **items; // in the arena
    size_t count, capacity;
};

extern const struct document_key links_keys[]; // of an entry of `links`, without the conditions

Pb__LinkRule *links_add(struct scope *scope, struct links *links, const char *from, const char *to, const struct value *place);
// The conditions that stand in a map beside other keys, which `keys` holds; those that are neither are reported.
size_t links_read_conditions(struct scope *scope, const struct value *map, const struct document_key *keys, const char *noun,
                             Pb__PlacedSetting ***conditions);
// `links: [{from: a, to: b, delay: 5ms}, {between: [a, b], loss: 1%}]`.
void links_read(struct scope *scope, const struct value *list, struct links *links);
// Rules with the axes of a combination put in: their conditions may no longer be readable.
void links_check(const struct document *document, Pb__LinkRule *const *rules, size_t count, const char *noun);

#endif
