// panther-coord release TRIAL|RUN: what `submit --hold-on` keeps up is stopped and cleaned up now.
#include "coordinator/cli/client.h"

int cli_release(int argc, char **argv)
{
    struct simple_arguments arguments = {.argument_name = "TRIAL", .argument_is_required = true};
    simple_parse(argc, argv, "TRIAL|RUN",
                 "Ends the hold of a trial (r12/load/2#1), or of all trials of a run (r12 or @last): they stop and clean up as ever. The "
                 "verdict was given before.",
                 &arguments);
    struct client *client = &arguments.client;
    Pb__Release release = PB__RELEASE__INIT;
    release.name = (char *)(uintptr_t)arguments.argument;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_RELEASE;
    request.release = &release;
    Pb__Reply *reply;
    int status = client_call(client, &request, &reply);
    if (!status) {
        const char *run = reply->released->run, *trials = arena_printf(client->arena, "%u", reply->released->trials);
        client_answer(client, arena_printf(client->arena, "%s: %s trial%s released", run, trials, reply->released->trials == 1 ? "" : "s"),
                      (const char *const[]){"run", "trials_count"}, (const char *const[]){run, trials}, 2);
    }
    client_close(client);
    return status;
}
