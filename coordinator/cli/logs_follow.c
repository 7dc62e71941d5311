#include "coordinator/cli/logs_follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/system/loop.h"
#include "coordinator/cli/follow.h"
#include "coordinator/cli/log_order.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US INT64_C(1000)
#define STREAMS_MAX 4096       // as logs.c
#define CLOCKS_EVERY_ROUNDS 30 // heartbeats measure the clocks anew all the time; ten seconds are nothing to a drift
#define CLOCKS_SOON_ROUNDS 3   // that of a host that has just come is not measured yet

struct followed {
    char *name, *host, *gaps;
    uint64_t offset;
    struct text rest; // of the last line
    bool ended;
};

struct following {
    struct client *client;
    const char *scope;
    struct log_lines *lines;
    struct followed **streams; // what is held back points to their names
    size_t count, capacity;
    struct map *by_name;
    struct map *clocks; // host -> int64_t: its boottime minus the coordinator's; of those that were measured
    bool clocks_are_due;
    unsigned round;
    struct log_order order;
    bool any;
};

// ---- clocks

static void clocks_free(struct map **clocks)
{
    for (struct map_entry *entry = map_first(*clocks); entry; entry = map_next(*clocks, entry)) {
        free(entry->value);
    }
    map_free(clocks);
}

static int learn_clocks(struct following *following)
{
    Pb__ListAgents list = PB__LIST_AGENTS__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_LIST_AGENTS;
    request.list_agents = &list;
    for (bool more = true; more;) {
        Pb__Reply *reply;
        int status = client_call(following->client, &request, &reply);
        if (status) {
            return status;
        }
        for (size_t i = 0; i < reply->agents->n_agents; i++) {
            const Pb__AgentRow *row = reply->agents->agents[i];
            if (row->clock_error_ns) {
                int64_t *offset_ns = NEW(int64_t);
                *offset_ns = row->clock_offset_ns;
                free(map_put_text(following->clocks, row->name, offset_ns));
            }
        }
        list.after = reply->agents->next;
        more = reply->agents->more;
    }
    following->clocks_are_due = false;
    return 0;
}

static bool knows_clocks(const struct following *following)
{
    for (size_t i = 0; i < following->count; i++) {
        if (!map_get_text(following->clocks, following->streams[i]->host)) {
            return false;
        }
    }
    return true;
}

static int64_t time_of(const struct following *following, const struct followed *stream, uint64_t boottime_us)
{
    const int64_t *offset_ns = map_get_text(following->clocks, stream->host);
    return offset_ns && boottime_us ? (int64_t)boottime_us * NS_PER_US - *offset_ns : 0;
}

// ---- lines

static void print(void *context, const struct log_line *line)
{
    struct following *following = context;
    const struct log_origin origin = {line->name, line->host, line->time_ns};
    log_lines_one(following->lines, &origin, line->text, line->bytes);
    following->any = true;
}

static void hold(struct following *following, struct followed *stream, uint64_t boottime_us)
{
    struct log_line line = {.name = stream->name,
                            .host = stream->host,
                            .time_ns = time_of(following, stream, boottime_us),
                            .arrived_ms = clock_boottime_ns() / NS_PER_MS,
                            .text = memory_new(stream->rest.length + 1),
                            .bytes = stream->rest.length};
    memcpy(line.text, text_string(&stream->rest), line.bytes);
    text_clear(&stream->rest);
    log_order_add(&following->order, &line);
}

static void take(struct following *following, struct followed *stream, const struct bus_piece *piece)
{
    const char *at = (const char *)piece->data, *end = at + piece->bytes, *newline;
    while (at < end && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        text_append_bytes(&stream->rest, at, (size_t)(newline - at));
        hold(following, stream, read_marks_time_us(&piece->marks, stream->offset + (uint64_t)(newline - (const char *)piece->data)));
        at = newline + 1;
    }
    text_append_bytes(&stream->rest, at, (size_t)(end - at));
    stream->offset += piece->bytes;
    if (stream->rest.length > LOG_LINE_MAX_BYTES || (piece->end && stream->rest.length)) {
        hold(following, stream, read_marks_time_us(&piece->marks, stream->offset - (stream->offset > 0)));
    }
}

