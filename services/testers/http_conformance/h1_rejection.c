// Cases of HTTP/1.1: requests that a server must refuse, and what it must not take for a request (request smuggling).
#include "cases.h"
#include "h1_client.h"

#include <string.h>

// "GET /1024.bin HTTP/1.1", then the lines as they are: nothing is added.
static const char *raw(struct run *run, const char *method, const char *version, const char *lines)
{
    return panther_format(run->service, "%s %s HTTP/%s\r\n%s\r\n", method, run_path(run, run->settings->size), version, lines);
}

static const char *with_host(struct run *run, const char *lines)
{
    return panther_format(run->service, "Host: %s\r\n%s", h1_host(run), lines);
}

static bool must_be_400(struct run *run, const char *request, struct connection **connection)
{
    struct h1_reply reply;
    *connection = connection_open(run, SPEECH_HTTP1);
    if (!*connection)
        return false;
    connection_send_text(*connection, request);
    h1_receive(*connection, "GET", &reply);
    if (reply.state == H1_COMPLETE && reply.response.status == 400) {
        run_pass(run, "status 400");
        return true;
    }
    // the bytes of a response may be lost in a reset
    if (reply.state == H1_INCOMPLETE && reply.end == ARRIVAL_RESET)
        return run_incomplete(run, "%s: the server reset the connection; 400 may have been lost", run->section);
    return run_violation(run, "%s; 400 MUST be the answer", h1_reply_text(run, &reply));
}

void case_h1_missing_host(struct run *run)
{
    struct connection *connection;
    must_be_400(run, raw(run, "GET", "1.1", ""), &connection);
}

void case_h1_two_hosts(struct run *run)
{
    struct connection *connection;
    const char *lines = panther_format(run->service, "%sHost: panther.invalid\r\n", with_host(run, ""));
    must_be_400(run, raw(run, "GET", "1.1", lines), &connection);
}

void case_h1_invalid_host(struct run *run)
{
    struct connection *connection;
    must_be_400(run, raw(run, "GET", "1.1", "Host: pan ther/?#@\r\n"), &connection);
}

void case_h1_space_before_colon(struct run *run)
{
    struct connection *connection;
    must_be_400(run, raw(run, "GET", "1.1", with_host(run, "X-Panther : 1\r\n")), &connection);
}

// ---- framing that is wrong: 400, then the end

static void must_be_400_and_close(struct run *run, const char *request)
{
    struct connection *connection;
    if (must_be_400(run, request, &connection) && !connection_closes(connection, run_deadline_ns(run)))
        run_violation(run, "the server did not close the connection after 400, which it MUST");
}

// A wrong header section is followed by a request that a server with another idea of the framing would answer.
static const char *smuggle(struct run *run, const char *version, const char *lines, const char *content)
{
    return panther_format(run->service, "%s%sGET /panther-smuggled HTTP/1.1\r\nHost: %s\r\n\r\n",
                          raw(run, "POST", version, with_host(run, lines)), content, h1_host(run));
}

void case_h1_bad_length(struct run *run)
{
    static const char *const lengths[] = {"5x", "+5", "-5", "0x5", "5 5", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]) && !run_is_bad(run); i++) {
        must_be_400_and_close(run, smuggle(run, "1.1", panther_format(run->service, "Content-Length: %s\r\n", lengths[i]), "Hello"));
        if (run_is_bad(run))
            panther_log(run->service, PANTHER_WARNING, "%s: that was Content-Length: %s", run->section, lengths[i]);
    }
}

void case_h1_two_lengths(struct run *run)
{
    must_be_400_and_close(run, smuggle(run, "1.1", "Content-Length: 5\r\nContent-Length: 6\r\n", "Hello"));
}

void case_h1_chunked_not_last(struct run *run)
{
    struct connection *connection = connection_open(run, SPEECH_HTTP1);
    struct h1_reply reply;
    if (!connection)
        return;
    connection_send_text(connection, smuggle(run, "1.1", "Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"));
    h1_receive(connection, "POST", &reply);
    if (reply.state == H1_INCOMPLETE && reply.end == ARRIVAL_RESET)
        run_incomplete(run, "%s: the server reset the connection; 400 may have been lost", run->section);
    else if (reply.state != H1_COMPLETE || (reply.response.status != 400 && reply.response.status != 501)) // 501: a coding it does not know
        run_violation(run, "%s; 400 MUST be the answer", h1_reply_text(run, &reply));
    else if (!connection_closes(connection, run_deadline_ns(run)))
        run_violation(run, "the server did not close the connection, which it MUST");
    run_pass(run, "status %u and the end", reply.response.status);
}

