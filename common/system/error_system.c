// Errors of the system: strerror reads locale state, so this one function of error.h is not pure and lives here.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"

static int code_of(int number)
{
    if (number == ENOSPC || number == EDQUOT)
        return PANTHER_ENOSPACE;
    if (number == EIO)
        return PANTHER_EIO;
    if (number == EMFILE || number == ENFILE || number == ENOMEM)
        return PANTHER_ESHORT;
    return PANTHER_ESYSTEM;
}

int error_system(struct panther_error *error, int number, const char *format, ...)
{
    char what[PANTHER_ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(error, code_of(number), "%s, because: %s", what, strerror(number));
}
