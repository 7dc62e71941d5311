// Stories of the agent's core: each names what has to hold.
#include <stdio.h>
#include <string.h>

#include "tests/unit/agent_core/story.h"

#define COUNTER(story, name) ((int)agent_core_counters((story)->core)->name)

// ---- tables

static void the_lifecycles_are_as_the_README_says(void **state)
{
    (void)state;
    struct text text = {0};
    lifecycle_print(agent_session_lifecycle(), &text);
    lifecycle_print(agent_instance_lifecycle(), &text);
    assert_string_equal(text_string(&text), "disconnected -> connecting, leaving\n"
                                            "connecting -> greeting, backing off, leaving\n"
                                            "greeting -> live, refused, backing off, clearing, leaving\n"
                                            "live -> refused, backing off, leaving\n"
                                            "refused -> disconnected, leaving\n"
                                            "backing off -> disconnected, leaving\n"
                                            "clearing -> disconnected, leaving\n"
                                            "leaving (end)\n"
                                            "waiting -> fetching, spawning, ended\n"
                                            "fetching -> spawning, ended\n"
                                            "spawning -> attached, sweeping, ended\n"
                                            "attached -> detached, sweeping\n"
                                            "detached -> waiting, attached, sweeping, ended\n"
                                            "sweeping -> ended\n"
                                            "ended -> forgotten\n"
                                            "forgotten (end)\n");
    text_free(&text);
}

// ---- session

static void waits_for_the_catalogue_before_it_connects(void **state)
{
    struct story *story = *state;
    story_later(story, 60000);
    assert_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
    story_catalogue(story);
    assert_non_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
}

static void hello_says_what_is_held(void **state)
{
    struct story *story = *state;
    struct agent_input up = story_input(AGENT_INPUT_LINK_UP, 0, 0);
    story_catalogue(story);
    story_feed(story, &up);
    const Pb__Hello *hello = story_sent(story, PB__ENVELOPE__BODY_HELLO)->hello;
    assert_string_equal(hello->name, "lab-a");
    assert_int_equal(strlen(hello->outbox_epoch), 32);
    assert_int_equal(hello->outbox_first, 1);
    assert_int_equal(hello->outbox_last, 0);
    assert_string_equal(hello->store_id, "");
    assert_int_equal(hello->n_plugins, 1);
    assert_int_equal(hello->boottime_ns, story->now_ns);
}

static void lose(struct story *story)
{
    struct agent_input lost = story_input(AGENT_INPUT_LINK_LOST, 0, 0);
    lost.link_lost.why = "cable";
    story_feed(story, &lost);
}

static void backs_off_longer_each_time_with_jitter(void **state)
{
    struct story *story = *state;
    uint64_t delays[8];
    story_catalogue(story);
    for (size_t i = 0; i < 8; i++) {
        assert_non_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
        lose(story);
        delays[i] = (agent_core_deadline(story->core) - story->now_ns) / MS;
        story_later(story, delays[i] + 1);
    }
    assert_in_range(delays[0], AGENT_BACKOFF_FIRST_MS / 2, AGENT_BACKOFF_FIRST_MS);
    assert_in_range(delays[3], 4 * AGENT_BACKOFF_FIRST_MS, 8 * AGENT_BACKOFF_FIRST_MS);
    assert_in_range(delays[7], AGENT_BACKOFF_MOST_MS / 2, AGENT_BACKOFF_MOST_MS);
}

static void gives_up_on_a_coordinator_that_does_not_answer_hello(void **state)
{
    struct story *story = *state;
    struct agent_input up = story_input(AGENT_INPUT_LINK_UP, 0, 0);
    story_catalogue(story);
    story_feed(story, &up);
    story_later(story, AGENT_GREETING_MS);
    assert_non_null(story_next(story, AGENT_EFFECT_CLOSE_LINK));
    story_later(story, AGENT_BACKOFF_FIRST_MS);
    assert_non_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
}

static void refuse(struct story *story, Pb__RefusalCode code, uint32_t retry_after_ms)
{
    Pb__Refused refused = PB__REFUSED__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    refused.code = code;
    refused.retry_after_ms = retry_after_ms;
    envelope.body_case = PB__ENVELOPE__BODY_REFUSED;
    envelope.refused = &refused;
    story_message(story, &envelope);
}

static void stays_away_as_long_as_it_was_told(void **state)
{
    struct story *story = *state;
    struct agent_input up = story_input(AGENT_INPUT_LINK_UP, 0, 0);
    story_catalogue(story);
    story_next(story, AGENT_EFFECT_OPEN_LINK);
    story_feed(story, &up);
    refuse(story, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY, 20000);
    assert_non_null(story_next(story, AGENT_EFFECT_CLOSE_LINK));
    story_later(story, 19999);
    assert_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
    story_later(story, 5001);
    assert_non_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
}

static void says_hello_again_when_its_session_is_unknown(void **state)
{
    struct story *story = *state;
    story_live(story);
    refuse(story, PB__REFUSAL_CODE__REFUSAL_CODE_SESSION, 0);
    story_later(story, AGENT_BACKOFF_FIRST_MS);
    assert_non_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
}

static void messages_of_another_session_are_dropped(void **state)
{
    struct story *story = *state;
    story_live(story);
    story->session += 5;
    story_initialize(story, 7, 1);
    assert_int_equal(COUNTER(story, messages_stale), 1);
    story_commit(story);
    assert_null(story_next(story, AGENT_EFFECT_SPAWN));
}

static Pb__Envelope reply_to(struct story *story, Pb__HeartbeatReply *reply, uint64_t stamp_ns)
{
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    pb__heartbeat_reply__init(reply);
    reply->agent_sent_ns = stamp_ns;
    reply->coordinator_received_ns = 111;
    reply->coordinator_sent_ns = 222;
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_HEARTBEAT_REPLY;
    envelope.heartbeat_reply = reply;
    return envelope;
}

static void heartbeats_carry_the_last_complete_exchange(void **state)
{
    struct story *story = *state;
    Pb__HeartbeatReply reply;
    story_live(story);
    const Pb__Heartbeat *first = story_sent(story, PB__ENVELOPE__BODY_HEARTBEAT)->heartbeat;
    assert_int_equal(first->previous_agent_sent_ns, 0);
    story->now_ns += 7 * MS;
    Pb__Envelope envelope = reply_to(story, &reply, first->agent_sent_ns);
    story_message(story, &envelope);
    story_later(story, 1000);
    const Pb__Heartbeat *second = story_sent(story, PB__ENVELOPE__BODY_HEARTBEAT)->heartbeat;
    assert_int_equal(second->agent_sent_ns, first->agent_sent_ns + 1000 * MS);
    assert_int_equal(second->previous_agent_sent_ns, first->agent_sent_ns);
    assert_int_equal(second->previous_coordinator_received_ns, 111);
    assert_int_equal(second->previous_coordinator_sent_ns, 222);
    assert_int_equal(second->previous_agent_received_ns, first->agent_sent_ns + 7 * MS);
}

static void a_silent_coordinator_is_lost_after_a_while_but_not_after_two_seconds(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_later(story, 2000);
    assert_true(agent_core_is_live(story->core));
    story_later(story, LOST_MS);
    assert_false(agent_core_is_live(story->core));
    assert_non_null(story_next(story, AGENT_EFFECT_CLOSE_LINK));
}

