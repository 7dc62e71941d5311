// What every client command shares: --key-file, --coordinator, -o; the call; how a refusal or a dead coordinator is told.
#ifndef PANTHER_COORDINATOR_CLI_CLIENT_H
#define PANTHER_COORDINATOR_CLI_CLIENT_H

#include <argp.h>
#include <stdbool.h>

#include "common/bus/call.h"
#include "coordinator/cli/command.h"
#include "coordinator/report/table.h"

struct client {
    const char *key_path;    // --key-file, else $PANTHER_KEY, client.yaml's, ~/.config/panther/key, /etc/panther/key
    const char *coordinator; // --coordinator, else $PANTHER_COORDINATOR, client.yaml's, the key file's
    enum report_format format;
    unsigned documents; // what -o takes beyond table, json and jsonl: REPORT_DOCUMENT(...); set before parsing
    uint32_t timeout_ms;
    bool colour;
    bool waits;      // for a coordinator that is away, which was said already: no word about it
    bool unanswered; // the last request was sent, but no reply came in time
    // open:
    struct bus_peer_file peer;
    bool bus_is_begun;
    struct bus_call *call;
    struct arena *arena; // replies live here until client_call of the next request
};
// A child parser: .children = {{&client_argp, 0, NULL, 0}, {0}}, and state->child_inputs[0] = &client at ARGP_KEY_INIT.
extern const struct argp client_argp;
// The same without `--key FILE`, the other name of --key-file: there --key is the submission's key.
extern const struct argp client_argp_of_submit;
// --key given before the command: `panther-coord --key FILE runs`.
extern const char *client_key_from_main, *client_coordinator_from_main;

// Sends, waits, and says on stderr what went wrong. Returns 0 with the reply, or an exit status. Opens the connection at the first call.
int client_call(struct client *client, Pb__Request *request, Pb__Reply **reply);
int client_open(struct client *client);                // 0 or an exit status
void client_disconnect(struct client *client);         // the next call connects again
void client_close(struct client *client);              // at the end of the program
void client_refused(const Pb__Refused *refused);       // prints
int client_problem(const struct panther_error *error); // prints; the exit status that fits

// All rows of a query, page by page, appended to a table that is made at the first (columns come with the reply).
int client_query(struct client *client, Pb__Table table, const char *scope, struct table **rows, uint64_t *cursor, bool changed);

// What a command did: a sentence for a person, or a row with -o json or jsonl.
void client_answer(const struct client *client, const char *sentence, const char *const *columns, const char *const *values, size_t count);
// When a table is empty, on a terminal: what a newcomer would do next.
void client_hint(const struct client *client, const char *text);

// A command without options of its own beyond the client's and up to one argument.
struct simple_arguments {
    struct client client;
    const char *argument;
    bool argument_is_required;
    const char *argument_name;
};
int simple_parse(int argc, char **argv, const char *argument_doc, const char *doc, struct simple_arguments *arguments);

#endif
