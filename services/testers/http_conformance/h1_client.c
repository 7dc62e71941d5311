// Sends requests of HTTP/1.1 and reads the responses from the connection's buffer.
#include "h1_client.h"

#include <string.h>

const char *h1_host(struct run *run)
{
    return panther_endpoint_text(run->service, run->endpoint);
}

const char *h1_request(struct run *run, const char *method, const char *target, const char *fields)
{
    return panther_format(run->service, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, target, h1_host(run), fields);
}

// The texts of a response point into the connection's buffer, which moves: the reply gets a copy.
static void keep(struct run *run, const char *data, struct h1_reply *reply)
{
    struct h1_response *response = &reply->response;
    char *head = run_memory(run, response->head_bytes);
    memcpy(head, data, response->head_bytes);
    for (size_t i = 0; i < response->field_count; i++) {
        response->fields[i].name.data = head + (response->fields[i].name.data - data);
        response->fields[i].value.data = head + (response->fields[i].value.data - data);
    }
    reply->body = run_memory(run, response->body_bytes + 1);
    h1_copy_body(data, response, reply->body);
}

void h1_receive(struct connection *connection, const char *method, struct h1_reply *reply)
{
    struct run *run = connection_run(connection);
    uint64_t deadline_ns = run_deadline_ns(run);
    reply->end = ARRIVAL_DATA; // what is here already may be all
    for (;;) {
        size_t bytes;
        const char *data = (const char *)connection_data(connection, &bytes);
        bool ended = connection_end(connection) == ARRIVAL_CLOSED;
        reply->state = h1_parse(data, bytes, ended, method, &reply->response, &reply->problem);
        if (reply->state == H1_COMPLETE) {
            keep(run, data, reply);
            connection_take(connection, reply->response.consumed);
        }
        if (reply->state != H1_INCOMPLETE)
            return;
        uint64_t more_ns = run_deadline_ns(run);
        reply->end = connection_wait(connection, bytes > 0 ? more_ns : deadline_ns);
        if (reply->end == ARRIVAL_CLOSED && !ended)
            continue; // a body may end so
        if (reply->end != ARRIVAL_DATA)
            return;
    }
}

bool h1_response(struct run *run, struct connection *connection, const char *method, struct h1_reply *reply)
{
    do
        h1_receive(connection, method, reply);
    while (reply->state == H1_COMPLETE && reply->response.status < 200 && reply->response.status != 101);
    if (reply->state == H1_INVALID)
        return run_violation(run, "the response to %s is not valid: %s", method, reply->problem);
    if (reply->state == H1_COMPLETE)
        return true;
    if (reply->end == ARRIVAL_SILENT)
        return run_silent(run, "no whole response to %s in time", method);
    if (reply->end == ARRIVAL_RESET)
        return run_failed(run, "the server reset the connection before its response to %s was whole", method);
    return run_failed(run, "no whole response to %s: %s", method, arrival_text(reply->end));
}

bool h1_exchange(struct run *run, const char *method, const char *request, struct connection **connection, struct h1_reply *reply)
{
    *connection = connection_open(run, SPEECH_HTTP1);
    if (!*connection)
        return false;
    connection_send_text(*connection, request); // if it was not taken, the response says why
    return h1_response(run, *connection, method, reply);
}

bool h1_get(struct run *run, const char *fields, struct h1_reply *reply)
{
    struct connection *connection;
    return h1_exchange(run, "GET", h1_request(run, "GET", run_path(run, run->settings->size), fields), &connection, reply);
}

const char *h1_value(struct run *run, const struct h1_reply *reply, const char *name)
{
    const struct h1_text *value = h1_find(&reply->response, name);
    return value ? panther_format(run->service, "%.*s", (int)value->bytes, value->data) : NULL;
}

bool h1_is_whole_file(struct run *run, const struct h1_reply *reply)
{
    uint64_t size = run->settings->size;
    if (reply->response.status == 404)
        return run_incomplete(run, "the server has no %s: put %llu into its sizes", run_path(run, size), (unsigned long long)size);
    if (reply->response.status != 200)
        return run_failed(run, "status %u instead of 200", reply->response.status);
    if (reply->response.body_bytes != size)
        return run_violation(run, "the body has %zu bytes instead of %llu", reply->response.body_bytes, (unsigned long long)size);
    int64_t difference = run_difference(run, 0, reply->body, reply->response.body_bytes);
    if (difference >= 0)
        return run_violation(run, "the body is wrong from byte %lld on", (long long)difference);
    return true;
}

const char *h1_reply_text(struct run *run, const struct h1_reply *reply)
{
    if (reply->state == H1_COMPLETE)
        return panther_format(run->service, "status %u", reply->response.status);
    if (reply->state == H1_INVALID)
        return panther_format(run->service, "no valid response: %s", reply->problem);
    return panther_format(run->service, "no response: %s", arrival_text(reply->end));
}

bool h1_still_answers(struct run *run)
{
    struct h1_reply reply;
    run->section = "afterwards";
    return h1_get(run, "Connection: close\r\n", &reply);
}
