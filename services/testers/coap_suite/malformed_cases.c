// Cases with malformed messages: a format error is ignored or rejected with a Reset, and the server has to live on.
#include "cases.h"

#include <string.h>

// A confirmable message that is to be rejected: silence and a Reset are both right (4.2).
static bool is_rejected(struct coap *coap, const void *bytes, size_t size, const char *what)
{
    enum coap_arrival arrival;
    if (!coap_open(coap) || !coap_send(coap, bytes, size) || !coap_wait(coap, coap->settings->silence, &arrival))
        return false;
    if (arrival == COAP_ARRIVED) {
        const char *problem = coap_read(coap->bytes, coap->size, &coap->reply);
        if (problem)
            return coap_violates(coap, "%s was answered with a malformed message: %s", what, problem);
        if (COAP_CLASS(coap->reply.code) == 2)
            return coap_violates(coap, "%s was answered with %s", what, coap_code_text(coap, coap->reply.code));
        if (coap->reply.type == COAP_ACK && coap->reply.code == COAP_EMPTY)
            return coap_violates(coap, "%s was acknowledged", what);
    }
    return coap_is_alive(coap, what);
}

static void begin_get(struct coap *coap, struct coap_out *out)
{
    coap_begin_request(coap, out, COAP_CON, COAP_GET);
    coap_put_path(out, coap->settings->readable);
}

void coap_case_wrong_version(struct coap *coap)
{
    static const uint8_t versions[] = {0, 2, 3};
    for (size_t i = 0; i < sizeof versions; i++) {
        struct coap_out out;
        enum coap_arrival arrival;
        const char *what = panther_format(coap->service, "a message of version %u", versions[i]);
        begin_get(coap, &out);
        out.bytes[0] = (uint8_t)((out.bytes[0] & 0x3f) | versions[i] << 6);
        if (!coap_open(coap) || !coap_send(coap, out.bytes, out.size) || !coap_wait(coap, coap->settings->silence, &arrival))
            return;
        if (arrival == COAP_ARRIVED) {
            coap_violates(coap, "%s was answered with %zu bytes", what, coap->size);
            return;
        }
        if (!coap_is_alive(coap, what))
            return;
    }
}

void coap_case_long_token(struct coap *coap)
{
    static const uint8_t lengths[] = {9, 15};
    for (size_t i = 0; i < sizeof lengths; i++) {
        struct coap_out out;
        coap_begin(&out, COAP_CON, COAP_GET, coap_next_id(coap), NULL, 0);
        out.bytes[0] |= lengths[i];
        coap_put(&out, "0123456789abcdef", lengths[i]);
        coap_put_path(&out, coap->settings->readable);
        if (!is_rejected(coap, out.bytes, out.size, panther_format(coap->service, "a token length of %u", lengths[i])))
            return;
    }
}

void coap_case_empty_payload(struct coap *coap)
{
    struct coap_out out;
    begin_get(coap, &out);
    coap_put(&out, "\xff", 1);
    is_rejected(coap, out.bytes, out.size, "a payload marker without a payload");
}

void coap_case_reserved_option(struct coap *coap)
{
    static const uint8_t options[] = {0xf0, 0x0f};
    for (size_t i = 0; i < sizeof options; i++) {
        struct coap_out out;
        begin_get(coap, &out);
        coap_put(&out, options + i, 1);
        coap_put(&out, "0123456789abcdef", 16);
        if (!is_rejected(coap, out.bytes, out.size, panther_format(coap->service, "an option that begins with 0x%02x", options[i])))
            return;
    }
}

void coap_case_cut_option(struct coap *coap)
{
    struct coap_out out;
    begin_get(coap, &out);
    coap_put(&out,
             "\x0c"
             "abc",
             4);
    is_rejected(coap, out.bytes, out.size, "an option that is longer than the message");
    if (coap->is_judged)
        return;
    begin_get(coap, &out);
    coap_put(&out, "\x0e\xff", 2); // its length is cut off
    is_rejected(coap, out.bytes, out.size, "an option whose length is cut off");
}

void coap_case_empty_with_bytes(struct coap *coap)
{
    struct coap_out out;
    coap_begin(&out, COAP_CON, COAP_EMPTY, coap_next_id(coap), NULL, 0);
    coap_put_path(&out, coap->settings->readable);
    is_rejected(coap, out.bytes, out.size, "an Empty message with an option");
}

void coap_case_reserved_class(struct coap *coap)
{
    static const uint8_t codes[] = {COAP_CODE(1, 1), COAP_CODE(6, 1), COAP_CODE(7, 31)};
    for (size_t i = 0; i < sizeof codes; i++) {
        struct coap_out out;
        coap_begin_request(coap, &out, COAP_CON, codes[i]);
        coap_put_path(&out, coap->settings->readable);
        if (!is_rejected(coap, out.bytes, out.size, panther_format(coap->service, "code %s", coap_code_text(coap, codes[i]))))
            return;
    }
}

void coap_case_stray_acknowledgement(struct coap *coap)
{
    static const unsigned types[] = {COAP_ACK, COAP_RST};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct coap_out out;
        enum coap_arrival arrival;
        coap_begin(&out, types[i], COAP_EMPTY, coap_next_id(coap), NULL, 0);
        if (!coap_open(coap) || !coap_send(coap, out.bytes, out.size) || !coap_wait(coap, coap->settings->silence, &arrival))
            return;
        if (arrival == COAP_ARRIVED) {
            coap_violates(coap, "%s for nothing was answered with %zu bytes", types[i] == COAP_ACK ? "an Acknowledgement" : "a Reset",
                          coap->size);
            return;
        }
        if (!coap_is_alive(coap, "an Acknowledgement or Reset for nothing"))
            return;
    }
}

void coap_case_short_message(struct coap *coap)
{
    struct coap_out out;
    begin_get(coap, &out);
    for (size_t size = 0; size < 4; size++)
        if (!is_rejected(coap, out.bytes, size, panther_format(coap->service, "a message of %zu bytes", size)))
            return;
}
