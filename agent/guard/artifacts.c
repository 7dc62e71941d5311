// See artifacts.h. In pieces, because a capture of gigabytes takes seconds to hash and leases and agents do not wait.
#include "agent/guard/artifacts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/guard/events.h"
#include "agent/guard/printable.h"
#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/space.h"
#include "common/wire/wire.h"

// Declarations of one plugin: a handful of paths and patterns, or one for each of some hundred cases.
#define DECLARATIONS_MAX 1024
// Files of one instance: qlogs of some hundred connections.
#define FILES_MAX 4096
#define DEPTH_MAX 16
// One step: some milliseconds.
#define STEP_BYTES (4 * 1024 * 1024)
#define READ_BYTES (256 * 1024)
#define NS_PER_SECOND INT64_C(1000000000)

struct declaration {
    char *path, *kind;
    bool pattern, found;
};

struct found_file {
    char *path;
    const char *kind;
};

struct artifacts {
    struct events *events;
    const char *work;
    struct space space; // of the instance's disk
    struct declaration *declarations;
    size_t declaration_count, declaration_capacity;
    bool begun;
    struct found_file *files;
    size_t file_count, file_capacity, next;
    int fd; // of the file in work; -1: none
    uint64_t size;
    struct hasher *hasher;
    int64_t created_ns, changed_ns; // of the file
};

struct artifacts *artifacts_new(struct events *events, const char *work, uint64_t reserve_bytes)
{
    struct artifacts *artifacts = NEW(struct artifacts);
    artifacts->events = events;
    artifacts->work = work;
    artifacts->space.reserve_bytes = reserve_bytes;
    artifacts->fd = -1;
    return artifacts;
}

static void declare(struct artifacts *artifacts, const char *path, const char *kind, bool pattern)
{
    APPEND(artifacts->declarations, artifacts->declaration_count, artifacts->declaration_capacity) =
        (struct declaration){memory_string(path), memory_string(*kind ? kind : "file"), pattern, false};
}

static bool leaves_folder(const char *path)
{
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return true;
    }
    return false;
}

int artifacts_declare(struct artifacts *artifacts, const Pb__DeclareArtifact *declared, struct panther_error *error)
{
    const char *path = declared->path;
    size_t work_bytes = strlen(artifacts->work);
    if (strncmp(path, artifacts->work, work_bytes) == 0 && path[work_bytes] == '/')
        path += work_bytes + 1;
    if (*path == '\0' || *path == '/' || leaves_folder(path))
        return error_set(error, PANTHER_EINVALID, "artifact %s is not in the work folder", declared->path);
    for (size_t i = 0; i < artifacts->declaration_count; i++)
        if (strcmp(artifacts->declarations[i].path, path) == 0)
            return 0;
    if (artifacts->declaration_count == DECLARATIONS_MAX)
        return error_set(error, PANTHER_ELIMIT, "artifact %s: more than %d are declared", path, DECLARATIONS_MAX);
    declare(artifacts, path, declared->kind, declared->pattern);
    return 0;
}

// ---- what is there

static bool matches(const struct declaration *declaration, const char *path)
{
    if (!declaration->pattern)
        return strcmp(declaration->path, path) == 0;
    const char *slash = strrchr(path, '/');
    if (!strchr(declaration->path, '/'))
        return fnmatch(declaration->path, slash ? slash + 1 : path, 0) == 0;
    return fnmatch(declaration->path, path, FNM_PATHNAME) == 0;
}

static void consider(struct artifacts *artifacts, const char *path)
{
    for (size_t i = 0; i < artifacts->declaration_count; i++) {
        struct declaration *declaration = &artifacts->declarations[i];
        if (!matches(declaration, path))
            continue;
        declaration->found = true;
        CLEANUP_FREE char *clean = printable(path, strlen(path), strlen(path));
        if (strcmp(clean, path) != 0) {
            events_note(artifacts->events, "artifact %s is not kept: its name is not printable UTF-8", path);
            return;
        }
        if (artifacts->file_count < FILES_MAX)
            APPEND(artifacts->files, artifacts->file_count, artifacts->file_capacity) =
                (struct found_file){memory_string(path), declaration->kind};
        return;
    }
}

