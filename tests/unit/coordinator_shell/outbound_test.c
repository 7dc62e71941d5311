// What may be said only after a commit: nothing leaves before its batch is on the disk, nothing overtakes what it may not overtake.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

#include "common/base/limits.h"
#include "common/wire/wire.h"
#include "coordinator/shell/outbound.h"

#define AGENT 7
#define OTHER 8

struct story {
    struct outbound *outbound;
    struct arena *arena;
    struct core_effects effects;
};

static int begin(void **state)
{
    struct story *story = NEW(struct story);
    story->outbound = outbound_new();
    story->arena = arena_new(0);
    *state = story;
    return 0;
}

static int end(void **state)
{
    struct story *story = *state;
    outbound_free(&story->outbound);
    arena_free(&story->arena);
    free(story->effects.sends);
    free(story->effects.records);
    free(story->effects.closed);
    free(story->effects.tickets);
    free(story);
    return 0;
}

static struct core_send *say(struct story *story, uint64_t route, Pb__Envelope__BodyCase body)
{
    struct core_effects *effects = &story->effects;
    Pb__Envelope *envelope = ARENA_NEW(story->arena, Pb__Envelope);
    pb__envelope__init(envelope);
    envelope->version = PROTOCOL_VERSION;
    envelope->body_case = body;
    if (body == PB__ENVELOPE__BODY_WELCOME) {
        envelope->welcome = ARENA_NEW(story->arena, Pb__Welcome);
        pb__welcome__init(envelope->welcome);
    } else if (body == PB__ENVELOPE__BODY_COMMANDS) {
        envelope->commands = ARENA_NEW(story->arena, Pb__Commands);
        pb__commands__init(envelope->commands);
    } else {
        assert_int_equal(body, PB__ENVELOPE__BODY_REPLY);
        envelope->reply = ARENA_NEW(story->arena, Pb__Reply);
        pb__reply__init(envelope->reply);
    }
    APPEND(effects->sends, effects->send_count, effects->send_capacity) = (struct core_send){.route = route, .envelope = envelope};
    return &effects->sends[effects->send_count - 1];
}

// As the reactor does it: what leads is noted, then all of it is held.
static void hold(struct story *story, uint64_t number)
{
    struct core_effects *effects = &story->effects;
    for (size_t i = 0; i < effects->send_count; i++) {
        if (!effects->sends[i].urgent && outbound_leads(&effects->sends[i])) {
            outbound_note(story->outbound, effects->sends[i].route);
        }
    }
    outbound_hold(story->outbound, effects, number);
    effects->send_count = effects->record_count = effects->closed_count = effects->ticket_count = 0;
}

static uint64_t released(struct story *story, uint64_t committed)
{
    struct outbound_batch *batch = outbound_next(story->outbound, committed);
    uint64_t number = batch ? batch->number : UINT64_MAX;
    outbound_batch_free(&batch);
    return number;
}

#define NOTHING UINT64_MAX

static void nothing_leaves_before_its_commit(void **state)
{
    struct story *story = *state;
    say(story, AGENT, PB__ENVELOPE__BODY_REPLY);
    hold(story, 4);
    assert_int_equal(released(story, 0), NOTHING);
    assert_int_equal(released(story, 3), NOTHING);
    assert_int_equal(outbound_count(story->outbound), 1);
    assert_int_equal(released(story, 4), 4);
    assert_int_equal(released(story, 4), NOTHING);
    assert_int_equal(outbound_count(story->outbound), 0);
}

static void batches_leave_in_order(void **state)
{
    struct story *story = *state;
    for (uint64_t number = 1; number <= 3; number++) {
        say(story, AGENT, PB__ENVELOPE__BODY_REPLY);
        hold(story, number);
    }
    assert_int_equal(released(story, 2), 1);
    assert_int_equal(released(story, 2), 2);
    assert_int_equal(released(story, 2), NOTHING);
    assert_int_equal(released(story, 3), 3);
}

// Without records of its own it still tells of what was decided before it.
static void what_has_no_records_waits_for_those_before_it(void **state)
{
    struct story *story = *state;
    say(story, AGENT, PB__ENVELOPE__BODY_REPLY);
    hold(story, 1);
    say(story, OTHER, PB__ENVELOPE__BODY_REPLY);
    hold(story, 0);
    assert_int_equal(released(story, 0), NOTHING);
    assert_int_equal(released(story, 1), 1);
    assert_int_equal(released(story, 1), 0);
}

