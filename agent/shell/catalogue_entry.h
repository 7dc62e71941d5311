// One plugin of this host as the catalogue knows it: what its file is, what was found out about it, what the coordinator is told of it.
#ifndef PANTHER_AGENT_SHELL_CATALOGUE_ENTRY_H
#define PANTHER_AGENT_SHELL_CATALOGUE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/memory.h"
#include "common/wire/wire.h"

struct catalogue_entry {
    char *name; // of its file or folder
    char *path;
    char *folder; // its own; NULL: a bare file
    char stamp[HASH_TEXT_BYTES];
    char file_hash[HASH_TEXT_BYTES];    // empty: it cannot be read
    Pb__PluginDescription *description; // heap; NULL: does not load
    Pb__PluginPresence *presence;       // heap
    const char *shadow;                 // path of the one of the same name that comes before it
    bool probed;
};

// Of the file at `path`, which is hashed; one that cannot be read is unusable.
void catalogue_entry_begin(struct catalogue_entry *entry, const char *name, const char *path, const char *folder, const char *stamp);
void catalogue_entry_end(struct catalogue_entry *entry);
void catalogue_entry_unusable(struct catalogue_entry *entry, const char *why);
void catalogue_entry_usable(struct catalogue_entry *entry); // again, until somebody knows better
// A packed PluginDescription, from the plugin host or the cache. False: it cannot be read, and the entry is unusable.
bool catalogue_entry_describe(struct catalogue_entry *entry, const void *data, size_t bytes);
// A packed PluginPresence with what the probe found: version and capabilities, or why it cannot be used.
void catalogue_entry_probed(struct catalogue_entry *entry, const void *data, size_t bytes);
bool catalogue_entry_is_open(const struct catalogue_entry *entry); // to be probed
Pb__PluginPresence *catalogue_entry_presence(const struct catalogue_entry *entry, struct arena *arena);

#endif
