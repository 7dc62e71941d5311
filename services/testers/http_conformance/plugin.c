// http_conformance: does a web server keep to RFC 9110, 9112 and 9113? Each case speaks to it over a raw socket (TLS by GnuTLS) and judges
// what comes back. Only a MUST that was broken fails a case; a SHOULD that was not followed is a note in plugin.log.
#include "cases.h"

#include "h1_client.h"
#include "h2_expect.h"

#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct panther_option options[] = {
    PANTHER_OPTION_SIZE(struct settings, size, "1KiB", 100, 16384, "the small file that is asked for, /BYTES.bin"),
    PANTHER_OPTION_SIZE(struct settings, large, "5MiB", 200000, 67108864, "the large one, for bodies and flow control"),
    PANTHER_OPTION_STRING(struct settings, folder, "",
                          "path of a folder of the server, without its last slash; without it h1_redirect judges nothing"),
    PANTHER_OPTION_CHOICE(struct settings, scheme, "auto", "auto: https when the server's port is called so", "auto", "http", "https"),
    PANTHER_OPTION_DURATION(struct settings, patience, "5s", 100, 600000, "what a server must do at once may take so long"),
    PANTHER_OPTION_SIZE(struct settings, oversize, "32KiB", 1024, 1048576, "bytes of a target and of a field that are too long"),
    PANTHER_OPTIONS_END,
};

#define CASE_ONE(NAME, SECTION, SUMMARY) {#NAME, SUMMARY " (" SECTION ")", 0, PANTHER_TEXTS("http/1.1")},
#define CASE_TWO(NAME, SECTION, SUMMARY) {#NAME, SUMMARY " (" SECTION ")", 0, PANTHER_TEXTS("http/2")},
#define CASE_UPGRADE(NAME, SECTION, SUMMARY) {#NAME, SUMMARY " (" SECTION ")", 0, PANTHER_TEXTS("http/2", "h2c")},
static const struct panther_case cases[] = {CASES_H1(CASE_ONE) CASES_H2(CASE_TWO) CASES_UPGRADE(CASE_UPGRADE){NULL, NULL, 0, NULL}};

#define CASE_ROW(NAME, SECTION, SUMMARY) {SECTION, case_##NAME},
static const struct {
    const char *section;
    void (*run)(struct run *run);
} functions[] = {CASES(CASE_ROW)}; // as cases

static struct {
    const struct settings *settings;
    const struct panther_endpoint *endpoint;
    bool tls;
} tester;

static int initialize(struct panther_service *service, const void *settings)
{
    const struct panther_peer *server = panther_driven(service, "server", 0);
    tester.settings = settings;
    tester.endpoint = server ? panther_endpoint(server, NULL, PANTHER_TCP) : NULL;
    if (!tester.endpoint)
        return panther_fail(service, "the driven server has no TCP port");
    if (panther_driven(service, "server", 1))
        return panther_fail(service, "http_conformance drives one server at a time; give each server a tester of its own");
    tester.tls = strcmp(strcmp(tester.settings->scheme, "auto") == 0 ? tester.endpoint->name : tester.settings->scheme, "https") == 0;
    signal(SIGPIPE, SIG_IGN);
    return PANTHER_OK;
}

static void judge(struct run *run, void (*function)(struct run *run))
{
    function(run);
    // a server that falls over what it was sent, or that was not there, has passed nothing
    if (run->text[0] != '\0' && !run_is_bad(run))
        (run->is_http2 ? h2_still_answers : h1_still_answers)(run);
}

static int run_test(struct panther_service *service, const struct panther_case *test_case)
{
    size_t number = 0;
    while (cases[number].name && strcmp(cases[number].name, test_case->name) != 0)
        number++;
    if (!cases[number].name)
        return panther_fail(service, "http_conformance has no case \"%s\"", test_case->name);
    const char *version = cases[number].needs[0] + strlen("http/");
    const char *spoken = panther_protocol_version(service); // "": whatever the server speaks
    if (spoken[0] != '\0' && strcmp(spoken, version) != 0)
        return panther_result(service, PANTHER_NONE, PANTHER_REASON_UNSUPPORTED, "the trial's protocol is HTTP/%s, the case's HTTP/%s",
                              spoken, version);
    struct run run = {.service = service,
                      .settings = tester.settings,
                      .endpoint = tester.endpoint,
                      .tls = tester.tls,
                      .is_http2 = strcmp(version, "2") == 0,
                      .section = functions[number].section};
    judge(&run, functions[number].run);
    run_release(&run);
    if (run.text[0] == '\0')
        return panther_fail(service, "the case %s has said nothing", test_case->name);
    return panther_result(service, run.verdict, run.reason, "%s", run.text);
}

static int get_version(char *text, size_t text_bytes)
{
    snprintf(text, text_bytes, "1.0 (GnuTLS %s)", gnutls_check_version(NULL));
    return PANTHER_OK;
}

static const struct panther_tester http_conformance = {.cases = cases, .run_test = run_test, .get_tool_version = get_version};

PANTHER_PLUGIN(.name = "http_conformance", .kind = PANTHER_TESTER, .version = "1.0",
               .summary = "does a web server keep to RFC 9110, 9112 (HTTP/1.1) and 9113 (HTTP/2)?",
               .protocols = PANTHER_PROTOCOLS({"http", PANTHER_TEXTS("1.1", "2"), PANTHER_TEXTS("client")}), .options = options,
               .settings_bytes = sizeof(struct settings), .drives = PANTHER_DRIVES({"server", "http", "server", true}),
               .initialize = initialize, .tester = &http_conformance);
