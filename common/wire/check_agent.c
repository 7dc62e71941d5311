// agent.proto and the envelope: the session between an agent and the coordinator.
#include "common/wire/check.h"

const char *host_facts_check(const Pb__HostFacts *facts)
{
    REFUSE(!is_within(facts->kernel, SHORT_MAX_BYTES), "facts.kernel is too long");
    REFUSE(!is_within(facts->architecture, SHORT_MAX_BYTES), "facts.architecture is too long");
    REFUSE(!is_within(facts->distribution, SHORT_MAX_BYTES), "facts.distribution is too long");
    return NULL;
}

const char *test_address_check(const Pb__TestAddress *address)
{
    REFUSE(!name_is_valid(address->network), "address.network is not a name");
    REFUSE(!is_address(address->address), "address.address is not numeric");
    return NULL;
}

static const char *live_instance_check(const Pb__LiveInstance *live)
{
    REFUSE(live->instance == 0, "live_instance.instance is not set");
    REFUSE(live->generation == 0, "live_instance.generation is not set");
    return NULL;
}

static const char *hello_identity_check(const Pb__Hello *hello)
{
    REFUSE(!name_is_valid(hello->name), "hello.name is not a name");
    REFUSE(!id128_is_valid(hello->host_id), "hello.host_id is not 128 bits in hex");
    REFUSE(!is_boot_id(hello->boot_id), "hello.boot_id is not a boot id");
    REFUSE(!is_empty(hello->store_id) && !id128_is_valid(hello->store_id), "hello.store_id is not 128 bits in hex");
    REFUSE(!is_within(hello->agent_version, SHORT_MAX_BYTES), "hello.agent_version is too long");
    return NULL;
}

static const char *hello_outbox_check(const Pb__Hello *hello)
{
    REFUSE(!id128_is_valid(hello->outbox_epoch), "hello.outbox_epoch is not 128 bits in hex");
    REFUSE(hello->outbox_first == 0 || hello->outbox_first - 1 > hello->outbox_last, "hello.outbox_first is behind its last");
    REFUSE(hello->outbox_acknowledged > hello->outbox_last, "hello.outbox_acknowledged is behind its last");
    return NULL;
}

static const char *environment_presence_check(const Pb__EnvironmentPresence *presence)
{
    REFUSE(!is_token(presence->type), "environment.type is empty or unprintable");
    REFUSE(!is_within(presence->unusable_reason, SHORT_MAX_BYTES), "environment.unusable_reason is too long");
    REFUSE(!presence->usable && is_empty(presence->unusable_reason), "environment.unusable_reason is not set");
    return NULL;
}

static const char *hello_check(const Pb__Hello *hello)
{
    NESTED(hello_identity_check(hello));
    NESTED(hello_outbox_check(hello));
    REFUSE(hello->n_labels > FEW_MAX, "hello.labels are too many");
    EACH(hello->n_labels, hello->labels, label_check);
    REFUSE(hello->n_addresses > FEW_MAX, "hello.addresses are too many");
    EACH(hello->n_addresses, hello->addresses, test_address_check);
    REFUSE(hello->n_environments > ENVIRONMENTS_PER_HOST_MAX, "hello.environments are too many");
    EACH(hello->n_environments, hello->environments, environment_presence_check);
    REFUSE(hello->n_plugins > PLUGINS_PER_HOST_MAX, "hello.plugins are too many");
    EACH(hello->n_plugins, hello->plugins, presence_check);
    REFUSE(hello->n_instances > INSTANCES_PER_HOST_MAX, "hello.instances are too many");
    EACH(hello->n_instances, hello->instances, live_instance_check);
    return hello->facts == NULL ? NULL : host_facts_check(hello->facts);
}

static const char *welcome_check(const Pb__Welcome *welcome)
{
    REFUSE(welcome->session == 0, "welcome.session is not set");
    REFUSE(!id128_is_valid(welcome->store_id), "welcome.store_id is not 128 bits in hex");
    REFUSE(welcome->heartbeat_ms == 0, "welcome.heartbeat_ms is not set");
    REFUSE(welcome->bulk_port > UINT16_MAX, "welcome.bulk_port is not a port");
    REFUSE(!are_hashes(welcome->n_wanted_descriptions, welcome->wanted_descriptions, PLUGINS_PER_HOST_MAX),
           "welcome.wanted_descriptions are not hashes");
    return NULL;
}

