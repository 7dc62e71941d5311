#include "coordinator/shell/submission.h"

#include <string.h>

#include "common/system/yaml.h"
#include "coordinator/experiment/rerun.h"

// The key of a submission stands for its text, its files' contents and its overrides.
static void content_hash(const Pb__Submit *submit, char hash[HASH_TEXT_BYTES])
{
    struct hasher *hasher = hasher_new();
    hasher_add(hasher, submit->text, strlen(submit->text) + 1);
    for (size_t i = 0; i < submit->n_files; i++) {
        hasher_add(hasher, submit->files[i]->name, strlen(submit->files[i]->name) + 1);
        hasher_add(hasher, submit->files[i]->hash, strlen(submit->files[i]->hash) + 1);
    }
    for (size_t i = 0; submit->rerun && i < submit->rerun->n_cells; i++)
        hasher_add(hasher, submit->rerun->cells[i], strlen(submit->rerun->cells[i]) + 1);
    if (submit->rerun)
        hasher_add(hasher, &submit->rerun->times, sizeof submit->rerun->times);
    for (size_t i = 0; i < submit->n_overrides; i++) {
        hasher_add(hasher, submit->overrides[i]->path, strlen(submit->overrides[i]->path) + 1);
        hasher_add(hasher, submit->overrides[i]->value, strlen(submit->overrides[i]->value) + 1);
    }
    hasher_end(&hasher, hash);
}

void submission_check(const Pb__Submit *submit, const struct experiment_plugins *plugins, struct arena *arena,
                      struct submission_checked *checked)
{
    *checked = (struct submission_checked){0};
    content_hash(submit, checked->content_hash);
    diagnostics_begin(&checked->diagnostics, arena, arena_string(arena, *submit->file_name ? submit->file_name : "experiment"));
    if (strlen(submit->text) > EXPERIMENT_TEXT_MAX_BYTES) {
        diagnostics_error(&checked->diagnostics, 0, 0, "the file is larger than %d bytes", EXPERIMENT_TEXT_MAX_BYTES);
        return;
    }
    struct value *document = yaml_read(submit->text, strlen(submit->text), arena, &checked->diagnostics);
    if (!document) {
        return;
    }
    experiment_override(document, (const Pb__Override *const *)submit->overrides, submit->n_overrides, arena, &checked->diagnostics);
    Pb__Experiment *experiment = experiment_resolve(document, plugins, (const Pb__FileReference *const *)submit->files, submit->n_files,
                                                    arena, &checked->diagnostics);
    if (experiment && submit->rerun)
        rerun_apply(submit->rerun, arena, &checked->diagnostics, experiment);
    checked->experiment = experiment;
    diagnostics_sort(&checked->diagnostics);
    if (checked->diagnostics.errors) {
        checked->experiment = NULL;
    }
}
