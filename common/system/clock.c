// The two clocks: boottime for every decision (it goes on during suspend and is never set back), wall time only to show.
#include <stdint.h>
#include <time.h>

#include "common/base/error.h"
#include "common/system/loop.h"

#define NANOSECONDS_PER_SECOND 1000000000ULL

uint64_t clock_boottime_ns(void)
{
    struct timespec now;
    INVARIANT(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
    return (uint64_t)now.tv_sec * NANOSECONDS_PER_SECOND + (uint64_t)now.tv_nsec;
}

int64_t clock_wall_ns(void)
{
    struct timespec now;
    INVARIANT(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * (int64_t)NANOSECONDS_PER_SECOND + (int64_t)now.tv_nsec;
}
