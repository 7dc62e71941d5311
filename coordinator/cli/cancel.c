// panther-coord cancel RUN and panther-coord backup PATH: one request, one answer.
#include <stdio.h>

#include "coordinator/cli/client.h"

int cli_cancel(int argc, char **argv)
{
    struct simple_arguments arguments = {.argument_name = "RUN", .argument_is_required = true};
    simple_parse(argc, argv, "RUN", "Stops a run (r12 or @last): what has not ended gets the verdict inconc (cancelled).", &arguments);
    struct client *client = &arguments.client;
    Pb__Cancel cancel = PB__CANCEL__INIT;
    cancel.run = (char *)(uintptr_t)arguments.argument;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_CANCEL;
    request.cancel = &cancel;
    Pb__Reply *reply;
    int status = client_call(client, &request, &reply);
    if (!status) {
        const char *run = reply->cancelled->run, *cells = arena_printf(client->arena, "%llu", (unsigned long long)reply->cancelled->cells);
        const char *sentence = reply->cancelled->cells ? arena_printf(client->arena, "%s: %s cells had not ended", run, cells)
                                                       : arena_printf(client->arena, "%s had ended already", run);
        client_answer(client, sentence, (const char *const[]){"run", "cells_count"}, (const char *const[]){run, cells}, 2);
    }
    client_close(client);
    return status;
}

int cli_backup(int argc, char **argv)
{
    struct simple_arguments arguments = {.argument_name = "PATH", .argument_is_required = true};
    simple_parse(argc, argv, "PATH",
                 "Copies the live store to a new folder on the coordinator's host; `panther-coord serve --data PATH` can start from "
                 "it.\vCopying the folder by hand while the coordinator runs would tear it.",
                 &arguments);
    struct client *client = &arguments.client;
    if (*arguments.argument != '/') {
        fprintf(stderr, "panther-coord: backup %s: the folder is on the coordinator's host, so its path must begin with /\n",
                arguments.argument);
        return EXIT_USAGE;
    }
    Pb__Backup backup = PB__BACKUP__INIT;
    backup.path = (char *)(uintptr_t)arguments.argument;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_BACKUP;
    request.backup = &backup;
    Pb__Reply *reply;
    int status = client_call(client, &request, &reply);
    if (!status) {
        const Pb__BackedUp *done = reply->backed_up;
        const char *records = arena_printf(client->arena, "%llu", (unsigned long long)done->journal_records);
        const char *bytes = arena_printf(client->arena, "%llu", (unsigned long long)done->size_bytes);
        char size[32];
        report_value("size_bytes", bytes, size, sizeof size);
        client_answer(client, arena_printf(client->arena, "%s: %s records, %s", done->path, records, size),
                      (const char *const[]){"path", "records_count", "size_bytes"}, (const char *const[]){done->path, records, bytes}, 3);
    }
    client_close(client);
    return status;
}
