// Cases of HTTP/1.1: methods, bodies, old versions, forms of the target, redirects.
#include "cases.h"
#include "h1_client.h"

#include <inttypes.h>
#include <string.h>

void case_h1_get(struct run *run)
{
    struct h1_reply reply;
    if (h1_get(run, "", &reply) && h1_is_whole_file(run, &reply))
        run_pass(run, "%zu bytes", reply.response.body_bytes);
}

void case_h1_head(struct run *run)
{
    struct connection *connection;
    struct h1_reply reply;
    const char *path = run_path(run, run->settings->size);
    const char *request = h1_request(run, "HEAD", path, ""), *second = h1_request(run, "GET", path, "Connection: close\r\n");
    if (!h1_exchange(run, "HEAD", request, &connection, &reply))
        return;
    if (reply.response.status == 404)
        h1_is_whole_file(run, &reply); // says what is missing
    else if (reply.response.status != 200)
        run_failed(run, "status %u instead of 200", reply.response.status);
    else if (reply.response.has_length && reply.response.length != run->settings->size)
        run_violation(run, "Content-Length is %" PRIu64 ", GET would have %" PRIu64, reply.response.length, run->settings->size);
    if (run_is_bad(run))
        return;
    // content behind the header section would be read as the next response
    if (!h1_has_token(&reply.response, "connection", "close")) {
        connection_send_text(connection, second);
        if (!h1_response(run, connection, "GET", &reply) || !h1_is_whole_file(run, &reply))
            return;
    } else if (connection_wait(connection, run_deadline_ns(run)) == ARRIVAL_DATA) {
        run_violation(run, "content follows the response to HEAD");
        return;
    }
    run_pass(run, "no content");
}

static bool check_allow(struct run *run, const char *method, const struct h1_reply *reply)
{
    if (reply->response.status == 405 && !h1_find(&reply->response, "allow"))
        return run_violation(run, "405 for %s has no Allow, which MUST be there", method);
    return true;
}

void case_h1_options(struct run *run)
{
    struct connection *connection;
    struct h1_reply file, all;
    if (!h1_exchange(run, "OPTIONS", h1_request(run, "OPTIONS", run_path(run, run->settings->size), ""), &connection, &file) ||
        !h1_exchange(run, "OPTIONS", h1_request(run, "OPTIONS", "*", ""), &connection, &all))
        return;
    if (file.response.status < 300 && !h1_find(&file.response, "allow"))
        run_note(run, "a successful response to OPTIONS should have Allow");
    run_pass(run, "status %u for a file, %u for *", file.response.status, all.response.status);
}

void case_h1_unknown_method(struct run *run)
{
    static const char *const methods[] = {"PANTHER", "POST", "DELETE"};
    unsigned statuses[3];
    for (size_t i = 0; i < 3; i++) {
        struct connection *connection;
        struct h1_reply reply;
        const char *fields = i == 1 ? "Content-Length: 0\r\n" : "";
        if (!h1_exchange(run, methods[i], h1_request(run, methods[i], run_path(run, run->settings->size), fields), &connection, &reply) ||
            !check_allow(run, methods[i], &reply))
            return;
        statuses[i] = reply.response.status;
    }
    if (statuses[0] < 400)
        run_note(run, "an unknown method should be answered with 501, or 405 (RFC 9110, 9.1), not %u", statuses[0]);
    run_pass(run, "status %u for PANTHER, %u for POST, %u for DELETE", statuses[0], statuses[1], statuses[2]);
}

