// panther-coord serve: the coordinator itself. Configuration: YAML file < PANTHER_COORD_* < flags.
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/units.h"
#include "common/system/configuration.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "coordinator/cli/command.h"
#include "coordinator/experiment/sampling.h"
#include "coordinator/shell/authority.h"
#include "coordinator/shell/serve.h"

#define FLAGS_MAX 32

enum { KEY_INIT = 300, KEY_BULK, KEY_ADVERTISE, KEY_WINDOW, KEY_LEVEL, KEY_RESERVE, KEY_PASSED, KEY_AGE, KEY_SIZE, KEY_EVERY };

static const struct configuration_option options[] = {
    {"data", PB__OPTION_TYPE__OPTION_TYPE_STRING, "/var/lib/panther", "data folder: journal, blobs, keys"},
    {"listen", PB__OPTION_TYPE__OPTION_TYPE_STRING, "tcp://*:7400", "where agents and clients connect"},
    {"bulk-listen", PB__OPTION_TYPE__OPTION_TYPE_STRING, NULL, "where streams and artifacts go; default: the port above listen's"},
    {"advertise", PB__OPTION_TYPE__OPTION_TYPE_STRING, NULL, "the endpoint written into key files; default: listen"},
    {"log-level", PB__OPTION_TYPE__OPTION_TYPE_STRING, "info", "debug, info, warning or error"},
    {"reserve", PB__OPTION_TYPE__OPTION_TYPE_SIZE, "0", "kept free for verdicts; logs wait below twice, captures below four times of it"},
    {"evidence-passed", PB__OPTION_TYPE__OPTION_TYPE_STRING, "all",
     "of cells that pass, whose captures and artifacts stay: all, none, 1 in N"},
    {"evidence-age", PB__OPTION_TYPE__OPTION_TYPE_DURATION, "0",
     "how long streams and artifacts stay after their run has ended; 0: for ever"},
    {"evidence-size", PB__OPTION_TYPE__OPTION_TYPE_SIZE, "0", "of all streams and artifacts; beyond it the oldest runs' go; 0: any"},
    {"evidence-look", PB__OPTION_TYPE__OPTION_TYPE_DURATION, "60s", "how often these rules are applied"},
    {"case-window", PB__OPTION_TYPE__OPTION_TYPE_INTEGER, "0", "cases on their way to one tester at once; 0: the default"},
};

struct arguments {
    const char *file;
    bool init;
    struct configuration_flag flags[FLAGS_MAX];
    size_t flag_count;
};