static void an_impossible_message_ends_the_session_loudly(void **state)
{
    struct story *story = *state;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    Pb__Goodbye goodbye = PB__GOODBYE__INIT;
    story_live(story);
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_GOODBYE;
    envelope.goodbye = &goodbye;
    story_message(story, &envelope);
    assert_int_equal(COUNTER(story, messages_impossible), 1);
    assert_non_null(story_sent(story, PB__ENVELOPE__BODY_GOODBYE));
    assert_false(agent_core_is_live(story->core));
}

static void says_goodbye_and_stops(void **state)
{
    struct story *story = *state;
    struct agent_input stop = story_input(AGENT_INPUT_STOP, 0, 0);
    story_live(story);
    stop.stop.why = "SIGTERM";
    story_feed(story, &stop);
    assert_string_equal(story_sent(story, PB__ENVELOPE__BODY_GOODBYE)->goodbye->why, "SIGTERM");
    assert_non_null(story_next(story, AGENT_EFFECT_CLOSE_LINK));
    story_commit(story);
    assert_non_null(story_next(story, AGENT_EFFECT_STOPPED));
}

// ---- which coordinator

static void greet(struct story *story)
{
    struct agent_input up = story_input(AGENT_INPUT_LINK_UP, 0, 0);
    lose(story);
    story_later(story, AGENT_BACKOFF_MOST_MS);
    assert_non_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
    story_feed(story, &up);
}

static void refuses_a_store_of_a_lower_incarnation(void **state)
{
    struct story *story = *state;
    story->incarnation = 9;
    story_live(story);
    greet(story);
    story->incarnation = 8;
    story_welcome(story, 0);
    assert_false(agent_core_is_live(story->core));
    assert_non_null(strstr(story_sent(story, PB__ENVELOPE__BODY_GOODBYE)->goodbye->why, "incarnation 8, known is 9"));
    story_later(story, AGENT_STORE_OLDER_MS - 1);
    assert_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
}

static void refuses_a_store_that_forgot_what_it_acknowledged(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_spool(story, 7, 1, 1, 3, 50, false);
    story_commit(story);
    story_acknowledge(story, 3);
    story_commit(story);
    greet(story);
    story_welcome(story, 2);
    assert_false(agent_core_is_live(story->core));
    assert_non_null(story_sent(story, PB__ENVELOPE__BODY_GOODBYE));
}

static void an_outbox_that_was_set_back_gets_a_new_epoch(void **state)
{
    struct story *story = *state;
    story_live(story);
    CLEANUP_FREE char *epoch = memory_string(agent_core_epoch(story->core));
    greet(story);
    story_welcome(story, 100);
    assert_false(agent_core_is_live(story->core));
    assert_string_not_equal(agent_core_epoch(story->core), epoch);
    story_commit(story);
    assert_string_equal(story->disk.facts.epoch, agent_core_epoch(story->core));
    story_live(story);
    story_run(story, 7);
    story_spool(story, 7, 1, 1, 2, 50, false);
    story_commit(story);
    const struct agent_effect *events = story_next(story, AGENT_EFFECT_SEND_EVENTS);
    assert_int_equal(events->events.first, 1);
}

static void another_store_ends_everything_of_the_old_one_first(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    greet(story);
    story->store_id = "33333333333333333333333333333333";
    story_skip(story);
    story_welcome(story, 0);
    assert_non_null(story_asked(story, PB__GUARD_REQUEST__BODY_DISCARD));
    story_later(story, 60000);
    assert_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
    struct agent_input gone = story_input(AGENT_INPUT_GUARD_GONE, 7, 1), swept = story_input(AGENT_INPUT_SWEPT, 7, 1);
    story_feed(story, &gone);
    story_feed(story, &swept);
    assert_non_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
    story_commit(story);
    assert_non_null(story_next(story, AGENT_EFFECT_REMOVE_FOLDER));
    assert_int_equal(story->disk.row_count, 0);
    assert_int_equal(story->disk.size_count, 0);
    assert_string_equal(story->disk.facts.store_id, "");
}

// ---- commands

static void nothing_is_spawned_before_its_intent_is_on_disk(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_initialize(story, 7, 1);
    assert_null(story_next(story, AGENT_EFFECT_SPAWN));
    assert_true(story->batch.urgent);
    story_commit(story);
    assert_int_equal(story->disk.rows[0].instance, 7);
    const struct agent_effect *spawn = story_next(story, AGENT_EFFECT_SPAWN);
    assert_string_equal(spawn->spec->plugin_path, "/plugins/null.so");
    assert_string_equal(spawn->spec->address, "127.0.0.1");
    assert_int_equal(spawn->spec->port_first, 20000);
    assert_int_equal(spawn->spec->port_count, PORTS_PER_INSTANCE);
}

static void a_repeated_initialize_does_not_start_a_second_one(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_initialize(story, 7, 1);
    story_commit(story);
    assert_null(story_next(story, AGENT_EFFECT_SPAWN));
    assert_int_equal(COUNTER(story, commands_repeated), 1);
}

static void commands_wait_for_the_guard_and_keep_their_order(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_initialize(story, 7, 1);
    for (uint32_t number = 2; number <= 5; number++)
        story_command(story, 7, 1, number, PB__COMMAND__BODY_START);
    story_commit(story);
    assert_null(story_asked(story, PB__GUARD_REQUEST__BODY_COMMAND));
    story_attached(story, 7, 1, 1);
    for (uint32_t number = 2; number <= 5; number++)
        assert_int_equal(story_asked(story, PB__GUARD_REQUEST__BODY_COMMAND)->command->number, number);
    story_command(story, 7, 1, 6, PB__COMMAND__BODY_START);
    assert_int_equal(story_asked(story, PB__GUARD_REQUEST__BODY_COMMAND)->command->number, 6);
}

