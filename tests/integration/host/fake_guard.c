#include "tests/integration/host/fake_guard.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/message.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/net_tables.h"
#include "common/system/process.h"
#include "common/wire/wire.h"

#define ANSWER_MS 10000
// Other test programs may run at the same time: blocks are taken at random where nothing is bound.
#define PORT_BASE 17000
#define PORT_BLOCKS 150

static char *copy(struct fake_guard *guard, const char *text)
{
    return arena_string(guard->arena, text);
}

static unsigned free_port_block(void)
{
    for (;;) {
        const unsigned first = PORT_BASE + (unsigned)(random_u64() % PORT_BLOCKS) * PORTS_PER_INSTANCE;
        bool is_free = true;
        for (unsigned port = first; port < first + PORTS_PER_INSTANCE && is_free; port++) {
            is_free =
                net_port_is_bound(NET_TCP, NULL, (uint16_t)port, NULL) == 0 && net_port_is_bound(NET_UDP, NULL, (uint16_t)port, NULL) == 0;
        }
        if (is_free) {
            return first;
        }
    }
}

static void start_host(struct fake_guard *guard)
{
    const char *argv[] = {"panther-service", "--fd", "3", NULL};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const struct process_descriptor descriptors[] = {{ends[1], 3}};
    const struct process_start start = {
        .program = PANTHER_BIN "/panther-service", .argv = argv, .descriptors = descriptors, .descriptor_count = 1};
    assert_int_equal(process_spawn(&start, &guard->pid, &guard->pidfd, NULL), 0);
    close(ends[1]);
    guard->fd = ends[0];
}

static Pb__GuardSpec *make_spec(struct fake_guard *guard, const char *plugin_path)
{
    Pb__GuardSpec *spec = ARENA_NEW(guard->arena, Pb__GuardSpec);
    Pb__Initialize *initialize = ARENA_NEW(guard->arena, Pb__Initialize);
    pb__guard_spec__init(spec);
    pb__initialize__init(initialize);
    spec->version = GUARD_PROTOCOL_VERSION;
    spec->instance = 1;
    spec->generation = 1;
    spec->agent = copy(guard, "test");
    spec->plugin_path = copy(guard, plugin_path);
    spec->host_program = copy(guard, PANTHER_BIN "/panther-service");
    spec->address = copy(guard, "127.0.0.1");
    spec->port_first = guard->first_port;
    spec->port_count = PORTS_PER_INSTANCE;
    spec->lease_expires_ns = UINT64_MAX;
    spec->boot_id = copy(guard, "00000000-0000-0000-0000-000000000000");
    spec->stream_limit_bytes = 1 << 20;
    spec->work_path = guard->work;
    spec->state_path = guard->work;
    spec->initialize = initialize;
    initialize->plugin = copy(guard, "plugin");
    initialize->trial_name = copy(guard, "r1/t/1#1");
    initialize->service = copy(guard, "service");
    initialize->role = copy(guard, "server");
    initialize->initialize_ms = initialize->start_ms = initialize->stop_ms = 5000;
    initialize->lease_ms = 30000;
    initialize->settings = ARENA_ARRAY(guard->arena, Pb__Setting *, 32);
    initialize->peers = ARENA_ARRAY(guard->arena, Pb__Peer *, 8);
    initialize->drives = ARENA_ARRAY(guard->arena, Pb__Drive *, 8);
    return spec;
}

static Pb__GuardSpec *spec_to_send; // one fake guard at a time

void fake_guard_begin(struct fake_guard *guard, const char *plugin_path)
{
    *guard = (struct fake_guard){.arena = arena_new(0), .answers_spawn = true, .exit_status = -1};
    guard->first_port = guard->next_port = free_port_block();
    snprintf(guard->folder, sizeof(guard->folder), "/tmp/panther-host-test-XXXXXX");
    assert_non_null(mkdtemp(guard->folder));
    guard->work = arena_printf(guard->arena, "%s/work", guard->folder);
    spec_to_send = make_spec(guard, plugin_path);
    guard->initialize = spec_to_send->initialize;
    start_host(guard);
}

