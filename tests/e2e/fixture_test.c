// The tests' own eyes: what is left behind must be seen, whatever it does to hide, and must be ended.
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/fixture.h"

static void start_shell(struct lab *lab, const char *command)
{
    struct child *shell = children_start(lab->root, "shell", (const char *const[]){"/bin/sh", "-c", command, NULL});
    LAB_UNTIL(lab, child_has_ended(shell));
}

static bool is_seen(const char *what)
{
    char *left = children_left(NULL);
    bool found = left && strstr(left, what);
    free(left);
    return found;
}

static void left_processes_are_seen(void **state)
{
    struct lab *lab = *state;
    assert_false(is_seen(""));
    start_shell(lab, "setsid sh -c 'sleep 1001 & sleep 1002' </dev/null >/dev/null 2>&1 &"); // a session of its own, its parent gone
    LAB_UNTIL(lab, is_seen("sleep 1001") && is_seen("sleep 1002"));
    children_end();
    assert_false(is_seen(""));
    lab->passed = true;
}

static void a_status_is_what_it_was(void **state)
{
    struct lab *lab = *state;
    struct child *child = children_start(lab->root, "seven", (const char *const[]){"/bin/sh", "-c", "exit 7", NULL});
    assert_int_equal(lab_wait(lab, child), 7);
    child = children_start(lab->root, "killed", (const char *const[]){"/bin/sh", "-c", "kill -9 $$", NULL});
    assert_int_equal(lab_wait(lab, child), STATUS_SIGNAL + 9);
    child = children_start(lab->root, "missing", (const char *const[]){"/no/such/program", NULL});
    assert_int_not_equal(lab_wait(lab, child), 0);
    assert_text_has(lab_read(lab, child->err), "/no/such/program");
    lab->passed = true;
}

static void open_ports_are_seen(void **state)
{
    struct lab *lab = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7F40000Bu | lab->slot << 8)};
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
        assert_true(type == SOCK_DGRAM || listen(fd, 1) == 0);
        assert_true(lab_has_open_port(lab));
        close(fd);
        assert_false(lab_has_open_port(lab));
    }
    lab->passed = true;
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(left_processes_are_seen), LAB_TEST(a_status_is_what_it_was), LAB_TEST(open_ports_are_seen)};
    return cmocka_run_group_tests_name("e2e_fixture", tests, NULL, NULL);
}
