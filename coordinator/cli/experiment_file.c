#include "coordinator/cli/experiment_file.h"

#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/archive/archive.h"
#include "common/base/limits.h"
#include "common/system/file.h"
#include "common/system/yaml.h"
#include "common/wire/wire.h"
#include "coordinator/report/readable.h"

static int read_input(struct experiment_file *file, const char *path, struct panther_error *error)
{
    return file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, EXPERIMENT_TEXT_MAX_BYTES, &file->text, &file->bytes, error);
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

int experiment_file_content(const struct experiment_file *file, size_t index, char **data, size_t *bytes, struct panther_error *error)
{
    const char *path = file->paths[index];
    return file->files[index]->folder ? archive_pack(path, TRAVELLING_FILE_MAX_BYTES, data, bytes, error)
                                      : file_read(path, TRAVELLING_FILE_MAX_BYTES, data, bytes, error);
}

static void hash_file(const struct experiment_file *file, size_t index, struct arena *arena, struct diagnostics *diagnostics)
{
    struct panther_error error = {0};
    Pb__FileReference *reference = file->files[index];
    char *data = NULL;
    size_t bytes = 0;
    reference->folder = is_folder(file->paths[index]);
    if (experiment_file_content(file, index, &data, &bytes, &error)) {
        diagnostics_error(diagnostics, 0, 0, "file %s: %s", reference->name, error.message);
        return;
    }
    char hash[HASH_TEXT_BYTES];
    hash_bytes(data, bytes, hash);
    reference->hash = arena_string(arena, hash);
    reference->size_bytes = bytes;
    free(data);
}

int experiment_file_read(struct experiment_file *file, const char *path, struct arena *arena, struct diagnostics *diagnostics,
                         struct panther_error *error)
{
    *file = (struct experiment_file){0};
    int result = read_input(file, path, error);
    if (result) {
        return result;
    }
    file->document = yaml_read(file->text, file->bytes, arena, diagnostics);
    if (!file->document) {
        return 0;
    }
    if (include_apply(path, &file->document, &file->text, &file->bytes, &file->places, arena, diagnostics) && diagnostics->errors) {
        return 0;
    }
    if (file->bytes > EXPERIMENT_TEXT_MAX_BYTES) {
        return error_set(error, PANTHER_ELIMIT, "%s: with the files that it includes it is larger than %d bytes", path,
                         EXPERIMENT_TEXT_MAX_BYTES);
    }
    file->file_count = experiment_files(file->document, arena, &file->files, diagnostics);
    file->paths = ARENA_ARRAY(arena, char *, file->file_count + 1);
    char *folder = dirname(arena_string(arena, path));
    for (size_t i = 0; i < file->file_count; i++) {
        const char *name = file->files[i]->path;
        file->paths[i] = *name == '/' ? arena_string(arena, name) : arena_printf(arena, "%s/%s", folder, name);
        hash_file(file, i, arena, diagnostics);
    }
    return 0;
}

void experiment_file_free(struct experiment_file *file)
{
    free(file->text);
    file->text = NULL;
    include_places_free(&file->places);
}

// A message quotes what stands in the file, which may be anybody's.
static void print_message(const Pb__Diagnostic *item)
{
    char message[PANTHER_ERROR_MESSAGE_BYTES];
    readable_line(item->message, message, sizeof message);
    fprintf(stderr, ": %s%s\n", item->warning ? "warning: " : "", message);
}

void experiment_file_print(const struct experiment_file *file, Pb__Diagnostic *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Pb__Diagnostic item = *items[i];
        include_locate(&file->places, &item);
        fputs(item.file, stderr);
        if (item.line) {
            fprintf(stderr, ":%u:%u", item.line, item.column);
        }
        print_message(&item);
    }
}
