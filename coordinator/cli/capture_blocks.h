// Captures that still grow, put together to one: the blocks of several pcapng files, in the order in which they come, as one section. The
// bytes are from hosts under test. No input or output: capture.c reads, and writes what is whole.
#ifndef PANTHER_COORDINATOR_CLI_CAPTURE_BLOCKS_H
#define PANTHER_COORDINATOR_CLI_CAPTURE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/memory.h"

struct capture_blocks; // the section that comes out
struct capture_source;
struct capture_blocks *capture_blocks_new(void);
void capture_blocks_free(struct capture_blocks **blocks); // with its sources
// One after the other of its files, the next from its beginning on. origin: what is written as a comment at its interfaces.
struct capture_source *capture_blocks_source(struct capture_blocks *blocks, const char *origin);
// Appends the blocks that are whole now. After an error nothing more of this source can be understood.
int capture_blocks_add(struct capture_source *source, const void *data, size_t bytes, struct text *out, struct panther_error *error);
// A file of it ends here: 0, or the bytes of its last block that have not come.
size_t capture_blocks_end(struct capture_source *source);

#endif