void fake_guard_setting(struct fake_guard *guard, const char *name, const char *value)
{
    Pb__Initialize *initialize = guard->initialize;
    for (size_t i = 0; i < initialize->n_settings; i++) {
        Pb__Setting *known = initialize->settings[i];
        if (strcmp(known->name, name) == 0) {
            known->values[known->n_values++] = copy(guard, value);
            return;
        }
    }
    Pb__Setting *setting = ARENA_NEW(guard->arena, Pb__Setting);
    pb__setting__init(setting);
    setting->name = copy(guard, name);
    setting->values = ARENA_ARRAY(guard->arena, char *, 16);
    setting->values[setting->n_values++] = copy(guard, value);
    initialize->settings[initialize->n_settings++] = setting;
}

void fake_guard_send(struct fake_guard *guard, Pb__HostRequest *request)
{
    size_t bytes = 0;
    uint8_t *data = wire_pack(request, guard->arena, &bytes);
    assert_true(send(guard->fd, data, bytes, MSG_NOSIGNAL) == (ssize_t)bytes);
}

static uint32_t send_command(struct fake_guard *guard, Pb__HostRequest__BodyCase kind, void *body)
{
    Pb__HostRequest request;
    pb__host_request__init(&request);
    request.number = ++guard->number;
    request.body_case = kind;
    request.initialize = body; // one union: every member is a pointer
    fake_guard_send(guard, &request);
    return request.number;
}

uint32_t fake_guard_initialize(struct fake_guard *guard)
{
    Pb__HostInitialize body;
    pb__host_initialize__init(&body);
    body.spec = spec_to_send;
    return send_command(guard, PB__HOST_REQUEST__BODY_INITIALIZE, &body);
}

uint32_t fake_guard_start(struct fake_guard *guard)
{
    Pb__Start body;
    pb__start__init(&body);
    return send_command(guard, PB__HOST_REQUEST__BODY_START, &body);
}

uint32_t fake_guard_case(struct fake_guard *guard, const char *name, uint32_t timeout_ms)
{
    Pb__RunCase body;
    pb__run_case__init(&body);
    body.name = copy(guard, name);
    body.timeout_ms = timeout_ms;
    return send_command(guard, PB__HOST_REQUEST__BODY_RUN_CASE, &body);
}

uint32_t fake_guard_cases(struct fake_guard *guard, const char *const *names, size_t count)
{
    Pb__HostRequest request;
    Pb__HostCases cases;
    pb__host_request__init(&request);
    pb__host_cases__init(&cases);
    request.body_case = PB__HOST_REQUEST__BODY_CASES;
    request.cases = &cases;
    cases.cases = ARENA_ARRAY(guard->arena, Pb__HostCase *, count);
    for (size_t i = 0; i < count; i++) {
        Pb__HostCase *one = cases.cases[cases.n_cases++] = ARENA_NEW(guard->arena, Pb__HostCase);
        pb__host_case__init(one);
        one->number = ++guard->number;
        one->run_case = ARENA_NEW(guard->arena, Pb__RunCase);
        pb__run_case__init(one->run_case);
        one->run_case->name = copy(guard, names[i]);
        one->run_case->timeout_ms = 60000;
    }
    fake_guard_send(guard, &request);
    return guard->number - (uint32_t)count + 1;
}

uint32_t fake_guard_execute(struct fake_guard *guard, uint32_t timeout_ms)
{
    Pb__Execute body;
    pb__execute__init(&body);
    body.timeout_ms = timeout_ms;
    return send_command(guard, PB__HOST_REQUEST__BODY_EXECUTE, &body);
}

uint32_t fake_guard_stop(struct fake_guard *guard, bool cancel)
{
    Pb__Stop body;
    pb__stop__init(&body);
    body.cancel = cancel;
    return send_command(guard, PB__HOST_REQUEST__BODY_STOP, &body);
}

uint32_t fake_guard_cleanup(struct fake_guard *guard)
{
    Pb__Cleanup body;
    pb__cleanup__init(&body);
    return send_command(guard, PB__HOST_REQUEST__BODY_CLEANUP, &body);
}

// ---- what a guard does for its host

