// The table of subcommands and what is printed without one.
#include "coordinator/cli/command.h"

#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/schema/diagnostics.h"
#include "coordinator/cli/client.h"

#define COMMANDS_MAX 64 // eight times as many as anybody remembers

const struct command commands[] = {
    {"serve", "run the coordinator", cli_serve},
    {"keys", "make, list and revoke keys; let a new host in", cli_keys},
    {"submit", "submit an experiment, and wait for its verdicts", cli_submit},
    {"rerun", "a run, its failed cells, a trial or a bundle again", cli_rerun},
    {"check", "check an experiment, offline", cli_check},
    {"import", "an experiment of PANTHER (Python) in this language", cli_import},
    {"schema", "the experiment language as a JSON Schema, for editors", cli_schema},
    {"runs", "list runs", cli_runs},
    {"note", "write a note to a run or trial", cli_note},
    {"tag", "tag a run, to find it by", cli_tag},
    {"pin", "keep all evidence of a run", cli_pin},
    {"unpin", "let retention apply to a run again", cli_unpin},
    {"retention", "what the rules of retention would take away", cli_retention},
    {"watch", "watch a run, live", cli_watch},
    {"results", "verdicts, cases, metrics and assertions of a run", cli_results},
    {"report", "a run as a document: JUnit, TAP, CSV, Markdown, HTML", cli_report},
    {"explain", "why a cell came to its verdict", cli_explain},
    {"timeline", "what happened in a trial on all hosts, on one axis", cli_timeline},
    {"compare", "what is different between two runs", cli_compare},
    {"history", "how a test or a case went over the last runs", cli_history},
    {"findings", "what testers discovered in a run, each once", cli_findings},
    {"logs", "what services printed", cli_logs},
    {"events", "the journal, line by line", cli_events},
    {"capture", "what a trial captures, also while it runs", cli_capture},
    {"shell", "inside of a service, while its trial runs or is held", cli_shell},
    {"artifacts", "files that services left", cli_artifacts},
    {"bundle", "everything of a trial as one file", cli_bundle},
    {"open", "read a bundle, without a coordinator", cli_open},
    {"agents", "list agents", cli_agents},
    {"drain", "place nothing more on an agent", cli_drain},
    {"resume", "let a drained agent take trials again", cli_resume},
    {"ps", "what lives on the hosts, and whether it should", cli_ps},
    {"plugins", "list plugins, show one, push one to agents", cli_plugins},
    {"status", "the coordinator's own state", cli_status},
    {"cancel", "stop a run", cli_cancel},
    {"release", "end the hold of a trial", cli_release},
    {"backup", "copy the live store", cli_backup},
    {"audit", "prove from the store alone what a run claims", cli_audit},
    {NULL, NULL, NULL},
};

static void print_commands(FILE *out)
{
    fputs("Usage: panther-coord [--key FILE] [--coordinator ENDPOINT] COMMAND [OPTION...]\n\nCommands:\n", out);
    for (const struct command *command = commands; command->name; command++) {
        fprintf(out, "  %-12s %s\n", command->name, command->summary);
    }
    fputs("\n`panther-coord COMMAND --help` explains a command; `panther-coord --version` tells the version.\n", out);
}

// The value of an option that stands before the command, as `--name VALUE` or `--name=VALUE`; *at moves behind it. NULL: another word.
static const char *leading_option(int argc, char **argv, int *at, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(argv[*at], name, length) != 0 || (argv[*at][length] && argv[*at][length] != '=')) {
        return NULL;
    }
    if (argv[*at][length]) {
        return argv[(*at)++] + length + 1;
    }
    if (*at + 1 >= argc) {
        fprintf(stderr, "panther-coord: %s needs a value\n", name);
        exit(EXIT_USAGE);
    }
    *at += 2;
    return argv[*at - 1];
}

// The key file and the coordinator may stand before the command, for shell aliases.
static int take_leading_options(int argc, char **argv)
{
    int at = 1;
    while (at < argc) {
        const char *key = NULL, *coordinator = NULL;
        if ((key = leading_option(argc, argv, &at, "--key")) || (key = leading_option(argc, argv, &at, "--key-file")) ||
            (key = leading_option(argc, argv, &at, "-k"))) {
            client_key_from_main = key;
        } else if ((coordinator = leading_option(argc, argv, &at, "--coordinator"))) {
            client_coordinator_from_main = coordinator;
        } else {
            break;
        }
    }
    return at;
}

static int unknown_command(const char *word)
{
    const char *names[COMMANDS_MAX];
    size_t count = 0;
    while (commands[count].name && count < COMMANDS_MAX) {
        names[count] = commands[count].name;
        count++;
    }
    const char *nearest = suggest(word, names, count);
    if (*word == '-') {
        fprintf(stderr, "panther-coord: there is no option \"%s\" before the command; `panther-coord --help` shows the form\n", word);
    } else if (nearest) {
        fprintf(stderr, "panther-coord: there is no command \"%s\"; did you mean \"%s\"?\n", word, nearest);
    } else {
        fprintf(stderr, "panther-coord: there is no command \"%s\"; `panther-coord --help` lists them\n", word);
    }
    return EXIT_USAGE;
}

// What was printed must have arrived: a full disk behind `results > file` is not a success.
static int finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return status;
    }
    fprintf(stderr, "panther-coord: the output could not be written: %s\n", strerror(errno));
    return status ? status : EXIT_FAIL;
}

static int run_command(int argc, char **argv)
{
    static char help[] = "--help";
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, argv[0]) == 0) {
            char name[64];
            snprintf(name, sizeof name, "panther-coord %s", command->name);
            argv[0] = name;
            if (argc == 2 && strcmp(argv[1], "-h") == 0) {
                argv[1] = help;
            }
            return finish_output(command->run(argc, argv));
        }
    }
    return unknown_command(argv[0]);
}

int command_main(int argc, char **argv)
{
    int at = take_leading_options(argc, argv);
    argp_err_exit_status = EXIT_USAGE;
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0); // a note on long and short options that explains less than it takes room
    if (at >= argc) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    bool help = strcmp(argv[at], "help") == 0;
    if (help && at + 1 < argc) {
        static char flag[] = "--help";
        char *words[] = {argv[at + 1], flag, NULL};
        return run_command(2, words);
    }
    if (help || strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
        print_commands(stdout);
        return finish_output(EXIT_PASS);
    }
    if (strcmp(argv[at], "--version") == 0) {
        puts("panther-coord " PANTHER_VERSION);
        return finish_output(EXIT_PASS);
    }
    return run_command(argc - at, argv + at);
}
