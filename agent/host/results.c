#include "agent/host/results.h"

#include "agent/host/link.h"
#include "common/base/error.h"
#include "common/base/message.h"
#include "common/system/loop.h"
#include "common/wire/wire.h"

// Of one packet; a larger result goes alone, as it would without company.
#define RESULTS_MAX_BYTES (32 * 1024)
static_assert(RESULTS_MAX_BYTES < GUARD_PACKET_MAX_BYTES, "results of one packet fit into it");

void results_begin(struct results *results, int fd)
{
    *results = (struct results){.fd = fd, .arena = arena_new(0)};
    pthread_mutex_init(&results->lock, NULL);
}

// With the lock held.
static void send_all(struct results *results)
{
    Pb__HostNotice notice;
    Pb__HostResults several;
    struct link link = {.fd = results->fd, .arena = NULL};
    if (results->count == 0) {
        return;
    }
    pb__host_notice__init(&notice);
    pb__host_results__init(&several);
    if (results->count == 1) {
        notice.body_case = PB__HOST_NOTICE__BODY_CASE_RESULT;
        notice.case_result = results->items[0];
    } else {
        notice.body_case = PB__HOST_NOTICE__BODY_RESULTS;
        notice.results = &several;
        several.n_results = results->count;
        several.results = results->items;
    }
    link_send(&link, &notice);
    results->count = results->bytes = 0;
    arena_reset(results->arena);
}

bool results_add(struct results *results, const Pb__CaseResult *result, bool held)
{
    const size_t bytes = wire_packed_bytes(result);
    const uint64_t now_ns = clock_boottime_ns();
    pthread_mutex_lock(&results->lock);
    if (results->bytes + bytes > RESULTS_MAX_BYTES) {
        send_all(results);
    }
    if (results->count == 0) {
        results->first_ns = now_ns;
    }
    results->items[results->count++] = MESSAGE_COPY(result, results->arena);
    results->bytes += bytes;
    if (!held || results->count == CASES_IN_FLIGHT_MAX || now_ns - results->first_ns > RESULTS_WAIT_NS) {
        send_all(results);
    }
    const bool wakes = results->count == 1 && !results->is_watched;
    results->is_watched = results->is_watched || wakes;
    pthread_mutex_unlock(&results->lock);
    return wakes;
}

void results_flush(struct results *results)
{
    pthread_mutex_lock(&results->lock);
    send_all(results);
    pthread_mutex_unlock(&results->lock);
}

bool results_watch(struct results *results, bool queued)
{
    // Whoever holds it is sending; a guard that does not read must not keep the main thread from the clock.
    if (pthread_mutex_trylock(&results->lock) != 0) {
        return true;
    }
    if (results->count > 0 && clock_boottime_ns() - results->first_ns > RESULTS_WAIT_NS) {
        send_all(results);
    }
    results->is_watched = results->count > 0 || queued;
    const bool again = results->is_watched;
    pthread_mutex_unlock(&results->lock);
    return again;
}
