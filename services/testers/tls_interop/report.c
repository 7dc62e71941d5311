// Reads what the two client programs print. Their exit status says less: both end with 1 for a refused certificate as for a lost network.
#include "client.h"

#include <stdio.h>
#include <string.h>

static const char *line_with(struct panther_service *service, const char *text, const char *part)
{
    const char *found = strstr(text, part);
    if (!found)
        return "";
    const char *begin = found;
    while (begin > text && begin[-1] != '\n')
        begin--;
    return panther_format(service, "%.*s", (int)strcspn(begin, "\r\n"), begin);
}

// The rest of the line behind the first of these words; "" when there is none.
static const char *after(struct panther_service *service, const char *text, const char *words)
{
    const char *found = strstr(text, words);
    return found ? panther_format(service, "%.*s", (int)strcspn(found + strlen(words), "\r\n"), found + strlen(words)) : "";
}

static void read_openssl(struct panther_service *service, const char *output, const char *errors, struct report *report)
{
    const char *state = line_with(service, output, ", Cipher is ");
    char version[8] = "";
    // a client that refuses the certificate has agreed on a cipher before
    report->is_connected = state[0] != '\0' && !strstr(state, "(NONE)") && !strstr(errors, "certificate verify failed");
    report->is_resumed = strncmp(state, "Reused", 6) == 0;
    // the session says the version; of TLS 1.3, which has no session without a ticket, the cipher does
    const char *session = after(service, output, "Protocol  : TLSv");
    if (report->is_connected && (sscanf(session, "%7[0-9.]", version) == 1 || sscanf(state, "%*[^,], TLSv%7[0-9.]", version) == 1))
        report->version = panther_format(service, "%s", strcmp(version, "1") == 0 ? "1.0" : version);
    report->chosen = panther_format(service, "%s; %s", after(service, state, ", Cipher is "), after(service, output, "Server Temp Key: "));
    report->alpn = after(service, output, "ALPN protocol: ");
    report->is_verified = strstr(output, "Verified peername: ") && strstr(output, "Verify return code: 0 (ok)");
    report->problem = line_with(service, errors, "verify error:");
    if (report->problem[0] == '\0')
        report->problem = line_with(service, errors, "error:");
    if (report->problem[0] == '\0')
        report->problem = line_with(service, errors, "errno=");
}

static void read_gnutls(struct panther_service *service, const char *output, const char *errors, struct report *report)
{
    report->is_connected = strstr(output, "- Handshake was completed") != NULL;
    report->is_resumed = strstr(output, "*** This is a resumed session") != NULL;
    report->is_verified = report->is_connected && strstr(output, "- Status: The certificate is trusted.") != NULL;
    report->chosen = after(service, output, "- Description: (");
    char version[8] = "";
    if (report->is_connected && sscanf(report->chosen, "TLS%7[0-9.]", version) == 1)
        report->version = panther_format(service, "%s", version);
    report->alpn = after(service, output, "- Application protocol: ");
    report->problem = line_with(service, output, "The certificate is NOT trusted.");
    static const char *const words[] = {"*** Received alert", "*** Fatal error", "Could not connect"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && report->problem[0] == '\0'; i++)
        report->problem = line_with(service, output, words[i]);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && report->problem[0] == '\0'; i++)
        report->problem = line_with(service, errors, words[i]);
}

void report_read(struct panther_service *service, enum client client, const struct wish *wish, const char *output, const char *errors,
                 struct report *report)
{
    (void)wish;
    report->version = "";
    report->output = output;
    (client == OPENSSL ? read_openssl : read_gnutls)(service, output, errors, report);
    report->has_alert = strstr(errors, "SSL alert number") || strstr(output, "Received alert") || strstr(errors, "Received alert");
}

bool report_has_cipher(enum client client, const struct report *report, const char *cipher)
{
    static const struct {
        const char *name, *words[2];
    } ciphers[] = {
        {"AES-128-GCM", {"AES128-GCM", "AES_128_GCM"}},
        {"AES-256-GCM", {"AES256-GCM", "AES_256_GCM"}},
        {"CHACHA20-POLY1305", {"CHACHA20-POLY1305", "CHACHA20_POLY1305"}},
    };
    if (client == GNUTLS)
        return strstr(report->chosen, cipher) != NULL;
    for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
        if (strcmp(ciphers[i].name, cipher) == 0)
            return strstr(report->chosen, ciphers[i].words[0]) || strstr(report->chosen, ciphers[i].words[1]);
    return false;
}

bool report_has_group(enum client client, const struct report *report, const char *group)
{
    const char *word = group;
    if (strcmp(group, "P-256") == 0)
        word = client == OPENSSL ? "prime256v1" : "SECP256R1";
    if (strcmp(group, "P-384") == 0)
        word = client == OPENSSL ? "secp384r1" : "SECP384R1";
    return strstr(report->chosen, word) != NULL;
}
