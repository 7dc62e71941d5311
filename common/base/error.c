// Errors that carry their place, and the end of a process that cannot go on.
#include "common/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Formats beside the error first: callers wrap a message in itself (error_set(error, code, "%s: %s", what, error->message)).
__attribute__((format(printf, 6, 0))) static int fill(struct panther_error *error, int code, const char *file, unsigned line,
                                                      unsigned column, const char *format, va_list arguments)
{
    if (error == NULL)
        return code;
    struct panther_error fresh = {.code = code, .line = line, .column = column};
    if (file != NULL)
        snprintf(fresh.file, sizeof fresh.file, "%s", file);
    vsnprintf(fresh.message, sizeof fresh.message, format, arguments);
    *error = fresh;
    return code;
}

int error_set(struct panther_error *error, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, NULL, 0, 0, format, arguments);
    va_end(arguments);
    return code;
}

int error_set_at(struct panther_error *error, int code, const char *file, unsigned line, unsigned column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, file, line, column, format, arguments);
    va_end(arguments);
    return code;
}

const char *error_name(int code)
{
    static const char *const names[] = {
        [0] = "no error",
        [-PANTHER_EINVALID] = "invalid",
        [-PANTHER_ENOTFOUND] = "not found",
        [-PANTHER_EEXISTS] = "exists already",
        [-PANTHER_ELIMIT] = "over a limit",
        [-PANTHER_EIO] = "input/output failed",
        [-PANTHER_ENOSPACE] = "disk full",
        [-PANTHER_EDENIED] = "denied",
        [-PANTHER_ETIMEOUT] = "timed out",
        [-PANTHER_EUNAVAILABLE] = "unavailable",
        [-PANTHER_ESTATE] = "impossible now",
        [-PANTHER_EPROTOCOL] = "protocol broken",
        [-PANTHER_EVERSION] = "version not supported",
        [-PANTHER_ECANCELLED] = "cancelled",
        [-PANTHER_ESYSTEM] = "system call failed",
        [-PANTHER_ESHORT] = "no descriptors or memory",
    };
    int count = (int)(sizeof names / sizeof *names);
    return code <= 0 && -code < count ? names[-code] : "unknown error";
}

// The one output of common/base, and the last of its process: write(2), because stdio may be what broke.
void panic_at(const char *file, int line, const char *format, ...)
{
    char text[1024];
    int length = snprintf(text, sizeof text, "panther: %s:%d: ", file, line);
    size_t used = length < 0 ? 0 : (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, sizeof text - used, format, arguments);
    va_end(arguments);
    used = strlen(text);
    if (used == sizeof text - 1)
        used--;
    text[used++] = '\n';
    if (write(STDERR_FILENO, text, used) < 0)
        abort();
    abort();
}
