// panther-coord check FILE: the same check as submit's, offline, against the plugins that are installed here.
#include <argp.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/system/file.h"
#include "common/system/plugin_place.h"
#include "common/system/process.h"
#include "common/wire/wire.h"
#include "coordinator/cli/command.h"
#include "coordinator/cli/experiment_file.h"
#include "coordinator/cli/overrides.h"

#define PLUGINS_MAX 1024

struct check_arguments {
    const char *path;
    const char *folder;
    struct overrides overrides;
};

enum { KEY_PLUGINS = 900, KEY_SET, KEY_ONLY, KEY_REPEAT };

static const struct argp_option options[] = {
    {"plugins", KEY_PLUGINS, "DIR", 0, "folder of plugins (default: beside this program)", 0},
    {"set", KEY_SET, "PATH=VALUE", 0, "replace a value first, as submit does", 0},
    {"only", KEY_ONLY, "NAME=VALUE,...", 0, "this part, as submit does", 0},
    {"repeat", KEY_REPEAT, "N", 0, "so many repetitions, as submit does", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct check_arguments *arguments = state->input;
    switch (key) {
    case KEY_PLUGINS:
        arguments->folder = argument;
        return 0;
    case KEY_SET:
        overrides_add(&arguments->overrides, argument, state);
        return 0;
    case KEY_ONLY:
        overrides_add_only(&arguments->overrides, argument, state);
        return 0;
    case KEY_REPEAT:
        overrides_add_repeat(&arguments->overrides, argument, state);
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->path) {
            argp_error(state, "one file at a time; %s is too many", argument);
        }
        arguments->path = argument;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->path) {
            argp_error(state, "FILE is missing");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

// What `panther-service --describe FILE` prints; NULL: it does not load.
static Pb__PluginDescription *describe(const char *service, const char *plugin, struct arena *arena)
{
    int ends[2], pidfd;
    pid_t pid;
    if (pipe(ends)) {
        return NULL;
    }
    const char *argv[] = {service, "--describe", plugin, NULL};
    const struct process_descriptor descriptors[] = {{ends[1], STDOUT_FILENO}};
    const struct process_start start = {.program = service, .argv = argv, .descriptors = descriptors, .descriptor_count = 1};
    struct panther_error error = {0};
    int result = process_spawn(&start, &pid, &pidfd, &error);
    close(ends[1]);
    struct text output = {0};
    char buffer[4096];
    for (ssize_t got; !result && (got = read(ends[0], buffer, sizeof buffer)) > 0 && output.length < CONTROL_FRAME_MAX_BYTES;) {
        text_append_bytes(&output, buffer, (size_t)got);
    }
    close(ends[0]);
    struct process_end end = {.status = -1};
    if (!result) {
        process_reap(pidfd, true, &end);
        close(pidfd);
    }
    Pb__PluginDescription *description = end.status == 0 ? wire_description(output.data, output.length, arena, NULL) : NULL;
    text_free(&output);
    return description;
}

static char *plugin_folder(const char *own_folder)
{
    char *installed = memory_printf("%s/../lib/panther/plugins", own_folder);
    if (file_exists(installed)) {
        return installed;
    }
    free(installed);
    return memory_printf("%s/../plugins", own_folder); // the build tree
}

static size_t installed_plugins(const char *given, struct arena *arena, const Pb__PluginDescription **items)
{
    CLEANUP_FREE char *own = program_folder();
    CLEANUP_FREE char *folder = given ? memory_string(given) : plugin_folder(own);
    CLEANUP_FREE char *service = path_join(own, "panther-service");
    DIR *entries = opendir(folder);
    size_t count = 0;
    if (!entries) {
        fprintf(stderr, "panther-coord: no folder of plugins at %s: use --plugins DIR\n", folder);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(entries)) && count < PLUGINS_MAX;) {
        CLEANUP_FREE char *path = plugin_place_at(folder, entry->d_name, NULL);
        if (!path) {
            continue;
        }
        Pb__PluginDescription *description = describe(service, path, arena);
        if (description) {
            items[count++] = description;
        } else {
            fprintf(stderr, "panther-coord: warning: %s does not load (%s --describe says why)\n", path, service);
        }
    }
    closedir(entries);
    return count;
}

static int check(const struct check_arguments *arguments, const struct experiment_file *file, struct arena *arena,
                 struct diagnostics *diagnostics)
{
    const Pb__PluginDescription **items = ARENA_ARRAY(arena, const Pb__PluginDescription *, PLUGINS_MAX);
    const struct experiment_plugins plugins = {items, installed_plugins(arguments->folder, arena, items)};
    experiment_override(file->document, (const Pb__Override *const *)arguments->overrides.list, arguments->overrides.count, arena,
                        diagnostics);
    const Pb__Experiment *experiment =
        experiment_resolve(file->document, &plugins, (const Pb__FileReference *const *)file->files, file->file_count, arena, diagnostics);
    diagnostics_sort(diagnostics);
    experiment_file_print(file, diagnostics->items, diagnostics->count);
    if (!experiment || diagnostics->errors) {
        return EXIT_USAGE;
    }
    uint64_t cells = 0;
    for (size_t i = 0; i < experiment->n_tests; i++) {
        cells += experiment_cells(experiment->tests[i]);
    }
    printf("%s: valid, %zu tests, %llu cells\n", arguments->path, experiment->n_tests, (unsigned long long)cells);
    return EXIT_PASS;
}

int cli_check(int argc, char **argv)
{
    static const struct argp argp = {
        options, parse,
        "FILE",  "Checks an experiment without a coordinator, against the plugins installed here.\vExit status: 0 valid, 2 not.",
        NULL,    NULL,
        NULL};
    struct check_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    struct experiment_file file;
    struct panther_error error = {0};
    diagnostics_begin(&diagnostics, arena, arguments.path);
    int status = EXIT_USAGE;
    if (experiment_file_read(&file, arguments.path, arena, &diagnostics, &error)) {
        fprintf(stderr, "panther-coord: %s\n", error.message);
    } else if (diagnostics.errors) {
        experiment_file_print(&file, diagnostics.items, diagnostics.count);
    } else {
        status = check(&arguments, &file, arena, &diagnostics);
    }
    experiment_file_free(&file);
    overrides_free(&arguments.overrides);
    arena_free(&arena);
    return status;
}
