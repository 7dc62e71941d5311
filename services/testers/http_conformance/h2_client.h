// One connection of HTTP/2: what we send is written frame by frame (also wrong ones), what the server sends is followed and judged:
// a frame or field that a server MUST NOT send fails the case, whatever the case is about. h2_client.c sends, h2_receive.c reads.
#ifndef HTTP_CONFORMANCE_H2_CLIENT_H
#define HTTP_CONFORMANCE_H2_CLIENT_H

#include "connection.h"
#include "frame.h"
#include "hpack.h"

// One more than a server's SETTINGS_MAX_CONCURRENT_STREAMS may be that h2_too_many_streams can still exceed.
#define H2_STREAMS_MAX 520
// A response's field block in all its frames: the largest that a server should need for a small file.
#define H2_BLOCK_MAX_BYTES 65536
// Frames that are sent together: a request or two.
#define H2_HELD_MAX_BYTES 16384
#define H2_DEFAULT_WINDOW 65535
#define H2_WINDOW_MAX 0x7fffffff

struct h2_stream {
    uint32_t id;
    bool is_head;    // of method HEAD: there is no content
    bool has_head;   // the final response's header section is there
    bool has_ended;  // END_STREAM
    bool is_reset;   // RST_STREAM with reset_code
    unsigned status; // 0: not yet
    uint32_t reset_code;
    int64_t window;      // what the server may still send
    bool has_length;     // content-length of the response
    uint64_t length;     // and its value
    uint64_t data_bytes; // of content
    int64_t difference;  // first byte that is not the generated content's; -1
};

struct h2 {
    struct run *run;
    struct connection *connection;
    struct hpack_table table;
    bool gives_window; // WINDOW_UPDATE by itself for what arrives
    int64_t window;
    int64_t initial_window; // of new streams
    int64_t pending_change; // of older streams once the server has acknowledged our SETTINGS
    uint32_t pending_last;  // the last of those
    unsigned settings_seen, settings_acknowledged, settings_sent;
    uint32_t peer_max_frame, peer_max_streams, peer_initial_window;
    unsigned pings_sent, pings_acknowledged;
    bool has_goaway;
    uint32_t goaway_code;
    uint32_t next_stream;
    size_t stream_count;
    struct h2_stream streams[H2_STREAMS_MAX];
    bool is_corked;
    size_t held_bytes;
    uint8_t held[H2_HELD_MAX_BYTES];
    uint32_t block_stream; // of a field block whose end is awaited; 0: none
    uint8_t block_flags;
    size_t block_bytes;
    uint8_t block[H2_BLOCK_MAX_BYTES];
};

struct h2_setting {
    uint16_t id;
    uint32_t value;
};

// Connects, sends the preface and SETTINGS (ENABLE_PUSH 0 and those given), waits for the server's SETTINGS and acknowledges them.
// NULL: the run has a verdict. The run closes it at its end.
struct h2 *h2_open(struct run *run, const struct h2_setting *settings, size_t count);
// The same on a connection that has switched to HTTP/2 by Upgrade: stream 1 is the request that asked for it, half closed.
struct h2 *h2_continue(struct run *run, struct connection *connection);
#define h2_open_plain(RUN) h2_open((RUN), NULL, 0)

// ---- sending

bool h2_send(struct h2 *h2, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t bytes);
// Frames between the two leave in one piece, so that a server reads them before it answers the first.
void h2_cork(struct h2 *h2);
void h2_uncork(struct h2 *h2);
void h2_send_settings(struct h2 *h2, const struct h2_setting *settings, size_t count);
void h2_send_window_update(struct h2 *h2, struct h2_stream *stream, uint32_t increment); // stream NULL: of the connection
void h2_send_number(struct h2 *h2, uint8_t type, uint32_t stream, uint32_t number);      // WINDOW_UPDATE, RST_STREAM as they are
void h2_send_ping(struct h2 *h2);

// :method, :scheme, :path, :authority
void h2_put_request(struct h2 *h2, struct hpack_block *block, const char *method, const char *path);
// A stream that is followed, without a frame yet.
struct h2_stream *h2_new_stream(struct h2 *h2, bool is_head);
// A request in one HEADERS frame; flags: FLAG_END_STREAM or 0. END_HEADERS is added.
struct h2_stream *h2_send_block(struct h2 *h2, const struct hpack_block *block, uint8_t flags);
// GET of the small file, whole.
struct h2_stream *h2_send_get(struct h2 *h2);
struct h2_stream *h2_send_get_path(struct h2 *h2, const char *path);

// ---- receiving

// One frame is read, followed and answered (SETTINGS and PING are acknowledged). frame may be NULL; its payload is gone with the next call.
// ARRIVAL_DATA: there was one; else why there was none. A frame that breaks the protocol gives the run its verdict.
enum arrival h2_step(struct h2 *h2, uint64_t deadline_ns, struct frame *frame);
struct h2_stream *h2_stream(struct h2 *h2, uint32_t id); // NULL: not ours
bool h2_stream_is_over(const struct h2_stream *stream);  // ended, or reset
// Until the stream is over, has `bytes` of content (UINT64_MAX: no such bound), the server has gone, or patience ends.
enum arrival h2_wait_stream(struct h2 *h2, const struct h2_stream *stream, uint64_t bytes);
// PING and its answer. False: none came.
bool h2_ping(struct h2 *h2);
// Reads what still comes for so long.
void h2_settle(struct h2 *h2, uint64_t ms);

// An accusation with its own section of RFC 9113. Returns false.
bool h2_broke(struct h2 *h2, const char *section, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
