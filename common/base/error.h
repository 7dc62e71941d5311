// One form of error everywhere: a call returns 0 or a negative PANTHER_E..., and fills a struct panther_error that the caller
// may leave out (NULL). Outputs are untouched on failure and a failed call has no effect.
#ifndef PANTHER_COMMON_BASE_ERROR_H
#define PANTHER_COMMON_BASE_ERROR_H

#include <stdarg.h>

enum {
    PANTHER_EINVALID = -1, // bad input: where it stands is in the error
    PANTHER_ENOTFOUND = -2,
    PANTHER_EEXISTS = -3,
    PANTHER_ELIMIT = -4,   // over a named limit
    PANTHER_EIO = -5,      // the disk or a file failed: never retried silently
    PANTHER_ENOSPACE = -6, // the disk is full: may be retried
    PANTHER_EDENIED = -7,
    PANTHER_ETIMEOUT = -8,
    PANTHER_EUNAVAILABLE = -9, // the peer is not there
    PANTHER_ESTATE = -10,      // impossible now
    PANTHER_EPROTOCOL = -11,   // a peer broke the protocol
    PANTHER_EVERSION = -12,
    PANTHER_ECANCELLED = -13,
    PANTHER_ESYSTEM = -14, // a system call failed: the message has strerror
    PANTHER_ESHORT = -15,  // no descriptor or no memory at this moment: what it was about is still there, try again
};

#define PANTHER_ERROR_MESSAGE_BYTES 512
#define PANTHER_ERROR_FILE_BYTES 128

struct panther_error {
    int code;              // 0 or PANTHER_E...
    unsigned line, column; // from 1; 0: no place
    char file[PANTHER_ERROR_FILE_BYTES];
    char message[PANTHER_ERROR_MESSAGE_BYTES];
};

// Fills *error (may be NULL) and returns code, so that `return error_set(...)` reads well.
int error_set(struct panther_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int error_set_at(struct panther_error *error, int code, const char *file, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
// "..., because: <strerror(number)>" with PANTHER_ENOSPACE for ENOSPC/EDQUOT, PANTHER_EIO for EIO, PANTHER_ESHORT for
// EMFILE/ENFILE/ENOMEM, else PANTHER_ESYSTEM.
// strerror is not pure: this one lives in common/system (error_system.c).
int error_system(struct panther_error *error, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));
const char *error_name(int code); // "not found"

// A programmer's error or memory that ran out: prints file, line and what, aborts. Input from outside never gets here.
_Noreturn void panic_at(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define PANIC(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
// An assertion that stays on in release builds.
#define INVARIANT(condition) ((condition) ? (void)0 : panic_at(__FILE__, __LINE__, "invariant does not hold: %s", #condition))

#endif