static void cases_that_go_together_share_a_packet(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_initialize(story, 7, 1);
    story_command(story, 7, 1, 2, PB__COMMAND__BODY_START);
    for (uint32_t number = 3; number <= 5; number++)
        story_command(story, 7, 1, number, PB__COMMAND__BODY_RUN_CASE);
    story_command(story, 7, 1, 6, PB__COMMAND__BODY_STOP);
    story_commit(story);
    story_attached(story, 7, 1, 1);
    assert_int_equal(story_asked(story, PB__GUARD_REQUEST__BODY_COMMAND)->command->number, 2);
    const Pb__GuardCases *cases = story_asked(story, PB__GUARD_REQUEST__BODY_CASES)->cases;
    assert_int_equal(cases->n_cases, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(cases->cases[i]->number, 3 + i);
    assert_int_equal(story_asked(story, PB__GUARD_REQUEST__BODY_COMMAND)->command->number, 6);
}

static void a_case_of_its_own_is_a_command(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_skip(story);
    for (uint32_t number = 2; number <= 3; number++) {
        story_command(story, 7, 1, number, PB__COMMAND__BODY_RUN_CASE);
        assert_int_equal(story_asked(story, PB__GUARD_REQUEST__BODY_COMMAND)->command->number, number);
    }
}

static void a_command_out_of_order_ends_the_session(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_command(story, 7, 1, 3, PB__COMMAND__BODY_START);
    assert_int_equal(COUNTER(story, commands_impossible), 1);
    assert_false(agent_core_is_live(story->core));
}

static void more_commands_than_can_wait_end_the_session(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_initialize(story, 7, 1);
    for (uint32_t number = 2; number <= AGENT_COMMANDS_WAITING_MAX + 1; number++)
        story_command(story, 7, 1, number, PB__COMMAND__BODY_START);
    assert_true(agent_core_is_live(story->core));
    story_command(story, 7, 1, AGENT_COMMANDS_WAITING_MAX + 2, PB__COMMAND__BODY_START);
    assert_false(agent_core_is_live(story->core));
}

static void commands_for_unknown_instances_are_dropped(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_command(story, 7, 1, 2, PB__COMMAND__BODY_START);
    assert_int_equal(COUNTER(story, commands_unknown), 1);
    assert_true(agent_core_is_live(story->core));
}

static void commands_that_cross_the_end_of_their_instance_are_dropped(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_spool(story, 7, 1, 1, 1, 50, true);
    story_skip(story);
    for (uint32_t number = 2; number <= 5; number++)
        story_command(story, 7, 1, number, PB__COMMAND__BODY_START);
    assert_true(agent_core_is_live(story->core));
    assert_int_equal(COUNTER(story, commands_stale), 4);
    assert_null(story_asked(story, PB__GUARD_REQUEST__BODY_COMMAND));
}

static void end(struct story *story, uint64_t instance, uint32_t generation)
{
    struct agent_input gone = story_input(AGENT_INPUT_GUARD_GONE, instance, generation);
    struct agent_input swept = story_input(AGENT_INPUT_SWEPT, instance, generation);
    struct agent_input done = story_input(AGENT_INPUT_BULK_DONE, instance, generation);
    story_feed(story, &gone);
    story_feed(story, &swept);
    story_feed(story, &done);
}

static void a_late_command_of_a_forgotten_instance_starts_nothing(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_spool(story, 7, 1, 1, 2, 50, true);
    end(story, 7, 1);
    story_commit(story);
    assert_null(story_next(story, AGENT_EFFECT_REMOVE_FOLDER));
    story_acknowledge(story, 2);
    story_commit(story);
    assert_non_null(story_next(story, AGENT_EFFECT_REMOVE_FOLDER));
    assert_int_equal(story->disk.row_count, 0);
    assert_int_equal(story->disk.tombstones[0].instance, 7);
    story_initialize(story, 7, 1);
    story_crash(story);
    story_live(story);
    story_initialize(story, 7, 1);
    story_commit(story);
    assert_null(story_next(story, AGENT_EFFECT_SPAWN));
    assert_int_equal(COUNTER(story, commands_stale), 1);
    story_initialize(story, 7, 2);
    story_commit(story);
    assert_non_null(story_next(story, AGENT_EFFECT_SPAWN));
}

static void a_newer_generation_waits_until_the_older_has_ended(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_skip(story);
    story_initialize(story, 7, 2);
    story_commit(story);
    assert_int_equal(story_count(story, AGENT_EFFECT_SPAWN), 0);
    assert_non_null(story_asked(story, PB__GUARD_REQUEST__BODY_DISCARD));
    story_command(story, 7, 1, 2, PB__COMMAND__BODY_START); // the older one still gets its commands; its guard decides
    story_command(story, 7, 2, 2, PB__COMMAND__BODY_START);
    end(story, 7, 1);
    story_commit(story);
    const struct agent_effect *spawn = story_next(story, AGENT_EFFECT_SPAWN);
    assert_int_equal(spawn->generation, 2);
    story_initialize(story, 7, 1);
    assert_int_equal(COUNTER(story, commands_repeated) + COUNTER(story, commands_stale), 1);
}

static const Pb__Event *appended(const struct story *story, size_t from_last)
{
    size_t found = 0;
    for (size_t i = story->batch.record_count; i-- > 0;)
        if (story->batch.records[i].kind == AGENT_RECORD_APPEND && found++ == from_last)
            return story->batch.records[i].append.event;
    return NULL;
}

static void check_refused(struct story *story, const char *why)
{
    const Pb__Event *done = appended(story, 1), *ended = appended(story, 0);
    assert_int_equal(done->body_case, PB__EVENT__BODY_COMMAND_DONE);
    assert_int_equal(done->command_done->number, 1);
    assert_int_equal(done->command_done->status, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED);
    assert_non_null(strstr(done->command_done->text, why));
    assert_int_equal(ended->body_case, PB__EVENT__BODY_INSTANCE_ENDED);
    assert_int_equal(ended->sequence, done->sequence + 1);
    assert_string_equal(ended->service, "load");
}

static void initialize_with(struct story *story, uint64_t instance, Pb__Initialize *initialize)
{
    Pb__Command command = PB__COMMAND__INIT, *list[] = {&command};
    Pb__Commands commands = PB__COMMANDS__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    command.instance = instance;
    command.generation = command.number = 1;
    command.body_case = PB__COMMAND__BODY_INITIALIZE;
    command.initialize = initialize;
    commands.commands = list;
    commands.n_commands = 1;
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_COMMANDS;
    envelope.commands = &commands;
    story_message(story, &envelope);
}

static void an_unknown_plugin_and_a_changed_one_are_refused(void **state)
{
    struct story *story = *state;
    story_live(story);
    Pb__Initialize *initialize = story_initialize_message(story);
    initialize->plugin = arena_string(story->arena, "other");
    initialize_with(story, 7, initialize);
    check_refused(story, "other is not installed");
    initialize = story_initialize_message(story);
    initialize->description_hash = arena_string(story->arena, STORY_FILE);
    initialize_with(story, 8, initialize);
    check_refused(story, "has changed");
    story_commit(story);
    story_acknowledge(story, 4);
    assert_int_equal(story_count(story, AGENT_EFFECT_SPAWN), 0);
    story_commit(story);
    assert_int_equal(story->disk.tombstone_count, 2);
}

static void no_more_instances_than_slots(void **state)
{
    struct story *story = *state;
    story_live(story);
    for (uint64_t instance = 1; instance <= story->slots; instance++)
        story_run(story, instance);
    story_initialize(story, 10, 1);
    check_refused(story, "no free slot: all 4");
    // InstanceEnded is what frees a slot: the coordinator may use it as soon as it has read that.
    story_spool(story, 2, 1, 1, 1, 50, true);
    story_initialize(story, 11, 1);
    story_commit(story);
    assert_non_null(story_next(story, AGENT_EFFECT_SPAWN));
}

static void blocks_of_ports_are_exclusive_and_rest_before_they_are_used_again(void **state)
{
    struct story *story = *state;
    uint32_t seen[8];
    story_live(story);
    for (uint64_t instance = 1; instance <= 8; instance++) {
        story_initialize(story, instance, 1);
        story_commit(story);
        const struct agent_effect *spawn = story_next(story, AGENT_EFFECT_SPAWN);
        seen[instance - 1] = spawn->spec->port_first;
        story_attached(story, instance, 1, 1);
        story_spool(story, instance, 1, 1, 1, 50, true);
    }
    for (size_t i = 0; i < 8; i++)
        for (size_t j = i + 1; j < 8; j++)
            assert_int_not_equal(seen[i], seen[j]);
    story_run(story, 20);
    assert_int_equal(story->disk.rows[story->disk.row_count - 1].spec->port_first, seen[0]);
}

static void a_catalogue_that_takes_longer_than_adoption_keeps_nobody_busy(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 1);
    story_crash(story);
    assert_int_equal(agent_core_deadline(story->core), 0);
    story->now_ns += 2 * AGENT_ADOPTION_MS * MS;
    assert_int_equal(agent_core_deadline(story->core), 0);
    story_catalogue(story);
    assert_non_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
}

static void no_free_ports_is_refused(void **state)
{
    struct story *story = *state;
    story->slots = 100;
    story->port_count = 2 * PORTS_PER_INSTANCE;
    story_crash(story);
    story_live(story);
    story_run(story, 1);
    story_run(story, 2);
    story_initialize(story, 3, 1);
    check_refused(story, "no free block of ports");
}

