// The checks of single messages: minip's requirements M1 to M8, each with what the server should have answered.
#include "checks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// ---- asking and comparing

void check_begin(struct check *check)
{
    // spread over all numbers, never 0, and another one each time: a server may still know the session of an earlier case
    uint64_t z = panther_seed(check->service) + ++*check->sessions_used * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    check->message = (struct message){.version = 1, .session = (uint32_t)z | 1, .sequence = (uint32_t)(z >> 32)};
}

void check_violated(struct check *check, const char *requirement, const char *kind, const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    panther_finding(check->service, panther_format(check->service, "minip %s, %s", requirement, kind), "%s", what);
    panther_result(check->service, PANTHER_FAIL, PANTHER_REASON_VIOLATION, "%s, %s: %s", requirement, kind, what);
}

const char *check_difference(const struct message *asked, const struct message *answer, uint8_t type, const void *payload,
                             uint16_t payload_bytes)
{
    if (answer->version != 1)
        return "wrong version";
    if (answer->type != type)
        return "wrong type";
    if (answer->session != asked->session)
        return "wrong session";
    if (answer->sequence != asked->sequence)
        return "wrong sequence";
    if (answer->payload_bytes != payload_bytes || (payload_bytes > 0 && memcmp(answer->payload, payload, payload_bytes) != 0))
        return "wrong payload";
    return NULL;
}

static void say_silent(struct check *check, const char *requirement)
{
    const struct message *message = &check->message;
    panther_result(check->service, PANTHER_FAIL, PANTHER_REASON_TIMEOUT,
                   "%s, no answer: to %s with sequence %u, asked %lld times in %llu ms", requirement, type_name(message->type),
                   message->sequence, (long long)check->link->tries,
                   (unsigned long long)(check->link->timeout_ms * (uint64_t)check->link->tries));
}

bool check_answer(struct check *check, const char *requirement, uint8_t type, const void *payload, uint16_t payload_bytes)
{
    enum asked asked = link_ask(check->service, check->link, &check->message, &check->answer);
    const struct message *message = &check->message, *answer = &check->answer;
    if (asked == CUT_SHORT)
        return false; // the host says why
    if (asked == SILENT) {
        say_silent(check, requirement);
        return false;
    }
    if (asked == MALFORMED) {
        check_violated(check, requirement, "malformed answer", "to %s with sequence %u", type_name(message->type), message->sequence);
        return false;
    }
    const char *difference = check_difference(message, answer, type, payload, payload_bytes);
    if (!difference)
        return true;
    check_violated(check, requirement, difference, "%s with sequence %u and %u bytes, to %s with sequence %u; it must be %s with %u bytes",
                   type_name(answer->type), answer->sequence, answer->payload_bytes, type_name(message->type), message->sequence,
                   type_name(type), payload_bytes);
    return false;
}

static bool check_error(struct check *check, const char *requirement, enum error_code code)
{
    const uint8_t payload = (uint8_t)code;
    return check_answer(check, requirement, ERROR, &payload, 1);
}

bool check_opens(struct check *check)
{
    check->message.type = HELLO;
    check->message.payload_bytes = 0;
    return check_answer(check, "M1", WELCOME, NULL, 0);
}

static void next_ping(struct check *check, uint16_t payload_bytes)
{
    check->message.type = PING;
    check->message.sequence++;
    check->message.payload_bytes = payload_bytes;
    for (unsigned i = 0; i < payload_bytes; i++)
        check->message.payload[i] = (uint8_t)(check->message.sequence * 31 + i);
}

bool check_pings(struct check *check, uint16_t payload_bytes)
{
    next_ping(check, payload_bytes);
    return check_answer(check, "M2", PONG, check->message.payload, payload_bytes);
}

static int passed(struct check *check, const char *text)
{
    return panther_result(check->service, PANTHER_PASS, PANTHER_REASON_NONE, "%s", text);
}

// ---- the cases

int check_ping(struct check *check)
{
    check_begin(check);
    if (!check_opens(check))
        return PANTHER_OK;
    for (int64_t i = 0; i < check->settings->pings; i++) {
        // the longest payload and none are among them
        uint16_t bytes = i == 0 ? 0 : i == 1 ? PAYLOAD_MAX : (uint16_t)check->settings->size;
        if (!check_pings(check, bytes))
            return PANTHER_OK;
    }
    return passed(check, panther_format(check->service, "%lld pings answered", (long long)check->settings->pings));
}

