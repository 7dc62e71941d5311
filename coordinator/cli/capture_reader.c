#include "coordinator/cli/capture_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/cli/capture_blocks.h"
#include "coordinator/cli/evidence.h"

// Of one source before the next one's turn: 2 MiB.
#define PIECES_PER_TURN 16

enum stage { STAGE_LIVE, STAGE_STORED, STAGE_DONE };

struct source {
    char *service;
    enum stage stage;
    char *file; // of which the next bytes are; "": the first
    uint64_t offset;
    uint32_t generation;
    struct capture_source *blocks;
};

struct capture_reader {
    struct client *client;
    char *trial, *service;
    struct capture_blocks *blocks;
    struct source **sources;
    size_t count, capacity;
    bool over;          // the trial: no source comes any more
    bool is_incomplete; // a word about it is on stderr
};

// ---- sources

static struct source *source_of(struct capture_reader *reader, const char *service, const char *host)
{
    for (size_t i = 0; i < reader->count; i++) {
        if (strcmp(reader->sources[i]->service, service) == 0) {
            return reader->sources[i];
        }
    }
    CLEANUP_FREE char *origin = memory_printf("%s on %s", service, host);
    struct source *source = NEW(struct source);
    *source = (struct source){.service = memory_string(service), .file = memory_string("")};
    source->blocks = capture_blocks_source(reader->blocks, origin);
    return APPEND(reader->sources, reader->count, reader->capacity) = source;
}

static void goes_on_in(struct source *source, const char *file)
{
    char *copy = memory_string(file);
    free(source->file);
    source->file = copy;
    source->offset = 0;
}

// What is wrong with one of them does not end the others.
static void give_up(struct capture_reader *reader, struct source *source, const char *why)
{
    fprintf(stderr, "panther-coord: the capture of %s/%s is not complete: %s\n", reader->trial, source->service, why);
    reader->is_incomplete = true;
    source->stage = STAGE_DONE;
}

static void take(struct capture_reader *reader, struct source *source, const void *data, size_t bytes, struct text *out)
{
    struct panther_error error = {0};
    source->offset += bytes;
    if (capture_blocks_add(source->blocks, data, bytes, out, &error) < 0) {
        CLEANUP_FREE char *why = memory_printf("%s is damaged: %s", source->file, error.message);
        give_up(reader, source, why);
    }
}

static void end_of_file(struct capture_reader *reader, struct source *source)
{
    size_t left = capture_blocks_end(source->blocks);
    if (left) {
        fprintf(stderr, "panther-coord: %s of %s/%s ends within a packet, of which %zu bytes are left out\n", source->file, reader->trial,
                source->service, left);
    }
}

static bool is_wanted(const struct capture_reader *reader, const char *service, bool is_meant)
{
    return *reader->service ? strcmp(service, reader->service) == 0 : is_meant;
}

// ---- live

static int ask(struct capture_reader *reader, const struct source *source, Pb__Captured **captured)
{
    Pb__Capture asked = PB__CAPTURE__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    Pb__Reply *reply;
    char none[] = "";
    asked.trial = reader->trial;
    asked.service = source ? source->service : none;
    asked.file = source ? source->file : none;
    asked.offset = source ? source->offset : 0;
    request.body_case = PB__REQUEST__BODY_CAPTURE;
    request.capture = &asked;
    int status = client_call(reader->client, &request, &reply);
    if (!status && reply->body_case != PB__REPLY__BODY_CAPTURED) {
        fprintf(stderr, "panther-coord: the coordinator does not answer what was asked\n");
        status = EXIT_FAIL;
    } else if (!status) {
        *captured = reply->captured;
    }
    return status;
}

// false: the piece is not of what was asked for
static bool is_next(struct capture_reader *reader, struct source *source, const Pb__CaptureRead *piece)
{
    if (source->generation != piece->generation && source->generation) {
        goes_on_in(source, ""); // the service was begun anew
        capture_blocks_end(source->blocks);
        source->generation = piece->generation;
        return false;
    }
    source->generation = piece->generation;
    if (piece->lost) {
        fprintf(stderr, "panther-coord: %s/%s wrote over %s before it was read to its end\n", reader->trial, source->service, source->file);
        reader->is_incomplete = true;
    }
    if (strcmp(source->file, piece->file) != 0) {
        end_of_file(reader, source);
        goes_on_in(source, piece->file);
    }
    return source->offset == piece->offset;
}

// What is there now. 0, or an exit status.
static int read_live(struct capture_reader *reader, struct source *source, struct text *out)
{
    for (unsigned i = 0; i < PIECES_PER_TURN && source->stage == STAGE_LIVE; i++) {
        Pb__Captured *captured = NULL;
        int status = ask(reader, source, &captured);
        if (status) {
            return status;
        }
        const Pb__CaptureRead *piece = captured->piece;
        if (captured->over) {
            source->stage = STAGE_STORED;
        } else if (!piece || !*piece->file) {
            return 0; // nothing yet
        } else if (is_next(reader, source, piece)) {
            take(reader, source, piece->data.data, piece->data.len, out);
            if (piece->data.len == 0) {
                return 0;
            }
        }
    }
    return 0;
}

static int find_live(struct capture_reader *reader)
{
    Pb__Captured *captured = NULL;
    int status = ask(reader, NULL, &captured);
    if (status) {
        return status;
    }
    reader->over = captured->over;
    bool any_network = false, any = false;
    for (size_t i = 0; i < captured->n_sources; i++) {
        any_network |= captured->sources[i]->is_network != 0;
    }
    for (size_t i = 0; i < captured->n_sources; i++) {
        const Pb__CaptureSource *named = captured->sources[i];
        if (is_wanted(reader, named->service, named->is_network || !any_network)) {
            source_of(reader, named->service, named->host);
            any = true;
        }
    }
    if (captured->n_sources && !any) {
        fprintf(stderr, "panther-coord: %s has no service %s\n", reader->trial, reader->service);
        return EXIT_FAIL;
    }
    return 0;
}

