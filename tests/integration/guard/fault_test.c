// Faults of the timeline and commands beside the service: begun, timed and taken back by the real guard, on real processes.
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/process.h"
#include "tests/integration/guard/fixture.h"

#define MS_NS 1000000ULL

static void begin(struct fixture *fixture, const char *command, const char *flag)
{
    fixture_prepare(fixture);
    fixture_set(fixture, "server", command);
    if (flag)
        fixture_set(fixture, "server", flag);
    fixture_begin(fixture);
    fixture_do(fixture, "spawn server");
}

static const Pb__Event *find(struct fixture *fixture, Pb__Event__BodyCase kind, uint32_t number)
{
    for (size_t i = 0; i < fixture->event_count; i++) {
        const Pb__Event *event = fixture->events[i];
        if (event->body_case == kind &&
            (kind == PB__EVENT__BODY_FAULT_BEGAN ? event->fault_began->number : event->fault_ended->number) == number)
            return event;
    }
    return NULL;
}

static const Pb__Event *await_ended(struct fixture *fixture, uint32_t number)
{
    const Pb__Event *event;
    uint64_t until_ns = clock_boottime_ns() + LONG_MS * MS_NS;
    while (!(event = find(fixture, PB__EVENT__BODY_FAULT_ENDED, number)) && clock_boottime_ns() < until_ns)
        fixture_pump(fixture, 100);
    assert_non_null(event);
    return event;
}

// What it says it did; its FaultBegan stands before the answer.
static const char *holds(struct fixture *fixture, uint32_t number)
{
    const Pb__Event *event = fixture_await_result(fixture, number);
    if (event->command_done->status != PB__COMMAND_STATUS__COMMAND_STATUS_OK)
        fail_msg("the fault did not begin: %s", event->command_done->text);
    assert_string_equal(event->command_done->phase, "fault");
    const Pb__Event *began = find(fixture, PB__EVENT__BODY_FAULT_BEGAN, number);
    assert_non_null(began);
    assert_true(began->sequence < event->sequence);
    return began->fault_began->text;
}

static const char *is_not_done(struct fixture *fixture, uint32_t number, Pb__CommandStatus status)
{
    const Pb__CommandDone *done = fixture_await_result(fixture, number)->command_done;
    assert_int_equal(done->status, status);
    assert_null(find(fixture, PB__EVENT__BODY_FAULT_BEGAN, number));
    return done->text;
}

static void contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not hold \"%s\"", text, part);
}

// ---- kill and pause

static void who_a_fault_kills_has_not_crashed(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "sleep 1000; true", NULL);
    uint32_t number = fixture_fault(&fixture, "murder", "kill", 0, "", "");
    contains(holds(&fixture, number), "SIGKILL to server (pid ");
    const Pb__ProcessExited *exited = fixture_await_exit(&fixture, 1);
    assert_int_equal(exited->signal, SIGKILL);
    assert_int_equal(exited->expectation, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FAULT);
    const Pb__Event *ended = await_ended(&fixture, number);
    assert_false(ended->fault_ended->failed);
    const Pb__Event *began = find(&fixture, PB__EVENT__BODY_FAULT_BEGAN, number);
    assert_string_equal(began->fault_began->id, "murder");
    const Pb__Event *exit_event = fixture_find(&fixture, PB__EVENT__BODY_PROCESS_EXITED);
    assert_true(began->boottime_ns <= exit_event->boottime_ns);
    // Nothing runs any more.
    contains(is_not_done(&fixture, fixture_fault(&fixture, "again", "kill", 0, "", ""), PB__COMMAND_STATUS__COMMAND_STATUS_FAILED),
             "none of its programs runs");
    contains(is_not_done(&fixture, fixture_fault(&fixture, "odd", "flood", 0, "", ""), PB__COMMAND_STATUS__COMMAND_STATUS_REFUSED),
             "does not know");
    fixture_end(&fixture);
}

