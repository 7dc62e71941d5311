// Reads qlogs (draft-ietf-quic-qlog-main-schema): JSON text sequences (RFC 7464, .sqlog), one JSON object a line, or one JSON document with
// traces (.qlog). What a tested program wrote may be anything: records that are none are counted, the others are told. Pure but for the
// JSON library. For timelines (coordinator/report) and testers (services/sdk).
#ifndef PANTHER_COMMON_QLOG_QLOG_H
#define PANTHER_COMMON_QLOG_QLOG_H

#include "common/base/memory.h"

// Of a document that is read as a whole; a sequence may be longer.
#define QLOG_DOCUMENT_MAX_BYTES ((size_t)8 * 1024 * 1024)
#define QLOG_TEXT_MAX_BYTES 300
// Of one packet: a datagram of 64 KiB could hold more, but no stack puts them into one.
#define QLOG_FRAMES_MAX 64
#define QLOG_GROUP_BYTES 48 // 20 bytes of a connection ID in hexadecimal, and room for what is none
// A time beyond is none: the year 2096. Twice as many still fit as ns into 64 bits: a reference and a time since then are added.
#define QLOG_TIME_MAX_MS 4e12

struct qlog_event {
    double time_ms; // since the reference, or since 1970 when is_absolute
    bool is_absolute;
    const char *name;          // "transport:packet_sent"
    const char *text;          // what it says, in short
    const char *packet_type;   // "initial", "1RTT"; "": it is of no packet
    const char *version;       // of the packet, or chosen for the connection: "1", "6b3343cf"; "": not told
    int key_phase;             // of the packet: 0 or 1; -1: not told
    const char *const *frames; // types of the packet's frames: "crypto"
    size_t frame_count;
};
// false: no more is wanted
typedef bool qlog_event_fn(void *context, const struct qlog_event *event);

struct qlog_facts {
    double reference_ms;          // since 1970; 0: not told
    double last_ms;               // of the last event
    char side[16];                // "client", "server" ...
    char group[QLOG_GROUP_BYTES]; // of the connection: its original destination connection ID; "": not told, or too long to be one
    size_t events, malformed;
};
// facts are whole before the first event is told, but for last_ms and counts. 0, or why nothing of it could be read.
const char *qlog_read(const char *data, size_t bytes, qlog_event_fn *tell, void *context, struct qlog_facts *facts);

#endif
