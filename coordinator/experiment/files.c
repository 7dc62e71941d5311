// Names and paths of files; their content is the client's to read and the store's to keep.
#include "coordinator/experiment/files.h"

#include <string.h>

#include "coordinator/experiment/limits.h"

#define PATH_MAX_BYTES 1024 // nobody types a longer one

static const char *path_refusal(const char *path)
{
    if (path[0] == '\0')
        return "is empty";
    if (strlen(path) > PATH_MAX_BYTES)
        return "is too long";
    if (strspn(path, "/") == strlen(path))
        return "is all of the disk";
    if (strstr(path, "$("))
        return "cannot hold a reference";
    return NULL;
}

// `www/` is the folder `www`.
static char *without_slash(const char *path, struct arena *arena)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return arena_string_bytes(arena, path, length);
}

size_t experiment_files(const struct value *root, struct arena *arena, Pb__FileReference ***files, struct diagnostics *diagnostics)
{
    const struct document document = {arena, diagnostics};
    const struct value *map = document_get(root, "files");
    *files = NULL;
    if (!document_is_map(&document, map, "files"))
        return 0;
    if (map->count > FILES_MAX) {
        document_error(&document, map, "an experiment has at most %d files", FILES_MAX);
        return 0;
    }
    size_t count = 0;
    *files = ARENA_ARRAY(arena, Pb__FileReference *, map->count);
    for (size_t i = 0; i < map->count; i++) {
        const char *path = document_text(&document, map->items[i], "the path of a file");
        const char *refusal = path ? path_refusal(path) : NULL;
        bool is_named = document_word(&document, map->key_places[i], map->keys[i], "the file");
        if (refusal)
            document_error(&document, map->items[i], "the path \"%.80s\" %s", path, refusal);
        if (!path || refusal || !is_named)
            continue;
        Pb__FileReference *file = ARENA_NEW(arena, Pb__FileReference);
        pb__file_reference__init(file);
        file->name = arena_string(arena, map->keys[i]);
        file->path = without_slash(path, arena);
        (*files)[count++] = file;
    }
    return count;
}

static const Pb__FileReference *find(const Pb__FileReference *const *files, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(files[i]->name, name) == 0)
            return files[i];
    return NULL;
}

void files_read(const struct document *document, const struct value *root, const Pb__FileReference *const *came, size_t came_count,
                Pb__Experiment *experiment)
{
    const struct value *map = document_get(root, "files");
    experiment->n_files = experiment_files(root, document->arena, &experiment->files, document->diagnostics);
    for (size_t i = 0; i < experiment->n_files; i++) {
        Pb__FileReference *file = experiment->files[i];
        const Pb__FileReference *content = find(came, came_count, file->name);
        if (content) {
            file->hash = arena_string(document->arena, content->hash);
            file->size_bytes = content->size_bytes;
            file->folder = content->folder;
        } else {
            document_error(document, value_get(map, file->name), "the file \"%s\" (%s) did not come with the submission", file->name,
                           file->path);
        }
    }
}
