// Who may do what: strangers get nothing, a revoked key is cut off, a viewer changes nothing, garbage changes nothing, a name is one
// host's.
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/bus/call.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/wire/wire.h"
#include "tests/e2e/stranger.h"

static const char one_case[] = "panther: 1\n"
                               "experiment: one\n"
                               "tests:\n"
                               "  - name: t\n"
                               "    protocol: {name: none}\n"
                               "    services:\n"
                               "      tester: {tester: 'null', cases: [noop]}\n";

static struct bus_peer_file keys_of(const char *path)
{
    struct bus_peer_file keys;
    struct panther_error error = {0};
    if (bus_peer_file_read(path, &keys, &error) < 0)
        fail_msg("%s", error.message);
    return keys;
}

static const char *add_key(struct lab *lab, const char *role, const char *name)
{
    const char *path = lab_path(lab, "%s.key", name);
    assert_int_equal(lab_run(lab, "keys", "add", role, name, "--out", path, NULL).status, 0);
    return path;
}

static json_int_t records(struct lab *lab)
{
    return row_number(row_where(lab_rows(lab, "status", NULL), "what", "journal records"), "value");
}

static void stranger_gets_nothing(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    json_int_t records_before = records(lab);
    struct bus_peer_file stranger = keys_of(lab->key);
    bus_key_new(stranger.public_key, stranger.secret_key);
    void *socket = stranger_open(lab, &stranger);
    stranger_send(socket, "hello", 5, false);
    LAB_UNTIL(lab, lab_counter(lab, "handshakes_refused") == 1);
    assert_int_equal(stranger_hears(socket, 0), -1);
    stranger_close(&socket);

    const char *path = lab_path(lab, "stranger.key");
    assert_int_equal(bus_peer_file_write(path, &stranger, NULL), 0);
    struct output output = lab_run(lab, "runs", "--key", path, NULL);
    assert_int_equal(output.status, 4);
    assert_string_equal(output.out, "");
    assert_true(*output.err);
    LAB_UNTIL(lab, lab_counter(lab, "handshakes_refused") >= 2);
    assert_int_equal(records(lab), records_before);
    lab_leaves_nothing(lab);
}

static int ask_status(struct bus_call *call, struct arena *arena, Pb__Reply **reply)
{
    Pb__Request request = PB__REQUEST__INIT;
    Pb__GetStatus get = PB__GET_STATUS__INIT;
    request.body_case = PB__REQUEST__BODY_GET_STATUS;
    request.get_status = &get;
    *reply = NULL;
    return bus_call(call, &request, arena, reply, NULL);
}

static void revoked_client_is_cut_off(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    struct bus_peer_file ann = keys_of(add_key(lab, "operator", "ann"));
    struct arena *arena = arena_new(0);
    struct bus_call *call;
    Pb__Reply *reply;
    assert_int_equal(bus_call_open(&call, &ann, 3000, NULL), 0);
    assert_int_equal(ask_status(call, arena, &reply), 0);
    assert_int_equal(reply->body_case, PB__REPLY__BODY_STATUS);
    assert_int_equal(lab_run(lab, "keys", "revoke", "ann", NULL).status, 0);
    assert_true(ask_status(call, arena, &reply) < 0 || reply->body_case == PB__REPLY__BODY_REFUSED); // on the connection that it has
    bus_call_close(&call);
    arena_free(&arena);
    assert_int_not_equal(lab_run(lab, "runs", "--key", lab_path(lab, "ann.key"), NULL).status, 0); // and on a new one
    assert_string_equal(row_text(row_where(lab_rows(lab, "keys", "list", NULL), "name", "ann"), "state"), "revoked");
    assert_true(lab_counter(lab, "unknown_keys") + lab_counter(lab, "handshakes_refused") >= 2);
    lab_leaves_nothing(lab);
}

static bool is_connected(struct lab *lab, const char *name)
{
    const json_t *row = row_where(lab_rows(lab, "agents", NULL), "name", name);
    return row && strcmp(row_text(row, "state"), "connected") == 0;
}

