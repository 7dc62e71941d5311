// What the gates' files share: results in the making, and verdicts of a run gathered over the repetitions of each combination.
#ifndef PANTHER_COORDINATOR_REPORT_GATES_INSIDE_H
#define PANTHER_COORDINATOR_REPORT_GATES_INSIDE_H

#include "common/base/map.h"
#include "common/base/verdict.h"
#include "coordinator/report/gates.h"
#include "coordinator/report/judgements.h"

// Findings that are kept: of one gate what a person reads, of a run what a record holds easily. The rest is counted.
#define GATE_FINDINGS_MAX 200
#define RUN_FINDINGS_MAX 1000

struct gate {
    struct arena *arena;
    Pb__GateResult *result;
    size_t *room; // findings that the run may still keep
};
// As outcomes combine, but a fail says more than an error, as the exit status of submit has it.
void gate_worsen(Pb__Outcome *outcome, int verdict, int reason, const char *text);
void gate_find(struct gate *gate, const char *kind, const char *name, const char *before, const char *after, const char *text);

// One cell, case or assertion of a combination, over all repetitions.
struct group {
    const struct judgement *first;
    size_t passed, other; // with a verdict that is not none
    size_t unexpected;    // of `other`: not as the experiment expects
    char *name;           // "nginx,20ms load.throughput"
    const struct judgement *last_other;
};
struct groups {
    struct map *by_name; // of a test: name -> struct group
};
// Only what is of the test. with_expected: known failures are not unexpected.
void groups_gather(struct groups *groups, const struct judgements *judgements, const Pb__Test *test, bool with_expected);
void groups_free(struct groups *groups);

// gates_expect.c: the entry that excuses it; NULL: none. any_verdict: the one that is about it, whatever came of it.
const Pb__ExpectedFailure *expected_of(const Pb__Test *test, const struct judgement *judgement, bool any_verdict);
// Does the experiment expect it as it is? Of a cell: of all that did not pass in it. end: behind the last judgement.
bool is_known(const Pb__Test *test, const struct judgement *judgement, const struct judgement *end);
void gate_verdicts(struct gate *gate, const Pb__Test *test, const struct judgements *judgements);

#endif
