// Results of cases on their way to the guard. Short cases that follow each other at once share a packet: it costs the guard one wake-up
// and one sync instead of one each. Nothing waits here for a long case: the main thread sends what the plugin's thread left.
#ifndef PANTHER_AGENT_HOST_RESULTS_H
#define PANTHER_AGENT_HOST_RESULTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "panther/v1/guard.pb-c.h"

// How long a result may wait for the next one: less than a sync of the guard takes.
#define RESULTS_WAIT_NS UINT64_C(200000)

struct results {
    pthread_mutex_t lock; // all of it; held while sending, so that results keep their order
    int fd;
    struct arena *arena;
    Pb__CaseResult *items[CASES_IN_FLIGHT_MAX];
    size_t count, bytes;
    uint64_t first_ns; // when the oldest was added
    bool is_watched;   // the main thread looks soon by itself
};

void results_begin(struct results *results, int fd);
// Takes a copy. When it is not `held`, or they are enough, it is sent with all before it. true: the main thread must be woken, so that it
// looks after what waits.
bool results_add(struct results *results, const Pb__CaseResult *result, bool held);
void results_flush(struct results *results);
// The main thread's look, before it sleeps: sends what has waited long enough. true: look again soon, because something waits, or
// will soon, since new cases were `queued`.
bool results_watch(struct results *results, bool queued);

#endif
