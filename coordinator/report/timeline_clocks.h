// Where on the axis a time of a host's own clock is. Learned from the events of that host that have their place already: the time between
// two of them lies between their places. timeline.c asks.
#ifndef PANTHER_COORDINATOR_REPORT_TIMELINE_CLOCKS_H
#define PANTHER_COORDINATOR_REPORT_TIMELINE_CLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timeline_clocks;
struct timeline_anchor {
    int64_t boottime_ns, wall_ns; // of the host when it happened
    bool has_wall;
    int64_t time_ns; // on the axis
    uint64_t error_ns;
    bool is_arrival;
    uint64_t sequence;
};
struct timeline_clocks *timeline_clocks_new(void);
void timeline_clocks_free(struct timeline_clocks **clocks);
void timeline_clocks_learn(struct timeline_clocks *clocks, const char *agent, const struct timeline_anchor *anchor);

struct timeline_place {
    int64_t time_ns, moved_ns;
    uint64_t error_ns, sequence;
    bool is_arrival;
};
// false: nothing is known of that host's clock.
bool timeline_clocks_place(struct timeline_clocks *clocks, const char *agent, int64_t time_ns, bool is_wall, struct timeline_place *place);

#endif
