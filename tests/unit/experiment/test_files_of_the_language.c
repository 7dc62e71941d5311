// good/*.yaml with the cells they mean, bad/*.yaml with all that is said about them: NAME.expected beside each. After a wanted change,
// PANTHER_UPDATE_EXPECTED=1 writes the expected files anew; read the difference before you commit it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>

#include "tests/unit/experiment/fixture.h"

#define FOLDER PANTHER_SOURCE "/tests/unit/experiment/"
#define CELLS_SHOWN 4
#define FILES_AT_LEAST_GOOD 4
#define FILES_AT_LEAST_BAD 30

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    struct text text = {0};
    char chunk[4096];
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, file)) > 0;)
        text_append_bytes(&text, chunk, got);
    fclose(file);
    char *copy = memory_string(text_string(&text));
    text_free(&text);
    return copy;
}

static void write_whole(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

// ---- a resolved experiment, for people

static void show_texts(struct text *out, const char *noun, char *const *texts, size_t count)
{
    if (count > 0)
        text_printf(out, " %s", noun);
    for (size_t i = 0; i < count; i++)
        text_printf(out, "%s%s", i > 0 ? "," : " ", texts[i]);
}

static void show_host(struct text *out, const Pb__HostRule *host)
{
    if (host->name[0])
        text_printf(out, " host %s", host->name);
    for (size_t i = 0; i < host->n_labels; i++)
        text_printf(out, " label %s=%s", host->labels[i]->name, host->labels[i]->value);
    show_texts(out, "apart_from", host->apart_from, host->n_apart_from);
    show_texts(out, "with", host->with, host->n_with);
    show_texts(out, "not", host->not_names, host->n_not_names);
    text_append(out, host->exclusive ? " exclusive" : "");
    if (host->cpus || host->memory_bytes)
        text_printf(out, " cpus %u memory %llu", host->cpus, (unsigned long long)host->memory_bytes);
}

static void show_service(struct text *out, const Pb__ServicePlan *service)
{
    text_printf(out, "    %s: %s %s role \"%s\"", service->name,
                service->is_network  ? "network"
                : service->is_tester ? "tester"
                                     : "iut",
                service->plugin, service->role);
    text_printf(out, "%s%s", *service->program ? " program " : "", service->program);
    show_texts(out, "needs", service->needs, service->n_needs);
    for (size_t i = 0; i < service->n_drives; i++) {
        text_printf(out, " drives %s", service->drives[i]->name);
        show_texts(out, "=", service->drives[i]->services, service->drives[i]->n_services);
    }
    show_host(out, service->host);
    show_texts(out, "cases", service->cases, service->n_cases);
    text_append(out, service->fresh == PB__FRESH__FRESH_CASE ? " fresh for each case" : "");
    text_append(out, "\n");
    for (size_t i = 0; i < service->n_options; i++) {
        text_printf(out, "      %u:%u", service->options[i]->line, service->options[i]->column);
        show_texts(out, service->options[i]->name, service->options[i]->values, service->options[i]->n_values);
        text_append(out, "\n");
    }
}

static void show_assertion(struct text *out, const Pb__Assertion *assertion)
{
    text_printf(out, "    assert [%s] %s", assertion->service, assertion->text);
    if (assertion->body_case == PB__ASSERTION__BODY_METRIC)
        text_printf(out, " (%s %s%.17g %s%.17g)", assertion->metric->name, assertion->metric->has_at_least ? "" : "no ",
                    assertion->metric->at_least, assertion->metric->has_at_most ? "" : "no ", assertion->metric->at_most);
    if (assertion->body_case == PB__ASSERTION__BODY_OUTPUT)
        text_printf(out, " (%s%s \"%s\" %s)", assertion->output->absent ? "absent" : "present", assertion->output->is_regex ? " regex" : "",
                    assertion->output->pattern, assertion->output->stream);
    if (assertion->body_case == PB__ASSERTION__BODY_EXIT)
        text_printf(out, " (%s %d)", assertion->exit->clean ? "clean" : "status", assertion->exit->status);
    text_append(out, "\n");
}

static void show_moment(struct text *out, const char *noun, const Pb__Moment *moment)
{
    if (moment)
        text_printf(out, " %s %s of \"%s\" + %u", noun, moment->end ? "end" : "start", moment->entry, moment->plus_ms);
}

static void show_later_forms(struct text *out, const Pb__Assertion *assertion)
{
    if (assertion->body_case == PB__ASSERTION__BODY_CAPTURE)
        text_printf(out, "      capture%s\n", assertion->capture->absent ? " absent" : "");
    if (assertion->body_case == PB__ASSERTION__BODY_ARTIFACT)
        text_printf(out, "      artifact%s %s %s%llu\n", assertion->artifact->absent ? " absent" : "", assertion->artifact->path,
                    assertion->artifact->has_at_least ? "" : "no ", (unsigned long long)assertion->artifact->at_least_bytes);
    if (assertion->body_case == PB__ASSERTION__BODY_FINDING)
        text_printf(out, "      finding%s \"%s\"\n", assertion->finding->absent ? " absent" : "", assertion->finding->signature);
    if (!assertion->window)
        return;
    text_append(out, "      window");
    show_moment(out, "since", assertion->window->since);
    show_moment(out, "until", assertion->window->until);
    text_append(out, "\n");
}

// ---- network, environments, timeline

static void show_settings(struct text *out, Pb__PlacedSetting *const *settings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        show_texts(out, settings[i]->name, settings[i]->values, settings[i]->n_values);
}

static void show_links(struct text *out, Pb__LinkRule *const *links, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_printf(out, "      %u:%u \"%s\" to \"%s\":", links[i]->line, links[i]->column, links[i]->from, links[i]->to);
        show_settings(out, links[i]->conditions, links[i]->n_conditions);
        text_append(out, "\n");
    }
}

