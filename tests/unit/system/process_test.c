// Processes: what they inherit, how their end is learned, who they are, who descends from whom.
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/process.h"

static pid_t start(const char *command, int output_fd, enum process_place place, int *pidfd)
{
    const char *argv[] = {"sh", "-c", command, NULL};
    struct process_descriptor output = {output_fd, STDOUT_FILENO};
    struct process_start how = {
        .program = "sh", .argv = argv, .place = place, .descriptors = &output, .descriptor_count = output_fd >= 0 ? 1 : 0};
    struct panther_error error;
    pid_t pid;
    if (process_spawn(&how, &pid, pidfd, &error) < 0)
        fail_msg("%s", error.message);
    return pid;
}

static char *output_of(const char *command, enum process_place place)
{
    int pipes[2], pidfd;
    struct process_end end;
    struct text text = {0};
    char buffer[4096];
    ssize_t got;
    assert_int_equal(pipe(pipes), 0); // without O_CLOEXEC: must not leak all the same
    start(command, pipes[1], place, &pidfd);
    close(pipes[1]);
    while ((got = read(pipes[0], buffer, sizeof buffer)) > 0)
        text_append_bytes(&text, buffer, (size_t)got);
    close(pipes[0]);
    assert_int_equal(process_reap(pidfd, true, &end), 1);
    close(pidfd);
    return text.data;
}

static struct process_end end_of(const char *command)
{
    int pidfd;
    struct process_end end;
    pid_t pid = start(command, -1, PROCESS_PLACE_GROUP, &pidfd);
    assert_int_equal(process_reap(pidfd, true, &end), 1);
    assert_int_equal(end.pid, pid);
    assert_int_equal(process_reap(pidfd, false, &end), PANTHER_ENOTFOUND);
    close(pidfd);
    return end;
}

static void end_tells_status_signal_and_cost(void **state)
{
    (void)state;
    struct process_end end = end_of("exit 7");
    assert_int_equal(end.status, 7);
    assert_int_equal(end.signal, 0);
    end = end_of("kill -TERM $$");
    assert_int_equal(end.status, -1);
    assert_int_equal(end.signal, SIGTERM);
    end = end_of("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
    assert_true(end.user_us + end.system_us > 0);
    assert_true(end.max_rss_bytes > 100000);
}

static void nothing_is_inherited_but_what_is_named(void **state)
{
    (void)state;
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGTERM);
    sigprocmask(SIG_BLOCK, &some, NULL);
    signal(SIGUSR1, SIG_IGN);
    CLEANUP_FREE char *text = output_of(
        "ls /proc/self/fd | tr '\\n' ' '; grep -E 'Sig(Blk|Ign)' /proc/self/status; readlink /proc/self/fd/0", PROCESS_PLACE_SAME);
    sigprocmask(SIG_UNBLOCK, &some, NULL);
    signal(SIGUSR1, SIG_DFL);
    assert_memory_equal(text, "0 1 2 3 ", 8); // 3 is the folder that ls reads
    assert_non_null(strstr(text, "SigBlk:\t0000000000000000"));
    // 32 and 33 are glibc's own: posix_spawn has them ignored until its child sets up threads.
    assert_int_equal(strtoull(strstr(text, "SigIgn:") + 7, NULL, 16) & ~UINT64_C(0x180000000), 0);
    assert_non_null(strstr(text, "/dev/null"));
}

static void place_is_a_group_or_a_session_of_its_own(void **state)
{
    (void)state;
    int same, group, session, pidfd;
    struct process_end end;
    pid_t pids[3] = {start("exec sleep 100", -1, PROCESS_PLACE_SAME, &same), start("exec sleep 100", -1, PROCESS_PLACE_GROUP, &group),
                     start("exec sleep 100", -1, PROCESS_PLACE_SESSION, &session)};
    assert_int_equal(getpgid(pids[0]), getpgid(0));
    assert_int_equal(getpgid(pids[1]), pids[1]);
    assert_int_equal(getsid(pids[1]), getsid(0));
    assert_int_equal(getsid(pids[2]), pids[2]);
    for (int i = 0; i < 3; i++) {
        pidfd = (int[]){same, group, session}[i];
        assert_int_equal(process_signal(pidfd, SIGKILL), 0);
        assert_int_equal(process_reap(pidfd, true, &end), 1);
        assert_int_equal(process_signal(pidfd, SIGKILL), PANTHER_ENOTFOUND);
        close(pidfd);
    }
}

static void program_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    const char *argv[] = {"no-such-program", NULL};
    struct process_start how = {.program = argv[0], .argv = argv};
    struct panther_error error;
    pid_t pid;
    assert_int_equal(process_spawn(&how, &pid, NULL, &error), PANTHER_ESYSTEM);
    assert_string_equal(error.message, "cannot start no-such-program, because: No such file or directory");
}

static void identity_is_pid_and_start_time(void **state)
{
    (void)state;
    int pidfd;
    uint64_t ticks;
    struct process_end end;
    pid_t pid = start("exec sleep 100", -1, PROCESS_PLACE_GROUP, &pidfd);
    assert_int_equal(process_start_time(pid, &ticks), 0);
    assert_true(process_is_alive(pid, ticks));
    assert_false(process_is_alive(pid, ticks + 1)); // another one that was given the same pid
    process_signal(pidfd, SIGKILL);
    while (process_is_alive(pid, ticks))
        usleep(1000);
    assert_int_equal(process_start_time(pid, &ticks), 0); // a zombie is there, but not alive
    process_reap(pidfd, true, &end);
    assert_int_equal(process_start_time(pid, &ticks), PANTHER_ENOTFOUND);
    close(pidfd);
}

