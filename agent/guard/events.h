// What this guard observed: numbered, stamped, written to the spool and synced in groups. The one way by which anything gets to
// the coordinator.
#ifndef PANTHER_AGENT_GUARD_EVENTS_H
#define PANTHER_AGENT_GUARD_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "panther/v1/guard.pb-c.h"

struct loop;
struct events;
// Readers may go that far.
typedef void events_grown_fn(void *context, uint64_t bytes, uint64_t sequence);
// The disk failed: nothing more can be promised.
typedef void events_failed_fn(void *context, const struct panther_error *error);

int events_open(struct events **out, struct loop *loop, const Pb__GuardSpec *spec, const char *path, events_grown_fn *grown,
                events_failed_fn *failed, void *context, struct panther_error *error);
void events_close(struct events **events);
// Fills in who, when (unless it is there already) and which number; gathered until the end of the loop's round, then written and synced
// (results of cases: within some milliseconds). While the disk is full, what is light (notes, metrics, starts of cases) may be dropped,
// which a Gap says later; what a verdict rests on never is.
void events_add(struct events *events, Pb__Event *event);
bool events_all_synced(const struct events *events);
// So much waits for the disk that whoever makes events must be held back.
bool events_are_choked(const struct events *events);
uint64_t events_bytes(const struct events *events);
uint64_t events_sequence(const struct events *events);

// EVENT_ADD(events, COMMAND_DONE, command_done, &done);
#define EVENT_ADD(EVENTS, KIND, member, message)                                                                                           \
    do {                                                                                                                                   \
        Pb__Event event_to_add;                                                                                                            \
        pb__event__init(&event_to_add);                                                                                                    \
        event_to_add.body_case = PB__EVENT__BODY_##KIND;                                                                                   \
        event_to_add.member = (message);                                                                                                   \
        events_add((EVENTS), &event_to_add);                                                                                               \
    } while (0)
void events_note(struct events *events, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
