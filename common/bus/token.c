// See token.h. A key of this form is of no use to anybody after its one use, so it may be pasted; it is still not written to logs.
#include "common/bus/token.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void bus_token_format(const struct bus_token *token, char text[BUS_TOKEN_BYTES])
{
    CLEANUP_FREE char *plain = memory_printf("1 %s %s %s", token->coordinator, token->server_key, token->secret_key);
    size_t length = strlen(plain), out = 0;
    INVARIANT(length * 4 / 3 + 4 < BUS_TOKEN_BYTES);
    for (size_t i = 0; i < length; i += 3) {
        size_t count = length - i < 3 ? length - i : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < count ? (uint8_t)plain[i + k] : 0);
        for (size_t k = 0; k <= count; k++)
            text[out++] = digits[group >> (18 - 6 * k) & 63];
    }
    text[out] = '\0';
}

// The token is written in one way only: what was pasted with a piece too much decodes to the same, but is not it.
static bool is_written_as(const struct bus_token *token, const char *text)
{
    char written[BUS_TOKEN_BYTES];
    bus_token_format(token, written);
    return strcmp(written, text) == 0;
}

// Returns the number of bytes, or -1 at a character that does not belong.
static int decode(const char *text, char *plain, size_t plain_bytes)
{
    uint32_t group = 0;
    unsigned bits = 0;
    size_t out = 0;
    for (; *text; text++) {
        const char *digit = strchr(digits, *text);
        if (!digit || out + 1 >= plain_bytes)
            return -1;
        group = group << 6 | (uint32_t)(digit - digits);
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        plain[out++] = (char)(group >> bits & 0xff);
    }
    plain[out] = '\0';
    return (int)out;
}

int bus_token_parse(const char *text, struct bus_token *token, struct panther_error *error)
{
    static const char advice[] = "paste the whole word that `panther-coord keys enroll` printed";
    char plain[BUS_TOKEN_BYTES];
    struct bus_token parsed;
    int end = 0;
    if (decode(text, plain, sizeof plain) < 0 || strncmp(plain, "1 ", 2) != 0)
        return error_set(error, PANTHER_EINVALID, "this is not an enrolment token; %s", advice);
    if (sscanf(plain, "1 %255s %40s %40s%n", parsed.coordinator, parsed.server_key, parsed.secret_key, &end) != 3 || plain[end] != '\0' ||
        !bus_key_is_valid(parsed.server_key) || !bus_key_is_valid(parsed.secret_key) || !is_written_as(&parsed, text))
        return error_set(error, PANTHER_EINVALID, "the token is incomplete or damaged; %s", advice);
    *token = parsed;
    return 0;
}
