#include "agent/shell/plugin_search.h"

#include <dirent.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/system/plugin_place.h"

// A link to a folder is what it points to: then an instance that began with it keeps it when the link is changed.
static char *resolved(char *path)
{
    char *real = path ? realpath(path, NULL) : NULL;
    if (!real)
        return path;
    free(path);
    return real;
}

void plugin_search_folder(const char *folder, plugin_found_fn *found, void *context)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *own = NULL;
        CLEANUP_FREE char *path = plugin_place_at(folder, names[i]->d_name, &own);
        own = resolved(own);
        path = own ? resolved(path) : path;
        if (path)
            found(context, names[i]->d_name, path, own);
        free(names[i]);
    }
    free(names);
}

static void add_stamp(void *context, const char *name, const char *path, const char *folder)
{
    (void)name;
    char stamp[HASH_TEXT_BYTES];
    plugin_file_stamp(path, folder, stamp);
    hasher_add(context, stamp, sizeof stamp);
}

void plugin_search_stamp(const char *const *folders, size_t count, char stamp[HASH_TEXT_BYTES])
{
    struct hasher *hasher = hasher_new();
    for (size_t i = 0; i < count; i++)
        plugin_search_folder(folders[i], add_stamp, hasher);
    hasher_end(&hasher, stamp);
}
