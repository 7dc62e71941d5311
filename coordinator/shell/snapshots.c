#include "coordinator/shell/snapshots.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/log.h"
#include "common/system/loop.h"
#include "coordinator/shell/recovery.h"

struct snapshots {
    char *folder;
    char *version;
    struct loop_source *source;
    int done_fd;
    uint64_t tried; // the sequence at the last try
    // the one that is being made; the thread's until done_fd says so
    bool is_busy;
    pthread_t thread;
    int result;
    struct panther_error error;
};

static int make(struct snapshots *snapshots)
{
    struct core *core = NULL;
    struct recovery recovery;
    const struct core_options options = {.version = snapshots->version};
    int result = recovery_run(snapshots->folder, &options, &core, &recovery, &snapshots->error);
    if (result == 0) {
        result = recovery_keep(snapshots->folder, &options, core, &recovery, &snapshots->error);
    }
    core_free(&core);
    return result;
}

static void *thread_run(void *argument)
{
    struct snapshots *snapshots = argument;
    snapshots->result = make(snapshots);
    uint64_t one = 1;
    INVARIANT(write(snapshots->done_fd, &one, sizeof one) == (ssize_t)sizeof one);
    return NULL;
}

static void join(struct snapshots *snapshots)
{
    pthread_join(snapshots->thread, NULL);
    snapshots->is_busy = false;
}

// Without a snapshot a start takes longer, and that is all.
static void on_done(void *context, int fd, uint32_t events)
{
    (void)events;
    struct snapshots *snapshots = context;
    uint64_t count;
    if (read(fd, &count, sizeof count) != (ssize_t)sizeof count) {
        return;
    }
    join(snapshots);
    if (snapshots->result) {
        log_warning("no snapshot was made, the last one stays: %s", snapshots->error.message);
    }
}

int snapshots_new(struct snapshots **out, const char *folder, const char *version, uint64_t covered, struct loop *loop,
                  struct panther_error *error)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return error_system(error, errno, "no event descriptor for snapshots");
    }
    struct snapshots *snapshots = NEW(struct snapshots);
    *snapshots = (struct snapshots){.folder = memory_string(folder), .version = memory_string(version), .done_fd = fd, .tried = covered};
    snapshots->source = loop_watch(loop, fd, EPOLLIN, on_done, snapshots);
    *out = snapshots;
    return 0;
}

void snapshots_free(struct snapshots **pointer)
{
    struct snapshots *snapshots = *pointer;
    if (!snapshots) {
        return;
    }
    if (snapshots->is_busy) {
        join(snapshots);
    }
    loop_remove(&snapshots->source);
    close(snapshots->done_fd);
    free(snapshots->folder);
    free(snapshots->version);
    free(snapshots);
    *pointer = NULL;
}

void snapshots_tick(struct snapshots *snapshots, uint64_t sequence)
{
    if (snapshots->is_busy || sequence - snapshots->tried < SNAPSHOT_RECORDS) {
        return;
    }
    snapshots->tried = sequence;
    snapshots->error = (struct panther_error){0};
    // Signals are the loop's business: none may end up in this thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    snapshots->is_busy = pthread_create(&snapshots->thread, NULL, thread_run, snapshots) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
