#include "agent/shell/children.h"

#include <signal.h>
#include <sys/prctl.h>

#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/system/log.h"

struct children {
    struct map *watched; // pid -> struct child
};

struct child {
    child_ended_fn *callback;
    void *context;
};

static void ended(struct children *children, const struct process_end *end)
{
    struct child *child = map_remove_number(children->watched, (uint64_t)end->pid);
    if (child)
        child->callback(child->context, end);
    free(child);
}

static void on_child(void *context, int signal_number)
{
    (void)signal_number;
    struct process_end end;
    while (process_reap(-1, false, &end) == 1)
        ended(context, &end);
}

struct children *children_new(struct loop *loop)
{
    struct children *children = NEW(struct children);
    children->watched = map_new();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        log_warning("this process cannot be a subreaper: what a killed guard leaves goes to init");
    loop_signal(loop, SIGCHLD, on_child, children);
    return children;
}

void children_free(struct children **children)
{
    if (!*children)
        return;
    for (struct map_entry *e = map_first((*children)->watched); e; e = map_next((*children)->watched, e))
        free(e->value);
    map_free(&(*children)->watched);
    free(*children);
    *children = NULL;
}

void children_watch(struct children *children, pid_t pid, child_ended_fn *callback, void *context)
{
    struct child *child = NEW(struct child);
    child->callback = callback;
    child->context = context;
    free(map_put_number(children->watched, (uint64_t)pid, child));
}

void children_each(const struct children *children, child_each_fn *callback, void *context)
{
    for (struct map_entry *e = map_first(children->watched); e; e = map_next(children->watched, e))
        callback(context, (pid_t)map_entry_number(e));
}

bool children_has(const struct children *children, pid_t pid)
{
    return map_get_number(children->watched, (uint64_t)pid) != NULL;
}

void children_forget(struct children *children, pid_t pid)
{
    free(map_remove_number(children->watched, (uint64_t)pid));
}
