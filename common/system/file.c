// Files and folders: whole reads under a limit, atomic and synced writes, removal that follows no link.
#include "common/system/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/memory.h"

static void close_cleanup(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define CLEANUP_CLOSE __attribute__((cleanup(close_cleanup)))

// Reads until the end or the limit + 1; grows with the file, because the size of a file in /proc says 0.
static int read_all(int fd, size_t max_bytes, struct text *text)
{
    char piece[16384];
    while (text->length <= max_bytes) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return 0;
        text_append_bytes(text, piece, (size_t)got);
    }
    return 0;
}

int file_read(const char *path, size_t max_bytes, char **data, size_t *bytes, struct panther_error *error)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return error_set(error, PANTHER_ENOTFOUND, "%s is not there", path);
    if (fd < 0)
        return error_system(error, errno, "cannot open %s", path);
    struct text text = {0};
    int problem = read_all(fd, max_bytes, &text);
    if (problem < 0 || text.length > max_bytes) {
        text_free(&text);
        return problem < 0 ? error_system(error, -problem, "cannot read %s", path)
                           : error_set(error, PANTHER_ELIMIT, "%s is larger than %zu bytes", path, max_bytes);
    }
    *data = text.data ? text.data : memory_new(1);
    if (bytes)
        *bytes = text.length;
    return 0;
}

static int write_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t put = write(fd, data, bytes);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        data += put;
        bytes -= (size_t)put;
    }
    return 0;
}

// A rename is durable only once the folder that holds the name is synced.
static int sync_folder_of(const char *path)
{
    CLEANUP_FREE char *folder = memory_string(path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    CLEANUP_CLOSE int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_synced(const char *path, const void *data, size_t bytes, mode_t mode)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    int problem = write_all(fd, data, bytes);
    if (problem == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
        problem = -errno;
    return problem;
}

int file_write_atomic(const char *path, const void *data, size_t bytes, mode_t mode, struct panther_error *error)
{
    CLEANUP_FREE char *beside = memory_printf("%s.new", path);
    int problem = write_synced(beside, data, bytes, mode);
    if (problem == 0 && rename(beside, path) < 0)
        problem = -errno;
    if (problem != 0) {
        unlink(beside);
        return error_system(error, -problem, "cannot write %s", path);
    }
    problem = sync_folder_of(path);
    return problem == 0 ? 0 : error_system(error, -problem, "cannot sync the folder of %s", path);
}

int folder_make(const char *path, mode_t mode, struct panther_error *error)
{
    CLEANUP_FREE char *part = memory_string(path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, mode) < 0 && errno != EEXIST)
            return error_system(error, errno, "cannot make the folder %s", part);
        *slash = '/';
    }
    struct stat status;
    if (mkdir(path, mode) < 0 && (errno != EEXIST || stat(path, &status) < 0 || !S_ISDIR(status.st_mode)))
        return error_system(error, errno, "cannot make the folder %s", path);
    return 0;
}

// ---- removal

// Descriptors that one removal holds at once. What lies deeper is moved up first, so that no nesting can exhaust them.
#define REMOVE_DEPTH_MAX 32

struct removal {
    int top_fd;
    unsigned moved;
};

static int empty_folder(struct removal *removal, int folder_fd, unsigned depth);

static int open_folder(int parent_fd, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(parent_fd, name, flags);
    // A folder without permission bits is its owner's way to keep itself out by mistake.
    if (fd < 0 && errno == EACCES && fchmodat(parent_fd, name, S_IRWXU, 0) == 0)
        fd = openat(parent_fd, name, flags);
    return fd;
}

static int remove_folder_at(struct removal *removal, int parent_fd, const char *name, unsigned depth)
{
    if (depth >= REMOVE_DEPTH_MAX) {
        char place[48];
        snprintf(place, sizeof place, ".removing-%u", removal->moved++);
        return renameat(parent_fd, name, removal->top_fd, place) < 0 ? -errno : 0;
    }
    int fd = open_folder(parent_fd, name);
    if (fd < 0)
        return -errno;
    int problem = empty_folder(removal, fd, depth + 1);
    close(fd);
    if (problem == 0 && unlinkat(parent_fd, name, AT_REMOVEDIR) < 0)
        problem = -errno;
    return problem;
}

