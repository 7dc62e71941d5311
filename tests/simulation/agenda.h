// What happens when, in simulated time: one queue ordered by (time, order of entry), so that the same entries run in the same order. Time
// is the simulation's own, in nanoseconds; the clocks of hosts are computed from it (host_clock.h).
#ifndef PANTHER_TESTS_SIMULATION_AGENDA_H
#define PANTHER_TESTS_SIMULATION_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void agenda_fn(void *context);

// A timer is set again and again; only its last setting counts. It must outlive the agenda.
struct timer {
    agenda_fn *call;
    void *context;
    uint64_t armed; // number of the setting that counts; 0: idle
};

struct agenda_entry {
    uint64_t when_ns, number;
    agenda_fn *call;
    void *context;
    struct timer *timer; // NULL: a call of its own
};

struct agenda {
    struct agenda_entry *heap;
    size_t count, capacity;
    uint64_t number;
};

void agenda_add(struct agenda *agenda, uint64_t when_ns, agenda_fn *call, void *context);
void agenda_set(struct agenda *agenda, struct timer *timer, uint64_t when_ns);
void agenda_stop(struct timer *timer);
bool timer_is_set(const struct timer *timer);
bool agenda_take(struct agenda *agenda, struct agenda_entry *entry); // the next one that counts; false: nothing is left
void agenda_end(struct agenda *agenda);

#endif
