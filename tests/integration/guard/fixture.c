// See fixture.h.
#include "tests/integration/guard/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/base/message.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/process.h"
#include "common/system/spool.h"
#include "common/wire/wire.h"

static uint64_t now_ms(void)
{
    return clock_boottime_ns() / 1000000;
}

static char *path_in(const struct fixture *fixture, const char *name)
{
    return path_join(fixture->folder, name);
}

// ---- specification

void fixture_prepare(struct fixture *fixture)
{
    static uint64_t instance = 1000;
    *fixture = (struct fixture){.socket = -1, .spool_fd = -1, .guard_pidfd = -1, .folder = "/tmp/panther-guard-test-XXXXXX"};
    assert_non_null(mkdtemp(fixture->folder));
    fixture->arena = arena_new(0);
    instance += (uint64_t)getpid() * 100000;
    Pb__GuardSpec *spec = &fixture->spec;
    Pb__Initialize *initialize = &fixture->initialize;
    pb__guard_spec__init(spec);
    pb__initialize__init(initialize);
    initialize->plugin = arena_string(fixture->arena, "fake");
    initialize->trial_name = arena_string(fixture->arena, "r1/test/1#1");
    initialize->service = arena_string(fixture->arena, "server");
    initialize->settings = fixture->settings;
    initialize->output_rules = fixture->rules;
    initialize->lease_ms = LEASE_MS;
    initialize->initialize_ms = initialize->start_ms = 5000;
    initialize->stop_ms = 500;
    spec->version = GUARD_PROTOCOL_VERSION;
    spec->instance = ++instance;
    spec->generation = 1;
    spec->agent = arena_string(fixture->arena, "lab");
    spec->initialize = initialize;
    spec->plugin_path = arena_string(fixture->arena, "/nowhere/fake.so");
    spec->host_program = arena_string(fixture->arena, PANTHER_FAKE_HOST);
    spec->address = arena_string(fixture->arena, "127.0.0.1");
    // Below the kernel's range for outgoing connections, and apart from other runs of this test.
    spec->port_first = 12000 + (uint32_t)(getpid() % 2000) * 8;
    spec->port_count = 8;
    spec->lease_expires_ns = clock_boottime_ns() + 60ULL * 1000000000;
    spec->boot_id = arena_allocate(fixture->arena, BOOT_ID_BYTES);
    boot_id(spec->boot_id);
    spec->work_path = arena_printf(fixture->arena, "%s/work", fixture->folder);
    snprintf(fixture->marker, sizeof fixture->marker, "PANTHER_INSTANCE=%llu.1", (unsigned long long)spec->instance);
}

void fixture_set(struct fixture *fixture, const char *name, const char *value)
{
    Pb__Setting *setting = NULL;
    for (size_t i = 0; i < fixture->initialize.n_settings; i++)
        if (strcmp(fixture->settings[i]->name, name) == 0)
            setting = fixture->settings[i];
    if (!setting) {
        setting = ARENA_NEW(fixture->arena, Pb__Setting);
        pb__setting__init(setting);
        setting->name = arena_string(fixture->arena, name);
        setting->values = ARENA_ARRAY(fixture->arena, char *, 8);
        fixture->settings[fixture->initialize.n_settings++] = setting;
    }
    setting->values[setting->n_values++] = arena_string(fixture->arena, value);
}

void fixture_rule(struct fixture *fixture, uint32_t id, bool is_regex, const char *pattern, const char *stream)
{
    Pb__OutputRule *rule = ARENA_NEW(fixture->arena, Pb__OutputRule);
    pb__output_rule__init(rule);
    rule->id = id;
    rule->is_regex = is_regex;
    rule->pattern = arena_string(fixture->arena, pattern);
    rule->stream = arena_string(fixture->arena, stream);
    fixture->rules[fixture->initialize.n_output_rules++] = rule;
}

// ---- guard and agent

