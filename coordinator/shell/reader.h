// Queries in a thread of their own, with an own read-only connection: a long one holds up nobody but other queries.
#ifndef PANTHER_COORDINATOR_SHELL_READER_H
#define PANTHER_COORDINATOR_SHELL_READER_H

#include "common/base/error.h"
#include "common/wire/wire.h"

struct loop;
struct reader;
// Queries that wait: about a second's worth; who asks more is told to come back.
#define READER_QUEUE_MAX 256

// In the loop's thread; rows (for the time of the call) or, when NULL, error.
typedef void reader_rows_fn(void *context, uint64_t route, uint64_t request, Pb__Rows *rows, const struct panther_error *error);
int reader_new(struct reader **out, const char *folder, struct loop *loop, reader_rows_fn *on_rows, void *context,
               struct panther_error *error);
void reader_free(struct reader **reader); // what still waits is not answered
// The query is copied. PANTHER_ELIMIT: READER_QUEUE_MAX wait already.
int reader_ask(struct reader *reader, uint64_t route, uint64_t request, const Pb__Query *query);

#endif
