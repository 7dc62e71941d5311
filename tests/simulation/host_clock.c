// See host_clock.h.
#include "tests/simulation/host_clock.h"

#define PPM 1000000
#define WALL_EPOCH_NS INT64_C(1790000000000000000) // some day in 2026

uint64_t host_clock_boottime_ns(const struct host_clock *clock, uint64_t now_ns)
{
    int64_t since_ns = (int64_t)(now_ns - clock->booted_ns);
    return clock->first_ns + (uint64_t)(since_ns + since_ns / PPM * clock->drift_ppm);
}

int64_t host_clock_wall_ns(const struct host_clock *clock, uint64_t now_ns)
{
    return WALL_EPOCH_NS + (int64_t)now_ns + clock->wall_ns;
}

uint64_t host_clock_when_ns(const struct host_clock *clock, uint64_t boottime_ns)
{
    if (boottime_ns <= clock->first_ns)
        return clock->booted_ns;
    int64_t shown_ns = (int64_t)(boottime_ns - clock->first_ns);
    uint64_t when_ns = clock->booted_ns + (uint64_t)(shown_ns - shown_ns / (PPM + clock->drift_ppm) * clock->drift_ppm);
    while (host_clock_boottime_ns(clock, when_ns) < boottime_ns)
        when_ns += boottime_ns - host_clock_boottime_ns(clock, when_ns);
    return when_ns;
}
