// panther-plugin try PLUGIN: one instance on this machine, under the real guard and host, without agent and coordinator. An IUT is started
// and shown until its time is over; a tester runs its cases on the services that it drives, which are tried along with it.
#include <argp.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/units.h"
#include "common/base/verdict.h"
#include "common/system/process.h"
#include "panther/test.h"
#include "services/sdk/author/author.h"
#include "services/sdk/harness/harness.h"

#define LIST_MAX 64
#define CASE_TIMEOUT_MS 60000
#define PHASE_TIMEOUT_MS 20000
#define BUILD_TIMEOUT_MS 900000 // when it compiles
// What is printed of each stream that a plugin left.
#define TAIL_BYTES ((size_t)4096)

struct arguments {
    const char *plugin, *protocol, *version, *role, *address;
    const char *cases[LIST_MAX], *options[LIST_MAX], *drives[LIST_MAX], *environments[LIST_MAX];
    size_t case_count, option_count, drive_count, environment_count;
    uint64_t for_ms, timeout_ms;
    bool logs;
};

struct trying {
    const struct arguments *arguments;
    struct arena *arena;
    const Pb__PluginDescription *description;
    const char *protocol, *version;
    struct panther_test *test;
    struct panther_test *driven[LIST_MAX];
    size_t driven_count;
    int signals; // Ctrl-C ends it in order
    bool bad;
};

static void complain(struct trying *trying, const char *what, const struct panther_test *test)
{
    trying->bad = true;
    printf("%s: FAILED: %s\n", what, panther_test_problem(test));
}

// "name=value"
static bool split(struct trying *trying, const char *text, char **name, const char **value)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        fprintf(stderr, "panther-plugin: \"%s\" is not NAME=VALUE\n", text);
        return false;
    }
    *name = arena_string_bytes(trying->arena, text, (size_t)(equals - text));
    *value = equals + 1;
    return true;
}

static void print_endpoints(const struct panther_test *test)
{
    for (size_t i = 0; i < test->event_count; i++) {
        const Pb__Event *event = test->events[i];
        if (event->body_case != PB__EVENT__BODY_COMMAND_DONE || event->command_done->number != 1)
            continue;
        for (size_t e = 0; e < event->command_done->n_endpoints; e++) {
            const Pb__Endpoint *endpoint = event->command_done->endpoints[e];
            printf("  endpoint %s: %s port %u\n", endpoint->name, endpoint->address, endpoint->port);
        }
    }
}

static bool bring_up(struct trying *trying, const char *name, struct panther_test *test)
{
    if (panther_test_initialize(test) != 0) {
        complain(trying, arena_printf(trying->arena, "%s initialize", name), test);
        return false;
    }
    printf("%s initialize: done%s%s\n", name, *panther_test_version(test) ? ", version " : "", panther_test_version(test));
    print_endpoints(test);
    return true;
}

static bool start(struct trying *trying, const char *name, struct panther_test *test)
{
    if (panther_test_start(test) != 0) {
        complain(trying, arena_printf(trying->arena, "%s start", name), test);
        return false;
    }
    printf("%s start: ready\n", name);
    return true;
}

static const Pb__DriveDescription *drive_named(const Pb__PluginDescription *description, const char *word)
{
    for (size_t i = 0; i < description->n_drives; i++)
        if (strcmp(description->drives[i]->name, word) == 0)
            return description->drives[i];
    return NULL;
}

// `--drive server=nginx`: that plugin is started first, with its defaults.
static bool start_driven(struct trying *trying, const char *text)
{
    char *word;
    const char *plugin;
    struct panther_error error = {0};
    if (!split(trying, text, &word, &plugin))
        return false;
    const Pb__DriveDescription *drive = drive_named(trying->description, word);
    if (!drive) {
        fprintf(stderr, "panther-plugin: %s drives no \"%s\"\n", trying->description->name, word);
        return false;
    }
    const char *path = author_find(plugin, trying->arena, &error);
    if (!path) {
        fprintf(stderr, "panther-plugin: %s\n", error.message);
        return false;
    }
    struct panther_test *driven = trying->driven[trying->driven_count++] = panther_test_new(path);
    panther_test_phase_ms(driven, PHASE_TIMEOUT_MS);
    panther_test_protocol(driven, trying->protocol, trying->version, drive->role);
    if (!bring_up(trying, word, driven) || !start(trying, word, driven))
        return false;
    panther_test_drive(trying->test, word, driven);
    return true;
}

