// See demands.h.
#include "demands.h"

#include "rival.h"

#include <string.h>

#define CHACHA20_POLY1305 0x1303
#define AMPLIFICATION 3
#define DARK_S 1.5           // of two seconds in which the network brings nothing, beside what was on its way
#define RIVAL_SHARE 0.5      // of the transfer's time: both begin when they are executed, and one of them is slower in it
#define SHARED_KBITS 10500.0 // 10 Mbit a second, and what stood in the queue before the first slice
#define GOODPUT_S 0.7        // a mebibyte at 10 Mbit a second takes 0.84 s, with a buffer's worth at once

static bool shook_hands(const struct transcript *t)
{
    return t->connections > 0;
}
static bool one_only(const struct transcript *t)
{
    return t->retries == 0;
}
static bool sent_retry(const struct transcript *t)
{
    return t->retries > 0;
}
static bool sent_token(const struct transcript *t)
{
    return t->after_retry == 0 || t->tokens > 0;
}
static bool went_on_after_retry(const struct transcript *t)
{
    return t->after_retry > 0;
}
static bool two_connections(const struct transcript *t)
{
    return t->connections >= 2 && t->hellos >= 2;
}
// A HANDSHAKE_DONE may be lost when its client has what it wants: that it was sent says that the handshake was completed.
static bool two_completed(const struct transcript *t)
{
    return t->completed >= 2;
}
static bool resumed(const struct transcript *t)
{
    return t->resumed > 0;
}
static bool one_certificate(const struct transcript *t)
{
    return t->certificates < t->hellos;
}
static bool no_early_data(const struct transcript *t)
{
    return t->early_sent == 0;
}
static bool sent_early(const struct transcript *t)
{
    return t->early_sent > 0;
}
static bool accepted_early(const struct transcript *t)
{
    return t->early_accepted > 0;
}
static bool chacha20(const struct transcript *t)
{
    return t->cipher == CHACHA20_POLY1305;
}
static bool client_updated(const struct transcript *t)
{
    return t->phase[CLIENT][0] > 0 && t->phase[CLIENT][1] > 0;
}
static bool server_updated(const struct transcript *t)
{
    return t->phase[SERVER][0] > 0 && t->phase[SERVER][1] > 0;
}
static bool began_unknown(const struct transcript *t)
{
    return t->unknown_version;
}
static bool negotiated(const struct transcript *t)
{
    return t->negotiations > 0;
}
static bool is_v2(const struct transcript *t)
{
    return t->v2;
}
static bool is_http3(const struct transcript *t)
{
    return t->http3 > 0;
}
static bool many_streams(const struct transcript *t)
{
    return t->streams >= 3;
}
static bool one_connection(const struct transcript *t)
{
    return t->connections == 1;
}
static bool any_v6(const struct transcript *t)
{
    return t->v6 > 0;
}
static bool is_v6(const struct transcript *t)
{
    return t->v6 > 0 && t->v6 == t->datagrams[CLIENT] + t->datagrams[SERVER];
}
static bool corrupted_packets(const struct transcript *t)
{
    return t->corrupted > 0;
}
static bool was_limited(const struct transcript *t)
{
    return t->last_s - t->first_s >= GOODPUT_S;
}
static bool met_rival(const struct transcript *t)
{
    return rival_share(t) >= RIVAL_SHARE;
}
static bool shared_path(const struct transcript *t)
{
    return rival_kbits_of_both(t) <= SHARED_KBITS;
}
static bool from_two_addresses(const struct transcript *t)
{
    for (size_t i = 1; i < t->endpoints; i++) {
        const size_t bytes = strcspn(t->endpoint[0], " ") + 1;
        if (strncmp(t->endpoint[0], t->endpoint[i], bytes) != 0) {
            return true;
        }
    }
    return false;
}
static bool lost_packets(const struct transcript *t)
{
    return t->dropped > 0;
}
static bool was_dark(const struct transcript *t)
{
    return t->dropped > 0 && t->silence_s >= DARK_S;
}
static bool went_on(const struct transcript *t)
{
    return t->connections == 1 && t->hellos <= 1;
}
static bool is_slow(const struct transcript *t)
{
    return t->answer_s >= 1.0;
}
static bool from_two(const struct transcript *t)
{
    return t->endpoints > 1;
}
// Who forbids migration may drop what comes from elsewhere. (RFC 9000, 9)
static bool takes_part(const struct transcript *t)
{
    return !t->forbids_migration || t->acknowledges_moved || t->challenges[SERVER] > 0;
}
static bool drops_or_probes(const struct transcript *t)
{
    return !t->forbids_migration || !t->acknowledges_moved || t->challenges[SERVER] > 0;
}
static bool server_probed(const struct transcript *t)
{
    return t->challenges[SERVER] > 0;
}
static bool client_answered_probe(const struct transcript *t)
{
    return t->responses[CLIENT] > 0;
}
static bool may_migrate(const struct transcript *t)
{
    return !t->forbids_migration;
}
static bool client_probed(const struct transcript *t)
{
    return t->challenges[CLIENT] > 0;
}
static bool server_answered_probe(const struct transcript *t)
{
    return t->responses[SERVER] > 0;
}
static bool client_marks(const struct transcript *t)
{
    return t->ect[CLIENT] > 0;
}
static bool server_marks(const struct transcript *t)
{
    return t->ect[SERVER] > 0;
}
static bool client_counts(const struct transcript *t)
{
    return t->ack_ecn[CLIENT] > 0;
}
static bool server_counts(const struct transcript *t)
{
    return t->ack_ecn[SERVER] > 0;
}
static bool within_amplification(const struct transcript *t)
{
    return t->bytes_first[SERVER] <= AMPLIFICATION * t->bytes_first[CLIENT];
}

