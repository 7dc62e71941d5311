// A blocking client for command line programs: one Request, one Reply, over a loop of its own.
#ifndef PANTHER_COMMON_BUS_CALL_H
#define PANTHER_COMMON_BUS_CALL_H

#include "common/base/read_marks.h"
#include "common/bus/bus.h"
#include "common/wire/wire.h"

struct bus_call;
struct bus_piece {
    uint8_t *data; // heap
    size_t bytes;
    bool end;
    struct read_marks marks;
};
int bus_call_open(struct bus_call **out, const struct bus_peer_file *peer, uint32_t timeout_ms, struct panther_error *error);
void bus_call_close(struct bus_call **call);
// Sends request (its number is set here), waits for the reply with that number; the reply lives in the arena.
// PANTHER_EUNAVAILABLE / PANTHER_ETIMEOUT: no coordinator. A Refused reply is returned as a reply, not as an error.
int bus_call(struct bus_call *call, Pb__Request *request, struct arena *arena, Pb__Reply **reply, struct panther_error *error);
// For who has several requests on their way. Sends; its number is set here.
int bus_call_send(struct bus_call *call, Pb__Request *request, struct panther_error *error);
// The next reply, to whichever request. NULL: `fd` can be read (-1: none is watched), or the time is over. After an error nothing that was
// sent is answered any more.
int bus_call_next(struct bus_call *call, int fd, uint32_t timeout_ms, struct arena *arena, Pb__Reply **reply, struct panther_error *error);
// Bulk, opened on demand (bulk port = control port + 1 unless the endpoint's file says otherwise).
int bus_call_put_blob(struct bus_call *call, const char *hash, const void *data, size_t bytes, struct panther_error *error);
// One chunk from offset; *end: nothing follows for ever. Returns bytes in *data (heap), which may be 0 while the stream grows.
int bus_call_get(struct bus_call *call, const char *stream, const char *hash, uint64_t offset, uint8_t **data, size_t *bytes, bool *end,
                 struct panther_error *error);
// The same of a stream, with when its bytes were seen, as far as that is known.
int bus_call_follow(struct bus_call *call, const char *stream, uint64_t offset, struct bus_piece *piece, struct panther_error *error);

#endif
