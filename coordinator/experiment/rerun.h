// A run that repeats another one: the cells of it that run, each so often as wanted, with the seeds that they had. The shell calls it
// when it checks a submission.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_RERUN_H
#define PANTHER_COORDINATOR_EXPERIMENT_RERUN_H

#include "coordinator/experiment/experiment.h"

// Takes out what is not repeated. A cell that the experiment does not have is a mistake.
void rerun_apply(const Pb__Rerun *rerun, struct arena *arena, struct diagnostics *diagnostics, Pb__Experiment *experiment);

#endif
