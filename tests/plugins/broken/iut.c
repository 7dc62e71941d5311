// A small server as an IUT, with one fault that the build chooses: it breaks one clause of the contract. Only for tests.
#include "faults.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <panther/plugin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct broken {
    int64_t workers;
    const char *word;
};

static struct panther_option options[] = {
    PANTHER_OPTION_INTEGER(struct broken, workers, "1", 1, 64, "", "a number"),
    PANTHER_OPTION_STRING(struct broken, word, "", "a word"),
    PANTHER_OPTIONS_END,
};

// What the execution takes when nobody stops it.
#define WORK_MS 300

static int port;
static bool has_started;
static pid_t own_child;
static int own_socket = -1;

// What leaves the tree of processes: a new session, and no parent.
static pid_t stray(void)
{
    int ends[2];
    pid_t pid = 0;
    if (pipe(ends) != 0)
        return -1;
    const pid_t first = fork();
    if (first == 0) {
        setsid();
        pid = fork();
        if (pid != 0) {
            const ssize_t written = write(ends[1], &pid, sizeof(pid));
            _exit(written == sizeof(pid) ? 0 : 1);
        }
        prctl(PR_SET_PDEATHSIG, 0);
        for (int fd = 0; fd < 64; fd++)
            close(fd);
        for (;;)
            pause();
    }
    close(ends[1]);
    waitpid(first, NULL, 0);
    const ssize_t got = read(ends[0], &pid, sizeof(pid));
    close(ends[0]);
    return got == sizeof(pid) ? pid : -1;
}

static int listen_here(const char *address, int at)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)at)};
    const int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &name.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    return bind(fd, (const struct sockaddr *)&name, sizeof(name)) == 0 && listen(fd, 8) == 0 ? fd : -1;
}

// The second generation finds ".2" in its marker.
static bool is_first_generation(void)
{
    const char *marker = getenv("PANTHER_INSTANCE"), *dot = marker != NULL ? strrchr(marker, '.') : NULL;
    return dot == NULL || strcmp(dot, ".1") == 0;
}

