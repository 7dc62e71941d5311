#include "coordinator/cli/save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "common/wire/wire.h"

bool save_name_is_safe(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.')) {
            return false;
        }
    }
    return true;
}

static int fetch(struct client *client, const char *hash, FILE *out, struct panther_error *error)
{
    char found[HASH_TEXT_BYTES];
    struct hasher *hasher = hasher_new();
    int result = 0;
    uint64_t offset = 0;
    for (bool end = false; !result && !end;) {
        uint8_t *data = NULL;
        size_t bytes = 0;
        result = bus_call_get(client->call, "", hash, offset, &data, &bytes, &end, error);
        if (!result) {
            hasher_add(hasher, data, bytes);
            offset += bytes;
            if (fwrite(data, 1, bytes, out) != bytes) {
                result = error_set(error, PANTHER_EIO, "could not be written: is the disk full?");
            }
        }
        free(data);
    }
    hasher_end(&hasher, found);
    if (!result && strcmp(found, hash) != 0) {
        result = error_set(error, PANTHER_EPROTOCOL, "arrived with another hash (%s)", found);
    }
    return result;
}

int save_content(struct client *client, const char *folder, const char *name, const char *hash, FILE *told)
{
    struct panther_error error = {0};
    if (!save_name_is_safe(name)) {
        fprintf(stderr, "panther-coord: %s is not saved: its name leads elsewhere\n", name);
        return EXIT_FAIL;
    }
    CLEANUP_FREE char *path = path_join(folder, name);
    CLEANUP_FREE char *parent = memory_string(path);
    *strrchr(parent, '/') = 0;
    if (folder_make(parent, 0777, &error)) {
        return client_problem(&error);
    }
    FILE *out = fopen(path, "w");
    if (!out) {
        error_system(&error, errno, "cannot write %s", path);
        return client_problem(&error);
    }
    int result = fetch(client, hash, out, &error);
    if (fclose(out) && !result) {
        result = error_set(&error, PANTHER_EIO, "could not be written: is the disk full?");
    }
    if (result) {
        remove(path);
        fprintf(stderr, "panther-coord: %s: %s\n", path, error.message);
        return EXIT_FAIL;
    }
    if (told) {
        fprintf(told, "%s\n", path);
    }
    return EXIT_PASS;
}