void fixture_spawn(struct fixture *fixture)
{
    size_t bytes;
    CLEANUP_FREE uint8_t *packed = wire_pack(&fixture->spec, NULL, &bytes);
    CLEANUP_FREE char *path = path_in(fixture, "spec");
    const char *argv[] = {"panther-guard", "--folder", fixture->folder, NULL};
    struct process_start start = {.program = PANTHER_BIN "/panther-guard", .argv = argv, .place = PROCESS_PLACE_SESSION};
    struct panther_error error;
    assert_int_equal(file_write_atomic(path, packed, bytes, 0600, NULL), 0);
    if (process_spawn(&start, &fixture->guard, &fixture->guard_pidfd, &error) < 0)
        fail_msg("%s", error.message);
}

static int try_connect(const struct fixture *fixture)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/guard.sock", fixture->folder);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

void fixture_send(struct fixture *fixture, const Pb__GuardRequest *request)
{
    size_t bytes;
    CLEANUP_FREE uint8_t *packed = wire_pack(request, NULL, &bytes);
    assert_int_equal(send(fixture->socket, packed, bytes, MSG_NOSIGNAL), bytes);
}

void fixture_attach(struct fixture *fixture)
{
    Pb__GuardRequest request;
    Pb__GuardAttach attach;
    uint64_t until_ms = now_ms() + LONG_MS;
    while ((fixture->socket = try_connect(fixture)) < 0 && now_ms() < until_ms)
        usleep(2000); // the probe itself: the guard makes its socket when it listens
    assert_true(fixture->socket >= 0);
    pb__guard_request__init(&request);
    pb__guard_attach__init(&attach);
    attach.version = GUARD_PROTOCOL_VERSION;
    attach.agent = fixture->spec.agent;
    request.body_case = PB__GUARD_REQUEST__BODY_ATTACH;
    request.attach = &attach;
    fixture_send(fixture, &request);
    message_free(fixture->state);
    fixture->state = NULL;
    while (!fixture->state && now_ms() < until_ms)
        fixture_pump(fixture, 100);
    assert_non_null(fixture->state);
}

void fixture_detach(struct fixture *fixture)
{
    close(fixture->socket);
    fixture->socket = -1;
}

void fixture_begin(struct fixture *fixture)
{
    fixture_spawn(fixture);
    fixture_attach(fixture);
    fixture->last_command = 1;
    const Pb__CommandDone *done = fixture_await_result(fixture, 1)->command_done;
    assert_int_equal(done->status, PB__COMMAND_STATUS__COMMAND_STATUS_OK);
}

// ---- commands

static uint32_t send_command(struct fixture *fixture, Pb__Command__BodyCase kind, void *body)
{
    Pb__GuardRequest request;
    Pb__Command command;
    pb__guard_request__init(&request);
    pb__command__init(&command);
    command.instance = fixture->spec.instance;
    command.generation = 1;
    command.number = ++fixture->last_command;
    command.body_case = kind;
    command.start = body; // a union of pointers
    request.body_case = PB__GUARD_REQUEST__BODY_COMMAND;
    request.command = &command;
    fixture_send(fixture, &request);
    return command.number;
}

uint32_t fixture_start(struct fixture *fixture)
{
    Pb__Start start;
    pb__start__init(&start);
    return send_command(fixture, PB__COMMAND__BODY_START, &start);
}

uint32_t fixture_case(struct fixture *fixture, const char *line, uint32_t timeout_ms)
{
    CLEANUP_FREE char *name = memory_string(line);
    Pb__RunCase run;
    pb__run_case__init(&run);
    run.name = name;
    run.timeout_ms = timeout_ms;
    return send_command(fixture, PB__COMMAND__BODY_RUN_CASE, &run);
}

uint32_t fixture_stop(struct fixture *fixture, bool cancel)
{
    Pb__Stop stop;
    pb__stop__init(&stop);
    stop.cancel = cancel;
    return send_command(fixture, PB__COMMAND__BODY_STOP, &stop);
}

static uint32_t send_fault(struct fixture *fixture, const char *id, const char *kind, uint32_t for_ms, Pb__Setting *option,
                           Pb__LinkRule *link)
{
    CLEANUP_FREE char *own_id = memory_string(id), *own_kind = memory_string(kind);
    Pb__Fault fault;
    pb__fault__init(&fault);
    fault.id = own_id;
    fault.kind = own_kind;
    fault.for_ms = for_ms;
    fault.n_options = option != NULL;
    fault.options = &option;
    fault.n_links = link != NULL;
    fault.links = &link;
    return send_command(fixture, PB__COMMAND__BODY_FAULT, &fault);
}

