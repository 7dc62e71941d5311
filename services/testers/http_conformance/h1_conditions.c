// Cases of HTTP/1.1: conditional requests (RFC 9110, 13). What a server does not offer (ETag, Last-Modified) is not judged.
#include "cases.h"
#include "h1_client.h"

#include <string.h>

// The field of a plain 200. NULL: the run has its outcome.
static const char *validator(struct run *run, const char *name, struct h1_reply *plain)
{
    if (!h1_get(run, "", plain) || !h1_is_whole_file(run, plain))
        return NULL;
    const char *value = h1_value(run, plain, name);
    if (!value)
        run_not_applicable(run, "the server sends no %s", name);
    return value;
}

// 304 has no content: what would follow is read as the next response, and is the file.
static bool nothing_follows(struct run *run, struct connection *connection, const struct h1_reply *reply)
{
    struct h1_reply next;
    if (h1_has_token(&reply->response, "connection", "close"))
        return connection_wait(connection, run_deadline_ns(run)) != ARRIVAL_DATA || run_violation(run, "content follows 304");
    connection_send_text(connection, h1_request(run, "GET", run_path(run, run->settings->size), "Connection: close\r\n"));
    return h1_response(run, connection, "GET", &next) && h1_is_whole_file(run, &next);
}

static bool is_not_modified(struct run *run, const char *tag, const char *condition)
{
    struct connection *connection;
    struct h1_reply reply;
    const char *request = h1_request(run, "GET", run_path(run, run->settings->size), condition);
    if (!h1_exchange(run, "GET", request, &connection, &reply))
        return false;
    if (reply.response.status != 304)
        return run_violation(run, "status %u for %.*s; 304 MUST be the answer", reply.response.status, (int)strcspn(condition, "\r"),
                             condition);
    const char *again = h1_value(run, &reply, "etag");
    if (!again || strcmp(again, tag) != 0)
        return run_violation(run, "304 has the ETag %s, 200 has %s; it MUST be the same (15.4.5)", again ? again : "(none)", tag);
    return nothing_follows(run, connection, &reply);
}

void case_h1_if_none_match(struct run *run)
{
    struct h1_reply plain;
    const char *tag = validator(run, "etag", &plain);
    if (!tag || !is_not_modified(run, tag, panther_format(run->service, "If-None-Match: %s\r\n", tag)) ||
        !is_not_modified(run, tag, panther_format(run->service, "If-None-Match: \"panther\", %s\r\n", tag)) ||
        !is_not_modified(run, tag, "If-None-Match: *\r\n"))
        return;
    if (h1_get(run, "If-None-Match: \"panther\"\r\n", &plain) && h1_is_whole_file(run, &plain))
        run_pass(run, "304 for %s", tag);
}

void case_h1_if_modified_since(struct run *run)
{
    struct h1_reply reply;
    const char *date = validator(run, "last-modified", &reply);
    if (!date)
        return;
    bool has_tag = h1_find(&reply.response, "etag");
    if (h1_get(run, panther_format(run->service, "If-Modified-Since: %s\r\n", date), &reply) && reply.response.status != 304)
        run_note(run, "If-Modified-Since with the Last-Modified should be answered with 304, not %u", reply.response.status);
    if (has_tag && h1_get(run, panther_format(run->service, "If-None-Match: \"panther\"\r\nIf-Modified-Since: %s\r\n", date), &reply) &&
        reply.response.status == 304)
        run_violation(run, "304: If-Modified-Since MUST be ignored beside If-None-Match");
    if (h1_get(run, "If-Modified-Since: yesterday\r\n", &reply) && reply.response.status == 304)
        run_violation(run, "304: an If-Modified-Since that is no date MUST be ignored");
    if (!run_is_bad(run) && h1_is_whole_file(run, &reply))
        run_pass(run, "as of %s", date);
}

static bool not_performed(struct run *run, const char *condition)
{
    struct h1_reply reply;
    if (!h1_get(run, condition, &reply))
        return false;
    if (reply.response.status < 300)
        return run_violation(run, "status %u for %.*s; the method MUST NOT be performed", reply.response.status,
                             (int)strcspn(condition, "\r"), condition);
    if (reply.response.status != 412)
        run_note(run, "a condition that does not hold is answered with %u, not 412", reply.response.status);
    return true;
}

void case_h1_if_match(struct run *run)
{
    struct h1_reply reply;
    const char *tag = validator(run, "etag", &reply);
    if (!tag || !not_performed(run, "If-Match: \"panther-has-no-such-tag\"\r\n"))
        return;
    if (!h1_get(run, "If-Match: *\r\n", &reply) || !h1_is_whole_file(run, &reply))
        return;
    run_pass(run, "the method is performed for * only");
}

void case_h1_if_unmodified_since(struct run *run)
{
    struct h1_reply reply;
    const char *date = validator(run, "last-modified", &reply);
    if (!date || !not_performed(run, "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT\r\n"))
        return;
    if (h1_get(run, panther_format(run->service, "If-Unmodified-Since: %s\r\n", date), &reply) && h1_is_whole_file(run, &reply))
        run_pass(run, "the method is not performed for 1970");
}
