// panther-agent: offers this host to a coordinator. Command line, configuration, then agent/shell.
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/shell/enrolment.h"
#include "agent/shell/files.h"
#include "agent/shell/settings.h"
#include "agent/shell/shell.h"

#define FLAGS_MAX 256
#define EXIT_USAGE 2

enum { KEY_CONFIG = 'c', KEY_FIRST = 0x100 };

struct arguments {
    const char *config;
    struct configuration_flag flags[FLAGS_MAX];
    size_t flag_count;
    const char *command, *token, *folder; // unpack: its archive stands in `token`
};

const char *argp_program_version = "panther-agent " PANTHER_VERSION;
static const char usage[] = "\nenroll TOKEN";
static const char about[] =
    "Offers this host to a coordinator: runs the services that it is told to run.\n"
    "`enroll TOKEN` gives a new host its key: an operator gets the token from `panther-coord keys enroll NAME`.\v"
    "Every option may stand in the configuration file (`slots: 8`) or in the environment (PANTHER_AGENT_SLOTS=8); a flag wins over the "
    "environment, the environment over the file.\n"
    "SIGTERM: says goodbye; running instances go on under their leases and are adopted by the next start. SIGHUP: looks for plugins "
    "again.\n"
    "Exit status: 0 stopped, 1 cannot go on (start it again), 2 wrong usage or configuration, 3 another agent holds the state folder.";

static struct argp_option options[SETTINGS_OPTIONS + 2];

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    if (key == KEY_CONFIG) {
        arguments->config = argument;
    } else if (key >= KEY_FIRST && key < KEY_FIRST + SETTINGS_OPTIONS) {
        if (arguments->flag_count == FLAGS_MAX)
            argp_error(state, "more than %d flags", FLAGS_MAX);
        arguments->flags[arguments->flag_count++] = (struct configuration_flag){settings_options[key - KEY_FIRST].name, argument};
    } else if (key == ARGP_KEY_ARG && !arguments->command) {
        arguments->command = argument;
    } else if (key == ARGP_KEY_ARG && !arguments->token) {
        arguments->token = argument;
    } else if (key == ARGP_KEY_ARG && !arguments->folder) {
        arguments->folder = argument;
    } else {
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

// What stands for a value in --help.
static const char *value_name(const char *option)
{
    static const char *const names[][2] = {
        {"key", "FILE"},          {"state", "DIR"},    {"plugins", "DIR,..."},       {"pushed-plugins", "BOOLEAN"},
        {"address", "ADDRESS"},   {"slots", "N"},      {"port-range", "FIRST-LAST"}, {"labels", "NAME=VALUE,..."},
        {"stream-limit", "SIZE"}, {"reserve", "SIZE"}, {"shells", "BOOLEAN"},        {"log-level", "LEVEL"},
        {"programs", "DIR"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], option) == 0)
            return names[i][1];
    return "VALUE";
}

static void make_options(void)
{
    static char help[SETTINGS_OPTIONS][256];
    options[0] = (struct argp_option){"config", KEY_CONFIG, "FILE", 0, "configuration file (YAML)", 0};
    for (int i = 0; i < SETTINGS_OPTIONS; i++) {
        const struct configuration_option *option = &settings_options[i];
        const char *otherwise = option->default_value;
        snprintf(help[i], sizeof help[i], "%s%s%s%s", option->help, otherwise ? " (default " : "", otherwise ? otherwise : "",
                 otherwise ? ")" : "");
        options[i + 1] = (struct argp_option){option->name, KEY_FIRST + i, value_name(option->name), 0, help[i], 0};
    }
}

static int complain(const struct panther_error *error, int status)
{
    fprintf(stderr, "panther-agent: %s\n", error->message);
    return status;
}

// A flag, else the environment: before there is a key there is no whole configuration.
static const char *early_option(const struct arguments *arguments, const char *name, const char *variable, const char *otherwise)
{
    const char *value = getenv(variable);
    for (size_t i = 0; i < arguments->flag_count; i++)
        if (strcmp(arguments->flags[i].name, name) == 0)
            value = arguments->flags[i].value;
    return value ? value : otherwise;
}

static int enroll(const struct arguments *arguments)
{
    struct panther_error error = {0};
    const char *key = early_option(arguments, "key", SETTINGS_ENVIRONMENT "_KEY", SETTINGS_KEY_DEFAULT);
    const char *state = early_option(arguments, "state", SETTINGS_ENVIRONMENT "_STATE", SETTINGS_STATE_DEFAULT);
    if (!arguments->token) {
        fputs("panther-agent: enroll needs the token that `panther-coord keys enroll NAME` printed\n", stderr);
        return EXIT_USAGE;
    }
    return enrolment_run(arguments->token, key, state, &error) < 0 ? complain(&error, EXIT_FAILURE) : 0;
}

static int serve(const struct arguments *arguments)
{
    struct panther_error error = {0};
    struct settings settings;
    if (settings_load(&settings, arguments->config, arguments->flags, arguments->flag_count, &error) < 0)
        return complain(&error, EXIT_USAGE);
    log_begin("panther-agent", settings.log_level);
    int result = shell_run(&settings, &error);
    settings_free(&settings);
    if (result < 0)
        return complain(&error, result == PANTHER_EEXISTS ? 3 : EXIT_FAILURE);
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = usage, .doc = about};
    make_options();
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (arguments.command && strcmp(arguments.command, "enroll") == 0)
        return enroll(&arguments);
    if (arguments.command && strcmp(arguments.command, "unpack") == 0 && arguments.folder) // the agent's own child: agent/shell/files.c
        return files_unpack(arguments.token, arguments.folder);
    if (arguments.command) {
        fprintf(stderr, "panther-agent: unknown command \"%s\"; there is only enroll\n", arguments.command);
        return EXIT_USAGE;
    }
    return serve(&arguments);
}
