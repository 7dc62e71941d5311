// What a capture of one case shows, taken from tshark's fields output: a line a datagram. Pure: text in, facts out.
#ifndef PANTHER_TESTERS_QUIC_INTEROP_TRANSCRIPT_H
#define PANTHER_TESTERS_QUIC_INTEROP_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum side { CLIENT, SERVER, SIDES };

#define CONNECTIONS_MAX 64 // of one case: a handful; what comes later is only counted
#define STREAMS_MAX 256    // request streams told apart
#define GROUP_BYTES 41     // a connection ID in hexadecimal
#define SLICES_MAX 600     // of SLICE_S: a minute
#define SLICE_S 0.1        // several round trips of the case that looks at them
#define PORTS 65536
#define ENDPOINTS_MAX 8 // addresses and ports that the client sent from

// Where the capture was taken: names of interfaces of the network's capture, which has every datagram where it was sent and where it came;
// both empty: it has one interface, which shows it once.
struct vantage {
    unsigned server_port;
    const char *interface[SIDES];
    const char *rival; // where a TCP flow arrives that competes with the connection; "": there is none
};

// What one side hears and has to answer.
enum event { SERVER_HEARS_CHALLENGE, CLIENT_HEARS_CHALLENGE, SERVER_HEARS_UPDATE, SERVER_HEARS_ENDPOINT, EVENTS };

// What a qlog can say, too, of what a side sent.
enum mark { MARK_RETRY, MARK_NEGOTIATION, MARK_EARLY, MARK_DONE, MARK_CHALLENGE, MARK_RESPONSE, MARK_UPDATE, MARK_V2, MARKS };
struct marks {
    size_t sent[MARKS];
    size_t heard[MARKS]; // by the other side, while no connection of the case was closed: a socket that is gone hears nothing
};

struct retrying {
    double from_s, until_s; // until: 0: open
};

struct transcript {
    struct marks marks[SIDES];                // of what the side sent
    char group[CONNECTIONS_MAX][GROUP_BYTES]; // connection IDs that the client's Initials went to
    size_t groups;
    size_t datagrams[SIDES]; // that were sent
    size_t heard[SIDES];     // of them, such as arrived
    size_t readable;         // datagrams with 1-RTT packets that were decrypted
    size_t unread[SIDES];    // with such as were not: no key fits, or the kernel captured a burst of several as one
    size_t connections;      // whose HANDSHAKE_DONE arrived
    size_t completed; // whose HANDSHAKE_DONE the server sent: it has the client's Finished, and sends it when the handshake is complete
    uint8_t client_ports[PORTS / 8]; // that its packets came from, at either end: a bit each
    bool begun[CONNECTIONS_MAX], done[CONNECTIONS_MAX], complete[CONNECTIONS_MAX];
    struct retrying retrying[CONNECTIONS_MAX]; // from a Retry to the first Initial with a token
    size_t retryings;
    size_t retries;         // Retry packets
    size_t after_retry;     // Initial packets of the client after a Retry arrived
    size_t tokens;          // of them with a token
    size_t negotiations;    // Version Negotiation packets
    bool unknown_version;   // the client began with a version that is not QUIC's
    bool v2;                // the server sent Initial or Handshake packets of version 2
    size_t early_sent;      // 0-RTT packets of the client
    size_t early_accepted;  // EncryptedExtensions with early_data
    size_t hellos;          // ServerHello messages
    size_t resumed;         // of them with pre_shared_key
    size_t certificates;    // Certificate messages of the server
    unsigned cipher;        // of the last ServerHello
    bool forbids_migration; // the server's disable_active_migration
    size_t phase[SIDES][2]; // short header packets by key phase
    size_t streams;         // request streams that the client opened
    unsigned long long stream[STREAMS_MAX];
    size_t challenges[SIDES], responses[SIDES]; // PATH_CHALLENGE, PATH_RESPONSE
    size_t endpoints;                           // that the client's packets came from, where the server is
    char endpoint[ENDPOINTS_MAX][64];
    unsigned long long moved_number;   // of the first packet from another one than the first; 0: there was none
    bool acknowledges_moved;           // the server took such a packet
    size_t ect[SIDES], ack_ecn[SIDES]; // datagrams that arrived marked ECT; ACK frames with ECN counts
    size_t dropped, corrupted;         // by the network, as its comments say
    size_t v6;
    size_t http3; // ALPN h3 chosen
    size_t errors[SIDES];
    unsigned long long bytes_first[SIDES]; // before the client's second datagram: what the server may send is bounded by it
    unsigned long long bytes_heard;        // of the server's datagrams that arrived
    unsigned long long own_slice[SLICES_MAX], rival_slice[SLICES_MAX]; // bytes that arrived, by the time since the first datagram
    unsigned long long rival_bytes;
    double first_s, last_s, answer_s; // answer: the server's first datagram after the client's first
    double event_s[EVENTS];           // when it was heard first; 0: never
    double heard_s, silence_s;        // the last datagram that arrived; the longest time in which none did
    double sent_s[SIDES];             // the last datagram
    double closed_s;                  // the first CONNECTION_CLOSE; 0: none
};

// Fields in this order, separated by |, several values of one by commas. Datagrams of connections that began before are of another case.
// False: the text is no such output; problem says which line.
#define TRANSCRIPT_FIELDS                                                                                                                  \
    "frame.time_epoch", "frame.interface_name", "frame.comment", "ip.src", "ipv6.src", "udp.srcport", "udp.dstport", "udp.length",         \
        "ip.dsfield.ecn", "ipv6.tclass.ecn", "quic.connection.number", "quic.long.packet_type", "quic.long.packet_type_v2",                \
        "quic.version", "quic.key_phase", "quic.frame_type", "quic.token_length", "tls.handshake.type", "tls.handshake.extension.type",    \
        "tls.handshake.ciphersuite", "quic.stream.stream_id", "tls.handshake.extensions_alpn_str", "tls.quic.parameter.type", "quic.dcid", \
        "tcp.len", "quic.packet_number", "quic.ack.largest_acknowledged"
bool transcript_read(const char *text, size_t bytes, const struct vantage *vantage, struct transcript *transcript, char *problem,
                     size_t problem_bytes);

#endif
