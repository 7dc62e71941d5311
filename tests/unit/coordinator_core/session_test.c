// Stories of sessions: agents that are lost, come back, or forget.
#include "tests/unit/coordinator_core/story.h"

#include <stdio.h>
#include <string.h>

STORY(an_agent_that_stays_away_is_lost_after_its_lease_and_not_before)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    lab_agent_gone(&lab, 0);
    lab_agent_gone(&lab, 1);
    lab_pass_ms(&lab, LEASE_MS, false);
    assert_int_equal(lab.cell_count, 0);
    lab_pass_ms(&lab, KILL_LADDER_MS + 1000, false);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_LOST);
    lab_end(&lab);
}

STORY(a_lost_trial_is_tried_again_when_the_rule_says_so)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__Reason reasons[] = {PB__REASON__REASON_LOST};
    experiment->tests[0]->retry->reasons = reasons;
    experiment->tests[0]->retry->n_reasons = 1;
    experiment->tests[0]->retry->times = 1;
    lab.hold_cases = 1000;
    submit_experiment(&lab, experiment);
    lab_agent_gone(&lab, 0);
    lab_agent_gone(&lab, 1);
    lab_pass_ms(&lab, LEASE_MS + KILL_LADDER_MS + 1000, false);
    assert_int_equal(lab.trial_count, 1);
    assert_int_equal(lab.cell_count, 0);
    lab.hold_cases = 0;
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, 2000, true);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(lab.cells[0]->attempts, 2);
    lab_end(&lab);
}

STORY(an_agent_that_comes_back_in_time_loses_nothing)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    lab_agent_gone(&lab, 0);
    lab_agent_gone(&lab, 1);
    lab_pass_ms(&lab, 5000, false);
    lab.hold_cases = 0;
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(lab.cells[0]->attempts, 1);
    lab_end(&lab);
}

STORY(a_wiped_outbox_is_a_loss_not_a_mystery)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    for (size_t i = 0; i < 2; i++) {
        lab_agent_gone(&lab, i);
        lab_agent_wipe(&lab, i);
        lab_agent_hello(&lab, i);
    }
    lab_pass_ms(&lab, 20000, true);
    assert_int_equal(lab.cell_count, 0); // the guards may live without their agent
    lab_pass_ms(&lab, 20000, true);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_LOST);
    lab_end(&lab);
}

STORY(the_same_name_from_another_host_is_refused_by_name)
{
    BEGIN;
    strcpy(lab.agents[2].name, lab.agents[0].name);
    strcpy(lab.agents[2].host_id, "00000000000000000000000000000099");
    strcpy(lab.agents[2].boot_id, lab.agents[0].boot_id);
    strcpy(lab.agents[2].epoch, lab.agents[0].epoch);
    lab.agents[2].store_id = lab.agents[0].store_id;
    lab.agent_count = 3;
    lab_agent_hello(&lab, 2);
    assert_non_null(lab.refused);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_NAME_TAKEN);
    assert_non_null(strstr(lab.refused->text, lab.agents[0].host_id));
    assert_non_null(strstr(lab.refused->text, lab.agents[2].host_id));
    lab.agent_count = 2;
    lab_end(&lab);
}

STORY(a_store_that_is_older_than_its_agent_is_refused)
{
    BEGIN;
    submit(&lab, 1);
    lab_agent_gone(&lab, 0);
    lab.agents[0].acknowledged += 5;
    lab.agents[0].sequence += 5; // never read
    lab_agent_hello(&lab, 0);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_STORE_OLDER);
    lab.agents[0].connected = false;
    lab_end(&lab);
}

STORY(a_hole_in_the_events_is_refused)
{
    BEGIN;
    Pb__Note note = PB__NOTE__INIT;
    Pb__Event event = PB__EVENT__INIT;
    event.instance = 1;
    event.generation = 1;
    event.body_case = PB__EVENT__BODY_NOTE;
    event.note = &note;
    struct lab_agent *agent = &lab.agents[0];
    lab_event(&lab, 0, &event);
    lab_event(&lab, 0, &event);
    agent->acknowledged = 1;
    lab_agent_flush(&lab, 0);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID);
    agent->connected = false;
    lab_end(&lab);
}

STORY(a_repeated_event_changes_nothing)
{
    BEGIN;
    submit(&lab, 1);
    size_t before = lab.record_count;
    lab.agents[0].acknowledged = 0;
    lab_agent_flush(&lab, 0);
    assert_int_equal(lab.record_count, before);
    assert_int_equal(lab.cell_count, 1);
    lab_end(&lab);
}

STORY(a_rebooted_host_that_forgot_is_a_loss_at_once)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    for (size_t i = 0; i < 2; i++) {
        lab_agent_gone(&lab, i);
        lab_agent_reboot(&lab, i);
        lab_agent_wipe(&lab, i);
        lab_agent_hello(&lab, i);
    }
    assert_only_cell(&lab, VERDICT_ERROR, REASON_LOST);
    lab_end(&lab);
}

