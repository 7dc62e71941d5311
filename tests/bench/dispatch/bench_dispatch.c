// run_test cases per second and their latency through the whole product, beside the yardstick, in alternation on the same machine.
// `bench_dispatch [FOLDER [ROUNDS [CASES]]]`; see tests/bench/README.md.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/process.h"
#include "lab.h"
#include "verdicts.h"
#include "yardstick.h"

// Cases of one trial: what the null tester has names for.
#define TRIAL_CASES 1000
#define ROUNDS_MAX 15
// One trial at a time, so that as many cases are in flight as the window says.
#define SLOTS_ONE 1
// As many small trials at once as a host with 16 slots runs.
#define SLOTS_MANY 16

struct settings {
    const char *folder;
    unsigned rounds, cases; // cases: with many in flight; a tenth of it with one
    uint32_t yardstick_ms;
};

struct round {
    struct verdicts one, sixteen, many, trials;
    struct yardstick_result one_series, one_single, sixteen_single, many_single;
};

// ---- the product

static char *experiment_text(struct arena *arena, unsigned cases)
{
    unsigned names = cases < TRIAL_CASES ? cases : TRIAL_CASES;
    struct text text = {0};
    text_printf(&text,
                "panther: 1\nexperiment: dispatch\ntests:\n  - name: dispatch\n    protocol: {name: none}\n    repeat: {times: %u}\n"
                "    timeouts: {trial: 10m}\n    services:\n      load:\n        tester: 'null'\n        cases: [",
                (cases + names - 1) / names);
    for (unsigned i = 0; i < names; i++)
        text_printf(&text, "%sn%03u", i ? "," : "", i);
    text_printf(&text, "]\n");
    char *copy = arena_string(arena, text_string(&text));
    text_free(&text);
    return copy;
}

// Many trials of one case each: what a trial costs, not a case.
static char *trials_text(struct arena *arena, unsigned trials)
{
    return arena_printf(arena,
                        "panther: 1\nexperiment: trials\ntests:\n  - name: trials\n    protocol: {name: none}\n    repeat: {times: %u}\n"
                        "    services: {load: {tester: 'null', cases: [noop]}}\n",
                        trials);
}

static int measure_product(const struct settings *settings, unsigned window, unsigned slots, const char *experiment,
                           struct verdicts *verdicts, struct panther_error *error)
{
    CLEANUP_FREE char *own = program_folder(), *programs = path_join(own, "../bin"),
                      *folder = path_join(settings->folder, "panther-bench-lab");
    const struct lab_options options = {.programs = programs, .folder = folder, .window = window, .slots = slots};
    int result = folder_remove(folder, error);
    struct lab *lab = result == 0 ? lab_up(&options, error) : NULL;
    if (!lab)
        return error->code;
    result = lab_run(lab, experiment, error);
    lab_down(&lab);
    CLEANUP_FREE char *journal = path_join(folder, "data/journal.db");
    if (result == 0)
        result = verdicts_read(journal, window, verdicts, error);
    return result < 0 ? result : folder_remove(folder, error); // what failed stays to be looked at
}

static int measure_cases(const struct settings *settings, unsigned window, unsigned cases, struct verdicts *verdicts,
                         struct panther_error *error)
{
    struct arena *arena = arena_new(0);
    int result = measure_product(settings, window, SLOTS_ONE, experiment_text(arena, cases), verdicts, error);
    arena_free(&arena);
    return result;
}

static int measure_trials(const struct settings *settings, struct verdicts *verdicts, struct panther_error *error)
{
    struct arena *arena = arena_new(0);
    int result = measure_product(settings, SLOTS_MANY, SLOTS_MANY, trials_text(arena, settings->cases / 100), verdicts, error);
    arena_free(&arena);
    return result;
}

// ---- the yardstick

static int measure_yardstick(const struct settings *settings, unsigned in_flight, unsigned commits, struct yardstick_result *out,
                             struct panther_error *error)
{
    const struct yardstick_options options = {.folder = settings->folder,
                                              .in_flight = in_flight,
                                              .commits = commits,
                                              .warm_up_ms = settings->yardstick_ms / 4,
                                              .measure_ms = settings->yardstick_ms};
    return yardstick_run(&options, out, error);
}

// Each figure of the product between two of the yardstick's, so that a machine that slows down slows both.
static int measure_round(const struct settings *settings, struct round *round, struct panther_error *error)
{
    int result = measure_yardstick(settings, 1, 1, &round->one_single, error);
    if (result == 0)
        result = measure_cases(settings, 1, settings->cases / 10, &round->one, error);
    if (result == 0)
        result = measure_yardstick(settings, 1, YARDSTICK_COMMITS_OF_PROTOCOL, &round->one_series, error);
    if (result == 0)
        result = measure_cases(settings, 16, settings->cases, &round->sixteen, error);
    if (result == 0)
        result = measure_yardstick(settings, 16, 1, &round->sixteen_single, error);
    if (result == 0)
        result = measure_cases(settings, 64, settings->cases, &round->many, error);
    if (result == 0)
        result = measure_yardstick(settings, 64, 1, &round->many_single, error);
    return result < 0 ? result : measure_trials(settings, &round->trials, error);
}

// ---- results

