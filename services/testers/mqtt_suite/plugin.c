// mqtt_suite: does an MQTT server do what MQTT 3.1.1 demands, and the simple part of 5.0? Packets byte by byte, one case per demand;
// cases.h lists them.
#include "cases.h"

#include <string.h>

static const struct panther_option options[] = {
    PANTHER_OPTION_STRING(struct mqtt_suite, prefix, "panther", "first level of the topics that are used"),
    PANTHER_OPTION_DURATION(struct mqtt_suite, timeout, "2s", 10, 60000, "wait so long for a packet that has to come"),
    PANTHER_OPTION_DURATION(struct mqtt_suite, silence, "200ms", 10, 10000, "wait so long for one that need not come"),
    PANTHER_OPTION_DURATION(struct mqtt_suite, slack, "10s", 100, 60000,
                            "so much later than 1.5 times its keep alive a client may be disconnected"),
    PANTHER_OPTIONS_END,
};

#define CASE_ENTRY(NAME, SECTION, SUMMARY) {#NAME, SECTION ": " SUMMARY, 0, NULL},
static const struct panther_case cases[] = {MQTT_CASES(CASE_ENTRY){NULL, NULL, 0, NULL}};

#define RUN_ENTRY(NAME, SECTION, SUMMARY) {SECTION, mqtt_case_##NAME},
static const struct {
    const char *section;
    void (*run)(struct mqtt *mqtt);
} runs[] = {MQTT_CASES(RUN_ENTRY)};

static struct mqtt tester;

static int initialize(struct panther_service *service, const void *settings)
{
    const struct panther_peer *server = panther_driven(service, "server", 0);
    tester.service = service;
    tester.settings = settings;
    tester.endpoint = server ? panther_endpoint(server, "mqtt", PANTHER_TCP) : NULL;
    if (!tester.endpoint)
        return panther_fail(service, "the driven server has no TCP endpoint \"mqtt\"");
    const char *prefix = tester.settings->prefix;
    if (prefix[0] == '\0' || prefix[0] == '$' || strpbrk(prefix, "+#") || strlen(prefix) > 100)
        return panther_fail(service, "prefix: \"%s\" is no topic: 1 to 100 characters, no + or #, no $ in front", prefix);
    for (unsigned i = 0; i < MQTT_CLIENTS_MAX; i++)
        tester.clients[i].connection = -1;
    return PANTHER_OK;
}

static int run_test(struct panther_service *service, const struct panther_case *test_case)
{
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        if (strcmp(test_case->name, cases[i].name) != 0)
            continue;
        tester.section = runs[i].section;
        tester.is_judged = false;
        tester.runs++;
        runs[i].run(&tester);
        for (unsigned k = 0; k < MQTT_CLIENTS_MAX; k++)
            mqtt_leave(&tester, &tester.clients[k]);
        if (tester.is_judged)
            return PANTHER_OK;
        return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "%s", cases[i].summary);
    }
    return panther_fail(service, "mqtt_suite has no case \"%s\"", test_case->name);
}

static const struct panther_tester mqtt_suite = {.cases = cases, .run_test = run_test};

PANTHER_PLUGIN(.name = "mqtt_suite", .kind = PANTHER_TESTER, .version = "1.0",
               .summary = "does an MQTT server do what MQTT 3.1.1 demands: QoS, sessions, wills, retained messages, malformed packets",
               .protocols = PANTHER_PROTOCOLS({"mqtt", PANTHER_TEXTS("3.1.1", "5"), PANTHER_TEXTS("client")}), .options = options,
               .settings_bytes = sizeof(struct mqtt_suite), .drives = PANTHER_DRIVES({"server", "mqtt", "server", true}),
               .initialize = initialize, .tester = &mqtt_suite);