static void show_network(struct text *out, const Pb__Network *network, const char *case_conditions)
{
    if (!network)
        return;
    text_printf(out, "    network %s %s, case conditions %s, %scapture, snaplen %u, limit %llu\n", network->type, network->family,
                case_conditions, network->no_capture ? "no " : "", network->snaplen, (unsigned long long)network->capture_limit_bytes);
    show_links(out, network->links, network->n_links);
}

static void show_environment(struct text *out, const Pb__ExecutionEnvironment *environment)
{
    text_printf(out, "    under %s", environment->type);
    show_texts(out, "of", environment->services, environment->n_services);
    show_settings(out, environment->options, environment->n_options);
    text_append(out, "\n");
}

static void show_trigger(struct text *out, const Pb__Trigger *trigger)
{
    if (!trigger)
        return;
    text_printf(out, " after %s of \"%s\" + %llu", trigger->end ? "end" : "start", trigger->entry, (unsigned long long)trigger->plus_ms);
    show_texts(out, "ready", trigger->ready, trigger->n_ready);
}

static void show_fault(struct text *out, const Pb__Fault *fault)
{
    text_printf(out, " fault %s for %u", fault->kind, fault->for_ms);
    for (size_t i = 0; i < fault->n_options; i++)
        show_texts(out, fault->options[i]->name, fault->options[i]->values, fault->options[i]->n_values);
    text_append(out, "\n");
    show_links(out, fault->links, fault->n_links);
}

static void show_entry(struct text *out, const Pb__TimelineEntry *entry)
{
    text_printf(out, "    %u:%u %s [%s]%s", entry->line, entry->column, entry->id, entry->service, entry->background ? " background" : "");
    show_trigger(out, entry->trigger);
    switch (entry->body_case) {
    case PB__TIMELINE_ENTRY__BODY_RUN_CASE:
        text_printf(out, " case %s\n", entry->run_case);
        break;
    case PB__TIMELINE_ENTRY__BODY_RUN:
        show_texts(out, "run", entry->run->argv, entry->run->n_argv);
        text_printf(out, " within %u\n", entry->run->timeout_ms);
        break;
    case PB__TIMELINE_ENTRY__BODY_CHANGE:
        text_printf(out, " change %d\n", (int)entry->change);
        break;
    case PB__TIMELINE_ENTRY__BODY_FAULT:
        show_fault(out, entry->fault);
        break;
    default:
        text_append(out, " nothing\n");
    }
}

static void show_surroundings(struct text *out, const Pb__CellPlan *plan)
{
    show_network(out, plan->network, plan->case_conditions);
    for (size_t i = 0; i < plan->n_environments; i++)
        show_environment(out, plan->environments[i]);
    for (size_t i = 0; i < plan->n_timeline; i++)
        show_entry(out, plan->timeline[i]);
}

static void show_cell(struct text *out, const struct resolution *resolution, size_t test, uint64_t index)
{
    const Pb__CellPlan *plan = experiment_cell(resolution->experiment, test, index, resolution->arena);
    text_printf(out, "  %s: %s %s, seed %llu\n", experiment_cell_name(142, resolution->experiment, test, index, resolution->arena),
                plan->protocol_name, plan->protocol_version, (unsigned long long)plan->seed);
    for (size_t i = 0; i < plan->n_services; i++)
        show_service(out, plan->services[i]);
    show_surroundings(out, plan);
    for (size_t i = 0; i < plan->n_assertions; i++) {
        show_assertion(out, plan->assertions[i]);
        show_later_forms(out, plan->assertions[i]);
    }
}

