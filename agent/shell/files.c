#include "agent/shell/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/archive/archive.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/system/file.h"
#include "common/system/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define LATER_MS 2000

struct files {
    struct loop *loop;
    struct bulk *bulk;
    struct children *children;
    char *folder;
    uint64_t max_bytes;
    file_fn *callback;
    void *context;
    struct map *fetches;       // name below `folder` -> struct fetch
    struct loop_source *timer; // answers those that are there already
};

struct fetch {
    struct files *files;
    char hash[HASH_TEXT_BYTES];
    bool folder;
    char *name;    // HASH or HASH.folder
    char *path;    // where it will be
    char *part;    // what has come so far
    char *opening; // a folder while it is unpacked
    pid_t child;   // that does it; 0: none
    int fd;
    uint64_t offset;
    struct hasher *hasher;
    bool is_there;
    struct bulk_job job;
};

static void fetch_free(struct fetch *fetch)
{
    bulk_forget(fetch->files->bulk, &fetch->job);
    if (fetch->child)
        children_forget(fetch->files->children, fetch->child);
    hasher_end(&fetch->hasher, NULL);
    if (fetch->fd >= 0)
        close(fetch->fd);
    free(fetch->name);
    free(fetch->path);
    free(fetch->part);
    free(fetch->opening);
    free(fetch);
}

static void finish(struct fetch *fetch, const char *why)
{
    struct files *files = fetch->files;
    map_remove_text(files->fetches, fetch->name);
    if (why || fetch->folder)
        unlink(fetch->part);
    if (why)
        log_warning("file %s cannot be had: %s", fetch->name, why);
    files->callback(files->context, fetch->hash, fetch->folder, why ? NULL : fetch->path, why);
    fetch_free(fetch);
}

static bool build(void *context, Pb__BulkEnvelope *request, struct arena *arena, const void **payload, size_t *bytes)
{
    const struct fetch *fetch = context;
    (void)payload;
    (void)bytes;
    Pb__GetChunk *get = ARENA_NEW(arena, Pb__GetChunk);
    pb__get_chunk__init(get);
    get->hash = arena_string(arena, fetch->hash);
    get->offset = fetch->offset;
    get->limit_bytes = BULK_CHUNK_MAX_BYTES;
    request->body_case = PB__BULK_ENVELOPE__BODY_GET_CHUNK;
    request->get_chunk = get;
    return true;
}

// ---- folders

int files_unpack(const char *archive, const char *folder)
{
    struct panther_error error = {0};
    if (archive_unpack(archive, folder, &error) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "panther-agent: %s\n", error.message);
    return EXIT_FAILURE;
}

static void unpacked(void *context, const struct process_end *end)
{
    struct fetch *fetch = context;
    fetch->child = 0;
    if (end->status != 0)
        finish(fetch, "it cannot be unpacked on this host");
    else
        finish(fetch, rename(fetch->opening, fetch->path) < 0 ? "it cannot be kept on this disk" : NULL);
}

// A child of its own: the loop does not wait for a large folder, and an archive that breaks the unpacker breaks nothing else.
static void unpack(struct fetch *fetch)
{
    const char *argv[] = {"panther-agent", "unpack", fetch->part, fetch->opening, NULL};
    struct process_start start = {.program = "/proc/self/exe", .argv = argv, .place = PROCESS_PLACE_SAME};
    struct panther_error error = {0};
    folder_remove(fetch->opening, NULL); // of a life that ended in the middle of it
    if (process_spawn(&start, &fetch->child, NULL, &error) < 0) {
        finish(fetch, error.message);
        return;
    }
    children_watch(fetch->files->children, fetch->child, unpacked, fetch);
}

// ---- fetching

static const char *check(struct fetch *fetch)
{
    char hash[HASH_TEXT_BYTES];
    hasher_end(&fetch->hasher, hash);
    if (strcmp(hash, fetch->hash) != 0)
        return "the coordinator sent other content than its hash says";
    if (fsync(fetch->fd) < 0 || (!fetch->folder && rename(fetch->part, fetch->path) < 0))
        return "it cannot be kept on this disk";
    return NULL;
}

static void complete(struct fetch *fetch)
{
    const char *why = check(fetch);
    if (why || !fetch->folder)
        finish(fetch, why);
    else
        unpack(fetch);
}

static void take_chunk(struct fetch *fetch, const Pb__Chunk *chunk, const uint8_t *data, size_t bytes)
{
    if (chunk->offset != fetch->offset || (bytes == 0 && !chunk->end)) {
        finish(fetch, "the coordinator sent another part than was asked for");
        return;
    }
    if (bytes > fetch->files->max_bytes - fetch->offset) {
        finish(fetch, "it is larger than it may be");
        return;
    }
    if (bytes > 0 && pwrite(fetch->fd, data, bytes, (off_t)fetch->offset) != (ssize_t)bytes) {
        finish(fetch, "this disk is full or broken");
        return;
    }
    hasher_add(fetch->hasher, data, bytes);
    fetch->offset += bytes;
    if (chunk->end)
        complete(fetch);
    else
        bulk_want(fetch->files->bulk, &fetch->job, 0);
}

