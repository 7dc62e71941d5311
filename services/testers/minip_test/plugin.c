// minip_test: judges a server of minip, the small protocol of services/iut/minip/minip, by the requirements of its README. Each violation
// is a fail that names its requirement.
#include "checks.h"

#include <panther/plugin.h>

#include <assert.h>
#include <string.h>

static const struct panther_option options[] = {
    PANTHER_OPTION_INTEGER(struct minip_test, pings, "20", 2, 100000, "", "PINGs of the case ping, and of every session of the case load"),
    PANTHER_OPTION_INTEGER(struct minip_test, size, "32", 0, 1024, "B",
                           "payload of the case ping's PINGs; the longest and none are always tried"),
    PANTHER_OPTION_INTEGER(struct minip_test, sessions, "64", 1, 1024, "", "sessions of the case load; a server must keep 64"),
    PANTHER_OPTION_DURATION(struct minip_test, timeout, "500ms", 10, 60000, "that an answer may take before the message is sent again"),
    PANTHER_OPTION_INTEGER(struct minip_test, tries, "3", 1, 100, "", "how often a message is sent until it counts as not answered"),
    PANTHER_OPTIONS_END,
};

static const struct panther_case cases[] = {
    {"ping", "every PING gets its PONG, with its payload (M1, M2)", 0, NULL},
    {"sequence", "repeated and wrong sequences (M3, M4)", 0, NULL},
    {"unknown", "unknown types and versions (M5)", 0, NULL},
    {"malformed", "malformed datagrams are not answered and do no harm (M6)", 0, NULL},
    {"session", "sessions open and close (M1, M7, M8)", 0, NULL},
    {"load", "many sessions at once (M2, M9)", 0, NULL},
    {NULL, NULL, 0, NULL},
};

// In the order of the cases.
static int (*const checks[])(struct check *check) = {check_ping, check_sequence, check_unknown, check_malformed, check_session, check_load};
static_assert(sizeof(checks) / sizeof(checks[0]) + 1 == sizeof(cases) / sizeof(cases[0]), "every case has its check");

static struct {
    const struct minip_test *settings;
    const struct panther_endpoint *endpoint;
    uint64_t sessions_used;
} tester;

static int initialize(struct panther_service *service, const void *settings)
{
    const struct panther_peer *server = panther_driven(service, "server", 0);
    tester.settings = settings;
    tester.endpoint = server ? panther_endpoint(server, NULL, PANTHER_UDP) : NULL;
    return tester.endpoint ? PANTHER_OK : panther_fail(service, "the driven server has no UDP port");
}

static int run_test(struct panther_service *service, const struct panther_case *test_case)
{
    struct link link = {.socket = -1, .timeout_ms = tester.settings->timeout, .tries = tester.settings->tries};
    struct check check = {.service = service, .settings = tester.settings, .link = &link, .sessions_used = &tester.sessions_used};
    size_t i = 0;
    while (cases[i].name && strcmp(cases[i].name, test_case->name) != 0)
        i++;
    if (!cases[i].name)
        return panther_fail(service, "minip_test has no case \"%s\"", test_case->name);
    int result = link_open(service, &link, tester.endpoint);
    if (result == PANTHER_OK)
        result = checks[i](&check);
    link_close(&link);
    return result;
}

static const struct panther_tester minip_test = {.cases = cases, .run_test = run_test};

PANTHER_PLUGIN(.name = "minip_test", .kind = PANTHER_TESTER, .version = "1.0", .summary = "judges servers of minip by its requirements",
               .protocols = PANTHER_PROTOCOLS({"minip", PANTHER_TEXTS("1"), PANTHER_TEXTS("client")}), .options = options,
               .settings_bytes = sizeof(struct minip_test), .drives = PANTHER_DRIVES({"server", "minip", "server", true}),
               .initialize = initialize, .tester = &minip_test);