static void walk(struct artifacts *artifacts, int parent_fd, const char *name, const char *path, unsigned depth);

static void walk_entry(struct artifacts *artifacts, int folder_fd, const char *name, const char *folder, unsigned depth)
{
    struct stat status;
    CLEANUP_FREE char *path = *folder ? memory_printf("%s/%s", folder, name) : memory_string(name);
    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (S_ISREG(status.st_mode))
        consider(artifacts, path);
    else if (S_ISDIR(status.st_mode) && depth < DEPTH_MAX)
        walk(artifacts, folder_fd, name, path, depth + 1);
}

static void walk(struct artifacts *artifacts, int parent_fd, const char *name, const char *path, unsigned depth)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            walk_entry(artifacts, fd, entry->d_name, path, depth);
    closedir(folder);
}

static int by_path(const void *left, const void *right)
{
    return strcmp(((const struct found_file *)left)->path, ((const struct found_file *)right)->path);
}

static void begin(struct artifacts *artifacts)
{
    artifacts->begun = true;
    declare(artifacts, "core", "core", true);
    declare(artifacts, "core.*", "core", true);
    size_t own = 2;
    walk(artifacts, AT_FDCWD, artifacts->work, "", 0);
    if (artifacts->file_count > 0)
        qsort(artifacts->files, artifacts->file_count, sizeof *artifacts->files, by_path);
    if (artifacts->file_count == FILES_MAX)
        events_note(artifacts->events, "more than %d artifacts: the rest is not kept", FILES_MAX);
    for (size_t i = 0; i < artifacts->declaration_count - own; i++)
        if (!artifacts->declarations[i].pattern && !artifacts->declarations[i].found)
            events_note(artifacts->events, "artifact %s was declared but is not there", artifacts->declarations[i].path);
}

// ---- one file

static int copy_over(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t sent = in < 0 || out < 0 ? -1 : 1;
    while (sent > 0)
        sent = sendfile(out, in, NULL, STEP_BYTES);
    int problem = sent < 0 ? -errno : 0;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return problem;
}

static int move(const struct artifacts *artifacts, const struct found_file *file, const char *to)
{
    CLEANUP_FREE char *from = memory_printf("%s/%s", artifacts->work, file->path), *folder = memory_string(to);
    *strrchr(folder, '/') = '\0';
    if (folder_make(folder, 0700, NULL) < 0)
        return -errno;
    if (rename(from, to) == 0)
        return 0;
    return errno == EXDEV ? copy_over(from, to) : -errno; // a work folder on another disk
}

static void tell_cut(struct artifacts *artifacts, struct found_file *file, uint64_t bytes, char *reason)
{
    Pb__Gap gap;
    pb__gap__init(&gap);
    gap.stream = file->path;
    gap.artifact = true;
    gap.bytes = bytes;
    gap.reason = reason;
    EVENT_ADD(artifacts->events, GAP, gap, &gap);
}

// What could not be kept may be what a verdict asks for: a gap, as what is cut on purpose.
static void give_up(struct artifacts *artifacts, int problem)
{
    char why[160];
    snprintf(why, sizeof why, "could not be kept: %s", strerror(problem));
    tell_cut(artifacts, &artifacts->files[artifacts->next], artifacts->size, why);
    if (artifacts->fd >= 0)
        close(artifacts->fd);
    artifacts->fd = -1;
    hasher_end(&artifacts->hasher, NULL);
    artifacts->next++;
}

// Captures go first when the disk is short: the file is removed, so that what it took is there for verdicts and logs. True: it was.
static bool is_cut(struct artifacts *artifacts, struct found_file *file)
{
    struct stat status;
    char why[160];
    space_look(&artifacts->space, artifacts->work);
    if (artifacts->space.level < SPACE_NO_CAPTURES)
        return false;
    CLEANUP_FREE char *path = memory_printf("%s/%s", artifacts->work, file->path);
    space_why(&artifacts->space, why, sizeof why);
    uint64_t bytes = lstat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
    tell_cut(artifacts, file, bytes, why);
    unlink(path);
    artifacts->next++;
    return true;
}

