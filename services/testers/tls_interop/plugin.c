// tls_interop: two TLS stacks, OpenSSL's and GnuTLS' clients, against the server under test: versions, ciphers, groups, ALPN, resumption,
// and what must not be: an old version, a certificate for another name, an expired one.
#include "client.h"

#include <panther/plugin.h>

#include <assert.h>
#include <string.h>

struct tls_interop {
    struct panther_list clients, versions, ciphers, groups;
    const char *alpn, *name, *expect;
    uint64_t timeout;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_LIST(struct tls_interop, clients, "openssl,gnutls", "the clients: openssl, gnutls"),
    PANTHER_OPTION_LIST(struct tls_interop, versions, "1.2,1.3", "TLS versions that the server must speak: 1.2, 1.3"),
    PANTHER_OPTION_LIST(struct tls_interop, ciphers, "AES-128-GCM,AES-256-GCM,CHACHA20-POLY1305",
                        "that the server must speak: AES-128-GCM, AES-256-GCM, CHACHA20-POLY1305"),
    PANTHER_OPTION_LIST(struct tls_interop, groups, "X25519,P-256,P-384", "that the server must speak: X25519, P-256, P-384"),
    PANTHER_OPTION_STRING(struct tls_interop, alpn, "http/1.1", "protocol that the server must choose"),
    PANTHER_OPTION_STRING(struct tls_interop, name, "localhost", "that the server's certificate must be for"),
    PANTHER_OPTION_CHOICE(struct tls_interop, expect, "accepted", "what verifying clients must make of the server's certificate",
                          "accepted", "expired", "wrong_name"),
    PANTHER_OPTION_DURATION(struct tls_interop, timeout, "5s", 100, 600000, "that one connection may take"),
    PANTHER_OPTIONS_END,
};

static const struct panther_case cases[] = {
    {"versions", "the server speaks each version", 0, NULL},
    {"ciphers", "the server speaks each cipher, in each version", 0, NULL},
    {"groups", "the server speaks each group (TLS 1.3)", 0, NULL},
    {"alpn", "the server chooses the protocol that is offered", 0, NULL},
    {"resumption", "a session is resumed, in each version", 0, NULL},
    {"certificate", "verifying clients accept the certificate, or refuse it for the expected reason", 0, NULL},
    {"other_name", "verifying clients refuse the certificate when they want another name", 0, NULL},
    {"old_version", "the server refuses TLS 1.0 and 1.1 (RFC 8996)", 0, NULL},
    {NULL, NULL, 0, NULL},
};

static struct {
    const struct tls_interop *settings;
    const struct panther_endpoint *endpoint;
    bool uses[CLIENTS];
} tester;

// ---- settings

static bool is_among(const char *text, const char *const *known, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(known[i], text) == 0)
            return true;
    return false;
}

static int check_list(struct panther_service *service, const char *option, const struct panther_list *list, const char *const *known)
{
    size_t count = 0;
    while (known[count])
        count++;
    for (size_t i = 0; i < list->count; i++)
        if (!is_among(list->items[i], known, count))
            return panther_fail(service, "%s: \"%s\" is not known here", option, list->items[i]);
    return list->count > 0 ? PANTHER_OK : panther_fail(service, "%s: the list is empty", option);
}

static int check_settings(struct panther_service *service, const struct tls_interop *settings)
{
    int result = check_list(service, "clients", &settings->clients, PANTHER_TEXTS("openssl", "gnutls"));
    if (result == PANTHER_OK)
        result = check_list(service, "versions", &settings->versions, PANTHER_TEXTS("1.2", "1.3"));
    if (result == PANTHER_OK)
        result = check_list(service, "ciphers", &settings->ciphers, PANTHER_TEXTS("AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"));
    return result == PANTHER_OK ? check_list(service, "groups", &settings->groups, PANTHER_TEXTS("X25519", "P-256", "P-384")) : result;
}

static const struct panther_endpoint *find_endpoint(const struct panther_peer *server)
{
    static const char *const names[] = {"tls", "https", "mqtts", NULL}; // the last: any with TCP
    const struct panther_endpoint *endpoint = NULL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !endpoint; i++)
        endpoint = panther_endpoint(server, names[i], PANTHER_TCP);
    return endpoint;
}

static int initialize(struct panther_service *service, const void *settings)
{
    tester.settings = settings;
    tester.endpoint = find_endpoint(panther_driven(service, "server", 0));
    if (!tester.endpoint)
        return panther_fail(service, "the driven server has no TCP port");
    for (size_t i = 0; i < tester.settings->clients.count; i++)
        tester.uses[strcmp(tester.settings->clients.items[i], "gnutls") == 0 ? GNUTLS : OPENSSL] = true;
    return check_settings(service, tester.settings);
}