static const struct argp_option argp_options[] = {
    {"config", 'c', "FILE", 0, "configuration file (YAML); each of its keys is a flag's name", 0},
    {"data", 'd', "DIR", 0, "data folder (default /var/lib/panther)", 0},
    {"listen", 'l', "ENDPOINT", 0, "default tcp://*:7400", 0},
    {"bulk-listen", KEY_BULK, "ENDPOINT", 0, "default: the port above listen's", 0},
    {"advertise", KEY_ADVERTISE, "ENDPOINT", 0, "what key files say, when listen is a wildcard", 0},
    {"init", KEY_INIT, NULL, 0, "make the data folder first if it is not there: server.key, and admin.key for an operator", 0},
    {"reserve", KEY_RESERVE, "SIZE", 0, "kept free on the disk for verdicts (default 128MiB, of a small disk a 40th part)", 0},
    {"evidence-passed", KEY_PASSED, "SHARE", 0, "captures and artifacts of cells that pass: all (default), none, or \"1 in N\"", 0},
    {"evidence-age", KEY_AGE, "TIME", 0, "remove streams and artifacts so long after their run has ended (default 0: never)", 0},
    {"evidence-size", KEY_SIZE, "SIZE", 0, "remove those of the oldest runs beyond this (default 0: never)", 0},
    {"evidence-look", KEY_EVERY, "TIME", 0, "how often these rules are applied (default 60s)", 0},
    {"case-window", KEY_WINDOW, "N", 0, "cases on their way to one tester at once (benchmarks)", 0},
    {"log-level", KEY_LEVEL, "LEVEL", 0, "debug, info, warning, error", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    static const struct {
        int key;
        const char *name;
    } names[] = {{'d', "data"},
                 {'l', "listen"},
                 {KEY_BULK, "bulk-listen"},
                 {KEY_ADVERTISE, "advertise"},
                 {KEY_WINDOW, "case-window"},
                 {KEY_LEVEL, "log-level"},
                 {KEY_RESERVE, "reserve"},
                 {KEY_PASSED, "evidence-passed"},
                 {KEY_AGE, "evidence-age"},
                 {KEY_SIZE, "evidence-size"},
                 {KEY_EVERY, "evidence-look"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].key == key && arguments->flag_count < FLAGS_MAX) {
            arguments->flags[arguments->flag_count++] = (struct configuration_flag){names[i].name, argument};
            return 0;
        }
    }
    switch (key) {
    case 'c':
        arguments->file = argument;
        return 0;
    case KEY_INIT:
        arguments->init = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "serve takes no argument: %s", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int complain(const struct panther_error *error)
{
    fprintf(stderr, "panther-coord serve: %s\n", error->message);
    return EXIT_USAGE;
}

// Said here and not by the socket: `--init` would write a wrong endpoint into key files first.
static int check_endpoint(const char *option, const char *endpoint, struct panther_error *error)
{
    const char *port = endpoint ? strrchr(endpoint, ':') : NULL;
    uint64_t number;
    if (!endpoint) {
        return 0;
    }
    if (strncmp(endpoint, "tcp://", 6) != 0 || port < endpoint + 6 || !unsigned_parse(port + 1, &number) || number > UINT16_MAX) {
        return error_set(error, PANTHER_EINVALID, "%s \"%s\" is not tcp://ADDRESS:PORT, such as tcp://10.0.0.1:7400", option, endpoint);
    }
    return 0;
}

static bool is_data_folder(const char *folder)
{
    CLEANUP_FREE char *key = path_join(folder, "server.key");
    return file_exists(key);
}

static int init_folder(const char *folder, const char *endpoint, struct panther_error *error)
{
    int result = authority_init(folder, endpoint, error);
    return result == PANTHER_EEXISTS ? 0 : result;
}

static char *describe_rules(const char *passed, const struct retention_rules *rules)
{
    char age[32] = "any", size[32] = "any";
    if (rules->age_ms) {
        duration_format_ms(rules->age_ms, age, sizeof age);
    }
    if (rules->at_most_bytes) {
        size_format(rules->at_most_bytes, size, sizeof size);
    }
    return memory_printf("captures and artifacts of cells that pass: %s; age: %s; size: %s", passed, age, size);
}

static int run(const struct configuration *configuration, bool init)
{
    struct panther_error error = {0};
    enum log_level level;
    const char *level_text = configuration_text(configuration, "log-level");
    if (log_level_parse(level_text, &level)) {
        error_set(&error, PANTHER_EINVALID, "log-level \"%s\" is not debug, info, warning or error", level_text);
        return complain(&error);
    }
    log_begin("panther-coord", level);
    const char *folder = configuration_text(configuration, "data"), *listen = configuration_text(configuration, "listen");
    const char *advertise = configuration_text(configuration, "advertise");
    const char *bulk = configuration_text(configuration, "bulk-listen");
    if (check_endpoint("listen", listen, &error) || check_endpoint("advertise", advertise, &error) ||
        check_endpoint("bulk-listen", bulk, &error)) {
        return complain(&error);
    }
    if (!init && !is_data_folder(folder)) {
        error_set(&error, PANTHER_ENOTFOUND, "%s is no data folder: `panther-coord serve --init --data %s` makes it", folder, folder);
        return complain(&error);
    }
    if (init && init_folder(folder, advertise ? advertise : listen, &error)) {
        return complain(&error);
    }
    uint32_t one_in = 1;
    const char *passed = configuration_text(configuration, "evidence-passed");
    if (!sampling_parse(passed, &one_in)) {
        error_set(&error, PANTHER_EINVALID, "evidence-passed \"%s\" is not all, none or 1 in N", passed);
        return complain(&error);
    }
    const struct retention_rules rules = {configuration_number(configuration, "evidence-age"),
                                          configuration_number(configuration, "evidence-size")};
    CLEANUP_FREE char *described = describe_rules(passed, &rules);
    const struct serve_options serve_options = {.folder = folder,
                                                .listen = listen,
                                                .bulk_listen = bulk,
                                                .version = PANTHER_VERSION,
                                                .samples_passed = true,
                                                .passed_one_in = one_in,
                                                .retention = {rules, configuration_number(configuration, "evidence-look"), described},
                                                .reserve_bytes = configuration_number(configuration, "reserve"),
                                                .case_window = (uint32_t)configuration_number(configuration, "case-window")};
    int status = serve(&serve_options, &error);
    return status < 0 ? complain(&error) : status;
}

int cli_serve(int argc, char **argv)
{
    static const struct argp argp = {argp_options,
                                     parse,
                                     NULL,
                                     "Runs the coordinator until SIGTERM.\vExit status: 0 stopped, 2 could not begin, 74 the disk failed "
                                     "(start it again: the journal is replayed).",
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct panther_error error = {0};
    struct configuration *configuration = NULL;
    if (configuration_load(&configuration, arguments.file, "PANTHER_COORD", options, sizeof options / sizeof *options, arguments.flags,
                           arguments.flag_count, &error)) {
        return complain(&error);
    }
    int status = run(configuration, arguments.init);
    configuration_free(&configuration);
    return status;
}
