// From bytes to a message one may read: limits, versions, and which error is which.
#include "expect.h"

#include "common/base/limits.h"

static struct arena *arena;
static struct panther_error error;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(0);
    error = (struct panther_error){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static Pb__Envelope *send(const char *text)
{
    size_t bytes;
    uint8_t *packed = wire_pack(message_parse(&pb__envelope__descriptor, text, arena), arena, &bytes);
    error = (struct panther_error){0};
    return wire_envelope(packed, bytes, arena, &error);
}

static void neighbours_are_understood_and_others_named(void **state)
{
    (void)state;
    assert_non_null(send("version: 1 request { number: 1 get_status {} }"));
    assert_non_null(send("version: 2 request { number: 1 get_status {} }"));
    assert_null(send("version: 3 request { number: 1 get_status {} }"));
    assert_int_equal(error.code, PANTHER_EVERSION);
    assert_string_equal(error.message, "control frame has version 3; this is version 1 and talks with 1 to 2");
    assert_null(send("version: 4294967295 request { number: 1 get_status {} }"));
    assert_int_equal(error.code, PANTHER_EVERSION);
    assert_null(send("request { number: 1 get_status {} }"));
    assert_int_equal(error.code, PANTHER_EVERSION);
}

static void the_version_is_said_before_the_body_is_judged(void **state)
{
    (void)state;
    assert_null(send("version: 9"));
    assert_int_equal(error.code, PANTHER_EVERSION);
    assert_null(send("version: 1"));
    assert_int_equal(error.code, PANTHER_EPROTOCOL);
    assert_string_equal(error.message, "control frame is not valid: there is no body, or one of a newer version");
}

static void garbage_is_named_as_what_it_is(void **state)
{
    (void)state;
    assert_null(wire_envelope("\xff\xff\xff\xff", 4, arena, &error));
    assert_int_equal(error.code, PANTHER_EPROTOCOL);
    assert_string_equal(error.message, "control frame is not a Envelope message");
    assert_null(wire_envelope("", 0, arena, &error));
    assert_null(wire_envelope("\xff", 1, arena, NULL));
}

// Each of the ten calls has its limit, and says it before it reads a byte.
static void what_is_too_large_is_not_read(void **state)
{
    (void)state;
    static const uint8_t nothing[1];
    const size_t huge = (size_t)1 << 30; // not there: reading it would crash
#define TOO_LARGE(call)                                                                                                                    \
    do {                                                                                                                                   \
        error.code = 0;                                                                                                                    \
        assert_null(call(nothing, huge, arena, &error));                                                                                   \
        assert_int_equal(error.code, PANTHER_ELIMIT);                                                                                      \
    } while (0)
    TOO_LARGE(wire_envelope);
    TOO_LARGE(wire_bulk);
    TOO_LARGE(wire_guard_request);
    TOO_LARGE(wire_guard_notice);
    TOO_LARGE(wire_host_request);
    TOO_LARGE(wire_host_notice);
    TOO_LARGE(wire_event);
    TOO_LARGE(wire_record);
    TOO_LARGE(wire_guard_spec);
    TOO_LARGE(wire_description);
    assert_int_equal(arena_used_bytes(arena), 0);
}

static void guards_of_a_neighbour_version_are_understood(void **state)
{
    (void)state;
    size_t bytes;
    uint8_t *packed =
        wire_pack(message_parse(&pb__guard_request__descriptor, "attach { version: 2 agent: \"lab-a\" }", arena), arena, &bytes);
    assert_non_null(wire_guard_request(packed, bytes, arena, &error));
    packed = wire_pack(message_parse(&pb__guard_request__descriptor, "attach { version: 3 }", arena), arena, &bytes);
    assert_null(wire_guard_request(packed, bytes, arena, &error));
    assert_int_equal(error.code, PANTHER_EVERSION);
    packed =
        wire_pack(message_parse(&pb__guard_notice__descriptor, "state { version: 3 instance: 1 generation: 1 }", arena), arena, &bytes);
    assert_null(wire_guard_notice(packed, bytes, arena, &error));
    assert_int_equal(error.code, PANTHER_EVERSION);
    packed = wire_pack(message_parse(&pb__record__descriptor, "format: 7 run_ended { run: 1 }", arena), arena, &bytes);
    assert_null(wire_record(packed, bytes, arena, &error));
    assert_int_equal(error.code, PANTHER_EVERSION);
}

// ---- descriptions are believed by their hash

static const char description_text[] =
    "name: \"nginx\" kind: PLUGIN_KIND_IUT abi_major: 1 options { name: \"port\" type: OPTION_TYPE_INTEGER }";

static Pb__Envelope *descriptions(Pb__PluginDescription *description, char *hash)
{
    Pb__Envelope *envelope = message_parse(&pb__envelope__descriptor, "version: 1 session: 1 descriptions { descriptions {} }", arena);
    envelope->descriptions->descriptions[0]->description = description;
    envelope->descriptions->descriptions[0]->hash = hash;
    return envelope;
}

static void a_description_with_another_ones_hash_is_refused(void **state)
{
    (void)state;
    char hash[HASH_TEXT_BYTES];
    size_t bytes;
    Pb__PluginDescription *description = message_parse(&pb__plugin_description__descriptor, description_text, arena);
    hash_message(description, hash);
    uint8_t *packed = wire_pack(descriptions(description, hash), arena, &bytes);
    assert_non_null(wire_envelope(packed, bytes, arena, &error));
    hash[0] = hash[0] == '0' ? '1' : '0';
    packed = wire_pack(descriptions(description, hash), arena, &bytes);
    assert_null(wire_envelope(packed, bytes, arena, &error));
    assert_string_equal(error.message, "control frame is not valid: described.hash is not that of its description");
}

// A plugin of a newer ABI describes more than we know; its name is the hash of all of it.
static void a_newer_description_keeps_its_hash(void **state)
{
    (void)state;
    size_t bytes, new_bytes;
    char hash[HASH_TEXT_BYTES];
    uint8_t *known = wire_pack(message_parse(&pb__plugin_description__descriptor, description_text, arena), arena, &bytes);
    uint8_t *newer = arena_allocate(arena, bytes + 3);
    memcpy(newer, known, bytes);
    memcpy(newer + bytes, (const uint8_t[]){0xd0, 0x05, 7}, 3); // field 90
    new_bytes = bytes + 3;
    hash_bytes(newer, new_bytes, hash);
    Pb__PluginDescription *description = pb__plugin_description__unpack(NULL, new_bytes, newer);
    assert_int_equal(description->base.n_unknown_fields, 1);
    uint8_t *packed = wire_pack(descriptions(description, hash), arena, &bytes);
    Pb__Envelope *envelope = wire_envelope(packed, bytes, arena, &error);
    assert_non_null(envelope);
    assert_int_equal(envelope->descriptions->descriptions[0]->description->base.n_unknown_fields, 0);
    pb__plugin_description__free_unpacked(description, NULL);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(neighbours_are_understood_and_others_named),
        TEST(the_version_is_said_before_the_body_is_judged),
        TEST(garbage_is_named_as_what_it_is),
        TEST(what_is_too_large_is_not_read),
        TEST(guards_of_a_neighbour_version_are_understood),
        TEST(a_description_with_another_ones_hash_is_refused),
        TEST(a_newer_description_keeps_its_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