static void a_full_disk_admits_nothing_and_reads_nothing(void **state)
{
    struct story *story = *state;
    struct agent_input full = story_input(AGENT_INPUT_STORAGE_FULL, 0, 0);
    story_live(story);
    full.storage.full = true;
    story_feed(story, &full);
    assert_int_equal(agent_core_event_room(story->core), 0);
    story_initialize(story, 7, 1);
    check_refused(story, "disk");
    full.storage.full = false;
    story_feed(story, &full);
    assert_true(agent_core_event_room(story->core) > 1000);
}

// ---- files

static void file_arrives(struct story *story, const char *hash, const char *path, const char *why)
{
    struct agent_input file = story_input(AGENT_INPUT_FILE, 0, 0);
    file.file.hash = hash;
    file.file.path = path;
    file.file.why = why;
    story_feed(story, &file);
}

static Pb__Initialize *with_file(struct story *story)
{
    Pb__Initialize *initialize = story_initialize_message(story);
    initialize->files = ARENA_NEW(story->arena, Pb__FileReference *);
    initialize->files[0] = ARENA_NEW(story->arena, Pb__FileReference);
    pb__file_reference__init(initialize->files[0]);
    initialize->files[0]->hash = arena_string(story->arena, STORY_FILE);
    initialize->n_files = 1;
    return initialize;
}

static void files_are_there_before_the_guard_is_spawned(void **state)
{
    struct story *story = *state;
    story_live(story);
    initialize_with(story, 7, with_file(story));
    assert_string_equal(story_next(story, AGENT_EFFECT_FETCH_FILE)->hash, STORY_FILE);
    story_commit(story);
    assert_null(story_next(story, AGENT_EFFECT_SPAWN));
    file_arrives(story, STORY_HASH, "/other", NULL);
    file_arrives(story, STORY_FILE, "/files/b", NULL);
    story_commit(story);
    assert_string_equal(story_next(story, AGENT_EFFECT_SPAWN)->spec->initialize->files[0]->path, "/files/b");
}

static void a_file_that_cannot_be_had_refuses_the_instance(void **state)
{
    struct story *story = *state;
    story_live(story);
    initialize_with(story, 7, with_file(story));
    file_arrives(story, STORY_FILE, NULL, "no such blob");
    check_refused(story, "no such blob");
}

static void a_lease_that_runs_out_while_files_are_fetched_ends_it(void **state)
{
    struct story *story = *state;
    story_live(story);
    initialize_with(story, 7, with_file(story));
    lose(story);
    story_later(story, 31000);
    check_refused(story, "lease");
    assert_int_equal(appended(story, 0)->instance_ended->cause, PB__END_CAUSE__END_CAUSE_LEASE);
}

// ---- leases

static void grant(struct story *story, uint64_t stamp_ns, uint64_t instance, uint32_t length_ms)
{
    Pb__HeartbeatReply reply;
    Pb__LeaseGrant lease = PB__LEASE_GRANT__INIT, *grants[] = {&lease};
    Pb__Envelope envelope = reply_to(story, &reply, stamp_ns);
    lease.instance = instance;
    lease.generation = 1;
    lease.length_ms = length_ms;
    reply.grants = grants;
    reply.n_grants = 1;
    story_message(story, &envelope);
}

static void a_grant_runs_from_the_echoed_stamp_not_from_its_arrival(void **state)
{
    struct story *story = *state;
    story_live(story);
    uint64_t stamp_ns = story_sent(story, PB__ENVELOPE__BODY_HEARTBEAT)->heartbeat->agent_sent_ns;
    story_run(story, 7);
    story_skip(story);
    story->now_ns += 5000 * MS;
    grant(story, stamp_ns, 7, 60000);
    assert_int_equal(story_asked(story, PB__GUARD_REQUEST__BODY_LEASE)->lease->expires_ns, stamp_ns + 60000 * MS);
    grant(story, stamp_ns, 7, 50000); // never shortens
    assert_null(story_asked(story, PB__GUARD_REQUEST__BODY_LEASE));
}

static void a_grant_for_a_heartbeat_that_was_never_sent_extends_nothing(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_skip(story);
    grant(story, story->now_ns + 12345, 7, 600000);
    assert_null(story_asked(story, PB__GUARD_REQUEST__BODY_LEASE));
    assert_int_equal(COUNTER(story, grants_stale), 1);
}

static void the_first_lease_runs_from_the_given_stamp_or_the_last_exchange(void **state)
{
    struct story *story = *state;
    story_live(story);
    uint64_t stamp_ns = story_sent(story, PB__ENVELOPE__BODY_HEARTBEAT)->heartbeat->agent_sent_ns;
    story->now_ns += 4000 * MS;
    story_initialize(story, 7, 1);
    story_commit(story);
    assert_int_equal(story_next(story, AGENT_EFFECT_SPAWN)->spec->lease_expires_ns, stamp_ns + 30000 * MS); // of Hello
    Pb__Initialize *initialize = story_initialize_message(story);
    initialize->lease_stamp_ns = stamp_ns + 1000 * MS;
    initialize_with(story, 8, initialize);
    story_commit(story);
    assert_int_equal(story_next(story, AGENT_EFFECT_SPAWN)->spec->lease_expires_ns, stamp_ns + 31000 * MS);
    initialize = story_initialize_message(story);
    initialize->lease_stamp_ns = story->now_ns + 3600 * 1000 * MS; // a stamp from the future is not believed
    initialize_with(story, 9, initialize);
    story_commit(story);
    assert_int_equal(story_next(story, AGENT_EFFECT_SPAWN)->spec->lease_expires_ns, story->now_ns + 30000 * MS);
}

static void a_command_that_was_queued_longer_than_its_lease_starts_nothing(void **state)
{
    struct story *story = *state;
    story_live(story);
    Pb__Initialize *initialize = story_initialize_message(story);
    initialize->lease_stamp_ns = story->now_ns - 31000 * MS;
    initialize_with(story, 7, initialize);
    check_refused(story, "lease had run out");
}

static void a_guard_that_outlives_its_lease_is_killed(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    lose(story);
    story_later(story, 30000 + AGENT_OVERDUE_MS - 10000);
    assert_null(story_next(story, AGENT_EFFECT_KILL_GUARD));
    story_later(story, 10000);
    assert_int_equal(story_next(story, AGENT_EFFECT_KILL_GUARD)->instance, 7);
    assert_null(story_next(story, AGENT_EFFECT_KILL_GUARD));
}

// ---- events

static void events_are_sent_only_when_they_are_on_disk(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_skip(story);
    story_spool(story, 7, 1, 1, AGENT_ACKNOWLEDGE_EVENTS, 50, false);
    assert_int_equal(story_count(story, AGENT_EFFECT_SEND_EVENTS), 0);
    assert_null(story_asked(story, PB__GUARD_REQUEST__BODY_ACKNOWLEDGED));
    story_commit(story);
    const struct agent_effect *events = story_next(story, AGENT_EFFECT_SEND_EVENTS);
    assert_int_equal(events->events.first, 1);
    assert_int_equal(events->events.count, AGENT_ACKNOWLEDGE_EVENTS);
    assert_int_equal(story_asked(story, PB__GUARD_REQUEST__BODY_ACKNOWLEDGED)->acknowledged->sequence, AGENT_ACKNOWLEDGE_EVENTS);
    story_spool(story, 7, 1, AGENT_ACKNOWLEDGE_EVENTS + 1, AGENT_ACKNOWLEDGE_EVENTS + 1, 60, false);
    story_commit(story);
    assert_null(story_asked(story, PB__GUARD_REQUEST__BODY_ACKNOWLEDGED)); // not woken for each
}

