// `files:` of an experiment: what travels with a submission.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_FILES_H
#define PANTHER_COORDINATOR_EXPERIMENT_FILES_H

#include "coordinator/experiment/document.h"
#include "coordinator/experiment/experiment.h"

// Puts what the document names into experiment->files, with the hashes of what came; reports what did not come.
void files_read(const struct document *document, const struct value *root, const Pb__FileReference *const *came, size_t came_count,
                Pb__Experiment *experiment);

#endif
