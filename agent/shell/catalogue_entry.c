// See catalogue_entry.h.
#include "agent/shell/catalogue_entry.h"

#include <stdio.h>
#include <string.h>

#include "agent/shell/plugin_file.h"
#include "common/base/identity.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/system/log.h"

static void set_text(char **field, const char *text)
{
    if (*field != protobuf_c_empty_string)
        free(*field);
    *field = memory_string(text);
}

void catalogue_entry_unusable(struct catalogue_entry *entry, const char *why)
{
    char stem[NAME_MAX_BYTES];
    snprintf(stem, sizeof stem, "%.*s", (int)(entry->folder ? strlen(entry->name) : strcspn(entry->name, ".")), entry->name);
    if (entry->presence->name[0] == '\0')
        set_text(&entry->presence->name, name_is_valid(stem) ? stem : "unnamed");
    entry->presence->usable = false;
    set_text(&entry->presence->unusable_reason, why);
    log_warning("plugin %s cannot be used: %s", entry->path, why);
}

void catalogue_entry_usable(struct catalogue_entry *entry)
{
    entry->presence->usable = true;
    set_text(&entry->presence->unusable_reason, "");
}

void catalogue_entry_begin(struct catalogue_entry *entry, const char *name, const char *path, const char *folder, const char *stamp)
{
    struct panther_error error = {0};
    memset(entry, 0, sizeof *entry);
    entry->name = memory_string(name);
    entry->path = memory_string(path);
    entry->folder = folder ? memory_string(folder) : NULL;
    snprintf(entry->stamp, sizeof entry->stamp, "%s", stamp);
    entry->presence = NEW(Pb__PluginPresence);
    pb__plugin_presence__init(entry->presence);
    set_text(&entry->presence->path, path);
    if (plugin_file_hash(path, folder, entry->file_hash, &error) < 0)
        catalogue_entry_unusable(entry, error.message);
    else
        set_text(&entry->presence->file_hash, entry->file_hash);
}

void catalogue_entry_end(struct catalogue_entry *entry)
{
    free(entry->name);
    free(entry->path);
    free(entry->folder);
    message_free(entry->description);
    message_free(entry->presence);
}

// ---- what is found out

bool catalogue_entry_describe(struct catalogue_entry *entry, const void *data, size_t bytes)
{
    struct panther_error error = {0};
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    const Pb__PluginDescription *description = wire_description(data, bytes, arena, &error);
    if (description) {
        char hash[HASH_TEXT_BYTES];
        hash_message(description, hash);
        entry->description = message_copy(description, NULL);
        entry->presence->usable = true;
        set_text(&entry->presence->name, description->name);
        set_text(&entry->presence->description_hash, hash);
    } else {
        catalogue_entry_unusable(entry, error.message);
    }
    arena_free(&arena);
    return entry->description != NULL;
}

void catalogue_entry_probed(struct catalogue_entry *entry, const void *data, size_t bytes)
{
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    const Pb__PluginPresence *probed = wire_unpack(&pb__plugin_presence__descriptor, data, bytes, arena);
    if (!probed) {
        catalogue_entry_unusable(entry, "its probe cannot be read");
    } else if (!probed->usable) {
        catalogue_entry_unusable(entry, probed->unusable_reason);
    } else {
        Pb__PluginPresence *merged = message_copy(probed, NULL);
        set_text(&merged->name, entry->presence->name);
        set_text(&merged->description_hash, entry->presence->description_hash);
        set_text(&merged->file_hash, entry->file_hash);
        set_text(&merged->path, entry->path);
        set_text(&merged->unusable_reason, "");
        message_free(entry->presence);
        entry->presence = merged;
    }
    arena_free(&arena);
}

// ---- what is told

bool catalogue_entry_is_open(const struct catalogue_entry *entry)
{
    return entry->presence->usable && !entry->shadow && !entry->probed;
}

Pb__PluginPresence *catalogue_entry_presence(const struct catalogue_entry *entry, struct arena *arena)
{
    Pb__PluginPresence *presence = entry->presence;
    if (entry->shadow) {
        Pb__PluginPresence *shadowed = ARENA_NEW(arena, Pb__PluginPresence);
        *shadowed = *presence;
        shadowed->usable = false;
        shadowed->unusable_reason = arena_printf(arena, "%s comes before it", entry->shadow);
        presence = shadowed;
    } else if (catalogue_entry_is_open(entry)) {
        presence = ARENA_NEW(arena, Pb__PluginPresence);
        *presence = *entry->presence;
        presence->unprobed = true;
    }
    return presence;
}
