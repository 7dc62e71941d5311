// panther-plugin check PLUGIN: does it keep the contract of a plugin? One line for each clause, with the real guard and host.
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "common/system/loop.h"
#include "common/system/process.h"
#include "services/sdk/author/check_report.h"

struct arguments {
    struct contract contract;
    const char *plugin;
    const char *clauses[CONTRACT_LIST_MAX];
    size_t clause_count;
    void (*print)(const struct check_report *report);
    bool list;
};

static bool is_wanted(const struct arguments *arguments, const char *clause)
{
    for (size_t i = 0; i < arguments->clause_count; i++)
        if (strcmp(arguments->clauses[i], clause) == 0)
            return true;
    return arguments->clause_count == 0;
}

static const struct clause *clause_named(const char *name)
{
    for (size_t i = 0; i < contract_clause_count; i++)
        if (strcmp(contract_clauses[i].name, name) == 0)
            return &contract_clauses[i];
    return NULL;
}

// ---- what an instance is given

static const Pb__ProtocolDescription *protocol_named(const Pb__PluginDescription *description, const char *name)
{
    for (size_t i = 0; name && i < description->n_protocols; i++)
        if (strcmp(description->protocols[i]->name, name) == 0)
            return description->protocols[i];
    return !name && description->n_protocols ? description->protocols[0] : NULL;
}

// A server when it can be one: more can be seen of it.
static const char *role_of(const Pb__ProtocolDescription *protocol)
{
    for (size_t i = 0; i < protocol->n_roles; i++)
        if (strcmp(protocol->roles[i], "server") == 0)
            return protocol->roles[i];
    return protocol->n_roles ? protocol->roles[0] : "";
}

static void settle(struct contract *contract)
{
    const Pb__PluginDescription *description = contract->description;
    const Pb__ProtocolDescription *protocol = protocol_named(description, contract->protocol);
    contract->protocol = contract->protocol ? contract->protocol : protocol ? protocol->name : "none";
    contract->version = contract->version ? contract->version : protocol && protocol->n_versions ? protocol->versions[0] : "";
    contract->role = contract->role ? contract->role : protocol ? role_of(protocol) : "";
    if (!contract->case_name && description->n_cases)
        contract->case_name = description->cases[0]->name;
}

// ---- one clause after the other

static const struct judgement *judgement_of(const struct check_report *report, const char *clause)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->clauses[i]->name, clause) == 0)
            return &report->judgements[i];
    return NULL;
}

static void judge(struct contract *contract, const struct clause *clause, struct check_report *report)
{
    const struct judgement *before = clause->after ? judgement_of(report, clause->after) : NULL;
    struct judgement *judgement = &report->judgements[report->count];
    const uint64_t begin_ns = clock_boottime_ns();
    if (clause->after && !contract->description)
        judge_skip(judgement, "%s is not judged without \"loads\"", clause->name);
    else if (before && before->state != JUDGED_GOOD)
        judge_skip(judgement, "%s is not judged without \"%s\"", clause->name, clause->after);
    else
        clause->check(contract, judgement);
    judgement->took_ns = clock_boottime_ns() - begin_ns;
    report->clauses[report->count++] = clause;
    report->bad += judgement->state == JUDGED_BAD;
    report->skipped += judgement->state == JUDGED_SKIPPED;
}

// Without a description nothing can be asked.
static void judge_all(struct arguments *arguments, struct check_report *report)
{
    struct contract *contract = &arguments->contract;
    for (size_t i = 0; i < contract_clause_count; i++) {
        const struct clause *clause = &contract_clauses[i];
        bool is_first = strcmp(clause->name, "loads") == 0;
        if (!is_first && !is_wanted(arguments, clause->name))
            continue;
        judge(contract, clause, report);
        if (report->progress)
            report->progress(report, report->count - 1);
        if (is_first && contract->description)
            settle(contract);
    }
    contract_end_peers(contract);
    contract_end_builds(contract);
}

static int check(struct arguments *arguments, const char *path)
{
    static struct check_report report; // its judgements are large
    CLEANUP_FREE char *programs = program_folder();
    const uint64_t begin_ns = clock_boottime_ns();
    setenv("PANTHER_BIN", programs, 0); // the guard and the host beside us, wherever the prefix has been moved to
    arguments->contract.path = report.plugin = path;
    if (arguments->print == check_print_table)
        report.progress = check_print_line;
    judge_all(arguments, &report);
    report.took_ns = clock_boottime_ns() - begin_ns;
    arguments->print(&report);
    return report.bad ? AUTHOR_BAD : AUTHOR_GOOD;
}

static void print_list(void)
{
    for (size_t i = 0; i < contract_clause_count; i++)
        printf("%-14s %s\n", contract_clauses[i].name, contract_clauses[i].summary);
}

// ---- command line

enum { KEY_PROTOCOL = 300, KEY_ROLE, KEY_DRIVE, KEY_CLAUSE, KEY_LIST, KEY_README, KEY_QUICK, KEY_NEED };