STORY(a_rebooted_host_that_did_not_forget_says_so)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    lab_agent_gone(&lab, 0);
    lab_agent_reboot(&lab, 0);
    lab_agent_hello(&lab, 0);
    lab_pass_ms(&lab, 1000, true);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_LOST);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "rebooted"));
    lab_end(&lab);
}

STORY(what_was_told_before_a_wipe_is_not_started_twice)
{
    BEGIN;
    lab.agents[0].mute = true; // nothing is heard of the server
    submit(&lab, 1);
    lab_agent_gone(&lab, 0);
    lab_agent_wipe(&lab, 0);
    lab.agents[0].mute = false;
    lab_agent_hello(&lab, 0);
    assert_int_equal(lab.agents[0].guard_count, 0);
    lab_restart(&lab); // and that is known for ever
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    assert_int_equal(lab.agents[0].guard_count, 0);
    lab_pass_ms(&lab, LEASE_MS + KILL_LADDER_MS + 1000, true);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_LOST);
    lab_end(&lab);
}

static size_t events_that_count(const struct lab *lab)
{
    size_t count = 0;
    for (size_t i = 0; i < lab->record_count; i++) {
        count += lab->records[i]->body_case == PB__RECORD__BODY_INSTANCE_EVENT && !lab->records[i]->instance_event->stale;
    }
    return count;
}

// Another host had the name for a while, with an outbox of its own: the sequence of the first one is forgotten, what it said is not.
STORY(an_outbox_that_comes_back_is_not_counted_twice)
{
    BEGIN;
    lab.hold_cases = 2;
    submit(&lab, 1);
    struct lab_agent *agent = &lab.agents[0];
    size_t counted = events_that_count(&lab);
    assert_true(counted > 0);
    const struct lab_agent first = *agent;
    lab_agent_gone(&lab, 0);
    snprintf(agent->epoch, sizeof agent->epoch, "%032x", 77);
    agent->sequence = 0;
    agent->acknowledged = 0;
    lab_agent_hello(&lab, 0);
    lab_agent_gone(&lab, 0);
    memcpy(agent->epoch, first.epoch, sizeof agent->epoch);
    agent->sequence = first.sequence;
    lab_agent_hello(&lab, 0);
    assert_int_equal(events_that_count(&lab), counted);
    lab_end(&lab);
}

STORY(what_an_agent_has_and_nobody_wants_is_discarded)
{
    BEGIN;
    submit(&lab, 1);
    struct lab_agent *agent = &lab.agents[0];
    agent->guards[0].ended = false; // of a trial that has ended, as in a store that was restored
    lab_agent_gone(&lab, 0);
    lab_agent_hello(&lab, 0);
    assert_true(agent->guards[0].ended);
    lab_end(&lab);
}

STORY(an_agent_that_was_given_more_than_the_store_knows_is_refused)
{
    BEGIN;
    submit(&lab, 1);
    struct lab_agent *agent = &lab.agents[0];
    lab_agent_gone(&lab, 0);
    agent->guards[0].instance = 99; // given after the backup from which the store was restored; nothing of it was acknowledged
    agent->guards[0].ended = false;
    lab_agent_hello(&lab, 0);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_STORE_OLDER);
    assert_non_null(strstr(lab.refused->text, "instance 99"));
    lab_end(&lab);
}

STORY(an_agent_that_the_store_has_never_seen_and_that_knows_it_is_refused)
{
    BEGIN;
    struct lab_agent *stranger = &lab.agents[lab.agent_count++];
    *stranger = lab.agents[0];
    snprintf(stranger->name, sizeof stranger->name, "lab-z");
    snprintf(stranger->host_id, sizeof stranger->host_id, "%032x", 99);
    lab_agent_hello(&lab, 2); // first seen after the backup from which the store was restored
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_STORE_OLDER);
    stranger->store_id = "";
    lab_agent_hello(&lab, 2);
    assert_true(stranger->session != 0);
    lab.agent_count--;
    lab_end(&lab);
}

// The name came to another host, which reboots: what was begun on the first one may still live there.
STORY(a_reboot_says_nothing_of_what_runs_on_another_host)
{
    BEGIN;
    lab.hold_cases = 2;
    submit(&lab, 1);
    struct lab_agent *agent = &lab.agents[0];
    lab_agent_gone(&lab, 0);
    lab_agent_wipe(&lab, 0);
    snprintf(agent->host_id, sizeof agent->host_id, "%032x", 98);
    lab_agent_hello(&lab, 0);
    lab_agent_gone(&lab, 0);
    snprintf(agent->boot_id, sizeof agent->boot_id, "%032x", 97);
    lab_agent_hello(&lab, 0);
    assert_int_equal(lab.cell_count, 0);
    lab_pass_ms(&lab, LEASE_MS + KILL_LADDER_MS + 1000, true);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_LOST);
    lab_end(&lab);
}

