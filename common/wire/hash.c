// BLAKE2b-256 in lower-case hex.
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

#include "common/base/error.h"
#include "common/wire/wire.h"

#define HASH_BYTES 32
static_assert(HASH_TEXT_BYTES == 2 * HASH_BYTES + 1, "two digits a byte and NUL");
static_assert(HASH_BYTES == crypto_generichash_BYTES, "libsodium's default BLAKE2b");

struct hasher {
    crypto_generichash_state state; // aligned to 64 by libsodium
};

// sodium_init chooses the code for this processor; without it the portable one runs at a third of the speed.
static void choose_code(void)
{
    static atomic_bool is_chosen;
    if (atomic_load(&is_chosen))
        return;
    if (sodium_init() < 0)
        PANIC("libsodium does not start");
    atomic_store(&is_chosen, true);
}

static void as_text(const uint8_t hash[HASH_BYTES], char text[HASH_TEXT_BYTES])
{
    sodium_bin2hex(text, HASH_TEXT_BYTES, hash, HASH_BYTES);
}

void hash_bytes(const void *data, size_t bytes, char text[HASH_TEXT_BYTES])
{
    uint8_t hash[HASH_BYTES];
    choose_code();
    crypto_generichash(hash, sizeof hash, data, bytes, NULL, 0);
    as_text(hash, text);
}

void hash_message(const void *message, char text[HASH_TEXT_BYTES])
{
    size_t bytes;
    CLEANUP_FREE uint8_t *packed = wire_pack(message, NULL, &bytes);
    hash_bytes(packed, bytes, text);
}

struct hasher *hasher_new(void)
{
    choose_code();
    struct hasher *hasher = aligned_alloc(_Alignof(struct hasher), sizeof *hasher);
    if (hasher == NULL)
        PANIC("out of memory: %zu bytes asked for", sizeof *hasher);
    crypto_generichash_init(&hasher->state, NULL, 0, HASH_BYTES);
    return hasher;
}

void hasher_add(struct hasher *hasher, const void *data, size_t bytes)
{
    crypto_generichash_update(&hasher->state, data, bytes);
}

void hasher_peek(const struct hasher *hasher, char text[HASH_TEXT_BYTES])
{
    struct hasher copy;
    uint8_t hash[HASH_BYTES];
    memcpy(&copy, hasher, sizeof copy);
    crypto_generichash_final(&copy.state, hash, sizeof hash);
    as_text(hash, text);
}

void hasher_end(struct hasher **hasher, char text[HASH_TEXT_BYTES])
{
    if (hasher == NULL || *hasher == NULL)
        return;
    if (text != NULL)
        hasher_peek(*hasher, text);
    free(*hasher);
    *hasher = NULL;
}