static void tell_exit(struct fake_guard *guard, uint32_t process, int32_t status, int32_t signal_number)
{
    Pb__HostRequest request;
    Pb__HostProcessExited exited;
    pb__host_request__init(&request);
    pb__host_process_exited__init(&exited);
    exited.process = process;
    exited.status = status;
    exited.signal = signal_number;
    request.body_case = PB__HOST_REQUEST__BODY_PROCESS_EXITED;
    request.process_exited = &exited;
    fake_guard_send(guard, &request);
}

static void work_on_spawn(struct fake_guard *guard, Pb__SpawnRequest *spawn)
{
    Pb__HostRequest request;
    Pb__SpawnAnswer answer;
    guard->spawned = spawn;
    if (!guard->answers_spawn) {
        return;
    }
    pb__host_request__init(&request);
    pb__spawn_answer__init(&answer);
    answer.token = spawn->token;
    answer.process = ++guard->next_process;
    if (guard->exit_status < 0) {
        const char **argv = ARENA_ARRAY(guard->arena, const char *, spawn->n_argv + 1);
        for (size_t i = 0; i < spawn->n_argv; i++) {
            argv[i] = spawn->argv[i];
        }
        const struct process_start start = {.program = argv[0], .argv = argv, .folder = guard->work};
        pid_t pid = 0;
        assert_int_equal(process_spawn(&start, &pid, NULL, NULL), 0);
        answer.pid = (uint32_t)pid;
        guard->children[answer.process] = pid;
    }
    request.body_case = PB__HOST_REQUEST__BODY_SPAWNED;
    request.spawned = &answer;
    fake_guard_send(guard, &request);
    if (guard->exit_status >= 0) {
        tell_exit(guard, answer.process, guard->exit_status, 0);
    }
}

static void work_on_port(struct fake_guard *guard, const Pb__PortRequest *port)
{
    Pb__HostRequest request;
    Pb__PortAnswer answer;
    pb__host_request__init(&request);
    pb__port_answer__init(&answer);
    answer.token = port->token;
    answer.port = port->wanted != 0 ? port->wanted : guard->next_port++;
    request.body_case = PB__HOST_REQUEST__BODY_PORT;
    request.port = &answer;
    fake_guard_send(guard, &request);
}

static void work_on_signal(struct fake_guard *guard, const Pb__SignalRequest *signal_request)
{
    const pid_t pid = guard->ignores_signals ? 0 : guard->children[signal_request->process];
    int status = 0;
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        guard->children[signal_request->process] = 0;
        tell_exit(guard, signal_request->process, -1, SIGKILL);
    }
}

static void work_on(struct fake_guard *guard, Pb__HostNotice *notice)
{
    switch (notice->body_case) {
    case PB__HOST_NOTICE__BODY_SPAWN:
        work_on_spawn(guard, notice->spawn);
        break;
    case PB__HOST_NOTICE__BODY_PORT:
        work_on_port(guard, notice->port);
        break;
    case PB__HOST_NOTICE__BODY_SIGNAL:
        work_on_signal(guard, notice->signal);
        break;
    case PB__HOST_NOTICE__BODY_WATCH_LINE:
        guard->watch = notice->watch_line->watch;
        break;
    case PB__HOST_NOTICE__BODY_METRIC:
        guard->metric_count++;
        break;
    case PB__HOST_NOTICE__BODY_LOG:
        guard->log_count++;
        break;
    default:
        break;
    }
}

static bool is_answer(const Pb__HostNotice *notice)
{
    return notice->body_case == PB__HOST_NOTICE__BODY_DONE || notice->body_case == PB__HOST_NOTICE__BODY_CASE_RESULT ||
           notice->body_case == PB__HOST_NOTICE__BODY_STATUS;
}

