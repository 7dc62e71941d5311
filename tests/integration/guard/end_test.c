// The end of an instance: lease, discard, a guard that is told to end or killed; agents that come and go; the spool that stays.
#include <fcntl.h>
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
#include <unistd.h>

#include <cmocka.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/base/message.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/process.h"
#include "common/system/spool.h"
#include "tests/integration/guard/fixture.h"

static void begin_with_processes(struct fixture *fixture)
{
    fixture_prepare(fixture);
    fixture_set(fixture, "server", "exec sleep 1000");
    fixture_set(fixture, "deaf", "trap '' TERM HUP INT; echo deaf; while :; do sleep 0.1; done");
    fixture_set(fixture, "daemon", "setsid -f sleep 1000 >/dev/null 2>&1; exec sleep 1000");
    fixture_begin(fixture);
    fixture_do(fixture, "spawn server");
    fixture_do(fixture, "spawn deaf");
    fixture_do(fixture, "line 2 deaf");
    fixture_do(fixture, "spawn daemon");
}

static void lease_end_kills_all(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture.spec.lease_expires_ns = clock_boottime_ns() + 1500000000;
    fixture_set(&fixture, "deaf", "trap '' TERM; setsid -f sleep 1000; while :; do sleep 0.1; done");
    fixture_begin(&fixture);
    fixture_do(&fixture, "spawn deaf");
    fixture_detach(&fixture); // nobody is there, the lease counts on
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_LEASE);
    uint64_t late_ns = clock_boottime_ns() - fixture.spec.lease_expires_ns;
    assert_true(late_ns < KILL_LADDER_MS * 1000000ULL);
    fixture_remove(&fixture);
}

static void lease_is_extended_and_never_shortened(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture.spec.lease_expires_ns = clock_boottime_ns() + 700000000;
    fixture_begin(&fixture);
    fixture_lease(&fixture, 30000);
    fixture_lease(&fixture, 1); // overtaken
    fixture_do(&fixture, "sleep 900");
    assert_null(fixture_find(&fixture, PB__EVENT__BODY_INSTANCE_ENDED));
    fixture_end(&fixture);
}

static void lease_that_is_over_at_the_start_ends_at_once(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture.spec.lease_expires_ns = 1;
    fixture_spawn(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_LEASE);
    const Pb__Event *first = fixture_find(&fixture, PB__EVENT__BODY_COMMAND_DONE); // its plugin was never started
    assert_non_null(first);
    assert_int_equal(first->command_done->status, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED);
    assert_non_null(strstr(first->command_done->text, "lease"));
    fixture_remove(&fixture);
}

static void discard_kills_all(void **state)
{
    (void)state;
    struct fixture fixture;
    begin_with_processes(&fixture);
    fixture_discard(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    assert_string_equal(fixture.events[fixture.event_count - 1]->instance_ended->text, "nobody wants it");
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_PROCESS_EXITED), 3);
    fixture_remove(&fixture);
}

static void discard_in_the_middle_of_a_hanging_case(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    fixture_case(&fixture, "hang", 60000);
    fixture_discard(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    fixture_remove(&fixture);
}

static void guard_that_is_told_to_end_cleans_up(void **state)
{
    (void)state;
    struct fixture fixture;
    begin_with_processes(&fixture);
    kill(fixture.guard, SIGTERM);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_GUARD_LOST);
    fixture_remove(&fixture);
}

static void cleanup_without_stop_ends_processes_first(void **state)
{
    (void)state;
    struct fixture fixture;
    begin_with_processes(&fixture);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_PROCESS_EXITED), 3);
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_STREAM_END), 8); // with host.stderr and plugin.log
    fixture_remove(&fixture);
}

// ---- agents

static void new_agent_sees_the_same_spool(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    for (int i = 0; i < 8; i++)
        fixture_case(&fixture, "sleep 50", 5000);
    uint32_t last = fixture.last_command;
    fixture_detach(&fixture); // killed; the tester goes on reporting
    while (fixture_count(&fixture, PB__EVENT__BODY_CASE_RESULT) < 4)
        fixture_pump(&fixture, 20); // reads the file as of a dead guard
    fixture_attach(&fixture);
    assert_int_equal(fixture.state->last_command, last);
    assert_int_equal(fixture.state->instance, fixture.spec.instance);
    fixture_await_result(&fixture, last);
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_CASE_RESULT), 8);
    fixture_end(&fixture);
}

static void newer_agent_replaces_the_older(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    int older = fixture.socket;
    fixture_attach(&fixture);
    char byte;
    ssize_t got;
    while ((got = recv(older, &byte, 1, 0)) > 0)
        continue;
    assert_true(got <= 0); // cut off
    close(older);
    fixture_do(&fixture, "pass");
    fixture_end(&fixture);
}

static void connection_that_does_not_attach_disturbs_nobody(void **state)
{
    (void)state;
    struct fixture fixture, other;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    other = fixture;
    other.state = NULL;
    int mine = fixture.socket;
    Pb__GuardRequest request;
    Pb__SpoolAcknowledged acknowledged;
    pb__guard_request__init(&request);
    pb__spool_acknowledged__init(&acknowledged);
    request.body_case = PB__GUARD_REQUEST__BODY_ACKNOWLEDGED;
    request.acknowledged = &acknowledged;
    fixture_attach(&other); // replaces
    fixture_send(&other, &request);
    close(mine);
    message_free(other.state);
    fixture.socket = other.socket;
    fixture_do(&fixture, "pass");
    fixture_end(&fixture);
}

