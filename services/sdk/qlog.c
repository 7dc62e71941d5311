// See panther/qlog.h.
#include <panther/qlog.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/memory.h"
#include "common/qlog/qlog.h"
#include "services/sdk/handle.h"

static_assert(sizeof((struct panther_qlog){0}.group) == QLOG_GROUP_BYTES, "a group fits");

struct telling {
    panther_qlog_fn *tell;
    void *context;
    const struct qlog_facts *facts;
    struct panther_qlog *qlog;
};

static void take_facts(const struct qlog_facts *facts, struct panther_qlog *qlog)
{
    qlog->reference_ms = facts->reference_ms;
    qlog->events = facts->events;
    qlog->malformed = facts->malformed;
    snprintf(qlog->side, sizeof(qlog->side), "%s", facts->side);
    snprintf(qlog->group, sizeof(qlog->group), "%s", facts->group);
}

static bool tell(void *context, const struct qlog_event *event)
{
    const struct telling *telling = context;
    const struct panther_qlog_event told = {.time_ms = event->time_ms,
                                            .is_absolute = event->is_absolute,
                                            .name = event->name,
                                            .packet_type = event->packet_type,
                                            .version = event->version,
                                            .key_phase = event->key_phase,
                                            .frames = event->frames,
                                            .frame_count = event->frame_count};
    take_facts(telling->facts, telling->qlog);
    return telling->tell(telling->context, &told);
}

// A fifo would wait for ever.
static FILE *open_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) ? fopen(path, "re") : NULL;
}

int panther_qlog_read(struct panther_service *service, const char *path, panther_qlog_fn *tell_one, void *context,
                      struct panther_qlog *qlog)
{
    struct qlog_facts facts;
    const struct telling telling = {tell_one, context, &facts, qlog};
    *qlog = (struct panther_qlog){0};
    FILE *file = open_file(path[0] == '/' ? path : panther_path(service, "%s", path));
    if (file == NULL) {
        snprintf(qlog->problem, sizeof(qlog->problem), "it cannot be opened");
        return PANTHER_MISSING;
    }
    CLEANUP_FREE char *data = memory_new(PANTHER_OUTPUT_MAX_BYTES);
    const size_t bytes = fread(data, 1, PANTHER_OUTPUT_MAX_BYTES, file);
    qlog->is_cut = bytes == PANTHER_OUTPUT_MAX_BYTES;
    fclose(file);
    const char *problem = qlog_read(data, bytes, tell, (void *)(uintptr_t)&telling, &facts);
    take_facts(&facts, qlog);
    snprintf(qlog->problem, sizeof(qlog->problem), "%s", problem != NULL ? problem : "");
    return problem != NULL ? PANTHER_MISSING : PANTHER_OK;
}