typedef double figure_fn(const struct round *round);

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(const struct round *rounds, unsigned count, figure_fn *figure)
{
    double values[ROUNDS_MAX];
    for (unsigned i = 0; i < count; i++)
        values[i] = figure(&rounds[i]);
    qsort(values, count, sizeof *values, by_size);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

// Ratios are taken within a round: its two sides met the same machine.
#define FIGURE(name, expression)                                                                                                           \
    static double name(const struct round *round)                                                                                          \
    {                                                                                                                                      \
        return (expression);                                                                                                               \
    }
FIGURE(rate_ratio_16, round->sixteen.rate_per_s / round->sixteen_single.rate_per_s)
FIGURE(rate_ratio_64, round->many.rate_per_s / round->many_single.rate_per_s)
FIGURE(latency_ratio_1, round->one.median_us / round->one_series.median_us)
FIGURE(latency_ratio_1_single, round->one.median_us / round->one_single.median_us)
FIGURE(rate_1, round->one.rate_per_s)
FIGURE(rate_16, round->sixteen.rate_per_s)
FIGURE(rate_64, round->many.rate_per_s)
FIGURE(latency_us_1, round->one.median_us)
FIGURE(latency_p99_us_1, round->one.p99_us)
FIGURE(trials_per_s, round->trials.overall_per_s)
FIGURE(yardstick_rate_1, round->one_single.rate_per_s)
FIGURE(yardstick_rate_16, round->sixteen_single.rate_per_s)
FIGURE(yardstick_rate_64, round->many_single.rate_per_s)
FIGURE(yardstick_latency_us_1, round->one_series.median_us)
FIGURE(yardstick_latency_p99_us_1, round->one_series.p99_us)
FIGURE(yardstick_latency_us_1_single, round->one_single.median_us)

static const struct {
    const char *name;
    figure_fn *figure;
    int decimals;
} figures[] = {
    {"rate_ratio_16", rate_ratio_16, 2},
    {"rate_ratio_64", rate_ratio_64, 2},
    {"latency_ratio_1", latency_ratio_1, 2},
    {"latency_ratio_1_single", latency_ratio_1_single, 2},
    {"rate_1", rate_1, 0},
    {"rate_16", rate_16, 0},
    {"rate_64", rate_64, 0},
    {"latency_us_1", latency_us_1, 0},
    {"latency_p99_us_1", latency_p99_us_1, 0},
    {"trials_per_s", trials_per_s, 1},
    {"yardstick_rate_1", yardstick_rate_1, 0},
    {"yardstick_rate_16", yardstick_rate_16, 0},
    {"yardstick_rate_64", yardstick_rate_64, 0},
    {"yardstick_latency_us_1", yardstick_latency_us_1, 0},
    {"yardstick_latency_p99_us_1", yardstick_latency_p99_us_1, 0},
    {"yardstick_latency_us_1_single", yardstick_latency_us_1_single, 0},
};

static void print_round(unsigned number, const struct round *round)
{
    printf("%5u %10.0f %9.0f %9.0f %9.2f %9.0f %9.0f %7.2f %9.0f %9.0f %7.2f %9.1f\n", number, round->one.median_us,
           round->one_series.median_us, round->one_single.median_us, latency_ratio_1(round), round->sixteen.rate_per_s,
           round->sixteen_single.rate_per_s, rate_ratio_16(round), round->many.rate_per_s, round->many_single.rate_per_s,
           rate_ratio_64(round), round->trials.overall_per_s);
    fflush(stdout);
}

static void print_json(const struct round *rounds, unsigned count, unsigned cases)
{
    printf("{\"bench\":\"dispatch\"");
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        printf(",\"%s\":%.*f", figures[i].name, figures[i].decimals, median(rounds, count, figures[i].figure));
    printf(",\"rounds\":%u,\"cases\":%u,\"processors\":%ld}\n", count, cases, sysconf(_SC_NPROCESSORS_ONLN));
}

static unsigned number_or(int count, char **arguments, int index, unsigned otherwise, unsigned least, unsigned most)
{
    unsigned long value = count > index ? strtoul(arguments[index], NULL, 10) : otherwise;
    return value < least ? least : value > most ? most : (unsigned)value;
}

int main(int argument_count, char **arguments)
{
    struct settings settings = {.folder = argument_count > 1 ? arguments[1] : ".", .yardstick_ms = 1500};
    settings.rounds = number_or(argument_count, arguments, 2, 3, 1, ROUNDS_MAX);
    settings.cases = number_or(argument_count, arguments, 3, 20000, 1000, 1000000);
    if (settings.cases < 10000)
        settings.yardstick_ms = 100; // a smoke run
    static struct round rounds[ROUNDS_MAX];
    struct panther_error error = {0};
    printf("         1 in flight: median us, ratio           16 in flight: cases/s, ratio  64 in flight: cases/s, ratio   16 slots\n");
    printf("round    product 2 commits  1 commit     ratio   product yardstick   ratio   product yardstick   ratio  trials/s\n");
    for (unsigned i = 0; i < settings.rounds; i++) {
        if (measure_round(&settings, &rounds[i], &error) < 0) {
            fprintf(stderr, "bench_dispatch: %s\n", error.message);
            return 1;
        }
        print_round(i + 1, &rounds[i]);
    }
    print_json(rounds, settings.rounds, settings.cases);
    return 0;
}
