// minip as the implementation under test, as server and as client. The programs are our own (beside this plugin, server.c and client.c)
// and their variants misbehave on purpose, so that testers can be tested with them.
#include <panther/plugin.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct minip {
    const char *variant;
    double share;
    uint16_t port;
    int64_t count;
    int64_t size;
    uint64_t timeout;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_CHOICE(struct minip, variant, "functional", "how it behaves", "functional", "flaky", "failing", "vulnerable"),
    PANTHER_OPTION_RATIO(struct minip, share, "10%", "of the messages that go wrong, in the variant flaky"),
    PANTHER_OPTION_PORT(struct minip, port, "0", "UDP port of the server; 0: a free one"),
    PANTHER_OPTION_INTEGER(struct minip, count, "10", 1, 1000000, "", "pings that the client sends"),
    PANTHER_OPTION_INTEGER(struct minip, size, "32", 0, 1024, "B", "payload of the client's pings"),
    PANTHER_OPTION_DURATION(struct minip, timeout, "1s", 10, 60000, "that the client waits for an answer, three times"),
    PANTHER_OPTIONS_END,
};

static struct {
    const struct minip *settings;
    bool is_client;
    int port;
    const struct panther_endpoint *peer; // of the client
} minip;

static int initialize(struct panther_service *service, const void *settings)
{
    minip.settings = settings;
    minip.is_client = strcmp(panther_role(service), "client") == 0;
    if (!minip.is_client) {
        minip.port = panther_port_wanted(service, "minip", PANTHER_UDP, minip.settings->port);
        return minip.port < 0 ? minip.port : PANTHER_OK;
    }
    const struct panther_peer *server = panther_peer(service, 0);
    minip.peer = server ? panther_endpoint(server, NULL, PANTHER_UDP) : NULL;
    return minip.peer ? PANTHER_OK : panther_fail(service, "the client needs a service with a UDP port: write `needs: [server]`");
}

// What server and client have in common.
static void add_arguments(struct panther_service *service, struct panther_arguments *argv, const char *program, const char *address,
                          int port)
{
    panther_argument(service, argv, "%s/%s", panther_plugin_folder(service), program);
    panther_argument(service, argv, "--address");
    panther_argument(service, argv, "%s", address);
    panther_argument(service, argv, "--port");
    panther_argument(service, argv, "%d", port);
    panther_argument(service, argv, "--variant");
    panther_argument(service, argv, "%s", minip.settings->variant);
    panther_argument(service, argv, "--share");
    panther_argument(service, argv, "%.6f", minip.settings->share);
    panther_argument(service, argv, "--seed");
    panther_argument(service, argv, "%" PRIu64, panther_seed(service));
}

static int start(struct panther_service *service)
{
    struct panther_arguments argv = {0};
    if (minip.is_client)
        return PANTHER_OK;
    add_arguments(service, &argv, "minip_server", panther_own_address(service), minip.port);
    int process = panther_spawn(service, .name = "minip_server", .argv = argv.items);
    if (process < 0)
        return process;
    panther_ready_udp(service, minip.port);
    return PANTHER_OK;
}

// ---- the client's work

static int judge_client(struct panther_service *service, const struct panther_exit *ended)
{
    if (ended->signal != 0)
        return panther_result(service, PANTHER_FAIL, PANTHER_REASON_CRASH, "minip_client was ended by signal %d (%s)", ended->signal,
                              strsignal(ended->signal));
    if (ended->status == 0)
        return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "%" PRId64 " pings answered", minip.settings->count);
    if (ended->status == 1)
        return panther_result(service, PANTHER_FAIL, PANTHER_REASON_ASSERTION, "not all pings were answered; see minip_client.stderr");
    return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "minip_client could not work (status %d)", ended->status);
}

static int execute(struct panther_service *service)
{
    struct panther_arguments argv = {0};
    struct panther_exit ended;
    if (!minip.is_client)
        return PANTHER_OK;
    add_arguments(service, &argv, "minip_client", minip.peer->address, minip.peer->port);
    panther_argument(service, &argv, "--count");
    panther_argument(service, &argv, "%" PRId64, minip.settings->count);
    panther_argument(service, &argv, "--size");
    panther_argument(service, &argv, "%" PRId64, minip.settings->size);
    panther_argument(service, &argv, "--timeout");
    panther_argument(service, &argv, "%" PRIu64, minip.settings->timeout);
    int process = panther_spawn(service, .name = "minip_client", .argv = argv.items, .finishes = true);
    if (process < 0)
        return process;
    int waited = panther_wait(service, process, 0, &ended);
    return waited == PANTHER_OK ? judge_client(service, &ended) : waited;
}

static int plan(const void *settings, struct panther_plan *plan)
{
    const struct minip *minip_settings = settings;
    panther_plan_command(plan,
                         PANTHER_TEXTS("minip_server", "--address", "ADDRESS", "--port", "PORT", "--variant", minip_settings->variant));
    return PANTHER_OK;
}

// ---- what is installed: the programs are part of this plugin

#define VERSION "1.0"

static int get_version(char *text, size_t text_bytes)
{
    snprintf(text, text_bytes, VERSION);
    return PANTHER_OK;
}

static int get_capabilities(struct panther_capabilities *capabilities)
{
    panther_capability(capabilities, "minip/1");
    return PANTHER_OK;
}

static const struct panther_iut iut = {.get_implementation_version = get_version, .get_implementation_capabilities = get_capabilities};

PANTHER_PLUGIN(.name = "minip", .kind = PANTHER_IUT, .version = VERSION,
               .summary = "ping-pong over UDP that works, is flaky, fails or crashes as asked: to test testers with",
               .protocols = PANTHER_PROTOCOLS({"minip", PANTHER_TEXTS("1"), PANTHER_TEXTS("server", "client")}), .options = options,
               .settings_bytes = sizeof(struct minip), .initialize = initialize, .start = start, .execute = execute, .plan = plan,
               .iut = &iut);