// ---- stored

static bool is_capture(const struct table *rows, size_t row)
{
    const char *name = table_value(rows, row, "artifact"), *ending = strrchr(name, '.');
    return strcmp(table_value(rows, row, "kind"), "pcap") == 0 && ending && strcmp(ending, ".pcapng") == 0;
}

static bool is_network(const char *service)
{
    return strcmp(service, "network") == 0 || strncmp(service, "network.", 8) == 0;
}

static int find_stored(struct capture_reader *reader, struct table **rows)
{
    struct evidence evidence = {.client = reader->client};
    int status = evidence_table(&evidence, PB__TABLE__TABLE_ARTIFACTS, reader->trial, rows);
    bool any_network = false;
    for (size_t row = 0; !status && row < table_count(*rows); row++) {
        any_network |= is_capture(*rows, row) && is_network(table_value(*rows, row, "service"));
    }
    for (size_t row = 0; !status && reader->over && row < table_count(*rows); row++) {
        const char *service = table_value(*rows, row, "service");
        if (is_capture(*rows, row) && is_wanted(reader, service, is_network(service) || !any_network)) {
            source_of(reader, service, table_value(*rows, row, "host"));
        }
    }
    return status;
}

// The first of its files that is not read to its end; NULL: there is none any more.
static const char *next_stored(const struct table *rows, const struct source *source, bool is_read, const char **state)
{
    const char *first = NULL;
    for (size_t row = 0; row < table_count(rows); row++) {
        const char *file = table_value(rows, row, "artifact");
        int order = strcmp(file, source->file);
        bool is_left = strcmp(table_value(rows, row, "service"), source->service) == 0 && is_capture(rows, row);
        if (is_left && (order > 0 || (order == 0 && !is_read)) && (!first || strcmp(file, first) < 0)) {
            first = file;
            *state = table_value(rows, row, "state");
        }
    }
    return first;
}

// false: it is not at its end, and there is nothing more now; or the source was given up.
static bool read_file(struct capture_reader *reader, struct source *source, struct text *out)
{
    CLEANUP_FREE char *name = memory_printf("%s/%s/%s", reader->trial, source->service, source->file);
    for (bool end = false; !end;) {
        struct panther_error error = {0};
        uint8_t *data = NULL;
        size_t bytes = 0;
        if (bus_call_get(reader->client->call, name, "", source->offset, &data, &bytes, &end, &error)) {
            give_up(reader, source, error.message);
            return false;
        }
        take(reader, source, data, bytes, out);
        free(data);
        if (source->stage == STAGE_DONE || (!bytes && !end)) {
            return false;
        }
    }
    return true;
}

static void read_stored(struct capture_reader *reader, const struct table *rows, struct source *source, struct text *out)
{
    const char *state = "", *file;
    bool is_read = false;
    while (source->stage == STAGE_STORED && (file = next_stored(rows, source, is_read, &state))) {
        if (strcmp(file, source->file) != 0) {
            end_of_file(reader, source);
            goes_on_in(source, file);
        }
        if (strncmp(state, "not kept", 8) == 0) {
            give_up(reader, source, state);
        } else if (!read_file(reader, source, out)) {
            return;
        }
        is_read = true;
    }
    if (source->stage == STAGE_STORED) {
        if (!is_read) {
            give_up(reader, source, *source->file ? "it ended without leaving the rest of it" : "it left none");
        }
        end_of_file(reader, source);
        source->stage = STAGE_DONE;
    }
}

// ---- all

int capture_reader_look(struct capture_reader *reader, struct text *out, bool *is_done)
{
    struct table *rows = NULL;
    bool any_stored = false;
    *is_done = true;
    int status = reader->over ? 0 : find_live(reader);
    for (size_t i = 0; !status && i < reader->count; i++) {
        status = reader->sources[i]->stage == STAGE_LIVE ? read_live(reader, reader->sources[i], out) : 0;
        any_stored |= reader->sources[i]->stage == STAGE_STORED;
    }
    if (!status && (any_stored || reader->over)) {
        status = find_stored(reader, &rows);
    }
    for (size_t i = 0; !status && i < reader->count; i++) {
        struct source *source = reader->sources[i];
        if (rows && source->stage != STAGE_DONE && (source->stage == STAGE_STORED || reader->over)) {
            source->stage = STAGE_STORED;
            read_stored(reader, rows, source, out);
        }
        *is_done &= source->stage == STAGE_DONE;
    }
    *is_done &= reader->over;
    table_free(&rows);
    return status;
}

struct capture_reader *capture_reader_new(struct client *client, const char *trial, const char *service)
{
    struct capture_reader *reader = NEW(struct capture_reader);
    reader->client = client;
    reader->trial = memory_string(trial);
    reader->service = memory_string(service);
    reader->blocks = capture_blocks_new();
    return reader;
}

void capture_reader_free(struct capture_reader **pointer)
{
    struct capture_reader *reader = *pointer;
    for (size_t i = 0; i < reader->count; i++) {
        free(reader->sources[i]->service);
        free(reader->sources[i]->file);
        free(reader->sources[i]);
    }
    free(reader->sources);
    capture_blocks_free(&reader->blocks);
    free(reader->trial);
    free(reader->service);
    free(reader);
    *pointer = NULL;
}

bool capture_reader_has_sources(const struct capture_reader *reader)
{
    return reader->count > 0;
}

bool capture_reader_is_incomplete(const struct capture_reader *reader)
{
    return reader->is_incomplete;
}