// A name with spaces and parentheses stands in the middle of /proc/PID/stat.
static void odd_name_does_not_confuse(void **state)
{
    (void)state;
    uint64_t before, after;
    assert_int_equal(process_start_time(getpid(), &before), 0);
    prctl(PR_SET_NAME, ") S 1 (x) 2");
    assert_int_equal(process_start_time(getpid(), &after), 0);
    assert_int_equal(before, after);
}

static void descendants_and_markers_are_found(void **state)
{
    (void)state;
    int pidfd;
    struct process_end end;
    struct process_list list = {0};
    char marker[64];
    snprintf(marker, sizeof marker, "PANTHER_TEST_MARKER=%d", (int)getpid());
    CLEANUP_FREE char *command = memory_printf("%s; export PANTHER_TEST_MARKER; sleep 100 & sleep 100 & wait", marker);
    pid_t pid = start(command, -1, PROCESS_PLACE_GROUP, &pidfd);
    for (size_t count = 0; count < 2; usleep(1000)) {
        process_list_free(&list);
        processes_with_environment(marker, &list);
        count = list.count; // the shell exported it after its own start
    }
    process_list_free(&list);
    process_descendants(pid, &list);
    assert_int_equal(list.count, 2);
    process_list_free(&list);
    process_descendants(getpid(), &list);
    assert_int_equal(list.count, 3);
    process_list_free(&list);
    processes_with_environment("PANTHER_TEST_MARKER", &list); // not a whole entry
    assert_int_equal(list.count, 0);
    kill(-pid, SIGKILL);
    process_reap(pidfd, true, &end);
    close(pidfd);
}

// As nginx's workers: no mark is left in the environment, and the guard that led the session is gone.
static void a_session_is_found_without_its_leader(void **state)
{
    (void)state;
    int pidfd;
    struct process_end end;
    struct process_list list = {0};
    uint64_t ticks;
    char folder[] = "/tmp/panther-session-XXXXXX";
    assert_non_null(mkdtemp(folder));
    CLEANUP_FREE char *command = memory_printf("mkdir %s/work; cd %s/work; sleep 100 & cd /; sleep 100 & read x", folder, folder);
    pid_t leader = start(command, -1, PROCESS_PLACE_SESSION, &pidfd);
    assert_int_equal(process_start_time(leader, &ticks), 0);                           // a zombie counts: it is not reaped yet
    assert_int_equal(poll(&(struct pollfd){.fd = pidfd, .events = POLLIN}, 1, -1), 1); // it has ended, after both were started
    processes_of_session(leader, ticks, folder, &list);
    assert_int_equal(list.count, 1); // not the one that works elsewhere
    assert_int_equal(process_reap(pidfd, true, &end), 1);
    close(pidfd);
    process_list_free(&list);
    processes_of_session(leader, ticks, folder, &list);
    assert_int_equal(list.count, 1);
    process_list_free(&list);
    processes_of_session(getsid(0), 1, folder, &list); // its leader, if it lives, started at another time
    assert_int_equal(list.count, 0);
    folder_remove(folder, NULL); // it is still known by the folder that it had
    processes_of_session(leader, ticks, folder, &list);
    assert_int_equal(list.count, 1);
    process_list_free(&list);
    kill(-leader, SIGKILL);
}

static void boot_id_and_own_folder(void **state)
{
    (void)state;
    char boot[BOOT_ID_BYTES];
    boot_id(boot);
    assert_int_equal(strlen(boot), BOOT_ID_BYTES - 1);
    CLEANUP_FREE char *folder = program_folder();
    CLEANUP_FREE char *path = path_join(folder, "system_process_test");
    assert_true(file_exists(path));
}

// Who cannot look has not seen that nobody is there.
static void without_descriptors_nobody_counts_as_gone(void **state)
{
    (void)state;
    struct process_list list = {0};
    struct rlimit limit, none;
    uint64_t ticks;
    assert_int_equal(process_start_time(getpid(), &ticks), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int descendants = process_descendants(getpid(), &list), marked = processes_with_environment("X=1", &list);
    int session = processes_of_session(getpid(), ticks, "/tmp", &list), start_time = process_start_time(getpid(), &ticks);
    bool lives = process_is_alive(getpid(), ticks);
    int pidfd = -1, opened = process_open(getpid(), &pidfd, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    process_list_free(&list);
    assert_int_equal(descendants, PANTHER_ESHORT);
    assert_int_equal(marked, PANTHER_ESHORT);
    assert_int_equal(session, PANTHER_ESHORT);
    assert_int_equal(start_time, PANTHER_ESHORT);
    assert_int_equal(opened, PANTHER_ESHORT);
    assert_true(lives);
    assert_int_equal(process_descendants(getpid(), &list), 0);
    process_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(end_tells_status_signal_and_cost),
        cmocka_unit_test(nothing_is_inherited_but_what_is_named),
        cmocka_unit_test(place_is_a_group_or_a_session_of_its_own),
        cmocka_unit_test(program_that_is_not_there_is_an_error),
        cmocka_unit_test(identity_is_pid_and_start_time),
        cmocka_unit_test(odd_name_does_not_confuse),
        cmocka_unit_test(descendants_and_markers_are_found),
        cmocka_unit_test(a_session_is_found_without_its_leader),
        cmocka_unit_test(without_descriptors_nobody_counts_as_gone),
        cmocka_unit_test(boot_id_and_own_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
