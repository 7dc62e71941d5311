// Cases about requests and their answers: methods, tokens, options, discovery.
#include "cases.h"

#include <string.h>

void coap_case_get(struct coap *coap)
{
    if (coap_get(coap, coap->settings->readable))
        coap_has_code(coap, COAP_CONTENT);
}

void coap_case_get_non(struct coap *coap)
{
    struct coap_out out;
    coap_begin_request(coap, &out, COAP_NON, COAP_GET);
    coap_put_path(&out, coap->settings->readable);
    if (coap_request(coap, &out))
        coap_has_code(coap, COAP_CONTENT);
}

void coap_case_token(struct coap *coap)
{
    static const size_t sizes[] = {0, 1, 8};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct coap_out out;
        memcpy(coap->token, "\x00\xff\x01\x80tok", 8);
        coap->token_size = sizes[i];
        coap_begin(&out, COAP_CON, COAP_GET, coap_next_id(coap), coap->token, coap->token_size);
        coap_put_path(&out, coap->settings->readable);
        if (!coap_request(coap, &out) || !coap_has_code(coap, COAP_CONTENT))
            return;
    }
}

// What came is a Reset of this id.
static bool is_reset_of(const struct coap *coap, unsigned id)
{
    struct coap_message message;
    return coap_read(coap->bytes, coap->size, &message) == NULL && message.type == COAP_RST && message.code == COAP_EMPTY &&
           message.id == id;
}

void coap_case_ping(struct coap *coap)
{
    struct coap_out out;
    enum coap_arrival arrival = COAP_SILENT;
    coap_begin(&out, COAP_CON, COAP_EMPTY, coap_next_id(coap), NULL, 0);
    for (int64_t i = 0; i < coap->settings->tries && arrival == COAP_SILENT; i++)
        if (!coap_send(coap, out.bytes, out.size) || !coap_wait(coap, coap->settings->timeout, &arrival))
            return;
    if (arrival == COAP_SILENT)
        coap_violates(coap, "an Empty confirmable message was not answered");
    else if (!is_reset_of(coap, coap->last_id))
        coap_violates(coap, "an Empty confirmable message was answered with something else than a Reset of its id");
}

// The copy leaves when the first one was answered, so two answers have to come.
void coap_case_duplicate(struct coap *coap)
{
    struct coap_out out;
    enum coap_arrival arrival;
    coap_begin_request(coap, &out, COAP_CON, COAP_GET);
    coap_put_path(&out, coap->settings->missing);
    if (!coap_request(coap, &out))
        return;
    unsigned code = coap->reply.code, type = coap->reply.type;
    if (type != COAP_ACK || !coap_send(coap, out.bytes, out.size) || !coap_wait(coap, coap->settings->timeout, &arrival))
        return;
    if (arrival == COAP_SILENT)
        coap_differs(coap, "the copy of a confirmable message was not acknowledged");
    else if (coap_read(coap->bytes, coap->size, &coap->reply) || coap->reply.type != type || coap->reply.code != code ||
             coap->reply.id != coap->last_id)
        coap_differs(coap, "the copy of a confirmable message was answered in another way");
}

// Which of the requests has this token? Tokens are four bytes that count up.
static unsigned index_of(const struct coap *coap, unsigned first_token)
{
    const uint8_t *token = coap->reply.token;
    if (coap->reply.token_size != 4)
        return UINT32_MAX;
    return ((unsigned)token[0] << 24 | (unsigned)token[1] << 16 | (unsigned)token[2] << 8 | token[3]) - first_token;
}

// Sent non-confirmable, so that each answer is a message of its own; the ones that get lost are asked for again.
void coap_case_many(struct coap *coap)
{
    enum { COUNT = 32 };
    struct coap_out out[COUNT];
    bool is_answered[COUNT] = {false};
    unsigned missing = COUNT, first_token = coap->last_token + 1;
    for (unsigned i = 0; i < COUNT; i++) {
        coap_begin_request(coap, &out[i], COAP_NON, COAP_GET);
        coap_put_path(&out[i], i % 2 ? coap->settings->readable : coap->settings->missing);
    }
    for (int64_t round = 0; round < coap->settings->tries && missing > 0; round++) {
        enum coap_arrival arrival = COAP_ARRIVED;
        for (unsigned i = 0; i < COUNT; i++)
            if (!is_answered[i] && !coap_send(coap, out[i].bytes, out[i].size))
                return;
        while (missing > 0 && arrival == COAP_ARRIVED) {
            if (!coap_wait(coap, coap->settings->timeout, &arrival))
                return;
            const char *problem = arrival == COAP_ARRIVED ? coap_read(coap->bytes, coap->size, &coap->reply) : NULL;
            unsigned i = arrival == COAP_ARRIVED && !problem ? index_of(coap, first_token) : 0;
            if (problem || i >= COUNT) {
                coap_violates(coap, "%s", problem ? problem : "an answer has a token that was not asked with");
                return;
            }
            if (arrival == COAP_ARRIVED && !coap_has_code(coap, i % 2 ? COAP_CONTENT : COAP_NOT_FOUND))
                return;
            missing -= arrival == COAP_ARRIVED && !is_answered[i];
            is_answered[i] = is_answered[i] || arrival == COAP_ARRIVED;
        }
    }
    if (missing > 0)
        coap_differs(coap, "%u of %d requests at once were not answered", missing, COUNT);
}