static void repeated_and_foreign_events_are_not_taken(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_spool(story, 7, 1, 1, 10, 50, false);
    story_spool(story, 7, 1, 5, 12, 50, false);
    assert_int_equal(COUNTER(story, events_repeated), 6);
    struct agent_input input = story_input(AGENT_INPUT_SPOOL, 7, 1);
    Pb__Event event = PB__EVENT__INIT;
    event.instance = 8;
    event.generation = 1;
    event.sequence = 13;
    const struct agent_spooled foreign = {&event, &event, 50};
    input.spool.events = &foreign;
    input.spool.count = 1;
    input.spool.offset = 1300;
    story_feed(story, &input);
    assert_int_equal(COUNTER(story, events_foreign), 1);
    story_commit(story);
    assert_int_equal(story->disk.size_count, 12);
    assert_int_equal(story->disk.rows[0].spool_sequence, 12);
    assert_int_equal(story->disk.rows[0].spool_offset, 1300);
}

static void frames_are_cut_by_number_and_by_size(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_skip(story);
    story_spool(story, 7, 1, 1, 300, 50, false);
    story_commit(story);
    assert_int_equal(story_next(story, AGENT_EFFECT_SEND_EVENTS)->events.count, EVENTS_PER_FRAME_MAX);
    assert_int_equal(story_next(story, AGENT_EFFECT_SEND_EVENTS)->events.count, 300 - EVENTS_PER_FRAME_MAX);
    story_spool(story, 7, 1, 301, 340, EVENT_MAX_BYTES, false);
    story_commit(story);
    assert_int_equal(story_next(story, AGENT_EFFECT_SEND_EVENTS)->events.count, AGENT_EVENTS_FRAME_BYTES / EVENT_MAX_BYTES);
}

static uint64_t send_all(struct story *story)
{
    uint64_t last = 0;
    const struct agent_effect *effect;
    while ((effect = story_next(story, AGENT_EFFECT_SEND_EVENTS))) {
        assert_true(last == 0 || effect->events.first == last + 1);
        last = effect->events.first + effect->events.count - 1;
    }
    return last;
}

static void the_window_bounds_what_is_not_acknowledged(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_skip(story);
    for (uint64_t i = 0; i < 30; i++)
        story_spool(story, 7, 1, i * 250 + 1, i * 250 + 250, 50, false);
    story_commit(story);
    assert_int_equal(send_all(story), AGENT_WINDOW_EVENTS);
    story_acknowledge(story, 1000);
    assert_int_equal(send_all(story), AGENT_WINDOW_EVENTS + 1000);
    story_acknowledge(story, AGENT_WINDOW_EVENTS + 1000);
    assert_int_equal(send_all(story), 7500);
}

static void no_more_frames_are_on_their_way_than_the_link_can_queue(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_skip(story);
    for (uint64_t i = 1; i <= 100; i++) {
        story_spool(story, 7, 1, i, i, 50, false);
        story_commit(story);
    }
    assert_int_equal(story_count(story, AGENT_EFFECT_SEND_EVENTS), AGENT_WINDOW_FRAMES);
    story_skip(story);
    story_acknowledge(story, 1);
    const struct agent_effect *events = story_next(story, AGENT_EFFECT_SEND_EVENTS);
    assert_int_equal(events->events.first, AGENT_WINDOW_FRAMES + 1);
    assert_int_equal(events->events.count, 100 - AGENT_WINDOW_FRAMES); // what waited goes in one frame
}

static void a_new_session_sends_again_what_was_not_seen(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_spool(story, 7, 1, 1, 20, 50, false);
    story_commit(story);
    story_acknowledge(story, 5);
    greet(story);
    story_spool(story, 7, 1, 21, 30, 50, false); // not committed yet
    story_skip(story);
    story_welcome(story, 12); // it had committed more than it could tell
    const struct agent_effect *events = story_next(story, AGENT_EFFECT_SEND_EVENTS);
    assert_int_equal(events->events.first, 13);
    assert_int_equal(events->events.count, 8);
    story_commit(story);
    assert_int_equal(story_next(story, AGENT_EFFECT_SEND_EVENTS)->events.first, 21);
    assert_int_equal(story->disk.facts.acknowledged, 12);
}

static void acknowledging_what_was_never_sent_ends_the_session(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_acknowledge(story, 1);
    assert_false(agent_core_is_live(story->core));
}

static void an_acknowledgement_of_another_epoch_is_stale(void **state)
{
    struct story *story = *state;
    Pb__EventsAcknowledged acknowledged = PB__EVENTS_ACKNOWLEDGED__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    story_live(story);
    acknowledged.epoch = arena_string(story->arena, STORY_FILE);
    acknowledged.last = 5;
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED;
    envelope.events_acknowledged = &acknowledged;
    story_message(story, &envelope);
    assert_true(agent_core_is_live(story->core));
    assert_int_equal(COUNTER(story, messages_stale), 1);
}

static void acknowledgements_alone_are_not_worth_a_sync(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_spool(story, 7, 1, 1, 2, 50, false);
    story_commit(story);
    story_acknowledge(story, 2);
    assert_true(story->batch.record_count > 0);
    assert_false(story->batch.urgent);
}

// ---- guards

static void a_guard_that_went_without_a_word_is_swept_then_reported(void **state)
{
    struct story *story = *state;
    struct agent_input gone = story_input(AGENT_INPUT_GUARD_GONE, 7, 1), swept = story_input(AGENT_INPUT_SWEPT, 7, 1);
    story_live(story);
    story_run(story, 7);
    story_spool(story, 7, 1, 1, 3, 50, false);
    gone.gone.why = "killed by signal 9";
    story_feed(story, &gone);
    assert_non_null(story_next(story, AGENT_EFFECT_SWEEP));
    assert_int_equal(appended(story, 0)->body_case, PB__EVENT__BODY_NOTE);
    swept.swept.killed = 2;
    story_feed(story, &swept);
    const Pb__Event *ended = appended(story, 0);
    assert_int_equal(ended->instance_ended->cause, PB__END_CAUSE__END_CAUSE_GUARD_LOST);
    assert_int_equal(ended->instance_ended->killed_processes, 2);
    assert_int_equal(ended->sequence, 4);
    assert_string_equal(ended->instance_ended->text, "killed by signal 9");
}

static void a_reboot_is_called_a_reboot(void **state)
{
    struct story *story = *state;
    struct agent_input gone = story_input(AGENT_INPUT_GUARD_GONE, 7, 1), swept = story_input(AGENT_INPUT_SWEPT, 7, 1);
    story_live(story);
    story_run(story, 7);
    story_commit(story);
    story_crash(story);
    gone.gone.rebooted = true;
    story_feed(story, &gone);
    story_feed(story, &swept);
    assert_int_equal(appended(story, 0)->instance_ended->cause, PB__END_CAUSE__END_CAUSE_REBOOT);
}

static void a_spawn_that_failed_is_refused(void **state)
{
    struct story *story = *state;
    struct agent_input failed = story_input(AGENT_INPUT_NOT_SPAWNED, 7, 1);
    story_live(story);
    story_initialize(story, 7, 1);
    story_commit(story);
    failed.gone.why = "no such program";
    story_feed(story, &failed);
    check_refused(story, "no such program");
}

static void discard(struct story *story, uint64_t instance)
{
    Pb__Discard message = PB__DISCARD__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    message.instance = instance;
    message.generation = 1;
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_DISCARD;
    envelope.discard = &message;
    story_message(story, &envelope);
}