static int remove_at(struct removal *removal, int parent_fd, const char *name, unsigned depth)
{
    if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno == EACCES && fchmod(parent_fd, S_IRWXU) == 0 && unlinkat(parent_fd, name, 0) == 0)
        return 0;
    return errno == EISDIR || errno == EPERM ? remove_folder_at(removal, parent_fd, name, depth) : -errno;
}

// One pass over the entries; *found counts them, because removal while reading may hide some until the next pass.
static int empty_pass(struct removal *removal, int folder_fd, unsigned depth, unsigned *found)
{
    int copy = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    if (!folder)
        return -errno;
    int problem = 0;
    *found = 0;
    for (struct dirent *entry; problem == 0 && (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        ++*found;
        problem = remove_at(removal, folder_fd, entry->d_name, depth);
    }
    closedir(folder);
    return problem;
}

static int empty_folder(struct removal *removal, int folder_fd, unsigned depth)
{
    unsigned found;
    int problem;
    do
        problem = empty_pass(removal, folder_fd, depth, &found);
    while (problem == 0 && found > 0);
    return problem;
}

int folder_remove(const char *path, struct panther_error *error)
{
    struct removal removal = {.top_fd = open_folder(AT_FDCWD, path)};
    if (removal.top_fd < 0 && errno == ENOENT)
        return 0;
    if (removal.top_fd < 0)
        return error_system(error, errno, "cannot open the folder %s", path);
    int problem = empty_folder(&removal, removal.top_fd, 0);
    close(removal.top_fd);
    if (problem == 0 && rmdir(path) < 0 && errno != ENOENT)
        problem = -errno;
    return problem == 0 ? 0 : error_system(error, -problem, "cannot remove the folder %s", path);
}

// ---- the rest

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

char *path_join(const char *folder, const char *name)
{
    if (name[0] == '/' || folder[0] == '\0')
        return memory_string(name);
    size_t length = strlen(folder);
    return memory_printf("%s%s%s", folder, folder[length - 1] == '/' ? "" : "/", name);
}

static int refuse_locked(const char *path, int lock_fd, struct panther_error *error)
{
    char holder[32] = "";
    if (pread(lock_fd, holder, sizeof holder - 1, 0) < 0)
        holder[0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    return error_set(error, PANTHER_EEXISTS, "%s is held by process %s: one at a time", path, *holder ? holder : "(unknown)");
}

int folder_lock(const char *folder, int *fd, struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(folder, "lock");
    int lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock_fd < 0)
        return error_system(error, errno, "cannot open %s", path);
    if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0) {
        int number = errno;
        int code = number == EWOULDBLOCK ? refuse_locked(path, lock_fd, error) : error_system(error, number, "cannot lock %s", path);
        close(lock_fd);
        return code;
    }
    char holder[32];
    int length = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    // The pid only names the holder to people; the lock itself stands without it, so a full disk is no reason to fail.
    if (ftruncate(lock_fd, 0) < 0 || pwrite(lock_fd, holder, (size_t)length, 0) < 0)
        errno = 0;
    *fd = lock_fd;
    return 0;
}

int folder_lock_shared(const char *folder, int *fd, struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(folder, "lock");
    int lock_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (lock_fd < 0 && errno != ENOENT)
        return error_system(error, errno, "cannot open %s", path);
    if (lock_fd >= 0 && flock(lock_fd, LOCK_SH | LOCK_NB) < 0) {
        int number = errno;
        int code = number == EWOULDBLOCK ? refuse_locked(path, lock_fd, error) : error_system(error, number, "cannot lock %s", path);
        close(lock_fd);
        return code;
    }
    *fd = lock_fd;
    return 0;
}

uint64_t disk_free_bytes(const char *path)
{
    struct statvfs status;
    return statvfs(path, &status) < 0 ? 0 : (uint64_t)status.f_bavail * status.f_frsize;
}
