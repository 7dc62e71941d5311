// Pure: an experiment document -> the checked, resolved experiment -> the plan of cell i (mixed radix, lazily).
#ifndef PANTHER_COORDINATOR_EXPERIMENT_EXPERIMENT_H
#define PANTHER_COORDINATOR_EXPERIMENT_EXPERIMENT_H

#include "common/schema/diagnostics.h"
#include "common/schema/schema.h"
#include "panther/v1/client.pb-c.h"
#include "panther/v1/experiment.pb-c.h"
#include "panther/v1/instance.pb-c.h"

// What plugins there are: by name, one description each (the newest that an agent has, or what is installed for an offline check).
struct experiment_plugins {
    const Pb__PluginDescription *const *items;
    size_t count;
};

// Puts `--set path=value` into the document (list entries are addressed by their `name`); unknown paths are diagnostics.
void experiment_override(struct value *document, const Pb__Override *const *overrides, size_t count, struct arena *arena,
                         struct diagnostics *diagnostics);
// The files that the document names under `files:` (name, path as written), before any check, so that a client can send them.
size_t experiment_files(const struct value *document, struct arena *arena, Pb__FileReference ***files, struct diagnostics *diagnostics);
// Everything checked: language, keys, names, references, plugin, role, protocol version, options (type, range), cases, drives, cycles in
// needs, assertions, limits; each service in every combination of the axes that it mentions (up to
// EXPERIMENT_CHECKED_COMBINATIONS; beyond, one axis at a time). files: resolved by
// hash. NULL when diagnostics has errors.
Pb__Experiment *experiment_resolve(const struct value *document, const struct experiment_plugins *plugins,
                                   const Pb__FileReference *const *files, size_t file_count, struct arena *arena,
                                   struct diagnostics *diagnostics);
bool experiment_has_gates(const Pb__Experiment *experiment); // something is judged when the whole run has ended
uint64_t experiment_cells(const Pb__Test *test);             // combinations x repetitions
// Cell index (0 ..): repetition-major (all combinations of repetition 1 first). Never NULL: the experiment was resolved.
// The plan borrows from the experiment what no axis changes: it lives as long as both experiment and arena.
Pb__CellPlan *experiment_cell(const Pb__Experiment *experiment, size_t test, uint64_t index, struct arena *arena);
// "r142/load/nginx,20ms/2"
char *experiment_cell_name(uint64_t run, const Pb__Experiment *experiment, size_t test, uint64_t index, struct arena *arena);

// References that only run time knows: $(SERVICE.address|port|endpoint|host) and $(SERVICE.NAME.port) for a named port, from the peers that
// have answered initialize. Returns the text with all references put in, or NULL with the reason.
char *experiment_resolve_text(const char *text, const Pb__Peer *const *peers, size_t peer_count, struct arena *arena, const char **reason);

#define EXPERIMENT_CHECKED_COMBINATIONS 4096

#endif
