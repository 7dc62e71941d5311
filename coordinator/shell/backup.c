#include "coordinator/shell/backup.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/loop.h"
#include "coordinator/store/store.h"

struct backup {
    char *folder;
    struct loop *loop;
    struct loop_source *source;
    int done_fd; // the thread has ended
    backup_done_fn *done;
    void *context;
    // the one that is being made; the thread's until done_fd says so
    bool is_busy;
    pthread_t thread;
    uint64_t route, request, bytes, records;
    char *path;
    int result;
    struct panther_error error;
};

static void *backup_thread(void *argument)
{
    struct backup *backup = argument;
    backup->result = store_backup(backup->folder, backup->path, &backup->bytes, &backup->records, &backup->error);
    uint64_t one = 1;
    INVARIANT(write(backup->done_fd, &one, sizeof one) == (ssize_t)sizeof one);
    return NULL;
}

static void backup_join(struct backup *backup)
{
    pthread_join(backup->thread, NULL);
    backup->is_busy = false;
}

static void on_done(void *context, int fd, uint32_t events)
{
    (void)events;
    struct backup *backup = context;
    uint64_t count;
    if (read(fd, &count, sizeof count) != (ssize_t)sizeof count) {
        return;
    }
    backup_join(backup);
    backup->done(backup->context, backup->route, backup->request, backup->path, backup->bytes, backup->records,
                 backup->result ? &backup->error : NULL);
}

int backup_new(struct backup **out, const char *folder, struct loop *loop, backup_done_fn *done, void *context, struct panther_error *error)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return error_set(error, PANTHER_ESYSTEM, "no event descriptor for backups");
    }
    struct backup *backup = NEW(struct backup);
    *backup = (struct backup){.folder = memory_string(folder), .loop = loop, .done_fd = fd, .done = done, .context = context};
    backup->source = loop_watch(loop, fd, EPOLLIN, on_done, backup);
    *out = backup;
    return 0;
}

void backup_free(struct backup **pointer)
{
    struct backup *backup = *pointer;
    if (!backup) {
        return;
    }
    if (backup->is_busy) {
        backup_join(backup);
    }
    loop_remove(&backup->source);
    close(backup->done_fd);
    free(backup->folder);
    free(backup->path);
    free(backup);
    *pointer = NULL;
}

int backup_ask(struct backup *backup, uint64_t route, uint64_t request, const char *path)
{
    if (backup->is_busy) {
        return PANTHER_ESTATE;
    }
    free(backup->path);
    backup->path = memory_string(path);
    backup->route = route;
    backup->request = request;
    backup->error = (struct panther_error){0};
    if (pthread_create(&backup->thread, NULL, backup_thread, backup)) {
        return PANTHER_ESTATE;
    }
    backup->is_busy = true;
    return 0;
}
