// The command lines of openssl s_client and gnutls-cli. Both get an HTTP request on stdin, so that data goes both ways, and a TLS 1.3
// server has the time to send its tickets; a server of another protocol answers or closes as it likes.
#include "client.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char request_and_run[] = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | exec \"$@\"";

const char *client_name(enum client client)
{
    return client == OPENSSL ? "openssl" : "gnutls";
}

static void add(struct panther_service *service, struct panther_arguments *argv, const char *option, const char *value)
{
    panther_argument(service, argv, "%s", option);
    if (value)
        panther_argument(service, argv, "%s", value);
}

// ---- openssl s_client

static const char *openssl_group(const char *group)
{
    return strcmp(group, "P-256") == 0 ? "prime256v1" : strcmp(group, "P-384") == 0 ? "secp384r1" : group;
}

static void openssl_cipher(struct panther_service *service, struct panther_arguments *argv, const struct wish *wish)
{
    static const struct {
        const char *name, *suite_13, *suites_12;
    } ciphers[] = {
        {"AES-128-GCM", "TLS_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"},
        {"AES-256-GCM", "TLS_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"},
        {"CHACHA20-POLY1305", "TLS_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"},
    };
    for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
        if (strcmp(ciphers[i].name, wish->cipher) != 0)
            continue;
        bool is_13 = wish->version && strcmp(wish->version, "1.3") == 0;
        add(service, argv, is_13 ? "-ciphersuites" : "-cipher", is_13 ? ciphers[i].suite_13 : ciphers[i].suites_12);
    }
}

static void openssl_arguments(struct panther_service *service, const struct panther_endpoint *endpoint, const struct wish *wish,
                              const char *session, bool again, struct panther_arguments *argv)
{
    panther_argument(service, argv, "openssl");
    panther_argument(service, argv, "s_client");
    add(service, argv, "-connect", panther_endpoint_text(service, endpoint));
    add(service, argv, "-ign_eof", NULL);
    add(service, argv, "-showcerts", NULL);
    add(service, argv, "-servername", wish->name ? wish->name : "localhost");
    if (wish->version)
        panther_argument(service, argv, "-tls1_%c", wish->version[2]);
    if (wish->version && strcmp(wish->version, "1.1") == 0)
        add(service, argv, "-cipher", "DEFAULT@SECLEVEL=0"); // without it the client itself refuses
    if (wish->cipher)
        openssl_cipher(service, argv, wish);
    if (wish->group)
        add(service, argv, "-groups", openssl_group(wish->group));
    if (wish->alpn)
        add(service, argv, "-alpn", wish->alpn);
    if (wish->name) {
        add(service, argv, "-verify_return_error", NULL);
        add(service, argv, "-verify_hostname", wish->name);
        add(service, argv, "-partial_chain", NULL);
        add(service, argv, "-CAfile", wish->trusted);
    }
    if (session)
        add(service, argv, again ? "-sess_in" : "-sess_out", session);
}

// ---- gnutls-cli

static const char *gnutls_priority(struct panther_service *service, const struct wish *wish)
{
    const char *priority = "NORMAL";
    if (wish->version && strcmp(wish->version, "1.1") == 0)
        priority = "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0";
    else if (wish->version)
        priority = panther_format(service, "NORMAL:-VERS-ALL:+VERS-TLS%s", wish->version);
    if (wish->cipher)
        priority = panther_format(service, "%s:-CIPHER-ALL:+%s", priority, wish->cipher);
    if (wish->group)
        priority = panther_format(service, "%s:-GROUP-ALL:+GROUP-%s", priority,
                                  strcmp(wish->group, "P-256") == 0   ? "SECP256R1"
                                  : strcmp(wish->group, "P-384") == 0 ? "SECP384R1"
                                                                      : wish->group);
    return priority;
}

static void gnutls_arguments(struct panther_service *service, const struct panther_endpoint *endpoint, const struct wish *wish,
                             struct panther_arguments *argv)
{
    panther_argument(service, argv, "gnutls-cli");
    add(service, argv, "--priority", gnutls_priority(service, wish));
    add(service, argv, "--sni-hostname", wish->name ? wish->name : "localhost");
    if (wish->alpn)
        add(service, argv, "--alpn", wish->alpn);
    if (wish->name) {
        add(service, argv, "--verify-hostname", wish->name);
        add(service, argv, "--x509cafile", wish->trusted);
    } else {
        add(service, argv, "--no-ca-verification", NULL);
    }
    if (wish->resumes)
        add(service, argv, "--resume", NULL);
    add(service, argv, "--port", panther_format(service, "%u", endpoint->port));
    add(service, argv, endpoint->address, NULL);
}

// ---- running it

// Debian's openssl.cnf would keep a client from offering what it is asked for.
static const char *const environment[] = {"OPENSSL_CONF=/dev/null", "LC_ALL=C", NULL};
#define GRACE_MS 200

static int run(struct panther_service *service, enum client client, const struct wish *wish, const struct panther_arguments *tool,
               uint64_t timeout_ms, struct report *report)
{
    struct panther_arguments argv = {0};
    struct panther_exit ended = {0};
    panther_argument(service, &argv, "sh");
    panther_argument(service, &argv, "-c");
    panther_argument(service, &argv, "%s", request_and_run);
    panther_argument(service, &argv, "sh");
    for (size_t i = 0; i < tool->count; i++)
        panther_argument(service, &argv, "%s", tool->items[i]);
    int process = panther_spawn(service, .name = client_name(client), .argv = argv.items, .environment = environment, .finishes = true,
                                .want_output = true, .clean_on_term = true, .clean_statuses = (const int[]){1, 0});
    if (process < 0)
        return process;
    int waited = panther_wait(service, process, timeout_ms, &ended);
    if (waited != PANTHER_OK)
        panther_end(service, process, GRACE_MS);
    *report = (struct report){.is_late = waited == PANTHER_TIMED_OUT, .is_cancelled = waited == PANTHER_CANCELLED};
    report->signal = waited == PANTHER_OK && ended.signal         ? ended.signal
                     : waited == PANTHER_OK && ended.status > 128 ? ended.status - 128
                                                                  : 0;
    report_read(service, client, wish, panther_output(service, process, PANTHER_STDOUT, NULL),
                panther_output(service, process, PANTHER_STDERR, NULL), report);
    return PANTHER_OK;
}

int client_connect(struct panther_service *service, enum client client, const struct panther_endpoint *endpoint, const struct wish *wish,
                   uint64_t timeout_ms, struct report *report)
{
    struct panther_arguments argv = {0};
    static unsigned sessions; // a file each: one that is left from before would be resumed
    const char *session = wish->resumes ? panther_path(service, "session.%u.pem", ++sessions) : NULL;
    if (client == GNUTLS) {
        gnutls_arguments(service, endpoint, wish, &argv);
        return run(service, client, wish, &argv, timeout_ms, report);
    }
    openssl_arguments(service, endpoint, wish, session, false, &argv);
    int result = run(service, client, wish, &argv, timeout_ms, report);
    if (result != PANTHER_OK || !wish->resumes || !report->is_connected || access(session, R_OK) != 0)
        return result;
    argv = (struct panther_arguments){0};
    openssl_arguments(service, endpoint, wish, session, true, &argv);
    return run(service, client, wish, &argv, timeout_ms, report);
}
