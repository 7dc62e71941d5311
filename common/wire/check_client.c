// client.proto: requests of people's programs, and the replies to them.
#include "common/wire/check.h"

#define PUSH_AGENTS_MAX 10000 // all hosts of the largest lab by name
#define IDEMPOTENCY_KEY_MAX_BYTES SHORT_MAX_BYTES

static const char *hold_check(const Pb__HoldRule *hold)
{
    REFUSE(hold->verdict <= PB__VERDICT__VERDICT_PASS, "submit.holds: only inconc, fail and error are held");
    REFUSE(hold->hold_ms == 0 || hold->hold_ms > HOLD_MAX_MS, "submit.holds: a time is zero or too long");
    return NULL;
}

static const char *submit_check(const Pb__Submit *submit)
{
    REFUSE(!is_within(submit->file_name, PATH_MAX_BYTES), "submit.file_name is too long");
    REFUSE(is_empty(submit->text), "submit.text is empty");
    REFUSE(!is_within(submit->text, EXPERIMENT_TEXT_MAX_BYTES), "submit.text is larger than an experiment may be");
    REFUSE(submit->n_files > FILES_MAX, "submit.files are too many");
    EACH(submit->n_files, submit->files, file_reference_check);
    REFUSE(submit->n_overrides > OVERRIDES_MAX, "submit.overrides are too many");
    EACH(submit->n_overrides, submit->overrides, override_check);
    REFUSE(!is_within(submit->key, IDEMPOTENCY_KEY_MAX_BYTES), "submit.key is too long");
    REFUSE(submit->n_labels > FEW_MAX, "submit.labels are too many");
    EACH(submit->n_labels, submit->labels, label_check);
    REFUSE(submit->n_holds > FEW_MAX, "submit.holds are too many");
    EACH(submit->n_holds, submit->holds, hold_check);
    return rerun_check(submit->rerun);
}

static const char *annotate_check(const Pb__Annotate *said)
{
    REFUSE(is_empty(said->run) || !is_within(said->run, FULL_NAME_MAX_BYTES - 1), "annotate.run is empty or too long");
    REFUSE(!is_within(said->note, TEXT_MAX_BYTES), "annotate.note is too long");
    REFUSE(!are_names(said->n_tags, said->tags, FEW_MAX), "annotate.tags are too many, or not names");
    REFUSE(!are_names(said->n_not_tags, said->not_tags, FEW_MAX), "annotate.not_tags are too many, or not names");
    return NULL;
}

static const char *cancel_check(const Pb__Cancel *cancel)
{
    REFUSE(is_empty(cancel->run) || !is_within(cancel->run, FULL_NAME_MAX_BYTES - 1), "cancel.run is empty or too long");
    REFUSE(!is_within(cancel->why, TEXT_MAX_BYTES), "cancel.why is too long");
    return NULL;
}

static const char *query_check(const Pb__Query *query)
{
    REFUSE(query->table == PB__TABLE__TABLE_UNSPECIFIED, "query.table is not set");
    REFUSE(!is_within(query->scope, FULL_NAME_MAX_BYTES - 1), "query.scope is too long");
    return NULL;
}

static const char *add_key_check(const Pb__AddKey *add)
{
    bool is_enrolment = add->role == PB__ROLE__ROLE_ENROLL;
    REFUSE(!name_is_valid(add->name), "add_key.name is not a name");
    REFUSE(add->role == PB__ROLE__ROLE_UNSPECIFIED, "add_key.role is not set");
    REFUSE(!is_curve_key(add->public_key), "add_key.public_key is not a key in Z85");
    REFUSE(is_enrolment != !is_empty(add->enroll_for), "add_key.enroll_for belongs to an enrolment key, and only there");
    REFUSE(is_enrolment && !name_is_valid(add->enroll_for), "add_key.enroll_for is not a name");
    return NULL;
}

static const char *release_check(const Pb__Release *release)
{
    REFUSE(is_empty(release->name) || !is_within(release->name, FULL_NAME_MAX_BYTES - 1), "release.name is empty or too long");
    return NULL;
}

static const char *drain_check(const Pb__Drain *drain)
{
    REFUSE(!name_is_valid(drain->agent), "drain.agent is not a name");
    REFUSE(!is_within(drain->why, TEXT_MAX_BYTES), "drain.why is too long");
    return NULL;
}

static const char *push_plugin_check(const Pb__PushPlugin *push)
{
    REFUSE(!id128_is_valid(push->token), "push_plugin.token is not 128 bits in hex");
    REFUSE(!name_is_valid(push->name), "push_plugin.name is not a name");
    REFUSE(!is_empty(push->hash) && !is_hash(push->hash), "push_plugin.hash is not a hash");
    REFUSE(push->n_agents > PUSH_AGENTS_MAX, "push_plugin.agents are too many");
    for (size_t i = 0; i < push->n_agents; i++)
        REFUSE(!name_is_valid(push->agents[i]), "push_plugin.agents: not a name");
    REFUSE(push->n_labels > FEW_MAX, "push_plugin.labels are too many");
    EACH(push->n_labels, push->labels, label_check);
    return NULL;
}