static void revoked_agent_is_cut_off(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    struct lab_agent *agent = lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    assert_int_equal(lab_run(lab, "keys", "revoke", "lab-a", NULL).status, 0);
    LAB_UNTIL_MS(lab, 3 * HEARTBEAT_MS, !is_connected(lab, "lab-a"));
    // A message that was on its way is answered with the reason, and the agent then tries again slowly; without one it is just cut off,
    // and is refused at its next handshake.
    LAB_UNTIL(lab, lab_log_has(lab, agent->child, "the coordinator is lost") || lab_log_has(lab, agent->child, "this key was revoked"));
    if (!lab_log_has(lab, agent->child, "this key was revoked"))
        LAB_UNTIL(lab, lab_counter(lab, "handshakes_refused") >= 1);
    assert_false(is_connected(lab, "lab-a"));
    struct child *again = lab_start(lab, "submit", lab_write(lab, "one.yaml", one_case), NULL);
    assert_int_equal(lab_wait(lab, again), 0);
    assert_int_equal(lab_count_events(lab, "r1", "trial_started"), 0); // nothing is given to it
    lab_leaves_nothing(lab);
}

static void viewer_changes_nothing(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    const char *key = add_key(lab, "viewer", "wall"), *path = lab_write(lab, "one.yaml", one_case);
    assert_int_equal(lab_run(lab, "submit", path, "--wait", NULL).status, 0);
    json_int_t records_before = records(lab);
    const char *const refused[][3] = {
        {"submit", path, NULL},
        {"cancel", "r1", NULL},
        {"keys", "list", NULL},
        {"keys", "enroll", "lab-x"},
        {"backup", lab_path(lab, "b"), NULL},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct output output = lab_run(lab, "--key", key, refused[i][0], refused[i][1], refused[i][2], NULL);
        assert_int_equal(output.status, 1);
        assert_text_has(output.err, "needs the role operator");
    }
    assert_int_equal(json_array_size(lab_rows(lab, "results", "r1", "--key", key, NULL)), 1); // it reads
    assert_int_equal(json_array_size(lab_rows(lab, "agents", "--key", key, NULL)), 1);
    assert_int_equal(records(lab), records_before);
    lab_leaves_nothing(lab);
}

// ---- garbage

static void send_garbage(void *socket, unsigned count)
{
    static uint8_t garbage[4096];
    for (unsigned i = 0; i < count; i++) {
        size_t bytes = 1 + random_u64() % sizeof garbage;
        random_bytes(garbage, bytes);
        stranger_send(socket, garbage, bytes, false);
    }
}

