// A plugin is given by its path, or by its name when it is among those beside this program.
#include <string.h>

#include "common/system/file.h"
#include "common/system/process.h"
#include "services/sdk/author/author.h"

char *author_find(const char *plugin, struct arena *arena, struct panther_error *error)
{
    static const char *const places[] = {"../plugins", "../lib/panther/plugins"}; // of a build, of an installation
    if (strchr(plugin, '/') || file_exists(plugin))
        return arena_string(arena, plugin);
    CLEANUP_FREE char *programs = program_folder();
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *path = arena_printf(arena, "%s/%s/%s.so", programs, places[i], plugin);
        if (file_exists(path))
            return path;
    }
    error_set(error, PANTHER_ENOTFOUND, "there is no plugin \"%s\": give a path, or the name of an installed one", plugin);
    return NULL;
}
