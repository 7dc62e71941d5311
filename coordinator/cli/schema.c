// panther-coord schema: the experiment language as a JSON Schema, so that editors complete and check it while one types.
#include <argp.h>
#include <stdio.h>

#include "coordinator/cli/command.h"
#include "coordinator/experiment/language.h"

int cli_schema(int argc, char **argv)
{
    static const struct argp argp = {
        NULL,
        NULL,
        NULL,
        "Prints the JSON Schema of the experiment language.\vAn editor that knows JSON Schema takes it for files that begin with\n"
        "# yaml-language-server: $schema=experiment.schema.json\nExit status: 0.",
        NULL,
        NULL,
        NULL};
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    struct text out = {0};
    language_schema(&out);
    fputs(text_string(&out), stdout);
    text_free(&out);
    return EXIT_PASS;
}
