// dns_conformance: is a DNS server's answer what the RFCs demand? Raw messages over UDP and TCP, one case per demand; cases.h lists them.
#include "cases.h"

#include <arpa/inet.h>
#include <string.h>

static const struct panther_option options[] = {
    PANTHER_OPTION_STRING(struct dns_conformance, zone, "test.example", "the zone that the server answers for"),
    PANTHER_OPTION_STRING(struct dns_conformance, name, "www", "a name in it that has an A record"),
    PANTHER_OPTION_STRING(struct dns_conformance, address, "192.0.2.7", "the IPv4 address of that name"),
    PANTHER_OPTION_STRING(struct dns_conformance, alias, "alias", "a name in it that is a CNAME of that name"),
    PANTHER_OPTION_STRING(struct dns_conformance, big, "big", "a name in it whose TXT records are more than 1400 bytes"),
    PANTHER_OPTION_STRING(struct dns_conformance, missing, "missing", "a name in it that does not exist"),
    PANTHER_OPTION_BOOLEAN(struct dns_conformance, authoritative, "false", "demand AA in answers from the zone"),
    PANTHER_OPTION_DURATION(struct dns_conformance, timeout, "1s", 10, 60000, "wait so long for an answer, then ask again"),
    PANTHER_OPTION_DURATION(struct dns_conformance, silence, "200ms", 10, 10000, "wait so long for an answer that need not come"),
    PANTHER_OPTION_INTEGER(struct dns_conformance, tries, "3", 1, 10, "", "how often a query is sent before the server is silent"),
    PANTHER_OPTIONS_END,
};

#define CASE_ENTRY(NAME, SECTION, SUMMARY) {#NAME, SECTION ": " SUMMARY, 0, NULL},
static const struct panther_case cases[] = {DNS_CASES(CASE_ENTRY){NULL, NULL, 0, NULL}};

#define RUN_ENTRY(NAME, SECTION, SUMMARY) {SECTION, dns_case_##NAME},
static const struct {
    const char *section;
    void (*run)(struct dns *dns);
} runs[] = {DNS_CASES(RUN_ENTRY)};

static struct dns tester;

static bool is_name(struct panther_service *service, const char *label)
{
    struct dns_name name;
    return label[0] != '\0' && dns_name_of(panther_format(service, "%s.%s", label, tester.settings->zone), &name);
}

static int initialize(struct panther_service *service, const void *settings)
{
    const struct panther_peer *server = panther_driven(service, "server", 0);
    const struct dns_conformance *set = settings;
    const char *labels[] = {set->name, set->alias, set->big, set->missing};
    struct in_addr address;
    tester = (struct dns){.service = service, .settings = set, .last_id = (unsigned)(panther_seed(service) & 0xffff)};
    tester.udp = server ? panther_endpoint(server, NULL, PANTHER_UDP) : NULL;
    tester.tcp = server ? panther_endpoint(server, NULL, PANTHER_TCP) : NULL;
    if (!tester.udp)
        return panther_fail(service, "the driven server has no UDP port");
    if (!tester.tcp)
        tester.tcp = tester.udp; // RFC 1035 4.2: the same number
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (!is_name(service, labels[i]))
            return panther_fail(service, "\"%s.%s\" is no domain name", labels[i], set->zone);
    if (inet_pton(AF_INET, set->address, &address) != 1)
        return panther_fail(service, "address: \"%s\" is not an IPv4 address", set->address);
    return PANTHER_OK;
}

static int run_test(struct panther_service *service, const struct panther_case *test_case)
{
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        if (strcmp(test_case->name, cases[i].name) != 0)
            continue;
        tester.section = runs[i].section;
        tester.is_judged = false;
        runs[i].run(&tester);
        if (tester.is_judged)
            return PANTHER_OK;
        return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "%s", cases[i].summary);
    }
    return panther_fail(service, "dns_conformance has no case \"%s\"", test_case->name);
}

static const struct panther_tester dns_conformance = {.cases = cases, .run_test = run_test};

PANTHER_PLUGIN(.name = "dns_conformance", .kind = PANTHER_TESTER, .version = "1.0",
               .summary = "does a DNS server answer as RFC 1035, 3597, 6891, 7766 and 8482 demand",
               .protocols = PANTHER_PROTOCOLS({"dns", PANTHER_TEXTS("1"), PANTHER_TEXTS("client")}), .options = options,
               .settings_bytes = sizeof(struct dns_conformance), .drives = PANTHER_DRIVES({"server", "dns", "server", true}),
               .initialize = initialize, .tester = &dns_conformance);
