#include "coordinator/cli/follow.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/units.h"
#include "common/base/verdict.h"
#include "common/system/loop.h"

#define POLL_MS 200
// A coordinator that is being restarted or upgraded is waited for; the run goes on without it.
#define AWAY_MAX_MS 300000
#define AWAY_POLL_MS 1000
#define NS_PER_MS UINT64_C(1000000)
// A run of which nothing runs: looked at so often, from so long after its begin on.
#define WAITING_EVERY_MS 3000
#define TEXT_SHOWN_BYTES 512 // of a cell, in its line; `results` has all of it

struct follow {
    struct client *client;
    const char *run;
    const struct follow_options *options;
    uint64_t cursor; // of cells, by change
    uint64_t away_since_ns;
    uint64_t looked_ns; // when it was asked last why nothing runs
    char *waits_for;    // what was told last
    bool drawn;
};

void wait_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000L}, NULL);
}

bool wait_while_read_ms(unsigned ms)
{
    struct pollfd output = {.fd = STDOUT_FILENO};
    bool is_closed = poll(&output, 1, 0) > 0 && (output.revents & POLLNVAL);
    output.fd = is_closed ? -1 : STDOUT_FILENO; // `>&-`: nobody was ever meant to read
    return poll(&output, 1, (int)ms) <= 0;
}

static void erase(struct follow *follow)
{
    if (follow->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        follow->drawn = false;
    }
}

static unsigned long long number(const struct table *table, const char *column)
{
    const char *value = table_value(table, 0, column);
    return value ? strtoull(value, NULL, 10) : 0;
}

static void draw(struct follow *follow, const struct table *run, uint64_t started_ns)
{
    char elapsed[32];
    duration_format_ms((clock_boottime_ns() - started_ns) / NS_PER_MS, elapsed, sizeof elapsed);
    unsigned long long cells = number(run, "cells_count"), done = number(run, "done_count");
    unsigned width = 24, filled = cells ? (unsigned)(done * width / cells) : 0;
    char bar[32];
    for (unsigned i = 0; i < width; i++) {
        bar[i] = i < filled ? '#' : '.';
    }
    bar[width] = 0;
    fprintf(stderr, "\r\033[K%s [%s] %llu/%llu cells  pass %llu  fail %llu  inconc %llu  error %llu  %s", follow->run, bar, done, cells,
            number(run, "pass_count"), number(run, "fail_count"), number(run, "inconc_count"), number(run, "error_count"), elapsed);
    fflush(stderr);
    follow->drawn = true;
}

static void print_cell(const struct follow *follow, const struct table *cells, size_t row)
{
    const char *verdict = table_value(cells, row, "verdict"), *reason = table_value(cells, row, "reason");
    const char *text = table_value(cells, row, "text"), *colour = follow->client->colour ? report_colour(verdict) : "";
    if (follow->client->format != REPORT_TABLE) {
        table_print_row(cells, row, stdout);
        return;
    }
    char duration[32], line[TEXT_SHOWN_BYTES];
    report_value("duration_ms", table_value(cells, row, "duration_ms"), duration, sizeof duration);
    report_value("text", text, line, sizeof line);
    printf("%s%-6s%s  %-32s  %7s%s%s%s%s%s\n", colour, verdict, *colour ? REPORT_COLOUR_END : "", table_value(cells, row, "name"), duration,
           *reason ? "  (" : "", reason, *reason ? ")" : "", *text ? "  " : "", line);
}

static void welcome_back(struct follow *follow)
{
    if (follow->away_since_ns) {
        fputs("panther-coord: it is back\n", stderr);
        follow->away_since_ns = 0;
        follow->client->waits = false;
    }
}

static int print_ended_cells(struct follow *follow)
{
    struct table *cells = NULL;
    int status = client_query(follow->client, PB__TABLE__TABLE_CELLS, follow->run, &cells, &follow->cursor, true);
    if (!status) {
        welcome_back(follow);
    }
    for (size_t row = 0; !status && row < table_count(cells); row++) {
        const char *state = table_value(cells, row, "state");
        if (state && strcmp(state, "ended") == 0) {
            erase(follow);
            print_cell(follow, cells, row);
        }
    }
    fflush(stdout);
    table_free(&cells);
    return status;
}