const char *refused_check(const Pb__Refused *refused)
{
    REFUSE(refused->code == PB__REFUSAL_CODE__REFUSAL_CODE_UNSPECIFIED, "refused.code is not set");
    REFUSE(!is_within(refused->text, TEXT_MAX_BYTES), "refused.text is too long");
    return NULL;
}

static const char *descriptions_check(const Pb__Descriptions *descriptions)
{
    REFUSE(descriptions->n_descriptions > PLUGINS_PER_HOST_MAX, "descriptions are too many");
    EACH(descriptions->n_descriptions, descriptions->descriptions, described_plugin_check);
    return NULL;
}

static const char *descriptions_wanted_check(const Pb__DescriptionsWanted *wanted)
{
    REFUSE(!are_hashes(wanted->n_hashes, wanted->hashes, PLUGINS_PER_HOST_MAX), "descriptions_wanted.hashes are too many or no hashes");
    return NULL;
}

static const char *plugins_changed_check(const Pb__PluginsChanged *changed)
{
    REFUSE(changed->n_plugins > PLUGINS_PER_HOST_MAX, "plugins_changed.plugins are too many");
    REFUSE(changed->n_gone > PLUGINS_PER_HOST_MAX, "plugins_changed.gone are too many");
    for (size_t i = 0; i < changed->n_gone; i++)
        REFUSE(!name_is_valid(changed->gone[i]), "plugins_changed.gone is not a name");
    EACH(changed->n_plugins, changed->plugins, presence_check);
    return NULL;
}

static const char *heartbeat_check(const Pb__Heartbeat *heartbeat)
{
    REFUSE(heartbeat->agent_sent_ns == 0, "heartbeat.agent_sent_ns is not set");
    REFUSE(heartbeat->previous_agent_received_ns < heartbeat->previous_agent_sent_ns,
           "heartbeat: the previous answer came before its question");
    REFUSE(heartbeat->previous_agent_received_ns > heartbeat->agent_sent_ns, "heartbeat: the previous answer came after this question");
    REFUSE(heartbeat->previous_coordinator_sent_ns < heartbeat->previous_coordinator_received_ns,
           "heartbeat: the coordinator answered before it heard");
    return NULL;
}

static const char *lease_grant_check(const Pb__LeaseGrant *grant)
{
    REFUSE(grant->instance == 0, "grant.instance is not set");
    REFUSE(grant->generation == 0, "grant.generation is not set");
    REFUSE(grant->length_ms == 0, "grant.length_ms is not set");
    return NULL;
}

static const char *heartbeat_reply_check(const Pb__HeartbeatReply *reply)
{
    REFUSE(reply->agent_sent_ns == 0, "heartbeat_reply.agent_sent_ns is not set");
    REFUSE(reply->coordinator_sent_ns < reply->coordinator_received_ns, "heartbeat_reply was sent before its question came");
    REFUSE(reply->n_grants > INSTANCES_PER_HOST_MAX, "heartbeat_reply.grants are too many");
    EACH(reply->n_grants, reply->grants, lease_grant_check);
    return NULL;
}

static const char *commands_check(const Pb__Commands *commands)
{
    REFUSE(commands->n_commands == 0 || commands->n_commands > COMMANDS_PER_FRAME_MAX, "commands are none or too many");
    EACH(commands->n_commands, commands->commands, command_check);
    return NULL;
}

static const char *events_check(const Pb__Events *events)
{
    REFUSE(!id128_is_valid(events->epoch), "events.epoch is not 128 bits in hex");
    REFUSE(events->first == 0, "events.first is not set");
    REFUSE(events->n_events == 0 || events->n_events > EVENTS_PER_FRAME_MAX, "events are none or too many");
    REFUSE(events->first > UINT64_MAX - events->n_events, "events.first is out of range");
    EACH(events->n_events, events->events, event_check);
    return NULL;
}

static const char *discard_check(const Pb__Discard *discard)
{
    REFUSE(discard->instance == 0, "discard.instance is not set");
    REFUSE(discard->generation == 0, "discard.generation is not set");
    REFUSE(!is_within(discard->why, TEXT_MAX_BYTES), "discard.why is too long");
    return NULL;
}

static const char *host_process_check(const Pb__HostProcess *process)
{
    REFUSE(process->pid == 0, "process.pid is not set");
    REFUSE(!is_within(process->name, SHORT_MAX_BYTES), "process.name is too long");
    REFUSE(!is_within(process->state, SHORT_MAX_BYTES), "process.state is too long");
    REFUSE(!is_within(process->stray, SHORT_MAX_BYTES), "process.stray is too long");
    REFUSE((process->instance == 0) != (process->generation == 0), "process: instance and generation belong together");
    return NULL;
}

