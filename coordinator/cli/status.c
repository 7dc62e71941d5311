// panther-coord status: is the coordinator well, is admission open, what was refused; of a run: its tags, and what its cells wait for.
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "common/base/verdict.h"
#include "coordinator/cli/client.h"

static const char *const columns[] = {"what", "value"};

static void add(struct table *table, const char *what, const char *value)
{
    const char *values[] = {what, value};
    table_add(table, values);
}

static const char *size_text(struct arena *arena, uint64_t bytes)
{
    char text[32];
    report_value("size_bytes", arena_printf(arena, "%llu", (unsigned long long)bytes), text, sizeof text);
    return arena_string(arena, text);
}

// In the order in which things stop when it gets short.
static void add_disk(struct table *table, struct arena *arena, const Pb__DiskSpace *disk)
{
    add(table, "disk", arena_printf(arena, "%s free of %s", size_text(arena, disk->free_bytes), size_text(arena, disk->total_bytes)));
    add(table, "captures wait below", size_text(arena, disk->captures_floor_bytes));
    add(table, "logs wait below", size_text(arena, disk->logs_floor_bytes));
    add(table, "admission stops below", size_text(arena, disk->reserve_bytes));
    if (*disk->why) {
        add(table, "short of space", disk->why);
    }
}

static const char *held_text(struct arena *arena, const Pb__HeldTrial *held)
{
    char left[32];
    duration_format_ms(held->left_ms, left, sizeof left);
    return arena_printf(arena, "%s (%s): its services keep their hosts for %s, or until it is released", held->name,
                        verdict_name((int)held->outcome->verdict), left);
}

static void fill(struct table *table, struct arena *arena, const Pb__Status *status)
{
    add(table, "version", status->version);
    add(table, "store", status->store_id);
    add(table, "incarnation", arena_printf(arena, "%llu", (unsigned long long)status->incarnation));
    char uptime[32];
    report_value("uptime_ms", arena_printf(arena, "%llu", (unsigned long long)status->uptime_ms), uptime, sizeof uptime);
    add(table, "uptime", uptime);
    add(table, "journal records", arena_printf(arena, "%llu", (unsigned long long)status->journal_records));
    add(table, "agents connected", arena_printf(arena, "%u of %u known", status->agents_connected, status->agents_known));
    add(table, "runs open", arena_printf(arena, "%llu", (unsigned long long)status->runs_open));
    add(table, "cells open", arena_printf(arena, "%llu", (unsigned long long)status->cells_open));
    add(table, "trials live", arena_printf(arena, "%llu", (unsigned long long)status->trials_live));
    add(table, "admission", status->admission_open ? "open" : arena_printf(arena, "stopped: %s", status->admission_reason));
    for (size_t i = 0; i < status->n_held; i++) {
        add(table, "held", held_text(arena, status->held[i]));
    }
    if (status->held_left_out) {
        add(table, "held", arena_printf(arena, "and %llu more", (unsigned long long)status->held_left_out));
    }
    if (status->disk) {
        add_disk(table, arena, status->disk);
    }
    for (size_t i = 0; i < status->n_counters; i++) {
        add(table, arena_printf(arena, "counter %s", status->counters[i]->name),
            arena_printf(arena, "%llu", (unsigned long long)status->counters[i]->value));
    }
}

// ---- of a run

static void summarise(const Pb__RunStatus *run)
{
    if (run->ended) {
        printf("%s has ended: `panther-coord results %s` has its verdicts\n", run->name, run->name);
        return;
    }
    printf("%s%s: %llu of %llu cells have ended, %llu trials run, %llu cells wait", run->name, run->cancelled ? " is being cancelled" : "",
           (unsigned long long)run->cells_ended, (unsigned long long)run->cells, (unsigned long long)run->trials_live,
           (unsigned long long)(run->n_waiting + run->left_out));
    printf("%s%s\n", run->left_out ? ", the first of which are shown" : "", run->gates_due ? "; its gates are being judged" : "");
}

// Rows stand for waiting cells; tags and pinned are the run's, in every row, as `runs` has them.
static struct table *waiting_table(const struct client *client, const Pb__RunStatus *run, const char *tags, const char *pinned)
{
    static const char *const all[] = {"cell", "attempts_count", "waits_for", "tags", "pinned"};
    static const char *const shown[] = {"cell", "attempts_count", "waits_for", NULL};
    struct table *table = table_new(all, 5);
    for (size_t i = 0; i < run->n_waiting; i++) {
        const Pb__WaitingCell *cell = run->waiting[i];
        table_add(table, (const char *const[]){cell->name, arena_printf(client->arena, "%u", cell->attempts), cell->why, tags, pinned});
    }
    if (client->format == REPORT_TABLE) {
        table_show(table, shown);
    }
    return table;
}

static void show_run(const struct client *client, const Pb__Status *status, const char *tags, const char *pinned)
{
    const Pb__RunStatus *run = status->run;
    bool is_pinned = strcmp(pinned, "1") == 0;
    if (client->format == REPORT_TABLE) {
        summarise(run);
        if (*tags || is_pinned) {
            printf("%s%s%s%s\n", *tags ? "tags: " : "", tags, *tags && is_pinned ? "; " : "",
                   is_pinned ? "pinned: its evidence stays" : "");
        }
        for (size_t i = 0; i < status->n_held; i++) {
            printf("held: %s\n", held_text(client->arena, status->held[i]));
        }
    }
    if (client->format != REPORT_TABLE || run->n_waiting) {
        struct table *table = waiting_table(client, run, tags, pinned);
        table_print(table, client->format, stdout, client->colour);
        table_free(&table);
    }
}

static int call(struct client *client, const char *run, Pb__Reply **reply)
{
    Pb__GetStatus get = PB__GET_STATUS__INIT;
    get.run = (char *)(uintptr_t)run;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_GET_STATUS;
    request.get_status = &get;
    return client_call(client, &request, reply);
}

// What people say of a run is in the store's tables, as for `runs`; the rest is the coordinator's own state. The store is asked first,
// because a reply lives until the next request.
static int status_of_run(struct client *client, const char *run)
{
    struct table *said = NULL;
    uint64_t cursor = 0;
    Pb__Reply *reply;
    int status = client_query(client, PB__TABLE__TABLE_RUNS, run, &said, &cursor, false);
    status = status ? status : call(client, run, &reply);
    if (!status) {
        bool is_there = table_count(said) == 1 && strcmp(table_value(said, 0, "name"), reply->status->run->name) == 0;
        show_run(client, reply->status, is_there ? table_value(said, 0, "tags") : "", is_there ? table_value(said, 0, "pinned") : "");
    }
    table_free(&said);
    return status;
}

static int status_of_coordinator(struct client *client)
{
    Pb__Reply *reply;
    int status = call(client, "", &reply);
    if (!status) {
        struct table *table = table_new(columns, 2);
        fill(table, client->arena, reply->status);
        table_print(table, client->format, stdout, client->colour);
        table_free(&table);
    }
    return status;
}

int cli_status(int argc, char **argv)
{
    struct simple_arguments arguments = {.argument_name = "RUN"};
    simple_parse(argc, argv, "[RUN]", "The coordinator's own state; of a run, its tags and what each of its cells waits for.", &arguments);
    bool is_run = arguments.argument && *arguments.argument;
    int status = is_run ? status_of_run(&arguments.client, arguments.argument) : status_of_coordinator(&arguments.client);
    client_close(&arguments.client);
    return status;
}
