// See transcript.h.
#define _GNU_SOURCE // memmem
#include "transcript.h"

#include "line.h"
#include "marks.h"
#include "rival.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    for (size_t i = 0; line_number(line, STREAM_IDS, i, &id); i++) {
        size_t known = 0;
        while (known < transcript->streams && transcript->stream[known] != id) {
            known++;
        }
        if (id % 4 == 0 && known == transcript->streams && known < STREAMS_MAX) { // bidirectional, of the client
            transcript->stream[transcript->streams++] = id;
        }
    }
}

// A datagram at one of its ends, or at both when the capture has one interface.
struct sight {
    const struct line *line;
    enum side side; // that sent it
    double at_s;
    bool is_sent, is_heard;
};

static void note_event(struct transcript *transcript, enum event event, double at_s)
{
    if (transcript->event_s[event] == 0) {
        transcript->event_s[event] = at_s;
    }
}

// A client that had more than one datagram to send before it heard the Retry.
static void note_retrying(const struct sight *sight, bool is_retry, bool has_token, struct transcript *transcript)
{
    struct retrying *last = transcript->retryings > 0 ? &transcript->retrying[transcript->retryings - 1] : NULL;
    if (has_token && last != NULL && last->until_s == 0) {
        last->until_s = sight->at_s;
    } else if (is_retry && (last == NULL || last->until_s > 0) && transcript->retryings < CONNECTIONS_MAX) {
        transcript->retrying[transcript->retryings++] = (struct retrying){.from_s = sight->at_s};
    }
}

static void note_sent_by_client(const struct sight *sight, struct transcript *transcript)
{
    const struct line *line = sight->line;
    unsigned long long number;
    const bool is_initial = line_count_long(line, LONG_INITIAL, V2_INITIAL) > 0;
    note_retrying(sight, false, is_initial && line_number(line, TOKEN_LENGTH, 0, &number) && number > 0, transcript);
    transcript->early_sent += line_count_long(line, LONG_ZERO_RTT, V2_ZERO_RTT);
    if (is_initial && transcript->retries > 0) {
        transcript->after_retry++;
        transcript->tokens += line_number(line, TOKEN_LENGTH, 0, &number) && number > 0;
    }
    if (line_number(line, VERSION, 0, &number) && number != QUIC_V1 && number != QUIC_V2 && number != QUIC_V2_DRAFT) {
        transcript->unknown_version = true;
    }
    note_streams(line, transcript);
}

// A datagram with a short header has one packet.
static bool number_of_short(const struct line *line, enum field field, unsigned long long *number)
{
    return line->bytes[VERSION] == 0 && line_number(line, field, 0, number);
}

static void note_heard_by_server(const struct sight *sight, struct transcript *transcript)
{
    unsigned long long phase;
    note_endpoint(sight->line, transcript);
    if (transcript->endpoints > 1) {
        note_event(transcript, SERVER_HEARS_ENDPOINT, sight->at_s);
    }
    if (transcript->endpoints > 1 && transcript->moved_number == 0) {
        number_of_short(sight->line, PACKET_NUMBER, &transcript->moved_number);
    }
    if (line_has(sight->line, FRAMES, FRAME_PATH_CHALLENGE)) {
        note_event(transcript, SERVER_HEARS_CHALLENGE, sight->at_s);
    }
    if (line_number(sight->line, KEY_PHASE, 0, &phase) && phase == 1 && sight->line->bytes[FRAMES] > 0) {
        note_event(transcript, SERVER_HEARS_UPDATE, sight->at_s);
    }
}

static void note_sent_by_server(const struct sight *sight, struct transcript *transcript)
{
    const struct line *line = sight->line;
    unsigned long long number;
    const size_t hellos = line_count(line, TLS_TYPE, TLS_SERVER_HELLO);
    note_retrying(sight, line_count_long(line, LONG_RETRY, V2_RETRY) > 0, false, transcript);
    for (size_t i = 0; line_number(line, VERSION, i, &number); i++) {
        transcript->negotiations += number == 0;
        transcript->v2 = transcript->v2 || number == QUIC_V2 || number == QUIC_V2_DRAFT;
    }
    if (transcript->moved_number > 0 && number_of_short(line, ACKNOWLEDGED, &number)) {
        transcript->acknowledges_moved = transcript->acknowledges_moved || number >= transcript->moved_number;
    }
    transcript->hellos += hellos;
    if (line_has(line, FRAMES, FRAME_HANDSHAKE_DONE) && line_number(line, CONNECTION, 0, &number) && number < CONNECTIONS_MAX &&
        !transcript->complete[number]) {
        transcript->complete[number] = true;
        transcript->completed++;
    }
    transcript->forbids_migration = transcript->forbids_migration || line_has(line, PARAMETERS, PARAMETER_DISABLE_ACTIVE_MIGRATION);
    transcript->certificates += line_count(line, TLS_TYPE, TLS_CERTIFICATE);
    transcript->resumed += hellos > 0 && line_has(line, EXTENSIONS, EXTENSION_PRE_SHARED_KEY);
    transcript->early_accepted += line_has(line, TLS_TYPE, TLS_ENCRYPTED_EXTENSIONS) && line_has(line, EXTENSIONS, EXTENSION_EARLY_DATA);
    if (hellos > 0 && line_number(line, CIPHERS, 0, &number)) {
        transcript->cipher = (unsigned)number;
    }
    if (line->bytes[ALPN] == 2 && memcmp(line->fields[ALPN], "h3", 2) == 0) {
        transcript->http3++;
    }
}

