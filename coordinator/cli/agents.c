// panther-coord agents: who is there, how full, how far its clock is.
#include <stdio.h>

#include "coordinator/cli/client.h"

static const char *const columns[] = {"name",         "state",   "slots",        "instances_count", "addresses",      "labels",
                                      "plugins",      "version", "heard_ms",     "clock_offset_us", "clock_error_us", "kernel",
                                      "distribution", "cpus",    "memory_bytes", "disk_free_bytes", "host_id",        "boot_id"};
static const char *const shown[] = {"name",   "state",   "slots",    "instances_count", "addresses",
                                    "labels", "plugins", "heard_ms", "version",         NULL};

static char *join_labels(struct arena *arena, const Pb__AgentRow *row)
{
    struct text text = {0};
    for (size_t i = 0; i < row->n_labels; i++) {
        text_printf(&text, "%s%s=%s", i ? "," : "", row->labels[i]->name, row->labels[i]->value);
    }
    char *joined = arena_string(arena, text_string(&text));
    text_free(&text);
    return joined;
}

static char *join_addresses(struct arena *arena, const Pb__AgentRow *row)
{
    struct text text = {0};
    for (size_t i = 0; i < row->n_addresses; i++) {
        text_printf(&text, "%s%s", i ? "," : "", row->addresses[i]->address);
    }
    char *joined = arena_string(arena, text_string(&text));
    text_free(&text);
    return joined;
}

static char *count_plugins(struct arena *arena, const Pb__AgentRow *row)
{
    size_t usable = 0;
    for (size_t i = 0; i < row->n_plugins; i++) {
        usable += row->plugins[i]->usable != 0;
    }
    return arena_printf(arena, "%zu/%zu", usable, row->n_plugins);
}

static void add_row(struct table *table, struct arena *arena, const Pb__AgentRow *row)
{
    bool seen = row->facts != NULL;
    const char *values[] = {
        row->name,
        arena_printf(arena, "%s%s%s", row->state, row->is_drained ? ", drained" : "", row->disk_is_short ? ", disk short" : ""),
        arena_printf(arena, "%u", row->slots),
        arena_printf(arena, "%u", row->slots_used),
        join_addresses(arena, row),
        join_labels(arena, row),
        count_plugins(arena, row),
        row->version,
        seen ? arena_printf(arena, "%llu", (unsigned long long)row->last_heard_ms) : "",
        row->clock_error_ns ? arena_printf(arena, "%lld", (long long)row->clock_offset_ns / 1000) : "",
        row->clock_error_ns ? arena_printf(arena, "%llu", (unsigned long long)row->clock_error_ns / 1000) : "",
        seen ? row->facts->kernel : "",
        seen ? row->facts->distribution : "",
        seen ? arena_printf(arena, "%u", row->facts->cpus) : "",
        seen ? arena_printf(arena, "%llu", (unsigned long long)row->facts->memory_bytes) : "",
        arena_printf(arena, "%llu", (unsigned long long)row->disk_free_bytes),
        row->host_id,
        row->boot_id,
    };
    table_add(table, values);
}

static int list_all(struct client *client, struct table *table)
{
    Pb__ListAgents list = PB__LIST_AGENTS__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_LIST_AGENTS;
    request.list_agents = &list;
    for (bool more = true; more;) {
        Pb__Reply *reply;
        int status = client_call(client, &request, &reply);
        if (status) {
            return status;
        }
        for (size_t i = 0; i < reply->agents->n_agents; i++) {
            add_row(table, client->arena, reply->agents->agents[i]);
        }
        list.after = reply->agents->next;
        more = reply->agents->more;
    }
    return 0;
}

int cli_agents(int argc, char **argv)
{
    struct simple_arguments arguments = {0};
    simple_parse(argc, argv, NULL, "Lists every agent that has a key, and whether it is connected.", &arguments);
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    int status = list_all(&arguments.client, table);
    if (!status) {
        table_show(table, shown);
        table_print(table, arguments.client.format, stdout, arguments.client.colour);
        if (!table_count(table)) {
            client_hint(&arguments.client, "no agent has a key yet: `panther-coord keys enroll NAME` lets one in");
        }
    }
    table_free(&table);
    client_close(&arguments.client);
    return status;
}
