// The only source of randomness: the kernel's.
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/error.h"
#include "common/system/loop.h"

void random_bytes(void *bytes, size_t count)
{
    unsigned char *next = bytes;
    while (count > 0) {
        ssize_t got = getrandom(next, count, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            PANIC("getrandom: %s", strerror(errno));
        next += got;
        count -= (size_t)got;
    }
}

uint64_t random_u64(void)
{
    uint64_t number;
    random_bytes(&number, sizeof number);
    return number;
}
