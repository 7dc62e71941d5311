// Where a plugin lies: its three forms in a folder of plugins. Used by the agent's catalogue, `panther-coord plugins push` and
// `panther-plugin`.
#ifndef PANTHER_COMMON_SYSTEM_PLUGIN_PLACE_H
#define PANTHER_COMMON_SYSTEM_PLUGIN_PLACE_H

// Of a folder of its own: FOLDER/service.yaml, else FOLDER/NAME.so. Heap; NULL: neither is there.
char *plugin_place_in(const char *folder, const char *name);
// Of an entry of a folder of plugins: NAME.so itself, or a folder as above. `own_folder` (may be NULL) gets the folder of the second form,
// heap, or NULL. Returns the plugin's path, heap; NULL: the entry is no plugin.
char *plugin_place_at(const char *folder, const char *entry, char **own_folder);

#endif
