#include "lab.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/process.h"

// A start takes a second at most; a machine that is busy with other things may take longer.
#define UP_MS 20000
#define LOOK_AGAIN_MS 20

struct lab {
    struct arena *arena;
    struct lab_options options;
    int coordinator_fd, agent_fd; // pidfds; -1: not running
    const char *endpoint, *key;
};

// ---- programs

static char *in_folder(struct lab *lab, const char *name)
{
    return arena_printf(lab->arena, "%s/%s", lab->options.folder, name);
}

// With its output in the file `log` of the lab's folder. Returns a pidfd, or a negative error.
static int start(struct lab *lab, const char *log, const char *const *argv, struct panther_error *error)
{
    int log_fd = open(in_folder(lab, log), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const struct process_descriptor descriptors[] = {{log_fd, 1}, {log_fd, 2}};
    const struct process_start begin = {.program = argv[0], .argv = argv, .descriptors = descriptors, .descriptor_count = 2};
    pid_t pid;
    int pidfd = -1;
    int result = process_spawn(&begin, &pid, &pidfd, error);
    close(log_fd);
    return result < 0 ? result : pidfd;
}

static int wait_for(int *pidfd)
{
    struct process_end end = {0};
    if (*pidfd < 0)
        return -1;
    process_reap(*pidfd, true, &end);
    close(*pidfd);
    *pidfd = -1;
    return end.signal ? -end.signal : end.status;
}

static int run(struct lab *lab, const char *const *argv, struct panther_error *error)
{
    int pidfd = start(lab, "client.log", argv, error);
    return pidfd < 0 ? pidfd : wait_for(&pidfd);
}

static void stop(int *pidfd)
{
    if (*pidfd >= 0)
        process_signal(*pidfd, SIGTERM);
    wait_for(pidfd);
}

// ---- up

static bool has_ended(int pidfd)
{
    struct process_end end;
    return process_reap(pidfd, false, &end) != 0;
}

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_MS * 1000000L}, NULL);
}

static bool is_listening(struct lab *lab)
{
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    return file_read(in_folder(lab, "coordinator.log"), 1 << 20, &text, &bytes, NULL) == 0 && strstr(text, "listening");
}

static const char *free_endpoint(struct lab *lab)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_bound =
        fd >= 0 && bind(fd, (const struct sockaddr *)&address, bytes) == 0 && getsockname(fd, (struct sockaddr *)&address, &bytes) == 0;
    INVARIANT(is_bound);
    close(fd);
    return arena_printf(lab->arena, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
}

static int start_coordinator(struct lab *lab, struct panther_error *error)
{
    const char *program = arena_printf(lab->arena, "%s/panther-coord", lab->options.programs);
    const char *window = arena_printf(lab->arena, "%u", lab->options.window);
    lab->endpoint = free_endpoint(lab);
    const char *const serve[] = {program,    "serve",       "--init",        "--data",           in_folder(lab, "data"),
                                 "--listen", lab->endpoint, "--bulk-listen", free_endpoint(lab), "--case-window",
                                 window,     NULL};
    lab->coordinator_fd = start(lab, "coordinator.log", serve, error);
    if (lab->coordinator_fd < 0)
        return lab->coordinator_fd;
    for (uint64_t end_ns = clock_boottime_ns() + UP_MS * UINT64_C(1000000); !is_listening(lab); pause_a_little())
        if (has_ended(lab->coordinator_fd) || clock_boottime_ns() > end_ns)
            return error_set(error, PANTHER_EUNAVAILABLE, "the coordinator does not listen: see %s", in_folder(lab, "coordinator.log"));
    lab->key = in_folder(lab, "data/admin.key");
    return 0;
}

static int start_agent(struct lab *lab, struct panther_error *error)
{
    const char *coordinator = arena_printf(lab->arena, "%s/panther-coord", lab->options.programs);
    const char *agent = arena_printf(lab->arena, "%s/panther-agent", lab->options.programs);
    const char *slots = arena_printf(lab->arena, "%u", lab->options.slots), *key = in_folder(lab, "agent.key");
    const char *const add[] = {coordinator, "keys", "add", "agent", "bench", "--out", key, "--key-file", lab->key, NULL};
    if (run(lab, add, error) != 0)
        return error_set(error, PANTHER_EUNAVAILABLE, "no key for the agent: see %s", in_folder(lab, "client.log"));
    const char *const offer[] = {agent, "--key", key, "--state", in_folder(lab, "agent"), "--address", "127.0.0.1", "--slots", slots, NULL};
    lab->agent_fd = start(lab, "agent.log", offer, error);
    return lab->agent_fd < 0 ? lab->agent_fd : 0;
}

