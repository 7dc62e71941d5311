// Shells in the place of an instance: a real pseudo terminal and real pipes; the test plays client, coordinator and agent.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/base/message.h"
#include "common/system/loop.h"
#include "tests/integration/guard/fixture.h"

#define NS_PER_MS UINT64_C(1000000)
#define MUCH_BYTES (600 * 1024) // more than all that holds it on its way in and out
#define TYPED_AT_END "end\n"

struct client {
    struct fixture *fixture;
    Pb__ShellBegin how;
    Pb__ShellTurn turn; // the next one
    struct text printed;
    uint64_t number, taken;
    bool ended;
    int status, signal;
    char refused[128];
};

static void begin(struct client *client, struct fixture *fixture, uint64_t shell, bool is_terminal)
{
    static char terminal[] = "dumb";
    *client = (struct client){.fixture = fixture};
    pb__shell_begin__init(&client->how);
    pb__shell_turn__init(&client->turn);
    client->how.is_terminal = is_terminal;
    client->how.terminal = terminal;
    client->turn.shell = shell;
    client->turn.begin = &client->how;
    client->turn.rows = 24;
    client->turn.columns = 80;
    client->turn.wait_ms = SHELL_WAIT_MAX_MS;
}

static void send_turn(struct client *client)
{
    static char by[] = "ann";
    Pb__ShellCall call = PB__SHELL_CALL__INIT;
    Pb__GuardRequest request = PB__GUARD_REQUEST__INIT;
    call.number = ++client->number;
    call.instance = client->fixture->spec.instance;
    call.generation = client->fixture->spec.generation;
    call.by = by;
    call.turn = &client->turn;
    request.body_case = PB__GUARD_REQUEST__BODY_SHELL;
    request.shell = &call;
    fixture_send(client->fixture, &request);
}

static void take_answer(struct client *client)
{
    struct fixture *fixture = client->fixture;
    uint64_t until_ns = clock_boottime_ns() + LONG_MS * NS_PER_MS;
    while (!fixture->shell || fixture->shell->number != client->number) { // those before are of turns that were overtaken
        assert_true(clock_boottime_ns() < until_ns);
        fixture_pump(fixture, 100);
    }
    const Pb__ShellTurned *turned = fixture->shell->turned;
    assert_int_equal(turned->shell, client->turn.shell);
    assert_true(turned->output_offset <= client->printed.length);
    size_t known = client->printed.length - (size_t)turned->output_offset;
    if (turned->output.len > known)
        text_append_bytes(&client->printed, turned->output.data + known, turned->output.len - known);
    client->taken = turned->input_taken;
    client->ended = turned->ended;
    client->status = turned->status;
    client->signal = turned->signal;
    snprintf(client->refused, sizeof client->refused, "%s", turned->refused);
    message_free(fixture->shell);
    fixture->shell = NULL;
}

static void turn(struct client *client, const char *typed)
{
    client->turn.input.data = (uint8_t *)(uintptr_t)typed;
    client->turn.input.len = strlen(typed);
    send_turn(client);
    take_answer(client);
    client->turn.input_offset = client->taken;
    client->turn.output_offset = client->printed.length;
}

static void turns_until(struct client *client, const char *printed)
{
    uint64_t until_ns = clock_boottime_ns() + LONG_MS * NS_PER_MS;
    while (!strstr(text_string(&client->printed), printed)) {
        if (client->ended || clock_boottime_ns() > until_ns)
            fail_msg("\"%s\" was not printed: %s%s", printed, text_string(&client->printed), client->refused);
        turn(client, "");
    }
}

static void turns_to_end(struct client *client)
{
    while (!client->ended)
        turn(client, "");
}

static void forget(struct client *client)
{
    text_free(&client->printed);
}

static void a_terminal_is_one(void **state)
{
    (void)state;
    struct fixture fixture;
    struct client client;
    fixture_prepare(&fixture);
    fixture_rule(&fixture, 1, false, "size is", "");
    fixture_begin(&fixture);
    begin(&client, &fixture, 7, true);
    turn(&client, "");
    turn(&client, "stty -echo; PS1=; echo size is `stty size` in `pwd -P`; test -t 0 -a -t 2 && echo on `tty`\r");
    turns_until(&client, "size is 24 80 in /");
    turns_until(&client, "on /dev/pts/");
    client.turn.columns = 132;
    turn(&client, "echo then `stty size`, $TERM\r");
    turns_until(&client, "then 24 132, dumb");
    // An answer that was lost: the same turn again types nothing twice, and its output comes again.
    client.turn.wait_ms = 50;
    client.turn.input_offset -= strlen("echo then `stty size`, $TERM\r");
    turn(&client, "echo then `stty size`, $TERM\r");
    client.turn.wait_ms = SHELL_WAIT_MAX_MS;
    turn(&client, "exit 3\r");
    turns_to_end(&client);
    assert_int_equal(client.status, 3);
    const char *first = strstr(text_string(&client.printed), "then 24 132");
    assert_null(strstr(first + 1, "then 24 132"));
    const Pb__StreamEnd *end = fixture_await_stream(&fixture, "shell.1.output");
    assert_int_equal(end->length_bytes, client.printed.length);
    assert_int_equal(fixture_count(&fixture, PB__EVENT__BODY_OUTPUT_MATCH), 0); // it is not what the service says
    client.turn.close = true;
    turn(&client, "");
    turn(&client, "");
    assert_string_equal(client.refused, "this shell is over"); // also for one that comes late with how to begin
    forget(&client);
    fixture_end(&fixture);
}

