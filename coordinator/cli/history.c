// panther-coord history TEST[/CASE]: how a test or one of its cases went over the last runs, and what was built differently.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/identity.h"
#include "common/base/map.h"
#include "common/base/units.h"
#include "coordinator/cli/run_filter.h"
#include "coordinator/report/statistics.h"

#define LAST_DEFAULT 20
// A run has to be asked for its cells: beyond these it is a question for the night.
#define LAST_MAX 500
#define CONFIDENCE 0.95

enum { KEY_LAST = 1400 };

struct history_arguments {
    struct client client;
    const char *name;
    char test[NAME_MAX_BYTES];
    const char *case_name; // NULL: the test's cells
    uint64_t last;
    struct run_filter filter;
};

struct history {
    struct table *rows;
    char *versions; // of the run before
    size_t tried, passed;
    char *experiment;     // of the first run
    bool is_mixed;        // a later one is of another
    size_t groups, flaky; // combinations of a run with more than one result; those whose results differ
};

static const char *const columns[] = {"run",        "experiment",  "started_wall_ns", "tried_count", "pass_count",
                                      "fail_count", "other_count", "flaky_count",     "build",       "versions"};
#define COLUMNS (sizeof columns / sizeof *columns)

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct history_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        state->child_inputs[1] = &arguments->filter;
        return 0;
    case KEY_LAST:
        if (!unsigned_parse(argument, &arguments->last) || arguments->last == 0 || arguments->last > LAST_MAX) {
            argp_error(state, "--last %s: use a number up to %d", argument, LAST_MAX);
        }
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->name) {
            argp_error(state, "one argument too many: %s", argument);
        }
        arguments->name = argument;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->name) {
            argp_error(state, "TEST is missing");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

// Of one run: what came of each combination.
struct outcomes {
    size_t tried, passed, failed;
    struct map *groups; // combination -> bits: 1 passed, 2 did not, 4 more than once
};

static void count(struct outcomes *outcomes, const char *combination, const char *verdict)
{
    CLEANUP_FREE char *key = memory_printf("=%s", combination);
    bool is_pass = strcmp(verdict, "pass") == 0;
    if (!*verdict || strcmp(verdict, "none") == 0) {
        return; // it was not run
    }
    outcomes->tried++;
    outcomes->passed += is_pass;
    outcomes->failed += strcmp(verdict, "fail") == 0;
    uintptr_t bits = (uintptr_t)map_get_text(outcomes->groups, key);
    map_put_text(outcomes->groups, key, (void *)(bits | (is_pass ? 1u : 2u) | (bits ? 4u : 0u)));
}

static void count_cells(const struct history_arguments *arguments, const struct table *cells, struct outcomes *outcomes)
{
    for (size_t row = 0; row < table_count(cells); row++) {
        if (strcmp(table_value(cells, row, "test"), arguments->test) == 0) {
            count(outcomes, table_value(cells, row, "combination"), table_value(cells, row, "verdict"));
        }
    }
}

static void count_cases(const struct history_arguments *arguments, const struct table *cases, struct outcomes *outcomes)
{
    for (size_t row = 0; row < table_count(cases); row++) {
        struct full_name trial;
        if (strcmp(table_value(cases, row, "case"), arguments->case_name) == 0 &&
            full_name_parse(table_value(cases, row, "trial"), &trial, NULL) == 0 && strcmp(trial.test, arguments->test) == 0) {
            count(outcomes, trial.combination, table_value(cases, row, "verdict"));
        }
    }
}

// What ran there: "h2load 1.52.0, nginx 1.22.1", each once, in the order of first use.
static char *versions_of(const struct history_arguments *arguments, const struct table *instances)
{
    struct text text = {0};
    for (size_t row = 0; row < table_count(instances); row++) {
        struct full_name trial;
        CLEANUP_FREE char *word = memory_printf("%s %s", table_value(instances, row, "plugin"), table_value(instances, row, "version"));
        if (full_name_parse(table_value(instances, row, "trial"), &trial, NULL) == 0 && strcmp(trial.test, arguments->test) == 0 &&
            !strstr(text_string(&text), word)) {
            text_printf(&text, "%s%s", text.length ? ", " : "", word);
        }
    }
    char *versions = memory_string(text_string(&text));
    text_free(&text);
    return versions;
}

static void add_run(struct history *history, const struct table *runs, size_t row, const struct outcomes *outcomes, char *versions)
{
    size_t flaky = 0;
    for (struct map_entry *entry = map_first(outcomes->groups); entry; entry = map_next(outcomes->groups, entry)) {
        uintptr_t bits = (uintptr_t)entry->value;
        history->groups += (bits & 4u) != 0;
        flaky += (bits & 3u) == 3u;
    }
    history->flaky += flaky;
    const char *experiment = table_value(runs, row, "experiment");
    history->is_mixed |= history->experiment && strcmp(history->experiment, experiment) != 0;
    history->experiment = history->experiment ? history->experiment : memory_string(experiment);
    history->tried += outcomes->tried;
    history->passed += outcomes->passed;
    char numbers[5][24];
    const size_t values[5] = {outcomes->tried, outcomes->passed, outcomes->failed, outcomes->tried - outcomes->passed - outcomes->failed,
                              flaky};
    for (size_t i = 0; i < 5; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%zu", values[i]);
    }
    const char *build = history->versions && strcmp(history->versions, versions) != 0 ? "changed" : "";
    table_add(history->rows,
              (const char *const[COLUMNS]){table_value(runs, row, "name"), experiment, table_value(runs, row, "started_wall_ns"),
                                           numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], build, versions});
    free(history->versions);
    history->versions = versions;
}

