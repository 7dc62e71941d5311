// One TLS connection by one of the two client programs: what is asked for, and what came of it.
#ifndef TLS_INTEROP_CLIENT_H
#define TLS_INTEROP_CLIENT_H

#include <panther/service.h>

enum client { OPENSSL, GNUTLS };
#define CLIENTS 2

// NULL: the client's default.
struct wish {
    const char *version; // "1.1", "1.2", "1.3"
    const char *cipher;  // "AES-128-GCM"
    const char *group;   // "X25519", "P-256", "P-384"
    const char *alpn;
    const char *name;    // that the certificate must be for; NULL: it is not verified
    const char *trusted; // file with what is trusted
    bool resumes;        // connects twice, and the second time with the session of the first
};

struct report {
    bool is_late, is_cancelled; // it had to be ended
    int signal;                 // that ended it; 0: none
    bool is_connected;          // the handshake was completed
    bool is_verified;
    bool is_resumed;
    bool has_alert;      // the server refused
    const char *version; // "1.3"; "" when not connected
    const char *chosen;  // cipher and group in the client's words
    const char *alpn;    // ""
    const char *problem; // the client's words, "" when there are none
    const char *output;  // all of stdout
};

const char *client_name(enum client client);
// 0, or below 0 with the reason kept.
int client_connect(struct panther_service *service, enum client client, const struct panther_endpoint *endpoint, const struct wish *wish,
                   uint64_t timeout_ms, struct report *report);

// report.c
void report_read(struct panther_service *service, enum client client, const struct wish *wish, const char *output, const char *errors,
                 struct report *report);
// Did it get the cipher, the group that it asked for?
bool report_has_cipher(enum client client, const struct report *report, const char *cipher);
bool report_has_group(enum client client, const struct report *report, const char *group);

#endif
