// An IUT that does what it is told: runs any command, and crashes, hangs or fails in a phase. Only for tests.
#include <panther/plugin.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct faulty_settings {
    struct panther_list argv;
    int64_t processes;
    bool finishes;
    bool clean_on_term;
    int64_t clean_status;
    uint16_t port;
    const char *ready;
    const char *pattern;
    const char *crash_in;
    const char *hang_in;
    const char *fail_in;
    uint64_t execute_for;
    uint64_t stop_for;
    int64_t log_lines;
    const char *artifact;
    const char *program;
};

#define PHASES "none", "initialize", "start", "execute", "stop", "cleanup", "get_status"

static const struct panther_option options[] = {
    PANTHER_OPTION_LIST(struct faulty_settings, argv, "", "command to run in start; @port@ and @address@ are replaced"),
    PANTHER_OPTION_INTEGER(struct faulty_settings, processes, "1", 0, 64, "", "how many of it"),
    PANTHER_OPTION_BOOLEAN(struct faulty_settings, finishes, "false", "they are meant to end by themselves"),
    PANTHER_OPTION_BOOLEAN(struct faulty_settings, clean_on_term, "true", "ended by TERM is clean"),
    PANTHER_OPTION_INTEGER(struct faulty_settings, clean_status, "0", 0, 255, "", "an exit status that is clean besides 0"),
    PANTHER_OPTION_PORT(struct faulty_settings, port, "0", "the port main; 0: any"),
    PANTHER_OPTION_CHOICE(struct faulty_settings, ready, "none", "what makes it ready", "none", "tcp", "udp", "http", "line", "file",
                          "never"),
    PANTHER_OPTION_STRING(struct faulty_settings, pattern, "ready", "of the line, or the file"),
    PANTHER_OPTION_CHOICE(struct faulty_settings, crash_in, "none", "phase in which it crashes", PHASES),
    PANTHER_OPTION_CHOICE(struct faulty_settings, hang_in, "none", "phase in which it hangs and ignores its deadline", PHASES),
    PANTHER_OPTION_CHOICE(struct faulty_settings, fail_in, "none", "phase in which it says no", PHASES),
    PANTHER_OPTION_DURATION(struct faulty_settings, execute_for, "0s", 0, 86400000, "how long execute works"),
    PANTHER_OPTION_DURATION(struct faulty_settings, stop_for, "0s", 0, 86400000, "how long stop works"),
    PANTHER_OPTION_INTEGER(struct faulty_settings, log_lines, "0", 0, 10000000, "", "lines to log in start"),
    PANTHER_OPTION_STRING(struct faulty_settings, artifact, "", "file of the work folder to keep"),
    PANTHER_OPTION_STRING(struct faulty_settings, program, "", "a program to look for in initialize"),
    PANTHER_OPTIONS_END,
};

static int port;

static int misbehave(struct panther_service *service, const char *phase)
{
    const struct faulty_settings *settings = panther_settings(service);
    if (strcmp(settings->crash_in, phase) == 0) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    while (strcmp(settings->hang_in, phase) == 0) {
        pause();
    }
    return strcmp(settings->fail_in, phase) == 0 ? panther_fail(service, "told to fail in %s", phase) : 0;
}

static int faulty_initialize(struct panther_service *service, const void *given)
{
    const struct faulty_settings *settings = given;
    port = panther_port_wanted(service, "main", PANTHER_TCP | PANTHER_UDP, settings->port);
    if (port < 0) {
        return port;
    }
    if (settings->program[0] != '\0' && panther_program(service, settings->program) == NULL) {
        return panther_fail(service, "program %s is not installed", settings->program);
    }
    if (settings->artifact[0] != '\0') {
        panther_artifact(service, settings->artifact, "file");
    }
    return misbehave(service, "initialize");
}

static bool never(struct panther_service *service)
{
    (void)service;
    return false;
}

static void declare_readiness(struct panther_service *service, const struct faulty_settings *settings)
{
    if (strcmp(settings->ready, "tcp") == 0) {
        panther_ready_tcp(service, port);
    } else if (strcmp(settings->ready, "udp") == 0) {
        panther_ready_udp(service, port);
    } else if (strcmp(settings->ready, "http") == 0) {
        panther_ready_http(service, port, "/", 200);
    } else if (strcmp(settings->ready, "line") == 0) {
        panther_ready_line(service, NULL, PANTHER_REGEX, settings->pattern);
    } else if (strcmp(settings->ready, "file") == 0) {
        panther_ready_file(service, settings->pattern);
    } else if (strcmp(settings->ready, "never") == 0) {
        panther_ready_when(service, "it never gets ready", never);
    }
}

