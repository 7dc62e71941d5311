// The guard of a test: started, spoken with, its spool read, waited for.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/schema/environments.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/process.h"
#include "common/wire/wire.h"
#include "services/sdk/harness/harness.h"

#define NS_PER_MS UINT64_C(1000000)
#define CONNECT_MS 5000
#define CONNECT_PAUSE_MS 2
// The guard says when its spool has grown; this only bounds the wait for a word that got lost with a dying guard.
#define READ_WAIT_MS 50

// $PANTHER_BIN; in the tree the folder of its programs; installed: bin beside the lib that holds this library.
static char *program(struct panther_test *test, const char *name)
{
    const char *folder = getenv("PANTHER_BIN");
#ifdef PANTHER_HARNESS_PROGRAMS
    folder = folder != NULL ? folder : PANTHER_HARNESS_PROGRAMS;
#endif
    Dl_info library;
    if (folder != NULL || dladdr(__extension__(void *) harness_start_guard, &library) == 0) {
        return arena_printf(test->arena, "%s/%s", folder != NULL ? folder : "/usr/bin", name);
    }
    const char *slash = strrchr(library.dli_fname, '/');
    const int length = slash != NULL ? (int)(slash - library.dli_fname) : 0;
    return arena_printf(test->arena, "%.*s/../bin/%s", length, library.dli_fname, name);
}

uint32_t harness_deadline_ms(const struct panther_test *test)
{
    return environments_deadline_ms(test->initialize->environments, test->initialize->n_environments, test->phase_ms);
}

static int write_spec(struct panther_test *test)
{
    struct panther_error error = {0};
    size_t bytes = 0;
    Pb__Initialize *initialize = test->initialize;
    test->spec->lease_expires_ns = test->lease_expires_ns = clock_boottime_ns() + LEASE_OF_TEST_MS * NS_PER_MS;
    initialize->initialize_ms = test->phase_ms;
    initialize->start_ms = initialize->stop_ms = harness_deadline_ms(test);
    test->spec->host_program = program(test, "panther-service");
    const char *invalid = guard_spec_invalid(test->spec);
    if (invalid != NULL) {
        return harness_problem(test, "the test's settings make no valid spec: %s", invalid);
    }
    const uint8_t *data = wire_pack(test->spec, test->arena, &bytes);
    if (folder_make(test->spec->work_path, 0755, &error) < 0 || folder_make(test->spec->state_path, 0755, &error) < 0 ||
        file_write_atomic(arena_printf(test->arena, "%s/spec", test->folder), data, bytes, 0600, &error) < 0) {
        return harness_problem(test, "%s", error.message);
    }
    return 0;
}

static int spawn_guard(struct panther_test *test)
{
    struct panther_error error = {0};
    const char *guard = program(test, "panther-guard");
    const char *argv[] = {"panther-guard", "--folder", test->folder, NULL};
    // not the test's own stderr: a guard that is left would keep its pipe open
    const int log = open(arena_printf(test->arena, "%s/guard.log", test->folder), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const struct process_descriptor descriptors[] = {{log, STDOUT_FILENO}, {log, STDERR_FILENO}};
    const struct process_start start = {
        .program = guard, .argv = argv, .place = PROCESS_PLACE_SESSION, .descriptors = descriptors, .descriptor_count = 2};
    const int result = process_spawn(&start, &test->guard, &test->pidfd, &error);
    close(log);
    if (result < 0) {
        test->pidfd = -1;
        return harness_problem(test, "%s", error.message);
    }
    return 0;
}

static bool has_ended(const struct panther_test *test, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = test->pidfd, .events = POLLIN};
    return test->pidfd < 0 || poll(&poll_fd, 1, timeout_ms) > 0;
}