static void identity_is_written_for_the_agent(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t ticks;
    char boot[BOOT_ID_BYTES], expected[128];
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    assert_int_equal(process_start_time(fixture.guard, &ticks), 0);
    boot_id(boot);
    snprintf(expected, sizeof expected, "%d\n%llu\n%s\n", (int)fixture.guard, (unsigned long long)ticks, boot);
    CLEANUP_FREE char *text = fixture_read(&fixture, "guard.pid", NULL);
    assert_string_equal(text, expected);
    fixture_end(&fixture);
}

// At most one live generation: a folder is used once.
static void second_guard_in_a_folder_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct process_end end;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    pid_t first = fixture.guard;
    int first_pidfd = fixture.guard_pidfd;
    fixture_spawn(&fixture);
    assert_int_equal(process_reap(fixture.guard_pidfd, true, &end), 1);
    assert_int_equal(end.status, 1);
    close(fixture.guard_pidfd);
    kill(first, SIGKILL);
    process_reap(first_pidfd, true, &end);
    close(first_pidfd);
    fixture_spawn(&fixture); // and not after its death either
    assert_int_equal(process_reap(fixture.guard_pidfd, true, &end), 1);
    assert_int_equal(end.status, 1);
    fixture_remove(&fixture);
}

// ---- spool

static void torn_tail_reads_as_its_end(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    for (int i = 0; i < 5; i++)
        fixture_do(&fixture, "pass");
    kill(fixture.guard, SIGKILL);
    fixture_await_guard_exit(&fixture);
    size_t before = fixture.event_count;
    CLEANUP_FREE char *path = path_join(fixture.folder, "spool");
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "\x40\0\0\0torn", 8), 8); // a header and half a record
    close(fd);
    fixture_pump(&fixture, 0);
    assert_int_equal(fixture.event_count, before);
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_CASE_RESULT), 5);
    for (int i = 0; i < 500 && fixture_living(&fixture) > 0; i++)
        usleep(10000);
    fixture_remove(&fixture);
}

// A disk of its own that is filled up: verdicts wait in memory and are written once there is room.
static void full_disk_loses_no_verdict(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    if (mount("tmpfs", fixture.folder, "tmpfs", 0, "size=2m") < 0) {
        print_message("           skipped: no right to mount a file system of 2 MiB\n");
        folder_remove(fixture.folder, NULL);
        skip();
    }
    mkdir(fixture.spec.work_path, 0755);
    fixture_begin(&fixture);
    fixture_do(&fixture, "pass");
    CLEANUP_FREE char *ballast = path_join(fixture.folder, "ballast");
    static char block[4096];
    int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof block) > 0)
        continue;
    close(fd);
    // Far more than the reserve of the spool takes: notes and metrics are dropped, results are not.
    for (int i = 0; i < 10; i++)
        fixture_case(&fixture, "metrics 6000", 10000);
    uint32_t last = fixture_case(&fixture, "pass", 1000);
    usleep(1500000); // some retries: nothing to probe for, since nothing may be seen
    unlink(ballast);
    fixture_await_result(&fixture, last);
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_CASE_RESULT), 12);
    const Pb__Gap *gap = fixture_await(&fixture, PB__EVENT__BODY_GAP)->gap;
    assert_string_equal(gap->stream, "events");
    assert_non_null(strstr(gap->reason, "the disk was full"));
    assert_true(fixture_count(&fixture, PB__EVENT__BODY_METRIC) < 60000);
    fixture_stop(&fixture, false);
    fixture_cleanup(&fixture);
    fixture_await_guard_exit(&fixture);
    assert_int_equal(fixture.events[fixture.event_count - 1]->body_case, PB__EVENT__BODY_INSTANCE_ENDED);
    close(fixture.spool_fd);
    fixture.spool_fd = -1;
    assert_int_equal(umount(fixture.folder), 0);
    fixture_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lease_end_kills_all),
        cmocka_unit_test(lease_is_extended_and_never_shortened),
        cmocka_unit_test(lease_that_is_over_at_the_start_ends_at_once),
        cmocka_unit_test(discard_kills_all),
        cmocka_unit_test(discard_in_the_middle_of_a_hanging_case),
        cmocka_unit_test(guard_that_is_told_to_end_cleans_up),
        cmocka_unit_test(cleanup_without_stop_ends_processes_first),
        cmocka_unit_test(new_agent_sees_the_same_spool),
        cmocka_unit_test(newer_agent_replaces_the_older),
        cmocka_unit_test(connection_that_does_not_attach_disturbs_nobody),
        cmocka_unit_test(identity_is_written_for_the_agent),
        cmocka_unit_test(second_guard_in_a_folder_is_refused),
        cmocka_unit_test(torn_tail_reads_as_its_end),
        cmocka_unit_test(full_disk_loses_no_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
