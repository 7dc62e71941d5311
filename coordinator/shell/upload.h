// A file that arrives in chunks, at any pace and any number of times: what is there decides where it goes on.
#ifndef PANTHER_COORDINATOR_SHELL_UPLOAD_H
#define PANTHER_COORDINATOR_SHELL_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

struct upload_chunk {
    uint64_t offset;
    const void *data;
    size_t bytes;
    bool last; // total_bytes and hash are known
    uint64_t total_bytes;
    const char *hash;
    uint64_t limit_bytes; // a larger file is refused
};

struct upload_state {
    uint64_t have;
    bool is_whole;  // of the right length and hash, and synced
    bool was_wrong; // it was whole but its hash is another: it was thrown away, have is 0
};
// The folder of the path exists. PANTHER_ELIMIT, PANTHER_ENOSPACE (what fitted is kept), PANTHER_EIO (thrown away).
int upload_put(const char *path, const struct upload_chunk *chunk, struct upload_state *state, struct panther_error *error);

#endif
