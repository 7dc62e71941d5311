// Traps of real programs, each by its name: first that the trap is really there (else this file is to be thrown away), then that an
// instance under the real guard and host does not fall into it. tests/README.md has the table of all of them.
#include <panther/test.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 20000 // far more than any of it takes

static char folder[] = "/tmp/panther-traps-XXXXXX";

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static bool is_bound(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

static uint16_t nobodys_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

// A declared plugin made here: one web server, started through a wrapper.
static const char *plugin_with(const char *name, const char *argv)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/%s/service.yaml", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file,
            "panther_service: 1\nname: %s\nkind: iut\nversion: \"1.0\"\nsummary: a server behind a wrapper\n"
            "protocols:\n  - {name: http, versions: [\"1.1\"], roles: [server]}\nports:\n  http: {transport: tcp}\n"
            "phases:\n  run:\n    name: wrapper\n    argv: %s\nready:\n  - {tcp: http}\n",
            name, argv);
    assert_int_equal(fclose(file), 0);
    return path;
}

static struct panther_test *ready(const char *plugin)
{
    struct panther_test *test = panther_test_new(plugin);
    panther_test_protocol(test, "http", "1.1", "server");
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0) {
        fail_msg("%s", panther_test_problem(test));
    }
    return test;
}

#define SERVER_LINE "python3 -m http.server --bind 127.0.0.1 $PORT"
#define SERVER "python3, -m, http.server, --bind, $(address), $(port.http)"

static void wait_until_bound(int port)
{
    uint64_t deadline = now_ms() + WAIT_MS;
    while (!is_bound(port) && now_ms() < deadline) {
        pause_briefly();
    }
    assert_true(is_bound(port));
}

// Our children, which orphans of ours are as well: this process adopts them.
static void end_children(void)
{
    int pid = 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fscanf(file, "%d", &pid) == 1) {
        kill(pid, SIGKILL);
    }
    fclose(file);
    while (waitpid(-1, NULL, 0) > 0) {
    }
}

// The trap itself, without a guard: the wrapper is dead, its server answers.
static void killed_wrapper_leaves_its_server(const char *command)
{
    char port[16];
    int number = nobodys_port();
    snprintf(port, sizeof port, "%d", number);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t wrapper = fork();
    assert_true(wrapper >= 0);
    if (wrapper == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
        setenv("PORT", port, 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    wait_until_bound(number);
    assert_int_equal(kill(wrapper, SIGKILL), 0);
    assert_int_equal(waitpid(wrapper, NULL, 0), wrapper);
    assert_true(is_bound(number));
    end_children();
    assert_false(is_bound(number));
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

// The same under a guard: the server goes.
static void killed_wrapper_takes_its_server_along(const char *name, const char *argv)
{
    struct panther_test_exit ended;
    struct panther_test *test = ready(plugin_with(name, argv));
    int port = panther_test_port(test, "http");
    assert_true(is_bound(port));
    assert_int_equal(kill(panther_test_pid(test, "wrapper"), SIGKILL), 0);
    assert_true(panther_test_exited(test, "wrapper", WAIT_MS, &ended));
    assert_true(ended.unexpected);
    assert_false(ended.clean);
    panther_test_stop(test);
    assert_false(is_bound(port));
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_killed_shell_leaves_its_server_but_the_instance_does_not(void **state)
{
    (void)state;
    killed_wrapper_leaves_its_server(SERVER_LINE " & wait");
    killed_wrapper_takes_its_server_along("behind_a_shell", "[sh, -c, '\"$@\" & wait', sh, " SERVER "]");
}

static void a_killed_timeout_leaves_its_server_but_the_instance_does_not(void **state)
{
    (void)state;
    killed_wrapper_leaves_its_server("exec timeout 600 " SERVER_LINE);
    killed_wrapper_takes_its_server_along("behind_timeout", "[timeout, \"600\", " SERVER "]");
}

// In a session and process group of its own: a signal to the wrapper's group does not reach it.
static void a_server_in_a_session_of_its_own_ends_with_the_instance(void **state)
{
    (void)state;
    killed_wrapper_leaves_its_server("setsid " SERVER_LINE " & wait");
    killed_wrapper_takes_its_server_along("behind_setsid", "[sh, -c, 'setsid \"$@\" & wait', sh, " SERVER "]");
}

static pid_t pid_in(const char *path)
{
    int pid = 0;
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fscanf(file, "%d", &pid) != 1) {
            pid = 0;
        }
        fclose(file);
    }
    return pid;
}

// An orphan goes to whoever is process 1, which may reap it late or never: till then kill(pid, 0) says that it lives. The guard adopts what
// its instance leaves, so that what ended is gone, and a stop need not wait for process 1.
static void an_ended_orphan_is_no_zombie(void **state)
{
    (void)state;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/orphan.pid", folder);
    char argv[PATH_MAX + 256];
    snprintf(argv, sizeof argv, "[sh, -c, '(sh -c \"echo \\$\\$ >%s; exec sleep 600\" &); exec \"$@\"', sh, " SERVER "]", path);
    struct panther_test *test = ready(plugin_with("with_an_orphan", argv));
    uint64_t deadline = now_ms() + WAIT_MS;
    pid_t orphan = 0;
    while ((orphan = pid_in(path)) == 0 && now_ms() < deadline) {
        pause_briefly();
    }
    assert_true(orphan > 0);
    assert_int_equal(kill(orphan, SIGKILL), 0);
    // ended, and nobody of ours waits for it: only who adopted it can take it out of the table
    while (kill(orphan, 0) == 0 && now_ms() < deadline) {
        pause_briefly();
    }
    assert_int_equal(kill(orphan, 0), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_end(&test), 0);
}

// Each of these ends with status 0 although nobody listens: their status is no evidence. (That our testers do not pass then is clause
// `absent` of the contract, and a test of each of them.)
static void tools_that_end_with_0_when_nobody_is_there(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "gtlsclient -q --exit-on-all-streams-close --handshake-timeout=300ms 127.0.0.1 $PORT https://localhost/",
        "nghttp -n http://127.0.0.1:$PORT/",
        "h2load -n 1 -c 1 http://127.0.0.1:$PORT/",
        "sslscan --no-colour 127.0.0.1:$PORT",
        "coap-client-notls -B 1 -m get coap://127.0.0.1:$PORT/",
        "slowhttptest -c 1 -l 1 -u http://127.0.0.1:$PORT/",
    };
    char port[16], command[512];
    snprintf(port, sizeof port, "%u", nobodys_port());
    setenv("PORT", port, 1);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        snprintf(command, sizeof command, "cd %s && timeout 20 %s >/dev/null 2>&1", folder, commands[i]);
        int status = system(command);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fail_msg("%s: status %d; it says now that it failed: tests/README.md is out of date", commands[i], WEXITSTATUS(status));
        }
    }
    unsetenv("PORT");
}

