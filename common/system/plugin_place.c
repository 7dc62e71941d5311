#include "common/system/plugin_place.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/memory.h"
#include "common/system/file.h"

// Nothing else is opened: a pipe would hold up who reads it.
static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

char *plugin_place_in(const char *folder, const char *name)
{
    char *declared = path_join(folder, "service.yaml");
    if (is_file(declared))
        return declared;
    free(declared);
    char *object = memory_printf("%s/%s.so", folder, name);
    if (is_file(object))
        return object;
    free(object);
    return NULL;
}

static bool is_object(const char *entry)
{
    size_t length = strlen(entry);
    return length > 3 && strcmp(entry + length - 3, ".so") == 0;
}

char *plugin_place_at(const char *folder, const char *entry, char **own_folder)
{
    struct stat status;
    char *path = path_join(folder, entry), *plugin = NULL;
    if (own_folder)
        *own_folder = NULL;
    if (entry[0] == '.' || stat(path, &status) < 0) {
        free(path);
        return NULL;
    }
    if (!S_ISDIR(status.st_mode)) {
        if (S_ISREG(status.st_mode) && is_object(entry))
            return path;
    } else {
        plugin = plugin_place_in(path, entry);
    }
    if (plugin && own_folder)
        *own_folder = path;
    else
        free(path);
    return plugin;
}
