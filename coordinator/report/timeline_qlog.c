// Events of a qlog. Not every program says when its clock began: the file's own times tell it then, and how well.
#include <stdio.h>
#include <string.h>

#include "common/qlog/qlog.h"
#include "coordinator/report/timeline_observed.h"

#define NS_PER_MS 1e6
// What is written in whole milliseconds is known to one.
#define RESOLUTION_NS UINT64_C(1000000)
// The times of a file are what its program set them to.
#define FILE_TIME_MAX_NS ((int64_t)(QLOG_TIME_MAX_MS * NS_PER_MS))

struct adding {
    struct timeline *timeline;
    const struct timeline_origin *file;
    struct qlog_facts *facts;
    int64_t reference_ns;
    uint64_t error_ns;
    bool is_known;
    size_t *room;
};

static bool count(void *context, const struct qlog_event *event)
{
    (void)context;
    (void)event;
    return true;
}

static bool add(void *context, const struct qlog_event *event)
{
    struct adding *adding = context;
    struct timeline *timeline = adding->timeline;
    if (!adding->is_known && !event->is_absolute) {
        timeline->unplaced[TIMELINE_QLOG]++;
    } else if (*adding->room == 0) {
        timeline->left_out[TIMELINE_QLOG]++;
    } else {
        const char *colon = strchr(event->name, ':');
        CLEANUP_FREE char *text =
            memory_printf("%s%s%s", adding->facts->side, *adding->facts->side && *event->text ? " " : "", event->text);
        timeline_add(timeline, &(struct timeline_observation){.source = TIMELINE_QLOG,
                                                              .agent = adding->file->agent,
                                                              .service = adding->file->service,
                                                              .kind = colon ? colon + 1 : event->name,
                                                              .text = text,
                                                              .time_ns = (event->is_absolute ? 0 : adding->reference_ns) +
                                                                         (int64_t)(event->time_ms * NS_PER_MS),
                                                              .is_wall = true,
                                                              .error_ns = adding->error_ns});
        --*adding->room;
    }
    return true;
}

static bool is_time(int64_t time_ns)
{
    return time_ns > 0 && time_ns < FILE_TIME_MAX_NS;
}

// It was created before its first event was written, and changed last after its last one was.
static void find_reference(struct adding *adding, int64_t created_ns, int64_t changed_ns)
{
    const struct qlog_facts *facts = adding->facts;
    adding->error_ns = RESOLUTION_NS;
    adding->is_known = facts->reference_ms > 0 || (is_time(created_ns) && is_time(changed_ns));
    if (facts->reference_ms > 0 || !adding->is_known) {
        adding->reference_ns = (int64_t)(facts->reference_ms * NS_PER_MS);
        return;
    }
    int64_t latest_ns = changed_ns - (int64_t)(facts->last_ms * NS_PER_MS);
    adding->reference_ns = created_ns < latest_ns ? created_ns : latest_ns;
    adding->error_ns += (uint64_t)(created_ns < latest_ns ? latest_ns - created_ns : created_ns - latest_ns);
}

const char *timeline_add_qlog(struct timeline *timeline, const struct timeline_origin *file, int64_t created_ns, int64_t changed_ns,
                              const char *data, size_t bytes, size_t *room)
{
    struct qlog_facts facts;
    const char *problem = qlog_read(data, bytes, count, NULL, &facts);
    if (problem) {
        return problem;
    }
    struct adding adding = {.timeline = timeline, .file = file, .facts = &facts, .room = room};
    find_reference(&adding, created_ns, changed_ns);
    qlog_read(data, bytes, add, &adding, &facts);
    return NULL;
}