// A session whose sequence is about to pass 2^32 - 1 shows that it counts on from 0.
int check_sequence(struct check *check)
{
    check_begin(check);
    check->message.sequence = UINT32_MAX - 1;
    if (!check_opens(check) || !check_pings(check, 8))
        return PANTHER_OK;
    link_forget(check->link);
    if (!check_answer(check, "M3", PONG, check->message.payload, 8)) // the same once more
        return PANTHER_OK;
    if (!check_pings(check, 8)) // 0
        return PANTHER_OK;
    static const uint32_t wrong[] = {2, 1000, UINT32_MAX, 0x80000000}; // away from the last one
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint32_t last = check->message.sequence;
        check->message.sequence += wrong[i];
        if (!check_error(check, "M4", WRONG_SEQUENCE))
            return PANTHER_OK;
        check->message.sequence = last;
        if (!check_pings(check, 8))
            return PANTHER_OK;
    }
    return passed(check, "sequences are kept");
}

int check_unknown(struct check *check)
{
    static const struct {
        uint8_t version, type;
        enum error_code code;
    } unknown[] = {{1, 0, NO_TYPE},       {1, 8, NO_TYPE},        {1, 255, NO_TYPE},
                   {0, PING, NO_VERSION}, {2, HELLO, NO_VERSION}, {255, 255, NO_VERSION}};
    check_begin(check);
    if (!check_opens(check))
        return PANTHER_OK;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        struct message before = check->message;
        check->message.version = unknown[i].version;
        check->message.type = unknown[i].type;
        bool is_right = check_error(check, "M5", unknown[i].code);
        check->message = before;
        if (!is_right || !check_pings(check, 4))
            return PANTHER_OK;
    }
    return passed(check, "unknown types and versions are refused, and the session lives on");
}

// A PING of the session whose header says another length, or is none.
struct malformed {
    const char *what;
    size_t bytes;      // that are sent of it
    uint16_t length;   // that its header says
    const char *magic; // NULL: the right one
};

static void send_malformed(struct check *check, const struct malformed *malformed)
{
    uint8_t datagram[DATAGRAM_MAX];
    struct message ping = check->message;
    ping.type = PING;
    ping.sequence++;
    ping.payload_bytes = 64;
    memset(ping.payload, 0x5a, 64);
    message_write(&ping, datagram);
    datagram[12] = (uint8_t)(malformed->length >> 8);
    datagram[13] = (uint8_t)malformed->length;
    if (malformed->magic)
        memcpy(datagram, malformed->magic, 2);
    link_send_bytes(check->link, datagram, malformed->bytes);
}

// What comes next must be the answer to the PING after it: an answer to the malformed one would come first.
static bool check_survives(struct check *check, const struct malformed *malformed)
{
    next_ping(check, 4);
    enum asked asked = link_ask(check->service, check->link, &check->message, &check->answer);
    if (asked == CUT_SHORT)
        return false;
    if (asked == SILENT)
        check_violated(check, "M6", "silent after a malformed datagram", "the server answers no more after %s", malformed->what);
    else if (asked == MALFORMED || check_difference(&check->message, &check->answer, PONG, check->message.payload, 4))
        check_violated(check, "M6", "answer to a malformed datagram", "the server answered %s", malformed->what);
    else
        return true;
    return false;
}

int check_malformed(struct check *check)
{
    static const struct malformed kinds[] = {
        {"a header that promises 65535 bytes", HEADER_BYTES + 64, 65535, NULL}, // the worst lie first: it shows most
        {"an empty datagram", 0, 0, NULL},
        {"one byte", 1, 0, NULL},
        {"a header that lacks its last byte", HEADER_BYTES - 1, 0, NULL},
        {"another magic", HEADER_BYTES + 64, 64, "XY"},
        {"a length that is one too small", HEADER_BYTES + 64, 63, NULL},
        {"a length that is one too large", HEADER_BYTES + 64, 65, NULL},
        {"a length of 0 with a payload", HEADER_BYTES + 64, 0, NULL},
        {"a header alone that promises 64 bytes", HEADER_BYTES, 64, NULL},
    };
    check_begin(check);
    if (!check_opens(check) || !check_pings(check, 4))
        return PANTHER_OK;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        send_malformed(check, &kinds[i]);
        if (!check_survives(check, &kinds[i]))
            return PANTHER_OK;
    }
    return passed(check, "malformed datagrams are not answered and do no harm");
}

int check_session(struct check *check)
{
    check_begin(check);
    next_ping(check, 4);
    if (!check_error(check, "M7", NO_SESSION))
        return PANTHER_OK;
    check_begin(check);
    if (!check_opens(check) || !check_pings(check, 4))
        return PANTHER_OK;
    check->message.type = BYE;
    check->message.payload_bytes = 0;
    if (!check_answer(check, "M8", GOODBYE, NULL, 0))
        return PANTHER_OK;
    next_ping(check, 4);
    if (!check_error(check, "M7", NO_SESSION))
        return PANTHER_OK;
    check->message.session = 0;
    check->message.type = HELLO;
    check->message.payload_bytes = 0;
    if (!check_error(check, "M1", NO_SESSION))
        return PANTHER_OK;
    return passed(check, "sessions open and close");
}