static void signal_that_is_survived_is_no_death_by_fault(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "trap 'echo heard' HUP; echo set; while :; do sleep 0.02; done", NULL);
    fixture_do(&fixture, "line 1 set");
    holds(&fixture, fixture_fault(&fixture, "nudge", "kill", 0, "signal", "HUP"));
    fixture_do(&fixture, "line 1 heard");
    contains(is_not_done(&fixture, fixture_fault(&fixture, "odd", "kill", 0, "signal", "LOUD"), PB__COMMAND_STATUS__COMMAND_STATUS_FAILED),
             "no signal \"LOUD\"");
    fixture_stop(&fixture, false);
    fixture_await_exit(&fixture, 1);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    assert_int_equal(fixture_await_exit(&fixture, 1)->expectation, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED);
    fixture_remove(&fixture);
}

static char state_of(pid_t pid)
{
    char state = '?';
    CLEANUP_FREE char *text = process_file(pid, "stat");
    const char *end = text ? strrchr(text, ')') : NULL;
    if (end)
        sscanf(end, ") %c", &state);
    return state;
}

static size_t stopped_ones(const struct fixture *fixture)
{
    struct process_list list = {0};
    size_t count = 0;
    processes_with_environment(fixture->marker, &list);
    for (size_t i = 0; i < list.count; i++)
        count += state_of(list.pids[i]) == 'T';
    process_list_free(&list);
    return count;
}

static void pause_holds_all_of_it_for_its_time(void **state)
{
    (void)state;
    struct fixture fixture;
    // A helper in a session of its own is held as well; the plugin host is not: it works on a case meanwhile.
    begin(&fixture, "setsid -f sh -c 'echo helper; exec sleep 1000'; exec sleep 1000", NULL);
    fixture_do(&fixture, "line 1 helper");
    uint32_t number = fixture_fault(&fixture, "hold", "pause", 400, "", "");
    contains(holds(&fixture, number), "SIGSTOP to server");
    assert_int_equal(stopped_ones(&fixture), 2);
    fixture_do(&fixture, "sleep 1");
    const Pb__Event *ended = await_ended(&fixture, number);
    assert_true(ended->boottime_ns >= find(&fixture, PB__EVENT__BODY_FAULT_BEGAN, number)->boottime_ns + 400 * MS_NS);
    assert_int_equal(stopped_ones(&fixture), 0);
    fixture_end(&fixture);
}

static void stop_takes_a_fault_back(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "trap 'exit 0' TERM; echo set; while :; do sleep 0.02; done", NULL);
    fixture_do(&fixture, "line 1 set");
    uint32_t number = fixture_fault(&fixture, "hold", "pause", 0, "", "");
    holds(&fixture, number);
    uint32_t stop = fixture_stop(&fixture, false);
    const Pb__Event *stopped = fixture_await_result(&fixture, stop);
    const Pb__Event *ended = await_ended(&fixture, number);
    assert_true(ended->sequence < stopped->sequence);
    const Pb__ProcessExited *exited = fixture_await_exit(&fixture, 1);
    assert_int_equal(exited->expectation, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED);
    assert_true(exited->clean); // it got its TERM and had the time for it
    contains(is_not_done(&fixture, fixture_fault(&fixture, "late", "kill", 0, "", ""), PB__COMMAND_STATUS__COMMAND_STATUS_REFUSED),
             "is stopped");
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    fixture_remove(&fixture);
}

static void fault_ends_with_the_lease_and_without_an_agent(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture.spec.lease_expires_ns = clock_boottime_ns() + 1500 * MS_NS;
    fixture_set(&fixture, "server", "exec sleep 1000");
    fixture_begin(&fixture);
    fixture_do(&fixture, "spawn server");
    uint32_t timed = fixture_fault(&fixture, "hold", "pause", 200, "", "");
    uint32_t endless = fixture_fault(&fixture, "hold2", "pause", 0, "", "");
    holds(&fixture, timed);
    holds(&fixture, endless);
    fixture_detach(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_LEASE);
    const Pb__Event *first = find(&fixture, PB__EVENT__BODY_FAULT_ENDED, timed);
    const Pb__Event *second = find(&fixture, PB__EVENT__BODY_FAULT_ENDED, endless);
    assert_true(first && second && first->boottime_ns < second->boottime_ns);
    fixture_remove(&fixture);
}