// A round that only answered heartbeats: while the disk is full there are many of them.
static void where_all_is_urgent_nothing_is_held(void **state)
{
    struct story *story = *state;
    say(story, AGENT, PB__ENVELOPE__BODY_REPLY)->urgent = true;
    hold(story, 0);
    assert_int_equal(outbound_count(story->outbound), 0);
}

static void the_urgent_is_not_said_twice(void **state)
{
    struct story *story = *state;
    say(story, AGENT, PB__ENVELOPE__BODY_REPLY)->urgent = true;
    say(story, OTHER, PB__ENVELOPE__BODY_REPLY);
    hold(story, 1);
    struct outbound_batch *batch = outbound_next(story->outbound, 1);
    assert_non_null(batch);
    assert_int_equal(batch->message_count, 1);
    assert_int_equal(batch->messages[0].route, OTHER);
    outbound_batch_free(&batch);
}

static void commands_stay_behind_welcome_and_commands(void **state)
{
    struct story *story = *state;
    say(story, AGENT, PB__ENVELOPE__BODY_WELCOME);
    hold(story, 1);
    say(story, AGENT, PB__ENVELOPE__BODY_COMMANDS);
    hold(story, 2);
    assert_true(outbound_holds_back(story->outbound, AGENT));
    assert_false(outbound_holds_back(story->outbound, OTHER));
    assert_int_equal(released(story, 1), 1);
    assert_true(outbound_holds_back(story->outbound, AGENT));
    assert_int_equal(released(story, 2), 2);
    assert_false(outbound_holds_back(story->outbound, AGENT));
}

static void replies_hold_nothing_back(void **state)
{
    struct story *story = *state;
    say(story, AGENT, PB__ENVELOPE__BODY_REPLY);
    hold(story, 1);
    assert_false(outbound_holds_back(story->outbound, AGENT));
}

static void add_key_record(struct story *story, Pb__Record__BodyCase body)
{
    struct core_effects *effects = &story->effects;
    Pb__Record *record = ARENA_NEW(story->arena, Pb__Record);
    pb__record__init(record);
    record->body_case = body;
    if (body == PB__RECORD__BODY_KEY_ADDED) {
        record->key_added = ARENA_NEW(story->arena, Pb__KeyRecord);
        pb__key_record__init(record->key_added);
        record->key_added->name = arena_string(story->arena, "lab-a");
        record->key_added->public_key = arena_string(story->arena, "key of lab-a");
    } else {
        record->key_revoked = ARENA_NEW(story->arena, Pb__KeyRevokedRecord);
        pb__key_revoked_record__init(record->key_revoked);
        record->key_revoked->name = arena_string(story->arena, "lab-a");
        record->key_revoked->public_key = arena_string(story->arena, "key of lab-a");
    }
    APPEND(effects->records, effects->record_count, effects->record_capacity) = record;
}

static void keys_tickets_and_closing_wait_too(void **state)
{
    struct story *story = *state;
    struct core_effects *effects = &story->effects;
    add_key_record(story, PB__RECORD__BODY_KEY_ADDED);
    add_key_record(story, PB__RECORD__BODY_KEY_REVOKED);
    APPEND(effects->closed, effects->closed_count, effects->closed_capacity) = AGENT;
    APPEND(effects->tickets, effects->ticket_count, effects->ticket_capacity) = 12;
    hold(story, 1);
    assert_null(outbound_next(story->outbound, 0));
    struct outbound_batch *batch = outbound_next(story->outbound, 1);
    assert_non_null(batch);
    assert_int_equal(batch->key_count, 2);
    assert_true(batch->keys[0].is_added);
    assert_string_equal(batch->keys[0].public_key, "key of lab-a");
    assert_string_equal(batch->keys[0].name, "lab-a");
    assert_false(batch->keys[1].is_added);
    assert_int_equal(batch->closed_count, 1);
    assert_int_equal(batch->closed[0], AGENT);
    assert_int_equal(batch->ticket_count, 1);
    assert_int_equal(batch->tickets[0], 12);
    outbound_batch_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_leaves_before_its_commit, begin, end),
        cmocka_unit_test_setup_teardown(batches_leave_in_order, begin, end),
        cmocka_unit_test_setup_teardown(what_has_no_records_waits_for_those_before_it, begin, end),
        cmocka_unit_test_setup_teardown(where_all_is_urgent_nothing_is_held, begin, end),
        cmocka_unit_test_setup_teardown(the_urgent_is_not_said_twice, begin, end),
        cmocka_unit_test_setup_teardown(commands_stay_behind_welcome_and_commands, begin, end),
        cmocka_unit_test_setup_teardown(replies_hold_nothing_back, begin, end),
        cmocka_unit_test_setup_teardown(keys_tickets_and_closing_wait_too, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
