// The agent is killed while its instances run. When it comes back it adopts them; when it stays away they end with their lease.
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/spool.h"
#include "tests/e2e/fixture.h"

#define CASES 24
static const char many_cases[] = "panther: 1\n"
                                 "experiment: adoption\n"
                                 "tests:\n"
                                 "  - name: long\n"
                                 "    protocol: {name: http}\n"
                                 "    services:\n"
                                 "      server: {implementation: nginx, role: server}\n"
                                 "      tester:\n"
                                 "        tester: 'null'\n"
                                 "        drives: {server: server}\n"
                                 "        options: {delay: 250ms, metrics: 1}\n"
                                 "        cases: [n000, n001, n002, n003, n004, n005, n006, n007, n008, n009, n010, n011,\n"
                                 "                n012, n013, n014, n015, n016, n017, n018, n019, n020, n021, n022, n023]\n"
                                 "    assertions:\n"
                                 "      - {service: server, exit: clean}\n";

// The guards' spools of this agent, in records: they grow also while nobody reads them.
static unsigned records_of(const char *path)
{
    const void *payload;
    size_t bytes;
    unsigned count = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    struct spool_reader *reader = spool_reader_new(fd, 0);
    while (spool_next(reader, UINT64_MAX, &payload, &bytes, NULL) == 1)
        count++;
    spool_reader_free(&reader);
    close(fd);
    return count;
}

static unsigned spooled(struct lab *lab, const struct lab_agent *agent)
{
    unsigned records = 0;
    for (unsigned instance = 1; instance <= 2; instance++)
        records += records_of(arena_printf(lab->arena, "%s/instances/%u.1/spool", agent->state, instance));
    return records;
}

static void each_case_has_one_result(struct lab *lab)
{
    json_t *cases = lab_rows(lab, "results", "r1", "--cases", NULL), *row;
    size_t i;
    assert_int_equal(json_array_size(cases), CASES);
    json_array_foreach(cases, i, row)
    {
        assert_string_equal(row_text(row, "case"), arena_printf(lab->arena, "n%03zu", i));
        assert_string_equal(row_text(row, "verdict"), "pass");
    }
    assert_int_equal(lab_count_events(lab, "r1", "case_result"), CASES);
    assert_int_equal(json_array_size(lab_rows(lab, "results", "r1", "--metrics", NULL)), CASES);
    assert_int_equal(lab_count_events(lab, "r1", "process_started"), 1);
}

static void killed_and_started_again(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    struct lab_agent *agent = lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    struct child *submit = lab_submit(lab, many_cases);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") >= 4);
    pid_t server = lab_process(lab, "r1/long/1#1/server", "nginx"), guard = process_parent(server);
    child_kill(agent->child);

    size_t heard = lab_count_events(lab, "r1", "case_result");
    unsigned spooled_before = spooled(lab, agent);
    LAB_UNTIL(lab, spooled(lab, agent) > spooled_before + 3); // some more results
    assert_int_equal(lab_count_events(lab, "r1", "case_result"), heard);
    lab_agent(lab, "lab-a");
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") > heard);
    assert_true(process_lives(server));
    assert_int_equal(process_parent(server), guard);

    lab_stop(agent->child, "the agent"); // as an upgrade does
    lab_agent(lab, "lab-a");
    assert_int_equal(lab_wait(lab, submit), 0);
    assert_false(process_lives(server));
    each_case_has_one_result(lab);
    lab_leaves_nothing(lab);
}

// The run goes on without either of them: both are killed, both come back.
static void killed_with_the_coordinator(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    struct lab_agent *agent = lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    struct child *submit = lab_submit(lab, many_cases);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") >= 4);
    child_kill(agent->child);
    child_kill(lab->coordinator);
    unsigned spooled_before = spooled(lab, agent);
    LAB_UNTIL(lab, spooled(lab, agent) > spooled_before + 3);
    lab_agent(lab, "lab-a");
    lab_serve(lab);
    assert_int_equal(lab_wait(lab, submit), 0);
    each_case_has_one_result(lab);
    lab_leaves_nothing(lab);
}

static bool runs_something(const struct lab_agent *agent)
{
    char *left = children_left(NULL);
    bool found = left && strstr(left, agent->state);
    free(left);
    return found;
}

