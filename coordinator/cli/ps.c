// panther-coord ps: which processes live on the hosts, of which trial and service, and what should not be there.
#include <stdio.h>

#include "coordinator/cli/client.h"

static const char *const columns[] = {"host", "trial",   "service",       "instance", "generation",
                                      "pid",  "process", "since_wall_ns", "state",    "orphan"};

struct ps_arguments {
    struct client client;
    bool orphans;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct ps_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case 'O':
        arguments->orphans = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "one argument too many: %s", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void add_process(struct table *table, struct arena *arena, const Pb__ProcessRow *row)
{
    const char *values[] = {
        row->host,
        row->trial,
        row->service,
        row->instance ? arena_printf(arena, "%llu", (unsigned long long)row->instance) : "",
        row->instance ? arena_printf(arena, "%u", row->generation) : "",
        arena_printf(arena, "%u", row->pid),
        row->name,
        arena_printf(arena, "%lld", (long long)row->started_wall_ns),
        row->state,
        row->orphan,
    };
    table_add(table, values);
}

// A host that was not looked at is a row too: an empty list would say that nothing lives there.
static void add_silent(struct table *table, const Pb__SilentAgent *silent)
{
    const char *values[] = {silent->name, "", "", "", "", "", "", "", silent->why, ""};
    table_add(table, values);
}

static int judge(const Pb__Processes *processes, bool orphans)
{
    bool any = false;
    for (size_t i = 0; i < processes->n_processes; i++) {
        any |= *processes->processes[i]->orphan != '\0';
    }
    if (orphans && any) {
        return EXIT_FAIL;
    }
    return orphans && (processes->n_silent || processes->left_out) ? EXIT_INCONC : EXIT_PASS;
}

static int show(struct client *client, const Pb__Processes *processes, bool orphans)
{
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < processes->n_processes; i++) {
        add_process(table, client->arena, processes->processes[i]);
    }
    for (size_t i = 0; i < processes->n_silent; i++) {
        add_silent(table, processes->silent[i]);
        fprintf(stderr, "panther-coord: host %s was not looked at: %s\n", processes->silent[i]->name, processes->silent[i]->why);
    }
    table_print(table, client->format, stdout, client->colour);
    table_free(&table);
    if (processes->left_out) {
        fprintf(stderr, "panther-coord: %llu processes more found no room in the answer\n", (unsigned long long)processes->left_out);
    }
    return judge(processes, orphans);
}

int cli_ps(int argc, char **argv)
{
    static const struct argp_option options[] = {{"orphans", 'O', NULL, 0, "only what should not live; status 1 if there is any", 0}, {0}};
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Asks every agent which processes of instances live on its host.\vAn orphan is a process that no trial "
        "wants, that outlived its lease, or that descends from an agent and is of no instance. Exit status with "
        "--orphans: 0 none, 1 some, 3 none was found, but not every host could be looked at.",
        children,
        NULL,
        NULL};
    struct ps_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    Pb__ListProcesses list = PB__LIST_PROCESSES__INIT;
    list.orphans = arguments.orphans;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_LIST_PROCESSES;
    request.list_processes = &list;
    Pb__Reply *reply;
    int status = client_call(&arguments.client, &request, &reply);
    if (!status) {
        status = show(&arguments.client, reply->processes, arguments.orphans);
    }
    client_close(&arguments.client);
    return status;
}