void case_h1_large_body(struct run *run)
{
    struct connection *connection;
    struct h1_reply reply;
    const char *path = run_path(run, run->settings->large);
    uint64_t started_ns = panther_now_ns(run->service);
    if (!h1_exchange(run, "GET", h1_request(run, "GET", path, ""), &connection, &reply))
        return;
    if (reply.response.status == 404) {
        run_incomplete(run, "the server has no %s: put %" PRIu64 " into its sizes", path, run->settings->large);
        return;
    }
    int64_t difference = run_difference(run, 0, reply.body, reply.response.body_bytes);
    if (reply.response.status != 200)
        run_failed(run, "status %u instead of 200", reply.response.status);
    else if (reply.response.body_bytes != run->settings->large)
        run_violation(run, "the body has %zu bytes instead of %" PRIu64, reply.response.body_bytes, run->settings->large);
    else if (difference >= 0)
        run_violation(run, "the body is wrong from byte %" PRId64 " on", difference);
    else
        run_pass(run, "%" PRIu64 " bytes", run->settings->large);
    panther_metric(run->service, "transfer_time", (double)(panther_now_ns(run->service) - started_ns) / 1e6, "ms", PANTHER_LOWER_IS_BETTER);
}

void case_h1_http10(struct run *run)
{
    struct connection *connection;
    struct h1_reply reply;
    const char *request =
        panther_format(run->service, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", run_path(run, run->settings->size), h1_host(run));
    if (!h1_exchange(run, "GET", request, &connection, &reply))
        return;
    if (h1_find(&reply.response, "transfer-encoding"))
        run_violation(run, "the response to HTTP/1.0 has Transfer-Encoding, which MUST NOT be sent");
    else if (!h1_is_whole_file(run, &reply))
        return;
    else if (!connection_closes(connection, run_deadline_ns(run)))
        run_note(run, "the connection of an HTTP/1.0 request without keep-alive stays open (RFC 9112, 9.3)");
    run_pass(run, "status %u", reply.response.status);
}

void case_h1_absolute_form(struct run *run)
{
    struct connection *connection;
    struct h1_reply reply;
    const char *target =
        panther_format(run->service, "%s://%s%s", run->tls ? "https" : "http", h1_host(run), run_path(run, run->settings->size));
    if (!h1_get(run, "", &reply) || !h1_is_whole_file(run, &reply))
        return;
    if (!h1_exchange(run, "GET", h1_request(run, "GET", target, ""), &connection, &reply))
        return;
    if (reply.response.status != 200)
        run_violation(run, "status %u for %s, 200 for the path alone; the form MUST be accepted", reply.response.status, target);
    else if (h1_is_whole_file(run, &reply))
        run_pass(run, "status 200");
}

// The path of an absolute or relative Location; NULL: it leads to another place.
static const char *location_path(struct run *run, const char *location, const char *folder)
{
    const char *host = strstr(location, "://");
    if (host) {
        const char *path = strchr(host + 3, '/');
        return path ? path : "/";
    }
    if (location[0] == '/')
        return location[1] == '/' ? NULL : location;
    const char *slash = strrchr(folder, '/');
    return panther_format(run->service, "%.*s%s", (int)(slash - folder) + 1, folder, location);
}

void case_h1_redirect(struct run *run)
{
    struct connection *connection;
    struct h1_reply reply;
    const char *folder = run->settings->folder;
    if (folder[0] != '/') {
        run_not_applicable(run, "no folder is set");
        return;
    }
    if (!h1_exchange(run, "GET", h1_request(run, "GET", folder, ""), &connection, &reply))
        return;
    if (reply.response.status < 300 || reply.response.status >= 400) {
        run_not_applicable(run, "status %u: the server does not redirect to a folder", reply.response.status);
        return;
    }
    const char *location = h1_value(run, &reply, "location"), *path = location ? location_path(run, location, folder) : NULL;
    if (!path)
        run_violation(run, "status %u without a Location that leads to the folder (%s)", reply.response.status,
                      location ? location : "none");
    else if (strcmp(path, panther_format(run->service, "%s/", folder)) == 0)
        run_pass(run, "Location: %s", location);
    else if (h1_exchange(run, "GET", h1_request(run, "GET", path, ""), &connection, &reply)) {
        if (reply.response.status >= 300)
            run_failed(run, "Location: %s, which is not the folder, is answered with %u", location, reply.response.status);
        run_pass(run, "Location: %s", location);
    }
}
