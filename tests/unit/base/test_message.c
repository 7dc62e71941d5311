// Copy, compare and release of every message type there is: filled by descriptor, then changed field by field.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <protobuf-c/protobuf-c.h>

#include "common/base/memory.h"
#include "common/base/message.h"
#include "panther/v1/bulk.pb-c.h"
#include "panther/v1/envelope.pb-c.h"
#include "panther/v1/guard.pb-c.h"
#include "panther/v1/journal.pb-c.h"
#include "tests/messages/fill.h"

#define TYPES_MAX 300
#define CHOICES 24 // at least as many as the largest oneof has members

static const ProtobufCMessageDescriptor *const roots[] = {
    &pb__envelope__descriptor,     &pb__bulk_envelope__descriptor, &pb__guard_spec__descriptor,  &pb__guard_request__descriptor,
    &pb__guard_notice__descriptor, &pb__host_request__descriptor,  &pb__host_notice__descriptor, &pb__record__descriptor,
};
#define ROOTS (sizeof roots / sizeof *roots)

static void a_copy_is_equal_and_packs_to_the_same_bytes(void **state)
{
    (void)state;
    for (size_t root = 0; root < ROOTS; root++) {
        for (unsigned choice = 0; choice < CHOICES; choice++) {
            struct arena *arena = arena_new(0), *other = arena_new(0);
            ProtobufCMessage *message = message_fill(roots[root], choice, arena);
            size_t bytes = protobuf_c_message_get_packed_size(message);
            uint8_t *packed = arena_allocate(other, bytes), *again = arena_allocate(other, bytes);
            protobuf_c_message_pack(message, packed);
            void *heap_copy = message_copy(message, NULL);
            void *arena_copy = message_copy(message, other);
            assert_true(message_equal(message, heap_copy));
            arena_free(&arena); // the copies must not lean on it
            assert_int_equal(protobuf_c_message_get_packed_size(heap_copy), bytes);
            protobuf_c_message_pack(heap_copy, again);
            assert_memory_equal(packed, again, bytes);
            protobuf_c_message_pack(arena_copy, again);
            assert_memory_equal(packed, again, bytes);
            message_free(heap_copy);
            arena_free(&other);
        }
    }
}

struct change {
    const void *original, *copy;
    unsigned count;
};

static void change_field(ProtobufCMessage *owner, const ProtobufCFieldDescriptor *field, void *context)
{
    struct change *change = context;
    char *place = (char *)owner + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count, less;
        memcpy(&count, (char *)owner + field->quantifier_offset, sizeof count);
        less = count - 1;
        memcpy((char *)owner + field->quantifier_offset, &less, sizeof less);
        assert_false(message_equal(change->original, change->copy));
        memcpy((char *)owner + field->quantifier_offset, &count, sizeof count);
    } else if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE) {
        void *before, *after = NULL;
        memcpy(&before, place, sizeof before);
        memcpy(place, &after, sizeof after);
        assert_false(message_equal(change->original, change->copy));
        memcpy(place, &before, sizeof before);
    } else {
        place[0] ^= 1;
        assert_false(message_equal(change->original, change->copy));
        place[0] ^= 1;
    }
    change->count++;
}

static void a_change_of_any_field_is_seen(void **state)
{
    (void)state;
    unsigned changed = 0;
    for (size_t root = 0; root < ROOTS; root++) {
        for (unsigned choice = 0; choice < CHOICES; choice++) {
            struct arena *arena = arena_new(0);
            void *message = message_fill(roots[root], choice, arena);
            struct change change = {.original = message, .copy = message_copy(message, arena)};
            message_walk((void *)(uintptr_t)change.copy, change_field, &change);
            assert_true(message_equal(change.original, change.copy));
            changed += change.count;
            arena_free(&arena);
        }
    }
    assert_true(changed > 1000);
}

static void an_unset_string_equals_an_empty_one(void **state)
{
    (void)state;
    Pb__Note unset = PB__NOTE__INIT, null = PB__NOTE__INIT, empty = PB__NOTE__INIT;
    char nothing[] = "";
    null.text = NULL;
    empty.text = nothing;
    assert_true(message_equal(&unset, &null));
    assert_true(message_equal(&unset, &empty));
    Pb__Note *copy = MESSAGE_COPY(&null, NULL), *other = MESSAGE_COPY(&empty, NULL);
    assert_true(message_equal(copy, other));
    message_free(copy);
    message_free(other);
    message_free(NULL);
}

// The journal's fold is compared with the live state (P7): a zero that lost its sign on the way must not differ.
static void numbers_are_equal_when_they_read_back_as_such(void **state)
{
    (void)state;
    Pb__Metric zero = PB__METRIC__INIT, negative = PB__METRIC__INIT, nan = PB__METRIC__INIT;
    negative.value = -0.0;
    nan.value = NAN;
    assert_true(message_equal(&zero, &negative));
    assert_true(message_equal(&nan, &nan));
    assert_false(message_equal(&nan, &zero));
}

static void two_members_of_a_oneof_differ(void **state)
{
    (void)state;
    Pb__Start start = PB__START__INIT;
    Pb__Cleanup cleanup = PB__CLEANUP__INIT;
    Pb__Command left = PB__COMMAND__INIT, right = PB__COMMAND__INIT;
    left.body_case = PB__COMMAND__BODY_START;
    left.start = &start;
    right.body_case = PB__COMMAND__BODY_CLEANUP;
    right.cleanup = &cleanup;
    assert_false(message_equal(&left, &right));
    assert_false(message_equal(&left, &start));
    right.body_case = PB__COMMAND__BODY__NOT_SET;
    assert_false(message_equal(&left, &right));
}

static void fields_that_are_not_known_are_not_copied(void **state)
{
    (void)state;
    const uint8_t packed[] = {0x0a, 1, 'x', 0x7a, 2, 'n', 'o'}; // text "x", field 15
    Pb__Note *note = pb__note__unpack(NULL, sizeof packed, packed);
    assert_int_equal(note->base.n_unknown_fields, 1);
    Pb__Note *copy = MESSAGE_COPY(note, NULL);
    assert_int_equal(copy->base.n_unknown_fields, 0);
    assert_string_equal(copy->text, "x");
    message_free(copy);
    pb__note__free_unpacked(note, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_equal_and_packs_to_the_same_bytes),
        cmocka_unit_test(a_change_of_any_field_is_seen),
        cmocka_unit_test(an_unset_string_equals_an_empty_one),
        cmocka_unit_test(numbers_are_equal_when_they_read_back_as_such),
        cmocka_unit_test(two_members_of_a_oneof_differ),
        cmocka_unit_test(fields_that_are_not_known_are_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
