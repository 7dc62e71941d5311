// A thread with two lists: what is asked, what is answered. Each side takes its list whole under the lock, so that neither waits
// for the other's work.
#define _GNU_SOURCE // pthread_setname_np
#include "coordinator/shell/reader.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/system/loop.h"
#include "coordinator/store/store.h"

struct question {
    struct question *next;
    uint64_t route, request;
    Pb__Query *query;
    struct arena *arena; // of the answer
    Pb__Rows *rows;
    struct panther_error error;
};

struct list {
    struct question *first, **last;
};

struct reader {
    struct store_reader *store; // the thread's
    reader_rows_fn *on_rows;
    void *context;
    int event_fd;
    struct loop_source *source;
    pthread_t thread;

    pthread_mutex_t mutex; // guards what follows
    pthread_cond_t asked_changed;
    struct list asked, answered;
    size_t waiting; // asked and not yet answered
    bool stop;
};

static void list_add(struct list *list, struct question *question)
{
    question->next = NULL;
    *list->last = question;
    list->last = &question->next;
}

static struct question *list_take(struct list *list)
{
    struct question *first = list->first;
    list->first = NULL;
    list->last = &list->first;
    return first;
}

static void questions_free(struct question *question)
{
    while (question) {
        struct question *next = question->next;
        arena_free(&question->arena);
        message_free(question->query);
        free(question);
        question = next;
    }
}

// ---- the reader's thread

static struct question *wait_for_question(struct reader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    while (!reader->asked.first && !reader->stop)
        pthread_cond_wait(&reader->asked_changed, &reader->mutex);
    struct question *question = reader->stop ? NULL : reader->asked.first;
    if (question && !(reader->asked.first = question->next))
        reader->asked.last = &reader->asked.first;
    pthread_mutex_unlock(&reader->mutex);
    return question;
}

static void give_back(struct reader *reader, struct question *question)
{
    pthread_mutex_lock(&reader->mutex);
    list_add(&reader->answered, question);
    reader->waiting--;
    pthread_mutex_unlock(&reader->mutex);
    uint64_t one = 1;
    ssize_t written = write(reader->event_fd, &one, sizeof one);
    INVARIANT(written == (ssize_t)sizeof one || errno == EAGAIN);
}

static void *reader_run(void *argument)
{
    struct reader *reader = argument;
    struct question *question;
    while ((question = wait_for_question(reader))) {
        question->arena = arena_new(UNPACK_MAX_BYTES);
        store_query(reader->store, question->query, question->arena, &question->rows, &question->error);
        give_back(reader, question);
    }
    return NULL;
}

// ---- the loop's thread

static void on_answers(void *context, int fd, uint32_t epoll_events)
{
    (void)epoll_events;
    struct reader *reader = context;
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN)
        PANIC("eventfd: %s", strerror(errno));
    pthread_mutex_lock(&reader->mutex);
    struct question *answered = list_take(&reader->answered);
    pthread_mutex_unlock(&reader->mutex);
    for (struct question *question = answered; question; question = question->next)
        reader->on_rows(reader->context, question->route, question->request, question->rows, question->rows ? NULL : &question->error);
    questions_free(answered);
}

static void start_thread(struct reader *reader)
{
    // Signals are the loop's business: none may end up in this thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&reader->thread, NULL, reader_run, reader);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        PANIC("pthread_create: %s", strerror(code));
    pthread_setname_np(reader->thread, "reader");
}

int reader_new(struct reader **out, const char *folder, struct loop *loop, reader_rows_fn *on_rows, void *context,
               struct panther_error *error)
{
    struct store_reader *store = NULL;
    int result = store_reader_open(&store, folder, error);
    if (result < 0)
        return result;
    int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0) {
        store_reader_close(&store);
        return error_system(error, errno, "no event descriptor for queries");
    }
    struct reader *reader = NEW(struct reader);
    *reader = (struct reader){.store = store, .on_rows = on_rows, .context = context, .event_fd = event_fd};
    reader->asked.last = &reader->asked.first;
    reader->answered.last = &reader->answered.first;
    pthread_mutex_init(&reader->mutex, NULL);
    pthread_cond_init(&reader->asked_changed, NULL);
    reader->source = loop_watch(loop, event_fd, EPOLLIN, on_answers, reader);
    start_thread(reader);
    *out = reader;
    return 0;
}

int reader_ask(struct reader *reader, uint64_t route, uint64_t request, const Pb__Query *query)
{
    struct question *question = NEW(struct question);
    question->route = route;
    question->request = request;
    question->query = MESSAGE_COPY(query, NULL);
    pthread_mutex_lock(&reader->mutex);
    bool is_full = reader->waiting >= READER_QUEUE_MAX;
    if (!is_full) {
        reader->waiting++;
        list_add(&reader->asked, question);
        pthread_cond_signal(&reader->asked_changed);
    }
    pthread_mutex_unlock(&reader->mutex);
    if (is_full)
        questions_free(question);
    return is_full ? PANTHER_ELIMIT : 0;
}

void reader_free(struct reader **reader_address)
{
    struct reader *reader = *reader_address;
    if (!reader)
        return;
    *reader_address = NULL;
    pthread_mutex_lock(&reader->mutex);
    reader->stop = true;
    pthread_cond_signal(&reader->asked_changed);
    pthread_mutex_unlock(&reader->mutex);
    pthread_join(reader->thread, NULL);
    questions_free(list_take(&reader->asked));
    questions_free(list_take(&reader->answered));
    loop_remove(&reader->source);
    close(reader->event_fd);
    store_reader_close(&reader->store);
    pthread_cond_destroy(&reader->asked_changed);
    pthread_mutex_destroy(&reader->mutex);
    free(reader);
}
