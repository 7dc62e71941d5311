#include "agent/shell/removals.h"

#include "agent/environment/execution/limits.h"
#include "agent/shell/cgroup.h"
#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/loop.h"

#define NS_PER_MS UINT64_C(1000000)
// Nobody waits for it but the disk.
#define AGAIN_MS 2000

struct removal {
    struct removal *next;
    char *folder, *cgroup;
};

struct removals {
    struct loop *loop;
    struct loop_source *timer;
    struct removal *first;
};

static void forget(struct removal **place)
{
    struct removal *removal = *place;
    *place = removal->next;
    free(removal->folder);
    free(removal->cgroup);
    free(removal);
}

// A guard that was killed at once has not removed its cgroup. What it was limited by lies beside it.
static bool is_removed(const char *folder, const char *cgroup, struct panther_error *error)
{
    if (!cgroup_kill(cgroup)) {
        error_set(error, PANTHER_ESTATE, "something lives in %s", cgroup);
        return false;
    }
    if (!limits_clear(folder)) {
        error_set(error, PANTHER_ESTATE, "something lives in the cgroups of %s", folder);
        return false;
    }
    cgroup_left(cgroup);
    return folder_remove(folder, error) == 0;
}

static void on_timer(void *context)
{
    struct removals *removals = context;
    struct removal **place = &removals->first;
    while (*place)
        if (is_removed((*place)->folder, (*place)->cgroup, NULL))
            forget(place);
        else
            place = &(*place)->next;
    loop_timer_set(removals->timer, removals->first ? clock_boottime_ns() + AGAIN_MS * NS_PER_MS : 0);
}

struct removals *removals_new(struct loop *loop)
{
    struct removals *removals = NEW(struct removals);
    removals->loop = loop;
    removals->timer = loop_timer(loop, on_timer, removals);
    return removals;
}

void removals_free(struct removals **removals)
{
    if (!*removals)
        return;
    while ((*removals)->first)
        forget(&(*removals)->first);
    loop_remove(&(*removals)->timer);
    free(*removals);
    *removals = NULL;
}

void removals_add(struct removals *removals, const char *folder, const char *cgroup)
{
    struct panther_error error = {0};
    if (is_removed(folder, cgroup, &error))
        return;
    log_warning("%s stays for now: %s", folder, error.message);
    struct removal *removal = NEW(struct removal);
    removal->folder = memory_string(folder);
    removal->cgroup = cgroup ? memory_string(cgroup) : NULL;
    removal->next = removals->first;
    removals->first = removal;
    loop_timer_set(removals->timer, clock_boottime_ns() + AGAIN_MS * NS_PER_MS);
}