// ---- one connection, and what is wrong with it

struct look {
    struct panther_service *service;
    enum client client;
    struct wish wish;
    struct report report;
    unsigned done; // connections that were as they should be
};

static const char *wish_text(const struct look *look)
{
    const struct wish *wish = &look->wish;
    return panther_format(look->service, "%s%s%s%s%s%s%s", client_name(look->client), wish->version ? ", TLS " : "",
                          wish->version ? wish->version : "", wish->cipher ? ", " : "", wish->cipher ? wish->cipher : "",
                          wish->group ? ", " : "", wish->group ? wish->group : "");
}

// False: the verdict is said, or the host will say it.
static bool is_wrong(struct look *look, enum panther_reason reason, const char *what)
{
    const char *problem = look->report.problem;
    panther_result(look->service, PANTHER_FAIL, reason, "%s: %s%s%s", wish_text(look), what, problem[0] ? ": " : "", problem);
    return false;
}

// Connects; false when it is not known what came of it.
static bool connect_once(struct look *look)
{
    struct report *report = &look->report;
    if (client_connect(look->service, look->client, tester.endpoint, &look->wish, tester.settings->timeout, report) != PANTHER_OK) {
        panther_result(look->service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "%s could not be run", client_name(look->client));
        return false;
    }
    if (report->is_cancelled)
        return false;
    if (report->signal != 0) {
        panther_result(look->service, PANTHER_INCONC, PANTHER_REASON_KILLED, "%s was ended by signal %d", wish_text(look), report->signal);
        return false;
    }
    return true;
}

static bool connects(struct look *look)
{
    if (!connect_once(look))
        return false;
    const struct report *report = &look->report;
    if (!report->is_connected)
        return is_wrong(look, report->is_late ? PANTHER_REASON_TIMEOUT : PANTHER_REASON_ASSERTION, "no handshake");
    if (look->wish.version && strcmp(report->version, look->wish.version) != 0)
        return is_wrong(look, PANTHER_REASON_VIOLATION, panther_format(look->service, "the server chose TLS %s", report->version));
    look->done++;
    return true;
}

static bool is_refused(struct look *look, const char *because_openssl, const char *because_gnutls)
{
    if (!connect_once(look))
        return false;
    const char *because = look->client == OPENSSL ? because_openssl : because_gnutls;
    if (look->report.is_connected)
        return is_wrong(look, PANTHER_REASON_ASSERTION, "the certificate was accepted");
    if (!strstr(look->report.problem, because))
        return is_wrong(look, PANTHER_REASON_ASSERTION, panther_format(look->service, "not refused as \"%s\"", because));
    look->done++;
    return true;
}

// What the server shows is what is trusted: its own authority is known to nobody else. Name and dates are still verified.
static bool trust_what_is_shown(struct look *look)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    struct look first = {.service = look->service, .client = OPENSSL};
    if (!connects(&first))
        return false;
    const char *from = strstr(first.report.output, begin), *to = from ? strstr(from, end) : NULL;
    if (!to)
        return is_wrong(&first, PANTHER_REASON_ASSERTION, "the server showed no certificate");
    look->wish.trusted = panther_write_file(look->service, "trusted.pem", "%.*s\n", (int)(to + sizeof(end) - 1 - from), from);
    return look->wish.trusted != NULL;
}

// ---- the cases, for one client

static bool for_each_version(struct look *look, bool (*check)(struct look *look))
{
    for (size_t i = 0; i < tester.settings->versions.count; i++) {
        look->wish.version = tester.settings->versions.items[i];
        if (!check(look))
            return false;
    }
    return true;
}

static bool check_versions(struct look *look)
{
    return for_each_version(look, connects);
}

static bool each_cipher(struct look *look)
{
    for (size_t i = 0; i < tester.settings->ciphers.count; i++) {
        look->wish.cipher = tester.settings->ciphers.items[i];
        if (!connects(look))
            return false;
        if (!report_has_cipher(look->client, &look->report, look->wish.cipher))
            return is_wrong(look, PANTHER_REASON_VIOLATION, panther_format(look->service, "the server chose %s", look->report.chosen));
    }
    return true;
}

static bool check_ciphers(struct look *look)
{
    return for_each_version(look, each_cipher);
}

static bool each_group(struct look *look)
{
    for (size_t i = 0; i < tester.settings->groups.count; i++) {
        look->wish.group = tester.settings->groups.items[i];
        if (!connects(look))
            return false;
        if (!report_has_group(look->client, &look->report, look->wish.group))
            return is_wrong(look, PANTHER_REASON_VIOLATION, panther_format(look->service, "the server chose %s", look->report.chosen));
    }
    return true;
}