// The first protocol of the plugin, unless it was said.
static void set_protocol(struct trying *trying)
{
    const struct arguments *arguments = trying->arguments;
    const Pb__PluginDescription *description = trying->description;
    const Pb__ProtocolDescription *first = description->n_protocols ? description->protocols[0] : NULL;
    const char *name = arguments->protocol ? arguments->protocol : first ? first->name : "none";
    const char *version = arguments->version ? arguments->version : first && first->n_versions ? first->versions[0] : "";
    const char *role = arguments->role ? arguments->role : first && first->n_roles ? first->roles[0] : "";
    trying->protocol = name;
    trying->version = version;
    panther_test_protocol(trying->test, name, version, role);
    printf("protocol %s %s, role %s\n", name, version, *role ? role : "(none)");
}

static bool set_options(struct trying *trying)
{
    char *name;
    const char *value;
    for (size_t i = 0; i < trying->arguments->option_count; i++) {
        if (!split(trying, trying->arguments->options[i], &name, &value))
            return false;
        panther_test_option(trying->test, name, value);
    }
    return true;
}

static bool set_environments(struct trying *trying)
{
    for (size_t i = 0; i < trying->arguments->environment_count; i++)
        if (!author_environment(trying->test, trying->arguments->environments[i], trying->arena))
            return false;
    return true;
}

// ---- its work

static void run_case(struct trying *trying, const char *name)
{
    struct panther_test_outcome outcome = {0};
    if (panther_test_case(trying->test, name, (uint32_t)trying->arguments->timeout_ms, &outcome) != 0) {
        complain(trying, arena_printf(trying->arena, "case %s", name), trying->test);
        return;
    }
    const char *reason = reason_name((int)outcome.reason);
    printf("case %s: %s%s%s%s%s%s\n", name, verdict_name((int)outcome.verdict), *reason ? " (" : "", reason, *reason ? ")" : "",
           *outcome.text ? ": " : "", outcome.text);
    trying->bad = trying->bad || outcome.verdict != PANTHER_PASS;
}

static void run_cases(struct trying *trying)
{
    const struct arguments *arguments = trying->arguments;
    for (size_t i = 0; i < arguments->case_count; i++)
        run_case(trying, arguments->cases[i]);
    for (size_t i = 0; arguments->case_count == 0 && i < trying->description->n_cases; i++)
        run_case(trying, trying->description->cases[i]->name);
}

static void execute(struct trying *trying)
{
    struct panther_test_outcome outcome = {0};
    if (panther_test_execute(trying->test, (uint32_t)trying->arguments->timeout_ms, &outcome) != 0)
        complain(trying, "execute", trying->test);
    else
        printf("execute: %s%s%s\n", outcome.verdict ? verdict_name((int)outcome.verdict) : "done", *outcome.text ? ": " : "", outcome.text);
}

static void stay(const struct trying *trying)
{
    struct pollfd fd = {.fd = trying->signals, .events = POLLIN};
    uint64_t left_ms = trying->arguments->for_ms ? trying->arguments->for_ms : UINT64_MAX;
    if (!trying->arguments->for_ms)
        puts("running; Ctrl-C ends it");
    fflush(stdout);
    while (left_ms > 0) {
        int wait_ms = left_ms > 1000 ? 1000 : (int)left_ms;
        if (poll(&fd, 1, wait_ms) > 0)
            return;
        left_ms -= (uint64_t)wait_ms;
        harness_renew_leases();
    }
}

static void work(struct trying *trying)
{
    if (trying->description->n_cases > 0)
        run_cases(trying);
    else if (trying->description->kind == PB__PLUGIN_KIND__PLUGIN_KIND_TESTER)
        execute(trying);
    else
        stay(trying);
}