uint32_t fixture_fault(struct fixture *fixture, const char *id, const char *kind, uint32_t for_ms, const char *option, const char *value)
{
    CLEANUP_FREE char *name = memory_string(option), *text = memory_string(value);
    char *values[] = {text};
    Pb__Setting setting;
    pb__setting__init(&setting);
    setting.name = name;
    setting.n_values = 1;
    setting.values = values;
    return send_fault(fixture, id, kind, for_ms, *option ? &setting : NULL, NULL);
}

uint32_t fixture_fault_links(struct fixture *fixture, const char *id, uint32_t for_ms, const char *condition, const char *value)
{
    static char from[] = "client";
    CLEANUP_FREE char *name = memory_string(condition), *text = memory_string(value);
    char *values[] = {text};
    Pb__PlacedSetting setting, *settings[] = {&setting};
    Pb__LinkRule rule;
    pb__placed_setting__init(&setting);
    pb__link_rule__init(&rule);
    setting.name = name;
    setting.n_values = 1;
    setting.values = values;
    rule.from = from;
    rule.n_conditions = 1;
    rule.conditions = settings;
    return send_fault(fixture, id, "link", for_ms, NULL, &rule);
}

uint32_t fixture_run(struct fixture *fixture, const char *line, uint32_t timeout_ms)
{
    static char shell[] = "sh", option[] = "-c";
    CLEANUP_FREE char *text = memory_string(line);
    char *argv[] = {shell, option, text};
    Pb__RunBeside run;
    pb__run_beside__init(&run);
    run.n_argv = 3;
    run.argv = argv;
    run.timeout_ms = timeout_ms;
    return send_command(fixture, PB__COMMAND__BODY_RUN, &run);
}

uint32_t fixture_cleanup(struct fixture *fixture)
{
    Pb__Cleanup cleanup;
    pb__cleanup__init(&cleanup);
    return send_command(fixture, PB__COMMAND__BODY_CLEANUP, &cleanup);
}

void fixture_lease(struct fixture *fixture, uint64_t from_now_ms)
{
    Pb__GuardRequest request;
    Pb__GuardLease lease;
    pb__guard_request__init(&request);
    pb__guard_lease__init(&lease);
    lease.expires_ns = clock_boottime_ns() + from_now_ms * 1000000;
    request.body_case = PB__GUARD_REQUEST__BODY_LEASE;
    request.lease = &lease;
    fixture_send(fixture, &request);
}

void fixture_discard(struct fixture *fixture)
{
    static char why[] = "nobody wants it";
    Pb__GuardRequest request;
    Pb__GuardDiscard discard;
    pb__guard_request__init(&request);
    pb__guard_discard__init(&discard);
    discard.why = why;
    request.body_case = PB__GUARD_REQUEST__BODY_DISCARD;
    request.discard = &discard;
    fixture_send(fixture, &request);
}

const char *fixture_do(struct fixture *fixture, const char *line)
{
    const Pb__Event *event = fixture_await_result(fixture, fixture_case(fixture, line, 10000));
    assert_int_equal(event->body_case, PB__EVENT__BODY_CASE_RESULT);
    assert_int_equal(event->case_result->outcome->verdict, PB__VERDICT__VERDICT_PASS);
    return event->case_result->outcome->text;
}

// ---- events

static void take_shell(struct fixture *fixture, const Pb__ShellAnswer *answer)
{
    message_free(fixture->shell);
    fixture->shell = MESSAGE_COPY(answer, NULL);
}

static void take_notice(struct fixture *fixture)
{
    static char buffer[GUARD_PACKET_MAX_BYTES];
    struct panther_error error;
    struct arena *arena = arena_new(0);
    ssize_t got = recv(fixture->socket, buffer, sizeof buffer, 0);
    if (got <= 0) { // the guard has ended, or another agent came
        fixture_detach(fixture);
        arena_free(&arena);
        return;
    }
    Pb__GuardNotice *notice = wire_guard_notice(buffer, (size_t)got, arena, &error);
    if (!notice)
        fail_msg("a notice of the guard is invalid: %s", error.message);
    if (notice->body_case == PB__GUARD_NOTICE__BODY_STATE)
        fixture->state = MESSAGE_COPY(notice->state, NULL);
    else if (notice->body_case == PB__GUARD_NOTICE__BODY_SPOOL)
        fixture->spool_bytes = notice->spool->bytes;
    else if (notice->body_case == PB__GUARD_NOTICE__BODY_SHELL)
        take_shell(fixture, notice->shell);
    else
        fixture->stream_reports += notice->streams->n_streams;
    arena_free(&arena);
}