static int64_t time_of(const struct statx_timestamp *time, bool is_known)
{
    return is_known && time->tv_sec > 0 ? time->tv_sec * NS_PER_SECOND + time->tv_nsec : 0;
}

// Before it is moved: a copy would have times of its own.
static void read_times(struct artifacts *artifacts, const struct found_file *file)
{
    CLEANUP_FREE char *path = memory_printf("%s/%s", artifacts->work, file->path);
    struct statx status = {0};
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME | STATX_MTIME, &status) < 0)
        status.stx_mask = 0;
    artifacts->created_ns = time_of(&status.stx_btime, status.stx_mask & STATX_BTIME);
    artifacts->changed_ns = time_of(&status.stx_mtime, status.stx_mask & STATX_MTIME);
}

static void open_next(struct artifacts *artifacts)
{
    struct found_file *file = &artifacts->files[artifacts->next];
    if (is_cut(artifacts, file))
        return;
    read_times(artifacts, file);
    CLEANUP_FREE char *path = memory_printf(ARTIFACTS_FOLDER "/%s", file->path);
    artifacts->hasher = hasher_new();
    artifacts->size = 0;
    int problem = move(artifacts, file, path);
    if (problem == 0 && (artifacts->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        problem = -errno;
    if (problem < 0)
        give_up(artifacts, -problem);
}

static void tell(struct artifacts *artifacts)
{
    struct found_file *file = &artifacts->files[artifacts->next++];
    char hash[HASH_TEXT_BYTES];
    Pb__ArtifactReady ready;
    CLEANUP_FREE char *kind = memory_string(file->kind);
    pb__artifact_ready__init(&ready);
    hasher_end(&artifacts->hasher, hash);
    ready.path = file->path;
    ready.kind = kind;
    ready.size_bytes = artifacts->size;
    ready.hash = hash;
    ready.created_wall_ns = artifacts->created_ns;
    ready.changed_wall_ns = artifacts->changed_ns;
    EVENT_ADD(artifacts->events, ARTIFACT_READY, artifact_ready, &ready);
}

// Hashes up to so many bytes; returns how many are left of the budget.
static size_t hash_some(struct artifacts *artifacts, size_t budget)
{
    static char buffer[READ_BYTES];
    while (budget > 0) {
        ssize_t got = read(artifacts->fd, buffer, sizeof buffer);
        if (got < 0) {
            give_up(artifacts, errno);
            return budget;
        }
        if (got == 0) {
            if (fdatasync(artifacts->fd) < 0)
                events_note(artifacts->events, "artifact %s may not survive a power loss", artifacts->files[artifacts->next].path);
            close(artifacts->fd);
            artifacts->fd = -1;
            tell(artifacts);
            return budget;
        }
        hasher_add(artifacts->hasher, buffer, (size_t)got);
        artifacts->size += (uint64_t)got;
        budget -= (size_t)got < budget ? (size_t)got : budget;
    }
    return 0;
}

bool artifacts_step(struct artifacts *artifacts)
{
    if (!artifacts->begun)
        begin(artifacts);
    size_t budget = STEP_BYTES;
    while (artifacts->next < artifacts->file_count && budget > 0) {
        if (artifacts->fd < 0)
            open_next(artifacts);
        if (artifacts->fd >= 0)
            budget = hash_some(artifacts, budget);
    }
    return artifacts->next < artifacts->file_count;
}

void artifacts_free(struct artifacts **pointer)
{
    struct artifacts *artifacts = *pointer;
    if (!artifacts)
        return;
    for (size_t i = 0; i < artifacts->declaration_count; i++) {
        free(artifacts->declarations[i].path);
        free(artifacts->declarations[i].kind);
    }
    for (size_t i = 0; i < artifacts->file_count; i++)
        free(artifacts->files[i].path);
    if (artifacts->fd >= 0)
        close(artifacts->fd);
    hasher_end(&artifacts->hasher, NULL);
    free(artifacts->declarations);
    free(artifacts->files);
    free(artifacts);
    *pointer = NULL;
}
