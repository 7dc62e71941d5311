#include "coordinator/shell/backup.h"

#include "common/base/memory.h"
#include "coordinator/shell/errand.h"
#include "coordinator/store/store.h"

struct backup {
    struct errand *errand;
    char *folder;
    backup_done_fn *done;
    void *context;
    // the one that is being made
    uint64_t route, request, bytes, records;
    char *path;
    int result;
    struct panther_error error;
};

static void make(void *context)
{
    struct backup *backup = context;
    backup->result = store_backup(backup->folder, backup->path, &backup->bytes, &backup->records, &backup->error);
}

static void made(void *context)
{
    struct backup *backup = context;
    backup->done(backup->context, backup->route, backup->request, backup->path, backup->bytes, backup->records,
                 backup->result ? &backup->error : NULL);
}

int backup_new(struct backup **out, const char *folder, struct loop *loop, backup_done_fn *done, void *context, struct panther_error *error)
{
    struct backup *backup = NEW(struct backup);
    *backup = (struct backup){.folder = memory_string(folder), .done = done, .context = context};
    int result = errand_new(&backup->errand, loop, make, made, backup, error);
    if (result < 0) {
        backup_free(&backup);
        return result;
    }
    *out = backup;
    return 0;
}

void backup_free(struct backup **pointer)
{
    struct backup *backup = *pointer;
    if (!backup) {
        return;
    }
    errand_free(&backup->errand);
    free(backup->folder);
    free(backup->path);
    free(backup);
    *pointer = NULL;
}

bool backup_is_busy(const struct backup *backup)
{
    return errand_is_busy(backup->errand);
}

int backup_ask(struct backup *backup, uint64_t route, uint64_t request, const char *path)
{
    if (errand_is_busy(backup->errand)) {
        return PANTHER_ESTATE;
    }
    free(backup->path);
    backup->path = memory_string(path);
    backup->route = route;
    backup->request = request;
    backup->error = (struct panther_error){0};
    return errand_start(backup->errand);
}
