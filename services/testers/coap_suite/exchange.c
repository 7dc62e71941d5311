// Requests to a CoAP server, see exchange.h.
#include "exchange.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

unsigned coap_next_id(struct coap *coap)
{
    coap->last_id = (coap->last_id + 1) & 0xffff;
    return coap->last_id;
}

const char *coap_writable(struct coap *coap)
{
    return panther_format(coap->service, "%s%u", coap->settings->writable, coap->runs);
}

const char *coap_code_text(struct coap *coap, unsigned code)
{
    return panther_format(coap->service, "%u.%02u", COAP_CLASS(code), code & 31);
}

// ---- verdicts

__attribute__((format(printf, 3, 0))) static bool tell(struct coap *coap, enum panther_reason reason, const char *format, va_list arguments)
{
    char text[512];
    vsnprintf(text, sizeof text, format, arguments);
    panther_result(coap->service, PANTHER_FAIL, reason, "%s: %s", coap->section, text);
    coap->is_judged = true;
    return false;
}

bool coap_violates(struct coap *coap, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(coap, PANTHER_REASON_VIOLATION, format, arguments);
    va_end(arguments);
    return false;
}

bool coap_differs(struct coap *coap, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(coap, PANTHER_REASON_ASSERTION, format, arguments);
    va_end(arguments);
    return false;
}

static bool stopped(struct coap *coap)
{
    coap->is_judged = true;
    panther_result(coap->service, PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "%s: the case had to end before the server answered",
                   coap->section);
    return false;
}

static bool silent(struct coap *coap)
{
    coap->is_judged = true;
    panther_result(coap->service, PANTHER_FAIL, PANTHER_REASON_TIMEOUT, "%s: %s did not answer", coap->section,
                   panther_endpoint_text(coap->service, coap->endpoint));
    return false;
}

// ---- datagrams

bool coap_open(struct coap *coap)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;
    char port[16];
    if (coap->socket >= 0)
        close(coap->socket);
    coap->socket = -1;
    snprintf(port, sizeof port, "%u", coap->endpoint->port);
    if (getaddrinfo(coap->endpoint->address, port, &hints, &found) == 0) {
        coap->socket = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (coap->socket >= 0 && connect(coap->socket, found->ai_addr, found->ai_addrlen) != 0) {
            close(coap->socket);
            coap->socket = -1;
        }
        freeaddrinfo(found);
    }
    return coap->socket >= 0 || coap_differs(coap, "no way to %s", panther_endpoint_text(coap->service, coap->endpoint));
}

static bool not_there(struct coap *coap)
{
    return coap_differs(coap, "nothing listens at %s", panther_endpoint_text(coap->service, coap->endpoint));
}

bool coap_send(struct coap *coap, const void *bytes, size_t size)
{
    if (coap->socket < 0 && !coap_open(coap))
        return false;
    return send(coap->socket, bytes, size, 0) >= 0 || not_there(coap);
}

bool coap_wait(struct coap *coap, uint64_t timeout_ms, enum coap_arrival *arrival)
{
    uint64_t until_ns = panther_now_ns(coap->service) + timeout_ms * 1000000;
    for (;;) {
        uint64_t now_ns = panther_now_ns(coap->service), left_ms = panther_remaining_ms(coap->service);
        struct pollfd fds[2] = {{coap->socket, POLLIN, 0}, {panther_cancel_fd(coap->service), POLLIN, 0}};
        *arrival = COAP_SILENT;
        if (left_ms == 0 || panther_is_cancelled(coap->service))
            return stopped(coap);
        if (now_ns >= until_ns)
            return true;
        uint64_t wait_ms = (until_ns - now_ns) / 1000000 + 1;
        if (poll(fds, 2, (int)(wait_ms < left_ms ? wait_ms : left_ms)) <= 0 || fds[0].revents == 0)
            continue;
        ssize_t got = recv(coap->socket, coap->bytes, sizeof coap->bytes, 0);
        if (got < 0 && errno == ECONNREFUSED)
            return not_there(coap);
        if (got >= 0) {
            coap->size = (size_t)got;
            *arrival = COAP_ARRIVED;
            return true;
        }
    }
}

// ---- exchanges

static bool acknowledge(struct coap *coap)
{
    uint8_t ack[] = {0x40 | COAP_ACK << 4, 0, (uint8_t)(coap->reply.id >> 8), (uint8_t)coap->reply.id};
    return coap_send(coap, ack, sizeof ack);
}

static bool has_token(const struct coap *coap)
{
    return coap->reply.token_size == coap->token_size && memcmp(coap->reply.token, coap->token, coap->token_size) == 0;
}

// A message that came is well-formed and stands where it may; *is_response: it has the request's token.
static bool is_in_place(struct coap *coap, bool *is_response)
{
    const struct coap_message *reply = &coap->reply;
    const char *problem = coap_read(coap->bytes, coap->size, &coap->reply);
    *is_response = false;
    if (problem)
        return coap_violates(coap, "a malformed message of %zu bytes came: %s", coap->size, problem);
    if (reply->code == COAP_EMPTY && reply->type == COAP_RST)
        return coap_differs(coap, "the request was rejected with a Reset");
    if (reply->code == COAP_EMPTY)
        return true; // the response comes by itself (5.2.2)
    if (COAP_CLASS(reply->code) == 0)
        return coap_violates(coap, "a request came from the server, code %s", coap_code_text(coap, reply->code));
    *is_response = has_token(coap);
    if (reply->type == COAP_ACK && reply->id == coap->last_id && !*is_response)
        return coap_violates(coap, "the acknowledgement of the request has another token (RFC 7252 5.3.1)");
    return reply->type != COAP_CON || acknowledge(coap);
}

