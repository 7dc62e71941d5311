// How much room a file system has, and what has to wait for it: verdicts come before logs, logs before captures. Used by the coordinator
// (data folder), by agents (state folder) and by guards (their instance's folder); each looks by itself.
#ifndef PANTHER_COMMON_SYSTEM_SPACE_H
#define PANTHER_COMMON_SYSTEM_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// From ample to none; each level has all the restrictions of those before it.
enum space_level {
    SPACE_AMPLE,
    SPACE_NO_CAPTURES, // artifacts wait or are cut
    SPACE_NO_LOGS,     // streams too
    SPACE_RESERVE,     // nothing new begins: what is left is for the verdicts of what runs
};
#define SPACE_LEVELS 4

struct space {
    uint64_t reserve_bytes;              // as configured; 0: by the disk's size
    uint64_t floors_bytes[SPACE_LEVELS]; // below it the level holds; of SPACE_AMPLE: none
    uint64_t free_bytes, total_bytes;
    enum space_level level;
};

// The reserve when it is not configured: this much, of a small disk this part.
#define SPACE_RESERVE_BYTES (UINT64_C(128) << 20)
#define SPACE_RESERVE_PART 40
// Logs stop at twice the reserve, captures at four times: what is on its way when a floor is reached still fits.
#define SPACE_LOGS_TIMES 2
#define SPACE_CAPTURES_TIMES 4
// A level ends when there is a quarter more than its floor, so that it is not entered and left with every file.
#define SPACE_RESUME_PART 4

// Looks at the file system of the path; what cannot be looked at is taken as ample. True: the level has changed.
bool space_look(struct space *space, const char *path);
// The same with figures that are known.
bool space_take(struct space *space, uint64_t free_bytes, uint64_t total_bytes);
// "less than 256MiB are free: the rest is kept for verdicts", as far as the level demands; "" when ample.
void space_why(const struct space *space, char *text, size_t bytes);

#endif