static void killed_guard_leaves_no_held_process(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "exec sleep 1000", NULL);
    holds(&fixture, fixture_fault(&fixture, "hold", "pause", 0, "", ""));
    holds(&fixture, fixture_fault(&fixture, "press", "memory", 0, "bytes", "1MiB"));
    kill(fixture.guard, SIGKILL);
    fixture_await_guard_exit(&fixture);
    uint64_t until_ns = clock_boottime_ns() + LONG_MS * MS_NS;
    while (fixture_living(&fixture) > 0 && clock_boottime_ns() < until_ns)
        usleep(5000); // the kernel kills them one by one
    fixture_expect_nothing_left(&fixture);
    fixture_remove(&fixture);
}

static void host_that_died_ends_faults(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "exec sleep 1000", NULL);
    uint32_t number = fixture_fault(&fixture, "hold", "pause", 0, "", "");
    holds(&fixture, number);
    fixture_case(&fixture, "killed", 5000);
    await_ended(&fixture, number);
    is_not_done(&fixture, fixture_fault(&fixture, "late", "pause", 0, "", ""), PB__COMMAND_STATUS__COMMAND_STATUS_REFUSED);
    fixture_end(&fixture);
}

// ---- disk, memory, clock

#define WRITER                                                                                                                             \
    "while :; do if dd if=/dev/zero of=f bs=4096 count=1 oflag=append conv=notrunc,fsync >e 2>&1; then echo written; else echo refused; "  \
    "fi; sleep 0.02; done"

static void full_disk_is_an_error_of_write_and_ends(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, WRITER, NULL);
    fixture_do(&fixture, "line 1 written");
    uint32_t number = fixture_fault(&fixture, "full", "disk_full", 0, "", "");
    contains(holds(&fixture, number), "EFBIG");
    fixture_do(&fixture, "line 1 refused");
    uint32_t again = fixture_fault(&fixture, "full", "disk_full", 1, "limit", "1GiB"); // takes the place of the first
    holds(&fixture, again);
    contains(await_ended(&fixture, number)->fault_ended->text, "took its place");
    await_ended(&fixture, again);
    // A program that starts now may write.
    const Pb__Event *run = fixture_await_result(&fixture, fixture_run(&fixture, "echo x >late", 5000));
    assert_int_equal(run->command_done->status, PB__COMMAND_STATUS__COMMAND_STATUS_OK);
    fixture_end(&fixture);
}

// Root is not needed: a user namespace of our own lets us mount. It lasts until this process ends, so this test comes last.
static void disk_of_its_own_is_filled(void **state)
{
    (void)state;
    struct fixture fixture;
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        print_message("skipped: this machine allows no mount namespace\n");
        skip();
    }
    fixture_prepare(&fixture);
    assert_int_equal(mkdir(fixture.spec.work_path, 0700), 0);
    assert_int_equal(mount("panther-test", fixture.spec.work_path, "tmpfs", 0, "size=8m"), 0);
    fixture_set(&fixture, "server", WRITER);
    fixture_begin(&fixture);
    fixture_do(&fixture, "spawn server");
    fixture_do(&fixture, "line 1 written");
    uint32_t number = fixture_fault(&fixture, "full", "disk_full", 300, "", "");
    contains(holds(&fixture, number), "ENOSPC");
    fixture_do(&fixture, "line 1 refused");
    assert_false(await_ended(&fixture, number)->fault_ended->failed);
    const Pb__Event *run = fixture_await_result(&fixture, fixture_run(&fixture, "dd if=/dev/zero of=late bs=1M count=6 2>/dev/null", 5000));
    assert_int_equal(run->command_done->status, PB__COMMAND_STATUS__COMMAND_STATUS_OK);
    fixture_stop(&fixture, false);
    fixture_cleanup(&fixture);
    fixture_await_guard_exit(&fixture);
    assert_int_equal(umount2(fixture.spec.work_path, MNT_DETACH), 0);
    fixture_remove(&fixture);
}

