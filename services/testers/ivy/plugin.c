// ivy: runs a test that Ivy's compiler made of a protocol's formal specification. The test plays one end of the protocol, with random
// but lawful moves, and checks each move of the other end, which is what is tested.
#include "ivy.h"

#include <panther/plugin.h>

#include <string.h>

static const struct panther_option options[] = {
    PANTHER_OPTION_FILE(struct ivy, binary, "", "the compiled test, a file of the experiment"),
    PANTHER_OPTION_STRING(struct ivy, program, "", "instead: a test that is installed on the host, by name or path"),
    PANTHER_OPTION_FILE(struct ivy, source, "", "instead: the test's .ivy file, compiled with ivyc on the host, once"),
    PANTHER_OPTION_FILE(struct ivy, include, "", "folder with the .ivy files that source includes; with a binary: to name requirements"),
    PANTHER_OPTION_STRING(struct ivy, name, "", "of the test, which says what it tests; default: the file's or program's"),
    PANTHER_OPTION_INTEGER(struct ivy, iterations, "0", 0, 1000000, "", "moves of the test; 0: as it was compiled"),
    PANTHER_OPTION_INTEGER(struct ivy, min_events, "1", 0, 1000000, "", "events (lines `< ...`) without which a completed test is inconc"),
    PANTHER_OPTION_CHOICE(struct ivy, transport, "udp", "of the port where Ivy waits for a client that it tests", "udp", "tcp"),
    PANTHER_OPTION_STRING(struct ivy, seed, "auto", "parameter; auto: from the trial's seed, none: left out, else the value"),
    PANTHER_OPTION_STRING(struct ivy, the_cid, "auto", "parameter; auto: 0 for quic, else left out"),
    PANTHER_OPTION_STRING(struct ivy, server_port, "auto", "parameter; auto: of the driven server, or the own port"),
    PANTHER_OPTION_STRING(struct ivy, iversion, "auto", "parameter; auto: 1 for quic, else left out"),
    PANTHER_OPTION_STRING(struct ivy, server_addr, "auto", "parameter, decimal; auto: of the driven server, or the own one"),
    PANTHER_OPTION_STRING(struct ivy, server_cid, "auto", "parameter; auto: left out"),
    PANTHER_OPTION_STRING(struct ivy, client_port, "auto", "parameter; auto: the own port, or that of the driven client"),
    PANTHER_OPTION_STRING(struct ivy, client_port_alt, "auto", "parameter; auto: a second own port for quic, else left out"),
    PANTHER_OPTION_STRING(struct ivy, client_addr, "auto", "parameter, decimal; auto: the own one, or that of the driven client"),
    PANTHER_OPTION_LIST(struct ivy, parameters, "", "further parameters, NAME=VALUE"),
    PANTHER_OPTIONS_END,
};

static const struct panther_case cases[] = {
    {"test", "the test completes without a violated requirement", 0, NULL},
    {NULL, NULL, 0, NULL},
};

static struct test test;
static struct run run; // of a test that waits for its client since start; process 0: none

// ---- which test, and what it tests

static const char *base_name(struct panther_service *service, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return dot && strcmp(dot, ".ivy") == 0 ? panther_format(service, "%.*s", (int)(dot - name), name) : name;
}

// The naming rule of Ivy's protocol tests: quic_server_test_stream plays a client and tests a server.
static int read_name(struct panther_service *service, const char *path)
{
    test.name = test.settings->name[0] != '\0' ? test.settings->name : base_name(service, path);
    bool in_the_middle = strstr(test.name, "mim") != NULL, server = strstr(test.name, "server_test") != NULL,
         client = strstr(test.name, "client_test") != NULL;
    if (!in_the_middle && server == client)
        return panther_fail(service,
                            "\"%s\" does not say what it tests: its name has none of server_test, client_test and mim; set the option name",
                            test.name);
    test.tested = in_the_middle ? TESTS_BOTH : server ? TESTS_SERVER : TESTS_CLIENT;
    return PANTHER_OK;
}

static int choose_test(struct panther_service *service)
{
    const struct ivy *settings = test.settings;
    int given = (settings->binary != NULL) + (settings->program[0] != '\0') + (settings->source != NULL);
    if (given != 1)
        return panther_fail(service, "exactly one of the options binary, program and source says what to run; %d do", given);
    return read_name(service, settings->source ? settings->source : settings->binary ? settings->binary : settings->program);
}

