// Requests over HTTP/1.1 as text, and what comes back. The cases of h1_*.c are written with it.
#ifndef HTTP_CONFORMANCE_H1_CLIENT_H
#define HTTP_CONFORMANCE_H1_CLIENT_H

#include "connection.h"
#include "h1_message.h"

struct h1_reply {
    enum h1_state state; // H1_COMPLETE: there is a response; H1_INCOMPLETE: see end; H1_INVALID: see problem
    enum arrival end;    // how the connection ended before a response was whole, or ARRIVAL_SILENT
    const char *problem;
    struct h1_response response;
    char *body; // NUL behind it
};

// The host as a request names it: "127.0.0.1:8080".
const char *h1_host(struct run *run);
// A request: "METHOD target HTTP/1.1", Host, then the lines of `fields` (each ending with CRLF; "" for none), and the empty line.
const char *h1_request(struct run *run, const char *method, const char *target, const char *fields);

// Waits for the next response. No verdict. 1xx responses are replies as well.
void h1_receive(struct connection *connection, const char *method, struct h1_reply *reply);
// The next final response; 1xx before it are dropped. False: the run has a verdict (it did not come, or is not valid).
bool h1_response(struct run *run, struct connection *connection, const char *method, struct h1_reply *reply);
// Opens, sends, waits for the final response. False: the run has a verdict.
bool h1_exchange(struct run *run, const char *method, const char *request, struct connection **connection, struct h1_reply *reply);
// GET of the small file with these fields, on a connection of its own.
bool h1_get(struct run *run, const char *fields, struct h1_reply *reply);

// The small file, whole: 200 with all its bytes. False: the run has a verdict.
bool h1_is_whole_file(struct run *run, const struct h1_reply *reply);
// A field's value as a text of the run; NULL: there is none.
const char *h1_value(struct run *run, const struct h1_reply *reply, const char *name);
// "200", "no response: the server closed the connection": for verdicts.
const char *h1_reply_text(struct run *run, const struct h1_reply *reply);
// After a case: does the server still answer? False: the run has a verdict.
bool h1_still_answers(struct run *run);

#endif