STORY(an_agent_of_another_store_is_not_believed_before_it_has_cleared)
{
    BEGIN;
    for (size_t i = 0; i < 2; i++) {
        lab_agent_gone(&lab, i);
        lab.agents[i].store_id = "00000000000000000000000000000002";
        lab_agent_hello(&lab, i);
    }
    submit(&lab, 1);
    assert_int_equal(lab.agents[0].guard_count + lab.agents[1].guard_count, 0);
    for (size_t i = 0; i < 2; i++) {
        lab_agent_gone(&lab, i);
        lab_agent_wipe(&lab, i);
        lab.agents[i].store_id = "";
        lab_agent_hello(&lab, i);
    }
    lab_pass_ms(&lab, 1000, true);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

STORY(an_initialize_that_never_arrived_does_not_hold_up_a_cancel)
{
    BEGIN;
    lab.agents[1].mute = true;
    submit(&lab, 1);
    lab_cancel(&lab, "r1", "");
    lab_agent_gone(&lab, 1);
    lab.agents[1].mute = false;
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, 1000, true);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_CANCELLED);
    lab_end(&lab);
}

STORY(an_instance_that_was_placed_before_a_restart_gets_its_whole_lease)
{
    BEGIN;
    lab.agents[0].mute = true; // the server does not answer, so that the tester stays placed
    submit(&lab, 1);
    lab_restart(&lab);
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, LEASE_MS + KILL_LADDER_MS + 2000, true);
    assert_int_equal(lab.cell_count, 0);
    lab.agents[1].mute = true; // and does not answer at once
    lab_agent_gone(&lab, 0);
    lab.agents[0].mute = false;
    lab_agent_hello(&lab, 0);
    lab_tick(&lab);
    lab_agent_gone(&lab, 1);
    lab.agents[1].mute = false;
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, 1000, true);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

STORY(an_initialize_that_is_sent_again_begins_a_lease_again)
{
    BEGIN;
    lab.agents[0].mute = true;
    submit(&lab, 1);
    lab_agent_gone(&lab, 0);
    lab_pass_ms(&lab, 20000, false);
    lab.agents[0].mute = false;
    lab.is_async = true; // it takes the command and is gone before it says so
    lab_agent_hello(&lab, 0);
    lab_agent_work(&lab, 0, 1);
    lab_agent_gone(&lab, 0);
    lab_pass_ms(&lab, 20000, false);
    size_t agent;
    assert_false(lab_guard(&lab, 1, &agent)->ended);
    assert_int_equal(lab.trial_count, 0); // it lives, so nobody says that it is lost
    lab_pass_ms(&lab, 20000, false);
    lab.is_async = false;
    lab_agent_gone(&lab, 1);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_LOST);
    lab_end(&lab);
}

STORY(a_lease_begins_with_a_stamp_that_the_coordinator_knew)
{
    BEGIN;
    lab.is_async = true;
    lab_pass_ms(&lab, 5000, true); // the last heartbeat is of 4 s
    uint64_t stamp_ns = lab.agents[0].beaten_ns;
    submit(&lab, 1);
    lab_pass_ms(&lab, 2000, true); // meanwhile it waits for the disk
    assert_int_equal(lab.agents[0].inbox_count, 1);
    assert_int_equal(lab.agents[0].inbox[0]->initialize->lease_stamp_ns, stamp_ns);
    lab_end(&lab);
}

STORY(nothing_is_placed_where_a_lease_would_be_over)
{
    BEGIN;
    lab_pass_ms(&lab, 1000, true);
    lab.now_ns += 20000 * NS_PER_MS;
    lab_tick(&lab);
    submit(&lab, 1);
    lab_pass_ms(&lab, 100, false);
    assert_int_equal(lab.agents[0].guard_count + lab.agents[1].guard_count, 0);
    lab_pass_ms(&lab, 100, true); // their heartbeats are read
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

STORY(a_trial_is_stopped_in_the_middle_of_more_cases_than_are_on_their_way)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    lab_cases(&lab, experiment, 500);
    lab.hold_cases = 1000;
    submit_experiment(&lab, experiment);
    lab_cancel(&lab, "r1", "");
    lab_pass_ms(&lab, 1000, true);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_CANCELLED);
    assert_int_equal(lab.trials[0]->n_unfinished, 500);
    lab_end(&lab);
}

