// The language as a JSON Schema, written from the tables that the readers check keys with: for editors, `panther-coord schema`.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_LANGUAGE_H
#define PANTHER_COORDINATOR_EXPERIMENT_LANGUAGE_H

#include "coordinator/experiment/document.h"

extern const struct document_key experiment_keys[]; // of the top level (experiment.c)

// JSON Schema, draft 7. It knows keys, shapes and words; what plugins, references and services mean to each other only `check` knows.
void language_schema(struct text *out);

#endif