static void read_spool(struct fixture *fixture)
{
    const void *data;
    size_t bytes;
    struct panther_error error;
    CLEANUP_FREE char *path = path_in(fixture, "spool");
    if (fixture->spool_fd < 0) {
        fixture->spool_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fixture->spool_fd < 0)
            return;
        fixture->reader = spool_reader_new(fixture->spool_fd, 0);
    }
    // Without an agent's socket: as of a dead guard, up to the torn tail.
    uint64_t limit = fixture->socket >= 0 ? fixture->spool_bytes : UINT64_MAX;
    while (spool_next(fixture->reader, limit, &data, &bytes, &error) == 1) {
        struct arena *arena = arena_new(0);
        const Pb__Event *event = wire_event(data, bytes, arena, &error);
        if (!event)
            fail_msg("an event in the spool is invalid: %s", error.message);
        assert_int_equal(event->sequence, fixture->event_count + 1);
        APPEND(fixture->events, fixture->event_count, fixture->event_capacity) = message_copy(event, NULL);
        arena_free(&arena);
    }
}

void fixture_pump(struct fixture *fixture, int timeout_ms)
{
    struct pollfd watched[2] = {{.fd = fixture->socket, .events = POLLIN}, {.fd = fixture->guard_pidfd, .events = POLLIN}};
    // Without a socket the file has to be looked at.
    if (poll(watched, 2, fixture->socket < 0 && timeout_ms > 20 ? 20 : timeout_ms) > 0 && (watched[0].revents & (POLLIN | POLLHUP)))
        take_notice(fixture);
    read_spool(fixture);
}

static uint32_t number_of(const Pb__Event *event)
{
    if (event->body_case == PB__EVENT__BODY_COMMAND_DONE)
        return event->command_done->number;
    return event->body_case == PB__EVENT__BODY_CASE_RESULT ? event->case_result->number : 0;
}

typedef bool wanted_fn(const Pb__Event *event, const void *context);

static const Pb__Event *await(struct fixture *fixture, size_t from, wanted_fn *wanted, const void *context, const char *what)
{
    uint64_t until_ms = now_ms() + LONG_MS;
    for (size_t next = from;;) {
        if (next < fixture->event_count) // as long as others come, it is only slow
            until_ms = now_ms() + LONG_MS;
        for (; next < fixture->event_count; next++)
            if (wanted(fixture->events[next], context)) {
                fixture->looked_at = next + 1 > fixture->looked_at ? next + 1 : fixture->looked_at;
                return fixture->events[next];
            }
        if (now_ms() > until_ms)
            fail_msg("%s did not come; %zu events came", what, fixture->event_count);
        fixture_pump(fixture, 100);
    }
}

static bool is_kind(const Pb__Event *event, const void *context)
{
    return event->body_case == *(const Pb__Event__BodyCase *)context;
}

const Pb__Event *fixture_await(struct fixture *fixture, Pb__Event__BodyCase kind)
{
    char what[32];
    snprintf(what, sizeof what, "an event of kind %d", (int)kind);
    return await(fixture, fixture->looked_at, is_kind, &kind, what);
}

const Pb__Event *fixture_find(struct fixture *fixture, Pb__Event__BodyCase kind)
{
    fixture_pump(fixture, 0);
    for (size_t i = 0; i < fixture->event_count; i++)
        if (fixture->events[i]->body_case == kind)
            return fixture->events[i];
    return NULL;
}

size_t fixture_count(struct fixture *fixture, Pb__Event__BodyCase kind)
{
    size_t count = 0;
    for (size_t i = 0; i < fixture->event_count; i++)
        count += fixture->events[i]->body_case == kind;
    return count;
}

