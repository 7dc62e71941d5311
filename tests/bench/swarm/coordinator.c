#include "coordinator.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/process.h"

#define UP_MS 30000
#define LOOK_AGAIN_NS 2000000L
#define WORDS_MAX 32
#define LOG_MAX_BYTES (16 * 1024 * 1024)

// ---- programs

static pid_t begin(const char *log, const char *const *argv, int *pidfd, struct panther_error *error)
{
    int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const struct process_descriptor descriptors[] = {{log_fd, 1}, {log_fd, 2}};
    const struct process_start start = {.program = argv[0], .argv = argv, .descriptors = descriptors, .descriptor_count = 2};
    pid_t pid = -1;
    int result = process_spawn(&start, &pid, pidfd, error);
    close(log_fd);
    return result < 0 ? result : pid;
}

static void free_endpoint(char endpoint[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_bound =
        fd >= 0 && bind(fd, (const struct sockaddr *)&address, bytes) == 0 && getsockname(fd, (struct sockaddr *)&address, &bytes) == 0;
    INVARIANT(is_bound);
    close(fd);
    snprintf(endpoint, 64, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
}

// ---- life

int coordinator_start_again(struct coordinator *coordinator, struct panther_error *error)
{
    char log[600];
    snprintf(log, sizeof log, "%s/coordinator.log", coordinator->folder);
    unlink(log); // of the life before
    const char *const argv[] = {coordinator->program,  "serve",         "--init",          "--data", coordinator->data, "--listen",
                                coordinator->endpoint, "--bulk-listen", coordinator->bulk, NULL};
    coordinator->started_ns = clock_boottime_ns();
    coordinator->pid = begin(log, argv, &coordinator->pidfd, error);
    return coordinator->pid < 0 ? coordinator->pid : 0;
}

int coordinator_start(struct coordinator *coordinator, const char *folder, struct panther_error *error)
{
    CLEANUP_FREE char *own = program_folder();
    *coordinator = (struct coordinator){.pidfd = -1};
    snprintf(coordinator->program, sizeof coordinator->program, "%s/../bin/panther-coord", own);
    snprintf(coordinator->folder, sizeof coordinator->folder, "%s", folder);
    snprintf(coordinator->data, sizeof coordinator->data, "%.480s/data", folder);
    snprintf(coordinator->key, sizeof coordinator->key, "%.480s/data/admin.key", folder);
    free_endpoint(coordinator->endpoint);
    free_endpoint(coordinator->bulk);
    int result = coordinator_start_again(coordinator, error);
    return result < 0 ? result : coordinator_await(coordinator, error);
}

static bool is_listening(const struct coordinator *coordinator)
{
    char log[600];
    snprintf(log, sizeof log, "%s/coordinator.log", coordinator->folder);
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    return file_read(log, LOG_MAX_BYTES, &text, &bytes, NULL) == 0 && strstr(text, "listening on");
}

int coordinator_await(struct coordinator *coordinator, struct panther_error *error)
{
    struct process_end end;
    for (uint64_t end_ns = clock_boottime_ns() + UP_MS * UINT64_C(1000000); !is_listening(coordinator);) {
        if (process_reap(coordinator->pidfd, false, &end) != 0 || clock_boottime_ns() > end_ns)
            return error_set(error, PANTHER_EUNAVAILABLE, "the coordinator does not listen: see %s/coordinator.log", coordinator->folder);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
    }
    return 0;
}

static void end_with(struct coordinator *coordinator, int signal_number)
{
    struct process_end end;
    if (coordinator->pidfd < 0)
        return;
    process_signal(coordinator->pidfd, signal_number);
    process_reap(coordinator->pidfd, true, &end);
    close(coordinator->pidfd);
    coordinator->pidfd = -1;
}

void coordinator_kill(struct coordinator *coordinator)
{
    end_with(coordinator, SIGKILL);
}

void coordinator_stop(struct coordinator *coordinator)
{
    end_with(coordinator, SIGTERM);
}

// ---- looking at it

uint64_t process_memory_bytes(pid_t pid)
{
    char path[64], line[256];
    unsigned long long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Pss: %llu kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib * 1024;
}

uint64_t coordinator_memory_bytes(const struct coordinator *coordinator)
{
    return process_memory_bytes(coordinator->pid);
}

double coordinator_cpu_s(const struct coordinator *coordinator)
{
    char path[64], text[1024] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)coordinator->pid);
    FILE *file = fopen(path, "re");
    const char *fields = file && fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
    unsigned long user = 0, system = 0;
    if (fields)
        sscanf(fields + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    if (file)
        fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// ---- commands

static void fill(const struct coordinator *coordinator, const char *const *words, const char *argv[WORDS_MAX])
{
    size_t count = 0;
    argv[count++] = coordinator->program;
    for (; *words && count + 3 < WORDS_MAX; words++)
        argv[count++] = *words;
    argv[count++] = "--key-file";
    argv[count++] = coordinator->key;
    argv[count] = NULL;
}

int coordinator_command_begin(const struct coordinator *coordinator, const char *const *words, struct panther_error *error)
{
    const char *argv[WORDS_MAX];
    char log[600];
    int pidfd = -1;
    snprintf(log, sizeof log, "%s/client.log", coordinator->folder);
    fill(coordinator, words, argv);
    pid_t pid = begin(log, argv, &pidfd, error);
    return pid < 0 ? pid : pidfd;
}

int coordinator_command_end(int pidfd)
{
    struct process_end end = {0};
    process_reap(pidfd, true, &end);
    close(pidfd);
    return end.signal ? end.signal + 128 : end.status;
}

int coordinator_command(const struct coordinator *coordinator, const char *const *words, struct panther_error *error)
{
    int pidfd = coordinator_command_begin(coordinator, words, error);
    return pidfd < 0 ? pidfd : coordinator_command_end(pidfd);
}