static const char *add_keys_check(const Pb__AddKeys *add)
{
    REFUSE(add->n_keys == 0 || add->n_keys > KEYS_PER_REQUEST_MAX, "add_keys.keys are none or too many");
    EACH(add->n_keys, add->keys, add_key_check);
    return NULL;
}

static const char *capture_check(const Pb__Capture *capture)
{
    REFUSE(is_empty(capture->trial) || !is_within(capture->trial, FULL_NAME_MAX_BYTES - 1), "capture.trial is empty or too long");
    REFUSE(!is_empty(capture->service) && !is_token(capture->service), "capture.service is not a name");
    REFUSE(!is_empty(capture->file) && !is_stream_name(capture->file), "capture.file is not a file name");
    return NULL;
}

static const char *captured_check(const Pb__Captured *captured)
{
    for (size_t i = 0; i < captured->n_sources; i++) {
        REFUSE(!is_token(captured->sources[i]->service), "captured.service is not a name");
        REFUSE(!name_is_valid(captured->sources[i]->host), "captured.host is not a name");
    }
    return captured->piece ? capture_read_check(captured->piece) : NULL;
}

static const char *shell_check(const Pb__Shell *shell)
{
    REFUSE(is_empty(shell->trial) || !is_within(shell->trial, FULL_NAME_MAX_BYTES - 1), "shell.trial is empty or too long");
    REFUSE(!is_token(shell->service), "shell.service is not a name");
    REFUSE(shell->turn == NULL, "shell.turn is missing");
    return shell_turn_check(shell->turn);
}

static const char *plan_commands_check(const Pb__PlanCommands *plan)
{
    REFUSE(!name_is_valid(plan->agent), "plan_commands.agent is not a name");
    REFUSE(!name_is_valid(plan->plugin), "plan_commands.plugin is not a name");
    REFUSE(!are_within(plan->n_options, plan->options, FEW_MAX, PATH_MAX_BYTES), "plan_commands.options are too many or too long");
    return NULL;
}

const char *request_check(const Pb__Request *request)
{
    REFUSE(request->number == 0, "request.number is not set");
    switch (request->body_case) {
    case PB__REQUEST__BODY_SUBMIT:
        return submit_check(request->submit);
    case PB__REQUEST__BODY_CANCEL:
        return cancel_check(request->cancel);
    case PB__REQUEST__BODY_QUERY:
        return query_check(request->query);
    case PB__REQUEST__BODY_LIST_PLUGINS:
        return is_within(request->list_plugins->name, TOKEN_MAX_BYTES) ? NULL : "list_plugins.name is too long";
    case PB__REQUEST__BODY_ADD_KEY:
        return add_key_check(request->add_key);
    case PB__REQUEST__BODY_ADD_KEYS:
        return add_keys_check(request->add_keys);
    case PB__REQUEST__BODY_REVOKE_KEY:
        return name_is_valid(request->revoke_key->name) ? NULL : "revoke_key.name is not a name";
    case PB__REQUEST__BODY_BACKUP:
        return !is_empty(request->backup->path) && is_within(request->backup->path, PATH_MAX_BYTES) ? NULL
                                                                                                    : "backup.path is empty or too long";
    case PB__REQUEST__BODY_PUSH_PLUGIN:
        return push_plugin_check(request->push_plugin);
    case PB__REQUEST__BODY_ANNOTATE:
        return annotate_check(request->annotate);
    case PB__REQUEST__BODY_CAPTURE:
        return capture_check(request->capture);
    case PB__REQUEST__BODY_SHELL:
        return shell_check(request->shell);
    case PB__REQUEST__BODY_PLAN_COMMANDS:
        return plan_commands_check(request->plan_commands);
    case PB__REQUEST__BODY_RELEASE:
        return release_check(request->release);
    case PB__REQUEST__BODY_DRAIN:
        return drain_check(request->drain);
    case PB__REQUEST__BODY_AUDIT:
        return is_within(request->audit->run, FULL_NAME_MAX_BYTES - 1) ? NULL : "audit.run is too long";
    case PB__REQUEST__BODY_GET_STATUS:
        return is_within(request->get_status->run, FULL_NAME_MAX_BYTES - 1) ? NULL : "get_status.run is too long";
    default: // list_agents, list_processes, list_keys: nothing to say
        return NULL;
    }
}

// ---- replies: read by clients, from a coordinator whose key they know; the frame bounds them

static const char *planned_service_check(const Pb__PlannedService *service)
{
    REFUSE(!name_is_valid(service->service), "planned_service.service is not a name");
    return NULL;
}

