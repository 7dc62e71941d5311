// The clocks of one host: CLOCK_BOOTTIME, which begins anew at each boot and drifts, and a wall clock that jumps.
#ifndef PANTHER_TESTS_SIMULATION_HOST_CLOCK_H
#define PANTHER_TESTS_SIMULATION_HOST_CLOCK_H

#include <stdint.h>

struct host_clock {
    uint64_t booted_ns; // the simulation's time at boot
    uint64_t first_ns;  // what the clock showed then
    int64_t drift_ppm;
    int64_t wall_ns; // offset of the wall clock
};

uint64_t host_clock_boottime_ns(const struct host_clock *clock, uint64_t now_ns);
int64_t host_clock_wall_ns(const struct host_clock *clock, uint64_t now_ns);
uint64_t host_clock_when_ns(const struct host_clock *clock, uint64_t boottime_ns); // the simulation's time when it shows this or more

#endif