STORY(a_long_reason_is_not_too_long_for_an_agent)
{
    BEGIN;
    char why[TEXT_MAX_BYTES + 1];
    memset(why, 'w', TEXT_MAX_BYTES);
    why[TEXT_MAX_BYTES] = 0;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    lab_cancel(&lab, "r1", why);
    size_t stops = 0;
    for (size_t i = 0; i < lab.record_count; i++) {
        const Pb__Record *record = lab.records[i];
        if (record->body_case == PB__RECORD__BODY_COMMAND_ISSUED && record->command_issued->command->body_case == PB__COMMAND__BODY_STOP) {
            assert_true(strlen(record->command_issued->command->stop->why) <= TEXT_MAX_BYTES);
            stops++;
        }
    }
    assert_int_equal(stops, 2);
    lab_end(&lab);
}

STORY(a_pause_of_the_coordinator_is_not_the_silence_of_its_agents)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    lab_pass_ms(&lab, 2000, true);
    lab.now_ns += 15000 * NS_PER_MS; // stopped, and the tick comes before what is in the sockets
    lab_tick(&lab);
    assert_true(lab.agents[0].connected && lab.agents[1].connected);
    lab_pass_ms(&lab, LOST_MS + 1000, false);
    assert_false(lab.agents[0].connected || lab.agents[1].connected);
    lab_end(&lab);
}

STORY(a_plugin_that_is_there_twice_is_there)
{
    BEGIN;
    Pb__PluginPresence usable = PB__PLUGIN_PRESENCE__INIT, shadowed = PB__PLUGIN_PRESENCE__INIT;
    usable.name = shadowed.name = (char *)(uintptr_t) "server";
    usable.description_hash = (char *)(uintptr_t) "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    usable.usable = true;
    Pb__PluginPresence *both[] = {&usable, &shadowed};
    Pb__PluginsChanged changed = PB__PLUGINS_CHANGED__INIT;
    changed.plugins = both;
    changed.n_plugins = 2;
    for (size_t i = 0; i < 2; i++) {
        Pb__Envelope envelope = PB__ENVELOPE__INIT;
        envelope.session = lab.agents[i].session;
        envelope.body_case = PB__ENVELOPE__BODY_PLUGINS_CHANGED;
        envelope.plugins_changed = &changed;
        lab_step(&lab, &(struct core_event){.kind = CORE_MESSAGE,
                                            .route = lab.agents[i].route,
                                            .peer_name = lab.agents[i].name,
                                            .role = PB__ROLE__ROLE_AGENT,
                                            .envelope = &envelope});
    }
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    lab_cases(&lab, experiment, 1);
    submit_experiment(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_that_stays_away_is_lost_after_its_lease_and_not_before),
        cmocka_unit_test(a_lost_trial_is_tried_again_when_the_rule_says_so),
        cmocka_unit_test(an_agent_that_comes_back_in_time_loses_nothing),
        cmocka_unit_test(a_wiped_outbox_is_a_loss_not_a_mystery),
        cmocka_unit_test(the_same_name_from_another_host_is_refused_by_name),
        cmocka_unit_test(a_store_that_is_older_than_its_agent_is_refused),
        cmocka_unit_test(a_hole_in_the_events_is_refused),
        cmocka_unit_test(a_repeated_event_changes_nothing),
        cmocka_unit_test(a_rebooted_host_that_forgot_is_a_loss_at_once),
        cmocka_unit_test(a_rebooted_host_that_did_not_forget_says_so),
        cmocka_unit_test(what_was_told_before_a_wipe_is_not_started_twice),
        cmocka_unit_test(an_outbox_that_comes_back_is_not_counted_twice),
        cmocka_unit_test(an_agent_that_the_store_has_never_seen_and_that_knows_it_is_refused),
        cmocka_unit_test(a_reboot_says_nothing_of_what_runs_on_another_host),
        cmocka_unit_test(an_agent_that_was_given_more_than_the_store_knows_is_refused),
        cmocka_unit_test(what_an_agent_has_and_nobody_wants_is_discarded),
        cmocka_unit_test(an_agent_of_another_store_is_not_believed_before_it_has_cleared),
        cmocka_unit_test(an_initialize_that_never_arrived_does_not_hold_up_a_cancel),
        cmocka_unit_test(an_instance_that_was_placed_before_a_restart_gets_its_whole_lease),
        cmocka_unit_test(an_initialize_that_is_sent_again_begins_a_lease_again),
        cmocka_unit_test(a_lease_begins_with_a_stamp_that_the_coordinator_knew),
        cmocka_unit_test(nothing_is_placed_where_a_lease_would_be_over),
        cmocka_unit_test(a_trial_is_stopped_in_the_middle_of_more_cases_than_are_on_their_way),
        cmocka_unit_test(a_long_reason_is_not_too_long_for_an_agent),
        cmocka_unit_test(a_pause_of_the_coordinator_is_not_the_silence_of_its_agents),
        cmocka_unit_test(a_plugin_that_is_there_twice_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