static const char *surveyed_check(const Pb__Surveyed *surveyed)
{
    REFUSE(surveyed->number == 0, "surveyed.number is not set");
    REFUSE(surveyed->n_processes > HOST_PROCESSES_MAX, "surveyed.processes are too many");
    EACH(surveyed->n_processes, surveyed->processes, host_process_check);
    return NULL;
}

static const char *place_plugin_check(const Pb__PlacePlugin *place)
{
    REFUSE(place->push == 0, "place_plugin.push is not set");
    REFUSE(!name_is_valid(place->name), "place_plugin.name is not a name");
    REFUSE(!is_empty(place->hash) && !is_hash(place->hash), "place_plugin.hash is not a hash");
    return NULL;
}

static const char *plugin_placed_check(const Pb__PluginPlaced *placed)
{
    REFUSE(placed->push == 0, "plugin_placed.push is not set");
    REFUSE(placed->state == PB__PLACED_STATE__PLACED_STATE_UNSPECIFIED, "plugin_placed.state is not set");
    REFUSE(!is_within(placed->text, TEXT_MAX_BYTES), "plugin_placed.text is too long");
    return NULL;
}

static const char *read_capture_check(const Pb__ReadCapture *read)
{
    REFUSE(read->number == 0, "read_capture.number is not set");
    REFUSE(read->instance == 0, "read_capture.instance is not set");
    REFUSE(read->generation == 0, "read_capture.generation is not set");
    REFUSE(!is_empty(read->file) && !is_stream_name(read->file), "read_capture.file is not a file name");
    return NULL;
}

const char *capture_read_check(const Pb__CaptureRead *read)
{
    REFUSE(read->number == 0, "capture_read.number is not set");
    REFUSE(!is_empty(read->file) && !is_stream_name(read->file), "capture_read.file is not a file name");
    REFUSE(is_empty(read->file) && (read->offset || read->data.len), "capture_read.data of no file");
    REFUSE(read->data.len > CAPTURE_PIECE_MAX_BYTES, "capture_read.data is too long");
    REFUSE(read->offset > UINT64_MAX - read->data.len, "capture_read.offset is out of range");
    return NULL;
}

static const char *enroll_check(const Pb__Enroll *enroll)
{
    REFUSE(!is_curve_key(enroll->public_key), "enroll.public_key is not a key in Z85");
    REFUSE(!id128_is_valid(enroll->host_id), "enroll.host_id is not 128 bits in hex");
    return NULL;
}

static const char *enrolled_check(const Pb__Enrolled *enrolled)
{
    REFUSE(!name_is_valid(enrolled->name), "enrolled.name is not a name");
    REFUSE(!is_curve_key(enrolled->server_key), "enrolled.server_key is not a key in Z85");
    return NULL;
}

static const char *plan_plugin_check(const Pb__PlanPlugin *plan)
{
    REFUSE(plan->number == 0, "plan_plugin.number is not set");
    REFUSE(!name_is_valid(plan->plugin), "plan_plugin.plugin is not a name");
    REFUSE(!are_within(plan->n_options, plan->options, FEW_MAX, PATH_MAX_BYTES), "plan_plugin.options are too many or too long");
    return NULL;
}

static const char *plugin_planned_check(const Pb__PluginPlanned *planned)
{
    REFUSE(planned->number == 0, "plugin_planned.number is not set");
    REFUSE(!is_within(planned->text, PLAN_TEXT_MAX_BYTES), "plugin_planned.text is too long");
    REFUSE(!is_within(planned->problem, TEXT_MAX_BYTES), "plugin_planned.problem is too long");
    return NULL;
}