static void memory_is_taken_and_given_back(void **state)
{
    (void)state;
    struct fixture fixture;
    unsigned long rss_kib = 0;
    int pid = 0;
    begin(&fixture, "exec sleep 1000", NULL);
    uint32_t number = fixture_fault(&fixture, "press", "memory", 300, "bytes", "24MiB");
    const char *text = holds(&fixture, number);
    assert_int_equal(sscanf(text, "24.0MiB are taken by process %d", &pid), 1);
    CLEANUP_FREE char *status = process_file(pid, "status");
    assert_non_null(status);
    assert_non_null(strstr(status, "VmRSS:"));
    assert_int_equal(sscanf(strstr(status, "VmRSS:"), "VmRSS: %lu", &rss_kib), 1);
    assert_true(rss_kib >= 24 * 1024);
    assert_false(await_ended(&fixture, number)->fault_ended->failed);
    assert_int_equal(kill(pid, 0), -1);
    contains(is_not_done(&fixture, fixture_fault(&fixture, "press", "memory", 0, "bytes", "900000GiB"),
                         PB__COMMAND_STATUS__COMMAND_STATUS_FAILED),
             "stay for the host");
    contains(
        is_not_done(&fixture, fixture_fault(&fixture, "press", "memory", 0, "limit", "1GiB"), PB__COMMAND_STATUS__COMMAND_STATUS_FAILED),
        "no cgroup");
    // It is taken until the end otherwise, which takes it back.
    number = fixture_fault(&fixture, "press", "memory", 0, "bytes", "1MiB");
    holds(&fixture, number);
    fixture_end(&fixture);
}

static double uptime_of(const char *text)
{
    return strtod(text, NULL);
}

static void clock_is_off_for_what_starts_later(void **state)
{
    (void)state;
#ifdef PANTHER_THREAD_SANITIZER
    print_message(
        "skipped: the thread sanitizer has a thread of its own; only a process of one thread enters a time namespace, setns(2)\n");
    skip();
#endif
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_set(&fixture, "server", "cat /proc/uptime; exec sleep 1000");
    fixture_begin(&fixture);
    contains(is_not_done(&fixture, fixture_fault(&fixture, "off", "clock", 0, "clock", "wall"), PB__COMMAND_STATUS__COMMAND_STATUS_FAILED),
             "no namespace for the wall clock");
    contains(is_not_done(&fixture, fixture_fault(&fixture, "off", "clock", 0, "offset", "soon"), PB__COMMAND_STATUS__COMMAND_STATUS_FAILED),
             "needs an offset");
    holds(&fixture, fixture_fault(&fixture, "off", "clock", 0, "offset", "+10000s"));
    fixture_do(&fixture, "spawn server");
    double seen = 0, ours = (double)clock_boottime_ns() / 1e9;
    uint64_t until_ns = clock_boottime_ns() + LONG_MS * MS_NS;
    while (seen == 0 && clock_boottime_ns() < until_ns) {
        size_t bytes;
        CLEANUP_FREE char *printed = fixture_read(&fixture, "streams/server.stdout", &bytes);
        seen = uptime_of(printed);
        fixture_pump(&fixture, 10);
    }
    assert_true(seen > ours + 9000 && seen < ours + 11000);
    contains(is_not_done(&fixture, fixture_fault(&fixture, "off2", "clock", 0, "offset", "+1s"), PB__COMMAND_STATUS__COMMAND_STATUS_FAILED),
             "keep their clock");
    fixture_end(&fixture);
}

// ---- link: the test is the network

static int listen_as_network(const struct fixture *fixture)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/link.control", fixture->spec.work_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void network_hears(int listening, const char *expected, const char *reply)
{
    char line[1024] = "";
    struct pollfd watched = {.fd = listening, .events = POLLIN};
    assert_int_equal(poll(&watched, 1, LONG_MS), 1);
    int fd = accept(listening, NULL, NULL);
    for (size_t got = 0; !strchr(line, '\n');) {
        ssize_t more = read(fd, line + got, sizeof line - 1 - got);
        assert_true(more > 0);
        got += (size_t)more;
    }
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line, expected);
    assert_int_equal(write(fd, reply, strlen(reply)), strlen(reply));
    close(fd);
}

#define OK_LINE "{\"ok\":true}\n"

