// See judge.h. Each case is a list of demands; the first that does not hold is the verdict, and names who is to blame.
#include "judge.h"

#include <stdio.h>
#include <string.h>

typedef bool demand_fn(const struct transcript *transcript);

struct demand {
    demand_fn *holds;
    enum panther_reason reason; // of the failure; PANTHER_REASON_INCOMPLETE: inconc, the network or the evidence did not do its part
    const char *text;           // who did not do what, and where it is written
};

#define CHACHA20_POLY1305 0x1303
#define AMPLIFICATION 3

static bool shook_hands(const struct transcript *t)
{
    return t->connections > 0;
}
static bool answered(const struct transcript *t)
{
    return t->datagrams[SERVER] > 0;
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
    return t->tokens > 0;
}
static bool two_connections(const struct transcript *t)
{
    return t->connections >= 2 && t->hellos >= 2;
}
static bool resumed(const struct transcript *t)
{
    return t->resumed > 0;
}
static bool one_certificate(const struct transcript *t)
{
    return t->certificates > 0 && t->certificates < t->hellos;
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
static bool is_v6(const struct transcript *t)
{
    return t->v6 > 0 && t->v6 == t->datagrams[CLIENT] + t->datagrams[SERVER];
}
static bool lost_packets(const struct transcript *t)
{
    return t->dropped > 0;
}
static bool is_slow(const struct transcript *t)
{
    return t->answer_s >= 1.0;
}
static bool from_two(const struct transcript *t)
{
    return t->endpoints > 1;
}
static bool server_probed(const struct transcript *t)
{
    return t->challenges[SERVER] > 0;
}
static bool client_answered_probe(const struct transcript *t)
{
    return t->responses[CLIENT] > 0;
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

#define ASSERTION PANTHER_REASON_ASSERTION
#define VIOLATION PANTHER_REASON_VIOLATION
#define INCOMPLETE PANTHER_REASON_INCOMPLETE
#define DEMANDS(...)                                                                                                                       \
    (const struct demand[])                                                                                                                \
    {                                                                                                                                      \
        __VA_ARGS__,                                                                                                                       \
        {                                                                                                                                  \
            NULL, PANTHER_REASON_NONE, NULL                                                                                                \
        }                                                                                                                                  \
    }

static const struct {
    const char *name;
    const struct demand *demands;
    const char *proof;
} cases[] = {
    {"handshake", DEMANDS({one_only, ASSERTION, "server: it sent a Retry, which this case does not ask for (RFC 9000, 8.1.2)"}),
     "HANDSHAKE_DONE was sent (RFC 9001, 4.1.2)"},
    {"transfer", DEMANDS({shook_hands, ASSERTION, ""}), "the bytes are the server's (RFC 9000, 2.2)"},
    {"http3", DEMANDS({is_http3, ASSERTION, "server: it did not choose the ALPN h3 (RFC 9114, 3.1)"}), "h3 was chosen (RFC 9114, 3.1)"},
    {"multiplexing",
     DEMANDS({one_connection, ASSERTION, "client: it used several connections (RFC 9000, 2)"},
             {many_streams, ASSERTION, "client: fewer than three request streams (RFC 9000, 2.1)"}),
     "several request streams in one connection (RFC 9000, 2.1)"},
    {"retry",
     DEMANDS({sent_retry, ASSERTION, "server: it sent no Retry (RFC 9000, 8.1.2)"},
             {sent_token, VIOLATION, "client: its Initial after the Retry has no token (RFC 9000, 8.1.2)"}),
     "a Retry, and an Initial with its token (RFC 9000, 8.1.2)"},
    {"resumption",
     DEMANDS({two_connections, ASSERTION, "client: it made no second connection (RFC 9001, 4.5)"},
             {resumed, ASSERTION, "server or client: no ServerHello has a pre_shared_key (RFC 9001, 4.5; RFC 8446, 4.2.11)"},
             {one_certificate, VIOLATION, "server: it sent a Certificate in a resumed handshake (RFC 8446, 2.2)"},
             {no_early_data, ASSERTION, "client: it sent 0-RTT packets, which is another case (RFC 9001, 4.6)"}),
     "the second handshake was resumed, without a Certificate (RFC 9001, 4.5)"},
    {"zerortt",
     DEMANDS({two_connections, ASSERTION, "client: it made no second connection (RFC 9001, 4.6)"},
             {sent_early, ASSERTION, "client: it sent no 0-RTT packet (RFC 9001, 4.6)"},
             {accepted_early, ASSERTION, "server: it did not accept 0-RTT, its EncryptedExtensions lack early_data (RFC 9001, 4.6.2)"}),
     "0-RTT packets were sent and accepted (RFC 9001, 4.6.2)"},
    {"chacha20", DEMANDS({chacha20, ASSERTION, "server: it chose another cipher than ChaCha20-Poly1305 (RFC 9001, 5.3)"}),
     "TLS_CHACHA20_POLY1305_SHA256 was chosen (RFC 9001, 5.3)"},
    {"keyupdate",
     DEMANDS({client_updated, ASSERTION, "client: its packets have one key phase only (RFC 9001, 6.1)"},
             {server_updated, VIOLATION, "server: it did not follow the key update (RFC 9001, 6.2)"}),
     "both sides sent packets of both key phases (RFC 9001, 6.2)"},
    {"versionnegotiation",
     DEMANDS({began_unknown, ASSERTION, "client: it did not begin with an unknown version (RFC 9000, 6)"},
             {negotiated, VIOLATION, "server: it sent no Version Negotiation packet (RFC 9000, 6.1)"}),
     "a Version Negotiation packet, then a handshake (RFC 9000, 6.2)"},
    {"v2", DEMANDS({is_v2, ASSERTION, "server: it sent no packet of version 2 (RFC 9369, 4)"}),
     "the server changed to version 2 (RFC 9369, 4)"},
    {"ipv6", DEMANDS({is_v6, INCOMPLETE, "network: packets went over IPv4"}), "every packet went over IPv6"},
    {"handshakeloss",
     DEMANDS({lost_packets, INCOMPLETE, "network: it dropped nothing"},
             {two_connections, ASSERTION, "client: fewer handshakes than asked for (RFC 9002, 6.2)"}),
     "handshakes were completed with packets lost (RFC 9002, 6.2)"},
    {"transferloss", DEMANDS({lost_packets, INCOMPLETE, "network: it dropped nothing"}),
     "the bytes arrived with packets lost (RFC 9002, 6)"},
    {"longrtt", DEMANDS({is_slow, INCOMPLETE, "network: the first answer came within a second"}),
     "a handshake over a long path (RFC 9002, 6.2.2)"},
    {"rebind-port",
     DEMANDS({from_two, INCOMPLETE, "network: the client's packets came from one address and port only"},
             {server_probed, VIOLATION, "server: it did not validate the new path, no PATH_CHALLENGE (RFC 9000, 9.3)"},
             {client_answered_probe, VIOLATION, "client: it did not answer a PATH_CHALLENGE (RFC 9000, 8.2.2)"}),
     "the new path was validated (RFC 9000, 9.3)"},
    {"connectionmigration",
     DEMANDS({from_two, ASSERTION, "client: it did not change its address (RFC 9000, 9.2)"},
             {client_probed, ASSERTION, "client: it did not probe the new path (RFC 9000, 9.1)"},
             {server_answered_probe, VIOLATION, "server: it did not answer a PATH_CHALLENGE (RFC 9000, 8.2.2)"}),
     "the connection went on from another address (RFC 9000, 9.2)"},
    {"ecn",
     DEMANDS({client_marks, ASSERTION, "client: it marks no packet ECT (RFC 9000, 13.4)"},
             {server_counts, VIOLATION, "server: its ACK frames count no ECN marks (RFC 9000, 13.4.1)"},
             {server_marks, ASSERTION, "server: it marks no packet ECT (RFC 9000, 13.4)"},
             {client_counts, VIOLATION, "client: its ACK frames count no ECN marks (RFC 9000, 13.4.1)"}),
     "both sides mark and count (RFC 9000, 13.4)"},
    {"amplificationlimit",
     DEMANDS({within_amplification, VIOLATION, "server: it sent more than three times what it had received (RFC 9000, 8.1)"}),
     "the server stayed within three times what it had received (RFC 9000, 8.1)"},
};

static void say(struct judgement *judgement, enum panther_verdict verdict, enum panther_reason reason, const char *text)
{
    judgement->verdict = verdict;
    judgement->reason = reason;
    snprintf(judgement->text, sizeof(judgement->text), "%s", text);
}

// What every case demands: evidence, a handshake, the bytes.
static bool common_holds(const struct transcript *transcript, const struct endings *endings, struct judgement *judgement)
{
    if (transcript->datagrams[CLIENT] == 0) {
        say(judgement, PANTHER_INCONC, INCOMPLETE, "the capture holds no packet of the client");
    } else if (!answered(transcript)) {
        say(judgement, PANTHER_FAIL, ASSERTION, "server: it did not answer (RFC 9000, 7)");
    } else if (transcript->readable == 0 && is_v2(transcript) && endings->client_passed && endings->files > 0) {
        return true; // tshark has no keys of the draft's version 2: its headers are in the clear, and the bytes on disk prove the rest
    } else if (transcript->readable == 0) {
        // a key log that does not fit, or a handshake that did not get so far
        say(judgement, endings->client_passed ? PANTHER_INCONC : PANTHER_FAIL, endings->client_passed ? INCOMPLETE : ASSERTION,
            endings->client_passed ? "no packet of the connection can be decrypted: is there a key log?" : "");
        if (!endings->client_passed) {
            snprintf(judgement->text, sizeof(judgement->text), "no 1-RTT packet; the client says: %.300s", endings->client_text);
        }
    } else if (!shook_hands(transcript)) {
        say(judgement, PANTHER_FAIL, ASSERTION, "server: no HANDSHAKE_DONE (RFC 9001, 4.1.2)");
    } else {
        return true;
    }
    return false;
}

static bool bytes_hold(const struct endings *endings, struct judgement *judgement)
{
    if (endings->different > 0) {
        say(judgement, PANTHER_FAIL, VIOLATION, "");
        snprintf(judgement->text, sizeof(judgement->text), "%zu of %zu downloads are not the server's bytes, first %.200s (RFC 9000, 2.2)",
                 endings->different, endings->files, endings->first_different);
        return false;
    }
    if (!endings->client_passed) {
        say(judgement, PANTHER_FAIL, ASSERTION, "");
        snprintf(judgement->text, sizeof(judgement->text), "client: %.400s", endings->client_text);
        return false;
    }
    return true;
}

void judge(const char *case_name, const struct transcript *transcript, const struct endings *endings, struct judgement *judgement)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (strcmp(cases[i].name, case_name) != 0) {
            continue;
        }
        if (!common_holds(transcript, endings, judgement)) {
            return;
        }
        for (const struct demand *demand = cases[i].demands; demand->holds != NULL; demand++) {
            if (!demand->holds(transcript)) {
                say(judgement, demand->reason == INCOMPLETE ? PANTHER_INCONC : PANTHER_FAIL, demand->reason, demand->text);
                return;
            }
        }
        if (bytes_hold(endings, judgement)) {
            say(judgement, PANTHER_PASS, PANTHER_REASON_NONE, cases[i].proof);
        }
        return;
    }
    say(judgement, PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "there is no such case");
}
