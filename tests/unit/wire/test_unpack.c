// Unpacking what comes from outside: everything comes back as it was sent, and nothing that is sent takes more than the cap.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/wire/wire.h"
#include "tests/messages/fill.h"
#include "tests/messages/text_format.h"

#define CHOICES 24
#define TYPES_MAX 300

static const ProtobufCMessageDescriptor *const roots[] = {
    &pb__envelope__descriptor,
    &pb__bulk_envelope__descriptor,
    &pb__guard_request__descriptor,
    &pb__guard_notice__descriptor,
    &pb__host_request__descriptor,
    &pb__host_notice__descriptor,
    &pb__record__descriptor,
    &pb__event__descriptor,
    &pb__guard_spec__descriptor,
    &pb__guard_exit__descriptor,
    &pb__plugin_description__descriptor,
};
#define ROOTS (sizeof roots / sizeof *roots)

static void what_was_packed_comes_back(void **state)
{
    (void)state;
    for (size_t root = 0; root < ROOTS; root++) {
        for (unsigned choice = 0; choice < CHOICES; choice++) {
            struct arena *arena = arena_new(0);
            void *message = message_fill(roots[root], choice, arena);
            size_t bytes;
            uint8_t *packed = wire_pack(message, NULL, &bytes);
            assert_int_equal(bytes, wire_packed_bytes(message));
            void *again = wire_unpack(roots[root], packed, bytes, arena);
            memset(packed, 0, bytes); // the message must not lean on the frame
            free(packed);
            assert_non_null(again);
            assert_true(message_equal(message, again));
            arena_free(&arena);
        }
    }
}

static void a_frame_that_was_cut_or_changed_never_crashes(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t root = 0; root < ROOTS; root++) {
        for (unsigned choice = 0; choice < CHOICES; choice++) {
            struct arena *arena = arena_new(0);
            size_t bytes;
            uint8_t *packed = wire_pack(message_fill(roots[root], choice, arena), arena, &bytes);
            for (size_t cut = 0; cut < bytes; cut += 1 + cut / 40) {
                struct arena *small = arena_new(1 << 20);
                uint8_t *piece = memory_grow(NULL, cut + 1, 1); // its end is the sanitizer's
                memcpy(piece, packed, cut);
                seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
                if (cut > 0 && seed >> 63 == 1)
                    piece[(seed >> 33) % cut] ^= (uint8_t)(seed >> 20);
                wire_unpack(roots[root], piece, cut, small);
                free(piece);
                arena_free(&small);
            }
            arena_free(&arena);
        }
    }
}

// ---- bombs

static size_t put_varint(uint8_t *out, size_t number)
{
    size_t used = 0;
    for (; number >= 0x80; number >>= 7)
        out[used++] = (uint8_t)(number | 0x80);
    out[used++] = (uint8_t)number;
    return used;
}

// body, wrapped as field `id` (a message) of an outer one; returns the new size. `body` has room in front of it.
static uint8_t *wrap(uint8_t *body, size_t *bytes, unsigned id)
{
    uint8_t head[16];
    size_t used = put_varint(head, id << 3 | 2);
    used += put_varint(head + used, *bytes);
    memcpy(body - used, head, used);
    *bytes += used;
    return body - used;
}

#define BOMB_BYTES ((size_t)1 << 20)
#define ROOM 64

// version 1, reply { number 1, rows { the body } }
static uint8_t *bomb_in_rows(uint8_t *body, size_t *bytes)
{
    uint8_t *at = wrap(body, bytes, 4);
    *--at = 1, *--at = 0x08, *bytes += 2;
    at = wrap(at, bytes, 18);
    *--at = 1, *--at = 0x08, *bytes += 2;
    return at;
}