// The next notice; what the host wants from its guard is done. NULL: none within the time, or the host has ended.
static Pb__HostNotice *next_notice(struct fake_guard *guard)
{
    static uint8_t packet[GUARD_PACKET_MAX_BYTES];
    struct panther_error error = {0};
    struct pollfd poll_fd = {.fd = guard->fd, .events = POLLIN};
    if (poll(&poll_fd, 1, ANSWER_MS) <= 0) {
        return NULL;
    }
    const ssize_t bytes = recv(guard->fd, packet, sizeof(packet), 0);
    if (bytes <= 0) {
        return NULL;
    }
    Pb__HostNotice *notice = wire_host_notice(packet, (size_t)bytes, guard->arena, &error);
    if (notice == NULL) {
        fail_msg("the host sent an invalid notice: %s", error.message);
    }
    work_on(guard, notice);
    return notice;
}

static Pb__HostNotice *next_result(struct fake_guard *guard)
{
    if (guard->results == NULL || guard->next_result == guard->results->n_results) {
        return NULL;
    }
    pb__host_notice__init(&guard->single);
    guard->single.body_case = PB__HOST_NOTICE__BODY_CASE_RESULT;
    guard->single.case_result = guard->results->results[guard->next_result++];
    return &guard->single;
}

static Pb__HostNotice *next_single(struct fake_guard *guard)
{
    Pb__HostNotice *notice = next_result(guard);
    if (notice != NULL) {
        return notice;
    }
    notice = next_notice(guard);
    if (notice != NULL && notice->body_case == PB__HOST_NOTICE__BODY_RESULTS) {
        message_free(guard->results);
        guard->packets_of_results++;
        guard->results = MESSAGE_COPY(notice->results, NULL);
        guard->next_result = 0;
        notice = next_result(guard);
    }
    return notice;
}

Pb__HostNotice *fake_guard_answer(struct fake_guard *guard)
{
    for (;;) {
        Pb__HostNotice *notice = next_single(guard);
        if (notice == NULL || is_answer(notice)) {
            return notice;
        }
    }
}

void fake_guard_await_watch(struct fake_guard *guard)
{
    while (guard->watch == 0) {
        assert_non_null(next_notice(guard));
    }
}

Pb__CommandDone *fake_guard_done(struct fake_guard *guard, uint32_t number)
{
    Pb__HostNotice *notice = fake_guard_answer(guard);
    assert_non_null(notice);
    assert_int_equal(notice->body_case, PB__HOST_NOTICE__BODY_DONE);
    assert_int_equal(notice->done->number, number);
    return notice->done;
}

Pb__CaseResult *fake_guard_result(struct fake_guard *guard, uint32_t number)
{
    Pb__HostNotice *notice = fake_guard_answer(guard);
    assert_non_null(notice);
    assert_int_equal(notice->body_case, PB__HOST_NOTICE__BODY_CASE_RESULT);
    assert_int_equal(notice->case_result->number, number);
    return notice->case_result;
}

void fake_guard_up(struct fake_guard *guard)
{
    const Pb__CommandDone *done = fake_guard_done(guard, fake_guard_initialize(guard));
    if (done->status != PB__COMMAND_STATUS__COMMAND_STATUS_OK) {
        fail_msg("initialize: %s", done->text);
    }
    done = fake_guard_done(guard, fake_guard_start(guard));
    if (done->status != PB__COMMAND_STATUS__COMMAND_STATUS_OK) {
        fail_msg("start: %s", done->text);
    }
}

int fake_guard_host_end(struct fake_guard *guard)
{
    struct process_end end = {0};
    struct pollfd poll_fd = {.fd = guard->pidfd, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, ANSWER_MS), 1);
    assert_int_equal(process_reap(guard->pidfd, true, &end), 1);
    close(guard->pidfd);
    guard->pidfd = -1;
    return end.signal != 0 ? -end.signal : end.status;
}

void fake_guard_end(struct fake_guard *guard)
{
    if (guard->fd >= 0) {
        close(guard->fd);
    }
    if (guard->pidfd >= 0) {
        process_signal(guard->pidfd, SIGKILL);
        fake_guard_host_end(guard);
    }
    for (size_t i = 0; i < sizeof(guard->children) / sizeof(guard->children[0]); i++) {
        if (guard->children[i] > 0) {
            kill(guard->children[i], SIGKILL);
            waitpid(guard->children[i], NULL, 0);
        }
    }
    folder_remove(guard->folder, NULL);
    message_free(guard->results);
    arena_free(&guard->arena);
}