// Everything that is there now. 0, or an exit status.
static int read_stream(struct following *following, struct followed *stream)
{
    for (bool more = true; more && !stream->ended;) {
        struct panther_error error = {0};
        struct bus_piece piece;
        if (bus_call_follow(following->client->call, stream->name, stream->offset, &piece, &error)) {
            return error.code == PANTHER_ENOTFOUND ? 0 : client_problem(&error); // nothing of it has arrived yet, or it was removed
        }
        take(following, stream, &piece);
        stream->ended = piece.end;
        more = piece.bytes > 0;
        free(piece.data);
    }
    return 0;
}

// ---- streams

static struct followed *find(struct following *following, const struct table *rows, size_t row)
{
    const char *name = table_value(rows, row, "name");
    struct followed *stream = map_get_text(following->by_name, name);
    if (!stream && following->count < STREAMS_MAX) {
        stream = NEW(struct followed);
        stream->name = memory_string(name);
        stream->host = memory_string(table_value(rows, row, "host"));
        stream->gaps = memory_string("");
        map_put_text(following->by_name, name, stream);
        APPEND(following->streams, following->count, following->capacity) = stream;
        following->clocks_are_due |= !map_get_text(following->clocks, stream->host);
    }
    return stream;
}

// What was printed and is not kept is told when it is known.
static void tell_gaps(struct followed *stream, const char *gaps, const char *bytes)
{
    if (strcmp(gaps, stream->gaps) != 0) {
        fflush(stdout);
        fprintf(stderr, "panther-coord: %s on %s lacks %s bytes (%s)\n", stream->name, stream->host, bytes, gaps);
        free(stream->gaps);
        stream->gaps = memory_string(gaps);
    }
}

static int gather(struct following *following, bool *run_ended)
{
    struct table *rows = NULL, *runs = NULL;
    uint64_t cursor = 0;
    // Before the streams: of a run that had ended by then they are all there.
    int status = client_query(following->client, PB__TABLE__TABLE_RUNS, following->scope, &runs, &cursor, false);
    *run_ended = !status && table_count(runs) && strcmp(table_value(runs, 0, "state"), "ended") == 0;
    table_free(&runs);
    cursor = 0;
    status = status ? status : client_query(following->client, PB__TABLE__TABLE_STREAMS, following->scope, &rows, &cursor, false);
    for (size_t row = 0; !status && row < table_count(rows); row++) {
        struct followed *stream = find(following, rows, row);
        if (stream) {
            tell_gaps(stream, table_value(rows, row, "gaps"), table_value(rows, row, "dropped_bytes"));
        }
    }
    table_free(&rows);
    return status;
}

// -1: there may be more
static int look(struct following *following)
{
    bool run_ended = false, all_ended = true;
    int status = gather(following, &run_ended);
    following->clocks_are_due |= ++following->round % (knows_clocks(following) ? CLOCKS_EVERY_ROUNDS : CLOCKS_SOON_ROUNDS) == 0;
    if (!status && following->clocks_are_due) {
        status = learn_clocks(following);
    }
    for (size_t i = 0; !status && i < following->count; i++) {
        status = read_stream(following, following->streams[i]);
        all_ended &= following->streams[i]->ended;
    }
    log_order_take(&following->order, clock_boottime_ns() / NS_PER_MS, LOGS_HOLD_MS, print, following);
    fflush(stdout);
    return status ? status : run_ended && all_ended ? 0 : -1;
}

int logs_follow(struct client *client, const char *scope, struct log_lines *lines, bool *any)
{
    struct following following = {.client = client, .scope = scope, .lines = lines, .by_name = map_new(), .clocks = map_new()};
    int status;
    do {
        status = look(&following);
    } while (status == -1 && wait_while_read_ms(LOGS_EVERY_MS));
    log_order_take(&following.order, 0, 0, print, &following);
    for (size_t i = 0; i < following.count; i++) {
        struct followed *stream = following.streams[i];
        free(stream->name);
        free(stream->host);
        free(stream->gaps);
        text_free(&stream->rest);
        free(stream);
    }
    free(following.streams);
    log_order_free(&following.order);
    map_free(&following.by_name);
    clocks_free(&following.clocks);
    *any = following.any;
    return status > 0 ? status : 0;
}
