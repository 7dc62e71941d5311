// panther-coord watch [RUN]: a live table of a run: progress, trials that are alive with their instances and cases, last verdicts.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/units.h"
#include "common/system/loop.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/follow.h"

#define REFRESH_MS 300
#define AWAY_MS 1000
#define LINES_DEFAULT 24
#define PROGRESS_WIDTH 40
#define COLUMNS_DEFAULT 100

static void terminal_size(size_t *lines, size_t *columns)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col;
    *lines = known ? size.ws_row : LINES_DEFAULT;
    *columns = known ? size.ws_col : COLUMNS_DEFAULT;
}

static bool is_live(const struct table *table, size_t row)
{
    const char *state = table_value(table, row, "state");
    return state && strcmp(state, "ended") != 0;
}

// What has ended says how long it took; what is alive, how long it has been so far.
static const char *elapsed(const struct table *from, size_t row, char *text, size_t bytes)
{
    const char *started = table_value(from, row, "started_wall_ns");
    int64_t started_ns;
    if (!is_live(from, row) || !started || !integer_parse(started, &started_ns) || started_ns <= 0) {
        return table_value(from, row, "duration_ms");
    }
    int64_t since_ns = clock_wall_ns() - started_ns;
    snprintf(text, bytes, "%lld", (long long)(since_ns > 0 ? since_ns / 1000000 : 0));
    return text;
}

// The rows of `from` that are wanted, newest last, as a table of the shown columns.
static struct table *pick(const struct table *from, const char *const *columns, bool live, size_t most)
{
    size_t count = 0;
    while (columns[count]) {
        count++;
    }
    struct table *picked = table_new(columns, count);
    size_t wanted = 0, rows = table_count(from);
    for (size_t row = 0; row < rows; row++) {
        wanted += is_live(from, row) == live;
    }
    size_t skip = wanted > most ? wanted - most : 0;
    for (size_t row = 0; row < rows; row++) {
        if (is_live(from, row) != live || (skip && skip--)) {
            continue;
        }
        const char *values[16];
        char text[32];
        for (size_t c = 0; c < count; c++) {
            values[c] = strcmp(columns[c], "elapsed_ms") == 0 ? elapsed(from, row, text, sizeof text) : table_value(from, row, columns[c]);
        }
        table_add(picked, values);
    }
    return picked;
}

static void append_table(struct text *screen, const char *title, struct table *table, bool colour, size_t columns)
{
    if (table_count(table)) {
        text_printf(screen, "\n%s\n", title);
        table_render(table, screen, colour, columns);
    }
    table_free(&table);
}

static void append_progress(struct text *screen, const struct table *runs)
{
    uint64_t cells = 0, done = 0;
    unsigned_parse(table_value(runs, 0, "cells_count"), &cells);
    unsigned_parse(table_value(runs, 0, "done_count"), &done);
    unsigned filled = cells ? (unsigned)(done * PROGRESS_WIDTH / cells) : 0;
    text_append(screen, "\n[");
    for (unsigned i = 0; i < PROGRESS_WIDTH; i++) {
        text_append(screen, i < filled ? "#" : ".");
    }
    text_printf(screen, "] %llu of %llu cells\n", (unsigned long long)done, (unsigned long long)cells);
}

// 0, or the exit status of a question that was not answered.
static int ask(struct client *client, const char *scope, struct table **runs, struct table **trials, struct table **cells)
{
    uint64_t cursors[3] = {0};
    int status = client_query(client, PB__TABLE__TABLE_RUNS, scope, runs, &cursors[0], false);
    status = status ? status : client_query(client, PB__TABLE__TABLE_TRIALS, scope, trials, &cursors[1], false);
    return status ? status : client_query(client, PB__TABLE__TABLE_CELLS, scope, cells, &cursors[2], false);
}

// -1: the run goes on; EXIT_PASS: it has ended; another exit status: it could not be asked for.
static int compose(struct client *client, const char *scope, struct text *screen)
{
    static const char *const run_columns[] = {"name",       "experiment", "state",        "verdict",     "done_count", "cells_count",
                                              "pass_count", "fail_count", "inconc_count", "error_count", "elapsed_ms", NULL};
    static const char *const trial_columns[] = {"name", "state", "hosts", "done_count", "cases_count", "elapsed_ms", NULL};
    static const char *const cell_columns[] = {"name", "verdict", "reason", "duration_ms", "text", NULL};
    struct table *runs = NULL, *trials = NULL, *cells = NULL;
    size_t lines, columns;
    terminal_size(&lines, &columns);
    int result = ask(client, scope, &runs, &trials, &cells);
    if (!result && table_count(runs)) {
        result = is_live(runs, 0) ? -1 : EXIT_PASS;
        struct table *run = pick(runs, run_columns, result == -1, 1);
        table_render(run, screen, client->colour, columns);
        table_free(&run);
        append_progress(screen, runs);
        size_t room = lines > 12 ? (lines - 10) / 2 : 2;
        append_table(screen, "Trials alive", pick(trials, trial_columns, true, room), client->colour, columns);
        append_table(screen, "Last verdicts", pick(cells, cell_columns, false, room), client->colour, columns);
    }
    table_free(&runs);
    table_free(&trials);
    table_free(&cells);
    return result;
}

// Over what was there, line by line: clearing the screen first would flicker.
static void draw(const char *screen)
{
    fputs("\033[H", stdout);
    for (const char *newline; (newline = strchr(screen, '\n')); screen = newline + 1) {
        printf("%.*s\033[K\n", (int)(newline - screen), screen);
    }
    fputs("\033[J", stdout);
}

static int watch_screen(struct client *client, const char *scope)
{
    bool is_terminal = isatty(STDOUT_FILENO);
    if (is_terminal) {
        fputs("\033[H\033[2J", stdout);
    }
    for (;;) {
        struct text screen = {0};
        int state = compose(client, scope, &screen);
        if (is_terminal && screen.length) {
            draw(text_string(&screen));
        } else {
            fputs(text_string(&screen), stdout);
        }
        fflush(stdout);
        text_free(&screen);
        bool is_away = state == EXIT_UNREACHABLE && is_terminal; // it is waited for
        if (!is_away && (state >= 0 || !is_terminal)) {
            return state == -1 ? EXIT_PASS : state;
        }
        if (is_away) {
            client_disconnect(client);
            wait_ms(AWAY_MS);
        }
        wait_ms(REFRESH_MS);
    }
}

// For a program: the run's row whenever it has changed.
static int watch_rows(struct client *client, const char *scope)
{
    uint64_t cursor = 0;
    bool live = true;
    int status;
    do {
        struct table *runs = NULL;
        status = client_query(client, PB__TABLE__TABLE_RUNS, scope, &runs, &cursor, true);
        for (size_t row = 0; !status && row < table_count(runs); row++) {
            table_print_row(runs, row, stdout);
            live = is_live(runs, row);
        }
        fflush(stdout);
        table_free(&runs);
    } while (!status && live && wait_while_read_ms(REFRESH_MS));
    return status;
}

int cli_watch(int argc, char **argv)
{
    struct simple_arguments arguments = {.argument_name = "RUN"};
    simple_parse(argc, argv, "[RUN]",
                 "Shows a run (default @last) live until it has ended or Ctrl-C; in a pipe: once.\vWith -o json or jsonl: the run as an "
                 "object on a line, whenever it has changed, until it has ended.",
                 &arguments);
    struct client *client = &arguments.client;
    const char *scope = arguments.argument ? arguments.argument : "@last";
    int status = client->format == REPORT_TABLE ? watch_screen(client, scope) : watch_rows(client, scope);
    client_close(client);
    return status;
}