static void a_discarded_instance_needs_no_uploads_to_be_forgotten(void **state)
{
    struct story *story = *state;
    struct agent_input gone = story_input(AGENT_INPUT_GUARD_GONE, 7, 1), swept = story_input(AGENT_INPUT_SWEPT, 7, 1);
    story_live(story);
    story_run(story, 7);
    discard(story, 7);
    assert_non_null(story_asked(story, PB__GUARD_REQUEST__BODY_DISCARD));
    story_spool(story, 7, 1, 1, 1, 50, true);
    story_commit(story);
    story_acknowledge(story, 1);
    story_feed(story, &gone);
    story_feed(story, &swept);
    story_commit(story);
    assert_non_null(story_next(story, AGENT_EFFECT_REMOVE_FOLDER));
}

static void a_discard_before_the_guard_answers_reaches_it_when_it_does(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_initialize(story, 7, 1);
    story_commit(story);
    discard(story, 7);
    assert_null(story_asked(story, PB__GUARD_REQUEST__BODY_DISCARD));
    story_attached(story, 7, 1, 1);
    assert_non_null(story_asked(story, PB__GUARD_REQUEST__BODY_DISCARD));
}

static void a_guard_that_is_attached_anew_says_what_it_missed(void **state)
{
    struct story *story = *state;
    struct agent_input detached = story_input(AGENT_INPUT_GUARD_DETACHED, 7, 1);
    story_live(story);
    story_run(story, 7);
    story_command(story, 7, 1, 2, PB__COMMAND__BODY_START);
    story_feed(story, &detached);
    story_command(story, 7, 1, 3, PB__COMMAND__BODY_START);
    story_skip(story);
    story_attached(story, 7, 1, 2);
    assert_int_equal(story_asked(story, PB__GUARD_REQUEST__BODY_COMMAND)->command->number, 3);
    assert_true(agent_core_is_live(story->core));
}

static void commands_that_a_guard_never_got_are_asked_for_again(void **state)
{
    struct story *story = *state;
    struct agent_input detached = story_input(AGENT_INPUT_GUARD_DETACHED, 7, 1), up = story_input(AGENT_INPUT_LINK_UP, 0, 0);
    story_live(story);
    story_run(story, 7);
    for (uint32_t number = 2; number <= 4; number++)
        story_command(story, 7, 1, number, PB__COMMAND__BODY_START);
    story_feed(story, &detached);
    story_attached(story, 7, 1, 2); // 3 and 4 were lost with the socket
    assert_false(agent_core_is_live(story->core));
    story_later(story, AGENT_BACKOFF_MOST_MS);
    story_feed(story, &up);
    assert_int_equal(story_sent(story, PB__ENVELOPE__BODY_HELLO)->hello->instances[0]->last_command, 2);
}

// ---- restarts

static void a_restart_loads_exactly_what_was_decided(void **state)
{
    struct story *story = *state;
    struct text before = {0}, after = {0};
    story_live(story);
    story_run(story, 7);
    story_run(story, 8);
    story_spool(story, 7, 1, 1, 10, 50, false);
    story_spool(story, 8, 1, 1, 3, 70, true);
    story_commit(story);
    story_acknowledge(story, 4);
    story_command(story, 7, 1, 2, PB__COMMAND__BODY_START);
    story_initialize(story, 9, 1);
    discard(story, 8);
    story_commit(story);
    agent_core_print(story->core, &before);
    story_crash(story);
    agent_core_print(story->core, &after);
    assert_string_equal(text_string(&before), text_string(&after));
    text_free(&before);
    text_free(&after);
}

static void the_first_hello_waits_for_the_guards_of_the_last_life(void **state)
{
    struct story *story = *state;
    struct agent_input up = story_input(AGENT_INPUT_LINK_UP, 0, 0);
    story_live(story);
    story_run(story, 7);
    story_commit(story);
    story_crash(story);
    assert_int_equal(story_next(story, AGENT_EFFECT_ADOPT)->instance, 7);
    story_catalogue(story);
    assert_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
    story_attached(story, 7, 1, 9);
    assert_non_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
    story_feed(story, &up);
    const Pb__Hello *hello = story_sent(story, PB__ENVELOPE__BODY_HELLO)->hello;
    assert_int_equal(hello->instances[0]->last_command, 9); // the guard knew better
}

static void a_guard_that_does_not_answer_delays_hello_only_for_a_while(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_commit(story);
    story_crash(story);
    story_catalogue(story);
    story_later(story, AGENT_ADOPTION_MS - 1);
    assert_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
    story_later(story, 1);
    assert_non_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
}

static void an_intent_without_a_guard_is_carried_out_after_a_restart(void **state)
{
    struct story *story = *state;
    struct agent_input never = story_input(AGENT_INPUT_NEVER_SPAWNED, 7, 1);
    story_live(story);
    story_initialize(story, 7, 1);
    story_commit(story);
    story_crash(story);
    story_catalogue(story);
    story_feed(story, &never);
    story_commit(story);
    assert_int_equal(story_next(story, AGENT_EFFECT_SPAWN)->instance, 7);
}

static void an_intent_waits_until_it_is_known_what_is_installed(void **state)
{
    struct story *story = *state;
    struct agent_input never = story_input(AGENT_INPUT_NEVER_SPAWNED, 7, 1);
    story_live(story);
    story_initialize(story, 7, 1);
    story_commit(story);
    story_crash(story);
    story_feed(story, &never);
    story_commit(story);
    assert_null(story_next(story, AGENT_EFFECT_SPAWN));
    story_catalogue(story);
    story_commit(story);
    assert_int_equal(story_next(story, AGENT_EFFECT_SPAWN)->instance, 7);
}

static void an_intent_whose_lease_has_passed_is_not(void **state)
{
    struct story *story = *state;
    struct agent_input never = story_input(AGENT_INPUT_NEVER_SPAWNED, 7, 1);
    story_live(story);
    story_initialize(story, 7, 1);
    story_commit(story);
    story->now_ns += 40000 * MS;
    story_crash(story);
    story_catalogue(story);
    story_feed(story, &never);
    check_refused(story, "lease had run out");
}

// ---- limits and determinism

static void tombstones_are_bounded_and_older_instances_stay_stale(void **state)
{
    struct story *story = *state;
    struct agent_tombstone *stones = ARENA_ARRAY(story->arena, struct agent_tombstone, AGENT_TOMBSTONES_MAX);
    for (size_t i = 0; i < AGENT_TOMBSTONES_MAX; i++)
        stones[i] = (struct agent_tombstone){100 + i, 1};
    agent_core_free(&story->core);
    Pb__Hello self = PB__HELLO__INIT;
    struct agent_input input = story_input(AGENT_INPUT_START, 0, 0);
    self.slots = 4;
    input.start.self = &self;
    input.start.port_first = 20000;
    input.start.port_count = story->port_count;
    input.start.tombstones = stones;
    input.start.tombstone_count = AGENT_TOMBSTONES_MAX;
    agent_output_clear(&story->batch);
    story->performed = 0;
    story->core = agent_core_new();
    story_feed(story, &input);
    story_live(story);
    Pb__Initialize *initialize = story_initialize_message(story);
    initialize->plugin = arena_string(story->arena, "other");
    initialize_with(story, 900000, initialize); // refused, so forgotten as soon as it is acknowledged
    story_commit(story);
    story_acknowledge(story, 2);
    bool dropped = false;
    for (size_t i = 0; i < story->batch.record_count; i++)
        dropped =
            dropped || (story->batch.records[i].kind == AGENT_RECORD_TOMBSTONE_DROP && story->batch.records[i].tombstone.instance == 100);
    assert_true(dropped);
    story_initialize(story, 100, 1);
    story_initialize(story, 50, 1);
    assert_int_equal(COUNTER(story, commands_stale), 2);
}

