// A plugin is given by its path, by the folder that holds it, or by its name when it is among those beside this program.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/plugin_place.h"
#include "common/system/process.h"
#include "services/sdk/author/author.h"

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

// Of "." as well.
const char *author_last_name(const char *path, struct arena *arena)
{
    CLEANUP_FREE char *real = realpath(path, NULL);
    const char *slash = strrchr(real ? real : path, '/');
    return arena_string(arena, slash ? slash + 1 : path);
}

char *author_plugin_in(const char *folder, struct arena *arena)
{
    CLEANUP_FREE char *path = plugin_place_in(folder, author_last_name(folder, arena));
    return path ? arena_string(arena, path) : NULL;
}

char *author_plugin_at(const char *folder, const char *name, struct arena *arena)
{
    CLEANUP_FREE char *entry = memory_printf("%s.so", name), *bare = plugin_place_at(folder, entry, NULL);
    CLEANUP_FREE char *path = bare ? NULL : plugin_place_at(folder, name, NULL);
    return bare || path ? arena_string(arena, bare ? bare : path) : NULL;
}

// Guards work in folders of their own, so a path that is given to them is absolute.
static char *absolute(const char *path, struct arena *arena)
{
    CLEANUP_FREE char *real = realpath(path, NULL);
    return arena_string(arena, real ? real : path);
}

char *author_find(const char *plugin, struct arena *arena, struct panther_error *error)
{
    static const char *const places[] = {"../plugins", "../lib/panther/plugins"}; // of a build, of an installation
    if (is_folder(plugin)) {
        char *inside = author_plugin_in(plugin, arena);
        if (!inside)
            error_set(error, PANTHER_ENOTFOUND, "%s holds neither service.yaml nor %s.so", plugin, author_last_name(plugin, arena));
        return inside ? absolute(inside, arena) : NULL;
    }
    if (strchr(plugin, '/') || file_exists(plugin))
        return absolute(plugin, arena);
    CLEANUP_FREE char *programs = program_folder();
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *path = author_plugin_at(arena_printf(arena, "%s/%s", programs, places[i]), plugin, arena);
        if (path)
            return absolute(path, arena);
    }
    error_set(error, PANTHER_ENOTFOUND, "there is no plugin \"%s\": give a path, or the name of an installed one", plugin);
    return NULL;
}
