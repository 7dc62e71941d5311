// See environment.h.
#include "agent/guard/environment.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

// Debian keeps servers in the sbin folders, which a user's PATH lacks.
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define OWN_ENTRIES 6

extern char **environ;

static void put(const char **entries, size_t *count, const char *entry)
{
    size_t name_bytes = strcspn(entry, "=") + 1;
    for (size_t i = 0; i < *count; i++)
        if (strncmp(entries[i], entry, name_bytes) == 0) {
            entries[i] = entry;
            return;
        }
    entries[(*count)++] = entry;
}

static const char *path_with_sbin(struct arena *arena)
{
    const char *own = getenv("PATH");
    return own && *own ? arena_printf(arena, "PATH=%s:" DEFAULT_PATH, own) : "PATH=" DEFAULT_PATH;
}

const char *const *environment_clean(struct arena *arena, const char *work, const char *marker, const char *process_marker,
                                     Pb__EnvironmentEntry *const *entries, size_t entry_count)
{
    const char **environment = ARENA_ARRAY(arena, const char *, OWN_ENTRIES + entry_count + 1);
    size_t count = 0;
    put(environment, &count, path_with_sbin(arena));
    put(environment, &count, arena_printf(arena, "HOME=%s", work));
    put(environment, &count, arena_printf(arena, "TMPDIR=%s", work));
    put(environment, &count, "LANG=C.UTF-8");
    for (size_t i = 0; i < entry_count; i++)
        put(environment, &count, arena_printf(arena, "%s=%s", entries[i]->name, entries[i]->value));
    put(environment, &count, marker); // last: these are not the plugin's to change
    put(environment, &count, process_marker);
    return environment;
}

const char *const *environment_own(struct arena *arena, const char *marker)
{
    size_t count = 0, own = 0;
    while (environ[own])
        own++;
    const char **environment = ARENA_ARRAY(arena, const char *, own + 2);
    for (size_t i = 0; i < own; i++)
        environment[count++] = environ[i];
    put(environment, &count, marker);
    return environment;
}