static void show_gates(struct text *out, const Pb__Test *test)
{
    for (size_t i = 0; i < test->n_expected; i++) {
        const Pb__ExpectedFailure *expected = test->expected[i];
        text_printf(out, "  expect [%s] \"%s\" %u %u: %s", expected->service, expected->case_name, expected->verdict, expected->reason,
                    expected->because);
        show_settings(out, expected->where, expected->n_where);
        text_append(out, "\n");
    }
    text_append(out, test->none_lost ? "  none lost\n" : "");
    for (size_t i = 0; i < test->n_no_worse; i++)
        text_printf(out, "  no worse: \"%s\" by %g with %g\n", test->no_worse[i]->metric, test->no_worse[i]->by,
                    test->no_worse[i]->confidence);
}

static void show_test(struct text *out, const struct resolution *resolution, size_t index)
{
    const Pb__Test *test = resolution->experiment->tests[index];
    const Pb__Timeouts *timeouts = test->timeouts;
    text_printf(out, "test %s: %llu cells; queue %u build %u ready %u case %u trial %u stop %u lease %u; retry %u for %zu reasons\n",
                test->name, (unsigned long long)experiment_cells(test), timeouts->queue_ms, timeouts->build_ms, timeouts->ready_ms,
                timeouts->case_ms, timeouts->trial_ms, timeouts->stop_ms, timeouts->lease_ms, test->retry->times, test->retry->n_reasons);
    show_gates(out, test);
    uint64_t cells = experiment_cells(test);
    for (uint64_t i = 0; i < cells && i < CELLS_SHOWN; i++)
        show_cell(out, resolution, index, i);
    if (cells > CELLS_SHOWN + 1)
        text_append(out, "  ...\n");
    if (cells > CELLS_SHOWN)
        show_cell(out, resolution, index, cells - 1);
}

static void show(struct text *out, const struct resolution *resolution)
{
    const Pb__Experiment *experiment = resolution->experiment;
    resolution_report(resolution, out);
    if (!experiment)
        return;
    text_printf(out, "experiment %s%s%s\n", experiment->name, experiment->description[0] ? ": " : "", experiment->description);
    for (size_t i = 0; i < experiment->n_labels; i++)
        text_printf(out, "label %s=%s\n", experiment->labels[i]->name, experiment->labels[i]->value);
    if (experiment->baseline)
        text_printf(out, "baseline %s\n", experiment->baseline->run);
    for (size_t i = 0; i < experiment->n_files; i++)
        text_printf(out, "file %s: %s %s\n", experiment->files[i]->name, experiment->files[i]->path, experiment->files[i]->hash);
    for (size_t i = 0; i < experiment->n_tests; i++)
        show_test(out, resolution, i);
}

// ---- the files

static bool check_file(const char *path, bool is_good)
{
    const char *name = strrchr(path, '/') + 1;
    CLEANUP_FREE char *text = read_whole(path);
    CLEANUP_FREE char *expected_path = memory_printf("%.*s.expected", (int)(strlen(path) - strlen(".yaml")), path);
    CLEANUP_FREE char *expected = read_whole(expected_path);
    struct text out = {0};
    struct resolution *resolution = resolution_new(name, text, NULL);
    show(&out, resolution);
    bool is_as_expected = (resolution->experiment != NULL) == is_good;
    if (getenv("PANTHER_UPDATE_EXPECTED"))
        write_whole(expected_path, text_string(&out));
    else
        is_as_expected = is_as_expected && expected && strcmp(expected, text_string(&out)) == 0;
    if (!is_as_expected)
        print_error("%s:\n--- expected\n%s--- found\n%s", path, expected ? expected : "(no file)\n", text_string(&out));
    text_free(&out);
    resolution_free(&resolution);
    return is_as_expected;
}

static void check_folder(const char *pattern, size_t at_least, bool is_good)
{
    glob_t found;
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= at_least);
    size_t wrong = 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        wrong += !check_file(found.gl_pathv[i], is_good);
    globfree(&found);
    assert_int_equal(wrong, 0);
}

static void good_files_mean_these_cells(void **state)
{
    (void)state;
    check_folder(FOLDER "good/*.yaml", FILES_AT_LEAST_GOOD, true);
}

static void bad_files_are_told_all_their_mistakes(void **state)
{
    (void)state;
    check_folder(FOLDER "bad/*.yaml", FILES_AT_LEAST_BAD, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_mean_these_cells),
        cmocka_unit_test(bad_files_are_told_all_their_mistakes),
    };
    return cmocka_run_group_tests_name("experiment files", tests, NULL, NULL);
}