// NULL: not answered; the next round meets a coordinator that is away.
static const Pb__Status *status_of(struct follow *follow)
{
    Pb__GetStatus get = PB__GET_STATUS__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    Pb__Reply *reply;
    get.run = (char *)(uintptr_t)follow->run;
    request.body_case = PB__REQUEST__BODY_GET_STATUS;
    request.get_status = &get;
    bool is_answered = client_call(follow->client, &request, &reply) == 0 && reply->body_case == PB__REPLY__BODY_STATUS;
    return is_answered ? reply->status : NULL;
}

// Of a run of which nothing runs: what its first cell waits for, once each time that it changes.
static void tell_waiting(struct follow *follow)
{
    uint64_t now = clock_boottime_ns();
    if (follow->options->quiet || now - follow->looked_ns < WAITING_EVERY_MS * NS_PER_MS)
        return;
    follow->looked_ns = now;
    const Pb__Status *status = status_of(follow);
    const Pb__RunStatus *run = status ? status->run : NULL;
    if (!run || run->trials_live > 0 || run->n_waiting == 0)
        return;
    const Pb__WaitingCell *first = run->waiting[0];
    if (follow->waits_for && strcmp(follow->waits_for, first->why) == 0)
        return;
    erase(follow);
    fprintf(stderr, "panther-coord: nothing of %s runs: %s waits: %s", follow->run, first->name, first->why);
    unsigned long long others = run->n_waiting - 1 + run->left_out;
    fprintf(stderr, others ? "; %llu more cells wait (`panther-coord status %s`)\n" : "\n", others, follow->run);
    free(follow->waits_for);
    follow->waits_for = memory_string(first->why);
}

// The last line: what the run came to.
static void print_verdict(const struct follow *follow, const struct table *run)
{
    if (follow->client->format != REPORT_TABLE) {
        table_print_row(run, 0, stdout);
        return;
    }
    const char *verdict = table_value(run, 0, "verdict"), *colour = follow->client->colour ? report_colour(verdict) : "";
    char duration[32];
    report_value("duration_ms", table_value(run, 0, "duration_ms"), duration, sizeof duration);
    char none[32] = "";
    if (number(run, "none_count")) {
        snprintf(none, sizeof none, ", %llu none", number(run, "none_count"));
    }
    printf("%s%s%s: %llu cells, %llu pass, %llu fail, %llu inconc, %llu error%s, in %s\n", colour, verdict,
           *colour ? REPORT_COLOUR_END : "", number(run, "cells_count"), number(run, "pass_count"), number(run, "fail_count"),
           number(run, "inconc_count"), number(run, "error_count"), none, duration);
    const char *gate = table_value(run, 0, "gate"), *text = table_value(run, 0, "gate_text"), *baseline = table_value(run, 0, "baseline");
    if (gate && *gate) {
        colour = follow->client->colour ? report_colour(gate) : "";
        printf("gates: %s%s%s%s%s%s%s\n", colour, gate, *colour ? REPORT_COLOUR_END : "", *baseline ? " against " : "", baseline,
               *text ? ": " : "", text);
    }
}

// A status of the whole run from its counts: a fail says more than an error, as EXIT_FAIL says more than EXIT_INCONC. With gates theirs: it
// holds what is not known of the cells' verdicts.
static int exit_status_of(const struct table *run)
{
    const char *gate = table_value(run, 0, "gate");
    if (gate && *gate) {
        bool is_fine = strcmp(gate, "pass") == 0 || strcmp(gate, "none") == 0;
        return is_fine ? EXIT_PASS : strcmp(gate, "fail") == 0 ? EXIT_FAIL : EXIT_INCONC;
    }
    if (number(run, "fail_count")) {
        return EXIT_FAIL;
    }
    return number(run, "inconc_count") || number(run, "error_count") ? EXIT_INCONC : EXIT_PASS;
}

// ---- what is held

// A trial is held with its verdict, so a run of which only such trials are left has all of its verdicts.
static bool all_is_held(const Pb__Status *status)
{
    const Pb__RunStatus *run = status->run;
    return status->n_held && !run->ended && !run->cancelled && run->cells - run->cells_ended == status->n_held + status->held_left_out;
}