static bool answers(const Pb__Event *event, const void *context)
{
    return number_of(event) == *(const uint32_t *)context;
}

const Pb__Event *fixture_await_result(struct fixture *fixture, uint32_t number)
{
    char what[32];
    snprintf(what, sizeof what, "the answer to command %u", number);
    return await(fixture, 0, answers, &number, what);
}

static bool ends_stream(const Pb__Event *event, const void *context)
{
    return event->body_case == PB__EVENT__BODY_STREAM_END && strcmp(event->stream_end->stream, context) == 0;
}

const Pb__StreamEnd *fixture_await_stream(struct fixture *fixture, const char *stream)
{
    return await(fixture, 0, ends_stream, stream, stream)->stream_end;
}

static bool is_exit(const Pb__Event *event, const void *context)
{
    return event->body_case == PB__EVENT__BODY_PROCESS_EXITED && event->process_exited->process == *(const uint32_t *)context;
}

const Pb__ProcessExited *fixture_await_exit(struct fixture *fixture, uint32_t process)
{
    return await(fixture, 0, is_exit, &process, "the exit of a process")->process_exited;
}

// ---- end

size_t fixture_living(const struct fixture *fixture)
{
    struct process_list list = {0};
    processes_with_environment(fixture->marker, &list);
    size_t count = list.count;
    process_list_free(&list);
    return count;
}

void fixture_expect_nothing_left(const struct fixture *fixture)
{
    assert_int_equal(fixture_living(fixture), 0);
}

void fixture_await_guard_exit(struct fixture *fixture)
{
    struct process_end end;
    struct pollfd watched = {.fd = fixture->guard_pidfd, .events = POLLIN};
    if (poll(&watched, 1, LONG_MS) != 1)
        fail_msg("the guard did not end");
    assert_int_equal(process_reap(fixture->guard_pidfd, true, &end), 1);
    if (fixture->socket >= 0)
        fixture_detach(fixture);
    fixture_pump(fixture, 0);
}

void fixture_await_end(struct fixture *fixture, Pb__EndCause cause)
{
    fixture_await_guard_exit(fixture);
    assert_true(fixture->event_count > 0);
    const Pb__Event *last = fixture->events[fixture->event_count - 1];
    assert_int_equal(last->body_case, PB__EVENT__BODY_INSTANCE_ENDED);
    assert_int_equal(last->instance_ended->cause, cause);
    assert_int_equal(fixture_count(fixture, PB__EVENT__BODY_INSTANCE_ENDED), 1);
    size_t bytes;
    CLEANUP_FREE char *packed = fixture_read(fixture, "exit", &bytes);
    struct arena *arena = arena_new(0);
    const Pb__GuardExit *said = wire_unpack(&pb__guard_exit__descriptor, packed, bytes, arena);
    assert_non_null(said);
    assert_int_equal(said->cause, cause);
    assert_int_equal(said->spool_bytes, spool_reader_offset(fixture->reader));
    arena_free(&arena);
    CLEANUP_FREE char *work = path_in(fixture, "work");
    assert_false(file_exists(work));
    fixture_expect_nothing_left(fixture);
}

char *fixture_read(const struct fixture *fixture, const char *name, size_t *bytes)
{
    struct panther_error error;
    CLEANUP_FREE char *path = path_in(fixture, name);
    char *data = NULL;
    if (file_read(path, 64 * 1024 * 1024, &data, bytes, &error) < 0)
        fail_msg("%s", error.message);
    return data;
}

void fixture_end(struct fixture *fixture)
{
    fixture_stop(fixture, false);
    fixture_cleanup(fixture);
    fixture_await_end(fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    fixture_remove(fixture);
}

void fixture_remove(struct fixture *fixture)
{
    if (fixture->socket >= 0)
        fixture_detach(fixture);
    if (fixture->spool_fd >= 0)
        close(fixture->spool_fd);
    spool_reader_free(&fixture->reader);
    close(fixture->guard_pidfd);
    for (size_t i = 0; i < fixture->event_count; i++)
        message_free(fixture->events[i]);
    free(fixture->events);
    message_free(fixture->state);
    message_free(fixture->shell);
    arena_free(&fixture->arena);
    assert_int_equal(folder_remove(fixture->folder, NULL), 0);
}
