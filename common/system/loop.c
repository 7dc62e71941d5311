// The event loop: epoll for descriptors, one timerfd (CLOCK_BOOTTIME) for a heap of timers, one signalfd, one eventfd.
// A source that is removed in a callback is only marked, and freed after the round, so that no stale callback can follow.
#include "common/system/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/memory.h"

// One epoll_wait: enough to batch, few enough that timers are not late.
#define EVENTS_PER_ROUND_MAX 64
// Timers of one round; the others come next round, after descriptors were looked at: signs of life before silence.
#define TIMERS_PER_ROUND_MAX 256
#define SIGNALS_MAX 65
#define NANOSECONDS_PER_SECOND 1000000000ULL

struct loop_source {
    struct loop *loop;
    bool is_timer, removed;
    int fd;
    uint32_t events;
    loop_io_fn *io;
    loop_timer_fn *timer;
    void *context;
    uint64_t due_ns;   // timer: 0 is idle
    size_t heap_index; // timer: where it stands in the heap while it is not idle
    struct loop_source *previous, *next;
};

struct round_hook {
    loop_round_fn *callback;
    void *context;
};

struct signal_hook {
    void (*callback)(void *context, int signal_number);
    void *context;
};

struct loop {
    int epoll_fd, timer_fd, wake_fd, signal_fd;
    bool running, dispatching, again;
    int status;
    struct loop_source *sources; // all that live
    struct loop_source *removed; // freed after the round
    struct loop_source **heap;
    size_t heap_count, heap_capacity;
    uint64_t armed_ns;
    struct round_hook *hooks;
    size_t hook_count, hook_capacity;
    sigset_t signals;
    struct signal_hook signal_hooks[SIGNALS_MAX];
    struct loop_source *wake_source, *timer_source, *signal_source;
};

// ---- heap of timers, the earliest first

static void heap_place(struct loop *loop, size_t index, struct loop_source *source)
{
    loop->heap[index] = source;
    source->heap_index = index;
}

static void heap_up(struct loop *loop, size_t index)
{
    struct loop_source *source = loop->heap[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (loop->heap[parent]->due_ns <= source->due_ns)
            break;
        heap_place(loop, index, loop->heap[parent]);
        index = parent;
    }
    heap_place(loop, index, source);
}

static void heap_down(struct loop *loop, size_t index)
{
    struct loop_source *source = loop->heap[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= loop->heap_count)
            break;
        if (child + 1 < loop->heap_count && loop->heap[child + 1]->due_ns < loop->heap[child]->due_ns)
            child++;
        if (source->due_ns <= loop->heap[child]->due_ns)
            break;
        heap_place(loop, index, loop->heap[child]);
        index = child;
    }
    heap_place(loop, index, source);
}

static void heap_remove(struct loop *loop, struct loop_source *source)
{
    if (source->due_ns == 0)
        return;
    size_t index = source->heap_index;
    struct loop_source *last = loop->heap[--loop->heap_count];
    source->due_ns = 0;
    if (last == source)
        return;
    heap_place(loop, index, last);
    heap_up(loop, index);
    heap_down(loop, last->heap_index);
}

static void heap_add(struct loop *loop, struct loop_source *source, uint64_t due_ns)
{
    source->due_ns = due_ns;
    APPEND(loop->heap, loop->heap_count, loop->heap_capacity) = source;
    heap_up(loop, loop->heap_count - 1);
}

// ---- sources

static struct loop_source *source_new(struct loop *loop, void *context)
{
    struct loop_source *source = NEW(struct loop_source);
    source->loop = loop;
    source->context = context;
    source->fd = -1;
    source->next = loop->sources;
    if (loop->sources)
        loop->sources->previous = source;
    loop->sources = source;
    return source;
}

static void source_unlink(struct loop_source *source)
{
    if (source->previous)
        source->previous->next = source->next;
    else
        source->loop->sources = source->next;
    if (source->next)
        source->next->previous = source->previous;
}

