// See lab.h. The note of a device is a file of its name and of the network namespace's inode; its lock is the exclusive use. It is written
// before anything is shaped and removed after all is undone, so that whoever finds it without a living holder knows what to undo. Beside
// the holder a keeper lives, in a session and an environment of its own, which undoes at once when the holder is killed with its guard.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/environment/lab/lab.h"
#include "common/system/file.h"
#include "common/system/process.h"

#define WHO_BYTES 256
// Where the keeper finds the lock.
#define KEEPER_LOCK_FD 3

struct lab_note {
    char *path;
    char device[LAB_DEVICE_BYTES];
    int fd;     // holds the lock
    int keeper; // end of its pipe
    pid_t keeper_pid;
};

static unsigned long namespace_number(void)
{
    struct stat status;
    return stat("/proc/self/ns/net", &status) == 0 ? (unsigned long)status.st_ino : 0;
}

static char *path_of(const char *run_folder, const char *device)
{
    return memory_printf("%s/%s.%lu", run_folder, device, namespace_number());
}

// Removed and made anew by somebody between our open and our lock: then the lock is of a file that nobody finds.
static bool is_still_there(int fd, const char *path)
{
    struct stat mine, theirs;
    return fstat(fd, &mine) == 0 && stat(path, &theirs) == 0 && mine.st_ino == theirs.st_ino && mine.st_dev == theirs.st_dev;
}

static void read_who(int fd, char who[WHO_BYTES])
{
    ssize_t got = pread(fd, who, WHO_BYTES - 1, 0);
    who[got > 0 ? got : 0] = '\0';
    who[strcspn(who, "\n")] = '\0';
}

// *fd: locked. PANTHER_EEXISTS: who has it stands in the error.
static int lock_note(const char *path, int flags, int *fd, struct panther_error *error)
{
    for (;;) {
        *fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
        if (*fd < 0)
            return error_system(error, errno, "cannot open %s", path);
        if (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
            char who[WHO_BYTES];
            read_who(*fd, who);
            close(*fd);
            return error_set(error, PANTHER_EEXISTS, "the interface is shaped for %s already", *who ? who : "somebody else");
        }
        if (is_still_there(*fd, path))
            return 0;
        close(*fd);
    }
}

static bool is_written(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_size > 0;
}

static int undo_and_remove(int fd, const char *path, const char *device, struct panther_error *error)
{
    int problem = is_written(fd) ? lab_shape_undo(device, error) : 0;
    if (problem == 0)
        unlink(path);
    return problem;
}

// ---- keeper

// Not with the marker of the instance in its environment: what ends the instance's processes shall spare it for the moment that it takes.
static int start_keeper(struct lab_note *note, const char *run_folder, struct panther_error *error)
{
    static const char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    const char *argv[] = {"panther-lab", "--keep", note->device, "--run", run_folder, NULL};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_system(error, errno, "cannot start the keeper of %s", note->device);
    int lifted = fcntl(note->fd, F_DUPFD_CLOEXEC, 10), lifted_end = fcntl(ends[0], F_DUPFD_CLOEXEC, 10);
    struct process_descriptor descriptors[] = {{lifted_end, STDIN_FILENO}, {lifted, KEEPER_LOCK_FD}};
    struct process_start start = {.program = "/proc/self/exe",
                                  .argv = argv,
                                  .environment = environment,
                                  .folder = "/",
                                  .place = PROCESS_PLACE_SESSION,
                                  .descriptors = descriptors,
                                  .descriptor_count = 2};
    int problem = process_spawn(&start, &note->keeper_pid, NULL, error);
    close(lifted);
    close(lifted_end);
    close(ends[0]);
    note->keeper = ends[1];
    return problem;
}