static const char *planned_cell_check(const Pb__PlannedCell *cell)
{
    EACH(cell->n_services, cell->services, planned_service_check);
    return NULL;
}

static const char *submitted_check(const Pb__Submitted *submitted)
{
    REFUSE(submitted->accepted && submitted->run == 0, "submitted.run is not set");
    REFUSE(!are_hashes(submitted->n_missing, submitted->missing, HASHES_MAX), "submitted.missing are not hashes");
    EACH(submitted->n_plan, submitted->plan, planned_cell_check);
    return NULL;
}

static const char *rows_check(const Pb__Rows *rows)
{
    for (size_t i = 0; i < rows->n_rows; i++)
        REFUSE(rows->rows[i]->n_values != rows->n_columns, "rows: a row has not as many values as there are columns");
    return NULL;
}

static const char *agent_row_check(const Pb__AgentRow *agent)
{
    REFUSE(!name_is_valid(agent->name), "agent.name is not a name");
    EACH(agent->n_labels, agent->labels, label_check);
    EACH(agent->n_addresses, agent->addresses, test_address_check);
    EACH(agent->n_plugins, agent->plugins, presence_check);
    return agent->facts == NULL ? NULL : host_facts_check(agent->facts);
}

static const char *plugin_on_agent_check(const Pb__PluginOnAgent *plugin)
{
    REFUSE(!name_is_valid(plugin->agent), "plugin.agent is not a name");
    REFUSE(plugin->presence == NULL, "plugin.presence is missing");
    return presence_check(plugin->presence);
}

static const char *plugin_row_check(const Pb__PluginRow *plugin)
{
    EACH(plugin->n_agents, plugin->agents, plugin_on_agent_check);
    REFUSE(!is_hash_or_empty(plugin->hash), "plugin.hash is not a hash");
    return plugin->description == NULL ? NULL : description_check(plugin->description);
}

static const char *key_row_check(const Pb__KeyRow *key)
{
    REFUSE(!name_is_valid(key->name), "key.name is not a name");
    REFUSE(!is_curve_key(key->public_key), "key.public_key is not a key in Z85");
    return NULL;
}

static const char *process_row_check(const Pb__ProcessRow *process)
{
    REFUSE(!name_is_valid(process->host), "process.host is not a name");
    REFUSE(process->pid == 0, "process.pid is not set");
    return NULL;
}

static const char *silent_agent_check(const Pb__SilentAgent *silent)
{
    REFUSE(!name_is_valid(silent->name), "silent.name is not a name");
    return NULL;
}

static const char *processes_check(const Pb__Processes *processes)
{
    EACH(processes->n_processes, processes->processes, process_row_check);
    EACH(processes->n_silent, processes->silent, silent_agent_check);
    return NULL;
}

static const char *agents_check(const Pb__Agents *agents)
{
    EACH(agents->n_agents, agents->agents, agent_row_check);
    return NULL;
}

static const char *plugins_check(const Pb__Plugins *plugins)
{
    EACH(plugins->n_plugins, plugins->plugins, plugin_row_check);
    return NULL;
}

static const char *keys_check(const Pb__Keys *keys)
{
    EACH(keys->n_keys, keys->keys, key_row_check);
    return NULL;
}

static const char *held_check(const Pb__HeldTrial *held)
{
    REFUSE(held->outcome == NULL, "held.outcome is missing");
    return NULL;
}

static const char *status_check(const Pb__Status *status)
{
    EACH(status->n_held, status->held, held_check);
    return NULL;
}

const char *reply_check(const Pb__Reply *reply)
{
    REFUSE(reply->number == 0, "reply.number is not set");
    switch (reply->body_case) {
    case PB__REPLY__BODY_SUBMITTED:
        return submitted_check(reply->submitted);
    case PB__REPLY__BODY_ROWS:
        return rows_check(reply->rows);
    case PB__REPLY__BODY_AGENTS:
        return agents_check(reply->agents);
    case PB__REPLY__BODY_PROCESSES:
        return processes_check(reply->processes);
    case PB__REPLY__BODY_PLUGINS:
        return plugins_check(reply->plugins);
    case PB__REPLY__BODY_KEY_ADDED:
        return is_curve_key(reply->key_added->server_key) ? NULL : "key_added.server_key is not a key in Z85";
    case PB__REPLY__BODY_KEYS:
        return keys_check(reply->keys);
    case PB__REPLY__BODY_STATUS:
        return status_check(reply->status);
    case PB__REPLY__BODY_CAPTURED:
        return captured_check(reply->captured);
    case PB__REPLY__BODY_SHELL_SAID:
        return reply->shell_said->turned ? shell_turned_check(reply->shell_said->turned) : NULL;
    case PB__REPLY__BODY_REFUSED:
        return refused_check(reply->refused);
    default: // cancelled, released, key_revoked, backed_up: bounded by the frame
        return NULL;
    }
}