static void print_held(const struct follow *follow, const Pb__Status *status)
{
    const char *first = status->held[0]->name;
    for (size_t i = 0; i < status->n_held; i++) {
        char left[32];
        duration_format_ms(status->held[i]->left_ms, left, sizeof left);
        fprintf(stderr, "held: %s (%s) for %s\n", status->held[i]->name, verdict_name((int)status->held[i]->outcome->verdict), left);
    }
    if (status->held_left_out) {
        fprintf(stderr, "held: and %llu more\n", (unsigned long long)status->held_left_out);
    }
    fprintf(stderr, "go inside: panther-coord shell %s/SERVICE; end it: panther-coord release %s, or of all: release %s\n", first, first,
            follow->run);
}

static int worse(int exit_status, int verdict)
{
    return exit_status == EXIT_FAIL || verdict == VERDICT_FAIL ? EXIT_FAIL : verdict > VERDICT_FAIL ? EXIT_INCONC : exit_status;
}

static void print_so_far(const struct follow *follow, const struct table *run, const Pb__Status *status)
{
    if (follow->options->quiet) {
        return;
    }
    if (follow->client->format != REPORT_TABLE) {
        table_print_row(run, 0, stdout);
    } else {
        printf("%llu cells: %llu pass, %llu fail, %llu inconc, %llu error have ended; the others have their verdict and are held\n",
               number(run, "cells_count"), number(run, "pass_count"), number(run, "fail_count"), number(run, "inconc_count"),
               number(run, "error_count"));
    }
    fflush(stdout);
    print_held(follow, status);
}

// -1: go on. `run` was asked before: where a cell has ended since, the next round counts it.
static int poll_holds(struct follow *follow, const struct table *run)
{
    const Pb__Status *now = status_of(follow);
    if (!now || !all_is_held(now) || number(run, "done_count") != now->run->cells_ended) {
        return -1;
    }
    erase(follow);
    print_so_far(follow, run, now);
    int result = now->held_left_out ? worse(exit_status_of(run), VERDICT_INCONC) : exit_status_of(run);
    for (size_t i = 0; i < now->n_held; i++) {
        result = worse(result, (int)now->held[i]->outcome->verdict);
    }
    return result;
}

// -1: go on
static int poll_run(struct follow *follow, uint64_t started_ns)
{
    struct table *run = NULL;
    uint64_t cursor = 0;
    int status = follow->options->cells ? print_ended_cells(follow) : 0;
    if (!status) {
        status = client_query(follow->client, PB__TABLE__TABLE_RUNS, follow->run, &run, &cursor, false);
    }
    if (status) {
        table_free(&run);
        return status;
    }
    welcome_back(follow);
    int result = -1;
    const char *state = table_count(run) ? table_value(run, 0, "state") : "";
    if (strcmp(state, "ended") == 0) {
        result = follow->options->cells ? print_ended_cells(follow) : 0;
        erase(follow);
        if (!result && !follow->options->quiet) {
            print_verdict(follow, run);
        }
        if (!result) {
            result = exit_status_of(run);
        }
    } else {
        tell_waiting(follow);
        result = follow->options->holds ? poll_holds(follow, run) : -1;
        if (result < 0 && follow->options->progress && isatty(STDERR_FILENO)) {
            draw(follow, run, started_ns);
        }
    }
    table_free(&run);
    return result;
}

static bool wait_for_coordinator(struct follow *follow)
{
    uint64_t now = clock_boottime_ns();
    erase(follow);
    if (!follow->away_since_ns) {
        follow->away_since_ns = now;
        fputs("panther-coord: waiting for the coordinator to come back; the run goes on\n", stderr);
        follow->client->waits = true;
    }
    client_disconnect(follow->client);
    wait_ms(AWAY_POLL_MS);
    return now - follow->away_since_ns < AWAY_MAX_MS * NS_PER_MS;
}

int follow_run(struct client *client, const char *run, const struct follow_options *options)
{
    uint64_t started_ns = clock_boottime_ns();
    struct follow follow = {.client = client, .run = run, .options = options, .looked_ns = started_ns};
    int status;
    while ((status = poll_run(&follow, started_ns)) < 0 || status == EXIT_UNREACHABLE) {
        if (status == EXIT_UNREACHABLE && !wait_for_coordinator(&follow)) {
            break;
        }
        if (status < 0) {
            wait_ms(POLL_MS);
        }
    }
    free(follow.waits_for);
    return status;
}
