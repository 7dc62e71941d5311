// What streams.c (all streams of the instance) and stream.c (one of them) share.
#ifndef PANTHER_AGENT_GUARD_STREAMS_STATE_H
#define PANTHER_AGENT_GUARD_STREAMS_STATE_H

#include "agent/guard/lines.h"
#include "agent/guard/read_times.h"
#include "agent/guard/rules.h"
#include "agent/guard/streams.h"
#include "common/system/space.h"

#define STREAM_READ_BYTES (64 * 1024)
#define STREAM_TAIL_BYTES 2048

struct stream {
    struct streams *streams;
    struct stream *previous, *next;
    char *name;
    uint32_t process;
    int file; // -1: could not be made
    int pipe; // -1: fed by stream_write
    struct loop_source *source;
    bool copies, paused, full;
    uint64_t length, kept, reported;
    uint64_t looked; // kept when the disk was looked at last
    struct hasher *hasher;
    struct read_times times;
    struct lines lines;
    struct rule_matches *matches;
    stream_ended_fn *ended;
    void *context;
    size_t tail_bytes;
    char tail[2 * STREAM_TAIL_BYTES];
};

struct ended_stream {
    char *name;
    uint64_t kept;
};

struct streams {
    struct loop *loop;
    struct events *events;
    struct rules *rules;
    struct streams_callbacks callbacks;
    void *context;
    uint64_t limit;
    struct space space; // of the disk that the streams are on
    bool paused, copies_paused;
    struct stream *first;
    struct ended_stream *ended; // not reported yet
    size_t ended_count, ended_capacity;
};

// stream.c
void stream_update_watch(struct stream *stream); // in the loop or, when paused, out of it
void stream_free(struct stream *stream);         // without a word about its end

#endif
