// The options of one service in one combination against the description of its plugin.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_SETTINGS_H
#define PANTHER_COORDINATOR_EXPERIMENT_SETTINGS_H

#include "coordinator/experiment/document.h"
#include "coordinator/experiment/experiment.h"

// place: of the service's plugin, for what is missing. arena: for what is not kept.
void settings_check(const struct document *document, const Pb__PluginDescription *plugin, const Pb__ServicePlan *service,
                    const struct value *place, struct arena *arena);

#endif