static void answered(void *context, const Pb__BulkEnvelope *answer, const uint8_t *payload, size_t bytes)
{
    struct fetch *fetch = context;
    if (answer->body_case == PB__BULK_ENVELOPE__BODY_CHUNK)
        take_chunk(fetch, answer->chunk, payload, bytes);
    else if (answer->body_case == PB__BULK_ENVELOPE__BODY_REFUSED && answer->refused->code == PB__REFUSAL_CODE__REFUSAL_CODE_BUSY)
        bulk_want(fetch->files->bulk, &fetch->job, clock_boottime_ns() + LATER_MS * NS_PER_MS);
    else
        finish(fetch, answer->body_case == PB__BULK_ENVELOPE__BODY_REFUSED ? answer->refused->text : "the coordinator gave no chunk");
}

static void on_timer(void *context)
{
    struct files *files = context;
    for (struct map_entry *e = map_first(files->fetches); e;) {
        struct fetch *fetch = e->value;
        e = map_next(files->fetches, e);
        if (fetch->is_there)
            finish(fetch, NULL);
    }
}

static void begin(struct fetch *fetch)
{
    fetch->fd = open(fetch->part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (fetch->fd < 0)
        log_error("%s cannot be written: %s", fetch->part, strerror(errno)); // the first chunk says so to the instance
    bulk_want(fetch->files->bulk, &fetch->job, 0);
}

void files_fetch(struct files *files, const char *hash, bool folder)
{
    CLEANUP_FREE char *name = memory_printf("%s%s", hash, folder ? ".folder" : "");
    if (map_get_text(files->fetches, name))
        return;
    struct fetch *fetch = NEW(struct fetch);
    fetch->files = files;
    fetch->folder = folder;
    fetch->name = memory_string(name);
    snprintf(fetch->hash, sizeof fetch->hash, "%s", hash);
    fetch->path = path_join(files->folder, name);
    fetch->part = memory_printf("%s.part", fetch->path);
    fetch->opening = memory_printf("%s.opening", fetch->path);
    fetch->fd = -1;
    fetch->hasher = hasher_new();
    fetch->job = (struct bulk_job){.build = build, .answered = answered, .context = fetch, .class = BULK_STREAMS};
    map_put_text(files->fetches, name, fetch);
    // Touched: it is what is used that stays.
    fetch->is_there = utimensat(AT_FDCWD, fetch->path, NULL, 0) == 0;
    if (fetch->is_there)
        loop_timer_set(files->timer, clock_boottime_ns());
    else
        begin(fetch);
}

// ---- keeping below the limit

struct kept {
    char *path;
    uint64_t bytes;
    struct timespec used;
};

static int by_age(const void *left, const void *right)
{
    const struct kept *a = left, *b = right;
    if (a->used.tv_sec != b->used.tv_sec)
        return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
    return (a->used.tv_nsec > b->used.tv_nsec) - (a->used.tv_nsec < b->used.tv_nsec);
}

static uint64_t tree_bytes(const char *path, const struct stat *status)
{
    uint64_t bytes = (uint64_t)status->st_size;
    DIR *folder = S_ISDIR(status->st_mode) ? opendir(path) : NULL;
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        struct stat below;
        CLEANUP_FREE char *name = path_join(path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && lstat(name, &below) == 0)
            bytes += tree_bytes(name, &below);
    }
    if (folder)
        closedir(folder);
    return bytes;
}

void files_trim(struct files *files)
{
    struct kept *all = NULL;
    size_t count = 0, capacity = 0;
    uint64_t total = 0;
    DIR *folder = opendir(files->folder);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        struct stat status;
        char *path = path_join(files->folder, entry->d_name);
        if (entry->d_name[0] == '.' || lstat(path, &status) < 0) {
            free(path);
            continue;
        }
        uint64_t bytes = tree_bytes(path, &status);
        APPEND(all, count, capacity) = (struct kept){path, bytes, status.st_mtim};
        total += bytes;
    }
    if (folder)
        closedir(folder);
    if (count > 0)
        qsort(all, count, sizeof *all, by_age);
    for (size_t i = 0; i < count; i++) {
        if (total > FILES_KEPT_MAX_BYTES && (unlink(all[i].path) == 0 || folder_remove(all[i].path, NULL) == 0))
            total -= all[i].bytes;
        free(all[i].path);
    }
    free(all);
}

struct files *files_new(struct loop *loop, struct bulk *bulk, struct children *children, const char *folder, uint64_t max_bytes,
                        file_fn *callback, void *context)
{
    struct files *files = NEW(struct files);
    files->loop = loop;
    files->bulk = bulk;
    files->children = children;
    files->folder = memory_string(folder);
    files->max_bytes = max_bytes;
    files->callback = callback;
    files->context = context;
    files->fetches = map_new();
    files->timer = loop_timer(loop, on_timer, files);
    folder_make(files->folder, 0755, NULL);
    return files;
}

void files_free(struct files **files)
{
    if (!*files)
        return;
    for (struct map_entry *e = map_first((*files)->fetches); e; e = map_next((*files)->fetches, e))
        fetch_free(e->value);
    map_free(&(*files)->fetches);
    loop_remove(&(*files)->timer);
    free((*files)->folder);
    free(*files);
    *files = NULL;
}
