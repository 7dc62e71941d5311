// panther-coord drain AGENT and panther-coord resume AGENT: a host is to be left alone, and may be used again.
#include "coordinator/cli/client.h"

static const char *sentence(struct arena *arena, const Pb__Drained *drained)
{
    if (drained->off) {
        return arena_printf(arena, "%s takes trials again", drained->agent);
    }
    return drained->instances
               ? arena_printf(arena, "%s is drained; %u instances run there to their end", drained->agent, drained->instances)
               : arena_printf(arena, "%s is drained; nothing runs there", drained->agent);
}

static int ask(struct simple_arguments *arguments, bool off)
{
    struct client *client = &arguments->client;
    Pb__Drain drain = PB__DRAIN__INIT;
    drain.agent = (char *)(uintptr_t)arguments->argument;
    drain.off = off;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_DRAIN;
    request.drain = &drain;
    Pb__Reply *reply;
    int status = client_call(client, &request, &reply);
    if (!status) {
        const char *instances = arena_printf(client->arena, "%u", reply->drained->instances);
        client_answer(client, sentence(client->arena, reply->drained), (const char *const[]){"name", "state", "instances_count"},
                      (const char *const[]){reply->drained->agent, off ? "resumed" : "drained", instances}, 3);
    }
    client_close(client);
    return status;
}

int cli_drain(int argc, char **argv)
{
    struct simple_arguments arguments = {.argument_name = "AGENT", .argument_is_required = true};
    simple_parse(argc, argv, "AGENT", "Places nothing more on an agent; what runs there goes on to its end. `resume` takes it back.",
                 &arguments);
    return ask(&arguments, false);
}

int cli_resume(int argc, char **argv)
{
    struct simple_arguments arguments = {.argument_name = "AGENT", .argument_is_required = true};
    simple_parse(argc, argv, "AGENT", "Lets an agent that was drained take trials again.", &arguments);
    return ask(&arguments, true);
}