// More than pipes and buffers hold, in pieces that find no room at times: all of it, once, in order.
static void a_pipeline_loses_nothing(void **state)
{
    (void)state;
    static char cat[] = "cat", *argv[] = {cat};
    struct fixture fixture;
    struct client client;
    struct text much = {0};
    while (much.length < MUCH_BYTES)
        text_printf(&much, "%zu\n", much.length);
    text_append(&much, TYPED_AT_END);
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    begin(&client, &fixture, 8, false);
    client.how.n_argv = 1;
    client.how.argv = argv;
    turn(&client, "");
    // Nothing is acknowledged until no more finds room.
    bool is_stuck = false;
    client.turn.wait_ms = 100;
    while (!client.ended) {
        size_t left = much.length - (size_t)client.taken, bytes = left < SHELL_PIECE_MAX_BYTES ? left : SHELL_PIECE_MAX_BYTES;
        uint64_t before = client.taken;
        client.turn.input_offset = client.taken;
        client.turn.input.data = (uint8_t *)much.data + client.taken;
        client.turn.input.len = bytes;
        client.turn.input_ends = bytes == left;
        client.turn.output_offset = is_stuck ? client.printed.length : 0;
        send_turn(&client);
        take_answer(&client);
        is_stuck |= client.taken == before;
    }
    assert_true(is_stuck);
    assert_int_equal(client.status, 0);
    assert_int_equal(client.printed.length, much.length);
    assert_memory_equal(client.printed.data, much.data, much.length);
    assert_int_equal(fixture_await_stream(&fixture, "shell.1.output")->length_bytes, much.length);
    assert_int_equal(fixture_await_stream(&fixture, "shell.1.input")->length_bytes, much.length);
    text_free(&much);
    forget(&client);
    fixture_end(&fixture);
}

static void what_cannot_be_had_is_refused(void **state)
{
    (void)state;
    static char none[] = "/no/program", *argv[] = {none};
    struct fixture fixture;
    struct client clients[6];
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    begin(&clients[0], &fixture, 9, false);
    clients[0].how.n_argv = 1;
    clients[0].how.argv = argv;
    turn(&clients[0], "");
    assert_non_null(strstr(clients[0].refused, "cannot run /no/program"));
    clients[0].turn.close = true;
    turn(&clients[0], "");
    for (uint64_t i = 1; i < 6; i++) {
        begin(&clients[i], &fixture, 10 + i, false);
        clients[i].number = 100 * i;
        turn(&clients[i], "");
    }
    assert_string_equal(clients[4].refused, "");
    assert_string_equal(clients[5].refused, "4 shells are open in this service already");
    clients[1].turn.close = true;
    turn(&clients[1], "");
    while (!strstr(clients[5].refused, "over") && *clients[5].refused) { // there is room once it has ended
        clients[5].number++;
        turn(&clients[5], "");
    }
    assert_string_equal(clients[5].refused, "");
    for (size_t i = 0; i < 6; i++)
        forget(&clients[i]);
    fixture_end(&fixture);
}

// What crashed is what somebody wants to look at.
static void the_death_of_the_host_leaves_them(void **state)
{
    (void)state;
    struct fixture fixture;
    struct client client, late;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    begin(&client, &fixture, 30, false);
    turn(&client, "");
    fixture_case(&fixture, "crash", 1000);
    fixture_await(&fixture, PB__EVENT__BODY_HOST_DIED);
    turn(&client, "echo still here\n");
    turns_until(&client, "still here");
    begin(&late, &fixture, 31, false);
    late.number = 1000;
    turn(&late, "");
    turn(&late, "echo me too\n");
    turns_until(&late, "me too");
    forget(&client);
    forget(&late);
    fixture_end(&fixture);
}

