// An experiment on the client's side: its text and the files it names, with their hashes.
#ifndef PANTHER_COORDINATOR_CLI_EXPERIMENT_FILE_H
#define PANTHER_COORDINATOR_CLI_EXPERIMENT_FILE_H

#include "common/base/error.h"
#include "coordinator/experiment/experiment.h"

struct experiment_file {
    char *text; // heap
    size_t bytes;
    struct value *document;    // NULL: the diagnostics say why
    Pb__FileReference **files; // in the arena; hash and size are filled
    size_t file_count;
    char **paths; // where they are here
};
// `-` is standard input. Diagnostics get what is wrong with the YAML and the files. Negative: the file itself cannot be read.
int experiment_file_read(struct experiment_file *file, const char *path, struct arena *arena, struct diagnostics *diagnostics,
                         struct panther_error *error);
void experiment_file_free(struct experiment_file *file);
void diagnostics_print(Pb__Diagnostic *const *items, size_t count); // on stderr, file:line:column: message

#endif