static void expect_refused_within_the_cap(const uint8_t pattern[2])
{
    uint8_t *memory = memory_grow(NULL, BOMB_BYTES + ROOM, 1);
    uint8_t *body = memory + ROOM;
    for (size_t i = 0; i < BOMB_BYTES; i++)
        body[i] = pattern[i % 2];
    size_t bytes = BOMB_BYTES;
    const uint8_t *frame = bomb_in_rows(body, &bytes);
    struct arena *arena = arena_new(0);
    struct panther_error error = {0};
    assert_null(wire_envelope(frame, bytes, arena, &error));
    assert_int_equal(error.code, PANTHER_ELIMIT);
    assert_true(arena_used_bytes(arena) <= UNPACK_MAX_BYTES + 4096);
    arena_free(&arena);
    // an arena's own cap strikes as well
    arena = arena_new(100000);
    assert_null(wire_unpack(&pb__envelope__descriptor, frame, bytes, arena));
    assert_true(arena_used_bytes(arena) <= 100000);
    arena_free(&arena);
    free(memory);
}

static void a_megabyte_of_empty_messages_is_refused_within_the_cap(void **state)
{
    (void)state;
    expect_refused_within_the_cap((const uint8_t[]){2 << 3 | 2, 0}); // rows.rows {}
}

static void a_megabyte_of_unknown_fields_is_refused_within_the_cap(void **state)
{
    (void)state;
    expect_refused_within_the_cap((const uint8_t[]){15 << 3, 1});
}

static void one_message_sent_again_and_again_is_merged_within_the_cap(void **state)
{
    (void)state;
    // reply { number 1 status {} status {} ... }: protobuf merges what is repeated against the rules
    uint8_t *memory = memory_grow(NULL, BOMB_BYTES + ROOM, 1), *body = memory + ROOM;
    for (size_t i = 0; i < BOMB_BYTES; i += 2) {
        body[i] = 7 << 3 | 2;
        body[i + 1] = 0;
    }
    size_t bytes = BOMB_BYTES;
    uint8_t *frame = wrap(body, &bytes, 18);
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    wire_unpack(&pb__envelope__descriptor, frame, bytes, arena);
    assert_true(arena_used_bytes(arena) <= UNPACK_MAX_BYTES);
    arena_free(&arena);
    free(memory);
}

static void the_largest_frames_that_are_meant_fit(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct panther_error error = {0};
    Pb__Envelope *submit =
        message_parse(&pb__envelope__descriptor, "version: 1 request { number: 1 submit { text: \"a\"*1048576 } }", arena);
    size_t bytes;
    uint8_t *packed = wire_pack(submit, arena, &bytes);
    assert_non_null(wire_envelope(packed, bytes, arena, &error));
    // a full page of a table: 4 MB of short cells
    Pb__Row *row = message_parse(
        &pb__row__descriptor,
        "values: \"r142/load/nginx,20ms/2\" values: \"throughput\" values: \"pass\" values: \"\" values: \"1234\" values: \"17\"", arena);
    size_t count = (CONTROL_FRAME_MAX_BYTES - 1000) / (wire_packed_bytes(row) + 3);
    Pb__Envelope *page = message_parse(
        &pb__envelope__descriptor,
        "version: 1 reply { number: 1 rows { columns: \"a\" columns: \"b\" columns: \"c\" columns: \"d\" columns: \"e\" columns: \"f\" } }",
        arena);
    page->reply->rows->rows = ARENA_ARRAY(arena, Pb__Row *, count);
    page->reply->rows->n_rows = count;
    for (size_t i = 0; i < count; i++)
        page->reply->rows->rows[i] = row;
    packed = wire_pack(page, arena, &bytes);
    assert_true(bytes <= CONTROL_FRAME_MAX_BYTES && bytes > CONTROL_FRAME_MAX_BYTES - 200000);
    if (wire_envelope(packed, bytes, arena, &error) == NULL)
        fail_msg("%s", error.message);
    arena_free(&arena);
}

// ---- unknown fields

