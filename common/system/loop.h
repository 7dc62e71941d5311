// One thread, one loop: epoll with file descriptors and CLOCK_BOOTTIME timers. Not thread-safe except loop_wake().
#ifndef PANTHER_COMMON_SYSTEM_LOOP_H
#define PANTHER_COMMON_SYSTEM_LOOP_H

#include <stdint.h>
#include <sys/types.h>

struct loop;
struct loop_source; // one watched descriptor or timer
typedef void loop_io_fn(void *context, int fd, uint32_t epoll_events);
typedef void loop_timer_fn(void *context);

struct loop *loop_new(void);
void loop_free(struct loop **loop);
// Level-triggered. The descriptor stays the caller's. Removing inside any callback is allowed; no stale callback follows.
struct loop_source *loop_watch(struct loop *loop, int fd, uint32_t epoll_events, loop_io_fn *callback, void *context);
void loop_watch_change(struct loop_source *source, uint32_t epoll_events);
// A timer at an absolute boottime (ns); fires once, then is idle until loop_timer_set again.
struct loop_source *loop_timer(struct loop *loop, loop_timer_fn *callback, void *context);
void loop_timer_set(struct loop_source *source, uint64_t boottime_ns); // 0: idle
void loop_remove(struct loop_source **source);                         // accepts NULL
// Called after every round of callbacks, before the next wait (flush what was gathered, read ZMQ sockets until EAGAIN).
// Returns true to poll again without waiting.
typedef int loop_round_fn(void *context);
void loop_after_round(struct loop *loop, loop_round_fn *callback, void *context);
// SIGTERM, SIGINT, SIGCHLD and others by signalfd: blocks the signal in this process and calls back.
int loop_signal(struct loop *loop, int signal_number, void (*callback)(void *context, int signal_number), void *context);
int loop_run(struct loop *loop); // until loop_stop; returns its status
void loop_run_once(struct loop *loop, int timeout_ms);
void loop_stop(struct loop *loop, int status);
void loop_wake(struct loop *loop); // from any thread

uint64_t clock_boottime_ns(void);
int64_t clock_wall_ns(void);
void random_bytes(void *bytes, size_t count); // getrandom
uint64_t random_u64(void);

#endif
