// environment.proto: faults and commands beside a service. What their options mean is judged where they are done.
#include "common/wire/check.h"

static const char *placed_setting_check(const Pb__PlacedSetting *setting)
{
    REFUSE(!name_is_valid(setting->name), "setting.name is not a name");
    REFUSE(!are_within(setting->n_values, setting->values, FEW_MAX, SHORT_MAX_BYTES), "setting.values are too many or too long");
    return NULL;
}

static const char *link_rule_check(const Pb__LinkRule *rule)
{
    REFUSE(!is_name_or_empty(rule->from) || !is_name_or_empty(rule->to), "link_rule.from or to is not a service's name");
    REFUSE(rule->n_conditions > FEW_MAX, "link_rule.conditions are too many");
    EACH(rule->n_conditions, rule->conditions, placed_setting_check);
    return NULL;
}

// NULL: a trial without one.
const char *network_check(const Pb__Network *network)
{
    if (network == NULL)
        return NULL;
    REFUSE(!name_is_valid(network->type), "network.type is not a name");
    REFUSE(!is_within(network->family, SHORT_MAX_BYTES), "network.family is too long");
    REFUSE(network->n_links > LINK_RULES_MAX, "network.links are too many");
    EACH(network->n_links, network->links, link_rule_check);
    return NULL;
}

const char *fault_check(const Pb__Fault *fault)
{
    REFUSE(!is_token(fault->id), "fault.id is empty or unprintable");
    REFUSE(!name_is_valid(fault->kind), "fault.kind is not a name");
    REFUSE(fault->n_options > FEW_MAX, "fault.options are too many");
    EACH(fault->n_options, fault->options, setting_check);
    REFUSE(fault->n_links > LINK_RULES_MAX, "fault.links are too many");
    EACH(fault->n_links, fault->links, link_rule_check);
    REFUSE(wire_packed_bytes(fault) > COMMAND_MAX_BYTES, "fault is too large for a guard's packet");
    return NULL;
}

const char *run_beside_check(const Pb__RunBeside *run)
{
    REFUSE(run->n_argv == 0 || !are_within(run->n_argv, run->argv, ARGUMENTS_MAX, PATH_MAX_BYTES), "run.argv is empty or too long");
    REFUSE(is_empty(run->argv[0]), "run.argv names no program");
    REFUSE(run->timeout_ms == 0, "run.timeout_ms is not set");
    REFUSE(wire_packed_bytes(run) > COMMAND_MAX_BYTES, "run is too large for a guard's packet");
    return NULL;
}

const char *fault_began_check(const Pb__FaultBegan *began)
{
    REFUSE(began->number == 0, "fault_began.number is not set");
    REFUSE(!is_token(began->id), "fault_began.id is empty or unprintable");
    REFUSE(!name_is_valid(began->kind), "fault_began.kind is not a name");
    REFUSE(!is_within(began->text, TEXT_MAX_BYTES), "fault_began.text is too long");
    return NULL;
}

const char *fault_ended_check(const Pb__FaultEnded *ended)
{
    REFUSE(ended->number == 0, "fault_ended.number is not set");
    REFUSE(!is_token(ended->id), "fault_ended.id is empty or unprintable");
    REFUSE(!is_within(ended->text, TEXT_MAX_BYTES), "fault_ended.text is too long");
    return NULL;
}