// Replaces the words @port@ and @address@ within one argument.
static const char *expand(struct panther_service *service, const char *argument)
{
    const char *at = strstr(argument, "@port@");
    if (at != NULL) {
        return expand(service, panther_format(service, "%.*s%d%s", (int)(at - argument), argument, port, at + strlen("@port@")));
    }
    at = strstr(argument, "@address@");
    if (at != NULL) {
        return expand(service, panther_format(service, "%.*s%s%s", (int)(at - argument), argument, panther_own_address(service),
                                              at + strlen("@address@")));
    }
    return argument;
}

static int spawn_one(struct panther_service *service, const struct faulty_settings *settings)
{
    struct panther_arguments argv = {0};
    for (size_t i = 0; i < settings->argv.count; i++) {
        panther_argument(service, &argv, "%s", expand(service, settings->argv.items[i]));
    }
    const int statuses[] = {(int)settings->clean_status, 0};
    return panther_spawn(service, .name = "command", .argv = argv.items, .finishes = settings->finishes, .clean_statuses = statuses,
                         .clean_on_term = settings->clean_on_term, .want_output = true);
}

static int faulty_start(struct panther_service *service)
{
    const struct faulty_settings *settings = panther_settings(service);
    declare_readiness(service, settings);
    for (int64_t i = 0; i < settings->log_lines; i++) {
        panther_log(service, PANTHER_INFO, "line %lld", (long long)i);
    }
    for (int64_t i = 0; settings->argv.count > 0 && i < settings->processes; i++) {
        const int process = spawn_one(service, settings);
        if (process < 0) {
            return process;
        }
    }
    return misbehave(service, "start");
}

static int faulty_get_status(struct panther_service *service, struct panther_status *status)
{
    snprintf(status->state, sizeof(status->state), "obeying");
    snprintf(status->text, sizeof(status->text), "port %d", port);
    return misbehave(service, "get_status");
}

static int faulty_execute(struct panther_service *service)
{
    const struct faulty_settings *settings = panther_settings(service);
    struct pollfd cancel = {.fd = panther_cancel_fd(service), .events = POLLIN};
    if (poll(&cancel, 1, 0) != 0) {
        return panther_fail(service, "the cancel flag is set before execute begins");
    }
    const int failed = misbehave(service, "execute");
    return failed < 0 ? failed : panther_pause(service, settings->execute_for);
}

static int faulty_stop(struct panther_service *service)
{
    const struct faulty_settings *settings = panther_settings(service);
    const int failed = misbehave(service, "stop");
    return failed < 0 ? failed : panther_pause(service, settings->stop_for);
}

static int faulty_cleanup(struct panther_service *service)
{
    return misbehave(service, "cleanup");
}

static int version(char *text, size_t text_bytes)
{
    snprintf(text, text_bytes, "0.0");
    return 0;
}

static int capabilities(struct panther_capabilities *found)
{
    panther_capability(found, "obedience");
    return 0;
}

static int plan(const void *given, struct panther_plan *commands)
{
    const struct faulty_settings *settings = given;
    if (settings->argv.count > 0) {
        panther_plan_command(commands, settings->argv.items);
    }
    return 0;
}

static const struct panther_iut iut = {.get_implementation_version = version, .get_implementation_capabilities = capabilities};

PANTHER_PLUGIN(.name = "faulty", .kind = PANTHER_IUT, .version = "1.0", .summary = "does what it is told, faults included",
               .protocols = PANTHER_PROTOCOLS({"http", PANTHER_TEXTS("1.1", "2"), PANTHER_TEXTS("server", "client")},
                                              {"quic", PANTHER_TEXTS("1"), PANTHER_TEXTS("server", "client")}),
               .options = options, .settings_bytes = sizeof(struct faulty_settings), .initialize = faulty_initialize, .start = faulty_start,
               .get_status = faulty_get_status, .execute = faulty_execute, .stop = faulty_stop, .cleanup = faulty_cleanup, .plan = plan,
               .iut = &iut);