static const struct argp_option options[] = {
    {"case", 'c', "CASE", 0, "the case that clauses run (default: the first)", 0},
    {"clause", KEY_CLAUSE, "NAME", 0, "judge this clause only; may be repeated", 0},
    {"drive", KEY_DRIVE, "WORD=PLUGIN[:NAME=VALUE,...]", 0, "what a tester drives (default: the first installed plugin that fits)", 0},
    {"list", KEY_LIST, NULL, 0, "list the clauses", 0},
    {"need", KEY_NEED, "[NAME=]PLUGIN[:NAME=VALUE,...]", 0, "a service that an IUT needs (default: of a client, an installed server)", 0},
    {"option", 's', "NAME=VALUE", 0, "set an option of the plugin; may be repeated", 0},
    {"output", 'o', "FORMAT", 0, "text (default), json or junit", 0},
    {"protocol", KEY_PROTOCOL, "NAME[/VERSION]", 0, "default: the plugin's first", 0},
    {"quick", KEY_QUICK, NULL, 0, "fewer repetitions", 0},
    {"readme", KEY_README, "FILE", 0, "its README (default: beside the plugin, or as installed)", 0},
    {"role", KEY_ROLE, "ROLE", 0, "default: server when it can be one, else its first", 0},
    {0},
};

static void add(struct argp_state *state, const char **list, size_t *count, const char *value, bool is_pair)
{
    if (is_pair && (!strchr(value, '=') || *value == '='))
        argp_error(state, "\"%s\" is not NAME=VALUE", value);
    if (*count == CONTRACT_LIST_MAX)
        argp_error(state, "more than %d of one kind", CONTRACT_LIST_MAX);
    list[(*count)++] = value;
}

static void set_output(struct arguments *arguments, struct argp_state *state, const char *name)
{
    arguments->print = strcmp(name, "text") == 0    ? check_print_table
                       : strcmp(name, "json") == 0  ? check_print_json
                       : strcmp(name, "junit") == 0 ? check_print_junit
                                                    : NULL;
    if (!arguments->print)
        argp_error(state, "-o %s: use text, json or junit", name);
}

static void set_protocol(struct contract *contract, char *text)
{
    char *slash = strchr(text, '/');
    contract->protocol = text;
    if (slash) {
        *slash = '\0';
        contract->version = slash + 1;
    }
}

static void set_plugin(struct arguments *arguments, struct argp_state *state, const char *plugin)
{
    if (arguments->plugin)
        argp_error(state, "one plugin at a time; %s is too many", plugin);
    arguments->plugin = plugin;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct contract *contract = &arguments->contract;
    switch (key) {
    case 'c':
        contract->case_name = argument;
        return 0;
    case 's':
        add(state, contract->options, &contract->option_count, argument, true);
        return 0;
    case 'o':
        set_output(arguments, state, argument);
        return 0;
    case KEY_DRIVE:
        add(state, contract->drives, &contract->drive_count, argument, true);
        return 0;
    case KEY_CLAUSE:
        if (!clause_named(argument))
            argp_error(state, "there is no clause \"%s\"; --list shows them", argument);
        add(state, arguments->clauses, &arguments->clause_count, argument, false);
        return 0;
    case KEY_PROTOCOL:
        set_protocol(contract, argument);
        return 0;
    case KEY_ROLE:
        contract->role = argument;
        return 0;
    case KEY_README:
        contract->readme = argument;
        return 0;
    case KEY_QUICK:
        contract->quick = true;
        return 0;
    case KEY_NEED:
        add(state, contract->needs, &contract->need_count, argument, false);
        return 0;
    case KEY_LIST:
        arguments->list = true;
        return 0;
    case ARGP_KEY_ARG:
        set_plugin(arguments, state, argument);
        return 0;
    case ARGP_KEY_END:
        if (!arguments->plugin && !arguments->list)
            argp_error(state, "PLUGIN is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int author_check(int argc, char **argv)
{
    static const struct argp argp = {options,
                                     parse,
                                     "PLUGIN",
                                     "Judges a plugin by the contract, clause by clause, with the real guard and host: what it says about "
                                     "itself, its life from initialize to cleanup, what it leaves behind, what it says of faults. A tester "
                                     "gets the services that it drives beside it.\vA clause that could not be judged is told, with the "
                                     "reason, and counted. Exit status: 0 no clause is broken, 1 one is, 2 wrong usage.",
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments arguments = {.print = check_print_table};
    struct panther_error error = {0};
    int status = AUTHOR_BAD;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (arguments.list) {
        print_list();
        return AUTHOR_GOOD;
    }
    arguments.contract.arena = arena_new(0);
    const char *path = author_find(arguments.plugin, arguments.contract.arena, &error);
    if (path)
        status = check(&arguments, path);
    else
        fprintf(stderr, "panther-plugin: %s\n", error.message);
    arena_free(&arguments.contract.arena);
    return status;
}
