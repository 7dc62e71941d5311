// memory: `bytes` are taken by a process of ours, from the instance's cgroup where it has one, else from the host; `limit` is set on the
// instance's cgroup. What takes memory is what the kernel shall end first when there is none left.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/guard/environment.h"
#include "agent/guard/faults_state.h"
#include "agent/guard/processes.h"
#include "agent/guard/take_memory.h"
#include "agent/guard/trampoline.h"
#include "common/base/units.h"
#include "common/system/file.h"
#include "common/system/process.h"

// Left to the host, so that agent and guards go on.
#define HOST_KEEPS_BYTES (UINT64_C(256) << 20)
#define SMALL_FILE_BYTES 16384

// ---- limit

// cgroup v2's file, or v1's in the memory hierarchy.
static char *limit_path(const struct fault *fault)
{
    static const char *const names[] = {"memory.max", "memory.limit_in_bytes"};
    for (size_t i = 0; *fault->all->cgroup && i < sizeof names / sizeof *names; i++) {
        char *path = path_join(fault->all->cgroup, names[i]);
        if (access(path, W_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static int write_limit(const char *path, const char *text, struct panther_error *error)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) {
        int number = errno;
        if (fd >= 0)
            close(fd);
        return error_system(error, number, "cannot set the memory limit of the instance's cgroup");
    }
    close(fd);
    return 0;
}

static int begin_limit(struct fault *fault, uint64_t bytes, struct text *done, struct panther_error *error)
{
    char text[32];
    CLEANUP_FREE char *path = limit_path(fault);
    if (!path)
        return error_set(error, PANTHER_EUNAVAILABLE, "this instance has no cgroup with a memory limit");
    char *before = NULL;
    int problem = file_read(path, SMALL_FILE_BYTES, &before, NULL, error);
    if (problem < 0)
        return problem;
    snprintf(text, sizeof text, "%llu", (unsigned long long)bytes);
    problem = write_limit(path, text, error);
    if (problem < 0) {
        free(before);
        return problem;
    }
    fault->restored = before;
    processes_memory_is_short(fault->all->processes, true);
    text_printf(done, "the memory of the instance, its plugin host included, is limited to %s bytes", text);
    return 0;
}

// ---- bytes

static uint64_t available_bytes(void)
{
    unsigned long long kib = 0;
    CLEANUP_FREE char *text = NULL;
    if (file_read("/proc/meminfo", SMALL_FILE_BYTES, &text, NULL, NULL) < 0)
        return 0;
    const char *line = strstr(text, "MemAvailable:");
    return line && sscanf(line, "MemAvailable: %llu", &kib) == 1 ? kib * 1024 : 0;
}

static void taker_speaks(void *context, int fd, uint32_t events)
{
    struct fault *fault = context;
    char word;
    (void)events;
    ssize_t got = read(fd, &word, 1);
    if (got < 0 && errno == EINTR)
        return;
    loop_remove(&fault->source);
    if (got != 1 || fault->state != FAULT_BEGINS)
        return; // its end says the rest
    processes_memory_is_short(fault->all->processes, true);
    char size[32];
    uint64_t bytes = 0;
    size_parse_bytes(fault_option(fault, "bytes"), &bytes);
    size_format(bytes, size, sizeof size);
    CLEANUP_FREE char *done = memory_printf("%s are taken by process %d", size, (int)fault->taker);
    fault_holds(fault, done);
}

static int spawn_taker(struct fault *fault, const char *bytes, int words[2], struct panther_error *error)
{
    struct arena *arena = arena_new(0);
    const char *argv[] = {"/proc/self/exe", TAKE_MEMORY_FLAG, bytes, NULL};
    int status_fd = -1;
    struct trampoline trampoline = {
        .name = "the process that takes memory",
        .argv = argv,
        .environment = environment_clean(arena, fault->all->work, fault->all->marker, "PANTHER_PROCESS=0", NULL, 0),
        .folder = "/",
        .cgroup = fault->all->cgroup,
        .channel_fd = -1,
        .stdout_fd = words[1],
        .stderr_fd = words[1],
    };
    int problem = trampoline_spawn(&trampoline, &fault->taker, &fault->taker_fd, &status_fd, error);
    if (problem == 0)
        close(status_fd); // what did not start ends without a word, which is enough
    arena_free(&arena);
    return problem;
}

static int begin_taking(struct fault *fault, uint64_t bytes, struct panther_error *error)
{
    char text[32], has[32];
    int words[2];
    uint64_t available = available_bytes();
    if (bytes == 0 || available < HOST_KEEPS_BYTES || bytes > available - HOST_KEEPS_BYTES) {
        size_format(available, has, sizeof has);
        return error_set(error, PANTHER_ELIMIT, "that much cannot be taken: %s are available, 256MiB of it stay for the host", has);
    }
    snprintf(text, sizeof text, "%llu", (unsigned long long)bytes);
    if (pipe2(words, O_CLOEXEC) < 0)
        return error_system(error, errno, "cannot take memory");
    int problem = spawn_taker(fault, text, words, error);
    close(words[1]);
    fault->fd = words[0];
    if (problem < 0)
        return problem;
    fault->source = loop_watch(fault->all->loop, fault->fd, EPOLLIN, taker_speaks, fault);
    return FAULT_LATER;
}

// ---- both

static int begin_memory(struct fault *fault, struct text *done, struct panther_error *error)
{
    uint64_t bytes;
    const char *take = fault_option(fault, "bytes"), *limit = fault_option(fault, "limit");
    const char *given = take ? take : limit;
    if (!given || (take && limit) || !size_parse_bytes(given, &bytes))
        return error_set(error, PANTHER_EINVALID, "memory needs `bytes` to take or a `limit`, as a size");
    return take ? begin_taking(fault, bytes, error) : begin_limit(fault, bytes, done, error);
}

static int end_memory(struct fault *fault, struct panther_error *error)
{
    processes_memory_is_short(fault->all->processes, false);
    if (fault->taker > 0) {
        process_signal(fault->taker_fd, SIGKILL);
        return FAULT_LATER; // faults_ended
    }
    CLEANUP_FREE char *path = limit_path(fault);
    return path ? write_limit(path, fault->restored, error) : 0;
}

static void drop_memory(struct fault *fault)
{
    loop_remove(&fault->source);
    if (fault->taker > 0)
        process_signal(fault->taker_fd, SIGKILL);
    if (fault->taker_fd >= 0)
        close(fault->taker_fd);
    if (fault->fd >= 0)
        close(fault->fd);
    free(fault->restored);
}

const struct fault_kind fault_memory = {.name = "memory", .begin = begin_memory, .end = end_memory, .drop = drop_memory};