struct loop_source *loop_watch(struct loop *loop, int fd, uint32_t epoll_events, loop_io_fn *callback, void *context)
{
    struct loop_source *source = source_new(loop, context);
    source->fd = fd;
    source->io = callback;
    source->events = epoll_events;
    struct epoll_event event = {.events = epoll_events, .data.ptr = source};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        PANIC("epoll_ctl(ADD, %d): %s", fd, strerror(errno));
    return source;
}

void loop_watch_change(struct loop_source *source, uint32_t epoll_events)
{
    INVARIANT(!source->is_timer && !source->removed);
    if (source->events == epoll_events)
        return;
    source->events = epoll_events;
    struct epoll_event event = {.events = epoll_events, .data.ptr = source};
    if (epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0)
        PANIC("epoll_ctl(MOD, %d): %s", source->fd, strerror(errno));
}

struct loop_source *loop_timer(struct loop *loop, loop_timer_fn *callback, void *context)
{
    struct loop_source *source = source_new(loop, context);
    source->is_timer = true;
    source->timer = callback;
    return source;
}

void loop_timer_set(struct loop_source *source, uint64_t boottime_ns)
{
    INVARIANT(source->is_timer && !source->removed);
    if (source->due_ns == boottime_ns)
        return;
    heap_remove(source->loop, source);
    if (boottime_ns != 0)
        heap_add(source->loop, source, boottime_ns);
}

void loop_remove(struct loop_source **source_pointer)
{
    struct loop_source *source = *source_pointer;
    *source_pointer = NULL;
    if (!source)
        return;
    INVARIANT(!source->removed);
    struct loop *loop = source->loop;
    if (source->is_timer)
        heap_remove(loop, source);
    else if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL) < 0 && errno != EBADF && errno != ENOENT)
        PANIC("epoll_ctl(DEL, %d): %s", source->fd, strerror(errno)); // EBADF, ENOENT: the owner closed it first
    source_unlink(source);
    if (!loop->dispatching) {
        free(source);
        return;
    }
    source->removed = true;
    source->next = loop->removed;
    loop->removed = source;
}

static void free_removed(struct loop *loop)
{
    while (loop->removed) {
        struct loop_source *source = loop->removed;
        loop->removed = source->next;
        free(source);
    }
}

// ---- the loop's own descriptors

static void drain_counter(void *context, int fd, uint32_t events)
{
    (void)context, (void)events;
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
        PANIC("read of an eventfd or timerfd: %s", strerror(errno));
}

static void timer_elapsed(void *context, int fd, uint32_t events)
{
    struct loop *loop = context;
    drain_counter(context, fd, events);
    loop->armed_ns = 0;
}

static void signal_arrived(void *context, int fd, uint32_t events)
{
    (void)events;
    struct loop *loop = context;
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
        struct signal_hook *hook = &loop->signal_hooks[info.ssi_signo];
        if (hook->callback)
            hook->callback(hook->context, (int)info.ssi_signo);
    }
}

int loop_signal(struct loop *loop, int signal_number, void (*callback)(void *context, int signal_number), void *context)
{
    INVARIANT(signal_number > 0 && signal_number < SIGNALS_MAX);
    loop->signal_hooks[signal_number] = (struct signal_hook){callback, context};
    sigaddset(&loop->signals, signal_number);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal_number);
    int problem = pthread_sigmask(SIG_BLOCK, &one, NULL);
    if (problem != 0)
        return error_system(NULL, problem, "pthread_sigmask");
    int fd = signalfd(loop->signal_fd, &loop->signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return error_system(NULL, errno, "signalfd");
    if (loop->signal_fd < 0) {
        loop->signal_fd = fd;
        loop->signal_source = loop_watch(loop, fd, EPOLLIN, signal_arrived, loop);
    }
    return 0;
}

