// Cases of HTTP/2: flow control (RFC 9113, 5.2 and 6.9). That the server keeps to the windows is judged in h2_receive.c with every DATA
// frame.
#include "cases.h"
#include "h2_expect.h"

#include <inttypes.h>

// Smaller than the small file.
#define SMALL_WINDOW 40
// The server may send no more now: so long it is watched whether it does.
#define WATCH_MS 100
#define STREAM_WINDOW 16777216

void case_h2_large_body(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    uint64_t large = run->settings->large, started_ns = panther_now_ns(run->service);
    if (!h2)
        return;
    h2->gives_window = true;
    struct h2_stream *stream = h2_send_get_path(h2, run_path(run, large));
    enum arrival arrival = h2_wait_stream(h2, stream, UINT64_MAX);
    if (stream->status == 404)
        run_incomplete(run, "the server has no %s: put %" PRIu64 " into its sizes", run_path(run, large), large);
    else if (!stream->has_ended)
        run_failed(run, "%" PRIu64 " of %" PRIu64 " bytes came: %s", stream->data_bytes, large,
                   stream->is_reset ? h2_error_name(stream->reset_code) : arrival_text(arrival));
    else if (stream->status != 200 || stream->data_bytes != large)
        run_violation(run, "status %u, %" PRIu64 " of %" PRIu64 " bytes", stream->status, stream->data_bytes, large);
    else if (stream->difference >= 0)
        run_violation(run, "the content is wrong from byte %" PRId64 " on", stream->difference);
    run_pass(run, "%" PRIu64 " bytes", large);
    panther_metric(run->service, "transfer_time", (double)(panther_now_ns(run->service) - started_ns) / 1e6, "ms", PANTHER_LOWER_IS_BETTER);
}

// The server uses the window it has (it may wait for a larger one) and goes on when it gets more.
void case_h2_stream_window(struct run *run)
{
    struct h2 *h2 = h2_open(run, &(const struct h2_setting){SETTING_INITIAL_WINDOW_SIZE, SMALL_WINDOW}, 1);
    if (!h2)
        return;
    struct h2_stream *stream = h2_send_get(h2);
    for (unsigned i = 0; i < 2 && !run_is_bad(run) && !h2_stream_is_over(stream); i++) {
        h2_settle(h2, WATCH_MS);
        h2_send_window_update(h2, stream, SMALL_WINDOW);
    }
    h2_send_window_update(h2, stream, H2_DEFAULT_WINDOW);
    if (h2_expect_file(h2, stream))
        run_pass(run, "never more than the window");
}

// Until the connection's window is gone, but for the rest that some servers leave rather than send a small frame.
static void use_up(struct h2 *h2, const struct h2_stream *stream)
{
    h2_wait_stream(h2, stream, H2_DEFAULT_WINDOW - h2->run->settings->size / 2);
    h2_settle(h2, WATCH_MS);
}

void case_h2_connection_window(struct run *run)
{
    struct h2 *h2 = h2_open(run, &(const struct h2_setting){SETTING_INITIAL_WINDOW_SIZE, STREAM_WINDOW}, 1);
    if (!h2)
        return;
    struct h2_stream *stream = h2_send_get_path(h2, run_path(run, run->settings->large));
    use_up(h2, stream);
    if (stream->status == 404)
        run_incomplete(run, "the server has no %s", run_path(run, run->settings->large));
    uint64_t before = stream->data_bytes;
    h2_send_window_update(h2, NULL, FRAME_DEFAULT_MAX_BYTES);
    h2_wait_stream(h2, stream, before + FRAME_DEFAULT_MAX_BYTES / 2);
    h2_ping(h2);
    if (stream->data_bytes == before && !run_is_bad(run))
        run_silent(run, "nothing came after WINDOW_UPDATE");
    if (stream->status != 200 || h2_stream_is_over(stream))
        run_failed(run, "status %u%s", stream->status, h2_stream_is_over(stream) ? ", and the stream ended before its time" : "");
    run_pass(run, "%" PRIu64 " bytes, then %" PRIu64, before, stream->data_bytes - before);
}

