// What a matrix holds, for matrix.c and matrix_print.c.
#ifndef PANTHER_COORDINATOR_REPORT_MATRIX_INSIDE_H
#define PANTHER_COORDINATOR_REPORT_MATRIX_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "coordinator/report/matrix.h"
#include "coordinator/report/statistics.h"

struct matrix_case {
    const char *name; // the report's
    const char *letters;
    bool is_measurement; // it has a value beside its verdict
};

// What one pair came to in one case.
struct matrix_result {
    const char *verdict;   // the worst; NULL: it was not judged
    struct sample goodput; // kbit/s
};

struct matrix {
    const char **servers, **clients; // the tables'
    size_t server_count, server_capacity, client_count, client_capacity;
    struct matrix_case *cases;
    size_t case_count, case_capacity;
    struct matrix_result *results; // client by client, for each its servers, for each of them the cases
};

// The letters of quic-interop-runner where it has the case, else the case's own name.
struct matrix_case matrix_case_of(const char *name);
const struct matrix_result *matrix_result_of(const struct matrix *matrix, size_t client, size_t server, size_t test_case);

#endif