struct loop *loop_new(void)
{
    struct loop *loop = NEW(struct loop);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->signal_fd = -1;
    sigemptyset(&loop->signals);
    if (loop->epoll_fd < 0 || loop->timer_fd < 0 || loop->wake_fd < 0)
        PANIC("a loop needs three descriptors: %s", strerror(errno));
    loop->timer_source = loop_watch(loop, loop->timer_fd, EPOLLIN, timer_elapsed, loop);
    loop->wake_source = loop_watch(loop, loop->wake_fd, EPOLLIN, drain_counter, loop);
    return loop;
}

void loop_free(struct loop **loop_pointer)
{
    struct loop *loop = *loop_pointer;
    *loop_pointer = NULL;
    if (!loop)
        return;
    INVARIANT(!loop->dispatching);
    while (loop->sources) {
        struct loop_source *source = loop->sources;
        loop->sources = source->next;
        free(source);
    }
    free_removed(loop);
    close(loop->epoll_fd);
    close(loop->timer_fd);
    close(loop->wake_fd);
    if (loop->signal_fd >= 0)
        close(loop->signal_fd);
    free(loop->heap);
    free(loop->hooks);
    free(loop);
}

void loop_after_round(struct loop *loop, loop_round_fn *callback, void *context)
{
    APPEND(loop->hooks, loop->hook_count, loop->hook_capacity) = (struct round_hook){callback, context};
}

// ---- rounds

// Arms the timerfd for the earliest timer, once before each wait however often timers were moved. A deadline that moves away, as most
// do, leaves it as it is: one wake-up for nothing at the old time costs less than a call for each move. True: one is due already, so
// there is nothing to wait for.
static bool arm(struct loop *loop)
{
    uint64_t due_ns = loop->heap_count > 0 ? loop->heap[0]->due_ns : 0;
    if (due_ns == 0)
        return false;
    if (due_ns <= clock_boottime_ns())
        return true;
    if (loop->armed_ns != 0 && loop->armed_ns <= due_ns)
        return false;
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(due_ns / NANOSECONDS_PER_SECOND), .tv_nsec = (long)(due_ns % NANOSECONDS_PER_SECOND)}};
    if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        PANIC("timerfd_settime: %s", strerror(errno));
    loop->armed_ns = due_ns;
    return false;
}

static void fire_timers(struct loop *loop)
{
    if (loop->heap_count == 0)
        return;
    uint64_t now_ns = clock_boottime_ns();
    for (int fired = 0; fired < TIMERS_PER_ROUND_MAX && loop->heap_count > 0 && loop->heap[0]->due_ns <= now_ns; fired++) {
        struct loop_source *source = loop->heap[0];
        heap_remove(loop, source);
        source->timer(source->context);
    }
}

static void fire_events(struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        struct loop_source *source = events[i].data.ptr;
        if (!source->removed)
            source->io(source->context, source->fd, events[i].events);
    }
}

void loop_run_once(struct loop *loop, int timeout_ms)
{
    struct epoll_event events[EVENTS_PER_ROUND_MAX];
    INVARIANT(!loop->dispatching);
    bool is_due = arm(loop);
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_ROUND_MAX, loop->again || is_due ? 0 : timeout_ms);
    if (count < 0 && errno != EINTR)
        PANIC("epoll_wait: %s", strerror(errno));
    loop->dispatching = true;
    fire_events(events, count);
    fire_timers(loop);
    loop->again = false;
    for (size_t i = 0; i < loop->hook_count; i++)
        if (loop->hooks[i].callback(loop->hooks[i].context))
            loop->again = true;
    loop->dispatching = false;
    free_removed(loop);
}

int loop_run(struct loop *loop)
{
    loop->running = true;
    while (loop->running)
        loop_run_once(loop, -1);
    return loop->status;
}

void loop_stop(struct loop *loop, int status)
{
    loop->running = false;
    loop->status = status;
}

void loop_wake(struct loop *loop)
{
    uint64_t one = 1;
    // EAGAIN: the counter is full, so the loop is about to wake anyway.
    if (write(loop->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        PANIC("write to an eventfd: %s", strerror(errno));
}
