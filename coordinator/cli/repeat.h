// What `rerun` sends: the submission of an earlier run, as the store or a bundle has it, and the cells of it that run again.
#ifndef PANTHER_COORDINATOR_CLI_REPEAT_H
#define PANTHER_COORDINATOR_CLI_REPEAT_H

#include "coordinator/cli/evidence.h"

struct repeat {
    const char *what; // as given: a run, a cell, a trial
    bool failed;      // only the cells that did not pass
    uint32_t times;   // 0: once, or as often as the run did itself
    char *run;        // "r9"
    uint32_t times_before;
    struct table *before; // the cells, or the trial, that are repeated: name, verdict
    Pb__Submit submit;    // in the arena, but for `overrides`
    Pb__Rerun rerun;
};

// 0, or an exit status with a word on stderr.
int repeat_read(struct repeat *repeat, struct evidence *evidence, struct arena *arena);
void repeat_free(struct repeat *repeat);
// "r9/load/nginx,20ms/4" of a run that ran each cell `times` times -> "load/nginx,20ms/2", the cell that it was made from.
char *repeat_origin(const char *cell, uint32_t times, struct arena *arena);

#endif
