// The three ways in which a server refuses, and the one in which it does not.
#include "h2_expect.h"

#include <inttypes.h>

// A PING was answered: what came before it was read. So long an error may still be on its way; with little patience, shorter.
#define GRACE_MS 300
#define GRACE_SHARE 4 // of the patience

bool h2_expect_file(struct h2 *h2, const struct h2_stream *stream)
{
    struct run *run = h2->run;
    uint64_t size = run->settings->size;
    enum arrival arrival = h2_wait_stream(h2, stream, UINT64_MAX);
    if (run_is_bad(run))
        return false;
    if (stream->is_reset && !stream->has_ended)
        return run_failed(run, "the server reset the stream (%s)", h2_error_name(stream->reset_code));
    if (!stream->has_ended && h2->has_goaway)
        return run_failed(run, "the server ended the connection (%s)", h2_error_name(h2->goaway_code));
    if (!stream->has_ended && arrival == ARRIVAL_SILENT)
        return run_silent(run, "no whole response on stream %" PRIu32 " in time", stream->id);
    if (!stream->has_ended)
        return run_failed(run, "no whole response on stream %" PRIu32 ": %s", stream->id, arrival_text(arrival));
    if (stream->status == 404)
        return run_incomplete(run, "the server has no %s: put %" PRIu64 " into its sizes", run_path(run, size), size);
    if (stream->status != 200)
        return run_failed(run, "status %u instead of 200", stream->status);
    if (stream->data_bytes != size)
        return run_violation(run, "the content has %" PRIu64 " bytes instead of %" PRIu64, stream->data_bytes, size);
    if (stream->difference >= 0)
        return run_violation(run, "the content is wrong from byte %" PRId64 " on", stream->difference);
    return true;
}

// What a server made of it: ARRIVAL_DATA when it answered a PING and nothing else came, or the stream is over.
static enum arrival wait_for_error(struct h2 *h2, const struct h2_stream *stream, bool may_be_answered)
{
    struct run *run = h2->run;
    uint64_t deadline_ns = run_deadline_ns(run);
    unsigned pings = h2->pings_acknowledged;
    bool is_answered = false;
    h2_send_ping(h2);
    while (!run_is_bad(run) && !(h2->has_goaway && h2->goaway_code != H2_NO_ERROR) && !(stream && h2_stream_is_over(stream))) {
        enum arrival arrival = h2_step(h2, deadline_ns, NULL);
        if (arrival != ARRIVAL_DATA)
            return arrival == ARRIVAL_SILENT && is_answered ? ARRIVAL_DATA : arrival;
        if (h2->pings_acknowledged > pings && !is_answered) {
            uint64_t share_ms = run->settings->patience / GRACE_SHARE, grace_ms = share_ms < GRACE_MS ? share_ms : GRACE_MS;
            uint64_t soon_ns = panther_now_ns(run->service) + grace_ms * 1000000;
            is_answered = true;
            // a response may take as long as it needs
            deadline_ns = !may_be_answered && soon_ns < deadline_ns ? soon_ns : deadline_ns;
        }
    }
    return ARRIVAL_DATA;
}

// The connection is over, with an error or without a word. True: the verdict is pass.
static bool is_connection_error(struct h2 *h2, enum arrival arrival, enum h2_error code)
{
    if (h2->has_goaway && h2->goaway_code != H2_NO_ERROR) {
        if (h2->goaway_code != (uint32_t)code)
            run_note(h2->run, "GOAWAY says %s instead of %s", h2_error_name(h2->goaway_code), h2_error_name(code));
        run_pass(h2->run, "GOAWAY, %s", h2_error_name(h2->goaway_code));
        return true;
    }
    if (arrival != ARRIVAL_CLOSED && arrival != ARRIVAL_RESET)
        return false;
    run_pass(h2->run, "%s", arrival_text(arrival));
    return true;
}

void h2_expect_connection_error(struct h2 *h2, enum h2_error code)
{
    enum arrival arrival = wait_for_error(h2, NULL, false);
    if (run_is_bad(h2->run) || is_connection_error(h2, arrival, code))
        return;
    if (arrival == ARRIVAL_SILENT)
        run_silent(h2->run, "neither the end nor a sign of life; a connection error %s MUST follow", h2_error_name(code));
    else
        run_violation(h2->run, "the server went on; a connection error %s MUST follow", h2_error_name(code));
}