static void more_instances_than_the_table_takes_end_the_session(void **state)
{
    struct story *story = *state;
    story->slots = AGENT_INSTANCES_MAX * 2;
    story->port_count = 40000;
    story_crash(story);
    story_live(story);
    for (uint64_t instance = 1; instance <= AGENT_INSTANCES_MAX; instance++)
        story_initialize(story, instance, 1);
    assert_true(agent_core_is_live(story->core));
    story_initialize(story, AGENT_INSTANCES_MAX + 1, 1);
    assert_false(agent_core_is_live(story->core));
}

static void tell_a_story(struct story *story)
{
    story_live(story);
    story_run(story, 7);
    story_spool(story, 7, 1, 1, 300, 50, false);
    story_commit(story);
    lose(story);
    story_live(story);
    story_initialize(story, 8, 1);
    story_commit(story);
    story_later(story, 30000);
    end(story, 7, 1);
    story_commit(story);
}

static void the_same_inputs_give_the_same_outputs(void **state)
{
    struct story *first = *state, *second;
    void *other;
    story_begin(&other);
    second = other;
    tell_a_story(first);
    tell_a_story(second);
    assert_true(first->count > 20);
    assert_string_equal(text_string(&first->trace), text_string(&second->trace));
    story_end(&other);
}

static void an_outbox_of_fat_events_is_full_by_their_bytes(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    story_spool(story, 7, 1, 1, 7, AGENT_OUTBOX_MAX_BYTES / 8, false);
    story_commit(story);
    assert_true(agent_core_event_room(story->core) > 0);
    story_spool(story, 7, 1, 8, 8, AGENT_OUTBOX_MAX_BYTES / 8, false);
    story_commit(story);
    assert_int_equal(agent_core_event_room(story->core), 0);
    story_acknowledge(story, 1);
    assert_true(agent_core_event_room(story->core) > 0);
}

// ---- what is captured here

static const Pb__CaptureRead *read_a_capture(struct story *story, uint64_t session)
{
    Pb__ReadCapture read = PB__READ_CAPTURE__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    read.number = 5, read.instance = 7, read.generation = 1;
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_READ_CAPTURE;
    envelope.read_capture = &read;
    story_message(story, &envelope);
    const struct agent_effect *effect = story_next(story, AGENT_EFFECT_READ_CAPTURE);
    assert_int_equal(effect->capture.read->instance, 7);
    Pb__CaptureRead answer = PB__CAPTURE_READ__INIT;
    answer.number = effect->capture.read->number;
    struct agent_input input = story_input(AGENT_INPUT_CAPTURE, 0, 0);
    input.capture.session = session ? session : effect->capture.session;
    input.capture.read = &answer;
    story_feed(story, &input);
    const Pb__Envelope *sent = story_sent(story, PB__ENVELOPE__BODY_CAPTURE_READ);
    return sent ? sent->capture_read : NULL;
}

static void a_capture_is_read_for_who_is_still_there(void **state)
{
    struct story *story = *state;
    story_live(story);
    const Pb__CaptureRead *answer = read_a_capture(story, 0);
    assert_non_null(answer);
    assert_int_equal(answer->number, 5);
    story_skip(story);
    assert_null(read_a_capture(story, story->session + 1));
}

// ---- what would run here

static const Pb__PluginPlanned *plan(struct story *story, uint64_t session)
{
    char plugin[] = "nginx", text[] = "nginx -c WORK/nginx.conf";
    Pb__PlanPlugin asked = PB__PLAN_PLUGIN__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    asked.number = 9, asked.plugin = plugin;
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_PLAN_PLUGIN;
    envelope.plan_plugin = &asked;
    story_message(story, &envelope);
    const struct agent_effect *effect = story_next(story, AGENT_EFFECT_PLAN);
    assert_string_equal(effect->plan.plugin->plugin, "nginx");
    Pb__PluginPlanned answer = PB__PLUGIN_PLANNED__INIT;
    answer.number = effect->plan.plugin->number;
    answer.text = text;
    struct agent_input input = story_input(AGENT_INPUT_PLANNED, 0, 0);
    input.planned.session = session ? session : effect->plan.session;
    input.planned.answer = &answer;
    story_feed(story, &input);
    const Pb__Envelope *sent = story_sent(story, PB__ENVELOPE__BODY_PLUGIN_PLANNED);
    return sent ? sent->plugin_planned : NULL;
}

static void what_would_run_is_told_who_is_still_there(void **state)
{
    struct story *story = *state;
    story_live(story);
    const Pb__PluginPlanned *answer = plan(story, 0);
    assert_non_null(answer);
    assert_int_equal(answer->number, 9);
    assert_string_equal(answer->text, "nginx -c WORK/nginx.conf");
    story_skip(story);
    assert_null(plan(story, story->session + 1));
}

// ---- who is inside

static void send_shell(struct story *story, uint64_t instance)
{
    char by[] = "ann";
    Pb__ShellTurn turn = PB__SHELL_TURN__INIT;
    Pb__ShellCall call = PB__SHELL_CALL__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    turn.shell = 77;
    call.number = 5, call.instance = instance, call.generation = 1, call.by = by, call.turn = &turn;
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_SHELL_CALL;
    envelope.shell_call = &call;
    story_message(story, &envelope);
}

static void a_turn_of_a_shell_goes_to_its_guard_and_back(void **state)
{
    struct story *story = *state;
    story_live(story);
    send_shell(story, 7);
    const Pb__Envelope *sent = story_sent(story, PB__ENVELOPE__BODY_SHELL_ANSWER);
    assert_non_null(sent);
    assert_string_equal(sent->shell_answer->turned->refused, "it does not live any more");
    story_run(story, 7);
    story_skip(story);
    send_shell(story, 7);
    const struct agent_effect *effect = story_next(story, AGENT_EFFECT_GUARD);
    assert_int_equal(effect->request->body_case, PB__GUARD_REQUEST__BODY_SHELL);
    assert_int_equal(effect->request->shell->turn->shell, 77);
    Pb__ShellAnswer answer = PB__SHELL_ANSWER__INIT;
    answer.number = 5, answer.shell = 77;
    struct agent_input input = story_input(AGENT_INPUT_SHELL, 7, 1);
    input.shell.answer = &answer;
    story_feed(story, &input);
    sent = story_sent(story, PB__ENVELOPE__BODY_SHELL_ANSWER);
    assert_non_null(sent);
    assert_int_equal(sent->shell_answer->number, 5);
    struct agent_input detached = story_input(AGENT_INPUT_GUARD_DETACHED, 7, 1);
    story_feed(story, &detached);
    send_shell(story, 7);
    sent = story_sent(story, PB__ENVELOPE__BODY_SHELL_ANSWER);
    assert_null(sent->shell_answer->turned);
    assert_string_equal(sent->shell_answer->why, "its guard is not there");
}

static void an_agent_may_take_no_shells(void **state)
{
    struct story *story = *state;
    story->takes_no_shells = true;
    story_crash(story);
    story_live(story);
    story_run(story, 7);
    story_skip(story);
    send_shell(story, 7);
    const Pb__Envelope *sent = story_sent(story, PB__ENVELOPE__BODY_SHELL_ANSWER);
    assert_non_null(sent);
    assert_string_equal(sent->shell_answer->turned->refused, "this agent takes no shells (shells: false)");
}

// ---- what lives here

static void ask_what_lives(struct story *story, uint64_t number)
{
    Pb__Survey survey = PB__SURVEY__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    survey.number = number;
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_SURVEY;
    envelope.survey = &survey;
    story_message(story, &envelope);
}

