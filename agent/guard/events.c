// Events into the spool. A sequence number is given only to what will be written, so that readers never see a hole.
#include "agent/guard/events.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/guard/printable.h"
#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/system/loop.h"
#include "common/system/spool.h"
#include "common/wire/wire.h"

// While the disk is full: from here on light events are dropped ...
#define WAITING_LIGHT_MAX_BYTES (1024 * 1024)
// ... and from here on the host and its processes are no longer read. Between the two fit the answers to all open commands.
#define WAITING_MAX_BYTES (16 * 1024 * 1024)
static_assert(WAITING_MAX_BYTES - WAITING_LIGHT_MAX_BYTES > CASES_IN_FLIGHT_MAX * EVENT_MAX_BYTES, "answers always find room");
// Light events of one instance: more is a flood, not a measurement (an hour at 27 a second).
#define LIGHT_EVENTS_MAX 100000
// What was told before it was synced is synced at the latest then: by now it is in the agent's outbox, unless there is no agent.
#define SYNC_LATER_NS (5ULL * 1000 * 1000)
#define FULL_DISK_RETRY_NS (500ULL * 1000 * 1000)

struct events {
    struct loop *loop;
    const Pb__GuardSpec *spec;
    struct spool *spool;
    struct loop_source *retry, *later;
    events_grown_fn *grown;
    events_failed_fn *failed;
    void *context;
    uint64_t sequence;       // last given
    uint64_t light, dropped; // light events so far; dropped since the last Gap
    bool added;              // something in this round
    bool sync_first;         // and it must be on the disk before it is told
    bool sync_later;         // the timer runs
    bool disk_full, flood_told;
};

static char gap_stream[] = GAP_OF_EVENTS; // what a Gap in the events themselves names

static bool is_light(const Pb__Event *event)
{
    switch (event->body_case) {
    case PB__EVENT__BODY_NOTE:
    case PB__EVENT__BODY_METRIC:
    case PB__EVENT__BODY_CASE_STARTED:
        return true;
    default:
        return false;
    }
}

// Results of cases are told before they are synced: the agent says nothing to others before they are in its outbox, which it syncs
// itself, and does not look for them in the spool again. So one sync is not waited for, and serves the results of many rounds.
static bool may_be_told_first(const Pb__Event *event)
{
    return event->body_case == PB__EVENT__BODY_CASE_RESULT || event->body_case == PB__EVENT__BODY_CASE_STARTED;
}

static void write_event(struct events *events, Pb__Event *event)
{
    events->added = true;
    events->sync_first = events->sync_first || !may_be_told_first(event);
    event->instance = events->spec->instance;
    event->generation = events->spec->generation;
    event->sequence = ++events->sequence;
    if (event->boottime_ns == 0)
        event->boottime_ns = clock_boottime_ns();
    event->wall_ns = clock_wall_ns();
    event->service = events->spec->initialize->service;
    size_t bytes;
    uint8_t *data = wire_pack(event, NULL, &bytes);
    INVARIANT(bytes <= SPOOL_RECORD_MAX_BYTES);
    spool_add(events->spool, data, bytes);
    free(data);
}

static void tell_gap(struct events *events, const char *reason)
{
    char text[160];
    snprintf(text, sizeof text, "%s: %llu notes, metrics or starts of cases were dropped", reason, (unsigned long long)events->dropped);
    Pb__Gap gap;
    pb__gap__init(&gap);
    Pb__Event event;
    pb__event__init(&event);
    gap.stream = gap_stream;
    gap.reason = text;
    event.body_case = PB__EVENT__BODY_GAP;
    event.gap = &gap;
    events->dropped = 0;
    write_event(events, &event);
}

// Light events are dropped on a full disk and in a flood.
static bool must_drop(struct events *events)
{
    if (events->disk_full && spool_pending_bytes(events->spool) > WAITING_LIGHT_MAX_BYTES)
        return true;
    if (events->light < LIGHT_EVENTS_MAX)
        return false;
    if (!events->flood_told) {
        events->flood_told = true;
        Pb__Gap gap;
        pb__gap__init(&gap);
        char reason[] = "more than 100000 notes and metrics of one instance: the rest is dropped";
        gap.stream = gap_stream;
        gap.reason = reason;
        EVENT_ADD(events, GAP, gap, &gap);
    }
    return true;
}