static int look_at_run(struct history_arguments *arguments, const struct table *runs, size_t row, struct history *history)
{
    const char *run = table_value(runs, row, "name");
    struct table *results = NULL, *instances = NULL;
    uint64_t cursor = 0;
    struct outcomes outcomes = {.groups = map_new()};
    int status = client_query(&arguments->client, arguments->case_name ? PB__TABLE__TABLE_CASES : PB__TABLE__TABLE_CELLS, run, &results,
                              &cursor, false);
    if (!status) {
        (arguments->case_name ? count_cases : count_cells)(arguments, results, &outcomes);
    }
    cursor = 0;
    if (!status && outcomes.tried) {
        status = client_query(&arguments->client, PB__TABLE__TABLE_INSTANCES, run, &instances, &cursor, false);
    }
    if (!status && outcomes.tried) {
        add_run(history, runs, row, &outcomes, versions_of(arguments, instances));
    }
    map_free(&outcomes.groups);
    table_free(&results);
    table_free(&instances);
    return status;
}

static int look(struct history_arguments *arguments, struct history *history)
{
    struct table *runs = NULL;
    uint64_t cursor = 0;
    int status = client_query(&arguments->client, PB__TABLE__TABLE_RUNS, "", &runs, &cursor, false);
    size_t rows = status ? 0 : table_count(runs), from = rows;
    for (uint64_t wanted = arguments->last; from > 0 && wanted > 0; from--) {
        wanted -= run_filter_matches(&arguments->filter, runs, from - 1);
    }
    for (size_t row = from; !status && row < rows; row++) {
        if (run_filter_matches(&arguments->filter, runs, row)) {
            status = look_at_run(arguments, runs, row, history);
        }
    }
    table_free(&runs);
    return status;
}

static int show(const struct history_arguments *arguments, const struct history *history)
{
    table_print(history->rows, arguments->client.format, stdout, arguments->client.colour);
    if (!history->tried) {
        const char *dot = arguments->case_name ? strchr(arguments->case_name, '.') : NULL;
        fprintf(stderr, "panther-coord: none of the last runs has a result of %s%s%s\n", arguments->name,
                dot ? "; a case is named without its service, " : "", dot ? dot + 1 : "");
        return EXIT_FAIL;
    }
    if (history->is_mixed) {
        fprintf(stderr, "panther-coord: several experiments have a test \"%s\": --experiment takes one of them\n", arguments->test);
    }
    if (arguments->client.format == REPORT_TABLE) {
        double low, high;
        share_interval(history->passed, history->tried, CONFIDENCE, &low, &high);
        printf("passed %zu of %zu (%.1f%%, between %.1f%% and %.1f%% with 95%% confidence)", history->passed, history->tried,
               100.0 * (double)history->passed / (double)history->tried, 100 * low, 100 * high);
        printf("; flaky: %zu of %zu combinations that were repeated\n", history->flaky, history->groups);
    }
    return EXIT_PASS;
}

static bool take_name(struct history_arguments *arguments)
{
    const char *slash = strchr(arguments->name, '/');
    size_t length = slash ? (size_t)(slash - arguments->name) : strlen(arguments->name);
    snprintf(arguments->test, sizeof arguments->test, "%.*s", (int)length, arguments->name);
    arguments->case_name = slash && slash[1] ? slash + 1 : NULL;
    return length < sizeof arguments->test && name_is_valid(arguments->test);
}

int cli_history(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"last", KEY_LAST, "N", 0, "look at so many runs (default 20)", 0},
        {0},
    };
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {&run_filter_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "TEST[/CASE]",
        "How a test's cells, or one of its cases, went over the last runs, one row a run; a build that is not that of "
        "the run before is marked.\vflaky counts combinations whose repetitions in one run came to different verdicts; "
        "the interval of the pass rate is Wilson's.",
        children,
        NULL,
        NULL};
    struct history_arguments arguments = {.last = LAST_DEFAULT};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (!take_name(&arguments)) {
        fprintf(stderr, "panther-coord: \"%s\" is no TEST or TEST/CASE\n", arguments.name);
        return EXIT_USAGE;
    }
    struct history history = {.rows = table_new(columns, COLUMNS)};
    int status = look(&arguments, &history);
    status = status ? status : show(&arguments, &history);
    table_free(&history.rows);
    free(history.versions);
    free(history.experiment);
    client_close(&arguments.client);
    return status;
}
