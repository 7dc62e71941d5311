// The writer: a thread that owns a handle and commits whatever waits in one transaction, so that one sync serves many jobs. What
// happened goes back by an eventfd and is told in the loop's thread. A full disk keeps the group and tries the same again; an
// I/O error ends it all, since after a failed fsync nobody knows what is on the disk.
#define _GNU_SOURCE // pthread_setname_np
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/database/handle.h"
#include "common/system/loop.h"

// Try again this often when the disk is full: soon enough for a person who made room.
#define RETRY_MS 250
// Jobs of one transaction. A job is a batch of records, so this is far above what waits while one commit syncs; it keeps a
// backlog (after a full disk) from becoming one endless transaction.
#define GROUP_JOBS_MAX 1024

static const char BEGIN[] = "BEGIN IMMEDIATE";
static const char COMMIT[] = "COMMIT";

struct queued_job {
    struct queued_job *next;
    uint64_t number;
    struct database_job job;
};

// What the loop's thread has to tell, and has told.
struct news {
    uint64_t committed;
    bool full, broken;
    struct panther_error why;
};

struct database_writer {
    struct database *database;
    struct database_writer_callbacks callbacks;
    void *context;
    int event_fd;
    struct loop_source *source;
    struct news told;         // the loop's thread
    uint64_t submitted;       // the loop's thread
    struct queued_job *group; // the writer's thread: what is being committed
    struct panther_error problem;
    pthread_t thread;

    pthread_mutex_t mutex; // guards what follows
    pthread_cond_t changed;
    struct queued_job *first, **last;
    struct news news;
    bool stop;
};

// ---- the writer's thread

static void tell(struct database_writer *writer)
{
    uint64_t one = 1;
    ssize_t written = write(writer->event_fd, &one, sizeof one);
    INVARIANT(written == sizeof one || errno == EAGAIN); // EAGAIN: there is more than enough news already
}

static int group_perform(struct database_writer *writer)
{
    struct database *database = writer->database;
    int result = statement_run(database_statement(database, BEGIN), &writer->problem);
    for (struct queued_job *queued = writer->group; queued && result >= 0; queued = queued->next)
        result = queued->job.perform(database, queued->job.argument, &writer->problem);
    if (result >= 0)
        result = statement_run(database_statement(database, COMMIT), &writer->problem);
    if (result < 0)
        database_rollback(database);
    return result;
}

static void jobs_release(struct queued_job **first)
{
    while (*first) {
        struct queued_job *queued = *first;
        *first = queued->next;
        if (queued->job.release)
            queued->job.release(queued->job.argument);
        free(queued);
    }
}

static void publish_committed(struct database_writer *writer, uint64_t number)
{
    pthread_mutex_lock(&writer->mutex);
    writer->news.committed = number;
    writer->news.full = false;
    pthread_mutex_unlock(&writer->mutex);
    tell(writer);
}

static void publish_problem(struct database_writer *writer, bool broken)
{
    if (broken)
        database_give_up(writer->database);
    pthread_mutex_lock(&writer->mutex);
    bool is_news = broken || !writer->news.full;
    writer->news.full = !broken;
    writer->news.broken = broken;
    if (is_news)
        writer->news.why = writer->problem;
    pthread_mutex_unlock(&writer->mutex);
    if (is_news)
        tell(writer);
}

// Waits a while for room; false: stop.
static bool wait_for_room(struct database_writer *writer)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += RETRY_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&writer->mutex);
    int code = 0;
    while (!writer->stop && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&writer->changed, &writer->mutex, &until);
    bool go_on = !writer->stop;
    pthread_mutex_unlock(&writer->mutex);
    return go_on;
}

// A checkpoint can make room, since the log is then written from its beginning. 0: went well or was full again.
static int make_room(struct database_writer *writer)
{
    int result = database_checkpoint(writer->database, false, &writer->problem);
    return result == PANTHER_ENOSPACE ? 0 : result;
}

// Commits the group, however long the disk stays full. < 0: broken, or stopped while full; the group is kept.
static int group_commit(struct database_writer *writer)
{
    int result;
    while ((result = group_perform(writer)) == PANTHER_ENOSPACE) {
        publish_problem(writer, false);
        if (!wait_for_room(writer))
            return result;
        result = make_room(writer);
        if (result < 0)
            break;
    }
    if (result < 0)
        publish_problem(writer, true);
    return result < 0 ? result : 0;
}

