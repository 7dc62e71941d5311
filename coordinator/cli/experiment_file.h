// An experiment on the client's side: its text and the files it names, with their hashes.
#ifndef PANTHER_COORDINATOR_CLI_EXPERIMENT_FILE_H
#define PANTHER_COORDINATOR_CLI_EXPERIMENT_FILE_H

#include "common/base/error.h"
#include "coordinator/cli/include.h"
#include "coordinator/experiment/experiment.h"

// A file or packed folder that travels with an experiment: content, configurations, binaries under test.
#define TRAVELLING_FILE_MAX_BYTES ((size_t)256 * 1024 * 1024)

struct experiment_file {
    char *text; // heap
    size_t bytes;
    struct value *document;    // NULL: the diagnostics say why
    Pb__FileReference **files; // in the arena; hash and size are filled
    size_t file_count;
    char **paths;                 // where they are here
    struct include_places places; // of the text, when it was made of several files
};
// `-` is standard input. Diagnostics get what is wrong with the YAML and the files. Negative: the file itself cannot be read.
int experiment_file_read(struct experiment_file *file, const char *path, struct arena *arena, struct diagnostics *diagnostics,
                         struct panther_error *error);
// What travels: the bytes of a file, a folder as an archive. Read again: it may have changed since it was hashed. Heap.
int experiment_file_content(const struct experiment_file *file, size_t index, char **data, size_t *bytes, struct panther_error *error);
void experiment_file_free(struct experiment_file *file);
// On stderr, file:line:column: message, each with the place in the file that holds it.
void experiment_file_print(const struct experiment_file *file, Pb__Diagnostic *const *items, size_t count);

#endif
