// One plugin as JSON: everything its description and its presences say. For scripts and editors.
#ifndef PANTHER_COORDINATOR_CLI_PLUGIN_JSON_H
#define PANTHER_COORDINATOR_CLI_PLUGIN_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "panther/v1/client.pb-c.h"

void plugin_json_print(const Pb__PluginRow *row, FILE *out, bool one_line);

#endif