// Some servers queue RST_STREAM behind content that waits for a window: it gets one.
static enum arrival wait_behind_content(struct h2 *h2, struct h2_stream *stream)
{
    h2->gives_window = true;
    h2_send_window_update(h2, NULL, H2_DEFAULT_WINDOW);
    h2_send_window_update(h2, stream, H2_DEFAULT_WINDOW);
    h2_wait_stream(h2, stream, UINT64_MAX);
    return wait_for_error(h2, NULL, false);
}

void h2_expect_stream_error(struct h2 *h2, struct h2_stream *stream, enum h2_error code)
{
    enum arrival arrival = wait_for_error(h2, stream, false);
    if (arrival == ARRIVAL_DATA && !h2->has_goaway && !stream->is_reset && !h2_stream_is_over(stream) && !run_is_bad(h2->run))
        arrival = wait_behind_content(h2, stream);
    if (run_is_bad(h2->run) || is_connection_error(h2, arrival, code))
        return;
    if (stream->is_reset && stream->reset_code != H2_NO_ERROR) {
        if (stream->reset_code != (uint32_t)code)
            run_note(h2->run, "RST_STREAM says %s instead of %s", h2_error_name(stream->reset_code), h2_error_name(code));
        run_pass(h2->run, "RST_STREAM, %s", h2_error_name(stream->reset_code));
    } else if (stream->status >= 400)
        run_pass(h2->run, "status %u", stream->status);
    else if (arrival == ARRIVAL_SILENT)
        run_silent(h2->run, "neither the end nor a sign of life; a stream error %s MUST follow", h2_error_name(code));
    else
        run_violation(h2->run, "the server went on; a stream error %s MUST follow", h2_error_name(code));
}

void h2_expect_malformed(struct h2 *h2, const struct h2_stream *stream)
{
    enum arrival arrival = wait_for_error(h2, stream, true);
    if (run_is_bad(h2->run) || is_connection_error(h2, arrival, H2_PROTOCOL_ERROR))
        return;
    // the response may be whole and the reset behind it
    if (stream->status >= 400)
        run_pass(h2->run, "status %u", stream->status);
    else if (stream->status >= 200)
        run_violation(h2->run, "status %u: the request MUST be treated as malformed (8.1.1)", stream->status);
    else if (stream->is_reset)
        run_pass(h2->run, "RST_STREAM, %s", h2_error_name(stream->reset_code));
    else
        run_silent(h2->run, "neither an error nor a response");
}

void h2_expect_error_or_response(struct h2 *h2, struct h2_stream *stream)
{
    enum arrival arrival = wait_for_error(h2, stream, false);
    if (arrival == ARRIVAL_DATA && !h2->has_goaway && !stream->is_reset && !h2_stream_is_over(stream) && !run_is_bad(h2->run))
        arrival = wait_behind_content(h2, stream);
    if (run_is_bad(h2->run) || is_connection_error(h2, arrival, H2_PROTOCOL_ERROR))
        return;
    if (stream->status >= 200 && stream->status < 400 && !stream->is_reset)
        run_note(h2->run, "status %u: the malformed request was not detected", stream->status);
    if (stream->is_reset || stream->status >= 200)
        run_pass(h2->run, stream->is_reset ? "RST_STREAM, %s" : "a response, %s",
                 h2_error_name(stream->is_reset ? stream->reset_code : H2_NO_ERROR));
    else
        run_silent(h2->run, "neither an error nor a response");
}

void h2_expect_ignored(struct h2 *h2)
{
    if (!h2_ping(h2)) {
        run_violation(h2->run, "the server does not answer PING any more%s%s; this MUST be ignored", h2->has_goaway ? ": GOAWAY, " : "",
                      h2->has_goaway ? h2_error_name(h2->goaway_code) : "");
        return;
    }
    if (h2_expect_file(h2, h2_send_get(h2)))
        run_pass(h2->run, "the connection goes on");
}

bool h2_still_answers(struct run *run)
{
    run->section = "afterwards";
    struct h2 *h2 = h2_open_plain(run);
    return h2 && h2_expect_file(h2, h2_send_get(h2));
}