static int find_program(struct panther_service *service)
{
    const struct ivy *settings = test.settings;
    const char *program = settings->program, *beside = panther_format(service, "%s/%s", panther_plugin_folder(service), program);
    if (program[0] == '\0')
        test.program = settings->source ? source_compile(service, &test) : settings->binary;
    else
        test.program = panther_program(service, beside) ? beside : panther_program(service, program);
    if (!test.program && program[0] != '\0')
        return panther_fail(service, "the program %s is not installed on this host", program);
    return test.program ? PANTHER_OK : PANTHER_FAILED;
}

// ---- role inversion: who is driven must be who is tested

static const struct panther_endpoint *endpoint_of(struct panther_service *service, const char *drive)
{
    const struct panther_peer *peer = panther_driven(service, drive, 0);
    const struct panther_endpoint *endpoint = panther_endpoint(peer, NULL, PANTHER_UDP);
    return endpoint ? endpoint : panther_endpoint(peer, NULL, PANTHER_TCP);
}

static int check_drives(struct panther_service *service)
{
    bool server = panther_driven(service, "server", 0) != NULL, client = panther_driven(service, "client", 0) != NULL;
    if (test.tested == TESTS_SERVER && (client || !server))
        return panther_fail(service, "%s plays the client and tests a server, but the experiment drives %s; write drives: {server: NAME}",
                            test.name, client ? "a client" : "none");
    if (test.tested == TESTS_CLIENT && server)
        return panther_fail(service,
                            "%s plays the server and tests a client, but the experiment drives a server; leave out drives, and let the "
                            "client need this tester",
                            test.name);
    if (test.tested == TESTS_BOTH && !server)
        return panther_fail(service, "%s stands between a client and a server; write drives: {server: NAME}", test.name);
    if (server && !endpoint_of(service, "server"))
        return panther_fail(service, "the driven server has no port");
    return PANTHER_OK;
}

// A client that is tested finds Ivy's port as an endpoint of the protocol's name.
static int take_ports(struct panther_service *service)
{
    bool waits = test.tested != TESTS_SERVER, is_quic = strcmp(panther_protocol_name(service), "quic") == 0;
    const char *protocol = panther_protocol_name(service);
    unsigned transport = waits && strcmp(test.settings->transport, "tcp") == 0 ? PANTHER_TCP : PANTHER_UDP;
    test.port = panther_port(service, waits && protocol[0] ? protocol : "ivy", transport);
    if (test.port > 0 && is_quic)
        test.port_alt = panther_port(service, "alternative", PANTHER_UDP);
    return test.port < 0 ? test.port : test.port_alt < 0 ? test.port_alt : PANTHER_OK;
}

static int initialize(struct panther_service *service, const void *settings)
{
    test.settings = settings;
    int result = choose_test(service);
    if (result == PANTHER_OK)
        result = check_drives(service);
    if (result == PANTHER_OK)
        result = find_program(service);
    if (result != PANTHER_OK)
        return result;
    test.server = endpoint_of(service, "server");
    test.client = endpoint_of(service, "client");
    return take_ports(service);
}

// ---- running it

// Who plays the server must be there before the client comes.
static int start(struct panther_service *service)
{
    if (test.tested == TESTS_SERVER)
        return PANTHER_OK;
    int result = run_begin(service, &test, &run);
    if (result == PANTHER_OK && strcmp(test.settings->transport, "udp") == 0)
        panther_ready_udp(service, test.port);
    return result;
}

static int run_test(struct panther_service *service, const struct panther_case *test_case)
{
    struct evidence evidence = {0};
    if (strcmp(test_case->name, cases[0].name) != 0)
        return panther_fail(service, "ivy has no case \"%s\"", test_case->name);
    if (run.process == 0) {
        int result = run_begin(service, &test, &run);
        if (result != PANTHER_OK)
            return result;
    }
    run_end(service, &test, &run, &evidence);
    run.process = 0;
    return verdict_say(service, &test, &evidence);
}

static const struct panther_tester ivy = {.cases = cases, .run_test = run_test};

PANTHER_PLUGIN(.name = "ivy", .kind = PANTHER_TESTER, .version = "1.0", .summary = "runs tests that Ivy made of formal specifications",
               .options = options, .settings_bytes = sizeof(struct ivy),
               .drives = PANTHER_DRIVES({"server", NULL, "server", false}, {"client", NULL, "client", false}), .builds = true,
               .initialize = initialize, .start = start, .tester = &ivy);