// What the shell prints must be what the program printed.
static void sees_what_the_program_sees(struct fixture *fixture, const char *look, char *seen, size_t bytes)
{
    static uint64_t number = 40;
    struct client client;
    size_t read_bytes;
    uint64_t until_ns = clock_boottime_ns() + LONG_MS * NS_PER_MS;
    for (*seen = '\0'; !strchr(seen, '\n'); fixture_pump(fixture, 10)) {
        CLEANUP_FREE char *printed = fixture_read(fixture, "streams/server.stdout", &read_bytes);
        snprintf(seen, bytes, "%s", printed ? printed : "");
        assert_true(clock_boottime_ns() < until_ns);
    }
    begin(&client, fixture, ++number, false);
    client.number = 1000 * number;
    turn(&client, "");
    CLEANUP_FREE char *line = memory_printf("%s\n", look);
    turn(&client, line);
    turns_until(&client, seen);
    client.turn.close = true;
    turn(&client, "");
    forget(&client);
}

// Its hours; the seconds go on.
#define HOURS "cut -d. -f1 /proc/uptime | sed 's/....$//'"

static void it_has_the_clock_of_the_program(void **state)
{
    (void)state;
#ifdef PANTHER_THREAD_SANITIZER
    print_message("skipped: only a process of one thread enters a time namespace, and the thread sanitizer has one of its own\n");
    skip();
#endif
    struct fixture fixture;
    char seen[256];
    fixture_prepare(&fixture);
    fixture_set(&fixture, "server", HOURS "; readlink /proc/self/ns/time; exec sleep 1000");
    fixture_begin(&fixture);
    uint32_t fault = fixture_fault(&fixture, "off", "clock", 0, "offset", "+20000000s");
    assert_int_equal(fixture_await_result(&fixture, fault)->command_done->status, PB__COMMAND_STATUS__COMMAND_STATUS_OK);
    fixture_do(&fixture, "spawn server");
    sees_what_the_program_sees(&fixture, HOURS "; readlink /proc/self/ns/time", seen, sizeof seen);
    assert_true(strtol(seen, NULL, 10) >= 2000);
    fixture_end(&fixture);
}

static void it_has_the_files_of_the_program(void **state)
{
    (void)state;
    static char type[] = "sandbox";
    Pb__ExecutionEnvironment sandbox = PB__EXECUTION_ENVIRONMENT__INIT, *all[] = {&sandbox};
    struct fixture fixture;
    char seen[256];
    sandbox.type = type;
    fixture_prepare(&fixture);
    fixture.initialize.n_environments = 1;
    fixture.initialize.environments = all;
    fixture_set(&fixture, "server", "echo inside > /tmp/panther-shell-test; readlink /proc/self/ns/mnt; exec sleep 1000");
    fixture_begin(&fixture);
    fixture_do(&fixture, "spawn server");
    sees_what_the_program_sees(&fixture, "readlink /proc/self/ns/mnt", seen, sizeof seen);
    sees_what_the_program_sees(&fixture, "test \"`cat /tmp/panther-shell-test`\" = inside && readlink /proc/self/ns/mnt", seen,
                               sizeof seen);
    assert_int_not_equal(access("/tmp/panther-shell-test", F_OK), 0);
    fixture_end(&fixture);
}

// They end with it, also one that does not want to and what it left in the background.
static void a_stop_ends_them(void **state)
{
    (void)state;
    struct fixture fixture;
    struct client client;
    fixture_prepare(&fixture);
    fixture_begin(&fixture);
    begin(&client, &fixture, 20, true);
    turn(&client, "");
    turn(&client, "trap '' HUP; setsid sleep 1000 & echo went  to bed; sleep 1000\r");
    turns_until(&client, "went to bed");
    assert_true(fixture_living(&fixture) >= 3);
    send_turn(&client); // waits
    uint32_t stop = fixture_stop(&fixture, false);
    assert_int_equal(fixture_await_result(&fixture, stop)->command_done->status, PB__COMMAND_STATUS__COMMAND_STATUS_OK);
    take_answer(&client);
    turns_to_end(&client);
    assert_int_equal(client.signal, SIGKILL);
    forget(&client);
    begin(&client, &fixture, 21, false);
    client.number = 1000;
    turn(&client, "");
    assert_string_equal(client.refused, "the instance is stopped");
    forget(&client);
    fixture_cleanup(&fixture);
    fixture_await_end(&fixture, PB__END_CAUSE__END_CAUSE_CLEANED);
    fixture_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_terminal_is_one),
                                       cmocka_unit_test(a_pipeline_loses_nothing),
                                       cmocka_unit_test(what_cannot_be_had_is_refused),
                                       cmocka_unit_test(the_death_of_the_host_leaves_them),
                                       cmocka_unit_test(a_stop_ends_them),
                                       cmocka_unit_test(it_has_the_clock_of_the_program),
                                       cmocka_unit_test(it_has_the_files_of_the_program)};
    return cmocka_run_group_tests_name("guard_shell", tests, NULL, NULL);
}
