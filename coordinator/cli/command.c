// The table of subcommands and what is printed without one.
#include "coordinator/cli/command.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/cli/client.h"

const struct command commands[] = {
    {"serve", "run the coordinator", cli_serve},
    {"keys", "make, list and revoke keys; let a new host in", cli_keys},
    {"submit", "submit an experiment, and wait for its verdicts", cli_submit},
    {"check", "check an experiment, offline", cli_check},
    {"runs", "list runs", cli_runs},
    {"watch", "watch a run, live", cli_watch},
    {"results", "verdicts, cases, metrics and assertions of a run", cli_results},
    {"logs", "what services printed", cli_logs},
    {"events", "the journal, line by line", cli_events},
    {"artifacts", "files that services left", cli_artifacts},
    {"agents", "list agents", cli_agents},
    {"plugins", "list plugins, or show one", cli_plugins},
    {"status", "the coordinator's own state", cli_status},
    {"cancel", "stop a run", cli_cancel},
    {"backup", "copy the live store", cli_backup},
    {NULL, NULL, NULL},
};

static void print_commands(FILE *out)
{
    fputs("Usage: panther-coord [--key FILE] COMMAND [OPTION...]\n\nCommands:\n", out);
    for (const struct command *command = commands; command->name; command++) {
        fprintf(out, "  %-12s %s\n", command->name, command->summary);
    }
    fputs("\n`panther-coord COMMAND --help` explains a command.\n", out);
}

// `--key FILE` and `--coordinator ENDPOINT` may stand before the command, for shell aliases.
static int take_leading_options(int argc, char **argv)
{
    int at = 1;
    for (; at + 1 < argc; at += 2) {
        if (strcmp(argv[at], "--key") == 0 || strcmp(argv[at], "-k") == 0) {
            client_key_from_main = argv[at + 1];
        } else if (strcmp(argv[at], "--coordinator") == 0) {
            client_coordinator_from_main = argv[at + 1];
        } else {
            break;
        }
    }
    return at;
}

int command_main(int argc, char **argv)
{
    int at = take_leading_options(argc, argv);
    argp_err_exit_status = EXIT_USAGE;
    if (at >= argc) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
        print_commands(stdout);
        return EXIT_PASS;
    }
    if (strcmp(argv[at], "--version") == 0) {
        puts("panther-coord " PANTHER_VERSION);
        return EXIT_PASS;
    }
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, argv[at]) == 0) {
            char name[64];
            snprintf(name, sizeof name, "panther-coord %s", command->name);
            argv[at] = name;
            return command->run(argc - at, argv + at);
        }
    }
    fprintf(stderr, "panther-coord: there is no command \"%s\"; `panther-coord --help` lists them\n", argv[at]);
    return EXIT_USAGE;
}
