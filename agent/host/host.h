// One plugin host: what its two threads share. The main thread speaks with the guard and keeps the time (conversation.c), the
// plugin's thread calls the plugin (runner.c, phase.c). `lock` guards everything below it; `changed` wakes the plugin's thread,
// which is the only one that ever waits on it.
#ifndef PANTHER_AGENT_HOST_HOST_H
#define PANTHER_AGENT_HOST_HOST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/host/link.h"
#include "agent/host/processes.h"
#include "agent/host/results.h"
#include "agent/host/work_queue.h"
#include "panther/plugin.h"

// Lines that one instance may watch for at once: a few per process.
#define WATCHES_MAX 64

// What the guard answers to spawn and port; one is open at a time, since one thread asks.
struct answer {
    uint32_t token;
    bool is_here;
    int number; // process or port
    char problem[TEXT_MAX_BYTES];
};

struct watch {
    bool is_seen;
    char line[TEXT_MAX_BYTES];
};

// The call that the plugin's thread is in.
struct call {
    bool is_running;
    bool is_cancelled;  // by a Stop
    bool is_late;       // its deadline has passed
    bool was_late;      // it was given time once more
    bool has_successor; // another case waited when it ended
    const char *phase;
    uint64_t start_ns, deadline_ns;
};

struct host {
    int cancel_fd; // eventfd: readable once the running call shall end
    int wake_fd;   // eventfd: the main thread's deadline has moved to earlier
    struct link main_link, plugin_link, any_link;
    struct results results;

    // main thread's only
    const Pb__Initialize *initialize; // NULL before it came
    struct arena *arena;              // of the request in work

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct work_queue queue;
    struct call call;
    uint64_t armed_ns; // when the main thread looks at deadlines next
    bool plugin_waits; // for `changed`
    bool cancel_is_set;
    struct processes processes;
    struct answer answer;
    char pending_name[128]; // of the process whose number is awaited
    bool pending_finishes, pending_want_output;
    struct watch *watches[WATCHES_MAX];
    size_t watch_count;
    const struct panther_plugin *plugin; // once loaded
    struct panther_service *service;     // once initialized
};

void host_begin(struct host *host, int fd);
// With the lock held: wakes the plugin's thread if it waits.
void host_changed(struct host *host);
// With the lock held: waits for a change until then (boottime, ns; UINT64_MAX: for ever).
void host_wait_change(struct host *host, uint64_t until_ns);
// With the lock held.
void host_cancel(struct host *host);
void host_clear_cancel(struct host *host);
void host_set_deadline(struct host *host, uint64_t deadline_ns); // of the running call
void host_wake_main(struct host *host);                          // with or without the lock
// Without the lock: the running call gets so much time from now on, and is neither late nor cancelled any more.
void host_give_time(struct host *host, uint64_t ms);

#endif