// ---- the end

static void print_tail(const struct trying *trying, const char *stream)
{
    char *text = panther_test_stream(trying->test, stream);
    size_t bytes = text ? strlen(text) : 0;
    if (bytes > 0)
        printf("---- %s (%zu bytes)%s\n%s%s", stream, bytes, bytes > TAIL_BYTES ? ", its end" : "",
               bytes > TAIL_BYTES ? text + bytes - TAIL_BYTES : text, text[bytes - 1] == '\n' ? "" : "\n");
    free(text);
}

static void print_streams(const struct trying *trying)
{
    struct dirent **entries = NULL;
    const char *folder = arena_printf(trying->arena, "%s/streams", panther_test_folder(trying->test));
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            print_tail(trying, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void print_metric(const Pb__Metric *metric)
{
    printf("  metric %s: %.15g %s\n", metric->name, metric->value, metric->unit);
}

static void print_findings(Pb__Finding *const *findings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("  finding %s: %s\n", findings[i]->signature, findings[i]->title);
}

static void print_metrics(const struct trying *trying)
{
    for (size_t i = 0; i < trying->test->event_count; i++) {
        const Pb__Event *event = trying->test->events[i];
        const bool is_case = event->body_case == PB__EVENT__BODY_CASE_RESULT;
        for (size_t m = 0; is_case && m < event->case_result->n_metrics; m++)
            print_metric(event->case_result->metrics[m]);
        if (is_case)
            print_findings(event->case_result->findings, event->case_result->n_findings);
        else if (event->body_case == PB__EVENT__BODY_COMMAND_DONE)
            print_findings(event->command_done->findings, event->command_done->n_findings);
        else if (event->body_case == PB__EVENT__BODY_METRIC && trying->arguments->environment_count > 0)
            print_metric(event->metric);
        else if (event->body_case == PB__EVENT__BODY_NOTE && trying->arguments->environment_count > 0)
            printf("  note: %s\n", event->note->text);
    }
}

static void end(struct trying *trying)
{
    if (trying->test && panther_test_stop(trying->test) != 0)
        complain(trying, "stop", trying->test);
    if (trying->test)
        print_metrics(trying);
    if (trying->test && (trying->bad || trying->arguments->logs))
        print_streams(trying);
    if (panther_test_end(&trying->test) != 0)
        trying->bad = true;
    else
        puts("cleanup: nothing is left");
    for (size_t i = 0; i < trying->driven_count; i++)
        trying->bad = panther_test_end(&trying->driven[i]) != 0 || trying->bad;
}

// ---- command line

enum { KEY_PROTOCOL = 300, KEY_ROLE, KEY_ADDRESS, KEY_DRIVE, KEY_FOR, KEY_TIMEOUT, KEY_LOGS, KEY_ENVIRONMENT };

static const struct argp_option options[] = {
    {"case", 'c', "CASE", 0, "run this case; may be repeated (default: all)", 0},
    {"option", 's', "NAME=VALUE", 0, "set an option of the plugin; may be repeated, also for more values of a list", 0},
    {"drive", KEY_DRIVE, "WORD=PLUGIN", 0, "run this plugin beside it, with its defaults, as the service that it drives", 0},
    {"protocol", KEY_PROTOCOL, "NAME[/VERSION]", 0, "default: the plugin's first", 0},
    {"role", KEY_ROLE, "ROLE", 0, "default: the plugin's first", 0},
    {"address", KEY_ADDRESS, "ADDRESS", 0, "default 127.0.0.1", 0},
    {"for", KEY_FOR, "TIME", 0, "how long an IUT runs (default: until Ctrl-C)", 0},
    {"timeout", KEY_TIMEOUT, "TIME", 0, "of a case (default 60s)", 0},
    {"environment", KEY_ENVIRONMENT, "TYPE[:NAME=VALUE]", 0,
     "start its programs under this execution environment (strace, memcheck, ...), with an option of it; may be repeated", 0},
    {"logs", KEY_LOGS, NULL, 0, "print what it wrote, not only after a failure", 0},
    {0},
};

static void add(struct argp_state *state, const char **list, size_t *count, const char *value)
{
    if (*count == LIST_MAX)
        argp_error(state, "more than %d of one kind", LIST_MAX);
    list[(*count)++] = value;
}

static uint64_t time_of(struct argp_state *state, const char *text)
{
    uint64_t ms;
    if (!duration_parse_ms(text, &ms) || ms == 0 || ms > UINT32_MAX)
        argp_error(state, "\"%s\" is not a time such as 10s", text);
    return ms;
}

static void set_protocol_words(struct arguments *arguments, char *text)
{
    char *slash = strchr(text, '/');
    arguments->protocol = text;
    if (slash) {
        *slash = '\0';
        arguments->version = slash + 1;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'c':
        add(state, arguments->cases, &arguments->case_count, argument);
        return 0;
    case 's':
        add(state, arguments->options, &arguments->option_count, argument);
        return 0;
    case KEY_DRIVE:
        add(state, arguments->drives, &arguments->drive_count, argument);
        return 0;
    case KEY_PROTOCOL:
        set_protocol_words(arguments, argument);
        return 0;
    case KEY_ROLE:
        arguments->role = argument;
        return 0;
    case KEY_ADDRESS:
        arguments->address = argument;
        return 0;
    case KEY_FOR:
        arguments->for_ms = time_of(state, argument);
        return 0;
    case KEY_TIMEOUT:
        arguments->timeout_ms = time_of(state, argument);
        return 0;
    case KEY_ENVIRONMENT:
        add(state, arguments->environments, &arguments->environment_count, argument);
        return 0;
    case KEY_LOGS:
        arguments->logs = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->plugin)
            argp_error(state, "one plugin at a time; %s is too many", argument);
        arguments->plugin = argument;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->plugin)
            argp_error(state, "PLUGIN is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool prepare(struct trying *trying, const char *path)
{
    const struct arguments *arguments = trying->arguments;
    trying->test = panther_test_new(path);
    panther_test_phase_ms(trying->test, trying->description->builds ? BUILD_TIMEOUT_MS : PHASE_TIMEOUT_MS);
    if (arguments->address)
        panther_test_address(trying->test, arguments->address);
    set_protocol(trying);
    if (!set_options(trying) || !set_environments(trying))
        return false;
    for (size_t i = 0; i < arguments->drive_count; i++)
        if (!start_driven(trying, arguments->drives[i]))
            return false;
    return true;
}

static void try(struct trying *trying, const char *path)
{
    CLEANUP_FREE char *programs = program_folder();
    setenv("PANTHER_BIN", programs, 0); // the guard and the host beside us, wherever the prefix has been moved to
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    trying->signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (!prepare(trying, path))
        trying->bad = true;
    else if (bring_up(trying, trying->description->name, trying->test) && start(trying, trying->description->name, trying->test))
        work(trying);
    end(trying);
    close(trying->signals);
}

int author_try(int argc, char **argv)
{
    static const struct argp argp = {options,
                                     parse,
                                     "PLUGIN",
                                     "Runs one instance of a plugin on this machine, under the real guard and host, without agent and "
                                     "coordinator: `panther-plugin try nginx`, `panther-plugin try h2load --drive server=nginx`.\vExit "
                                     "status: 0 every case passed and nothing was left, 1 not, 2 wrong usage.",
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments arguments = {.timeout_ms = CASE_TIMEOUT_MS};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct trying trying = {.arguments = &arguments, .arena = arena_new(0)};
    struct panther_error error = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *path = author_find(arguments.plugin, trying.arena, &error);
    if (path)
        trying.description = author_describe(path, trying.arena, &error);
    if (trying.description)
        try(&trying, path);
    else
        fprintf(stderr, "panther-plugin: %s\n", error.message);
    bool is_good = trying.description && !trying.bad;
    arena_free(&trying.arena);
    return is_good ? AUTHOR_GOOD : AUTHOR_BAD;
}