static void write_outside(void)
{
    const int fd = open("/tmp/panther-broken-writes-outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    dprintf(fd, "%d\n", (int)getpid());
    close(fd);
}

static int initialize(struct panther_service *service, const void *settings)
{
    const struct broken *wanted = settings;
    port = panther_port(service, "tcp", PANTHER_TCP);
    if (FAULT == FAULT_BAD_DEFAULTS && wanted->word[0] == '\0')
        return panther_fail(service, "something must not be empty");
    if (FAULT == FAULT_EARLY_PROCESS)
        own_child = stray();
    if (FAULT == FAULT_WRITES_OUTSIDE)
        write_outside();
    if (FAULT == FAULT_LEAKS_DESCRIPTOR && open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
        return PANTHER_FAILED;
    return port < 0 ? port : 0;
}

// broken_server ADDRESS PORT sound|deaf|unbound|wrong
static int spawn_server(struct panther_service *service)
{
    const char *how = FAULT == FAULT_IGNORES_TERM       ? "deaf"
                      : FAULT == FAULT_BAD_EXIT         ? "wrong"
                      : FAULT == FAULT_LIES_ABOUT_READY ? "unbound"
                                                        : "sound";
    struct panther_arguments argv = {0};
    panther_argument(service, &argv, "%s/broken_server", panther_plugin_folder(service));
    panther_argument(service, &argv, "%s", panther_own_address(service));
    panther_argument(service, &argv, "%d", port);
    panther_argument(service, &argv, "%s", how);
    if (FAULT != FAULT_LIES_ABOUT_READY)
        panther_ready_tcp(service, port);
    return panther_spawn(service, .name = "server", .argv = argv.items, .clean_on_term = true);
}

// A server of its own, which the guard knows nothing of.
static int fork_server(struct panther_service *service)
{
    const int fd = listen_here(panther_own_address(service), port);
    own_child = fork();
    if (own_child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    close(fd); // the child has it
    return 0;
}

static int start(struct panther_service *service)
{
    if (FAULT == FAULT_CRASH_IN_START)
        raise(SIGSEGV);
    if (FAULT == FAULT_ONLY_ONCE && !is_first_generation())
        return panther_fail(service, "it was here before");
    for (int i = 0; FAULT == FAULT_FLOODS_LOG && i < 8000; i++)
        panther_log(service, PANTHER_INFO, "line %d of what nobody wants to read", i);
    if (FAULT == FAULT_LEAKS_CHILD)
        own_child = stray();
    if (FAULT == FAULT_LEAKS_PORT)
        own_socket = listen_here(panther_own_address(service), panther_port(service, "other", PANTHER_TCP));
    const int process = FAULT == FAULT_OWN_FORK ? fork_server(service) : spawn_server(service);
    has_started = process >= 0;
    return process < 0 ? process : 0;
}

static int stop(struct panther_service *service)
{
    (void)service;
    if (FAULT == FAULT_CRASH_IN_STOP && !has_started)
        raise(SIGSEGV);
    if (FAULT == FAULT_OWN_FORK && own_child > 0) {
        kill(own_child, SIGKILL);
        waitpid(own_child, NULL, 0);
    }
    // it is the guard's child now, who reaps it
    for (int i = 0; FAULT == FAULT_EARLY_PROCESS && own_child > 0 && i < 5000 && kill(own_child, SIGKILL) == 0; i++)
        usleep(1000);
    return 0;
}

static int cleanup(struct panther_service *service)
{
    (void)service;
    if (own_socket >= 0)
        close(own_socket);
    return 0;
}

static int get_status(struct panther_service *service, struct panther_status *status)
{
    (void)service;
    if (FAULT == FAULT_SLOW_STATUS)
        usleep(300000);
    snprintf(status->state, sizeof(status->state), "serving");
    return FAULT == FAULT_FAILING_STATUS ? PANTHER_FAILED : 0;
}

// It ends in time, unless it is told to: then never.
static int execute(struct panther_service *service)
{
    panther_pause(service, WORK_MS);
    while (panther_is_cancelled(service))
        pause();
    return 0;
}

static int version(char *text, size_t text_bytes)
{
    snprintf(text, text_bytes, "1.0");
    return 0;
}

static const struct panther_iut iut = {.get_implementation_version = version};

__attribute__((constructor)) static void at_load(void)
{
    char command[4096] = "";
    const int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    const ssize_t bytes = read(fd, command, sizeof(command) - 1);
    close(fd);
    if (FAULT == FAULT_CRASH_AT_LOAD)
        raise(SIGSEGV);
    // as a plugin does whose table depends on where it runs: what it says is not what it checks
    if (FAULT == FAULT_LOOSE_OPTIONS && bytes > 0 && memmem(command, (size_t)bytes, "--fd", 4) != NULL)
        options[0].maximum = 1e9;
}

__attribute__((visibility("default"))) const struct panther_plugin panther_plugin_descriptor = {
    .abi_major = FAULT == FAULT_MAJOR ? PANTHER_ABI_MAJOR + 1 : PANTHER_ABI_MAJOR,
    .abi_minor = FAULT == FAULT_MINOR ? PANTHER_ABI_MINOR + 1 : PANTHER_ABI_MINOR,
    .struct_bytes = sizeof(struct panther_plugin),
    .name = FAULT == FAULT_UNSOUND ? "another_name" : NAME,
    .kind = PANTHER_IUT,
    .version = "1.0",
    .summary = "breaks one clause",
    .protocols = PANTHER_PROTOCOLS({"broken", PANTHER_TEXTS("1"), PANTHER_TEXTS("server")}),
    .options = options,
    .settings_bytes = sizeof(struct broken),
    .programs = FAULT == FAULT_NOT_INSTALLED ? PANTHER_TEXTS("panther-program-that-nobody-has") : NULL,
    .initialize = initialize,
    .start = start,
    .stop = stop,
    .get_status = get_status,
    .cleanup = cleanup,
    .execute = FAULT == FAULT_DEAF_EXECUTE ? execute : NULL,
    .iut = &iut};
