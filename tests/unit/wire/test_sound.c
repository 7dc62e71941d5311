// What every check asks first, tried on every field of every message: holes, unknown enum values, endless lists, no body.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/check.h"
#include "tests/messages/fill.h"

#define CHOICES 24

static const ProtobufCMessageDescriptor *const roots[] = {
    &pb__envelope__descriptor,     &pb__bulk_envelope__descriptor, &pb__guard_request__descriptor, &pb__guard_notice__descriptor,
    &pb__host_request__descriptor, &pb__host_notice__descriptor,   &pb__record__descriptor,
};
#define ROOTS (sizeof roots / sizeof *roots)

struct attempt {
    const void *message;
    unsigned enums, holes, lists, bodies;
};

static void try_enum(ProtobufCMessage *owner, const ProtobufCFieldDescriptor *field, struct attempt *attempt)
{
    int *place = (int *)((char *)owner + field->offset);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        place = *(int **)(void *)place;
    int before = *place;
    *place = 9999;
    assert_string_equal(unsound(attempt->message), "a value of an enum is not known");
    *place = -1;
    assert_non_null(unsound(attempt->message));
    *place = before;
    attempt->enums++;
}

static void try_list(ProtobufCMessage *owner, const ProtobufCFieldDescriptor *field, struct attempt *attempt)
{
    size_t *count = (size_t *)((char *)owner + field->quantifier_offset), before = *count;
    *count = LIST_MAX + 1;
    assert_string_equal(unsound(attempt->message), "a list is too long");
    *count = before;
    attempt->lists++;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING)
        return;
    void **items = *(void ***)((char *)owner + field->offset), *item = items[1];
    items[1] = NULL;
    assert_string_equal(unsound(attempt->message), "a list has a hole");
    items[1] = item;
    attempt->holes++;
}

static void try_body(ProtobufCMessage *owner, const ProtobufCFieldDescriptor *field, struct attempt *attempt)
{
    uint32_t *chosen = (uint32_t *)((char *)owner + field->quantifier_offset);
    void **place = (void **)((char *)owner + field->offset), *body = *place;
    *place = NULL;
    assert_string_equal(unsound(attempt->message), "the body is missing");
    *place = body;
    *chosen = 0;
    assert_string_equal(unsound(attempt->message), "there is no body, or one of a newer version");
    *chosen = field->id;
    attempt->bodies++;
}

static void try_field(ProtobufCMessage *owner, const ProtobufCFieldDescriptor *field, void *context)
{
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        try_enum(owner, field, context);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        try_list(owner, field, context);
    else if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        try_body(owner, field, context);
}

static void what_is_wrong_anywhere_is_found(void **state)
{
    (void)state;
    struct attempt attempt = {0};
    for (size_t root = 0; root < ROOTS; root++) {
        for (unsigned choice = 0; choice < CHOICES; choice++) {
            struct arena *arena = arena_new(0);
            void *message = message_fill(roots[root], choice, arena);
            assert_null(unsound(message));
            attempt.message = message;
            message_walk(message, try_field, &attempt);
            assert_null(unsound(message));
            arena_free(&arena);
        }
    }
    assert_true(attempt.enums > 80 && attempt.holes > 100 && attempt.lists > 100 && attempt.bodies > 100);
}

// No check may follow a pointer that need not be there.
static void checks_live_with_bare_messages(void **state)
{
    (void)state;
    for (size_t root = 0; root < 2; root++) {
        for (unsigned i = 0; i < roots[root]->n_fields; i++) {
            const ProtobufCFieldDescriptor *field = &roots[root]->fields[i];
            if (field->type != PROTOBUF_C_TYPE_MESSAGE)
                continue;
            struct arena *arena = arena_new(0);
            char *message = arena_allocate(arena, roots[root]->sizeof_message);
            ProtobufCMessage *body = arena_allocate(arena, ((const ProtobufCMessageDescriptor *)field->descriptor)->sizeof_message);
            protobuf_c_message_init(roots[root], message);
            protobuf_c_message_init(field->descriptor, body);
            memcpy(message + field->quantifier_offset, &field->id, sizeof field->id);
            memcpy(message + field->offset, &body, sizeof body);
            if (root == 0)
                envelope_invalid((Pb__Envelope *)(void *)message);
            else
                bulk_envelope_invalid((Pb__BulkEnvelope *)(void *)message);
            arena_free(&arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_anywhere_is_found),
        cmocka_unit_test(checks_live_with_bare_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