// 6.9.2: a smaller INITIAL_WINDOW_SIZE may make a window negative; the server must count that.
void case_h2_negative_window(struct run *run)
{
    struct h2 *h2 = h2_open(run, &(const struct h2_setting){SETTING_INITIAL_WINDOW_SIZE, 2 * SMALL_WINDOW}, 1);
    if (!h2)
        return;
    struct h2_stream *stream = h2_send_get(h2);
    unsigned acknowledged = h2->settings_sent;
    h2_wait_stream(h2, stream, 2 * SMALL_WINDOW);
    h2_send_settings(h2, &(const struct h2_setting){SETTING_INITIAL_WINDOW_SIZE, SMALL_WINDOW / 2}, 1);
    uint64_t deadline_ns = run_deadline_ns(run);
    while (h2->settings_acknowledged <= acknowledged && !run_is_bad(run))
        if (h2_step(h2, deadline_ns, NULL) != ARRIVAL_DATA)
            break;
    // now at -60: 70 more leave 10
    h2_send_window_update(h2, stream, 3 * SMALL_WINDOW / 2 + 10);
    h2_settle(h2, WATCH_MS);
    h2_send_window_update(h2, stream, H2_DEFAULT_WINDOW);
    if (h2_expect_file(h2, stream))
        run_pass(run, "the window was counted below 0");
}

// ---- WINDOW_UPDATE that is wrong

static struct h2_stream *blocked(struct run *run, struct h2 **h2)
{
    *h2 = h2_open(run, &(const struct h2_setting){SETTING_INITIAL_WINDOW_SIZE, 0}, 1);
    return *h2 ? h2_send_get(*h2) : NULL;
}

void case_h2_window_update_0(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    h2_send_number(h2, FRAME_WINDOW_UPDATE, 0, 0);
    h2_expect_connection_error(h2, H2_PROTOCOL_ERROR);
}

void case_h2_window_update_0_stream(struct run *run)
{
    struct h2 *h2;
    struct h2_stream *stream = blocked(run, &h2);
    if (!stream)
        return;
    h2_send_number(h2, FRAME_WINDOW_UPDATE, stream->id, 0);
    h2_expect_stream_error(h2, stream, H2_PROTOCOL_ERROR);
}

void case_h2_window_overflow(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    h2_send_number(h2, FRAME_WINDOW_UPDATE, 0, H2_WINDOW_MAX);
    h2_expect_connection_error(h2, H2_FLOW_CONTROL_ERROR);
}

// Another stream has used up the connection's window: so the stream's own cannot get smaller before the server reads the update.
void case_h2_window_overflow_stream(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    struct h2_stream *other = h2_send_get_path(h2, run_path(run, run->settings->large));
    use_up(h2, other);
    // what is left of it is less than the file: the stream stays open, and keeps most of its own window
    if (h2->window >= (int64_t)run->settings->size || h2_stream_is_over(other)) {
        run_incomplete(run, "%s: the connection's window could not be used up (status %u, %" PRIu64 " bytes)", run->section, other->status,
                       other->data_bytes);
        return;
    }
    struct h2_stream *stream = h2_send_get(h2);
    h2_send_number(h2, FRAME_WINDOW_UPDATE, stream->id, H2_WINDOW_MAX);
    h2_expect_stream_error(h2, stream, H2_FLOW_CONTROL_ERROR);
}

void case_h2_window_update_length(struct run *run)
{
    struct h2 *h2 = h2_open_plain(run);
    if (!h2)
        return;
    h2_send(h2, FRAME_WINDOW_UPDATE, 0, 0, "\0\0\1", 3);
    h2_expect_connection_error(h2, H2_FRAME_SIZE_ERROR);
}