// What waits, at most GROUP_JOBS_MAX; NULL: told to stop and nothing waits. *last_number is the group's last.
static struct queued_job *group_take(struct database_writer *writer, uint64_t *last_number)
{
    pthread_mutex_lock(&writer->mutex);
    while (!writer->first && !writer->stop)
        pthread_cond_wait(&writer->changed, &writer->mutex);
    struct queued_job *group = writer->first;
    struct queued_job **end = &writer->first;
    for (size_t count = 0; *end && count < GROUP_JOBS_MAX; count++) {
        *last_number = (*end)->number;
        end = &(*end)->next;
    }
    writer->first = *end;
    if (!writer->first)
        writer->last = &writer->first;
    if (group)
        *end = NULL;
    pthread_mutex_unlock(&writer->mutex);
    return group;
}

static void *writer_run(void *argument)
{
    struct database_writer *writer = argument;
    uint64_t last_number = 0;
    while ((writer->group = group_take(writer, &last_number))) {
        if (group_commit(writer) < 0)
            return NULL;
        publish_committed(writer, last_number);
        jobs_release(&writer->group);
        // After the acknowledgement: nobody waits for the log to go back into the database.
        int result = database_checkpoint(writer->database, true, &writer->problem);
        if (result < 0 && result != PANTHER_ENOSPACE) {
            publish_problem(writer, true);
            return NULL;
        }
    }
    return NULL;
}

// ---- the loop's thread

static void on_news(void *context, int fd, uint32_t epoll_events)
{
    struct database_writer *writer = context;
    (void)epoll_events;
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN)
        PANIC("eventfd: %s", strerror(errno));
    pthread_mutex_lock(&writer->mutex);
    struct news news = writer->news;
    pthread_mutex_unlock(&writer->mutex);
    struct news told = writer->told;
    writer->told = news;
    const struct database_writer_callbacks *callbacks = &writer->callbacks;
    if (news.full != told.full && !news.broken && callbacks->on_full)
        callbacks->on_full(writer->context, news.full, news.full ? news.why.message : "");
    if (news.committed != told.committed && callbacks->on_committed)
        callbacks->on_committed(writer->context, news.committed);
    if (news.broken && !told.broken && callbacks->on_broken)
        callbacks->on_broken(writer->context, &news.why);
}

static void start_thread(struct database_writer *writer)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&writer->mutex, NULL);
    // Signals are the loop's business: none may end up in this thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&writer->thread, NULL, writer_run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        PANIC("pthread_create: %s", strerror(code));
    pthread_setname_np(writer->thread, "writer");
}

int database_writer_new(struct database_writer **out, struct loop *loop, struct database **database,
                        const struct database_writer_callbacks *callbacks, void *context)
{
    int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0)
        return PANTHER_ESYSTEM;
    struct database_writer *writer = NEW(struct database_writer);
    writer->database = *database;
    *database = NULL;
    database_prepare_log(writer->database);
    writer->callbacks = *callbacks;
    writer->context = context;
    writer->last = &writer->first;
    writer->event_fd = event_fd;
    writer->source = loop_watch(loop, event_fd, EPOLLIN, on_news, writer);
    start_thread(writer);
    *out = writer;
    return 0;
}

uint64_t database_writer_submit(struct database_writer *writer, struct database_job job)
{
    struct queued_job *queued = NEW(struct queued_job);
    queued->job = job;
    uint64_t number = queued->number = ++writer->submitted;
    pthread_mutex_lock(&writer->mutex);
    *writer->last = queued;
    writer->last = &queued->next;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
    return number; // the job is the writer's now, and may be gone
}

size_t database_writer_pending(const struct database_writer *writer)
{
    return (size_t)(writer->submitted - writer->told.committed);
}

void database_writer_free(struct database_writer **writer_address)
{
    struct database_writer *writer = *writer_address;
    if (!writer)
        return;
    *writer_address = NULL;
    pthread_mutex_lock(&writer->mutex);
    writer->stop = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    jobs_release(&writer->group);
    jobs_release(&writer->first);
    loop_remove(&writer->source);
    close(writer->event_fd);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->mutex);
    database_close(&writer->database);
    free(writer);
}
