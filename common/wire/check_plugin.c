// plugin.proto: what a plugin says about itself, made by code that nobody here wrote.
#include <math.h>
#include <string.h>

#include "common/wire/check.h"

static const char *range_check(const Pb__OptionDescription *option)
{
    if (!option->has_range)
        return NULL;
    REFUSE(!isfinite(option->minimum) || !isfinite(option->maximum), "option.minimum or maximum is not a number");
    REFUSE(option->minimum > option->maximum, "option.minimum is above its maximum");
    return NULL;
}

static const char *option_check(const Pb__OptionDescription *option)
{
    REFUSE(!name_is_valid(option->name), "option.name is not a name");
    REFUSE(option->type == PB__OPTION_TYPE__OPTION_TYPE_UNSPECIFIED, "option.type is not set");
    REFUSE(!is_within(option->default_value, SETTING_VALUE_MAX_BYTES), "option.default_value is too long");
    REFUSE(option->required && !is_empty(option->default_value), "option.required has a default, which nobody would see");
    NESTED(range_check(option));
    REFUSE(option->type == PB__OPTION_TYPE__OPTION_TYPE_CHOICE && option->n_choices == 0, "option.choices are missing");
    REFUSE(!are_within(option->n_choices, option->choices, FEW_MAX, SHORT_MAX_BYTES), "option.choices are too many or too long");
    REFUSE(!is_within(option->unit, SHORT_MAX_BYTES), "option.unit is too long");
    REFUSE(!is_within(option->help, TEXT_MAX_BYTES), "option.help is too long");
    return NULL;
}

static const char *options_check(const Pb__PluginDescription *description)
{
    REFUSE(description->n_options > SETTINGS_MAX, "description.options are too many");
    EACH(description->n_options, description->options, option_check);
    for (size_t i = 0; i < description->n_options; i++) {
        for (size_t j = 0; j < i; j++)
            REFUSE(strcmp(description->options[i]->name, description->options[j]->name) == 0, "description.options has a name twice");
    }
    return NULL;
}

static const char *protocol_check(const Pb__ProtocolDescription *protocol)
{
    REFUSE(!name_is_valid(protocol->name), "protocol.name is not a name");
    REFUSE(!are_tokens(protocol->n_versions, protocol->versions, FEW_MAX), "protocol.versions are too many or unprintable");
    REFUSE(protocol->n_roles == 0 || !are_names(protocol->n_roles, protocol->roles, FEW_MAX), "protocol.roles are not names");
    return NULL;
}

static const char *case_drive_check(const Pb__CaseDrive *drive)
{
    REFUSE(!name_is_valid(drive->drive), "case.drive is not a name");
    REFUSE(!is_within(drive->profile, SHORT_MAX_BYTES), "case.profile is too long");
    return NULL;
}

// What a case needs of the services that it drives.
static const char *case_needs_check(const Pb__CaseDescription *description)
{
    REFUSE(description->n_drives > FEW_MAX, "case.drives are too many");
    EACH(description->n_drives, description->drives, case_drive_check);
    for (size_t i = 0; i < description->n_drives; i++) {
        for (size_t j = 0; j < i; j++)
            REFUSE(strcmp(description->drives[i]->drive, description->drives[j]->drive) == 0, "case.drives has a word twice");
    }
    REFUSE(description->n_conditions > FEW_MAX, "case.conditions are too many");
    EACH(description->n_conditions, description->conditions, setting_check);
    REFUSE(!are_tokens(description->n_evidence, description->evidence, FEW_MAX), "case.evidence is too much or unprintable");
    return NULL;
}

static const char *case_check(const Pb__CaseDescription *description)
{
    REFUSE(!is_token(description->name), "case.name is empty or unprintable");
    REFUSE(!is_within(description->summary, TEXT_MAX_BYTES), "case.summary is too long");
    REFUSE(!are_tokens(description->n_needs, description->needs, FEW_MAX), "case.needs are too many or unprintable");
    NESTED(case_needs_check(description));
    return NULL;
}

static const char *drive_description_check(const Pb__DriveDescription *drive)
{
    REFUSE(!name_is_valid(drive->name), "drive.name is not a name");
    REFUSE(!is_name_or_empty(drive->protocol), "drive.protocol is not a name");
    REFUSE(!is_name_or_empty(drive->role), "drive.role is not a name");
    return NULL;
}

const char *description_check(const Pb__PluginDescription *description)
{
    bool is_tester = description->kind == PB__PLUGIN_KIND__PLUGIN_KIND_TESTER;
    REFUSE(!name_is_valid(description->name), "description.name is not a name");
    REFUSE(description->kind == PB__PLUGIN_KIND__PLUGIN_KIND_UNSPECIFIED, "description.kind is not set");
    REFUSE(!is_within(description->version, SHORT_MAX_BYTES), "description.version is too long");
    REFUSE(!is_within(description->summary, TEXT_MAX_BYTES), "description.summary is too long");
    REFUSE(description->abi_major == 0, "description.abi_major is not set");
    REFUSE(description->n_protocols > FEW_MAX, "description.protocols are too many");
    EACH(description->n_protocols, description->protocols, protocol_check);
    NESTED(options_check(description));
    REFUSE(!is_tester && (description->n_cases > 0 || description->n_drives > 0),
           "description of an implementation has what only testers have: cases or drives");
    EACH(description->n_cases, description->cases, case_check);
    REFUSE(description->n_drives > FEW_MAX, "description.drives are too many");
    EACH(description->n_drives, description->drives, drive_description_check);
    REFUSE(!are_within(description->n_programs, description->programs, FEW_MAX, SHORT_MAX_BYTES),
           "description.programs are too many or too long");
    return NULL;
}

const char *plugin_description_invalid(const Pb__PluginDescription *description)
{
    NESTED(unsound(description));
    return description_check(description);
}

const char *described_plugin_check(const Pb__DescribedPlugin *described)
{
    REFUSE(!is_hash(described->hash), "described.hash is not a hash");
    REFUSE(described->description == NULL, "described.description is missing");
    return description_check(described->description);
}

const char *presence_check(const Pb__PluginPresence *presence)
{
    REFUSE(!is_token(presence->name), "plugin.name is empty or unprintable");
    REFUSE(!is_hash_or_empty(presence->description_hash), "plugin.description_hash is not a hash");
    REFUSE(presence->usable && is_empty(presence->description_hash), "plugin.usable without a description");
    REFUSE(!is_hash_or_empty(presence->file_hash), "plugin.file_hash is not a hash");
    REFUSE(!is_within(presence->path, PATH_MAX_BYTES), "plugin.path is too long");
    REFUSE(!is_within(presence->implementation_version, SHORT_MAX_BYTES), "plugin.implementation_version is too long");
    REFUSE(!are_tokens(presence->n_capabilities, presence->capabilities, SETTINGS_MAX), "plugin.capabilities are too many or unprintable");
    REFUSE(!is_within(presence->unusable_reason, TEXT_MAX_BYTES), "plugin.unusable_reason is too long");
    return NULL;
}
