// Commands that wait for the plugin's thread, in order. Guarded by the host's lock.
#ifndef PANTHER_AGENT_HOST_WORK_QUEUE_H
#define PANTHER_AGENT_HOST_WORK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "panther/v1/guard.pb-c.h"

// Cases in flight, and the few lifecycle commands that may stand around them.
#define WORK_QUEUE_MAX (2 * CASES_IN_FLIGHT_MAX)
static_assert(WORK_QUEUE_MAX > CASES_IN_FLIGHT_MAX + 8, "lifecycle commands fit beside a full window of cases");

struct work {
    Pb__HostRequest__BodyCase kind;
    uint32_t number;
    uint32_t timeout_ms;
    bool is_cancelled;   // answer it, do not do it
    bool is_unlisted;    // a case that the plugin's table need not have
    char name[128];      // of a case
    struct arena *arena; // of initialize: owns the spec
    Pb__GuardSpec *spec;
    Pb__RunCase *run_case; // owned; NULL: its name is all there is to it
};

struct work_queue {
    struct work items[WORK_QUEUE_MAX];
    size_t first, count;
};

struct work *work_queue_push(struct work_queue *queue); // zeroed; NULL: full
bool work_queue_next_is_case(const struct work_queue *queue);
bool work_queue_pop(struct work_queue *queue, struct work *work);
void work_queue_cancel(struct work_queue *queue); // all that waits
// The shortest time that anything waiting may take; UINT64_MAX: nothing waits.
uint64_t work_queue_shortest_ms(const struct work_queue *queue);

#endif