bool coap_response(struct coap *coap, uint64_t timeout_ms, enum coap_arrival *arrival)
{
    uint64_t until_ns = panther_now_ns(coap->service) + timeout_ms * 1000000;
    bool is_response = false;
    do {
        uint64_t now_ns = panther_now_ns(coap->service);
        if (!coap_wait(coap, now_ns < until_ns ? (until_ns - now_ns) / 1000000 + 1 : 0, arrival))
            return false;
        if (*arrival == COAP_ARRIVED && !is_in_place(coap, &is_response))
            return false;
    } while (*arrival == COAP_ARRIVED && !is_response);
    return true;
}

bool coap_request(struct coap *coap, const struct coap_out *out)
{
    enum coap_arrival arrival = COAP_SILENT;
    bool is_confirmable = (out->bytes[0] >> 4 & 3) == COAP_CON;
    for (int64_t i = 0; i < coap->settings->tries && arrival == COAP_SILENT; i++)
        if (!coap_send(coap, out->bytes, out->size) || !coap_response(coap, coap->settings->timeout, &arrival))
            return false;
    if (arrival != COAP_ARRIVED)
        return silent(coap);
    if (coap->reply.type == COAP_ACK && coap->reply.id != coap->last_id)
        return coap_violates(coap, "the acknowledgement has the id 0x%04x instead of 0x%04x (RFC 7252 4.2)", coap->reply.id, coap->last_id);
    if (coap->reply.type == COAP_ACK && !is_confirmable)
        return coap_violates(coap, "an Acknowledgement came for a Non-confirmable message (RFC 7252 4.3)");
    return true;
}

void coap_begin_request(struct coap *coap, struct coap_out *out, unsigned type, unsigned method)
{
    unsigned number = ++coap->last_token;
    coap->token_size = 4;
    coap->token[0] = (uint8_t)(number >> 24);
    coap->token[1] = (uint8_t)(number >> 16);
    coap->token[2] = (uint8_t)(number >> 8);
    coap->token[3] = (uint8_t)number;
    coap_begin(out, type, method, coap_next_id(coap), coap->token, coap->token_size);
}

bool coap_has_code(struct coap *coap, unsigned code)
{
    return coap->reply.code == code ||
           coap_differs(coap, "the answer is %s instead of %s", coap_code_text(coap, coap->reply.code), coap_code_text(coap, code));
}

bool coap_get(struct coap *coap, const char *path)
{
    struct coap_out out;
    coap_begin_request(coap, &out, COAP_CON, COAP_GET);
    coap_put_path(&out, path);
    return coap_request(coap, &out);
}

bool coap_put_text(struct coap *coap, const char *path, const char *text)
{
    struct coap_out out;
    coap_begin_request(coap, &out, COAP_CON, COAP_PUT);
    coap_put_path(&out, path);
    coap_put_number(&out, COAP_CONTENT_FORMAT, 0); // text/plain
    coap_put_payload(&out, text, strlen(text));
    if (!coap_request(coap, &out))
        return false;
    return coap->reply.code == COAP_CREATED || coap->reply.code == COAP_CHANGED ||
           coap_differs(coap, "PUT /%s was answered with %s instead of 2.01 or 2.04", path, coap_code_text(coap, coap->reply.code));
}

bool coap_delete(struct coap *coap, const char *path)
{
    struct coap_out out;
    coap_begin_request(coap, &out, COAP_CON, COAP_DELETE);
    coap_put_path(&out, path);
    return coap_request(coap, &out) && coap_has_code(coap, COAP_DELETED);
}

bool coap_has_payload(struct coap *coap, const char *text)
{
    const struct coap_message *reply = &coap->reply;
    if (reply->payload_size == strlen(text) && memcmp(reply->payload, text, reply->payload_size) == 0)
        return true;
    return coap_differs(coap, "\"%.*s\" came (%zu bytes) instead of \"%s\"", (int)(reply->payload_size < 60 ? reply->payload_size : 60),
                        reply->payload ? (const char *)reply->payload : "", reply->payload_size, text);
}

bool coap_is_alive(struct coap *coap, const char *after)
{
    struct coap_out out;
    enum coap_arrival arrival = COAP_SILENT;
    coap_begin_request(coap, &out, COAP_CON, COAP_GET);
    coap_put_path(&out, coap->settings->readable);
    if (!coap_open(coap))
        return false;
    for (int64_t i = 0; i < coap->settings->tries && arrival == COAP_SILENT; i++)
        if (!coap_send(coap, out.bytes, out.size) || !coap_response(coap, coap->settings->timeout, &arrival))
            return false;
    return (arrival == COAP_ARRIVED && COAP_CLASS(coap->reply.code) == 2) ||
           coap_violates(coap, "the server no longer answers after %s", after);
}
