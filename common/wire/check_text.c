// Kinds of text on the wire. Names and ids are strict; free text is only bounded: it may hold what a program printed, and an
// event that is refused for its bytes would block everything behind it.
#include <string.h>

#include "common/wire/check.h"

bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

bool is_within(const char *text, size_t max_bytes)
{
    return text == NULL || strnlen(text, max_bytes + 1) <= max_bytes;
}

bool is_token(const char *text)
{
    if (is_empty(text) || !is_within(text, TOKEN_MAX_BYTES))
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    }
    return text[0] != ' ' && text[strlen(text) - 1] != ' ';
}

bool is_name_or_empty(const char *text)
{
    return is_empty(text) || name_is_valid(text);
}

static bool is_made_of(const char *text, const char *set, size_t bytes)
{
    return text != NULL && strnlen(text, bytes + 1) == bytes && strspn(text, set) == bytes;
}

#define HEX "0123456789abcdef"

bool is_hash(const char *text)
{
    return is_made_of(text, HEX, HASH_TEXT_BYTES - 1);
}

bool is_hash_or_empty(const char *text)
{
    return is_empty(text) || is_hash(text);
}

bool is_boot_id(const char *text)
{
    return is_made_of(text, HEX, 32) || is_made_of(text, HEX "-", 36);
}

bool is_curve_key(const char *text)
{
    return is_made_of(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#", 40);
}

bool is_address(const char *text)
{
    if (is_empty(text) || !is_within(text, ADDRESS_MAX_BYTES))
        return false;
    size_t digits = strspn(text, "0123456789abcdefABCDEF.:");
    if (digits == 0 || text[digits] == '\0')
        return digits != 0;
    return text[digits] == '%' && text[digits + 1] != '\0' && strpbrk(text + digits, "/ ") == NULL; // fe80::1%eth0
}

bool is_stream_name(const char *text)
{
    return is_token(text) && strchr(text, '/') == NULL && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

bool is_inner_path(const char *text)
{
    if (is_empty(text) || !is_within(text, PATH_MAX_BYTES) || text[0] == '/')
        return false;
    for (const char *part = text;;) {
        size_t length = strcspn(part, "/");
        if (length == 2 && memcmp(part, "..", 2) == 0)
            return false;
        if (part[length] == '\0')
            return true;
        part += length + 1;
    }
}

bool are_within(size_t count, char *const *texts, size_t count_max, size_t max_bytes)
{
    if (count > count_max)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_within(texts[i], max_bytes))
            return false;
    }
    return true;
}

static bool are(bool (*is)(const char *), size_t count, char *const *texts, size_t count_max)
{
    if (count > count_max)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is(texts[i]))
            return false;
    }
    return true;
}

bool are_names(size_t count, char *const *texts, size_t count_max)
{
    return are(name_is_valid, count, texts, count_max);
}

bool are_tokens(size_t count, char *const *texts, size_t count_max)
{
    return are(is_token, count, texts, count_max);
}

bool are_hashes(size_t count, char *const *texts, size_t count_max)
{
    return are(is_hash, count, texts, count_max);
}
