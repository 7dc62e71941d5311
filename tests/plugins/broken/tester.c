// A tester of the small servers beside it, with one fault that the build chooses. Only for tests.
#include "faults.h"

#include <panther/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What a case takes when nobody stops it.
#define WORK_MS 300

static const struct panther_endpoint *endpoint;

static int initialize(struct panther_service *service, const void *settings)
{
    const struct panther_peer *server = panther_driven(service, "server", 0);
    (void)settings;
    endpoint = server != NULL ? panther_endpoint(server, NULL, PANTHER_TCP) : NULL;
    return endpoint != NULL ? 0 : panther_fail(service, "the server has no TCP port");
}

// broken_tool ADDRESS PORT: connects, and lives on for a while so that it can be killed.
static int run_tool(struct panther_service *service)
{
    struct panther_arguments argv = {0};
    panther_argument(service, &argv, "%s/broken_tool", panther_plugin_folder(service));
    panther_argument(service, &argv, "%s", endpoint->address);
    panther_argument(service, &argv, "%u", endpoint->port);
    return panther_spawn(service, .name = "tool", .argv = argv.items, .finishes = true, .want_output = true);
}

static int pass(struct panther_service *service)
{
    return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "connected");
}

static int run_connects(struct panther_service *service)
{
    struct panther_exit ended;
    const int tool = run_tool(service);
    if (tool < 0)
        return tool;
    const int waited = panther_wait(service, tool, 0, &ended);
    if (waited != PANTHER_OK)
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "the tool has not ended");
    if (ended.signal != 0)
        return FAULT == FAULT_PASS_FOR_KILLED
                   ? pass(service)
                   : panther_result(service, PANTHER_INCONC, PANTHER_REASON_KILLED, "the tool was killed by signal %d", ended.signal);
    // it exits with 0 whatever happened, as many tools do
    const bool connected = strstr(panther_output(service, tool, PANTHER_STDOUT, NULL), "connected") != NULL;
    if (!connected && FAULT != FAULT_PASS_WITHOUT_SERVER)
        return panther_result(service, PANTHER_FAIL, PANTHER_REASON_ASSERTION, "nobody accepts a connection");
    return pass(service);
}

static int run_test(struct panther_service *service, const struct panther_case *test_case)
{
    static char *kept;
    if (FAULT == FAULT_PASS_FOR_UNKNOWN && strcmp(test_case->name, "connects") != 0)
        return pass(service);
    if (strcmp(test_case->name, "connects") != 0)
        return panther_fail(service, "there is no case \"%s\"", test_case->name);
    if (FAULT == FAULT_GROWS) {
        kept = malloc(1024 * 1024);
        memset(kept, 1, 1024 * 1024);
    }
    if (FAULT == FAULT_DEAF_CASE)
        panther_pause(service, WORK_MS);
    while (FAULT == FAULT_DEAF_CASE && panther_is_cancelled(service))
        pause(); // in time, unless it is told to end: then never
    return FAULT == FAULT_NO_VERDICT ? panther_fail(service, "no idea") : run_connects(service);
}

static const struct panther_case cases[] = {
    {"connects", "the server accepts a connection", 0, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct panther_tester tester = {.cases = cases, .run_test = run_test};

PANTHER_PLUGIN(.name = NAME, .kind = PANTHER_TESTER, .version = "1.0", .summary = "breaks one clause",
               .protocols = PANTHER_PROTOCOLS({"broken", PANTHER_TEXTS("1"), PANTHER_TEXTS("client")}),
               .drives = PANTHER_DRIVES({"server", "broken", "server", true}), .initialize = initialize, .tester = &tester);