static void link_is_asked_through_the_networks_socket(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "exec sleep 1000", NULL);
    contains(is_not_done(&fixture, fixture_fault_links(&fixture, "cut", 0, "down", "yes"), PB__COMMAND_STATUS__COMMAND_STATUS_FAILED),
             "is no network");
    int listening = listen_as_network(&fixture);
    uint32_t cut = fixture_fault_links(&fixture, "cut", 200, "down", "yes");
    network_hears(listening, "{\"fault\":\"cut\",\"links\":[{\"from\":\"client\",\"to\":\"\",\"conditions\":{\"down\":\"yes\"}}]}",
                  OK_LINE);
    holds(&fixture, cut);
    network_hears(listening, "{\"fault\":\"cut\",\"end\":true}", OK_LINE);
    assert_false(await_ended(&fixture, cut)->fault_ended->failed);
    // Conditions of cases follow each other in one layer.
    uint32_t first = fixture_fault_links(&fixture, "case 1", 0, "delay", "20ms");
    network_hears(listening, "{\"fault\":\"case\",\"links\":[{\"from\":\"client\",\"to\":\"\",\"conditions\":{\"delay\":\"20ms\"}}]}",
                  OK_LINE);
    holds(&fixture, first);
    uint32_t second = fixture_fault_links(&fixture, "case 2", 0, "delay", "1s");
    network_hears(listening, "{\"fault\":\"case\",\"links\":[{\"from\":\"client\",\"to\":\"\",\"conditions\":{\"delay\":\"1s\"}}]}",
                  OK_LINE);
    holds(&fixture, second);
    contains(await_ended(&fixture, first)->fault_ended->text, "case 2 took its place");
    uint32_t bad = fixture_fault_links(&fixture, "odd", 0, "colour", "red");
    network_hears(listening, "{\"fault\":\"odd\",\"links\":[{\"from\":\"client\",\"to\":\"\",\"conditions\":{\"colour\":\"red\"}}]}",
                  "{\"error\":\"no condition \\\"colour\\\"\"}\n");
    contains(is_not_done(&fixture, bad, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED), "the network says: no condition \"colour\"");
    uint32_t lost = fixture_fault_links(&fixture, "lost", 0, "down", "yes");
    network_hears(listening, "{\"fault\":\"lost\",\"links\":[{\"from\":\"client\",\"to\":\"\",\"conditions\":{\"down\":\"yes\"}}]}", "");
    contains(is_not_done(&fixture, lost, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED), "hung up");
    close(listening);
    fixture_end(&fixture); // the layer of the case ends with its network: nobody is asked
}

static void network_is_told_what_to_make(void **state)
{
    (void)state;
    struct fixture fixture;
    Pb__Network network;
    Pb__Endpoint endpoint, *endpoints[] = {&endpoint};
    Pb__Peer peer, *peers[] = {&peer};
    static char server[] = "server", client[] = "client", lab[] = "lab", ipv4[] = "ipv4", address[] = "10.0.0.2";
    char *services[] = {server, client};
    size_t bytes;
    fixture_prepare(&fixture);
    pb__network__init(&network);
    pb__endpoint__init(&endpoint);
    pb__peer__init(&peer);
    network.type = lab;
    network.family = ipv4;
    network.no_capture = true;
    endpoint.name = peer.service = client;
    endpoint.address = address;
    endpoint.port = 1;
    endpoint.transport = PB__TRANSPORT__TRANSPORT_UDP;
    peer.n_endpoints = fixture.initialize.n_peers = 1;
    peer.endpoints = endpoints;
    fixture.initialize.peers = peers;
    fixture.initialize.network = &network;
    fixture.initialize.n_network_services = 2;
    fixture.initialize.network_services = services;
    fixture.initialize.seed = UINT64_MAX;
    setenv("PANTHER_CONTROL", "tcp://10.0.0.9:7400", 1);
    fixture_begin(&fixture);
    unsetenv("PANTHER_CONTROL");
    CLEANUP_FREE char *text = fixture_read(&fixture, "work/network.json", &bytes);
    contains(text, "\"services\": [\n    \"server\",\n    \"client\"\n  ]");
    contains(text, "\"service\": \"client\",\n      \"address\": \"10.0.0.2\"");
    contains(text, "\"seed\": \"18446744073709551615\"");
    contains(text, "\"control\": \"tcp://10.0.0.9:7400\"");
    contains(text, "\"capture\": false");
    contains(text, "\"links\": []");
    fixture_end(&fixture);
}

// ---- beside the service

static const Pb__CommandDone *ran(struct fixture *fixture, const char *line, uint32_t timeout_ms, Pb__CommandStatus status)
{
    const Pb__CommandDone *done = fixture_await_result(fixture, fixture_run(fixture, line, timeout_ms))->command_done;
    assert_string_equal(done->phase, "run");
    if (done->status != status)
        fail_msg("%s: status %d, \"%s\"", line, (int)done->status, done->text);
    return done;
}

