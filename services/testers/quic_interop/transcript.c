// See transcript.h.
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    FIELD_COUNT
};

enum { FRAME_ACK_ECN = 3, FRAME_PATH_CHALLENGE = 26, FRAME_PATH_RESPONSE = 27, FRAME_CLOSE = 28, FRAME_HANDSHAKE_DONE = 30 };
enum { LONG_INITIAL = 0, LONG_ZERO_RTT = 1, LONG_RETRY = 3 };
enum { V2_RETRY = 0, V2_INITIAL = 1, V2_ZERO_RTT = 2 }; // RFC 9369, 3.2
enum { TLS_SERVER_HELLO = 2, TLS_ENCRYPTED_EXTENSIONS = 8, TLS_CERTIFICATE = 11 };
enum { EXTENSION_PRE_SHARED_KEY = 41, EXTENSION_EARLY_DATA = 42 };
enum { ECT_1 = 1, ECT_0 = 2 };

struct line {
    const char *fields[FIELD_COUNT];
    size_t bytes[FIELD_COUNT];
};

static bool split(const char *text, size_t bytes, struct line *line)
{
    size_t field = 0, begin = 0;
    for (size_t i = 0; i <= bytes; i++) {
        if (i < bytes && text[i] != '|') {
            continue;
        }
        if (field == FIELD_COUNT) {
            return false;
        }
        line->fields[field] = text + begin;
        line->bytes[field++] = i - begin;
        begin = i + 1;
    }
    return field == FIELD_COUNT;
}

// The index-th number of a field; false: it has fewer, or it is none.
static bool number_at(const struct line *line, enum field field, size_t index, unsigned long long *number)
{
    const char *at = line->fields[field], *end = at + line->bytes[field];
    char text[24];
    for (; index > 0 && at < end; index--) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        at = comma != NULL ? comma + 1 : end;
    }
    const char *comma = memchr(at, ',', (size_t)(end - at));
    const size_t bytes = (size_t)((comma != NULL ? comma : end) - at);
    if (bytes == 0 || bytes >= sizeof(text)) {
        return false;
    }
    memcpy(text, at, bytes);
    text[bytes] = '\0';
    char *rest;
    *number = strtoull(text, &rest, 0);
    return *rest == '\0';
}

static size_t count_of(const struct line *line, enum field field, unsigned long long wanted)
{
    unsigned long long number;
    size_t count = 0;
    for (size_t i = 0; number_at(line, field, i, &number); i++) {
        count += number == wanted;
    }
    return count;
}

static bool has(const struct line *line, enum field field, unsigned long long wanted)
{
    return count_of(line, field, wanted) > 0;
}

// ---- one datagram

static void note_endpoint(const struct line *line, struct transcript *transcript)
{
    const enum field source = line->bytes[SOURCE] > 0 ? SOURCE : SOURCE_V6;
    char text[64];
    snprintf(text, sizeof(text), "%.*s %.*s", (int)line->bytes[source], line->fields[source], (int)line->bytes[FROM_PORT],
             line->fields[FROM_PORT]);
    for (size_t i = 0; i < transcript->endpoints; i++) {
        if (strcmp(transcript->endpoint[i], text) == 0) {
            return;
        }
    }
    if (transcript->endpoints < ENDPOINTS_MAX) {
        memcpy(transcript->endpoint[transcript->endpoints++], text, sizeof(text));
    }
}

static void note_streams(const struct line *line, struct transcript *transcript)
{
    unsigned long long id;
    for (size_t i = 0; number_at(line, STREAM_IDS, i, &id); i++) {
        size_t known = 0;
        while (known < transcript->streams && transcript->stream[known] != id) {
            known++;
        }
        if (id % 4 == 0 && known == transcript->streams && known < STREAMS_MAX) { // bidirectional, of the client
            transcript->stream[transcript->streams++] = id;
        }
    }
}

static void note_client(const struct line *line, struct transcript *transcript)
{
    unsigned long long number;
    const bool is_initial = has(line, LONG_TYPE, LONG_INITIAL) || has(line, LONG_TYPE_V2, V2_INITIAL);
    transcript->early_sent += count_of(line, LONG_TYPE, LONG_ZERO_RTT) + count_of(line, LONG_TYPE_V2, V2_ZERO_RTT);
    if (is_initial && transcript->retries > 0 && number_at(line, TOKEN_LENGTH, 0, &number) && number > 0) {
        transcript->tokens++;
    }
    if (number_at(line, VERSION, 0, &number) && number != QUIC_V1 && number != QUIC_V2 && number != QUIC_V2_DRAFT) {
        transcript->unknown_version = true;
    }
    note_endpoint(line, transcript);
    note_streams(line, transcript);
}