static void note_heard_by_client(const struct sight *sight, struct transcript *transcript)
{
    const struct line *line = sight->line;
    unsigned long long number;
    transcript->retries += line_count_long(line, LONG_RETRY, V2_RETRY) > 0;
    if (line_has(line, FRAMES, FRAME_PATH_CHALLENGE)) {
        note_event(transcript, CLIENT_HEARS_CHALLENGE, sight->at_s);
    }
    if (line_has(line, FRAMES, FRAME_HANDSHAKE_DONE) && line_number(line, CONNECTION, 0, &number) && number < CONNECTIONS_MAX &&
        !transcript->done[number]) {
        transcript->done[number] = true;
        transcript->connections++;
    }
    if (transcript->answer_s < 0) {
        transcript->answer_s = sight->at_s - transcript->first_s;
    }
    if (line_number(line, LENGTH, 0, &number)) {
        transcript->bytes_heard += number;
        rival_note(transcript->own_slice, sight->at_s - transcript->first_s, number);
    }
}

static void note_sent(const struct sight *sight, struct transcript *transcript)
{
    const struct line *line = sight->line;
    const enum side side = sight->side;
    unsigned long long number;
    if (transcript->datagrams[CLIENT] + transcript->datagrams[SERVER] == 0) {
        transcript->first_s = sight->at_s;
    }
    for (size_t i = 0; line_number(line, KEY_PHASE, i, &number); i++) {
        transcript->phase[side][number & 1] += 1;
    }
    transcript->readable += line->bytes[KEY_PHASE] > 0 && line->bytes[FRAMES] > 0;
    transcript->unread[side] += line->bytes[FRAMES] == 0 && line->bytes[VERSION] == 0;
    transcript->challenges[side] += line_count(line, FRAMES, FRAME_PATH_CHALLENGE);
    transcript->responses[side] += line_count(line, FRAMES, FRAME_PATH_RESPONSE);
    transcript->ack_ecn[side] += line_count(line, FRAMES, FRAME_ACK_ECN);
    if (line_has(line, FRAMES, FRAME_CLOSE) || line_has(line, FRAMES, FRAME_CLOSE_APPLICATION)) {
        transcript->closed_s = transcript->closed_s > 0 ? transcript->closed_s : sight->at_s;
    }
    marks_note(line, transcript->marks[side].sent);
    if (side == CLIENT && line->bytes[VERSION] > 0) {
        marks_note_group(line, transcript);
    }
    transcript->v6 += line->bytes[SOURCE_V6] > 0;
    transcript->sent_s[side] = transcript->last_s = sight->at_s;
    transcript->datagrams[side]++;
    if (side == CLIENT) {
        note_sent_by_client(sight, transcript);
    } else {
        note_sent_by_server(sight, transcript);
    }
}

static void note_heard(const struct sight *sight, struct transcript *transcript)
{
    unsigned long long number;
    if ((line_number(sight->line, ECN, 0, &number) || line_number(sight->line, ECN_V6, 0, &number)) &&
        (number == ECT_0 || number == ECT_1)) {
        transcript->ect[sight->side]++;
    }
    if (transcript->closed_s == 0) {
        marks_note(sight->line, transcript->marks[sight->side].heard);
    }
    transcript->last_s = sight->at_s;
    transcript->heard[sight->side]++;
    if (sight->side == CLIENT) {
        note_heard_by_server(sight, transcript);
    } else {
        note_heard_by_client(sight, transcript);
    }
}

// Where the server is: what came before the client's second datagram, and what it sent then.
static void note_amplification(const struct sight *sight, struct transcript *transcript)
{
    unsigned long long length;
    const bool counts =
        sight->side == CLIENT ? sight->is_heard && transcript->heard[CLIENT] == 0 : sight->is_sent && transcript->heard[CLIENT] <= 1;
    if (counts && line_number(sight->line, LENGTH, 0, &length)) {
        transcript->bytes_first[sight->side] += length;
    }
}

