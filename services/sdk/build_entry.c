#define _GNU_SOURCE
#include "services/sdk/build_entry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"

// Whoever waits for another's build looks so often.
#define WAIT_MS 50
// Descriptors that measuring a tree may use.
#define WALK_DESCRIPTORS 16
#define MARK_MAX_BYTES 64

static void name_entry(struct panther_service *service, const char *cache, const char *key, struct build_entry *entry)
{
    *entry = (struct build_entry){.cache = cache, .lock = -1};
    entry->folder = panther_format(service, "%s/%s", cache, key);
    entry->complete = panther_format(service, "%s/%s.complete", cache, key);
    entry->lock_path = panther_format(service, "%s/%s.lock", cache, key);
}

int build_entry_open(struct panther_service *service, const char *key, struct build_entry *entry)
{
    const char *cache = panther_format(service, "%s/builds", service->spec->state_path);
    name_entry(service, cache, key, entry);
    return panther_make_folder(service, cache) != NULL ? 0 : PANTHER_FAILED;
}

// ---- locks

// A lock file that its last holder has removed meanwhile is nobody's any more.
static bool is_current(const struct build_entry *entry, int lock)
{
    struct stat mine, there;
    return fstat(lock, &mine) == 0 && stat(entry->lock_path, &there) == 0 && mine.st_ino == there.st_ino;
}

// 0: held; above 0: another one holds it; below 0: errno
static int try_lock(struct build_entry *entry, bool exclusive)
{
    const int lock = open(entry->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
        return -errno;
    }
    if (flock(lock, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 && is_current(entry, lock)) {
        entry->lock = lock;
        return 0;
    }
    close(lock);
    return 1;
}

int build_entry_lock(struct panther_service *service, struct build_entry *entry, bool exclusive)
{
    int result = 0;
    bool said = false;
    while ((result = try_lock(entry, exclusive)) > 0) {
        if (!said) {
            panther_log(service, PANTHER_INFO, "another instance builds %s: waiting for it", entry->folder);
        }
        said = true;
        if (panther_pause(service, WAIT_MS) != PANTHER_OK) {
            return panther_fail(service, "another instance was still building %s", entry->folder);
        }
    }
    return result == 0 ? 0 : panther_fail(service, "%s: %s", entry->lock_path, strerror(-result));
}

void build_entry_unlock(struct build_entry *entry)
{
    if (entry->lock >= 0) {
        close(entry->lock);
    }
    entry->lock = -1;
}

// ---- one entry

bool build_entry_is_complete(const struct build_entry *entry)
{
    return access(entry->complete, F_OK) == 0 && access(entry->folder, F_OK) == 0;
}

void build_entry_touch(const struct build_entry *entry)
{
    utimensat(AT_FDCWD, entry->complete, NULL, 0); // else it counts as older than it is
}

void build_entry_remove(const struct build_entry *entry)
{
    struct panther_error error = {0};
    unlink(entry->complete); // first: what is left after a crash in between is half-made
    folder_remove(entry->folder, &error);
}

int build_entry_begin(struct panther_service *service, const struct build_entry *entry)
{
    build_entry_remove(entry);
    return panther_make_folder(service, entry->folder) != NULL ? 0 : PANTHER_FAILED;
}

static _Thread_local uint64_t walked_bytes;
static int add_size(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)path, (void)type, (void)place;
    walked_bytes += (uint64_t)status->st_blocks * 512;
    return 0;
}

// The files are synced with the whole file system before the mark is: a mark that survives a power loss tells the truth.
int build_entry_finish(struct panther_service *service, const struct build_entry *entry)
{
    struct panther_error error = {0};
    char text[MARK_MAX_BYTES];
    walked_bytes = 0;
    nftw(entry->folder, add_size, WALK_DESCRIPTORS, FTW_PHYS);
    const int folder = open(entry->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int synced = folder >= 0 ? syncfs(folder) : -1;
    const int problem = errno;
    if (folder >= 0) {
        close(folder);
    }
    if (synced < 0) {
        return panther_fail(service, "%s: %s", entry->folder, strerror(problem));
    }
    const int length = snprintf(text, sizeof(text), "%" PRIu64 "\n", walked_bytes);
    if (file_write_atomic(entry->complete, text, (size_t)length, 0600, &error) < 0) {
        return panther_fail(service, "%s", error.message);
    }
    return 0;
}

// ---- all of them

struct kept {
    struct build_entry entry;
    uint64_t bytes;
    struct timespec used;
};

static int is_lock(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".lock") == 0;
}

// With its lock: nobody uses it, so its lock file may go, too.
static void discard(struct build_entry *entry)
{
    build_entry_remove(entry);
    unlink(entry->lock_path);
}

static bool look_at(struct kept *kept)
{
    struct stat status;
    char text[MARK_MAX_BYTES] = "";
    FILE *mark = fopen(kept->entry.complete, "re");
    if (mark == NULL) {
        return false;
    }
    const bool is_read = fgets(text, sizeof(text), mark) != NULL && fstat(fileno(mark), &status) == 0;
    fclose(mark);
    kept->bytes = strtoull(text, NULL, 10);
    if (is_read) {
        kept->used = status.st_mtim;
    }
    return is_read;
}

static int by_age(const void *left, const void *right)
{
    const struct timespec *a = &((const struct kept *)left)->used, *b = &((const struct kept *)right)->used;
    return a->tv_sec != b->tv_sec ? (a->tv_sec < b->tv_sec ? -1 : 1) : a->tv_nsec < b->tv_nsec ? -1 : a->tv_nsec > b->tv_nsec;
}

static void discard_if_unused(struct panther_service *service, struct build_entry *entry)
{
    if (try_lock(entry, true) != 0) {
        return;
    }
    panther_log(service, PANTHER_INFO, "build cache: %s is removed", entry->folder);
    discard(entry);
    build_entry_unlock(entry);
}

static void shrink(struct panther_service *service, struct kept *kept, size_t count, uint64_t limit_bytes)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += kept[i].bytes;
    }
    qsort(kept, count, sizeof(*kept), by_age);
    for (size_t i = 0; i < count && total > limit_bytes; i++) {
        discard_if_unused(service, &kept[i].entry);
        if (!build_entry_is_complete(&kept[i].entry)) {
            total -= kept[i].bytes;
        }
    }
}

void build_entries_sweep(struct panther_service *service, const char *cache, uint64_t limit_bytes)
{
    struct dirent **names = NULL;
    const int count = scandir(cache, &names, is_lock, NULL);
    struct kept *kept = calloc((size_t)(count > 0 ? count : 0) + 1, sizeof(*kept));
    INVARIANT(kept != NULL);
    size_t whole = 0;
    for (int i = 0; i < count; i++) {
        names[i]->d_name[strlen(names[i]->d_name) - 5] = '\0';
        name_entry(service, cache, names[i]->d_name, &kept[whole].entry);
        free(names[i]);
        if (look_at(&kept[whole])) {
            whole++;
        } else {
            discard_if_unused(service, &kept[whole].entry);
        }
    }
    free(names);
    shrink(service, kept, whole, limit_bytes);
    free(kept);
}