void coap_case_put(struct coap *coap)
{
    const char *path = coap_writable(coap);
    if (!coap_put_text(coap, path, "first") || !coap_get(coap, path) || !coap_has_code(coap, COAP_CONTENT) ||
        !coap_has_payload(coap, "first") || !coap_put_text(coap, path, "second"))
        return;
    if (coap->reply.code != COAP_CHANGED)
        coap_differs(coap, "PUT to a resource that is there was answered with 2.01 instead of 2.04");
    else if (coap_get(coap, path) && coap_has_code(coap, COAP_CONTENT) && coap_has_payload(coap, "second"))
        coap_delete(coap, path);
}

void coap_case_delete(struct coap *coap)
{
    const char *path = coap_writable(coap);
    if (coap_put_text(coap, path, "gone") && coap_delete(coap, path) && coap_get(coap, path))
        coap_has_code(coap, COAP_NOT_FOUND);
}

void coap_case_missing(struct coap *coap)
{
    if (coap_get(coap, coap->settings->missing))
        coap_has_code(coap, COAP_NOT_FOUND);
}

static void must_be(struct coap *coap, unsigned code, const char *what)
{
    if (coap->reply.code != code)
        coap_violates(coap, "%s was answered with %s instead of %s", what, coap_code_text(coap, coap->reply.code),
                      coap_code_text(coap, code));
}

void coap_case_unknown_method(struct coap *coap)
{
    struct coap_out out;
    coap_begin_request(coap, &out, COAP_CON, COAP_CODE(0, 30));
    coap_put_path(&out, coap->settings->readable);
    if (coap_request(coap, &out))
        must_be(coap, COAP_NOT_ALLOWED, "method 0.30");
}

void coap_case_critical_option(struct coap *coap)
{
    struct coap_out out;
    coap_begin_request(coap, &out, COAP_CON, COAP_GET);
    coap_put_path(&out, coap->settings->readable);
    coap_put_number(&out, COAP_UNKNOWN_CRITICAL, 1);
    if (coap_request(coap, &out))
        must_be(coap, COAP_BAD_OPTION, "an unknown critical option");
}

// Rejected (4.3): ignored, or a Reset.
void coap_case_critical_option_non(struct coap *coap)
{
    struct coap_out out;
    enum coap_arrival arrival;
    coap_begin_request(coap, &out, COAP_NON, COAP_GET);
    coap_put_path(&out, coap->settings->readable);
    coap_put_number(&out, COAP_UNKNOWN_CRITICAL, 1);
    if (!coap_send(coap, out.bytes, out.size) || !coap_wait(coap, coap->settings->silence, &arrival))
        return;
    if (arrival == COAP_ARRIVED && coap_read(coap->bytes, coap->size, &coap->reply) == NULL && COAP_CLASS(coap->reply.code) == 2)
        coap_violates(coap, "a request with an unknown critical option was answered with %s", coap_code_text(coap, coap->reply.code));
    else
        coap_is_alive(coap, "an unknown critical option");
}

void coap_case_elective_option(struct coap *coap)
{
    struct coap_out out;
    coap_begin_request(coap, &out, COAP_CON, COAP_GET);
    coap_put_path(&out, coap->settings->readable);
    coap_put_number(&out, COAP_UNKNOWN_ELECTIVE, 1);
    if (coap_request(coap, &out))
        must_be(coap, COAP_CONTENT, "an unknown elective option");
}

void coap_case_proxy(struct coap *coap)
{
    static const char uri[] = "coap://elsewhere.invalid/";
    struct coap_out out;
    coap_begin_request(coap, &out, COAP_CON, COAP_GET);
    coap_put_option(&out, COAP_PROXY_URI, uri, strlen(uri));
    if (coap_request(coap, &out))
        must_be(coap, COAP_NO_PROXY, "Proxy-Uri");
}

void coap_case_discovery(struct coap *coap)
{
    uint32_t format;
    if (!coap_get(coap, ".well-known/core") || !coap_has_code(coap, COAP_CONTENT))
        return;
    if (!coap_number(&coap->reply, COAP_CONTENT_FORMAT, &format) || format != 40)
        coap_differs(coap, "the Content-Format is not 40 (application/link-format)");
    else if (coap->reply.payload_size == 0 || coap->reply.payload[0] != '<')
        coap_differs(coap, "the list does not begin with a link");
}