static bool is_interface(const struct line *line, const char *interface)
{
    const size_t bytes = strlen(interface);
    return bytes == 0 || (line->bytes[INTERFACE] == bytes && memcmp(line->fields[INTERFACE], interface, bytes) == 0);
}

static bool comment_has(const struct line *line, const char *word)
{
    return memmem(line->fields[COMMENT], line->bytes[COMMENT], word, strlen(word)) != NULL;
}

static double seconds_of(const struct line *line)
{
    char text[32];
    const size_t bytes = line->bytes[TIME] < sizeof(text) - 1 ? line->bytes[TIME] : sizeof(text) - 1;
    memcpy(text, line->fields[TIME], bytes);
    text[bytes] = '\0';
    return strtod(text, NULL);
}

static bool knows_port(const struct transcript *transcript, unsigned long long port)
{
    return port >= PORTS || (transcript->client_ports[port / 8] & 1U << port % 8) != 0;
}

static void learn_port(struct transcript *transcript, unsigned long long port)
{
    if (port < PORTS) {
        transcript->client_ports[port / 8] |= (uint8_t)(1U << port % 8);
    }
}

// What is on its way when a case begins is of the one before: packets of its client that arrive, and of a server that has not heard of its
// client's end and repeats itself for long. The client of this case is who sends in it; a NAT shows its connections from other ports.
static bool is_of_this_case(const struct sight *sight, unsigned long long client_port, struct transcript *transcript)
{
    unsigned long long number;
    const bool is_numbered = line_number(sight->line, CONNECTION, 0, &number) && number < CONNECTIONS_MAX;
    if (sight->side == CLIENT && sight->is_sent) {
        learn_port(transcript, client_port);
        if (is_numbered) {
            transcript->begun[number] = true;
        }
    } else if (sight->side == CLIENT && is_numbered && transcript->begun[number]) {
        learn_port(transcript, client_port);
    }
    return knows_port(transcript, client_port) && (!is_numbered || sight->line->bytes[VERSION] > 0 || transcript->begun[number]);
}

static void take(const struct line *line, const struct vantage *vantage, struct transcript *transcript)
{
    unsigned long long from = 0, to = 0, segment = 0;
    if (line_number(line, TCP_LENGTH, 0, &segment)) {
        if (vantage->rival[0] != '\0' && is_interface(line, vantage->rival) && !comment_has(line, "dropped: ") && transcript->first_s > 0) {
            rival_note(transcript->rival_slice, seconds_of(line) - transcript->first_s, segment);
            transcript->rival_bytes += segment;
        }
        return;
    }
    if (!line_number(line, FROM_PORT, 0, &from) || !line_number(line, TO_PORT, 0, &to) ||
        (from != vantage->server_port && to != vantage->server_port)) {
        return;
    }
    const enum side side = to == vantage->server_port ? CLIENT : SERVER;
    struct sight sight = {.line = line,
                          .side = side,
                          .at_s = seconds_of(line),
                          .is_sent = is_interface(line, vantage->interface[side]),
                          .is_heard = is_interface(line, vantage->interface[side == CLIENT ? SERVER : CLIENT])};
    if (!is_of_this_case(&sight, side == CLIENT ? from : to, transcript)) {
        return;
    }
    const bool is_dropped = comment_has(line, "dropped: ");
    transcript->dropped += is_dropped;
    transcript->corrupted += sight.is_sent && comment_has(line, "corrupted");
    note_amplification(&sight, transcript);
    if (sight.is_sent) {
        note_sent(&sight, transcript);
    }
    if (sight.is_heard && !is_dropped) {
        const double silence_s = transcript->heard_s > 0 ? sight.at_s - transcript->heard_s : 0;
        transcript->silence_s = silence_s > transcript->silence_s ? silence_s : transcript->silence_s;
        transcript->heard_s = sight.at_s;
        note_heard(&sight, transcript);
    }
}

bool transcript_read(const char *text, size_t bytes, const struct vantage *vantage, struct transcript *transcript, char *problem,
                     size_t problem_bytes)
{
    const char *at = text, *end = text + bytes;
    *transcript = (struct transcript){.answer_s = -1};
    for (size_t number = 1; at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        struct line line;
        if (!line_split(at, (size_t)(stop - at), &line)) {
            snprintf(problem, problem_bytes, "line %zu of tshark's output does not have %d fields", number, FIELD_COUNT);
            return false;
        }
        take(&line, vantage, transcript);
        at = newline != NULL ? newline + 1 : end;
    }
    return true;
}