static int submit(struct lab *lab, const char *experiment, const char *flag, struct panther_error *error)
{
    const char *program = arena_printf(lab->arena, "%s/panther-coord", lab->options.programs), *path = in_folder(lab, "experiment.yaml");
    int result = file_write_atomic(path, experiment, strlen(experiment), 0600, error);
    const char *const argv[] = {program, "submit", path, flag, "--key-file", lab->key, NULL};
    return result < 0 ? result : run(lab, argv, error);
}

// A dry run is accepted once the agent's plugins are known.
static int await_agent(struct lab *lab, struct panther_error *error)
{
    static const char probe[] = "panther: 1\nexperiment: probe\ntests:\n  - name: probe\n    protocol: {name: none}\n"
                                "    services: {load: {tester: 'null', cases: [noop]}}\n";
    uint64_t end_ns = clock_boottime_ns() + UP_MS * UINT64_C(1000000);
    int status;
    while ((status = submit(lab, probe, "--dry-run", error)) != 0) {
        if (status < 0 || has_ended(lab->agent_fd) || clock_boottime_ns() > end_ns)
            return error_set(error, PANTHER_EUNAVAILABLE, "the agent does not connect: see %s and client.log there",
                             in_folder(lab, "agent.log"));
        pause_a_little();
    }
    return 0;
}

// An agent that has just begun looks which versions its host has of what its plugins run, for a second or two: that is not what is
// measured.
static int await_probes(struct lab *lab, struct panther_error *error)
{
    const char *const argv[] = {
        arena_printf(lab->arena, "%s/panther-coord", lab->options.programs), "plugins", "-o", "json", "--key-file", lab->key, NULL};
    uint64_t end_ns = clock_boottime_ns() + UP_MS * UINT64_C(1000000);
    for (bool open = true; open;) {
        CLEANUP_FREE char *text = NULL;
        size_t bytes;
        unlink(in_folder(lab, "plugins.json"));
        int pidfd = start(lab, "plugins.json", argv, error);
        if (pidfd < 0 || wait_for(&pidfd) != 0 || clock_boottime_ns() > end_ns)
            return error_set(error, PANTHER_EUNAVAILABLE, "the agent's plugins are not known: see %s", in_folder(lab, "plugins.json"));
        int result = file_read(in_folder(lab, "plugins.json"), 1 << 20, &text, &bytes, error);
        if (result < 0)
            return result;
        open = strstr(text, "\"probed\": \"no\"") != NULL;
        if (open)
            pause_a_little();
    }
    return 0;
}

struct lab *lab_up(const struct lab_options *options, struct panther_error *error)
{
    struct lab *lab = NEW(struct lab);
    *lab = (struct lab){.arena = arena_new(0), .options = *options, .coordinator_fd = -1, .agent_fd = -1};
    int result = folder_make(options->folder, 0700, error);
    if (result == 0)
        result = start_coordinator(lab, error);
    if (result == 0)
        result = start_agent(lab, error);
    if (result == 0)
        result = await_agent(lab, error);
    if (result == 0)
        result = await_probes(lab, error);
    if (result < 0)
        lab_down(&lab);
    return lab;
}

int lab_run(struct lab *lab, const char *experiment, struct panther_error *error)
{
    int status = submit(lab, experiment, "--wait", error);
    return status > 0
               ? error_set(error, PANTHER_ESTATE, "the run did not pass (exit status %d): see %s", status, in_folder(lab, "client.log"))
               : status;
}

void lab_down(struct lab **address)
{
    struct lab *lab = *address;
    *address = NULL;
    if (!lab)
        return;
    stop(&lab->agent_fd);
    stop(&lab->coordinator_fd);
    arena_free(&lab->arena);
    free(lab);
}
