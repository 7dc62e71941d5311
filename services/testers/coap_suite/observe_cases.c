// Cases about observing a resource, RFC 7641. The resource is changed by a PUT of the same client, with another token.
#include "cases.h"

#include <string.h>

struct observation {
    const char *path;
    uint8_t token[COAP_TOKEN_MAX_BYTES];
    size_t token_size;
    uint32_t sequence;
};

static bool ask(struct coap *coap, struct observation *observation, unsigned observe)
{
    struct coap_out out;
    if (observe == 0) {
        coap_begin_request(coap, &out, COAP_CON, COAP_GET);
        memcpy(observation->token, coap->token, sizeof coap->token);
        observation->token_size = coap->token_size;
    } else { // 3.6: with the token that it was registered with
        memcpy(coap->token, observation->token, sizeof coap->token);
        coap->token_size = observation->token_size;
        coap_begin(&out, COAP_CON, COAP_GET, coap_next_id(coap), coap->token, coap->token_size);
    }
    coap_put_number(&out, COAP_OBSERVE, observe);
    coap_put_path(&out, observation->path);
    return coap_request(coap, &out);
}

static bool begin(struct coap *coap, struct observation *observation)
{
    observation->path = coap_writable(coap);
    if (!coap_put_text(coap, observation->path, "before") || !ask(coap, observation, 0) || !coap_has_code(coap, COAP_CONTENT) ||
        !coap_has_payload(coap, "before"))
        return false;
    return coap_number(&coap->reply, COAP_OBSERVE, &observation->sequence) ||
           coap_differs(coap, "the answer to Observe 0 has no Observe: it cannot be observed");
}

// Changes it. The notification may come before the answer to the PUT, so both are read here: the latest one is kept in coap->reply.
static bool change(struct coap *coap, struct observation *observation, const char *text, bool *is_notified, bool reject)
{
    struct coap_out out;
    bool is_changed = false;
    uint64_t until_ns = panther_now_ns(coap->service) + coap->settings->timeout * (uint64_t)coap->settings->tries * 1000000;
    coap_begin_request(coap, &out, COAP_CON, COAP_PUT);
    coap_put_path(&out, observation->path);
    coap_put_number(&out, COAP_CONTENT_FORMAT, 0);
    coap_put_payload(&out, text, strlen(text));
    *is_notified = false;
    if (!coap_send(coap, out.bytes, out.size))
        return false;
    while (!is_changed || !*is_notified) {
        enum coap_arrival arrival;
        uint64_t now_ns = panther_now_ns(coap->service);
        uint64_t wait_ms = is_changed ? coap->settings->silence : coap->settings->timeout;
        if (!coap_wait(coap, wait_ms, &arrival))
            return false;
        if (arrival == COAP_SILENT && (is_changed || now_ns >= until_ns))
            return is_changed || coap_differs(coap, "PUT was not answered while the resource is observed");
        if (arrival == COAP_SILENT) {
            if (!coap_send(coap, out.bytes, out.size))
                return false;
            continue;
        }
        const char *problem = coap_read(coap->bytes, coap->size, &coap->reply);
        if (problem)
            return coap_violates(coap, "a malformed message came: %s", problem);
        bool is_notification = coap->reply.token_size == observation->token_size &&
                               memcmp(coap->reply.token, observation->token, observation->token_size) == 0;
        uint8_t back[] = {(uint8_t)(0x40 | (is_notification && reject ? COAP_RST : COAP_ACK) << 4), 0, (uint8_t)(coap->reply.id >> 8),
                          (uint8_t)coap->reply.id};
        if ((coap->reply.type == COAP_CON || (is_notification && reject)) && !coap_send(coap, back, sizeof back))
            return false;
        *is_notified = *is_notified || (is_notification && coap->reply.code != COAP_EMPTY);
        is_changed = is_changed || (!is_notification && coap->reply.id == coap->last_id && coap->reply.code != COAP_EMPTY);
        if (is_notification) // the answer to the PUT may come behind it: read again what counts
            coap->token_size = observation->token_size;
        if (is_notification && (!coap_has_code(coap, COAP_CONTENT) || !coap_has_payload(coap, text)))
            return false;
        if (is_notification) {
            uint32_t sequence;
            if (!coap_number(&coap->reply, COAP_OBSERVE, &sequence))
                return coap_violates(coap, "a notification has no Observe");
            uint32_t ahead = (sequence - observation->sequence) & 0xffffff; // 3.4
            if (ahead == 0 || ahead >= 1U << 23)
                return coap_violates(coap, "notification %u came behind %u", (unsigned)sequence, (unsigned)observation->sequence);
            observation->sequence = sequence;
        }
    }
    return true;
}

static bool is_told(struct coap *coap, struct observation *observation, const char *text)
{
    bool is_notified;
    if (!change(coap, observation, text, &is_notified, false))
        return false;
    if (!is_notified) { // 4.5: it may come later, but it has to come
        enum coap_arrival arrival;
        memcpy(coap->token, observation->token, sizeof coap->token);
        coap->token_size = observation->token_size;
        if (!coap_response(coap, coap->settings->timeout * (uint64_t)coap->settings->tries, &arrival))
            return false;
        if (arrival == COAP_SILENT)
            return coap_differs(coap, "no notification of the change came");
        return coap_has_code(coap, COAP_CONTENT) && coap_has_payload(coap, text);
    }
    return true;
}

void coap_case_observe(struct coap *coap)
{
    struct observation observation;
    if (begin(coap, &observation) && ask(coap, &observation, 1))
        coap_delete(coap, observation.path);
}

void coap_case_notify(struct coap *coap)
{
    struct observation observation;
    if (begin(coap, &observation) && is_told(coap, &observation, "after") && ask(coap, &observation, 1))
        coap_delete(coap, observation.path);
}

void coap_case_notify_order(struct coap *coap)
{
    struct observation observation;
    if (begin(coap, &observation) && is_told(coap, &observation, "one") && is_told(coap, &observation, "two") &&
        is_told(coap, &observation, "three") && ask(coap, &observation, 1))
        coap_delete(coap, observation.path);
}

void coap_case_deregister(struct coap *coap)
{
    struct observation observation;
    bool is_notified;
    uint32_t sequence;
    if (!begin(coap, &observation) || !ask(coap, &observation, 1) || !coap_has_code(coap, COAP_CONTENT))
        return;
    if (coap_number(&coap->reply, COAP_OBSERVE, &sequence))
        coap_differs(coap, "the answer to Observe 1 has Observe");
    else if (change(coap, &observation, "after", &is_notified, false) && is_notified)
        coap_violates(coap, "a notification came to a client that has ended its observation");
    else if (!coap->is_judged)
        coap_delete(coap, observation.path);
}

// The first change is told and rejected; the second one must not be told.
void coap_case_observe_reset(struct coap *coap)
{
    struct observation observation;
    bool is_notified;
    if (!begin(coap, &observation) || !change(coap, &observation, "one", &is_notified, true))
        return;
    if (!is_notified)
        coap_differs(coap, "no notification of the change came");
    else if (change(coap, &observation, "two", &is_notified, false) && is_notified)
        coap_violates(coap, "a notification came to a client that has rejected one");
    else if (!coap->is_judged)
        coap_delete(coap, observation.path);
}

void coap_case_observe_missing(struct coap *coap)
{
    struct observation observation = {.path = coap->settings->missing};
    if (ask(coap, &observation, 0) && coap_has_code(coap, COAP_NOT_FOUND) && coap_find(&coap->reply, COAP_OBSERVE))
        coap_violates(coap, "4.04 came with Observe");
}