static void note_server(const struct line *line, struct transcript *transcript)
{
    unsigned long long number;
    const size_t hellos = count_of(line, TLS_TYPE, TLS_SERVER_HELLO);
    transcript->retries += has(line, LONG_TYPE, LONG_RETRY) || has(line, LONG_TYPE_V2, V2_RETRY);
    for (size_t i = 0; number_at(line, VERSION, i, &number); i++) {
        transcript->negotiations += number == 0;
        transcript->v2 = transcript->v2 || number == QUIC_V2 || number == QUIC_V2_DRAFT;
    }
    transcript->hellos += hellos;
    transcript->certificates += count_of(line, TLS_TYPE, TLS_CERTIFICATE);
    transcript->resumed += hellos > 0 && has(line, EXTENSIONS, EXTENSION_PRE_SHARED_KEY);
    transcript->early_accepted += has(line, TLS_TYPE, TLS_ENCRYPTED_EXTENSIONS) && has(line, EXTENSIONS, EXTENSION_EARLY_DATA);
    if (hellos > 0 && number_at(line, CIPHERS, 0, &number)) {
        transcript->cipher = (unsigned)number;
    }
    if (line->bytes[ALPN] == 2 && memcmp(line->fields[ALPN], "h3", 2) == 0) {
        transcript->http3++;
    }
    if (has(line, FRAMES, FRAME_HANDSHAKE_DONE) && number_at(line, CONNECTION, 0, &number) && number < CONNECTIONS_MAX &&
        !transcript->done[number]) {
        transcript->done[number] = true;
        transcript->connections++;
    }
}

static void note_both(const struct line *line, enum side side, struct transcript *transcript)
{
    unsigned long long number;
    const bool is_short = line->bytes[KEY_PHASE] > 0;
    for (size_t i = 0; number_at(line, KEY_PHASE, i, &number); i++) {
        transcript->phase[side][number & 1] += 1;
    }
    transcript->readable += is_short && line->bytes[FRAMES] > 0;
    transcript->challenges[side] += count_of(line, FRAMES, FRAME_PATH_CHALLENGE);
    transcript->responses[side] += count_of(line, FRAMES, FRAME_PATH_RESPONSE);
    transcript->ack_ecn[side] += count_of(line, FRAMES, FRAME_ACK_ECN);
    transcript->errors[side] += count_of(line, FRAMES, FRAME_CLOSE);
    if ((number_at(line, ECN, 0, &number) || number_at(line, ECN_V6, 0, &number)) && (number == ECT_0 || number == ECT_1)) {
        transcript->ect[side]++;
    }
    transcript->v6 += line->bytes[SOURCE_V6] > 0;
}

static void note_time(const struct line *line, enum side side, struct transcript *transcript)
{
    char text[32];
    unsigned long long length = 0;
    const size_t bytes = line->bytes[TIME] < sizeof(text) - 1 ? line->bytes[TIME] : sizeof(text) - 1;
    memcpy(text, line->fields[TIME], bytes);
    text[bytes] = '\0';
    const double at = strtod(text, NULL);
    if (transcript->datagrams[CLIENT] + transcript->datagrams[SERVER] == 0) {
        transcript->first_s = at;
    }
    transcript->last_s = at;
    if (side == SERVER && transcript->datagrams[SERVER] == 0) {
        transcript->answer_s = at - transcript->first_s;
    }
    const bool counts = side == CLIENT ? transcript->datagrams[CLIENT] == 0 : transcript->datagrams[CLIENT] <= 1;
    if (counts && number_at(line, LENGTH, 0, &length)) {
        transcript->bytes_first[side] += length;
    }
    transcript->datagrams[side]++;
}

static bool is_interface(const struct line *line, const char *interface)
{
    const size_t bytes = strlen(interface);
    return bytes == 0 || (line->bytes[INTERFACE] == bytes && memcmp(line->fields[INTERFACE], interface, bytes) == 0);
}

static void take(const struct line *line, unsigned server_port, const char *interface, struct transcript *transcript)
{
    unsigned long long from = 0, to = 0;
    if (!number_at(line, FROM_PORT, 0, &from) || !number_at(line, TO_PORT, 0, &to) || (from != server_port && to != server_port)) {
        return;
    }
    const enum side side = to == server_port ? CLIENT : SERVER;
    if (line->bytes[COMMENT] >= 7 && memcmp(line->fields[COMMENT], "dropped", 7) == 0) {
        transcript->dropped++;
    }
    if (!is_interface(line, interface)) {
        return;
    }
    note_time(line, side, transcript);
    if (side == CLIENT) {
        note_client(line, transcript);
    } else {
        note_server(line, transcript);
    }
    note_both(line, side, transcript);
}

bool transcript_read(const char *text, size_t bytes, unsigned server_port, const char *interface, struct transcript *transcript,
                     char *problem, size_t problem_bytes)
{
    const char *at = text, *end = text + bytes;
    *transcript = (struct transcript){.answer_s = -1};
    for (size_t number = 1; at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        struct line line;
        if (!split(at, (size_t)(stop - at), &line)) {
            snprintf(problem, problem_bytes, "line %zu of tshark's output does not have %d fields", number, FIELD_COUNT);
            return false;
        }
        take(&line, server_port, interface, transcript);
        at = newline != NULL ? newline + 1 : end;
    }
    return true;
}
