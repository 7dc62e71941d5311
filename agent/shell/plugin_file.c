#include "agent/shell/plugin_file.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "common/archive/archive.h"
#include "common/base/memory.h"
#include "common/system/file.h"

struct walk {
    struct hasher *hasher;
    size_t entries;
};

static void add_number(struct hasher *hasher, uint64_t number)
{
    hasher_add(hasher, &number, sizeof number);
}

static void add_status(struct walk *walk, const char *path, const struct stat *status)
{
    hasher_add(walk->hasher, path, strlen(path) + 1);
    add_number(walk->hasher, status->st_mode);
    add_number(walk->hasher, status->st_ino);
    add_number(walk->hasher, (uint64_t)status->st_size);
    add_number(walk->hasher, (uint64_t)status->st_mtim.tv_sec);
    add_number(walk->hasher, (uint64_t)status->st_mtim.tv_nsec);
}

static int is_not_itself(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

// Bounded as the archive is: what lies beyond is refused by the hash.
static void walk_folder(struct walk *walk, const char *folder, int depth)
{
    struct dirent **names = NULL;
    int count = depth <= ARCHIVE_DEPTH_MAX ? scandir(folder, &names, is_not_itself, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        struct stat status;
        CLEANUP_FREE char *path = path_join(folder, names[i]->d_name);
        if (++walk->entries <= ARCHIVE_ENTRIES_MAX && lstat(path, &status) == 0) {
            add_status(walk, path, &status);
            if (S_ISDIR(status.st_mode))
                walk_folder(walk, path, depth + 1);
        }
        free(names[i]);
    }
    free(names);
}

void plugin_file_stamp(const char *path, const char *folder, char stamp[HASH_TEXT_BYTES])
{
    struct walk walk = {.hasher = hasher_new()};
    struct stat status;
    hasher_add(walk.hasher, path, strlen(path) + 1);
    if (folder)
        walk_folder(&walk, folder, 0);
    else if (stat(path, &status) == 0)
        add_status(&walk, path, &status);
    hasher_end(&walk.hasher, stamp);
}

static bool add_part(void *context, const void *data, size_t bytes)
{
    hasher_add(context, data, bytes);
    return true;
}

int plugin_file_hash(const char *path, const char *folder, char hash[HASH_TEXT_BYTES], struct panther_error *error)
{
    if (folder) {
        struct hasher *hasher = hasher_new();
        int result = archive_write(folder, PLUGIN_FILE_MAX_BYTES, add_part, hasher, error);
        hasher_end(&hasher, result == 0 ? hash : NULL);
        return result;
    }
    CLEANUP_FREE char *data = NULL;
    size_t bytes = 0;
    int result = file_read(path, PLUGIN_FILE_MAX_BYTES, &data, &bytes, error);
    if (result == 0)
        hash_bytes(data, bytes, hash);
    return result;
}