// As the shell found it: a process of instance 7, one of an instance that was never here, one of none.
static const Pb__Surveyed *answer_what_lives(struct story *story, const struct agent_effect *asked)
{
    static char because[] = "of no instance";
    Pb__HostProcess own = PB__HOST_PROCESS__INIT, unknown = own, none = own, *all[] = {&own, &unknown, &none};
    own.pid = 100, own.instance = 7, own.generation = 1;
    unknown.pid = 101, unknown.instance = 9, unknown.generation = 1;
    none.pid = 102, none.stray = because;
    struct agent_input input = story_input(AGENT_INPUT_SURVEYED, 0, 0);
    input.survey.session = asked->survey.session;
    input.survey.number = asked->survey.number;
    input.survey.processes = all;
    input.survey.count = 3;
    story_feed(story, &input);
    const Pb__Envelope *sent = story_sent(story, PB__ENVELOPE__BODY_SURVEYED);
    return sent ? sent->surveyed : NULL;
}

static void it_says_what_lives_and_what_of_it_should_not(void **state)
{
    struct story *story = *state;
    story_live(story);
    story_run(story, 7);
    ask_what_lives(story, 5);
    const Pb__Surveyed *surveyed = answer_what_lives(story, story_next(story, AGENT_EFFECT_SURVEY));
    assert_int_equal(surveyed->number, 5);
    assert_int_equal(surveyed->n_processes, 3);
    assert_string_equal(surveyed->processes[0]->stray, "");
    assert_false(surveyed->processes[0]->ending);
    assert_string_equal(surveyed->processes[1]->stray, "this agent has no such instance");
    assert_string_equal(surveyed->processes[2]->stray, "of no instance");

    for (unsigned s = 0; s < 40; s += 5) { // the session lives, but the lease is not renewed
        story_later(story, 5000);
        story_acknowledge(story, 0);
    }
    ask_what_lives(story, 6);
    surveyed = answer_what_lives(story, story_next(story, AGENT_EFFECT_SURVEY));
    assert_non_null(strstr(surveyed->processes[0]->stray, "its lease ended"));
}

static void what_lives_is_told_to_who_asked_and_to_no_later_session(void **state)
{
    struct story *story = *state;
    story_live(story);
    ask_what_lives(story, 5);
    const struct agent_effect asked = *story_next(story, AGENT_EFFECT_SURVEY); // the list of effects moves when it grows
    lose(story);
    story_live(story);
    assert_null(answer_what_lives(story, &asked));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, story_begin, story_end)
    const struct CMUnitTest tests[] = {
        TEST(the_lifecycles_are_as_the_README_says),
        TEST(an_outbox_of_fat_events_is_full_by_their_bytes),
        TEST(a_capture_is_read_for_who_is_still_there),
        TEST(what_would_run_is_told_who_is_still_there),
        TEST(a_turn_of_a_shell_goes_to_its_guard_and_back),
        TEST(an_agent_may_take_no_shells),
        TEST(it_says_what_lives_and_what_of_it_should_not),
        TEST(what_lives_is_told_to_who_asked_and_to_no_later_session),
        TEST(waits_for_the_catalogue_before_it_connects),
        TEST(hello_says_what_is_held),
        TEST(backs_off_longer_each_time_with_jitter),
        TEST(gives_up_on_a_coordinator_that_does_not_answer_hello),
        TEST(stays_away_as_long_as_it_was_told),
        TEST(says_hello_again_when_its_session_is_unknown),
        TEST(messages_of_another_session_are_dropped),
        TEST(heartbeats_carry_the_last_complete_exchange),
        TEST(a_silent_coordinator_is_lost_after_a_while_but_not_after_two_seconds),
        TEST(an_impossible_message_ends_the_session_loudly),
        TEST(says_goodbye_and_stops),
        TEST(refuses_a_store_of_a_lower_incarnation),
        TEST(refuses_a_store_that_forgot_what_it_acknowledged),
        TEST(an_outbox_that_was_set_back_gets_a_new_epoch),
        TEST(another_store_ends_everything_of_the_old_one_first),
        TEST(nothing_is_spawned_before_its_intent_is_on_disk),
        TEST(a_repeated_initialize_does_not_start_a_second_one),
        TEST(commands_wait_for_the_guard_and_keep_their_order),
        TEST(cases_that_go_together_share_a_packet),
        TEST(a_case_of_its_own_is_a_command),
        TEST(a_command_out_of_order_ends_the_session),
        TEST(more_commands_than_can_wait_end_the_session),
        TEST(commands_for_unknown_instances_are_dropped),
        TEST(commands_that_cross_the_end_of_their_instance_are_dropped),
        TEST(a_late_command_of_a_forgotten_instance_starts_nothing),
        TEST(a_newer_generation_waits_until_the_older_has_ended),
        TEST(an_unknown_plugin_and_a_changed_one_are_refused),
        TEST(no_more_instances_than_slots),
        TEST(blocks_of_ports_are_exclusive_and_rest_before_they_are_used_again),
        TEST(a_catalogue_that_takes_longer_than_adoption_keeps_nobody_busy),
        TEST(no_free_ports_is_refused),
        TEST(a_full_disk_admits_nothing_and_reads_nothing),
        TEST(files_are_there_before_the_guard_is_spawned),
        TEST(a_file_that_cannot_be_had_refuses_the_instance),
        TEST(a_lease_that_runs_out_while_files_are_fetched_ends_it),
        TEST(a_grant_runs_from_the_echoed_stamp_not_from_its_arrival),
        TEST(a_grant_for_a_heartbeat_that_was_never_sent_extends_nothing),
        TEST(the_first_lease_runs_from_the_given_stamp_or_the_last_exchange),
        TEST(a_command_that_was_queued_longer_than_its_lease_starts_nothing),
        TEST(a_guard_that_outlives_its_lease_is_killed),
        TEST(events_are_sent_only_when_they_are_on_disk),
        TEST(repeated_and_foreign_events_are_not_taken),
        TEST(frames_are_cut_by_number_and_by_size),
        TEST(the_window_bounds_what_is_not_acknowledged),
        TEST(no_more_frames_are_on_their_way_than_the_link_can_queue),
        TEST(a_new_session_sends_again_what_was_not_seen),
        TEST(acknowledging_what_was_never_sent_ends_the_session),
        TEST(an_acknowledgement_of_another_epoch_is_stale),
        TEST(acknowledgements_alone_are_not_worth_a_sync),
        TEST(a_guard_that_went_without_a_word_is_swept_then_reported),
        TEST(a_reboot_is_called_a_reboot),
        TEST(a_spawn_that_failed_is_refused),
        TEST(a_discarded_instance_needs_no_uploads_to_be_forgotten),
        TEST(a_discard_before_the_guard_answers_reaches_it_when_it_does),
        TEST(a_guard_that_is_attached_anew_says_what_it_missed),
        TEST(commands_that_a_guard_never_got_are_asked_for_again),
        TEST(a_restart_loads_exactly_what_was_decided),
        TEST(the_first_hello_waits_for_the_guards_of_the_last_life),
        TEST(a_guard_that_does_not_answer_delays_hello_only_for_a_while),
        TEST(an_intent_without_a_guard_is_carried_out_after_a_restart),
        TEST(an_intent_waits_until_it_is_known_what_is_installed),
        TEST(an_intent_whose_lease_has_passed_is_not),
        TEST(tombstones_are_bounded_and_older_instances_stay_stale),
        TEST(more_instances_than_the_table_takes_end_the_session),
        TEST(the_same_inputs_give_the_same_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