// ... and wrk when every answer is a 404; its status is 1 when nobody listens.
static void wrk_ends_with_0_when_all_is_missing(void **state)
{
    (void)state;
    char command[256];
    struct panther_test *server = panther_test_new(PANTHER_PLUGINS "/nginx.so");
    panther_test_protocol(server, "http", "1.1", "server");
    panther_test_option(server, "tls", "false");
    assert_int_equal(panther_test_initialize(server), 0);
    assert_int_equal(panther_test_start(server), 0);
    snprintf(command, sizeof command, "wrk -t1 -c1 -d1s http://127.0.0.1:%d/none >/dev/null 2>&1", panther_test_port(server, "http"));
    assert_int_equal(system(command), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

// gtlsserver shares its port with whoever asks: that a second one starts proves nothing, so ports are looked up before they are given.
static void two_servers_share_a_port_and_neither_says_so(void **state)
{
    (void)state;
    char port[16], key[PATH_MAX], certificate[PATH_MAX], command[3 * PATH_MAX];
    snprintf(port, sizeof port, "%u", nobodys_port());
    snprintf(key, sizeof key, "%s/key.pem", folder);
    snprintf(certificate, sizeof certificate, "%s/cert.pem", folder);
    snprintf(
        command, sizeof command,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s -out %s -days 1 -subj /CN=localhost 2>/dev/null",
        key, certificate);
    assert_int_equal(system(command), 0);
    pid_t servers[2];
    for (size_t i = 0; i < 2; i++) {
        servers[i] = fork();
        assert_true(servers[i] >= 0);
        if (servers[i] == 0) {
            int null = open("/dev/null", O_RDWR);
            dup2(null, 1);
            dup2(null, 2);
            execlp("gtlsserver", "gtlsserver", "-q", "127.0.0.1", port, key, certificate, (char *)NULL);
            _exit(127);
        }
    }
    // both have the socket: two lines in the kernel's table
    snprintf(command, sizeof command, "test $(ss -Hlun 'sport = :%s' | wc -l) = 2", port);
    uint64_t deadline = now_ms() + WAIT_MS;
    int status = -1;
    while ((status = system(command)) != 0 && now_ms() < deadline) {
        pause_briefly();
    }
    assert_int_equal(status, 0);
    struct panther_test *third = panther_test_new(PANTHER_PLUGINS "/ngtcp2.so");
    panther_test_protocol(third, "quic", "1", "server");
    panther_test_option(third, "port", port);
    assert_int_not_equal(panther_test_initialize(third), 0);
    assert_non_null(strstr(panther_test_problem(third), port));
    assert_int_equal(panther_test_end(&third), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(waitpid(servers[i], &status, WNOHANG), 0); // it lives
        kill(servers[i], SIGKILL);
        waitpid(servers[i], &status, 0);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[PATH_MAX];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_shell_leaves_its_server_but_the_instance_does_not),
        cmocka_unit_test(a_killed_timeout_leaves_its_server_but_the_instance_does_not),
        cmocka_unit_test(a_server_in_a_session_of_its_own_ends_with_the_instance),
        cmocka_unit_test(an_ended_orphan_is_no_zombie),
        cmocka_unit_test(tools_that_end_with_0_when_nobody_is_there),
        cmocka_unit_test(wrk_ends_with_0_when_all_is_missing),
        cmocka_unit_test(two_servers_share_a_port_and_neither_says_so),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