// Only what opens or refuses a session, and clients, may come without one.
static bool needs_session(const Pb__Envelope *envelope)
{
    switch (envelope->body_case) {
    case PB__ENVELOPE__BODY_DESCRIPTIONS:
    case PB__ENVELOPE__BODY_DESCRIPTIONS_WANTED:
    case PB__ENVELOPE__BODY_PLUGINS_CHANGED:
    case PB__ENVELOPE__BODY_HEARTBEAT:
    case PB__ENVELOPE__BODY_HEARTBEAT_REPLY:
    case PB__ENVELOPE__BODY_COMMANDS:
    case PB__ENVELOPE__BODY_EVENTS:
    case PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED:
    case PB__ENVELOPE__BODY_DISCARD:
    case PB__ENVELOPE__BODY_SURVEY:
    case PB__ENVELOPE__BODY_SURVEYED:
    case PB__ENVELOPE__BODY_PLACE_PLUGIN:
    case PB__ENVELOPE__BODY_PLUGIN_PLACED:
    case PB__ENVELOPE__BODY_READ_CAPTURE:
    case PB__ENVELOPE__BODY_CAPTURE_READ:
    case PB__ENVELOPE__BODY_SHELL_CALL:
    case PB__ENVELOPE__BODY_SHELL_ANSWER:
    case PB__ENVELOPE__BODY_PLAN_PLUGIN:
    case PB__ENVELOPE__BODY_PLUGIN_PLANNED:
        return true;
    default:
        return false;
    }
}

static const char *body_check(const Pb__Envelope *envelope)
{
    switch (envelope->body_case) {
    case PB__ENVELOPE__BODY_HELLO:
        return hello_check(envelope->hello);
    case PB__ENVELOPE__BODY_WELCOME:
        return welcome_check(envelope->welcome);
    case PB__ENVELOPE__BODY_REFUSED:
        return refused_check(envelope->refused);
    case PB__ENVELOPE__BODY_DESCRIPTIONS:
        return descriptions_check(envelope->descriptions);
    case PB__ENVELOPE__BODY_DESCRIPTIONS_WANTED:
        return descriptions_wanted_check(envelope->descriptions_wanted);
    case PB__ENVELOPE__BODY_PLUGINS_CHANGED:
        return plugins_changed_check(envelope->plugins_changed);
    case PB__ENVELOPE__BODY_HEARTBEAT:
        return heartbeat_check(envelope->heartbeat);
    case PB__ENVELOPE__BODY_HEARTBEAT_REPLY:
        return heartbeat_reply_check(envelope->heartbeat_reply);
    case PB__ENVELOPE__BODY_COMMANDS:
        return commands_check(envelope->commands);
    case PB__ENVELOPE__BODY_EVENTS:
        return events_check(envelope->events);
    case PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED:
        return id128_is_valid(envelope->events_acknowledged->epoch) ? NULL : "events_acknowledged.epoch is not 128 bits in hex";
    case PB__ENVELOPE__BODY_DISCARD:
        return discard_check(envelope->discard);
    case PB__ENVELOPE__BODY_GOODBYE:
        return is_within(envelope->goodbye->why, TEXT_MAX_BYTES) ? NULL : "goodbye.why is too long";
    case PB__ENVELOPE__BODY_SURVEY:
        return envelope->survey->number == 0 ? "survey.number is not set" : NULL;
    case PB__ENVELOPE__BODY_SURVEYED:
        return surveyed_check(envelope->surveyed);
    case PB__ENVELOPE__BODY_READ_CAPTURE:
        return read_capture_check(envelope->read_capture);
    case PB__ENVELOPE__BODY_CAPTURE_READ:
        return capture_read_check(envelope->capture_read);
    case PB__ENVELOPE__BODY_SHELL_CALL:
        return shell_call_check(envelope->shell_call);
    case PB__ENVELOPE__BODY_SHELL_ANSWER:
        return shell_answer_check(envelope->shell_answer);
    case PB__ENVELOPE__BODY_PLAN_PLUGIN:
        return plan_plugin_check(envelope->plan_plugin);
    case PB__ENVELOPE__BODY_PLUGIN_PLANNED:
        return plugin_planned_check(envelope->plugin_planned);
    case PB__ENVELOPE__BODY_PLACE_PLUGIN:
        return place_plugin_check(envelope->place_plugin);
    case PB__ENVELOPE__BODY_PLUGIN_PLACED:
        return plugin_placed_check(envelope->plugin_placed);
    case PB__ENVELOPE__BODY_ENROLL:
        return enroll_check(envelope->enroll);
    case PB__ENVELOPE__BODY_ENROLLED:
        return enrolled_check(envelope->enrolled);
    case PB__ENVELOPE__BODY_REQUEST:
        return request_check(envelope->request);
    case PB__ENVELOPE__BODY_REPLY:
        return reply_check(envelope->reply);
    default:
        return "envelope.body is missing";
    }
}

const char *envelope_invalid(const Pb__Envelope *envelope)
{
    NESTED(unsound(envelope));
    REFUSE(envelope->version == 0, "envelope.version is not set");
    REFUSE(envelope->session == 0 && needs_session(envelope), "envelope.session is not set");
    return body_check(envelope);
}
