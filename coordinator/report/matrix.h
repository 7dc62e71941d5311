// Who gets on with whom: servers across, clients down, a letter for each case. For `results --matrix`.
#ifndef PANTHER_COORDINATOR_REPORT_MATRIX_H
#define PANTHER_COORDINATOR_REPORT_MATRIX_H

#include "coordinator/report/run_report.h"

struct matrix;

// The plugins of the services called `server` and `client` are the names; where a test has none of these names: of its first
// implementation, and of its tester. `instances`: the store's table. Several cells of a pair count as their worst.
struct matrix *matrix_new(const struct run_report *report, const struct table *instances);
void matrix_free(struct matrix **matrix);
size_t matrix_pairs(const struct matrix *matrix); // that were judged

void matrix_table(const struct matrix *matrix, struct text *out);
void matrix_markdown(const struct matrix *matrix, struct text *out);
// As quic-interop-runner writes its results: lists of pairs, client by client, for each of them its servers.
void matrix_json(const struct matrix *matrix, const struct run_report *report, struct text *out);

#endif