// In the order of urgency: what would make the demands after it meaningless comes first.
#define ASSERTION PANTHER_REASON_ASSERTION
#define VIOLATION PANTHER_REASON_VIOLATION
#define INCOMPLETE PANTHER_REASON_INCOMPLETE
#define UNSUPPORTED PANTHER_REASON_UNSUPPORTED
#define DEMANDS(...)                                                                                                                       \
    (const struct demand[])                                                                                                                \
    {                                                                                                                                      \
        __VA_ARGS__,                                                                                                                       \
        {                                                                                                                                  \
            NULL, PANTHER_REASON_NONE, NULL, PLAIN, EVENTS                                                                                 \
        }                                                                                                                                  \
    }

static const struct demands cases[] = {
    {"handshake",
     DEMANDS({one_only, ASSERTION, "server: it sent a Retry, which this case does not ask for (RFC 9000, 8.1.2)", PLAIN, EVENTS}),
     "HANDSHAKE_DONE was sent (RFC 9001, 4.1.2)"},
    {"transfer", DEMANDS({shook_hands, ASSERTION, "", PLAIN, EVENTS}), "the bytes are the server's (RFC 9000, 2.2)"},
    {"http3", DEMANDS({is_http3, ASSERTION, "server: it did not choose the ALPN h3 (RFC 9114, 3.1)", PLAIN, EVENTS}),
     "h3 was chosen (RFC 9114, 3.1)"},
    {"multiplexing",
     DEMANDS({one_connection, ASSERTION, "client: it used several connections (RFC 9000, 2)", PLAIN, EVENTS},
             {many_streams, ASSERTION, "client: fewer than three request streams (RFC 9000, 2.1)", READ_CLIENT, EVENTS}),
     "several request streams in one connection (RFC 9000, 2.1)"},
    {"retry",
     DEMANDS({sent_retry, ASSERTION, "server: it sent no Retry (RFC 9000, 8.1.2)", PLAIN, EVENTS},
             {went_on_after_retry, INCOMPLETE, "client: no Initial followed the Retry", PLAIN, EVENTS},
             {sent_token, VIOLATION, "client: its Initial after the Retry has no token (RFC 9000, 8.1.2)", PLAIN, EVENTS}),
     "a Retry, and an Initial with its token (RFC 9000, 8.1.2)"},
    {"resumption",
     DEMANDS({two_connections, ASSERTION, "client: it made no second connection (RFC 9001, 4.5)", PLAIN, EVENTS},
             {resumed, ASSERTION, "server or client: no ServerHello has a pre_shared_key (RFC 9001, 4.5; RFC 8446, 4.2.11)", PLAIN, EVENTS},
             {one_certificate, VIOLATION, "server: it sent a Certificate in a resumed handshake (RFC 8446, 2.2)", PLAIN, EVENTS},
             {no_early_data, ASSERTION, "client: it sent 0-RTT packets, which is another case (RFC 9001, 4.6)", PLAIN, EVENTS}),
     "the second handshake was resumed, without a Certificate (RFC 9001, 4.5)"},
    {"zerortt",
     DEMANDS({two_connections, ASSERTION, "client: it made no second connection (RFC 9001, 4.6)", PLAIN, EVENTS},
             {sent_early, ASSERTION, "client: it sent no 0-RTT packet (RFC 9001, 4.6)", PLAIN, EVENTS},
             {accepted_early, ASSERTION, "server: it did not accept 0-RTT, its EncryptedExtensions lack early_data (RFC 9001, 4.6.2)",
              PLAIN, EVENTS}),
     "0-RTT packets were sent and accepted (RFC 9001, 4.6.2)"},
    {"chacha20", DEMANDS({chacha20, ASSERTION, "server: it chose another cipher than ChaCha20-Poly1305 (RFC 9001, 5.3)", PLAIN, EVENTS}),
     "TLS_CHACHA20_POLY1305_SHA256 was chosen (RFC 9001, 5.3)"},
    {"keyupdate",
     DEMANDS({client_updated, ASSERTION, "client: its packets have one key phase only (RFC 9001, 6.1)", READ_CLIENT, EVENTS},
             {server_updated, VIOLATION, "server: it did not follow the key update (RFC 9001, 6.2)", ANSWER_SERVER, SERVER_HEARS_UPDATE}),
     "both sides sent packets of both key phases (RFC 9001, 6.2)"},
    {"versionnegotiation",
     DEMANDS({began_unknown, ASSERTION, "client: it did not begin with an unknown version (RFC 9000, 6)", PLAIN, EVENTS},
             {negotiated, ASSERTION, "server: it sent no Version Negotiation packet (RFC 9000, 6.1)", PLAIN, EVENTS}),
     "a Version Negotiation packet, then a handshake (RFC 9000, 6.2)"},
    {"v2", DEMANDS({is_v2, ASSERTION, "server: it sent no packet of version 2 (RFC 9369, 4)", PLAIN, EVENTS}),
     "the server changed to version 2 (RFC 9369, 4)"},
    {"ipv6",
     DEMANDS({any_v6, UNSUPPORTED, "network: it is one of IPv4, `family: ipv6` makes another", PLAIN, EVENTS},
             {is_v6, INCOMPLETE, "network: packets went over IPv4, too", PLAIN, EVENTS}),
     "every packet went over IPv6"},
    {"handshakeloss",
     DEMANDS({lost_packets, INCOMPLETE, "network: it dropped nothing", PLAIN, EVENTS},
             {two_completed, ASSERTION, "client: fewer handshakes than asked for (RFC 9002, 6.2)", PLAIN, EVENTS}),
     "handshakes were completed with packets lost (RFC 9002, 6.2)"},
    {"transferloss", DEMANDS({lost_packets, INCOMPLETE, "network: it dropped nothing", PLAIN, EVENTS}),
     "the bytes arrived with packets lost (RFC 9002, 6)"},
    {"handshakecorruption",
     DEMANDS({corrupted_packets, INCOMPLETE, "network: it corrupted nothing", PLAIN, EVENTS},
             {two_completed, ASSERTION, "client: fewer handshakes than asked for (RFC 9002, 6.2)", PLAIN, EVENTS}),
     "handshakes were completed with packets corrupted (RFC 9000, 5.2; RFC 9002, 6.2)"},
    {"transfercorruption", DEMANDS({corrupted_packets, INCOMPLETE, "network: it corrupted nothing", PLAIN, EVENTS}),
     "the bytes arrived with packets corrupted (RFC 9000, 5.2; RFC 9002, 6)"},
    {"blackhole",
     DEMANDS({was_dark, INCOMPLETE, "network: it was never dark for long while packets were sent", PLAIN, EVENTS},
             {went_on, ASSERTION, "client: it did not go on in its connection, but made another one (RFC 9002, 6.2.1)", PLAIN, EVENTS}),
     "the connection went on after two dark seconds (RFC 9002, 6.2.1; RFC 9000, 10.1)"},
    {"longrtt", DEMANDS({is_slow, INCOMPLETE, "network: the first answer came within a second", PLAIN, EVENTS}),
     "a handshake over a long path (RFC 9002, 6.2.2)"},
    {"goodput", DEMANDS({was_limited, INCOMPLETE, "network: it did not limit the rate", PLAIN, EVENTS}),
     "the bytes are the server's, at the rate of the path (RFC 9002, 7)"},
    {"crosstraffic",
     DEMANDS(
         {was_limited, INCOMPLETE, "network: it did not limit the rate", PLAIN, EVENTS},
         {met_rival, INCOMPLETE, "network: no TCP flow competed for half of the transfer's time", PLAIN, EVENTS},
         {shared_path, INCOMPLETE, "network: more arrived than one path of 10 Mbit/s takes, the flows did not share it", PLAIN, EVENTS}),
     "the bytes are the server's, beside a TCP flow on the same path (RFC 9002, 7)"},
    {"rebind-port",
     DEMANDS({from_two, INCOMPLETE, "network: the client's packets came from one address and port only", PLAIN, EVENTS},
             {takes_part, UNSUPPORTED, "server: it forbids migration, and drops what comes from elsewhere (RFC 9000, 9)", PLAIN, EVENTS},
             {drops_or_probes, VIOLATION,
              "server: it forbids migration, and neither drops what comes from elsewhere nor validates that path (RFC 9000, 9)",
              ANSWER_SERVER, SERVER_HEARS_ENDPOINT},
             {server_probed, VIOLATION, "server: it did not validate the new path, no PATH_CHALLENGE (RFC 9000, 9.3)", ANSWER_SERVER,
              SERVER_HEARS_ENDPOINT},
             {client_answered_probe, VIOLATION, "client: it did not answer a PATH_CHALLENGE (RFC 9000, 8.2.2)", ANSWER_CLIENT,
              CLIENT_HEARS_CHALLENGE}),
     "the new path was validated (RFC 9000, 9.3)"},
    {"rebind-addr",
     DEMANDS({from_two_addresses, INCOMPLETE, "network: the client's packets came from one address only", PLAIN, EVENTS},
             {takes_part, UNSUPPORTED, "server: it forbids migration, and drops what comes from elsewhere (RFC 9000, 9)", PLAIN, EVENTS},
             {drops_or_probes, VIOLATION,
              "server: it forbids migration, and neither drops what comes from elsewhere nor validates that path (RFC 9000, 9)",
              ANSWER_SERVER, SERVER_HEARS_ENDPOINT},
             {server_probed, VIOLATION, "server: it did not validate the new path, no PATH_CHALLENGE (RFC 9000, 9.3)", ANSWER_SERVER,
              SERVER_HEARS_ENDPOINT},
             {client_answered_probe, VIOLATION, "client: it did not answer a PATH_CHALLENGE (RFC 9000, 8.2.2)", ANSWER_CLIENT,
              CLIENT_HEARS_CHALLENGE}),
     "the new path was validated (RFC 9000, 9.3)"},
    {"connectionmigration",
     DEMANDS({may_migrate, UNSUPPORTED, "server: it forbids migration, disable_active_migration (RFC 9000, 18.2)", PLAIN, EVENTS},
             {from_two, ASSERTION, "client: it did not change its address (RFC 9000, 9.2)", PLAIN, EVENTS},
             {client_probed, ASSERTION, "client: it did not probe the new path (RFC 9000, 9.1)", READ_CLIENT, EVENTS},
             {server_answered_probe, VIOLATION, "server: it did not answer a PATH_CHALLENGE (RFC 9000, 8.2.2)", ANSWER_SERVER,
              SERVER_HEARS_CHALLENGE}),
     "the connection went on from another address (RFC 9000, 9.2)"},
    {"ecn",
     DEMANDS({client_marks, ASSERTION, "client: no packet marked ECT came from it (RFC 9000, 13.4)", PLAIN, EVENTS},
             {server_counts, ASSERTION, "server: its ACK frames count no ECN marks (RFC 9000, 13.4.1)", READ_SERVER, EVENTS},
             {server_marks, ASSERTION, "server: no packet marked ECT came from it (RFC 9000, 13.4)", PLAIN, EVENTS},
             {client_counts, ASSERTION, "client: its ACK frames count no ECN marks (RFC 9000, 13.4.1)", READ_CLIENT, EVENTS}),
     "both sides mark and count (RFC 9000, 13.4)"},
    {"amplificationlimit",
     DEMANDS(
         {within_amplification, VIOLATION, "server: it sent more than three times what it had received (RFC 9000, 8.1)", PLAIN, EVENTS}),
     "the server stayed within three times what it had received (RFC 9000, 8.1)"},
};

bool demands_count(const struct demands *demands)
{
    const struct demand *demand = demands->all;
    while (demand->holds != NULL && demand->holds != two_completed) {
        demand++;
    }
    return demand->holds != NULL;
}

const struct demands *demands_find(const char *case_name)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (strcmp(cases[i].name, case_name) == 0) {
            return &cases[i];
        }
    }
    return NULL;
}
