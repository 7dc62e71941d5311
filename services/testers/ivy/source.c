// Compiles a test with ivyc, through the build cache: minutes for a protocol's model, once per host and content.
#include "ivy.h"

#include <panther/build.h>
#include <panther/plugin.h>

#include <string.h>

#define IVYC "ivyc"

// ivyc looks for what a file includes beside that file: all of it stands in the folder that is built.
static const char gather[] = "cp -- \"$1\" \"$3/$2.ivy\" && { [ -z \"$4\" ] || cp -R -- \"$4/.\" \"$3/\"; }";

// Another compiler makes another test: its installed files tell one from the other, as it has no version to ask for.
static const char *const which[] = {"sh", "-c", "ls -l --time-style=full-iso \"$(readlink -f \"$(command -v " IVYC ")\")\"", NULL};

const char *source_compile(struct panther_service *service, const struct test *test)
{
    const struct ivy *settings = test->settings;
    if (!panther_program(service, IVYC)) {
        panther_fail(service, IVYC ", which makes a test of %s, is not installed on this host", settings->source);
        return NULL;
    }
    const char *const copy[] = {
        "sh", "-c", gather, "sh", settings->source, test->name, PANTHER_BUILD_FOLDER, settings->include ? settings->include : "", NULL};
    const char *const compile[] = {IVYC, "show_compiled=false", "trace=false", "target=test", panther_format(service, "%s.ivy", test->name),
                                   NULL};
    const struct panther_build_command commands[] = {{.name = "gather", .argv = copy}, {.name = IVYC, .argv = compile}};
    const char *const inputs[] = {settings->source, settings->include, NULL}; // ends early without an include
    const char *const *const tools[] = {which, NULL};
    const char *folder = panther_build(service, .inputs = inputs, .tools = tools, .command_count = 2, .commands = commands);
    return folder ? panther_format(service, "%s/%s", folder, test->name) : NULL;
}