static void command_runs_beside_a_case_in_folder_and_environment(void **state)
{
    (void)state;
    struct fixture fixture;
    size_t bytes;
    begin(&fixture, "exec sleep 1000", NULL);
    uint32_t case_number = fixture_case(&fixture, "wait-exit", 10000); // the host is busy until the server ends
    ran(&fixture, "pwd; echo $PANTHER_INSTANCE; echo problem >&2; touch made", 5000, PB__COMMAND_STATUS__COMMAND_STATUS_OK);
    fixture_await_stream(&fixture, "run.stderr");
    fixture_await_stream(&fixture, "run.stdout");
    CLEANUP_FREE char *printed = fixture_read(&fixture, "streams/run.stdout", &bytes);
    contains(printed, fixture.spec.work_path);
    contains(printed, strchr(fixture.marker, '=') + 1);
    CLEANUP_FREE char *made = path_join(fixture.spec.work_path, "made");
    assert_true(file_exists(made));
    assert_string_equal(ran(&fixture, "exit 3", 5000, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED)->text, "exit status 3");
    contains(ran(&fixture, "kill -SEGV $$", 5000, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED)->text, "SIGSEGV");
    assert_true(ran(&fixture, "exec sleep 1000", 100, PB__COMMAND_STATUS__COMMAND_STATUS_TIMEOUT)->duration_ns >= 100 * MS_NS);
    // The case did not notice: only the server's end is its business, and events tell of the server alone.
    holds(&fixture, fixture_fault(&fixture, "murder", "kill", 0, "", ""));
    assert_string_equal(fixture_await_result(&fixture, case_number)->case_result->outcome->text, "-1 9 0");
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_PROCESS_STARTED), 1);
    fixture_end(&fixture);
}

static void command_beside_ends_with_the_service_and_is_spared_by_faults(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "exec sleep 1000", NULL);
    uint32_t run = fixture_run(&fixture, "trap '' TERM; echo ready; while :; do sleep 0.05; done", 60000);
    uint64_t until_ns = clock_boottime_ns() + LONG_MS * MS_NS;
    CLEANUP_FREE char *path = path_join(fixture.folder, "streams/run.stdout");
    char *printed = NULL;
    while ((!printed || !*printed) && clock_boottime_ns() < until_ns) {
        free(printed);
        printed = NULL;
        fixture_pump(&fixture, 10);
        file_read(path, 4096, &printed, NULL, NULL);
    }
    assert_string_equal(printed, "ready\n");
    free(printed);
    holds(&fixture, fixture_fault(&fixture, "murder", "kill", 0, "", ""));
    fixture_await_exit(&fixture, 1);
    uint32_t stop = fixture_stop(&fixture, false);
    const Pb__Event *stopped = fixture_await_result(&fixture, stop);
    const Pb__Event *done = fixture_await_result(&fixture, run);
    assert_int_equal(done->command_done->status, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED);
    contains(done->command_done->text, "it ran when the instance is stopped");
    assert_true(done->sequence < stopped->sequence);
    assert_int_equal(fixture_await_result(&fixture, fixture_run(&fixture, "true", 1000))->command_done->status,
                     PB__COMMAND_STATUS__COMMAND_STATUS_REFUSED);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    fixture_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_a_fault_kills_has_not_crashed),
        cmocka_unit_test(signal_that_is_survived_is_no_death_by_fault),
        cmocka_unit_test(pause_holds_all_of_it_for_its_time),
        cmocka_unit_test(stop_takes_a_fault_back),
        cmocka_unit_test(fault_ends_with_the_lease_and_without_an_agent),
        cmocka_unit_test(killed_guard_leaves_no_held_process),
        cmocka_unit_test(host_that_died_ends_faults),
        cmocka_unit_test(full_disk_is_an_error_of_write_and_ends),
        cmocka_unit_test(memory_is_taken_and_given_back),
        cmocka_unit_test(clock_is_off_for_what_starts_later),
        cmocka_unit_test(link_is_asked_through_the_networks_socket),
        cmocka_unit_test(network_is_told_what_to_make),
        cmocka_unit_test(command_runs_beside_a_case_in_folder_and_environment),
        cmocka_unit_test(command_beside_ends_with_the_service_and_is_spared_by_faults),
        cmocka_unit_test(disk_of_its_own_is_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
