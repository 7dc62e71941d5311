// panther-coord cancel RUN and panther-coord backup PATH: one request, one line.
#include <stdio.h>

#include "coordinator/cli/client.h"

// For programs: the one row, as -o says.
static void print_row(const struct client *client, const char *const *columns, const char *const *values, size_t count)
{
    struct table *table = table_new(columns, count);
    table_add(table, values);
    table_print(table, client->format, stdout, client->colour);
    table_free(&table);
}

int cli_cancel(int argc, char **argv)
{
    struct simple_arguments arguments = {.argument_name = "RUN", .argument_is_required = true};
    simple_parse(argc, argv, "RUN", "Stops a run (r12 or @last): what has not ended gets the verdict inconc (cancelled).", &arguments);
    Pb__Cancel cancel = PB__CANCEL__INIT;
    cancel.run = (char *)(uintptr_t)arguments.argument;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_CANCEL;
    request.cancel = &cancel;
    Pb__Reply *reply;
    int status = client_call(&arguments.client, &request, &reply);
    if (!status && arguments.client.format != REPORT_TABLE) {
        char cells[24];
        snprintf(cells, sizeof cells, "%llu", (unsigned long long)reply->cancelled->cells);
        print_row(&arguments.client, (const char *const[]){"run", "cells_count"}, (const char *const[]){reply->cancelled->run, cells}, 2);
    } else if (!status) {
        printf("%s: %llu cells had not ended\n", reply->cancelled->run, (unsigned long long)reply->cancelled->cells);
    }
    client_close(&arguments.client);
    return status;
}

int cli_backup(int argc, char **argv)
{
    struct simple_arguments arguments = {.argument_name = "PATH", .argument_is_required = true};
    simple_parse(argc, argv, "PATH",
                 "Copies the live store to a new folder on the coordinator's host; `panther-coord serve --data PATH` can start from "
                 "it.\vCopying the "
                 "folder by hand while the coordinator runs would tear it.",
                 &arguments);
    Pb__Backup backup = PB__BACKUP__INIT;
    backup.path = (char *)(uintptr_t)arguments.argument;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_BACKUP;
    request.backup = &backup;
    Pb__Reply *reply;
    int status = client_call(&arguments.client, &request, &reply);
    if (!status) {
        static const char *const columns[] = {"path", "records_count", "size_bytes"};
        char size[32];
        const char *values[] = {reply->backed_up->path,
                                arena_printf(arguments.client.arena, "%llu", (unsigned long long)reply->backed_up->journal_records),
                                arena_printf(arguments.client.arena, "%llu", (unsigned long long)reply->backed_up->size_bytes)};
        if (arguments.client.format != REPORT_TABLE) {
            print_row(&arguments.client, columns, values, 3);
            client_close(&arguments.client);
            return status;
        }
        report_value("size_bytes", values[2], size, sizeof size);
        printf("%s: %llu records, %s\n", reply->backed_up->path, (unsigned long long)reply->backed_up->journal_records, size);
    }
    client_close(&arguments.client);
    return status;
}
