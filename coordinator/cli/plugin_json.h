// One plugin as JSON: everything its description and its presences say. For scripts and editors.
#ifndef PANTHER_COORDINATOR_CLI_PLUGIN_JSON_H
#define PANTHER_COORDINATOR_CLI_PLUGIN_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "panther/v1/client.pb-c.h"
// "?": no description of it has come yet.
const char *plugin_kind_name(const Pb__PluginDescription *description);
void plugin_json_print(const Pb__PluginRow *row, FILE *out, bool one_line);

#endif
