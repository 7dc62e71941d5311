// panther-coord cancel RUN and panther-coord backup PATH: one request, one line.
#include <stdio.h>

#include "coordinator/cli/client.h"

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
    if (!status) {
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
        char size[32];
        report_value("size_bytes", arena_printf(arguments.client.arena, "%llu", (unsigned long long)reply->backed_up->size_bytes), size,
                     sizeof size);
        printf("%s: %llu records, %s\n", reply->backed_up->path, (unsigned long long)reply->backed_up->journal_records, size);
    }
    client_close(&arguments.client);
    return status;
}