// A result that is too large loses its numbers, then its words, never its verdict.
static void shorten(Pb__Event *event)
{
    static char replaced[] = "(the text was too long for an event)";
    Pb__Outcome *outcome = NULL;
    if (event->body_case == PB__EVENT__BODY_CASE_RESULT) {
        event->case_result->n_metrics = 0;
        outcome = event->case_result->outcome;
    } else if (event->body_case == PB__EVENT__BODY_COMMAND_DONE) {
        event->command_done->n_metrics = 0;
        outcome = event->command_done->outcome;
        if (wire_packed_bytes(event) > EVENT_MAX_BYTES)
            event->command_done->text = replaced;
    } else if (event->body_case == PB__EVENT__BODY_PROCESS_STARTED) {
        event->process_started->n_argv = 0;
    }
    if (outcome && wire_packed_bytes(event) > EVENT_MAX_BYTES)
        outcome->text = replaced;
}

void events_add(struct events *events, Pb__Event *event)
{
    if (is_light(event)) {
        if (must_drop(events)) {
            events->dropped++;
            return;
        }
        events->light++;
    }
    if (wire_packed_bytes(event) > EVENT_MAX_BYTES)
        shorten(event);
    write_event(events, event);
}

void events_note(struct events *events, const char *format, ...)
{
    char text[TEXT_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    CLEANUP_FREE char *clean = printable(text, strlen(text), TEXT_MAX_BYTES);
    Pb__Note note;
    pb__note__init(&note);
    note.text = clean;
    EVENT_ADD(events, NOTE, note, &note);
}

static void disk_is_full(struct events *events)
{
    events->disk_full = true;
    loop_timer_set(events->retry, clock_boottime_ns() + FULL_DISK_RETRY_NS);
}

static int sync_failed(struct events *events, int problem, const struct panther_error *error)
{
    if (problem == PANTHER_ENOSPACE)
        disk_is_full(events);
    else
        events->failed(events->context, error);
    return problem;
}

static int sync_all(struct events *events)
{
    struct panther_error error = {0};
    int problem = spool_sync(events->spool, &error);
    return problem < 0 ? sync_failed(events, problem, &error) : 0;
}

static void sync_later(void *context)
{
    struct events *events = context;
    events->sync_later = false;
    sync_all(events);
}

static int write_all(struct events *events)
{
    struct panther_error error = {0};
    int problem = spool_write(events->spool, &error);
    if (problem < 0)
        return sync_failed(events, problem, &error);
    if (!events->sync_later)
        loop_timer_set(events->later, clock_boottime_ns() + SYNC_LATER_NS);
    events->sync_later = true;
    return 0;
}

static int flush(struct events *events)
{
    int problem = events->sync_first ? sync_all(events) : write_all(events);
    if (problem < 0)
        return problem;
    events->disk_full = events->added = events->sync_first = false;
    events->grown(events->context, spool_bytes(events->spool), events->sequence);
    return 0;
}

static void retry(void *context)
{
    struct events *events = context;
    if (flush(events) == 0 && events->dropped > 0)
        tell_gap(events, "the disk was full");
}

static int after_round(void *context)
{
    struct events *events = context;
    if (events->added && !events->disk_full)
        flush(events);
    return 0;
}

bool events_all_synced(const struct events *events)
{
    return spool_pending_bytes(events->spool) == 0;
}

bool events_are_choked(const struct events *events)
{
    return spool_pending_bytes(events->spool) > WAITING_MAX_BYTES;
}

uint64_t events_bytes(const struct events *events)
{
    return spool_bytes(events->spool);
}

uint64_t events_sequence(const struct events *events)
{
    return events->sequence;
}

int events_open(struct events **out, struct loop *loop, const Pb__GuardSpec *spec, const char *path, events_grown_fn *grown,
                events_failed_fn *failed, void *context, struct panther_error *error)
{
    struct spool *spool;
    int problem = spool_open(&spool, path, error);
    if (problem < 0)
        return problem;
    struct events *events = NEW(struct events);
    *events = (struct events){.loop = loop, .spec = spec, .spool = spool, .grown = grown, .failed = failed, .context = context};
    events->retry = loop_timer(loop, retry, events);
    events->later = loop_timer(loop, sync_later, events);
    loop_after_round(loop, after_round, events);
    *out = events;
    return 0;
}

void events_close(struct events **events)
{
    if (!*events)
        return;
    loop_remove(&(*events)->retry);
    loop_remove(&(*events)->later);
    spool_close(&(*events)->spool);
    free(*events);
    *events = NULL;
}
