// Cases about bodies in blocks, RFC 7959.
#include "cases.h"

#include <panther/content.h>

#include <string.h>

#define BODY_BYTES 3000 // three blocks of 1024 bytes, the last one not full

static uint8_t body[BODY_BYTES], got[BODY_BYTES];

static uint32_t block_value(uint32_t number, bool more, unsigned size_exponent)
{
    return number << 4 | (more ? 8 : 0) | size_exponent;
}

static size_t block_bytes(unsigned size_exponent)
{
    return (size_t)16 << size_exponent;
}

// Sends the body in blocks of this size. The server may ask for smaller ones (2.3); they are offered from where they fit.
static bool put_blocks(struct coap *coap, const char *path, unsigned exponent)
{
    for (size_t at = 0; at < BODY_BYTES;) {
        struct coap_out out;
        uint32_t answered;
        size_t size = block_bytes(exponent), left = BODY_BYTES - at, sent = left < size ? left : size;
        uint32_t number = (uint32_t)(at / size);
        coap_begin_request(coap, &out, COAP_CON, COAP_PUT);
        coap_put_path(&out, path);
        coap_put_number(&out, COAP_CONTENT_FORMAT, 42); // octets
        coap_put_number(&out, COAP_BLOCK1, block_value(number, left > size, exponent));
        coap_put_payload(&out, body + at, sent);
        if (!coap_request(coap, &out))
            return false;
        unsigned code = coap->reply.code;
        at += sent;
        if (at == BODY_BYTES)
            return code == COAP_CREATED || code == COAP_CHANGED ||
                   coap_differs(coap, "the last block was answered with %s instead of 2.01 or 2.04", coap_code_text(coap, code));
        if (code != COAP_CONTINUE)
            return coap_differs(coap, "block %u was answered with %s instead of 2.31", (unsigned)number, coap_code_text(coap, code));
        if (!coap_number(&coap->reply, COAP_BLOCK1, &answered))
            return coap_violates(coap, "2.31 came without Block1");
        if (answered >> 4 != number)
            return coap_violates(coap, "the answer to block %u is about block %u", (unsigned)number, (unsigned)(answered >> 4));
        if ((answered & 7) < exponent && at % block_bytes(answered & 7) == 0)
            exponent = answered & 7;
    }
    return false;
}

static bool is_block(struct coap *coap, size_t at, unsigned exponent, uint32_t *block)
{
    const struct coap_message *reply = &coap->reply;
    if (!coap_has_code(coap, COAP_CONTENT))
        return false;
    if (!coap_number(reply, COAP_BLOCK2, block))
        return coap_violates(coap, "a body of %d bytes was asked for in blocks of %zu and came without Block2", BODY_BYTES,
                             block_bytes(exponent));
    size_t size = block_bytes(*block & 7);
    if ((*block & 7) > exponent)
        return coap_violates(coap, "a block of %zu bytes came instead of %zu at most (2.4)", size, block_bytes(exponent));
    if ((size_t)(*block >> 4) * size != at)
        return coap_violates(coap, "block %u of %zu bytes came instead of byte %zu", (unsigned)(*block >> 4), size, at);
    if ((*block & 8) ? reply->payload_size != size : reply->payload_size > size)
        return coap_violates(coap, "%zu bytes came in a block of %zu (2.2)", reply->payload_size, size);
    if (at + reply->payload_size > BODY_BYTES)
        return coap_differs(coap, "more than the %d bytes that were stored came", BODY_BYTES);
    return true;
}

static bool get_blocks(struct coap *coap, const char *path, unsigned exponent)
{
    uint32_t block = 8;
    for (size_t at = 0; block & 8; at += coap->reply.payload_size) {
        struct coap_out out;
        coap_begin_request(coap, &out, COAP_CON, COAP_GET);
        coap_put_path(&out, path);
        coap_put_number(&out, COAP_BLOCK2, block_value((uint32_t)(at / block_bytes(exponent)), false, exponent));
        if (!coap_request(coap, &out) || !is_block(coap, at, exponent, &block))
            return false;
        memcpy(got + at, coap->reply.payload, coap->reply.payload_size);
        exponent = block & 7;
        if (!(block & 8) && at + coap->reply.payload_size != BODY_BYTES)
            return coap_differs(coap, "%zu of %d bytes came", at + coap->reply.payload_size, BODY_BYTES);
    }
    return memcmp(body, got, BODY_BYTES) == 0 || coap_differs(coap, "the body that came is not the one that was stored");
}

void coap_case_block_get(struct coap *coap)
{
    static const unsigned exponents[] = {2, 4, 6};
    const char *path = coap_writable(coap);
    panther_content(panther_seed(coap->service), 0, body, sizeof body);
    if (!put_blocks(coap, path, 6))
        return;
    for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++)
        if (!get_blocks(coap, path, exponents[i]))
            return;
    coap_delete(coap, path);
}

void coap_case_block_put(struct coap *coap)
{
    static const unsigned exponents[] = {6, 3};
    for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        const char *path = coap_writable(coap);
        panther_content(panther_seed(coap->service) + i, 0, body, sizeof body);
        if (!put_blocks(coap, path, exponents[i]) || !get_blocks(coap, path, 6) || !coap_delete(coap, path))
            return;
    }
}

void coap_case_block_reserved(struct coap *coap)
{
    struct coap_out out;
    coap_begin_request(coap, &out, COAP_CON, COAP_GET);
    coap_put_path(&out, coap->settings->readable);
    coap_put_number(&out, COAP_BLOCK2, 7);
    if (coap_request(coap, &out) && coap->reply.code != COAP_BAD_REQUEST)
        coap_violates(coap, "Block2 with the reserved size 7 was answered with %s instead of 4.00", coap_code_text(coap, coap->reply.code));
}
