// See matrix.h: what stands in the matrix.
#include "coordinator/report/matrix.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/units.h"
#include "coordinator/report/matrix_inside.h"

struct matrix_case matrix_case_of(const char *name)
{
    // those of quic-interop-runner, so that its readers and its web page know them
    static const struct {
        const char *name, *letters;
        bool is_measurement;
    } known[] = {{"handshake", "H", false},
                 {"transfer", "DC", false},
                 {"longrtt", "LR", false},
                 {"chacha20", "C20", false},
                 {"multiplexing", "M", false},
                 {"retry", "S", false},
                 {"resumption", "R", false},
                 {"zerortt", "Z", false},
                 {"http3", "3", false},
                 {"blackhole", "B", false},
                 {"keyupdate", "U", false},
                 {"ecn", "E", false},
                 {"amplificationlimit", "A", false},
                 {"handshakeloss", "L1", false},
                 {"transferloss", "L2", false},
                 {"handshakecorruption", "C1", false},
                 {"transfercorruption", "C2", false},
                 {"ipv6", "6", false},
                 {"v2", "V2", false},
                 {"versionnegotiation", "V", false},
                 {"rebind-port", "BP", false},
                 {"rebind-addr", "BA", false},
                 {"connectionmigration", "CM", false},
                 {"goodput", "G", true},
                 {"crosstraffic", "C", true}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) == 0) {
            return (struct matrix_case){name, known[i].letters, known[i].is_measurement};
        }
    }
    return (struct matrix_case){name, name, false};
}

// ---- who was there

// The plugin of the service of that name; else of the first of that kind. "": none.
static const char *plugin_of(const struct table *instances, const struct row_group *group, const char *service, const char *kind)
{
    const char *first = "";
    for (size_t i = 0; i < group->count; i++) {
        const char *plugin = run_report_text(instances, group->rows[i], "plugin");
        if (strcmp(run_report_text(instances, group->rows[i], "service"), service) == 0) {
            return plugin;
        }
        if (!*first && strcmp(run_report_text(instances, group->rows[i], "kind"), kind) == 0) {
            first = plugin;
        }
    }
    return first;
}

struct place {
    size_t index;
    bool is_there;
};

static struct place place_in(const char *const *names, size_t count, const char *name)
{
    size_t index = 0;
    while (index < count && strcmp(names[index], name) != 0) {
        index++;
    }
    return (struct place){index, index < count};
}

static size_t case_index(const struct matrix *matrix, const char *name)
{
    size_t index = 0;
    while (index < matrix->case_count && strcmp(matrix->cases[index].name, name) != 0) {
        index++;
    }
    return index;
}

struct gathering {
    const struct run_report *report;
    const struct table *instances;
    struct row_index *instances_of;
    struct matrix *matrix;
};

typedef void visit_fn(struct gathering *gathering, const char *trial, const char *client, const char *server);

// The last attempt at every cell, with the two that it was about.
static void visit_cells(struct gathering *gathering, visit_fn *visit)
{
    const struct run_report *report = gathering->report;
    for (size_t row = 0; row < table_count(report->cells); row++) {
        size_t last;
        if (!run_report_last_trial(report, run_report_text(report->cells, row, "name"), &last)) {
            continue;
        }
        const char *trial = run_report_text(report->trials, last, "name");
        const struct row_group *group = row_index_find(gathering->instances_of, trial);
        const char *server = plugin_of(gathering->instances, group, "server", "iut");
        const char *client = plugin_of(gathering->instances, group, "client", "tester");
        if (*server && *client) {
            visit(gathering, trial, client, server);
        }
    }
}

static void add_names(struct gathering *gathering, const char *trial, const char *client, const char *server)
{
    struct matrix *matrix = gathering->matrix;
    const struct row_group *group = row_index_find(gathering->report->cases_of, trial);
    if (!place_in(matrix->clients, matrix->client_count, client).is_there) {
        APPEND(matrix->clients, matrix->client_count, matrix->client_capacity) = client;
    }
    if (!place_in(matrix->servers, matrix->server_count, server).is_there) {
        APPEND(matrix->servers, matrix->server_count, matrix->server_capacity) = server;
    }
    for (size_t i = 0; i < group->count; i++) {
        const char *name = run_report_text(gathering->report->cases, group->rows[i], "case");
        if (case_index(matrix, name) == matrix->case_count) {
            APPEND(matrix->cases, matrix->case_count, matrix->case_capacity) = matrix_case_of(name);
        }
    }
}