// In TLS 1.2 the groups of a client are those that it takes in certificates as well: what is tried there says nothing.
static bool check_groups(struct look *look)
{
    look->wish.version = "1.3";
    if (is_among("1.3", tester.settings->versions.items, tester.settings->versions.count))
        return each_group(look);
    panther_result(look->service, PANTHER_NONE, PANTHER_REASON_UNSUPPORTED, "groups are tried in TLS 1.3, which is not among the versions");
    return false;
}

static bool check_alpn(struct look *look)
{
    look->wish.alpn = tester.settings->alpn;
    if (!connects(look))
        return false;
    if (strcmp(look->report.alpn, look->wish.alpn) == 0)
        return true;
    return is_wrong(look, PANTHER_REASON_ASSERTION,
                    panther_format(look->service, "of %s the server chose \"%s\"", look->wish.alpn, look->report.alpn));
}

static bool resumes(struct look *look)
{
    look->wish.resumes = true;
    return connects(look) && (look->report.is_resumed || is_wrong(look, PANTHER_REASON_ASSERTION, "the session was not resumed"));
}

static bool check_resumption(struct look *look)
{
    return for_each_version(look, resumes);
}

static bool check_certificate(struct look *look)
{
    const char *expect = tester.settings->expect;
    if (!trust_what_is_shown(look))
        return false;
    look->wish.name = tester.settings->name;
    if (strcmp(expect, "expired") == 0)
        return is_refused(look, "certificate has expired", "uses expired certificate");
    if (strcmp(expect, "wrong_name") == 0)
        return is_refused(look, "hostname mismatch", "does not match the expected");
    return connects(look) && (look->report.is_verified || is_wrong(look, PANTHER_REASON_ASSERTION, "the certificate is not verified"));
}

static bool check_other_name(struct look *look)
{
    if (!trust_what_is_shown(look))
        return false;
    look->wish.name = "another.invalid";
    return is_refused(look, "hostname mismatch", "does not match the expected");
}

static bool check_old_version(struct look *look)
{
    look->wish.version = "1.1";
    if (!connect_once(look))
        return false;
    if (look->report.is_connected)
        return is_wrong(look, PANTHER_REASON_VIOLATION, panther_format(look->service, "the server speaks TLS %s", look->report.version));
    if (look->report.has_alert) {
        look->done++;
        return true;
    }
    // refused without an alert, or never offered: only a server that speaks another version was refused by it
    panther_result(look->service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "%s: neither a handshake nor an alert: %s", wish_text(look),
                   look->report.problem);
    return false;
}

static bool (*const checks[])(struct look *look) = {check_versions,   check_ciphers,     check_groups,     check_alpn,
                                                    check_resumption, check_certificate, check_other_name, check_old_version};
static_assert(sizeof(checks) / sizeof(checks[0]) + 1 == sizeof(cases) / sizeof(cases[0]), "every case has its check");

static int run_test(struct panther_service *service, const struct panther_case *test_case)
{
    size_t i = 0;
    unsigned done = 0;
    while (cases[i].name && strcmp(cases[i].name, test_case->name) != 0)
        i++;
    if (!cases[i].name)
        return panther_fail(service, "tls_interop has no case \"%s\"", test_case->name);
    for (int client = 0; client < CLIENTS; client++) {
        struct look look = {.service = service, .client = (enum client)client};
        if (!tester.uses[client])
            continue;
        if (!checks[i](&look))
            return PANTHER_OK;
        done += look.done;
    }
    return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "%u connections as they should be", done);
}

static int get_version(char *text, size_t text_bytes)
{
    return panther_command_output(
               PANTHER_TEXTS("sh", "-c", "echo $(openssl version | cut -d' ' -f1,2), $(gnutls-cli --version | head -n 1)"), text,
               text_bytes) == 0
               ? PANTHER_OK
               : PANTHER_FAILED;
}

static const struct panther_tester tls_interop = {.cases = cases, .run_test = run_test, .get_tool_version = get_version};

PANTHER_PLUGIN(.name = "tls_interop", .kind = PANTHER_TESTER, .version = "1.0",
               .summary = "OpenSSL's and GnuTLS' clients against a TLS server: versions, ciphers, groups, ALPN, resumption, certificates",
               .options = options, .settings_bytes = sizeof(struct tls_interop), .programs = PANTHER_TEXTS("openssl", "gnutls-cli"),
               .drives = PANTHER_DRIVES({"server", NULL, "server", true}), .initialize = initialize, .tester = &tls_interop);
