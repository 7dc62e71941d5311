// Which plugins lie in a folder of plugins, in the order of their names, and whether anything about them has changed. Used by the
// catalogue.
#ifndef PANTHER_AGENT_SHELL_PLUGIN_SEARCH_H
#define PANTHER_AGENT_SHELL_PLUGIN_SEARCH_H

#include "agent/shell/plugin_file.h"

// name: of the entry; folder: the plugin's own, or NULL
typedef void plugin_found_fn(void *context, const char *name, const char *path, const char *folder);
void plugin_search_folder(const char *folder, plugin_found_fn *found, void *context);
void plugin_search_stamp(const char *const *folders, size_t count, char stamp[HASH_TEXT_BYTES]); // of all of them

#endif
