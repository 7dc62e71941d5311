// panther-plugin: the tool of who writes a plugin.
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/sdk/author/author.h"

static const struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"new", "make the folder of a new plugin, which works at once", author_new},
    {"show", "options, cases and drives of a plugin, and whether it can work here", author_show},
    {"try", "run a plugin alone on this machine, with the real guard and host", author_try},
    {"check", "does a plugin keep the contract? one line for each clause", author_check},
    {"docs", "is the documentation true?", author_docs},
};

static void print_usage(FILE *out)
{
    fputs("Usage: panther-plugin COMMAND [OPTION...]\n\nCommands:\n", out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`panther-plugin COMMAND --help` explains a command; `panther-plugin --version` tells the version.\n", out);
}

int main(int argc, char **argv)
{
    argp_err_exit_status = AUTHOR_USAGE;
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
    if (argc < 2) {
        print_usage(stderr);
        return AUTHOR_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return AUTHOR_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("panther-plugin " PANTHER_VERSION);
        return AUTHOR_GOOD;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, argv[1]) == 0) {
            char name[64];
            snprintf(name, sizeof name, "panther-plugin %s", commands[i].name);
            argv[1] = name;
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "panther-plugin: there is no command \"%s\"; `panther-plugin --help` lists them\n", argv[1]);
    return AUTHOR_USAGE;
}
