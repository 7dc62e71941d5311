// The table of subcommands and what is printed without one.
#include "coordinator/cli/command.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

const struct command commands[] = {
    {"serve", "run the coordinator", command_serve},
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

int command_main(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_commands(stdout);
        return EXIT_PASS;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("panther-coord " PANTHER_VERSION);
        return EXIT_PASS;
    }
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, argv[1]) == 0) {
            return command->run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "panther-coord: there is no command \"%s\"; `panther-coord --help` lists them\n", argv[1]);
    return EXIT_USAGE;
}
