// The plugins that a file may name, and what their descriptions allow.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_PLUGINS_H
#define PANTHER_COORDINATOR_EXPERIMENT_PLUGINS_H

#include "coordinator/experiment/document.h"
#include "coordinator/experiment/experiment.h"

extern const struct document_key plugins_implementation_keys[];

// The text of `implementation: nginx`, `implementation: {name: nginx}` or `tester: ...`; NULL after a mistake.
const char *plugins_read_name(const struct document *document, const struct value *value, const char *what);
// Of the same value: what it asks of the program's version; "": nothing.
char *plugins_read_version(const struct document *document, const struct value *value);
// Of the same value: the file that runs as its program, "$(file.NAME)"; "": the host's own does.
char *plugins_read_program(const struct document *document, const struct value *value);

// NULL: none of this name; it is reported at the place, with the nearest name.
const Pb__PluginDescription *plugins_find(const struct experiment_plugins *plugins, const char *name, const struct document *document,
                                          const struct value *place);
const Pb__PluginDescription *plugins_get(const struct experiment_plugins *plugins, const char *name);

// NULL: the plugin does not speak it.
const Pb__ProtocolDescription *plugins_protocol(const Pb__PluginDescription *plugin, const char *protocol);
const Pb__OptionDescription *plugins_option(const Pb__PluginDescription *plugin, const char *name);
bool plugins_is_listed(char *const *texts, size_t count, const char *text);
const char *plugins_list(char *const *texts, size_t count, struct arena *arena); // "a, b, c"

#endif
