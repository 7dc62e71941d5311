#include "coordinator/shell/errand.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/loop.h"

struct errand {
    struct loop_source *source;
    int done_fd;
    errand_fn *perform, *done;
    void *context;
    bool is_busy;
    pthread_t thread;
};

static void *thread_run(void *argument)
{
    struct errand *errand = argument;
    errand->perform(errand->context);
    uint64_t one = 1;
    INVARIANT(write(errand->done_fd, &one, sizeof one) == (ssize_t)sizeof one);
    return NULL;
}

static void join(struct errand *errand)
{
    pthread_join(errand->thread, NULL);
    errand->is_busy = false;
}

static void on_done(void *context, int fd, uint32_t events)
{
    (void)events;
    struct errand *errand = context;
    uint64_t count;
    if (read(fd, &count, sizeof count) != (ssize_t)sizeof count) {
        return;
    }
    join(errand);
    errand->done(errand->context);
}

int errand_new(struct errand **out, struct loop *loop, errand_fn *perform, errand_fn *done, void *context, struct panther_error *error)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return error_system(error, errno, "no event descriptor for a thread");
    }
    struct errand *errand = NEW(struct errand);
    *errand = (struct errand){.done_fd = fd, .perform = perform, .done = done, .context = context};
    errand->source = loop_watch(loop, fd, EPOLLIN, on_done, errand);
    *out = errand;
    return 0;
}

void errand_free(struct errand **pointer)
{
    struct errand *errand = *pointer;
    if (!errand) {
        return;
    }
    if (errand->is_busy) {
        join(errand);
    }
    loop_remove(&errand->source);
    close(errand->done_fd);
    free(errand);
    *pointer = NULL;
}

bool errand_is_busy(const struct errand *errand)
{
    return errand->is_busy;
}

int errand_start(struct errand *errand)
{
    if (errand->is_busy) {
        return PANTHER_ESTATE;
    }
    // Signals are the loop's business: none may end up in this thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errand->is_busy = pthread_create(&errand->thread, NULL, thread_run, errand) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return errand->is_busy ? 0 : PANTHER_ESYSTEM;
}
