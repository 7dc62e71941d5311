// A Submit request made ready for the core: text -> document -> overrides -> checked experiment. Runs in the reactor's thread: texts are
// bounded (EXPERIMENT_TEXT_MAX_BYTES) and checking is milliseconds.
#ifndef PANTHER_COORDINATOR_SHELL_SUBMISSION_H
#define PANTHER_COORDINATOR_SHELL_SUBMISSION_H

#include "common/base/limits.h"
#include "common/schema/diagnostics.h"
#include "common/wire/wire.h"
#include "coordinator/experiment/experiment.h"

struct submission_checked {
    const Pb__Experiment *experiment; // NULL: diagnostics say why
    struct diagnostics diagnostics;
    char content_hash[HASH_TEXT_BYTES];
};
// All in the arena.
void submission_check(const Pb__Submit *submit, const struct experiment_plugins *plugins, struct arena *arena,
                      struct submission_checked *checked);

#endif
