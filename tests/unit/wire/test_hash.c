// BLAKE2b-256: the same text for bytes, for a message and bit by bit, and the same as everybody else's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/wire.h"
#include "tests/messages/text_format.h"

static void it_is_blake2b_256(void **state)
{
    (void)state;
    char text[HASH_TEXT_BYTES];
    hash_bytes("", 0, text); // printf '' | b2sum -l 256
    assert_string_equal(text, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    hash_bytes("abc", 3, text);
    assert_string_equal(text, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static void bit_by_bit_is_the_same(void **state)
{
    (void)state;
    char data[5000], whole[HASH_TEXT_BYTES], parts[HASH_TEXT_BYTES], so_far[HASH_TEXT_BYTES];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 31);
    for (size_t step = 1; step < 700; step += 101) {
        struct hasher *hasher = hasher_new();
        for (size_t at = 0; at < sizeof data; at += step) {
            hasher_peek(hasher, so_far);
            hash_bytes(data, at, whole);
            assert_string_equal(so_far, whole);
            hasher_add(hasher, data + at, at + step < sizeof data ? step : sizeof data - at);
        }
        hash_bytes(data, sizeof data, whole);
        hasher_end(&hasher, parts);
        assert_null(hasher);
        assert_string_equal(parts, whole);
    }
    struct hasher *dropped = hasher_new();
    hasher_end(&dropped, NULL);
    hasher_end(&dropped, NULL);
    hasher_end(NULL, NULL);
}

static void a_message_hashes_as_its_packed_bytes(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    Pb__Note *note = message_parse(&pb__note__descriptor, "text: \"hello\"", arena);
    size_t bytes;
    uint8_t *packed = wire_pack(note, arena, &bytes);
    char one[HASH_TEXT_BYTES], other[HASH_TEXT_BYTES];
    hash_message(note, one);
    hash_bytes(packed, bytes, other);
    assert_string_equal(one, other);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_blake2b_256),
        cmocka_unit_test(bit_by_bit_is_the_same),
        cmocka_unit_test(a_message_hashes_as_its_packed_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
