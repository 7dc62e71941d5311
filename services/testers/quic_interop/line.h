// A line of tshark's fields output, one datagram: its fields, and what stands in them. Pure; for transcript.c and marks.c.
#ifndef PANTHER_TESTERS_QUIC_INTEROP_LINE_H
#define PANTHER_TESTERS_QUIC_INTEROP_LINE_H

#include <stdbool.h>
#include <stddef.h>

// In the order of TRANSCRIPT_FIELDS.
enum field {
    TIME,
    INTERFACE,
    COMMENT,
    SOURCE,
    SOURCE_V6,
    FROM_PORT,
    TO_PORT,
    LENGTH,
    ECN,
    ECN_V6,
    CONNECTION,
    LONG_TYPE,
    LONG_TYPE_V2,
    VERSION,
    KEY_PHASE,
    FRAMES,
    TOKEN_LENGTH,
    TLS_TYPE,
    EXTENSIONS,
    CIPHERS,
    STREAM_IDS,
    ALPN,
    PARAMETERS,
    DESTINATION,
    TCP_LENGTH,
    PACKET_NUMBER,
    ACKNOWLEDGED,
    FIELD_COUNT
};

enum {
    FRAME_ACK_ECN = 3,
    FRAME_PATH_CHALLENGE = 26,
    FRAME_PATH_RESPONSE = 27,
    FRAME_CLOSE = 28,
    FRAME_CLOSE_APPLICATION = 29,
    FRAME_HANDSHAKE_DONE = 30
};
enum { LONG_INITIAL = 0, LONG_ZERO_RTT = 1, LONG_RETRY = 3 };
enum { V2_RETRY = 0, V2_INITIAL = 1, V2_ZERO_RTT = 2 }; // RFC 9369, 3.2
enum { TLS_SERVER_HELLO = 2, TLS_ENCRYPTED_EXTENSIONS = 8, TLS_CERTIFICATE = 11 };
enum { EXTENSION_PRE_SHARED_KEY = 41, EXTENSION_EARLY_DATA = 42 };
enum { ECT_1 = 1, ECT_0 = 2 };
enum { PARAMETER_DISABLE_ACTIVE_MIGRATION = 12 };

#define QUIC_V1 0x00000001u
#define QUIC_V2 0x6b3343cfu
#define QUIC_V2_DRAFT 0x709a50c4u

struct line {
    const char *fields[FIELD_COUNT];
    size_t bytes[FIELD_COUNT];
};

// False: it does not have so many fields.
bool line_split(const char *text, size_t bytes, struct line *line);
// The index-th number of a field; false: it has fewer, or it is none.
bool line_number(const struct line *line, enum field field, size_t index, unsigned long long *number);
size_t line_count(const struct line *line, enum field field, unsigned long long wanted);
// Packets with a long header of this type, in the numbers of version 1 and of version 2. tshark names those of version 2 that it knows, and
// says of its drafts the bare number.
size_t line_count_long(const struct line *line, unsigned long long type, unsigned long long type_v2);
bool line_has(const struct line *line, enum field field, unsigned long long wanted);

#endif