// By the folder's descriptor, since a socket's path has room for 108 bytes only.
static int try_connect(struct panther_test *test)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int folder = open(test->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/guard.sock", folder);
    const int failed = connect(fd, (const struct sockaddr *)&address, sizeof(address));
    close(folder);
    if (failed < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int send_request(struct panther_test *test, const Pb__GuardRequest *request)
{
    size_t bytes = 0;
    uint8_t *data = wire_pack(request, NULL, &bytes);
    const ssize_t sent = send(test->socket, data, bytes, MSG_NOSIGNAL);
    free(data);
    return sent == (ssize_t)bytes ? 0 : harness_problem(test, "cannot send to the guard: %s", strerror(errno));
}

static int attach(struct panther_test *test)
{
    static char agent[] = "harness";
    Pb__GuardRequest request;
    Pb__GuardAttach body;
    pb__guard_request__init(&request);
    pb__guard_attach__init(&body);
    body.version = GUARD_PROTOCOL_VERSION;
    body.agent = agent;
    request.body_case = PB__GUARD_REQUEST__BODY_ATTACH;
    request.attach = &body;
    return send_request(test, &request);
}

void harness_renew_lease(struct panther_test *test)
{
    Pb__GuardRequest request;
    Pb__GuardLease lease;
    const uint64_t now_ns = clock_boottime_ns();
    if (test->socket < 0 || test->lease_expires_ns > now_ns + LEASE_OF_TEST_MS * NS_PER_MS / 2) {
        return;
    }
    pb__guard_request__init(&request);
    pb__guard_lease__init(&lease);
    lease.expires_ns = test->lease_expires_ns = now_ns + LEASE_OF_TEST_MS * NS_PER_MS;
    request.body_case = PB__GUARD_REQUEST__BODY_LEASE;
    request.lease = &lease;
    send_request(test, &request);
}

static int connect_guard(struct panther_test *test)
{
    const uint64_t end_ns = clock_boottime_ns() + CONNECT_MS * NS_PER_MS;
    while ((test->socket = try_connect(test)) < 0) {
        if (has_ended(test, CONNECT_PAUSE_MS)) {
            return harness_problem(test, "panther-guard ended at once");
        }
        if (clock_boottime_ns() > end_ns) {
            return harness_problem(test, "panther-guard opened no socket within %d ms", CONNECT_MS);
        }
    }
    return attach(test);
}

int harness_start_guard(struct panther_test *test)
{
    if (test->pidfd >= 0) {
        return harness_problem(test, "initialize was called before");
    }
    if (write_spec(test) < 0 || spawn_guard(test) < 0) {
        return -1;
    }
    test->number = 1; // Initialize itself is command 1: the guard takes it from the spec
    return connect_guard(test);
}

int harness_send(struct panther_test *test, Pb__Command *command)
{
    Pb__GuardRequest request;
    if (test->socket < 0) {
        return harness_problem(test, "the instance is not initialized");
    }
    harness_renew_leases();
    pb__guard_request__init(&request);
    command->instance = test->spec->instance;
    command->generation = test->spec->generation;
    command->number = ++test->number;
    request.body_case = PB__GUARD_REQUEST__BODY_COMMAND;
    request.command = command;
    return send_request(test, &request);
}

// ---- the spool

static bool open_spool(struct panther_test *test)
{
    if (test->reader == NULL) {
        test->spool_fd = open(arena_printf(test->arena, "%s/spool", test->folder), O_RDONLY | O_CLOEXEC);
        test->reader = test->spool_fd >= 0 ? spool_reader_new(test->spool_fd, 0) : NULL;
    }
    return test->reader != NULL;
}

static size_t read_spool(struct panther_test *test)
{
    const void *payload = NULL;
    size_t bytes = 0, count = 0;
    if (!open_spool(test)) {
        return 0;
    }
    while (spool_next(test->reader, UINT64_MAX, &payload, &bytes, NULL) == 1) {
        struct panther_error error = {0};
        Pb__Event *event = wire_event(payload, bytes, test->arena, &error);
        if (event == NULL) {
            PANIC("the guard wrote an event that nobody may read: %s", error.message);
        }
        APPEND(test->events, test->event_count, test->event_capacity) = event;
        count++;
    }
    return count;
}

// Notices are only a reason to look at the spool.
static void drop_notices(struct panther_test *test)
{
    static char packet[GUARD_PACKET_MAX_BYTES];
    while (test->socket >= 0) {
        const ssize_t bytes = recv(test->socket, packet, sizeof(packet), MSG_DONTWAIT);
        if (bytes > 0) {
            continue;
        }
        if (bytes == 0 || errno != EAGAIN) {
            close(test->socket);
            test->socket = -1;
        }
        return;
    }
}

bool harness_read(struct panther_test *test)
{
    drop_notices(test);
    harness_renew_leases();
    if (read_spool(test) > 0) {
        return true;
    }
    struct pollfd fds[] = {{.fd = test->socket, .events = POLLIN}, {.fd = test->pidfd, .events = POLLIN}};
    if (has_ended(test, 0)) {
        return read_spool(test) > 0;
    }
    poll(fds, 2, READ_WAIT_MS);
    return true;
}

bool harness_guard_ended(struct panther_test *test, uint64_t timeout_ms)
{
    struct process_end end = {0};
    if (test->pidfd < 0) {
        return true;
    }
    const bool ended = has_ended(test, (int)timeout_ms);
    if (!ended) {
        process_signal(test->pidfd, SIGKILL);
    }
    process_reap(test->pidfd, true, &end);
    read_spool(test);
    close(test->pidfd);
    test->pidfd = -1;
    return ended;
}
