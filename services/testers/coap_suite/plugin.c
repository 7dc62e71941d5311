// coap_suite: does a CoAP server do what RFC 7252, 7959 (blocks) and 7641 (observe) demand? Messages byte by byte, one case per demand;
// cases.h lists them.
#include "cases.h"

#include <string.h>
#include <unistd.h>

static const struct panther_option options[] = {
    PANTHER_OPTION_STRING(struct coap_suite, readable, "time", "path of a resource that GET brings"),
    PANTHER_OPTION_STRING(struct coap_suite, writable, "panther", "path that PUT may create, with a number behind it; it can be observed"),
    PANTHER_OPTION_STRING(struct coap_suite, missing, "no-such-resource", "path of nothing"),
    PANTHER_OPTION_DURATION(struct coap_suite, timeout, "1s", 10, 60000, "wait so long for an answer, then ask again"),
    PANTHER_OPTION_DURATION(struct coap_suite, silence, "200ms", 10, 10000, "wait so long for an answer that need not come"),
    PANTHER_OPTION_INTEGER(struct coap_suite, tries, "3", 1, 10, "", "how often a request is sent before the server is silent"),
    PANTHER_OPTIONS_END,
};

#define CASE_ENTRY(NAME, SECTION, SUMMARY) {#NAME, SECTION ": " SUMMARY, 0, NULL},
static const struct panther_case cases[] = {COAP_CASES(CASE_ENTRY){NULL, NULL, 0, NULL}};

#define RUN_ENTRY(NAME, SECTION, SUMMARY) {SECTION, coap_case_##NAME},
static const struct {
    const char *section;
    void (*run)(struct coap *coap);
} runs[] = {COAP_CASES(RUN_ENTRY)};

static struct coap tester;

#define PATH_MAX_BYTES 200 // fits into a message beside a block of 1024 bytes

static int initialize(struct panther_service *service, const void *settings)
{
    const struct panther_peer *server = panther_driven(service, "server", 0);
    const struct coap_suite *set = settings;
    tester.service = service;
    tester.settings = set;
    tester.endpoint = server ? panther_endpoint(server, "coap", PANTHER_UDP) : NULL;
    tester.socket = -1;
    tester.last_id = (unsigned)(panther_seed(service) & 0xffff);
    tester.last_token = (unsigned)(panther_seed(service) >> 16);
    if (!tester.endpoint)
        return panther_fail(service, "the driven server has no UDP endpoint \"coap\"");
    const char *paths[] = {set->readable, set->writable, set->missing};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (paths[i][0] == '\0' || strlen(paths[i]) > PATH_MAX_BYTES)
            return panther_fail(service, "\"%s\" is no path of 1 to %d bytes", paths[i], PATH_MAX_BYTES);
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
        if (coap_open(&tester))
            runs[i].run(&tester);
        if (tester.socket >= 0)
            close(tester.socket);
        tester.socket = -1;
        if (tester.is_judged)
            return PANTHER_OK;
        return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "%s", cases[i].summary);
    }
    return panther_fail(service, "coap_suite has no case \"%s\"", test_case->name);
}

static const struct panther_tester coap_suite = {.cases = cases, .run_test = run_test};

PANTHER_PLUGIN(.name = "coap_suite", .kind = PANTHER_TESTER, .version = "1.0",
               .summary = "does a CoAP server do what RFC 7252, 7959, 7641 and 6690 demand",
               .protocols = PANTHER_PROTOCOLS({"coap", PANTHER_TEXTS("1"), PANTHER_TEXTS("client")}), .options = options,
               .settings_bytes = sizeof(struct coap_suite), .drives = PANTHER_DRIVES({"server", "coap", "server", true}),
               .initialize = initialize, .tester = &coap_suite);
