// The one checker of options, for submit, agent, host and configuration files: settings against option descriptions.
#ifndef PANTHER_COMMON_SCHEMA_SCHEMA_H
#define PANTHER_COMMON_SCHEMA_SCHEMA_H

#include "common/schema/diagnostics.h"
#include "panther/v1/plugin.pb-c.h"

// A map of options in a document -> PlacedSettings (lists become several values). Mistakes of shape go to diagnostics.
size_t schema_settings(const struct value *map, struct arena *arena, Pb__PlacedSetting ***settings, struct diagnostics *diagnostics);

// Checks settings against options and gives every option of the description a value: normalised (OptionType says how), the
// default where none is given. `noun` names the owner in messages: `unknown option "prot" for nghttpd; did you mean "port"?`
// A value that still holds a reference "$(" is taken unchecked and unchanged. Returns the number of checked settings (options
// without value and default are left out); mistakes go to diagnostics.
size_t schema_check(const Pb__OptionDescription *const *options, size_t option_count, const Pb__PlacedSetting *const *settings,
                    size_t setting_count, const char *noun, struct arena *arena, Pb__Setting ***checked, struct diagnostics *diagnostics);

// One value: returns the normalised text in the arena, or NULL with the reason (a phrase: "is not a duration such as 150ms").
const char *schema_normalise(const Pb__OptionDescription *option, const char *text, struct arena *arena, const char **reason);
const char *option_type_name(int type); // "integer"

#endif