#define LEASE_MS 3000
static const char short_lease[] = "panther: 1\n"
                                  "experiment: lost\n"
                                  "tests:\n"
                                  "  - name: lost\n"
                                  "    protocol: {name: http}\n"
                                  "    timeouts: {lease: 3s}\n"
                                  "    services: &services\n"
                                  "      server: {implementation: nginx, role: server}\n"
                                  "      tester: {tester: 'null', drives: {server: server}, options: {delay: 2s}, cases: [pass]}\n"
                                  "  - name: again\n"
                                  "    protocol: {name: http}\n"
                                  "    timeouts: {lease: 3s}\n"
                                  "    retry: {reasons: [lost], times: 1}\n"
                                  "    services: *services\n";
// last grant + lease + kill ladder (5 s), and some patience with a busy machine
#define LOST_LIMIT_MS 25000

static void stays_away(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    struct lab_agent *agent = lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    struct child *submit = lab_submit(lab, short_lease);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_started") == 2);
    pid_t server = lab_process(lab, "r1/lost/1#1/server", "nginx"), guard = process_parent(server);
    assert_true(process_lives(server) && process_lives(guard));
    lab_agent(lab, "lab-b");
    child_kill(agent->child);
    uint64_t killed_ms = lab_now_ms();

    assert_true(runs_something(agent));
    LAB_UNTIL(lab, !process_lives(server) && !process_lives(guard));
    LAB_UNTIL_MS(lab, LOST_LIMIT_MS, child_has_ended(submit));
    assert_true(lab_now_ms() - killed_ms > LEASE_MS - 1500); // not before the lease, which a heartbeat of 1 s renews
    assert_true(lab_now_ms() - killed_ms < LOST_LIMIT_MS);
    assert_int_equal(submit->status, 3);
    json_t *lost = lab_cell(lab, "r1/lost/1"), *again = lab_cell(lab, "r1/again/1");
    assert_string_equal(row_text(lost, "verdict"), "error");
    assert_string_equal(row_text(lost, "reason"), "lost");
    assert_text_has(row_text(lost, "text"), "lab-a");
    assert_string_equal(row_text(again, "verdict"), "pass");
    assert_int_equal(row_number(again, "attempts_count"), 2);
    assert_string_equal(row_text(row_where(lab_rows(lab, "agents", NULL), "name", "lab-a"), "state"), "lost");
    assert_false(runs_something(agent));

    lab_agent(lab, "lab-a"); // what its guards reported is told now, and changes no verdict
    lab_connected(lab, "lab-a");
    LAB_UNTIL(lab, lab_event_text(lab, "r1/lost/1#1/server", "instance_ended", "lease"));
    assert_string_equal(row_text(lab_cell(lab, "r1/lost/1"), "verdict"), "error");
    lab_leaves_nothing(lab);
}

// What it has open works on; what it cannot open now is there later: not one byte of what the instances left is lost.
static void runs_out_of_descriptors(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    struct lab_agent *agent = lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    struct child *submit = lab_submit(lab, many_cases);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") >= 4);
    struct rlimit none = {.rlim_cur = 8}, limit; // all taken; with 0, poll() refuses to wait for one descriptor
    assert_int_equal(prlimit(agent->child->pid, RLIMIT_NOFILE, NULL, &limit), 0);
    none.rlim_max = limit.rlim_max;
    assert_int_equal(prlimit(agent->child->pid, RLIMIT_NOFILE, &none, NULL), 0);
    assert_int_equal(file_write_atomic(lab_path(lab, "plugins/late.so"), "no plugin", 9, 0644, NULL), 0); // which nobody can look at now
    assert_int_equal(lab_wait(lab, submit), 0);
    assert_false(lab_log_has(lab, agent->child, "cannot be used"));
    each_case_has_one_result(lab);
    assert_null(lab_event_text(lab, "r1", "content_stored", "nginx.stderr"));
    assert_true(file_exists(lab_path(lab, "%s/instances/1.1/streams/nginx.stderr", agent->state)));
    assert_int_equal(prlimit(agent->child->pid, RLIMIT_NOFILE, &limit, NULL), 0);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "content_stored") >= lab_count_events(lab, "r1", "stream_end"));
    assert_non_null(lab_event_text(lab, "r1", "content_stored", "nginx.stderr"));
    LAB_UNTIL(lab, lab_log_has(lab, agent->child, "late.so cannot be used"));
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(killed_and_started_again), LAB_TEST(killed_with_the_coordinator), LAB_TEST(stays_away),
                                       LAB_TEST(runs_out_of_descriptors)};
    return cmocka_run_group_tests_name("e2e_agent", tests, NULL, NULL);
}