// ---- what it came to

static int badness(const char *verdict)
{
    static const char *const rising[] = {"none", "pass", "running", "inconc", "error", "fail"};
    int rank = 0;
    while (rank < 5 && strcmp(rising[rank], verdict) != 0) {
        rank++;
    }
    return rank;
}

static struct matrix_result *result_of(const struct matrix *matrix, size_t client, size_t server, size_t test_case)
{
    return &matrix->results[(client * matrix->server_count + server) * matrix->case_count + test_case];
}

const struct matrix_result *matrix_result_of(const struct matrix *matrix, size_t client, size_t server, size_t test_case)
{
    return result_of(matrix, client, server, test_case);
}

static void add_goodput(struct gathering *gathering, const char *trial, size_t client, size_t server)
{
    const struct table *metrics = gathering->report->metrics;
    const struct row_group *group = row_index_find(gathering->report->metrics_of, trial);
    for (size_t i = 0; i < group->count; i++) {
        double value;
        const size_t test_case = case_index(gathering->matrix, run_report_text(metrics, group->rows[i], "case"));
        if (test_case < gathering->matrix->case_count && strcmp(run_report_text(metrics, group->rows[i], "metric"), "goodput") == 0 &&
            float_parse(run_report_text(metrics, group->rows[i], "value"), &value)) {
            sample_add(&result_of(gathering->matrix, client, server, test_case)->goodput, value);
        }
    }
}

static void add_results(struct gathering *gathering, const char *trial, const char *client_name, const char *server_name)
{
    struct matrix *matrix = gathering->matrix;
    const struct table *cases = gathering->report->cases;
    const struct row_group *group = row_index_find(gathering->report->cases_of, trial);
    const size_t client = place_in(matrix->clients, matrix->client_count, client_name).index;
    const size_t server = place_in(matrix->servers, matrix->server_count, server_name).index;
    for (size_t i = 0; i < group->count; i++) {
        const char *verdict = run_report_verdict(cases, group->rows[i]);
        struct matrix_result *result =
            result_of(matrix, client, server, case_index(matrix, run_report_text(cases, group->rows[i], "case")));
        if (!result->verdict || badness(verdict) > badness(result->verdict)) {
            result->verdict = verdict;
        }
    }
    add_goodput(gathering, trial, client, server);
}

struct matrix *matrix_new(const struct run_report *report, const struct table *instances)
{
    struct matrix *matrix = memory_new(sizeof *matrix);
    struct gathering gathering = {
        .report = report, .instances = instances, .instances_of = row_index_new(instances, "trial"), .matrix = matrix};
    visit_cells(&gathering, add_names);
    matrix->results = memory_new(sizeof *matrix->results * (matrix->client_count * matrix->server_count * matrix->case_count + 1));
    visit_cells(&gathering, add_results);
    row_index_free(&gathering.instances_of);
    return matrix;
}

void matrix_free(struct matrix **pointer)
{
    struct matrix *matrix = *pointer;
    if (!matrix) {
        return;
    }
    for (size_t i = 0; i < matrix->client_count * matrix->server_count * matrix->case_count; i++) {
        sample_free(&matrix->results[i].goodput);
    }
    free(matrix->results);
    free(matrix->cases);
    free((void *)matrix->clients);
    free((void *)matrix->servers);
    free(matrix);
    *pointer = NULL;
}

size_t matrix_pairs(const struct matrix *matrix)
{
    size_t pairs = 0;
    for (size_t i = 0; i < matrix->client_count * matrix->server_count; i++) {
        bool is_judged = false;
        for (size_t j = 0; j < matrix->case_count; j++) {
            is_judged = is_judged || matrix->results[i * matrix->case_count + j].verdict;
        }
        pairs += is_judged;
    }
    return pairs;
}
