// See describe.h. describe_record.c has what is kept.
#include "tests/simulation/describe.h"

#include "common/base/verdict.h"
#include "tests/simulation/world.h"

#define SAY(...) arena_printf(world->scratch, __VA_ARGS__)

bool trace_shows(const struct world *world, const Pb__Envelope *envelope)
{
    bool is_beat = envelope->body_case == PB__ENVELOPE__BODY_HEARTBEAT || envelope->body_case == PB__ENVELOPE__BODY_HEARTBEAT_REPLY;
    return trace_is_on(world) && (!is_beat || world->trace.with_heartbeats);
}

static const char *command_word(const Pb__Command *command)
{
    static const char *const words[] = {"Initialize", "Start", "RunCase", "Execute", "Stop", "Cleanup", "Fault", "Run"};
    return words[command->body_case - PB__COMMAND__BODY_INITIALIZE];
}

static const char *describe_command(struct world *world, const Pb__Command *command)
{
    const char *name = command->body_case == PB__COMMAND__BODY_RUN_CASE ? command->run_case->name : "";
    bool cancels = command->body_case == PB__COMMAND__BODY_STOP && command->stop->cancel;
    return SAY("%llu.%u #%u %s%s%s%s", (unsigned long long)command->instance, command->generation, command->number, command_word(command),
               *name ? " " : "", name, cancels ? " (cancel)" : "");
}

static const char *describe_commands(struct world *world, const Pb__Commands *commands)
{
    const char *text = "Commands";
    for (size_t i = 0; i < commands->n_commands; i++)
        text = SAY("%s%s %s", text, i ? "," : "", describe_command(world, commands->commands[i]));
    return text;
}

static const char *describe_hello(struct world *world, const Pb__Hello *hello)
{
    const char *text =
        SAY("Hello from host %s boot %s, outbox %s from %llu to %llu, store %s/%llu", trace_text(world, 'h', hello->host_id),
            trace_text(world, 'b', hello->boot_id), trace_text(world, 'e', hello->outbox_epoch), (unsigned long long)hello->outbox_first,
            (unsigned long long)hello->outbox_last, trace_text(world, 't', hello->store_id), (unsigned long long)hello->incarnation);
    for (size_t i = 0; i < hello->n_instances; i++)
        text = SAY("%s, has %llu.%u up to command %u%s", text, (unsigned long long)hello->instances[i]->instance,
                   hello->instances[i]->generation, hello->instances[i]->last_command, hello->instances[i]->ended ? " (ended)" : "");
    return text;
}

static const char *describe_refused(struct world *world, const Pb__Refused *refused)
{
    return SAY("Refused (code %d)", (int)refused->code);
}

static const char *describe_reply(struct world *world, const Pb__Reply *reply)
{
    switch (reply->body_case) {
    case PB__REPLY__BODY_SUBMITTED:
        return SAY("Submitted %s%s", reply->submitted->run_name, reply->submitted->repeated_key ? " (known)" : "");
    case PB__REPLY__BODY_CANCELLED:
        return SAY("Cancelled %s, %llu cells", reply->cancelled->run, (unsigned long long)reply->cancelled->cells);
    case PB__REPLY__BODY_RELEASED:
        return SAY("Released %u trials of %s", reply->released->trials, reply->released->run);
    case PB__REPLY__BODY_DRAINED:
        return SAY("Drained %s%s, %u instances", reply->drained->agent, reply->drained->off ? " (resumed)" : "", reply->drained->instances);
    case PB__REPLY__BODY_REFUSED:
        return describe_refused(world, reply->refused);
    default:
        return "a reply";
    }
}

static const char *describe_heartbeat_reply(struct world *world, const Pb__HeartbeatReply *reply)
{
    const char *text = "HeartbeatReply";
    for (size_t i = 0; i < reply->n_grants; i++)
        text = SAY("%s, lease of %llu.%u for %u ms", text, (unsigned long long)reply->grants[i]->instance, reply->grants[i]->generation,
                   reply->grants[i]->length_ms);
    return text;
}

const char *describe_envelope(struct world *world, const Pb__Envelope *envelope)
{
    switch (envelope->body_case) {
    case PB__ENVELOPE__BODY_HELLO:
        return describe_hello(world, envelope->hello);
    case PB__ENVELOPE__BODY_WELCOME:
        return SAY("Welcome to session %s of store %s/%llu, seen up to %llu", trace_number(world, 's', envelope->welcome->session),
                   trace_text(world, 't', envelope->welcome->store_id), (unsigned long long)envelope->welcome->incarnation,
                   (unsigned long long)envelope->welcome->last_seen);
    case PB__ENVELOPE__BODY_REFUSED:
        return describe_refused(world, envelope->refused);
    case PB__ENVELOPE__BODY_DESCRIPTIONS:
        return SAY("Descriptions of %zu plugins", envelope->descriptions->n_descriptions);
    case PB__ENVELOPE__BODY_PLUGINS_CHANGED:
        return "PluginsChanged";
    case PB__ENVELOPE__BODY_HEARTBEAT:
        return "Heartbeat";
    case PB__ENVELOPE__BODY_HEARTBEAT_REPLY:
        return describe_heartbeat_reply(world, envelope->heartbeat_reply);
    case PB__ENVELOPE__BODY_COMMANDS:
        return describe_commands(world, envelope->commands);
    case PB__ENVELOPE__BODY_EVENTS:
        return SAY("Events %s from %llu to %llu", trace_text(world, 'e', envelope->events->epoch),
                   (unsigned long long)envelope->events->first,
                   (unsigned long long)(envelope->events->first + envelope->events->n_events - 1));
    case PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED:
        return SAY("EventsAcknowledged %s up to %llu", trace_text(world, 'e', envelope->events_acknowledged->epoch),
                   (unsigned long long)envelope->events_acknowledged->last);
    case PB__ENVELOPE__BODY_DISCARD:
        return SAY("Discard %llu.%u", (unsigned long long)envelope->discard->instance, envelope->discard->generation);
    case PB__ENVELOPE__BODY_GOODBYE:
        return "Goodbye";
    case PB__ENVELOPE__BODY_REPLY:
        return describe_reply(world, envelope->reply);
    default:
        return SAY("message %d", (int)envelope->body_case);
    }
}
