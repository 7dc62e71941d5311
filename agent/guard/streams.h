// Captured output: each stream is a file of what was kept, a hash and a length of all that came, and lines that are compared
// with the output rules of the experiment and the line watches of the host.
#ifndef PANTHER_AGENT_GUARD_STREAMS_H
#define PANTHER_AGENT_GUARD_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "panther/v1/guard.pb-c.h"

struct arena;
struct events;
struct loop;
struct stream;
struct streams;

struct streams_callbacks {
    void (*line_seen)(void *context, uint32_t watch, const char *line);
    void (*output)(void *context, uint32_t process, const char *stream, const void *data, size_t bytes); // of streams with copies
    void (*grown)(void *context); // streams_report has something to say
};

// PANTHER_EINVALID: a rule's pattern is no regular expression.
int streams_new(struct streams **out, struct loop *loop, struct events *events, const Pb__GuardSpec *spec,
                const struct streams_callbacks *callbacks, void *context, struct panther_error *error);
void streams_free(struct streams **streams);
void streams_pause(struct streams *streams, bool paused);        // nothing is read from any pipe
void streams_pause_copies(struct streams *streams, bool paused); // nor from those whose output is copied to the host
// The first line that matches is told once. What was captured before counts as well. process 0: any; stream "": any, else the
// end of its name.
int streams_watch(struct streams *streams, const Pb__WatchLine *watch, struct panther_error *error);
// Streams that grew or ended since the last report, at most max. Returns whether there are more.
bool streams_report(struct streams *streams, size_t max, Pb__StreamsGrown *report, struct arena *arena);
void streams_forget_reports(struct streams *streams); // a new reader: every live one counts as grown

// name: unique in the instance. process 0: none.
struct stream *stream_open(struct streams *streams, const char *name, uint32_t process);
// What a person says and sees, not the service: no output rule and no watch looks at it.
struct stream *stream_open_apart(struct streams *streams, const char *name);
const char *stream_name(const struct stream *stream);
// Reads a pipe until its end, takes the descriptor over. At the end: StreamEnd is spooled, `ended` is called, the stream is freed.
typedef void stream_ended_fn(void *context, struct stream *stream);
void stream_read_from(struct stream *stream, int fd, bool copies, stream_ended_fn *ended, void *context);
void stream_write(struct stream *stream, const void *data, size_t bytes);
void stream_log(struct stream *stream, uint32_t level, const char *text); // one line with time and level
// Reads all that is in the pipe now; may reach its end and free the stream.
void stream_drain(struct stream *stream);
// Ends it here, whoever still holds the pipe; why (NULL: nothing is missing) becomes a Gap.
void stream_end(struct stream *stream, const char *why);
char *stream_tail(const struct stream *stream); // its last lines as printable text; heap

#endif
