// `panther-coord serve`: opens the store, replays it into the core, listens, and runs until SIGTERM.
#ifndef PANTHER_COORDINATOR_SHELL_SERVE_H
#define PANTHER_COORDINATOR_SHELL_SERVE_H

#include <stdint.h>

#include "common/base/error.h"
#include "coordinator/shell/retention.h"

struct serve_options {
    const char *folder;      // data folder, made by authority_init()
    const char *listen;      // "tcp://*:7400"
    const char *bulk_listen; // NULL: the control port + 1 on the same address
    const char *version;
    uint32_t case_window; // 0: the default
    bool samples_passed;  // core_options
    uint32_t passed_one_in;
    struct retention_settings retention;
    uint64_t reserve_bytes; // of the data folder's disk, for verdicts; 0: by its size
};
// Returns the exit status of the program: 0 after SIGTERM or SIGINT, 74 when the disk failed (start again: the journal is replayed).
// Negative: it could not begin; error says why.
int serve(const struct serve_options *options, struct panther_error *error);

#endif