int lab_note_keep(const char *run_folder, const char *device)
{
    char byte;
    ssize_t got;
    prctl(PR_SET_PDEATHSIG, 0);
    while ((got = read(STDIN_FILENO, &byte, 1)) > 0 || (got < 0 && errno == EINTR))
        continue;
    CLEANUP_FREE char *path = path_of(run_folder, device);
    if (!is_still_there(KEEPER_LOCK_FD, path))
        return 0; // it was undone in order
    return undo_and_remove(KEEPER_LOCK_FD, path, device, NULL) < 0;
}

// ---- holder

static void note_free(struct lab_note *note)
{
    if (note->keeper >= 0)
        close(note->keeper);
    if (note->fd >= 0)
        close(note->fd);
    // It has its end of file now; without it our own end would leave it behind as a process that somebody has to kill.
    while (note->keeper_pid > 0 && waitpid(note->keeper_pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    free(note->path);
    free(note);
}

static int write_note(const struct lab_note *note, const char *who, struct panther_error *error)
{
    char text[WHO_BYTES];
    int length = snprintf(text, sizeof text, "%s\n", who);
    size_t bytes = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    if (ftruncate(note->fd, 0) < 0 || pwrite(note->fd, text, bytes, 0) != (ssize_t)bytes || fsync(note->fd) < 0)
        return error_system(error, errno, "cannot write %s", note->path);
    return 0;
}

int lab_note_take(struct lab_note **out, const char *run_folder, const char *device, const char *who, struct panther_error *error)
{
    struct lab_note *note = NEW(struct lab_note);
    *note = (struct lab_note){.path = path_of(run_folder, device), .fd = -1, .keeper = -1};
    snprintf(note->device, sizeof note->device, "%s", device);
    int problem = folder_make(run_folder, 0700, error);
    if (problem == 0)
        problem = lock_note(note->path, O_CREAT, &note->fd, error);
    if (problem < 0)
        note->fd = -1;
    if (problem == 0 && is_written(note->fd))
        problem = lab_shape_undo(device, error); // what a dead one left
    if (problem == 0)
        problem = write_note(note, who, error);
    if (problem == 0)
        problem = start_keeper(note, run_folder, error);
    if (problem < 0) {
        note_free(note);
        return problem;
    }
    *out = note;
    return 0;
}

void lab_note_release(struct lab_note **pointer)
{
    struct lab_note *note = *pointer;
    struct panther_error error;
    if (!note)
        return;
    if (undo_and_remove(note->fd, note->path, note->device, &error) < 0)
        fprintf(stderr, "panther-lab: %s is not undone: %s\n", note->device, error.message);
    note_free(note);
    *pointer = NULL;
}

// ---- leftovers

// "eth0.4026531833": the device of a note of this namespace; a device's name may have dots itself.
static bool device_of(const char *name, char device[LAB_DEVICE_BYTES])
{
    char suffix[32];
    int length = snprintf(suffix, sizeof suffix, ".%lu", namespace_number());
    size_t bytes = strlen(name);
    if (bytes <= (size_t)length || bytes - (size_t)length >= LAB_DEVICE_BYTES || strcmp(name + bytes - (size_t)length, suffix) != 0)
        return false;
    snprintf(device, LAB_DEVICE_BYTES, "%.*s", (int)(bytes - (size_t)length), name);
    return true;
}

static int undo_one(const char *run_folder, const char *device, struct panther_error *error)
{
    int fd;
    CLEANUP_FREE char *path = path_of(run_folder, device);
    int problem = lock_note(path, 0, &fd, error);
    if (problem < 0)
        return problem == PANTHER_EEXISTS ? 0 : problem; // its holder lives
    problem = undo_and_remove(fd, path, device, error);
    close(fd);
    return problem;
}

int lab_note_undo_all(const char *run_folder, struct panther_error *error)
{
    int problem = 0;
    DIR *folder = opendir(run_folder);
    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        char device[LAB_DEVICE_BYTES];
        if (device_of(entry->d_name, device) && undo_one(run_folder, device, problem < 0 ? NULL : error) < 0)
            problem = PANTHER_ESYSTEM;
    }
    if (folder)
        closedir(folder);
    return problem;
}