static void garbage_changes_nothing(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    json_int_t records_before = records(lab);
    struct bus_peer_file agent = keys_of(add_key(lab, "agent", "lab-g"));
    struct bus_peer_file operator= keys_of(lab->key);

    void *sockets[] = {stranger_open(lab, &agent), stranger_open(lab, &operator)};
    for (size_t i = 0; i < 2; i++) {
        send_garbage(sockets[i], 50);
        stranger_send(sockets[i], "two", 3, true);
        stranger_send(sockets[i], "frames", 6, false);
        stranger_send(sockets[i], "", 0, false);
        assert_true(stranger_hears(sockets[i], LAB_WAIT_MS) > 0); // it is told
    }
    LAB_UNTIL(lab, lab_counter(lab, "malformed") >= 102);

    uint8_t *large = memory_new(ZMQ_FRAME_MAX_BYTES + 1);
    stranger_send(sockets[0], large, CONTROL_FRAME_MAX_BYTES + 1, false);
    LAB_UNTIL(lab, lab_counter(lab, "oversized") == 1);
    stranger_send(sockets[1], large, ZMQ_FRAME_MAX_BYTES + 1, false); // libzmq cuts the connection
    free(large);
    static const char not_zmq[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    json_int_t unheard = lab_counter(lab, "connections_unheard");
    int fd = stranger_tcp(lab);
    assert_int_equal(send(fd, not_zmq, strlen(not_zmq), MSG_NOSIGNAL), (ssize_t)strlen(not_zmq));
    close(fd);
    LAB_UNTIL(lab, lab_counter(lab, "connections_unheard") > unheard);
    for (size_t i = 0; i < 2; i++)
        stranger_close(&sockets[i]);

    assert_int_equal(records(lab), records_before + 1); // the key of lab-g
    assert_true(is_connected(lab, "lab-a"));
    assert_int_equal(lab_wait(lab, lab_submit(lab, one_case)), 0);
    lab_leaves_nothing(lab);
}

// ---- names

static void same_name_from_two_hosts(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    struct lab_agent *first = lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    const char *state_of_twin = lab_path(lab, "twin");
    struct child *twin = children_start(lab->root, "twin",
                                        (const char *const[]){PANTHER_BIN "/panther-agent", "--key", first->key, "--state", state_of_twin,
                                                              "--address", "127.64.0.99", "--plugins", PANTHER_PLUGINS, NULL});
    LAB_UNTIL(lab, lab_log_has(lab, twin, "agent lab-a is already connected from host"));
    const char *host = lab_read(lab, lab_path(lab, "lab-a/host_id")), *other = lab_read(lab, lab_path(lab, "twin/host_id"));
    assert_true(lab_log_has(lab, twin, arena_printf(lab->arena, "%.32s", host)));
    assert_true(lab_log_has(lab, twin, arena_printf(lab->arena, "%.32s", other)));
    assert_true(lab_log_has(lab, twin, first->address));
    assert_true(is_connected(lab, "lab-a"));
    assert_int_equal(lab_wait(lab, lab_submit(lab, one_case)), 0); // the first one works on
    lab_stop(twin, "the twin");
    lab_leaves_nothing(lab);
}

// ---- enrolment

static int enrol(struct lab *lab, const char *token, const char *name, const char **said)
{
    struct child *child = children_start(lab->root, arena_printf(lab->arena, "enrol-%s", name),
                                         (const char *const[]){PANTHER_BIN "/panther-agent", "enroll", token, "--key",
                                                               lab_path(lab, "%s.key", name), "--state", lab_path(lab, "%s", name), NULL});
    int status = lab_wait(lab, child);
    *said = lab_read(lab, child->err);
    return status;
}

static void new_host_enrols_once(void **state)
{
    struct lab *lab = *state;
    const char *said;
    lab_serve(lab);
    struct output output = lab_run(lab, "keys", "enroll", "lab-x", NULL);
    assert_int_equal(output.status, 0);
    assert_int_equal(strncmp(output.out, "panther-agent enroll ", 21), 0); // what the new host types
    const char *token = arena_printf(lab->arena, "%.*s", (int)strcspn(output.out + 21, "\n"), output.out + 21);
    assert_int_equal(enrol(lab, token, "lab-x", &said), 0);
    assert_int_not_equal(enrol(lab, token, "lab-y", &said), 0);
    assert_true(*said);
    assert_false(file_exists(lab_path(lab, "lab-y.key")));
    assert_int_not_equal(enrol(lab, token, "lab-x", &said), 0); // never over the key that it has
    assert_text_has(said, "has a key already");

    lab_agent(lab, "lab-x"); // with the key that it made
    lab_connected(lab, "lab-x");
    assert_int_equal(lab_wait(lab, lab_submit(lab, one_case)), 0);
    output = lab_run(lab, "keys", "enroll", "lab-x", NULL);
    assert_int_equal(output.status, 1);
    assert_text_has(output.err, "lab-x has a key already");
    lab_leaves_nothing(lab);
}

static int begin_bus(void **state)
{
    (void)state;
    bus_begin();
    return 0;
}

static int end_bus(void **state)
{
    (void)state;
    stranger_end();
    bus_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(stranger_gets_nothing),  LAB_TEST(revoked_client_is_cut_off), LAB_TEST(revoked_agent_is_cut_off),
        LAB_TEST(viewer_changes_nothing), LAB_TEST(garbage_changes_nothing),   LAB_TEST(same_name_from_two_hosts),
        LAB_TEST(new_host_enrols_once),
    };
    return cmocka_run_group_tests_name("e2e_security", tests, begin_bus, end_bus);
}