// One answer at most, and then the end (must_close) or at least no second answer.
static void must_not_be_answered_twice(struct run *run, const char *request, bool must_close)
{
    struct connection *connection = connection_open(run, SPEECH_HTTP1);
    struct h1_reply first, second;
    if (!connection)
        return;
    connection_send_text(connection, request);
    h1_receive(connection, "POST", &first);
    if (first.state == H1_INVALID)
        run_violation(run, "%s", h1_reply_text(run, &first));
    if (first.state != H1_COMPLETE && first.end == ARRIVAL_SILENT && must_close)
        run_violation(run, "the server neither answered nor closed");
    if (first.state != H1_COMPLETE) {
        run_pass(run, "%s", h1_reply_text(run, &first));
        return;
    }
    h1_receive(connection, "GET", &second);
    if (second.state == H1_COMPLETE)
        run_violation(run, "%s, and then the bytes behind it were answered as a request (%s)", h1_reply_text(run, &first),
                      h1_reply_text(run, &second));
    else if (must_close && second.end == ARRIVAL_SILENT)
        run_violation(run, "%s, and the server did not close the connection, which it MUST", h1_reply_text(run, &first));
    run_pass(run, "%s, then %s", h1_reply_text(run, &first), arrival_text(second.end));
}

void case_h1_length_and_chunked(struct run *run)
{
    must_not_be_answered_twice(run, smuggle(run, "1.1", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), true);
}

void case_h1_chunked_http10(struct run *run)
{
    const char *lines = "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n";
    must_not_be_answered_twice(run, smuggle(run, "1.0", lines, "0\r\n\r\n"), true);
}

void case_h1_huge_chunk(struct run *run)
{
    must_not_be_answered_twice(run, smuggle(run, "1.1", "Transfer-Encoding: chunked\r\n", "10000000000000001\r\nx\r\n0\r\n\r\n"), false);
}

void case_h1_bad_chunk(struct run *run)
{
    must_not_be_answered_twice(run, smuggle(run, "1.1", "Transfer-Encoding: chunked\r\n", "xyz\r\n0\r\n\r\n"), false);
}

// ---- lines that are not processed as they stand

// Whether "close" was understood is seen by the end that it asks for.
static void close_in_a_strange_line(struct run *run, const char *request, bool must_be_processed)
{
    struct connection *connection;
    struct h1_reply reply;
    if (!h1_exchange(run, "GET", request, &connection, &reply))
        return;
    if (reply.response.status == 400) {
        run_pass(run, "status 400");
        return;
    }
    if (reply.response.status >= 400 || !h1_is_whole_file(run, &reply)) {
        run_pass(run, "status %u", reply.response.status);
        return;
    }
    bool says_close = h1_has_token(&reply.response, "connection", "close");
    if (must_be_processed && !says_close && !connection_closes(connection, run_deadline_ns(run)))
        run_violation(run, "neither 400 nor unfolded: the folded Connection: close is not obeyed");
    if (!must_be_processed && says_close)
        run_violation(run, "neither rejected nor dropped: the Connection: close with a blank before it is obeyed");
    run_pass(run, "status %u", reply.response.status);
}

void case_h1_obs_fold(struct run *run)
{
    close_in_a_strange_line(run, raw(run, "GET", "1.1", with_host(run, "Connection: x-panther,\r\n close\r\n")), true);
}

void case_h1_blank_first_line(struct run *run)
{
    const char *lines = panther_format(run->service, " Connection: close\r\n%s", with_host(run, ""));
    close_in_a_strange_line(run, raw(run, "GET", "1.1", lines), false);
}

// ---- too much

static char *letters(struct run *run, size_t bytes)
{
    char *text = run_memory(run, bytes + 1);
    memset(text, 'a', bytes);
    return text;
}

// What a server answers that does not want it; lost in a reset, nothing can be said.
static bool oversize_reply(struct run *run, const char *request, struct h1_reply *reply)
{
    struct connection *connection = connection_open(run, SPEECH_HTTP1);
    if (!connection)
        return false;
    connection_send_text(connection, request);
    h1_receive(connection, "GET", reply);
    if (reply->state == H1_INCOMPLETE && reply->end == ARRIVAL_RESET)
        return run_incomplete(run, "%s: the server reset the connection; its answer may have been lost", run->section);
    return true;
}

void case_h1_long_target(struct run *run)
{
    struct h1_reply reply;
    const char *target = panther_format(run->service, "/%s", letters(run, run->settings->oversize));
    if (!oversize_reply(run, h1_request(run, "GET", target, ""), &reply))
        return;
    unsigned status = reply.state == H1_COMPLETE ? reply.response.status : 0;
    if (status >= 500) // it may have failed at what it did with the target: that is no word about its length
        run_note(run, "status %u for a target of %zu bytes", status, strlen(target));
    if (status == 0 || status == 400 || status == 413)
        run_violation(run, "%s for a target of %zu bytes; 414 MUST be the answer to one that is too long", h1_reply_text(run, &reply),
                      strlen(target));
    run_pass(run, "status %u for %zu bytes", status, strlen(target));
}

void case_h1_large_field(struct run *run)
{
    struct h1_reply reply;
    const char *fields = panther_format(run->service, "X-Panther: %s\r\n", letters(run, run->settings->oversize));
    if (!oversize_reply(run, h1_request(run, "GET", run_path(run, run->settings->size), fields), &reply))
        return;
    unsigned status = reply.state == H1_COMPLETE ? reply.response.status : 0;
    if (status == 0 || status >= 500)
        run_violation(run, "%s for a field of %llu bytes; 4xx MUST be the answer to one that is too large", h1_reply_text(run, &reply),
                      (unsigned long long)run->settings->oversize);
    run_pass(run, "status %u for %llu bytes", status, (unsigned long long)run->settings->oversize);
}
