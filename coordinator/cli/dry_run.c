// See dry_run.h. Which command a service runs is its plugin's to say, so each host is asked, once for each plugin and its options.
#include "coordinator/cli/dry_run.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/base/message.h"

#define COMMANDS_SHOWN_MAX 40 // what a person reads

struct dry_run {
    struct client *client;
    struct arena *arena;
    struct map *said; // "host: plugin options" -> what it runs
    size_t left_out;
};

static char *describe_services(struct arena *arena, const Pb__PlannedCell *cell)
{
    struct text text = {0};
    for (size_t i = 0; i < cell->n_services; i++) {
        const Pb__PlannedService *service = cell->services[i];
        text_printf(&text, "%s%s=%s%s%s", i ? "  " : "", service->service, service->plugin, *service->host ? "@" : "", service->host);
        for (size_t c = 0; c < service->n_cases && c < 8; c++) {
            text_printf(&text, "%s%s", c ? "," : ":", service->cases[c]);
        }
    }
    char *described = arena_string(arena, text_string(&text));
    text_free(&text);
    return described;
}

// ---- commands

static const char *ask(struct dry_run *run, const Pb__PlannedService *service)
{
    Pb__PlanCommands plan = PB__PLAN_COMMANDS__INIT;
    plan.agent = service->host;
    plan.plugin = service->plugin;
    plan.n_options = service->n_options;
    plan.options = service->options;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_PLAN_COMMANDS;
    request.plan_commands = &plan;
    Pb__Reply *reply;
    if (client_call(run->client, &request, &reply) != 0 || reply->body_case != PB__REPLY__BODY_COMMANDS_PLANNED) {
        return "(not known: the coordinator did not answer)";
    }
    const Pb__CommandsPlanned *planned = reply->commands_planned;
    if (!planned->answered) {
        return "(not known: its host did not answer)";
    }
    return *planned->problem ? arena_printf(run->arena, "(not known: %s)", planned->problem) : arena_string(run->arena, planned->text);
}

static const char *heading(struct dry_run *run, const Pb__PlannedService *service)
{
    struct text text = {0};
    text_printf(&text, "%s: %s", service->host, service->plugin);
    if (*service->sent_program) {
        text_printf(&text, " program=%s", service->sent_program);
    }
    for (size_t i = 0; i < service->n_options; i++) {
        text_printf(&text, " %s", service->options[i]);
    }
    const char *words = arena_string(run->arena, text_string(&text));
    text_free(&text);
    return words;
}

static void append_lines(struct text *text, const char *before, const char *lines)
{
    while (*lines) {
        size_t length = strcspn(lines, "\n");
        text_printf(text, "%s%.*s\n", before, (int)length, lines);
        lines += length + (lines[length] == '\n');
    }
}

// NULL: not asked, there are too many. *is_new: nobody of this dry run has seen it.
static const char *commands_of(struct dry_run *run, const Pb__PlannedService *service, bool *is_new)
{
    const char *key = heading(run, service), *known = map_get_text(run->said, key);
    *is_new = !known;
    if (!known && map_count(run->said) < COMMANDS_SHOWN_MAX) {
        known = ask(run, service);
        map_put_text(run->said, key, (void *)(uintptr_t)known);
    } else if (!known) {
        run->left_out++;
    }
    return known;
}

// For people: each once, behind the table. For scripts: of each cell, its own.
static const char *describe_commands(struct dry_run *run, const Pb__PlannedCell *cell, struct text *once)
{
    struct text own = {0};
    for (size_t i = 0; i < cell->n_services; i++) {
        const Pb__PlannedService *service = cell->services[i];
        bool is_new;
        const char *lines = *service->path ? commands_of(run, service, &is_new) : NULL;
        if (!lines) {
            continue;
        }
        CLEANUP_FREE char *before = memory_printf("%s: ", service->service);
        append_lines(&own, before, lines);
        if (is_new) {
            text_printf(once, "  %s\n", heading(run, service));
            append_lines(once, "      ", lines);
        }
    }
    const char *described = arena_string(run->arena, text_string(&own));
    text_free(&own);
    return described;
}

// ---- all of it

static void print(struct dry_run *run, const Pb__Submitted *submitted)
{
    static const char *const columns[] = {"name", "services", "problem", "commands"};
    static const char *const shown[] = {"name", "services", "problem", NULL};
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    struct text once = {0};
    for (size_t i = 0; i < submitted->n_plan; i++) {
        const Pb__PlannedCell *cell = submitted->plan[i];
        const char *values[] = {cell->name, describe_services(run->arena, cell), cell->problem, describe_commands(run, cell, &once)};
        table_add(table, values);
    }
    table_show(table, shown);
    table_print(table, run->client->format, stdout, run->client->colour);
    table_free(&table);
    if (run->client->format == REPORT_TABLE) {
        if (once.length) {
            printf("commands (WORDS and $(...) stand for what is known at run time):\n%s", text_string(&once));
        }
        if (run->left_out) {
            puts("  and more");
        }
        printf("%llu cells%s, at most %.6g host-minutes; nothing was submitted (--dry-run)\n", (unsigned long long)submitted->cells,
               submitted->plan_truncated ? ", the first of which are shown" : "", (double)submitted->host_ms_at_most / 60000);
    }
    text_free(&once);
}

int dry_run_print(struct client *client, const Pb__Submitted *submitted)
{
    struct dry_run run = {.client = client, .arena = arena_new(0), .said = map_new()};
    print(&run, MESSAGE_COPY(submitted, run.arena)); // the reply it came with goes with the next call
    map_free(&run.said);
    arena_free(&run.arena);
    return EXIT_PASS;
}
