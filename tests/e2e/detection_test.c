// When is a silent host suspect, when lost? Never before its time, and soon after it; and a pause of two seconds, of either side, is
// none of both. The silence is a real one: processes are stopped, or packets of the agent's address are dropped in a network of our own.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "tests/e2e/fixture.h"

// The machine may be busy: what is asserted exactly is that nothing comes too early.
#define LATE_MS 15000
#define PAUSE_MS 2000
static_assert(HEARTBEAT_MS < SUSPECT_MS && SUSPECT_MS < LOST_MS && LOST_MS < LEASE_MS, "heartbeat < suspect < lost < lease");
static_assert(PAUSE_MS + HEARTBEAT_MS <= SUSPECT_MS, "a pause of two seconds is no silence of three");

static const char *const one_agent[] = {"lab-a", NULL};

static const char *state_of(struct lab *lab, const char *name)
{
    return row_text(row_where(lab_rows(lab, "agents", NULL), "name", name), "state");
}

// When the state was seen first; until then it was `before`.
static uint64_t until_state(struct lab *lab, const char *name, const char *before, const char *wanted, uint64_t limit_ms)
{
    uint64_t until_ms = lab_now_ms() + limit_ms;
    for (;;) {
        const char *state = state_of(lab, name);
        if (strcmp(state, wanted) == 0)
            return lab_now_ms();
        if (strcmp(state, before) != 0 || lab_now_ms() > until_ms)
            fail_msg("%s is %s, not %s", name, state, wanted);
        lab_pause();
    }
}

// A stopped agent keeps its connection: only its own silence tells.
static void a_silent_agent_is_suspect_at_three_seconds_and_lost_at_ten(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    kill(lab_agent_of(lab, "lab-a")->child->pid, SIGSTOP);
    uint64_t silent_ms = lab_now_ms(); // its last word was up to a heartbeat ago
    uint64_t suspect_ms = until_state(lab, "lab-a", "connected", "suspect", SUSPECT_MS + LATE_MS);
    uint64_t lost_ms = until_state(lab, "lab-a", "suspect", "lost", LOST_MS + LATE_MS);
    fprintf(stderr, "suspect after %d ms, lost after %d ms\n", (int)(suspect_ms - silent_ms), (int)(lost_ms - silent_ms));
    assert_true(suspect_ms >= silent_ms + SUSPECT_MS - HEARTBEAT_MS);
    assert_true(lost_ms >= silent_ms + LOST_MS - HEARTBEAT_MS);
    kill(lab_agent_of(lab, "lab-a")->child->pid, SIGCONT);
    lab_connected(lab, "lab-a");
    lab_leaves_nothing(lab);
}

static void a_pause_of_two_seconds_is_none(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    json_int_t lost_before = row_number(row_where(lab_rows(lab, "agents", NULL), "name", "lab-a"), "slots");
    pid_t paused[] = {lab_agent_of(lab, "lab-a")->child->pid, lab->coordinator->pid};
    for (size_t i = 0; i < 2; i++) {
        kill(paused[i], SIGSTOP);
        uint64_t until_ms = lab_now_ms() + PAUSE_MS;
        while (lab_now_ms() < until_ms) {
            if (i == 0) // a stopped coordinator answers nobody
                assert_string_equal(state_of(lab, "lab-a"), "connected");
            lab_pause();
        }
        kill(paused[i], SIGCONT);
        until_ms = lab_now_ms() + PAUSE_MS;
        while (lab_now_ms() < until_ms) {
            assert_string_equal(state_of(lab, "lab-a"), "connected");
            lab_pause();
        }
    }
    assert_int_equal(row_number(row_where(lab_rows(lab, "agents", NULL), "name", "lab-a"), "slots"), lost_before);
    // One session all along.
    const char *log = lab_read(lab, lab_agent_of(lab, "lab-a")->child->err);
    const char *first = strstr(log, "live with the coordinator");
    assert_non_null(first);
    assert_null(strstr(first + 1, "live with the coordinator"));
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(a_silent_agent_is_suspect_at_three_seconds_and_lost_at_ten),
        LAB_TEST(a_pause_of_two_seconds_is_none),
    };
    return cmocka_run_group_tests_name("e2e_detection", tests, NULL, NULL);
}