static void count_unknown(ProtobufCMessage *owner, const ProtobufCFieldDescriptor *field, void *context)
{
    (void)field;
    *(size_t *)context += owner->n_unknown_fields;
}

static void fields_of_a_newer_version_are_dropped_everywhere(void **state)
{
    (void)state;
    // commands { commands { instance 1, run_case { name "x", field 90 "new" }, field 91 1 } field 92 1 }, field 93 1
    const uint8_t frame[] = {0x52, 24,  0x0a, 19,   0x08, 1,    0x32, 9, 0x0a, 1,    'x', 0xd2, 0x05, 3, 'n',
                             'e',  'w', 0xd8, 0x05, 1,    0xd8, 0x05, 1, 0xe0, 0x05, 1,   0xe8, 0x05, 1};
    struct arena *arena = arena_new(0);
    Pb__Envelope *envelope = wire_unpack(&pb__envelope__descriptor, frame, sizeof frame, arena);
    assert_non_null(envelope);
    assert_string_equal(envelope->commands->commands[0]->run_case->name, "x");
    size_t unknown = envelope->base.n_unknown_fields;
    message_walk(envelope, count_unknown, &unknown);
    assert_int_equal(unknown, 0);
    size_t bytes;
    wire_pack(envelope, arena, &bytes);
    assert_true(bytes < sizeof frame);
    arena_free(&arena);
}

// ---- recursion

// Depth of the deepest nesting below a type, or -1 when a type is inside itself.
static int depth_of(const ProtobufCMessageDescriptor *type, const ProtobufCMessageDescriptor **path, int length)
{
    int deepest = 0;
    for (int i = 0; i < length; i++) {
        if (path[i] == type)
            return -1;
    }
    assert_true(length < 64);
    path[length] = type;
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (type->fields[i].type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        int depth = depth_of(type->fields[i].descriptor, path, length + 1);
        if (depth < 0)
            return -1;
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

static void no_message_is_inside_itself(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *path[64];
    for (size_t root = 0; root < ROOTS; root++) {
        int depth = depth_of(roots[root], path, 0);
        if (depth < 0)
            fail_msg("%s is recursive: 74 kB of nesting would crash the unpacker", roots[root]->name);
        assert_in_range(depth, 1, 10); // protobuf-c unpacks by recursion: so deep, and no deeper
    }
    const ProtobufCMessageDescriptor *types[TYPES_MAX];
    assert_true(message_types(&pb__envelope__descriptor, types, TYPES_MAX) > 50);
}

static void the_search_for_recursion_finds_one(void **state)
{
    (void)state;
    static ProtobufCMessageDescriptor inner, outer;
    static ProtobufCFieldDescriptor to_outer = {.type = PROTOBUF_C_TYPE_MESSAGE, .descriptor = &outer};
    static ProtobufCFieldDescriptor to_inner = {.type = PROTOBUF_C_TYPE_MESSAGE, .descriptor = &inner};
    const ProtobufCMessageDescriptor *path[64];
    outer.n_fields = inner.n_fields = 1;
    outer.fields = &to_inner;
    inner.fields = &to_outer;
    assert_int_equal(depth_of(&outer, path, 0), -1);
    inner.n_fields = 0;
    assert_int_equal(depth_of(&outer, path, 0), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_back),
        cmocka_unit_test(a_frame_that_was_cut_or_changed_never_crashes),
        cmocka_unit_test(a_megabyte_of_empty_messages_is_refused_within_the_cap),
        cmocka_unit_test(a_megabyte_of_unknown_fields_is_refused_within_the_cap),
        cmocka_unit_test(one_message_sent_again_and_again_is_merged_within_the_cap),
        cmocka_unit_test(the_largest_frames_that_are_meant_fit),
        cmocka_unit_test(fields_of_a_newer_version_are_dropped_everywhere),
        cmocka_unit_test(no_message_is_inside_itself),
        cmocka_unit_test(the_search_for_recursion_finds_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
