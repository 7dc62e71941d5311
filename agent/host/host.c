#include "agent/host/host.h"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/system/loop.h"

void host_begin(struct host *host, int fd)
{
    pthread_condattr_t attributes;
    *host = (struct host){.armed_ns = UINT64_MAX};
    results_begin(&host->results, fd);
    host->main_link = (struct link){fd, arena_new(0), NULL};
    host->plugin_link = (struct link){fd, arena_new(0), &host->results};
    host->any_link = (struct link){fd, NULL, NULL};
    host->arena = arena_new(UNPACK_MAX_BYTES);
    host->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    host->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    INVARIANT(host->cancel_fd >= 0 && host->wake_fd >= 0);
    pthread_mutex_init(&host->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&host->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void host_changed(struct host *host)
{
    if (host->plugin_waits) {
        host->plugin_waits = false; // once is enough
        pthread_cond_signal(&host->changed);
    }
}

void host_wait_change(struct host *host, uint64_t until_ns)
{
    host->plugin_waits = true;
    if (until_ns == UINT64_MAX) {
        pthread_cond_wait(&host->changed, &host->lock);
    } else {
        // deadlines are boottime, which no condition variable knows: wait for what remains of it
        const uint64_t now_ns = clock_boottime_ns();
        const uint64_t rest_ns = until_ns > now_ns ? until_ns - now_ns : 0;
        struct timespec at;
        clock_gettime(CLOCK_MONOTONIC, &at);
        const uint64_t end_ns = (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec + rest_ns;
        at = (struct timespec){.tv_sec = (time_t)(end_ns / 1000000000), .tv_nsec = (long)(end_ns % 1000000000)};
        pthread_cond_timedwait(&host->changed, &host->lock, &at);
    }
    host->plugin_waits = false;
}

void host_cancel(struct host *host)
{
    const uint64_t one = 1;
    ssize_t written = write(host->cancel_fd, &one, sizeof(one));
    (void)written; // it fails only when the counter is full, and then it is readable already
    host->cancel_is_set = true;
    host_changed(host);
}

void host_clear_cancel(struct host *host)
{
    uint64_t count = 0;
    if (host->cancel_is_set) {
        ssize_t got = read(host->cancel_fd, &count, sizeof(count));
        (void)got; // it is readable: it was set
    }
    host->cancel_is_set = false;
}

void host_give_time(struct host *host, uint64_t ms)
{
    pthread_mutex_lock(&host->lock);
    host->call.was_late = host->call.was_late || host->call.is_late;
    host_clear_cancel(host);
    host->call.is_late = false;
    host->call.is_cancelled = false;
    host_set_deadline(host, clock_boottime_ns() + ms * UINT64_C(1000000));
    pthread_mutex_unlock(&host->lock);
}

void host_wake_main(struct host *host)
{
    const uint64_t one = 1;
    ssize_t written = write(host->wake_fd, &one, sizeof(one));
    (void)written; // it fails only when a wake is pending already
}

void host_set_deadline(struct host *host, uint64_t deadline_ns)
{
    host->call.deadline_ns = deadline_ns;
    if (deadline_ns < host->armed_ns) {
        host_wake_main(host);
    }
}
