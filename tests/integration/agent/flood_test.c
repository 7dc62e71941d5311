// Many events through one agent: nothing is missing, nothing comes twice, across a lost session too; and how fast it goes.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "tests/integration/agent/lab.h"

#define EVENTS 50000
#define EVENTS_TEXT "50000"
#define UNSYNCED 64            // as flood_guard.c writes them in one group
#define UNSYNCED_BYTES_LEFT 20 // of the first one some bytes

static void start_flood(struct lab *lab)
{
    struct panther_error error = {0};
    CLEANUP_FREE char *programs = path_join(lab->root, "bin");
    CLEANUP_FREE char *guard = path_join(programs, "panther-guard");
    CLEANUP_FREE char *service = path_join(programs, "panther-service");
    assert_int_equal(folder_make(programs, 0755, &error), 0);
    assert_int_equal(symlink(PANTHER_FLOOD_GUARD, guard), 0);
    assert_int_equal(symlink(PANTHER_BIN "/panther-service", service), 0);
    setenv("FLOOD_EVENTS", EVENTS_TEXT, 1);
    const char *const flags[] = {"--programs", programs, NULL};
    lab_start(lab, flags);
    LAB_UNTIL(lab, lab_is_live, 1);
}

static bool has_events(struct lab *lab, uint64_t count)
{
    return lab->event_count >= count;
}

static void carries_many_events_without_loss(void **state)
{
    struct lab *lab = *state;
    start_flood(lab);
    uint64_t start_ns = clock_boottime_ns();
    lab_initialize(lab, 7, &(struct lab_wish){.plugin = "null"});
    LAB_UNTIL(lab, has_events, EVENTS + 1);
    double seconds = (double)(clock_boottime_ns() - start_ns) / 1e9;
    print_message("%d events in %.2f s: %.0f events/s\n", EVENTS, seconds, EVENTS / seconds);
    lab_check_sequences(lab);
    assert_int_equal(lab->repeats, 0);
    LAB_UNTIL(lab, lab_has_forgotten, 7);
}

static void carries_them_across_lost_sessions(void **state)
{
    struct lab *lab = *state;
    start_flood(lab);
    lab_initialize(lab, 7, &(struct lab_wish){.plugin = "null"});
    for (unsigned i = 1; i <= 3; i++) {
        LAB_UNTIL(lab, has_events, EVENTS / 5 * i);
        bus_server_close_route(lab->server, lab->route);
        LAB_UNTIL(lab, lab_is_live, i + 1);
    }
    LAB_UNTIL(lab, has_events, EVENTS + 1);
    lab_check_sequences(lab);
    LAB_UNTIL(lab, lab_has_forgotten, 7);
}

static void catches_up_after_the_coordinator_was_away(void **state)
{
    struct lab *lab = *state;
    start_flood(lab);
    lab->holds_acknowledgements = true; // the window closes, the rest waits on the agent's disk
    lab_initialize(lab, 7, &(struct lab_wish){.plugin = "null"});
    LAB_UNTIL(lab, has_events, 1000);
    lab_kill(lab);
    lab->holds_acknowledgements = false;
    const char *const none[] = {NULL};
    lab_start(lab, none);
    LAB_UNTIL(lab, has_events, EVENTS);
    LAB_UNTIL(lab, lab_has_ended, 7);
    assert_int_equal(lab->event_count, EVENTS + 1);
    lab_check_sequences(lab);
}

static void a_damaged_spool_ends_its_instance_and_says_so(void **state)
{
    struct lab *lab = *state;
    setenv("FLOOD_DAMAGE", "1", 1);
    start_flood(lab);
    unsetenv("FLOOD_DAMAGE");
    lab_initialize(lab, 7, &(struct lab_wish){.plugin = "null"});
    LAB_UNTIL(lab, lab_has_ended, 7);
    assert_int_equal(lab_ended(lab, 7)->instance_ended->cause, PB__END_CAUSE__END_CAUSE_GUARD_LOST);
    assert_non_null(strstr(lab_ended(lab, 7)->instance_ended->text, "spool is damaged"));
    assert_int_equal(lab_marked(lab, 7), 0);
}

// A result is told before it is synced, and the agent has it on its own disk before it says it: so nothing is missing when the spool has
// lost it with the power, and the agent's word that the guard is lost comes behind it.
static void what_power_took_from_a_spool_is_on_the_agents_disk(void **state)
{
    struct lab *lab = *state;
    setenv("FLOOD_UNSYNCED", "1", 1);
    start_flood(lab);
    unsetenv("FLOOD_UNSYNCED");
    lab_initialize(lab, 7, &(struct lab_wish){.plugin = "null"});
    LAB_UNTIL(lab, has_events, UNSYNCED);
    lab_kill(lab);
    kill(lab_guard(lab, 7), SIGKILL);
    CLEANUP_FREE char *spool = path_join(lab->state, "instances/7.1/spool");
    assert_int_equal(truncate(spool, UNSYNCED_BYTES_LEFT), 0);
    const char *const none[] = {NULL};
    lab_start(lab, none);
    LAB_UNTIL(lab, lab_has_ended, 7);
    assert_int_equal(lab_ended(lab, 7)->instance_ended->cause, PB__END_CAUSE__END_CAUSE_GUARD_LOST);
    assert_int_equal(lab_ended(lab, 7)->sequence, UNSYNCED + 1);
    assert_int_equal(lab->event_count, UNSYNCED + 1);
    assert_null(strstr(lab_ended(lab, 7)->instance_ended->text, "damaged"));
    lab_check_sequences(lab);
    LAB_UNTIL(lab, lab_has_forgotten, 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_begin, lab_end)
    const struct CMUnitTest tests[] = {
        TEST(carries_many_events_without_loss),
        TEST(carries_them_across_lost_sessions),
        TEST(a_damaged_spool_ends_its_instance_and_says_so),
        TEST(catches_up_after_the_coordinator_was_away),
        TEST(what_power_took_from_a_spool_is_on_the_agents_disk),
    };
    bus_begin();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bus_end();
    return failed;
}
