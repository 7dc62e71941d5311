// Cases of HTTP/1.1: several requests on a connection, its end, and request content.
#include "cases.h"
#include "h1_client.h"

#include <inttypes.h>
#include <string.h>

void case_h1_persistent(struct run *run)
{
    struct connection *connection;
    struct h1_reply reply;
    const char *request = h1_request(run, "GET", run_path(run, run->settings->size), "");
    if (!h1_exchange(run, "GET", request, &connection, &reply) || !h1_is_whole_file(run, &reply))
        return;
    if (h1_has_token(&reply.response, "connection", "close")) {
        run_pass(run, "the server closes after each response and says so, as it may");
        return;
    }
    connection_send_text(connection, request);
    h1_receive(connection, "GET", &reply);
    if (reply.state == H1_INCOMPLETE && reply.end == ARRIVAL_CLOSED)
        run_violation(run, "the server closed after a response without Connection: close, which MUST be sent then");
    else if (reply.state == H1_COMPLETE ? h1_is_whole_file(run, &reply) : run_failed(run, "second request: %s", h1_reply_text(run, &reply)))
        run_pass(run, "two requests on one connection");
}

void case_h1_connection_close(struct run *run)
{
    struct connection *connection;
    struct h1_reply reply;
    const char *path = run_path(run, run->settings->size);
    const char *both =
        panther_format(run->service, "%s%s", h1_request(run, "GET", path, "Connection: close\r\n"), h1_request(run, "GET", path, ""));
    if (!h1_exchange(run, "GET", both, &connection, &reply) || !h1_is_whole_file(run, &reply))
        return;
    if (!h1_has_token(&reply.response, "connection", "close"))
        run_note(run, "the last response should have Connection: close");
    h1_receive(connection, "GET", &reply);
    if (reply.state == H1_COMPLETE)
        run_violation(run, "a request behind the one with Connection: close was answered (status %u)", reply.response.status);
    else if (reply.end == ARRIVAL_SILENT)
        run_violation(run, "the server did not close the connection, which it MUST");
    else
        run_pass(run, "%s", arrival_text(reply.end));
}

#define PIPELINED 6

void case_h1_pipelining(struct run *run)
{
    const char *path = run_path(run, run->settings->size), *all = "";
    struct h1_reply plain;
    if (!h1_get(run, "", &plain) || !h1_is_whole_file(run, &plain))
        return;
    struct connection *connection = connection_open(run, SPEECH_HTTP1);
    if (!connection)
        return;
    // a small one, one that is not there, one without content, in turns: each response is known by itself
    for (unsigned i = 0; i < PIPELINED; i++)
        all = panther_format(run->service, "%s%s", all,
                             i % 3 == 1   ? h1_request(run, "GET", "/panther-has-no-such-file", "")
                             : i % 3 == 2 ? h1_request(run, "HEAD", path, "")
                                          : h1_request(run, "GET", path, ""));
    connection_send_text(connection, all);
    for (unsigned i = 0; i < PIPELINED; i++) {
        struct h1_reply reply;
        if (!h1_response(run, connection, i % 3 == 2 ? "HEAD" : "GET", &reply))
            return;
        if ((reply.response.status == 200) != (i % 3 != 1)) {
            run_violation(run, "response %u of %u has status %u: not the one to its request", i + 1, PIPELINED, reply.response.status);
            return;
        }
        if (i % 3 == 0 && !h1_is_whole_file(run, &reply))
            return;
        if (h1_has_token(&reply.response, "connection", "close")) {
            run_pass(run, "%u responses in order, then the server closed, as it may", i + 1);
            return;
        }
    }
    run_pass(run, "%u responses in order", PIPELINED);
}

void case_h1_chunked_request(struct run *run)
{
    struct connection *connection;
    struct h1_reply reply;
    const char *path = run_path(run, run->settings->size);
    // an extension, capital hex, a trailer; then a request that must be found behind them
    const char *request = panther_format(run->service,
                                         "POST %s HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: "
                                         "chunked\r\n\r\n5;a=b\r\nHello\r\n00A\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n%s",
                                         path, h1_host(run), h1_request(run, "GET", path, ""));
    if (!h1_exchange(run, "POST", request, &connection, &reply))
        return;
    unsigned status = reply.response.status;
    if (status == 400 || status == 411 || status == 501) {
        // 411 is for a missing Content-Length: no leave to refuse the coding, but RFC 9110, 15.5.12 lets a server ask for one
        if (status == 411)
            run_pass(run, "status 411: the server wants a length, as it may");
        else
            run_violation(run, "status %u: a server MUST be able to parse chunked", status);
        return;
    }
    if (h1_has_token(&reply.response, "connection", "close")) {
        run_pass(run, "status %u, then the server closes", status);
        return;
    }
    h1_receive(connection, "GET", &reply);
    if (reply.state == H1_COMPLETE && reply.response.status == 200 && h1_is_whole_file(run, &reply))
        run_pass(run, "status %u, and the next request is answered", status);
    else if (reply.state == H1_INCOMPLETE && (reply.end == ARRIVAL_CLOSED || reply.end == ARRIVAL_RESET))
        run_pass(run, "status %u, then %s", status, arrival_text(reply.end));
    else
        run_violation(run, "the request behind a chunked one was not found (%s)", h1_reply_text(run, &reply));
}

void case_h1_expect_continue(struct run *run)
{
    struct h1_reply reply;
    struct connection *connection = connection_open(run, SPEECH_HTTP1);
    if (!connection)
        return;
    connection_send_text(connection,
                         h1_request(run, "POST", run_path(run, run->settings->size), "Expect: 100-continue\r\nContent-Length: 5\r\n"));
    h1_receive(connection, "POST", &reply);
    if (reply.state == H1_INCOMPLETE && reply.end == ARRIVAL_SILENT)
        run_violation(run, "neither 100 nor a final status: the server waits for the content");
    else if (reply.state != H1_COMPLETE)
        run_failed(run, "%s", h1_reply_text(run, &reply));
    else if (reply.response.status != 100)
        run_pass(run, "status %u at once", reply.response.status);
    else {
        connection_send_text(connection, "Hello");
        if (h1_response(run, connection, "POST", &reply))
            run_pass(run, "100, then status %u", reply.response.status);
    }
}
