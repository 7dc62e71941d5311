// Content from a seed: the same for everybody, whole or in parts.
#include <panther/content.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

// The first outputs of splitmix64 for seed 0, as published with it; least significant byte first.
static void is_the_published_generator(void **state)
{
    (void)state;
    static const unsigned char expected[16] = {0xaf, 0xcd, 0x1d, 0x7b, 0x39, 0xa8, 0x20, 0xe2,
                                               0xf4, 0x65, 0xb9, 0xa1, 0x6a, 0x9e, 0x78, 0x6e};
    unsigned char content[16];
    panther_content(0, 0, content, sizeof(content));
    assert_memory_equal(content, expected, sizeof(expected));
}

static void any_part_is_a_part_of_the_whole(void **state)
{
    (void)state;
    unsigned char whole[100], part[100];
    panther_content(7, 0, whole, sizeof(whole));
    for (size_t offset = 0; offset < sizeof(whole); offset++)
        for (size_t bytes = 0; bytes <= sizeof(whole) - offset; bytes++) {
            panther_content(7, offset, part, bytes);
            assert_memory_equal(part, whole + offset, bytes);
        }
}

static void seeds_differ(void **state)
{
    (void)state;
    char first[PANTHER_HASH_TEXT_BYTES], second[PANTHER_HASH_TEXT_BYTES];
    panther_hash_content(1, 100000, first);
    panther_hash_content(2, 100000, second);
    assert_string_not_equal(first, second);
    panther_hash_content(1, 100001, second);
    assert_string_not_equal(first, second);
    panther_hash_content(1, 100000, second);
    assert_string_equal(first, second);
}

static void hashes_are_sha256(void **state)
{
    (void)state;
    char hash[PANTHER_HASH_TEXT_BYTES];
    panther_hash_content(1, 0, hash);
    assert_string_equal(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_published_generator),
        cmocka_unit_test(any_part_is_a_part_of_the_whole),
        cmocka_unit_test(seeds_differ),
        cmocka_unit_test(hashes_are_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
