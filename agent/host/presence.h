// What panther-service says about a plugin without running it: --describe, --probe and --plan.
#ifndef PANTHER_AGENT_HOST_PRESENCE_H
#define PANTHER_AGENT_HOST_PRESENCE_H

// Each prints on stdout and returns the exit status: 0, or 1 with the reason on stderr.
int presence_describe(const char *path); // a packed PluginDescription
int presence_probe(const char *path);    // a packed PluginPresence; a plugin that does not load is an unusable one, not a failure
int presence_plan(const char *path, int setting_count, char **settings); // "name=value" each; one command a line

#endif
